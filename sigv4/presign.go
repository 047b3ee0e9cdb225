package sigv4

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// MaxPresign is the longest that a presigned URL can be valid. S3 ends it earlier
// when the session token expires.
const MaxPresign = 7 * 24 * time.Hour

// Presign signs r with parameters in its URL, which then serves whoever has it
// from t until expires later. The payload is usually UnsignedPayload.
//
// The parameters of an earlier Presign are replaced, and the headers that Sign
// sets are removed, because a server refuses a request signed twice. With
// OmitPayload, X-Amz-Content-Sha256 stays. All other headers are signed as in
// Sign and must be sent with the URL; no header is added. Steps.URL names the host
// that was signed, which is Request.Host if that is set. In it the parameters of
// the request come first, those of the signature after them, X-Amz-Signature last;
// the canonical request has them sorted.
//
// On error, which is always an *InputError, r is unchanged.
func (s *Signer) Presign(r *http.Request, c Credentials, sc Scope, payload string, t time.Time, expires time.Duration) (Steps, error) {
	host, err := check(r, c, sc, payload, t)
	if err != nil {
		return Steps{}, err
	}
	if expires < time.Second || expires > MaxPresign || expires%time.Second != 0 {
		return Steps{}, invalid("expiry", "must be whole seconds, from 1 second to 7 days")
	}
	if r.URL.Scheme == "" {
		return Steps{}, invalid("url", "no scheme")
	}
	own := []field{{"Host", []string{host}}, {dateHeader, nil}, {tokenHeader, nil}, {payloadHeader, nil}}
	if payload == OmitPayload {
		own = own[:3]
		payload = carriedPayload(r.Header)
	}
	fields, err := appendFields(nil, r.Header, own...)
	if err != nil {
		return Steps{}, err
	}
	date := t.UTC().Format(timeLayout)
	path := wirePath(r.URL)
	query := presignedQuery(r.URL.RawQuery, c, sc, date, expires, appendNames(nil, fields))

	b, m := s.appendSteps(nil, r, path, CanonicalQuery(query), fields, payload, c, sc, date)
	steps := m.steps(string(b))
	query += "&X-Amz-Signature=" + steps.Signature
	steps.URL = strings.ToLower(r.URL.Scheme) + "://" + host + path + "?" + query

	setHeader(&r.Header, authorizationHeader, nil)
	for _, f := range own[1:] {
		setHeader(&r.Header, f.key, nil)
	}
	setTarget(r, host, path, query)
	return steps, nil
}

// presignedQuery returns the query as it is sent: the parameters of raw that do
// not belong to an earlier signature, then those that state this one. A reader of
// the URL sees first what it asks for.
func presignedQuery(raw string, c Credentials, sc Scope, date string, expires time.Duration, names []byte) string {
	own := []struct{ name, value string }{
		{"X-Amz-Algorithm", algorithm},
		{"X-Amz-Credential", string(appendScope([]byte(c.AccessKeyID+"/"), date, sc))},
		{"X-Amz-Date", date},
		{"X-Amz-Expires", strconv.FormatInt(int64(expires/time.Second), 10)},
		{"X-Amz-Security-Token", c.SessionToken},
		{"X-Amz-SignedHeaders", string(names)},
		{"X-Amz-Signature", ""}, // not known yet
	}
	var parts []string
	for part := range strings.SplitSeq(CanonicalQuery(raw), "&") {
		name, _, ok := strings.Cut(part, "=")
		earlier := slices.ContainsFunc(own, func(p struct{ name, value string }) bool { return strings.EqualFold(p.name, name) })
		if ok && !earlier {
			parts = append(parts, part)
		}
	}
	for _, p := range own {
		if p.value != "" {
			parts = append(parts, p.name+"="+EscapeQuery(p.value))
		}
	}
	return strings.Join(parts, "&")
}
