package sigv4

import (
	"cmp"
	"net/url"
	"slices"
	"strings"
)

// wirePath returns u's path in canonical escaping. It takes the path as net/url
// would send it, so that an escaped slash stays apart from a slash.
func wirePath(u *url.URL) string {
	if u.Path == "" {
		return "/"
	}
	if u.RawPath == "" {
		return EscapePath(u.Path)
	}
	return CanonicalPath(u.EscapedPath())
}

// CanonicalPath returns a path, escaped in some way, as it is signed: escaped once,
// in the one form, and not cleaned. It returns its own results unchanged.
func CanonicalPath(p string) string {
	if p == "" {
		return "/"
	}
	if isCanonical(p, '/') {
		return p
	}
	return string(appendCanonical(nil, p, '/', false))
}

// appendCanonical appends s, escaped in some way, in canonical escaping. Bytes
// that were escaped and are keep stay escaped.
func appendCanonical(dst []byte, s string, keep byte, plusIsBlank bool) []byte {
	for i := 0; i < len(s); i++ {
		if c, ok := unescapeAt(s, i); ok {
			dst = appendByte(dst, c, 'a')
			i += 2
		} else if s[i] == '+' && plusIsBlank {
			dst = append(dst, "%20"...)
		} else {
			dst = appendByte(dst, s[i], keep)
		}
	}
	return dst
}

// isCanonical reports whether s is its own canonical form.
func isCanonical(s string, keep byte) bool {
	for i := 0; i < len(s); i++ {
		if plain[s[i]] || s[i] == keep {
			continue
		}
		c, ok := unescapeAt(s, i)
		if !ok || plain[c] || s[i+1] != upperHex[c>>4] || s[i+2] != upperHex[c&15] {
			return false
		}
		i += 2
	}
	return true
}

// CanonicalQuery returns a raw query as it is signed: escaped, sorted, each
// parameter with its "=". It returns its own results unchanged.
func CanonicalQuery(rawQuery string) string {
	if rawQuery == "" || isCanonicalQuery(rawQuery) {
		return rawQuery
	}
	type param struct{ name, value string }
	params := make([]param, 0, 1+strings.Count(rawQuery, "&"))
	escaped := func(s string) string {
		if isCanonical(s, 'a') {
			return s
		}
		return string(appendCanonical(nil, s, 'a', true))
	}
	for part := range strings.SplitSeq(rawQuery, "&") {
		if part == "" {
			continue
		}
		name, value, _ := strings.Cut(part, "=")
		params = append(params, param{escaped(name), escaped(value)})
	}
	slices.SortFunc(params, func(a, b param) int {
		return cmp.Or(strings.Compare(a.name, b.name), strings.Compare(a.value, b.value))
	})
	var b strings.Builder
	b.Grow(len(rawQuery) + len(params))
	for i, p := range params {
		if i > 0 {
			b.WriteByte('&')
		}
		b.WriteString(p.name)
		b.WriteByte('=')
		b.WriteString(p.value)
	}
	return b.String()
}

func isCanonicalQuery(q string) bool {
	lastName, lastValue := "", ""
	for part := range strings.SplitSeq(q, "&") {
		name, value, ok := strings.Cut(part, "=")
		if !ok || !isCanonical(name, 'a') || !isCanonical(value, 'a') {
			return false
		}
		if cmp.Or(strings.Compare(lastName, name), strings.Compare(lastValue, value)) > 0 {
			return false
		}
		lastName, lastValue = name, value
	}
	return true
}
