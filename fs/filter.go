package fs

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"s3mount/s3"
)

// A Filter has the keys that a pattern matches shown, or not. Of several the last
// that matches counts; a key that none matches is shown. These are the rules of
// the AWS CLI's --include and --exclude.
//
// In a pattern * is any characters, "/" among them, ? is one, [abc] and [a-c] one
// of those, [!abc] one that is none of those. A "]" that comes first is one of
// those; a "[" that is never closed is itself, and so is all else.
type Filter struct {
	Include bool
	Pattern string // of whole keys, as they are below Options.Prefix
}

// Check says what is wrong with the pattern: that it can match nothing.
func (f Filter) Check() error {
	p, err := parsePattern(f.Pattern)
	switch {
	case err != nil:
		return err
	case len(p.tokens) == 0:
		return fmt.Errorf("an empty pattern matches nothing")
	case strings.HasPrefix(f.Pattern, "/"):
		return fmt.Errorf("the pattern %q matches nothing: it is held against what is below the mount, which does not begin with a slash", f.Pattern)
	}
	return nil
}

// filters are compiled. The nil filters show everything.
type filters struct {
	prefix int    // bytes of a key in front of what patterns are held against
	rules  []rule // the last first
	*nfa
}

type rule struct {
	include bool
	pattern pattern
}

// newFilters compiles filters of keys that begin with a prefix.
func newFilters(prefix string, all []Filter) (*filters, error) {
	f := &filters{prefix: len(prefix)}
	excludes := false
	for _, one := range all {
		if err := one.Check(); err != nil {
			return nil, err
		}
		p, _ := parsePattern(one.Pattern)
		f.rules = append([]rule{{one.Include, p}}, f.rules...)
		excludes = excludes || !one.Include
	}
	if !excludes {
		return nil, nil
	}
	f.nfa = newNFA(f.rules)
	return f, nil
}

// shows says whether an object may be shown.
func (f *filters) shows(key string) bool {
	if f == nil {
		return true
	}
	key = key[f.prefix:]
	for i := range f.rules {
		if f.rules[i].pattern.matches(key) {
			return f.rules[i].include
		}
	}
	return true
}

// keeps says whether what a listing has may be shown.
func (f *filters) keeps(e s3.Entry) bool {
	if e.Prefix {
		return f.enters(e.Key)
	}
	return f.shows(e.Key)
}

// putLocked puts an entry into the listing, to be shown or not.
func (l *listing) putLocked(e s3.Entry) {
	if f := l.tree.filter; f != nil && !f.keeps(e) {
		l.names.pass(l.prefix, e)
		return
	}
	l.names.add(l.prefix, e)
}

// enters says whether a directory may be shown: whether there could be a key below
// its prefix, or that itself, that is.
func (f *filters) enters(prefix string) bool {
	return f == nil || f.anyBelow(prefix[f.prefix:])
}

// A pattern is a parsed one.
type pattern struct {
	tokens     []token // of neighbouring stars one
	head, tail string  // how all that it matches begins and ends
}

// A token takes one character; a star any number of them.
type token struct {
	kind  tokenKind
	char  rune   // literal: this one
	spans []span // oneOf, noneOf: these
}

type tokenKind uint8

const (
	literal tokenKind = iota
	anyOne
	oneOf
	noneOf
	star
)

// A span is the characters [from, to).
type span struct{ from, to rune }

func (t *token) takes(r rune) bool {
	switch t.kind {
	case literal:
		return r == t.char
	case oneOf, noneOf:
		for _, s := range t.spans {
			if s.from <= r && r < s.to {
				return t.kind == oneOf
			}
		}
		return t.kind == noneOf
	}
	return true
}

// char gives the first character of a string, and its bytes. A byte that is no
// UTF-8 is a character of its own, behind all others.
func char(s string) (rune, int) {
	if s[0] < utf8.RuneSelf {
		return rune(s[0]), 1
	}
	r, n := utf8.DecodeRuneInString(s)
	if r == utf8.RuneError && n == 1 {
		r = utf8.MaxRune + 1 + rune(s[0])
	}
	return r, n
}

func parsePattern(s string) (p pattern, err error) {
	headEnds := false
	for len(s) > 0 {
		r, n := char(s)
		t := token{kind: literal, char: r}
		switch r {
		case '*':
			t.kind = star
		case '?':
			t.kind = anyOne
		case '[':
			if t, n, err = parseSet(s); err != nil {
				return pattern{}, err
			}
		}
		switch {
		case t.kind != literal:
			headEnds, p.tail = true, ""
		case headEnds:
			p.tail += s[:n]
		default:
			p.head, p.tail = p.head+s[:n], p.tail+s[:n]
		}
		s = s[n:]
		if last := len(p.tokens) - 1; t.kind != star || last < 0 || p.tokens[last].kind != star {
			p.tokens = append(p.tokens, t)
		}
	}
	return p, nil
}

// parseSet parses what s begins with, a set in brackets, and gives its length.
func parseSet(s string) (token, int, error) {
	t := token{kind: oneOf}
	at := 1
	if strings.HasPrefix(s[at:], "!") {
		t.kind = noneOf
		at++
	}
	end := -1
	if at < len(s) {
		end = strings.IndexByte(s[at+1:], ']') // the first of them is one of the set
	}
	if end < 0 {
		return token{kind: literal, char: '['}, 1, nil
	}
	end += at + 1
	for at < end {
		from, n := char(s[at:])
		at += n
		to := from
		if at+1 < end && s[at] == '-' { // else a hyphen is itself
			to, n = char(s[at+1:])
			at += 1 + n
			if to < from {
				return token{}, 0, fmt.Errorf("the pattern has a range from %q down to %q, in which there is nothing", from, to)
			}
		}
		t.spans = append(t.spans, span{from, to + 1})
	}
	return t, end + 1, nil
}

// matches says whether a pattern matches all of a string. Where it does not go on
// behind a star, the star takes one character more; stars in front of that one
// need not be tried again.
func (p *pattern) matches(s string) bool {
	if !strings.HasPrefix(s, p.head) || !strings.HasSuffix(s, p.tail) {
		return false
	}
	tokens := p.tokens
	i, t := 0, 0
	starAt, tried := -1, 0
	for i < len(s) {
		r, n := char(s[i:])
		switch {
		case t < len(tokens) && tokens[t].kind == star:
			if t == len(tokens)-1 {
				return true
			}
			starAt, tried = t, i
			t++
		case t < len(tokens) && tokens[t].takes(r):
			i += n
			t++
		case starAt < 0:
			return false
		default:
			_, n = char(s[tried:])
			tried += n
			i, t = tried, starAt+1
		}
	}
	return t == len(tokens) || t == len(tokens)-1 && tokens[t].kind == star
}

// cuts are where characters begin to be treated differently by a pattern.
func (p *pattern) cuts() (at []rune) {
	for _, t := range p.tokens {
		if t.kind == literal {
			at = append(at, t.char, t.char+1)
		}
		for _, s := range t.spans {
			at = append(at, s.from, s.to)
		}
	}
	return at
}
