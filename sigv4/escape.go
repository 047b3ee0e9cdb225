package sigv4

import "strings"

const upperHex = "0123456789ABCDEF"

// plain marks the bytes that stand for themselves everywhere.
var plain = func() (t [256]bool) {
	for _, b := range []byte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~") {
		t[b] = true
	}
	return t
}()

// EscapePath returns the bytes s as a path on the wire: unreserved characters and
// '/' as they are, all others as %XX. What is already escaped is escaped again.
func EscapePath(s string) string { return escape(s, '/') }

// EscapeQuery is EscapePath for a name or a value in a query: '/' is escaped too.
func EscapeQuery(s string) string { return escape(s, 'a') }

// escape escapes s except for the plain bytes and keep.
func escape(s string, keep byte) string {
	n := 0
	for i := range len(s) {
		if c := s[i]; !plain[c] && c != keep {
			n++
		}
	}
	if n == 0 {
		return s
	}
	var b strings.Builder
	b.Grow(len(s) + 2*n)
	for i := range len(s) {
		if c := s[i]; plain[c] || c == keep {
			b.WriteByte(c)
		} else {
			b.WriteByte('%')
			b.WriteByte(upperHex[c>>4])
			b.WriteByte(upperHex[c&15])
		}
	}
	return b.String()
}

// appendByte appends c, escaped if it is neither plain nor keep.
func appendByte(dst []byte, c, keep byte) []byte {
	if plain[c] || c == keep {
		return append(dst, c)
	}
	return append(dst, '%', upperHex[c>>4], upperHex[c&15])
}

// unescapeAt reads the escape that begins at s[i].
func unescapeAt(s string, i int) (c byte, ok bool) {
	if s[i] != '%' || i+2 >= len(s) {
		return 0, false
	}
	hi, lo := unhex(s[i+1]), unhex(s[i+2])
	return hi<<4 | lo, hi < 16 && lo < 16
}

func unhex(c byte) byte {
	switch {
	case '0' <= c && c <= '9':
		return c - '0'
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10
	}
	return 255
}
