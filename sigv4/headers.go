package sigv4

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
)

const (
	authorizationHeader = "Authorization"
	dateHeader          = "X-Amz-Date"
	payloadHeader       = "X-Amz-Content-Sha256"
	tokenHeader         = "X-Amz-Security-Token"
)

// A field is one line of the canonical headers, before trimming.
type field struct {
	key    string // as in the header map; compared and written in lower case
	values []string
}

// notSigned are the headers that someone on the way may change, or that Go writes
// from elsewhere: it sends Request.Host, not Header["Host"].
var notSigned = []string{
	authorizationHeader, "Host", "User-Agent", "Accept-Encoding", "Connection", "Expect",
	"Keep-Alive", "TE", "Trailer", "Transfer-Encoding", "Upgrade", "X-Amzn-Trace-Id",
}

func isSigned(key string) bool {
	for _, name := range notSigned {
		if len(name) == len(key) && strings.EqualFold(name, key) {
			return false
		}
	}
	return len(key) < len("Proxy-") || !strings.EqualFold(key[:len("Proxy-")], "Proxy-")
}

// appendFields appends the headers of h that are signed and that own does not
// replace, then own, and sorts them all.
func appendFields(dst []field, h http.Header, own ...field) ([]field, error) {
	for key, values := range h {
		isOwn := slices.ContainsFunc(own, func(f field) bool { return strings.EqualFold(f.key, key) })
		if len(values) == 0 || isOwn || !isSigned(key) {
			continue
		}
		if !isToken(key) {
			return nil, invalid("header", "a name is empty or holds a character that no header name may have")
		}
		for _, v := range values {
			if hasControl(v) {
				return nil, invalid("header "+key, "the value holds a line end or another control character")
			}
		}
		dst = append(dst, field{key, values})
	}
	for _, f := range own {
		if len(f.values) > 0 {
			dst = append(dst, f)
		}
	}
	slices.SortFunc(dst, func(a, b field) int {
		// Go writes keys that differ only in case one after the other, in
		// byte order.
		return cmp.Or(compareFold(a.key, b.key), strings.Compare(a.key, b.key))
	})
	return dst, nil
}

// appendHeaders appends the canonical headers, each line with its end.
func appendHeaders(dst []byte, fields []field) []byte {
	for i, f := range fields {
		if i > 0 && compareFold(fields[i-1].key, f.key) == 0 {
			dst[len(dst)-1] = ','
		} else {
			dst = append(appendLower(dst, f.key), ':')
		}
		for j, v := range f.values {
			if j > 0 {
				dst = append(dst, ',')
			}
			dst = appendTrimmed(dst, v)
		}
		dst = append(dst, '\n')
	}
	return dst
}

// appendNames appends the list of signed headers.
func appendNames(dst []byte, fields []field) []byte {
	for i, f := range fields {
		if i > 0 {
			if compareFold(fields[i-1].key, f.key) == 0 {
				continue
			}
			dst = append(dst, ';')
		}
		dst = appendLower(dst, f.key)
	}
	return dst
}

// appendTrimmed appends v without blanks and tabs at its ends and with runs of
// blanks as one. A tab inside stays what it is.
func appendTrimmed(dst []byte, v string) []byte {
	v = strings.Trim(v, " \t")
	for i := range len(v) {
		if v[i] != ' ' || v[i-1] != ' ' {
			dst = append(dst, v[i])
		}
	}
	return dst
}

func appendLower(dst []byte, s string) []byte {
	for i := range len(s) {
		dst = append(dst, lower(s[i]))
	}
	return dst
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		c += 'a' - 'A'
	}
	return c
}

// compareFold compares as strings.Compare does after lowering ASCII.
func compareFold(a, b string) int {
	for i := range min(len(a), len(b)) {
		if c := cmp.Compare(lower(a[i]), lower(b[i])); c != 0 {
			return c
		}
	}
	return cmp.Compare(len(a), len(b))
}
