package s3

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// Where a listing may be split, so that several requests read it at once, is a
// guess: about how many keys are between two keys. It costs a request when it is
// wrong, and never a key.

// A sample is some keys of a page: the first two, the last, and as many between.
type sample struct {
	keys []string // ascending
	at   []int    // their places in the page
	n    int      // keys of the page
}

const sampleSize = 28

func newSample(entries []Entry) sample {
	s := sample{n: len(entries)}
	add := func(i int) {
		s.keys, s.at = append(s.keys, entries[i].Key), append(s.at, i)
	}
	k := min(sampleSize, s.n)
	for i := range k {
		add(i * (s.n - 1) / max(k-1, 1))
		if i == 0 && k < s.n { // neighbours: all others may end alike
			add(1)
		}
	}
	return s
}

// A ruler measures how far keys are apart, as if they were spread evenly over
// all names that look like those of the sample. Behind root a key is a number,
// and each place has digits of its own.
type ruler struct {
	root    string
	places  [][]rune // the digits of each place, ascending
	whole   float64  // how many such names there are
	step    float64  // from one key of the sample to the next, on average
	regular bool     // and exactly so
}

const (
	maxPlaces = 32
	maxCarry  = 8       // places before the first that differs in the sample
	maxWhole  = 1 << 52 // numbers below are exact as a float64
)

// newRuler makes one from a sample of keys that begin with base.
func newRuler(base string, s sample) ruler {
	first, last := s.keys[0], s.keys[len(s.keys)-1]
	root := commonPrefix(first, last)
	r := ruler{root: root, places: placesOf(s.keys, len(root))}
	if len(r.places) > 0 {
		r.carry(base)
	}
	r.limit()
	r.step = (r.at(last) - r.at(first)) / float64(max(s.n-1, 1))
	r.regular = r.step > 0
	for i, key := range s.keys {
		r.regular = r.regular && r.at(key) == r.at(first)+r.step*float64(s.at[i])
	}
	return r
}

// refine takes the step of many keys in a row for that of the sample, where the
// two are much the same: it is known better by them.
func (r *ruler) refine(first, last string, n int) {
	if r.regular || n < 2 || !strings.HasPrefix(first, r.root) || !strings.HasPrefix(last, r.root) {
		return
	}
	step := (r.at(last) - r.at(first)) / float64(n-1)
	if step > 0.8*r.step && step < 1.25*r.step {
		r.step = step
	}
}

// commonPrefix ends where a character does.
func commonPrefix(a, b string) string {
	n := 0
	for n < min(len(a), len(b)) && a[n] == b[n] {
		n++
	}
	for n > 0 && n < len(a) && !utf8.RuneStart(a[n]) {
		n--
	}
	return a[:n]
}

// placesOf gives the characters that keys have at each place behind from, and
// those that probably come, too: who counts with some digits counts with all.
func placesOf(keys []string, from int) [][]rune {
	var places [][]rune
	for _, key := range keys {
		i := 0
		for _, c := range key[from:] {
			if i == maxPlaces {
				break
			}
			if i == len(places) {
				places = append(places, nil)
			}
			if !slices.Contains(places[i], c) {
				places[i] = append(places[i], c)
			}
			i++
		}
	}
	for i := 0; i < len(places); { // word by word
		var seen []rune
		end := i
		for ; end < len(places) && slices.ContainsFunc(places[end], alphanumeric); end++ {
			if len(places[end]) > 1 {
				seen = append(seen, places[end]...)
			}
		}
		likely := alphabet(seen)
		for ; i < end; i++ {
			if len(places[i]) > 1 {
				places[i] = append(places[i], likely...)
			}
		}
		i++
	}
	for i := range places {
		slices.Sort(places[i])
		places[i] = slices.Compact(places[i])
	}
	return places
}

func alphanumeric(c rune) bool { return strings.ContainsRune(alphanumerics, c) }

const alphanumerics = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// alphabet is what characters were probably drawn from. Letters up to f are
// hexadecimal where there are digits.
func alphabet(seen []rune) (all []rune) {
	has := func(set string) bool {
		return slices.ContainsFunc(seen, func(c rune) bool { return strings.ContainsRune(set, c) })
	}
	digits := has("0123456789")
	if digits {
		all = append(all, []rune("0123456789")...)
	}
	for _, letters := range []string{"ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz"} {
		switch {
		case has(letters[6:]) || has(letters[:6]) && !digits:
			all = append(all, []rune(letters)...)
		case has(letters[:6]):
			all = append(all, []rune(letters[:6])...)
		}
	}
	return all
}

// carry adds the places before the first that differs, where the same digits
// count: behind 000999 comes 001000.
func (r *ruler) carry(base string) {
	digits := r.places[0]
	for range maxCarry {
		c, n := utf8.DecodeLastRuneInString(r.root)
		if len(r.root)-n < len(base) || n == 0 || !slices.Contains(digits, c) {
			return
		}
		r.root = r.root[:len(r.root)-n]
		r.places = slices.Insert(r.places, 0, digits)
	}
}

// limit leaves so many places that the numbers are exact.
func (r *ruler) limit() {
	r.whole = 1
	for i, digits := range r.places {
		if r.whole*float64(len(digits)) > maxWhole {
			r.places = r.places[:i]
			return
		}
		r.whole *= float64(len(digits))
	}
}

// at is where a key is, from 0 to whole.
func (r *ruler) at(key string) float64 {
	rest, ok := strings.CutPrefix(key, r.root)
	if !ok {
		if key < r.root {
			return 0
		}
		return r.whole
	}
	at, unit := 0.0, r.whole
	for _, digits := range r.places {
		unit /= float64(len(digits))
		c, n := utf8.DecodeRuneInString(rest)
		if n == 0 {
			break
		}
		rest = rest[n:]
		i, found := slices.BinarySearch(digits, c)
		at += float64(i) * unit
		if !found {
			break
		}
	}
	return at
}

// name is the key at a place; ok is false when there is none.
func (r *ruler) name(at float64) (key string, ok bool) {
	if at < 0 || at >= r.whole {
		return "", false
	}
	b := []byte(r.root)
	unit := r.whole
	for _, digits := range r.places {
		unit /= float64(len(digits))
		i := min(int(at/unit), len(digits)-1)
		at -= float64(i) * unit
		b = utf8.AppendRune(b, digits[i])
	}
	return string(b), utf8.Valid(b)
}

// behind is the key that n keys further on from a key is probably the last of
// them; ok is false when that cannot be said.
func (r *ruler) behind(key string, n float64) (guess string, ok bool) {
	if r.step <= 0 {
		return "", false
	}
	return r.name(r.at(key) + n*r.step)
}

// between is how many keys there probably are above low, up to high.
func (r *ruler) between(low, high string) float64 {
	if r.step <= 0 {
		return 0
	}
	return (r.at(high) - r.at(low)) / r.step
}
