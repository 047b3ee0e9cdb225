package s3test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// The signature a second time. This file shares nothing with package sigv4 on
// purpose: it starts from the request as it came in, sigv4 from the one to be
// sent, and what both get wrong alike cannot be blamed on a shared line.

// A claim is what a request says of its signature.
type claim struct {
	accessKey             string
	date, region, service string   // the scope
	signed                []string // names of the signed headers
	signature             string   // hexadecimal
	token                 string
	time                  string // 20130524T000000Z
	expires               string // only if presigned
	presigned             bool
}

func (c *claim) scope() string {
	return c.date + "/" + c.region + "/" + c.service + "/aws4_request"
}

// canonicalRequest is what the client should have signed.
func canonicalRequest(r *http.Request, c *claim, payload string) string {
	path, query := rawTarget(r)
	if path == "" {
		path = "/"
	}
	// Sorted here whatever the client sent: S3 wants them so.
	names := make([]string, len(c.signed))
	for i, name := range c.signed {
		names[i] = strings.ToLower(name)
	}
	slices.Sort(names)

	lines := []string{r.Method, escape(unescape(path, false), true), canonicalQuery(query, c.presigned)}
	for _, name := range names {
		lines = append(lines, name+":"+headerValue(r, name))
	}
	lines = append(lines, "", strings.Join(names, ";"), payload)
	return strings.Join(lines, "\n")
}

func stringToSign(canonical string, c *claim) string {
	sum := sha256.Sum256([]byte(canonical))
	return "AWS4-HMAC-SHA256\n" + c.time + "\n" + c.scope() + "\n" + hex.EncodeToString(sum[:])
}

func signatureOf(toSign, secret string, c *claim) string {
	key := []byte("AWS4" + secret)
	for _, part := range []string{c.date, c.region, c.service, "aws4_request", toSign} {
		h := hmac.New(sha256.New, key)
		h.Write([]byte(part))
		key = h.Sum(nil)
	}
	return hex.EncodeToString(key)
}

// rawTarget is path and query as they stood in the request line.
func rawTarget(r *http.Request) (path, query string) {
	target := r.RequestURI
	if i := strings.Index(target, "://"); i > 0 && !strings.HasPrefix(target, "/") { // absolute form, as to a proxy
		if j := strings.IndexAny(target[i+3:], "/?"); j >= 0 {
			target = target[i+3+j:]
		} else {
			target = "/"
		}
	}
	path, query, _ = strings.Cut(target, "?")
	return path, query
}

func headerValue(r *http.Request, name string) string {
	switch name {
	case "host":
		return r.Host
	case "content-length":
		return strconv.FormatInt(r.ContentLength, 10)
	case "transfer-encoding":
		return strings.Join(r.TransferEncoding, ",")
	}
	var values []string
	for _, v := range r.Header[http.CanonicalHeaderKey(name)] {
		values = append(values, strings.Join(strings.FieldsFunc(v, func(c rune) bool { return c == ' ' || c == '\t' }), " "))
	}
	return strings.Join(values, ",")
}

func canonicalQuery(raw string, presigned bool) string {
	var pairs [][2]string
	for part := range strings.SplitSeq(raw, "&") {
		if part == "" {
			continue
		}
		name, value, _ := strings.Cut(part, "=")
		name, value = unescape(name, true), unescape(value, true)
		if presigned && name == "X-Amz-Signature" {
			continue
		}
		pairs = append(pairs, [2]string{escape(name, false), escape(value, false)})
	}
	slices.SortFunc(pairs, func(a, b [2]string) int {
		if c := strings.Compare(a[0], b[0]); c != 0 {
			return c
		}
		return strings.Compare(a[1], b[1])
	})
	parts := make([]string, len(pairs))
	for i, p := range pairs {
		parts[i] = p[0] + "=" + p[1]
	}
	return strings.Join(parts, "&")
}

// escape writes all bytes but the unreserved ones, and '/' if told so, as %XX.
func escape(s string, slash bool) string {
	const hexDigits = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(s) {
		switch c := s[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9',
			c == '-', c == '.', c == '_', c == '~', c == '/' && slash:
			b.WriteByte(c)
		default:
			b.Write([]byte{'%', hexDigits[c>>4], hexDigits[c&15]})
		}
	}
	return b.String()
}

// unescape decodes %XX, and in a query '+'. A '%' that begins no escape is
// itself.
func unescape(s string, query bool) string {
	if !strings.ContainsAny(s, "%+") {
		return s
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c == '+' && query:
			c = ' '
		case c == '%' && i+2 < len(s):
			if d, err := strconv.ParseUint(s[i+1:i+3], 16, 8); err == nil {
				c = byte(d)
				i += 2
			}
		}
		b = append(b, c)
	}
	return string(b)
}
