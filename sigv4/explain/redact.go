package explain

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"s3mount/sigv4"
)

// A redactor replaces what must not be shown: it knows the secrets of one
// inquiry, and the places where such things stand.
type redactor struct{ values, sentences *strings.Replacer }

// wordLength is the length from which on something secret is looked for in our own
// sentences, too: a secret that is a word of English is no secret.
const wordLength = 12

var (
	signaturePlace = regexp.MustCompile(`(?i)(signature(?:provided>)?(?:=|%3D|%253D|: ?|>))([^&\s,;"'<…]+)`)
	tokenPlace     = regexp.MustCompile(`(?i)(security-token(?:=|%3D|%253D|: *|>))([^&\s,;"'<…]+)`)
	oldPlace       = regexp.MustCompile(`(?i)(AWS [^:\s]+:)([^\s"'<…]+)`)
)

// newRedactor collects what must not be shown.
func newRedactor(q *inquiry) redactor {
	hidden := map[string]string{}
	hide := func(value string, shown func(string) string) {
		if value == "" {
			return
		}
		to := shown(value)
		for _, form := range []string{
			value, unescape(value), unescape(unescape(value)), sigv4.EscapeQuery(value), sigv4.EscapeQuery(sigv4.EscapeQuery(value)), sigv4.EscapePath(value),
			smallDigits(sigv4.EscapeQuery(value)), strings.ToLower(value), strings.ToUpper(value), strings.TrimSpace(value), trimmed(value),
		} {
			if len(form) >= 4 {
				hidden[form] = to
			}
		}
	}
	texts := []string{q.Request, q.CanonicalRequest, q.StringToSign, q.Response, unquotePython(q.Request)}
	if q.request != nil {
		for _, h := range q.request.headers {
			texts = append(texts, h.name+":"+h.value)
		}
		texts = append(texts, q.request.query)
	}
	if q.answer != nil {
		hide(q.answer.field("SignatureProvided"), shownSignature)
		hide(q.answer.field("Token-0"), shownToken)
		texts = append(texts, q.answer.text("CanonicalRequest"))
	}
	for _, text := range texts {
		for _, m := range signaturePlace.FindAllStringSubmatch(text, -1) {
			hide(m[2], shownSignature)
		}
		for _, m := range tokenPlace.FindAllStringSubmatch(text, -1) {
			hide(m[2], shownToken)
		}
		for _, m := range oldPlace.FindAllStringSubmatch(text, -1) {
			hide(m[2], shownSignature)
		}
	}
	if c := q.claim; c != nil {
		hide(c.signature, shownSignature)
		hide(c.token, shownToken)
	}
	for _, c := range []*canonical{q.own, q.served} {
		if c != nil {
			token, _ := c.line("x-amz-security-token")
			hide(token, shownToken)
		}
	}
	if k := q.Credentials; k != nil {
		hide(k.SessionToken, shownToken)
		hide(k.SecretAccessKey, func(string) string { return "(the secret)" })
	}
	values := make([]string, 0, len(hidden))
	for v := range hidden {
		values = append(values, v)
	}
	// The longest first: one may be the beginning of another.
	slices.SortFunc(values, func(a, b string) int {
		if len(a) != len(b) {
			return len(b) - len(a)
		}
		return strings.Compare(a, b)
	})
	var pairs, long []string
	for _, v := range values {
		pairs = append(pairs, v, hidden[v])
		if len(v) >= wordLength {
			long = append(long, v, hidden[v])
		}
	}
	return redactor{strings.NewReplacer(pairs...), strings.NewReplacer(long...)}
}

// redact is a value without anything that must not be shown.
func (r redactor) redact(s string) string { return r.places(r.values.Replace(s)) }

// sentence is the same for a sentence, which is ours but for what a server says.
func (r redactor) sentence(s string) string { return r.places(r.sentences.Replace(s)) }

func (r redactor) places(s string) string {
	s = signaturePlace.ReplaceAllStringFunc(s, func(m string) string { return again(signaturePlace, m, shownSignature) })
	s = tokenPlace.ReplaceAllStringFunc(s, func(m string) string { return again(tokenPlace, m, shownToken) })
	return oldPlace.ReplaceAllStringFunc(s, func(m string) string { return again(oldPlace, m, shownSignature) })
}

func again(place *regexp.Regexp, match string, shown func(string) string) string {
	m := place.FindStringSubmatch(match)
	if len(m[2]) <= 4 {
		return match // what is left of one that was redacted
	}
	return m[1] + shown(m[2])
}

func shownSignature(s string) string { return beginning(s) + "…" }

func shownToken(s string) string { return fmt.Sprintf("%s… (%d characters)", beginning(s), len(s)) }

// beginning is the first four characters of something longer.
func beginning(s string) string {
	if len(s) < 8 {
		return ""
	}
	n := 4
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
