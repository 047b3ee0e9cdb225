package explain

import (
	"slices"
	"strings"

	"s3mount/sigv4"
)

const algorithm = "AWS4-HMAC-SHA256"

// A claim is what a request says of its own signature.
type claim struct {
	version   int // 4; 2; 0: not signed
	presigned bool
	both      bool // header and URL each hold a signature

	algorithm  string
	credential string // as sent
	accessKey  string
	day        string
	region     string
	service    string
	last       string // "aws4_request"
	wellFormed bool   // the credential has all its parts
	signed     string // SignedHeaders as sent
	signature  string
	date       string // of X-Amz-Date, or the Date header
	expires    string
	token      string
	missing    []string // parts of the Authorization that are not there
}

func (c *claim) names() []string {
	return splitNames(c.signed)
}

func (c *claim) scope() string {
	return strings.Join([]string{c.day, c.region, c.service, c.last}, "/")
}

// scopeIfKnown is the scope, or nothing without a credential.
func (c *claim) scopeIfKnown() string {
	if !c.wellFormed {
		return ""
	}
	return c.scope()
}

// readClaim reads the Authorization header, or the query of a presigned URL.
func readClaim(r *request) *claim {
	c := &claim{}
	auth, _ := r.value("Authorization")
	_, v4 := parameter(r.query, "X-Amz-Signature")
	_, alg := parameter(r.query, "X-Amz-Algorithm")
	_, v2 := parameter(r.query, "AWSAccessKeyId")
	inURL := v4 || alg
	c.both = auth != "" && (inURL || v2)
	switch {
	case inURL && !strings.HasPrefix(auth, "AWS"):
		c.fromQuery(r)
	case strings.HasPrefix(auth, "AWS4"):
		c.fromHeader(r, auth)
	case strings.HasPrefix(auth, "AWS "):
		c.version = 2
		_, c.signature, _ = strings.Cut(auth, ":")
	case v2:
		c.version, c.presigned = 2, true
		c.signature, _ = parameter(r.query, "Signature")
		c.accessKey, _ = parameter(r.query, "AWSAccessKeyId")
	}
	return c
}

func (c *claim) fromQuery(r *request) {
	c.version, c.presigned = 4, true
	get := func(name string) string {
		v, ok := parameter(r.query, name)
		if !ok && name != "X-Amz-Security-Token" {
			c.missing = append(c.missing, name)
		}
		return v
	}
	c.algorithm = get("X-Amz-Algorithm")
	c.readCredential(get("X-Amz-Credential"))
	c.date = get("X-Amz-Date")
	c.expires = get("X-Amz-Expires")
	c.signed = get("X-Amz-SignedHeaders")
	c.signature = get("X-Amz-Signature")
	c.token = get("X-Amz-Security-Token")
}

func (c *claim) fromHeader(r *request, auth string) {
	c.version = 4
	c.algorithm, auth, _ = strings.Cut(auth, " ")
	has := map[string]bool{}
	var more []string
	for _, part := range strings.FieldsFunc(auth, func(r rune) bool { return r == ',' || r == ' ' || r == '\t' }) {
		name, value, ok := strings.Cut(part, "=")
		if !ok && c.signed != "" && c.signature == "" {
			more = append(more, part) // of a list that is not joined with semicolons
			continue
		}
		has[name] = true
		switch name {
		case "Credential":
			c.readCredential(value)
		case "SignedHeaders":
			c.signed = value
		case "Signature":
			c.signature = value
		}
	}
	if len(more) > 0 {
		c.signed += "," + strings.Join(more, ",")
	}
	for _, name := range []string{"Credential", "SignedHeaders", "Signature"} {
		if !has[name] {
			c.missing = append(c.missing, name)
		}
	}
	c.token, _ = r.value("X-Amz-Security-Token")
	c.date, _ = r.value("X-Amz-Date")
	if c.date == "" {
		c.date, _ = r.value("Date")
	}
}

// readCredential reads KEY/DAY/REGION/SERVICE/aws4_request. A key may hold slashes.
func (c *claim) readCredential(s string) {
	c.credential = s
	parts := strings.Split(s, "/")
	n := len(parts) - 4
	if n < 1 {
		c.accessKey = parts[0]
		return
	}
	c.accessKey = strings.Join(parts[:n], "/")
	c.day, c.region, c.service, c.last = parts[n], parts[n+1], parts[n+2], parts[n+3]
	c.wellFormed = true
}

// parameter is a parameter of a raw query, unescaped.
func parameter(query, name string) (string, bool) {
	for part := range strings.SplitSeq(query, "&") {
		n, v, _ := strings.Cut(part, "=")
		if strings.EqualFold(unescape(n), name) {
			return unescape(strings.ReplaceAll(v, "+", "%20")), true
		}
	}
	return "", false
}

// derive builds the canonical request that S3 makes of the request as sent.
func derive(r *request, c *claim) *canonical {
	d := &canonical{method: r.method, path: sigv4.CanonicalPath(r.path), query: signedQuery(r.query)}
	if d.method == "" {
		d.method = "GET"
	}
	names := c.names()
	for i, name := range names {
		names[i] = strings.ToLower(strings.TrimSpace(name))
	}
	slices.Sort(names)
	names = slices.Compact(names)
	for _, name := range names {
		value, _ := r.value(name)
		d.headers = append(d.headers, header{name, value})
	}
	d.names = strings.Join(names, ";")
	d.payload = statedPayload(r, c)
	d.text = d.render()
	return d
}

// signedQuery is the query as it is signed, which is without the signature.
func signedQuery(query string) string {
	var kept []string
	for part := range strings.SplitSeq(query, "&") {
		name, _, _ := strings.Cut(part, "=")
		if !strings.EqualFold(unescape(name), "X-Amz-Signature") {
			kept = append(kept, part)
		}
	}
	return sigv4.CanonicalQuery(strings.Join(kept, "&"))
}

// statedPayload is the last line of the canonical request.
func statedPayload(r *request, c *claim) string {
	stated, sent := r.value("X-Amz-Content-Sha256")
	switch {
	case sent:
		return stated
	case c.presigned:
		return sigv4.UnsignedPayload
	case r.body != "":
		return hexHash(r.body)
	}
	return sigv4.EmptyPayload
}

// unescape reads %XX; any other percent sign is itself.
func unescape(s string) string {
	if !strings.Contains(s, "%") {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			hi, lo := unhex(s[i+1]), unhex(s[i+2])
			if hi < 16 && lo < 16 {
				b.WriteByte(hi<<4 | lo)
				i += 2
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
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
