package s3test

import (
	"crypto/hmac"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"s3mount/sigv4"
)

const (
	allowedSkew = 15 * time.Minute
	timeFormat  = "20060102T150405Z"
	emptyHash   = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
)

// A keyring knows whose signatures are accepted.
type keyring struct {
	mu      sync.Mutex
	first   sigv4.Credentials
	byID    map[string]sigv4.Credentials
	expired map[string]bool // session tokens
}

func (k *keyring) accept(c sigv4.Credentials) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.byID == nil {
		k.byID, k.expired = make(map[string]sigv4.Credentials), make(map[string]bool)
	}
	k.first = c
	k.byID[c.AccessKeyID] = c
}

// Credentials are those accepted last: Options.Credentials or the last Accept.
func (s *Server) Credentials() sigv4.Credentials {
	s.keys.mu.Lock()
	defer s.keys.mu.Unlock()
	return s.keys.first
}

// Accept adds credentials to those whose signatures are accepted, and replaces
// those with the same access key id.
func (s *Server) Accept(c sigv4.Credentials) { s.keys.accept(c) }

// Expire has requests with that session token refused as ExpiredToken.
func (s *Server) Expire(token string) {
	s.keys.mu.Lock()
	defer s.keys.mu.Unlock()
	s.keys.expired[token] = true
}

// Revoke forgets credentials: their requests are refused as InvalidAccessKeyId.
func (s *Server) Revoke(accessKeyID string) {
	s.keys.mu.Lock()
	defer s.keys.mu.Unlock()
	delete(s.keys.byID, accessKeyID)
}

// verify is nil if the request may be served as far as its signature goes.
func (s *Server) verify(r *http.Request, op Op) *answer {
	c, refused := readClaim(r)
	if refused != nil {
		return refused
	}
	if c == nil {
		if s.anonymous {
			return nil
		}
		return refuse(http.StatusForbidden, "AccessDenied", "Access Denied")
	}
	if refused := s.checkScope(c, op); refused != nil {
		return refused
	}
	secret, refused := s.checkKey(c)
	if refused != nil {
		return refused
	}
	if refused := s.checkTime(c); refused != nil {
		return refused
	}
	payload, refused := checkPayload(r, c)
	if refused != nil {
		return refused
	}
	if missing := unsigned(r, c); missing != nil {
		return refuse(http.StatusForbidden, "AccessDenied", "There were headers present in the request which were not signed",
			field{"HeadersNotSigned", strings.Join(missing, ", ")})
	}
	canonical := canonicalRequest(r, c, payload)
	toSign := stringToSign(canonical, c)
	if hmac.Equal([]byte(signatureOf(toSign, secret, c)), []byte(c.signature)) {
		return nil
	}
	s.logf("s3test: %s %s: SignatureDoesNotMatch, canonical request here:\n%s", r.Method, r.URL.Path, canonical)
	return refuse(http.StatusForbidden, "SignatureDoesNotMatch",
		"The request signature we calculated does not match the signature you provided. Check your key and signing method.",
		field{"AWSAccessKeyId", c.accessKey},
		field{"StringToSign", toSign},
		field{"SignatureProvided", c.signature},
		field{"StringToSignBytes", fmt.Sprintf("% x", toSign)},
		field{"CanonicalRequest", canonical},
		field{"CanonicalRequestBytes", fmt.Sprintf("% x", canonical)})
}

// readClaim is nil without an answer if the request is not signed at all.
func readClaim(r *http.Request) (*claim, *answer) {
	_, rawQuery := rawTarget(r)
	q := parseQuery(rawQuery)
	auth := r.Header.Get("Authorization")
	presigned := q.has("X-Amz-Signature") || q.has("X-Amz-Algorithm")
	switch {
	case auth == "" && !presigned:
		return nil, nil
	case auth != "" && presigned:
		return nil, refuse(http.StatusBadRequest, "InvalidArgument", "Only one auth mechanism allowed")
	case presigned:
		c := &claim{presigned: true, signature: q.get("X-Amz-Signature"), token: q.get("X-Amz-Security-Token"),
			time: q.get("X-Amz-Date"), expires: q.get("X-Amz-Expires"), signed: strings.Split(q.get("X-Amz-SignedHeaders"), ";")}
		if q.get("X-Amz-Algorithm") != "AWS4-HMAC-SHA256" || !c.readCredential(q.get("X-Amz-Credential")) {
			return nil, c.malformed("X-Amz-Algorithm or X-Amz-Credential is not as it should be")
		}
		return c, nil
	}
	c := &claim{token: r.Header.Get("X-Amz-Security-Token"), time: r.Header.Get("X-Amz-Date")}
	rest, ok := strings.CutPrefix(auth, "AWS4-HMAC-SHA256 ")
	if !ok {
		return nil, refuse(http.StatusBadRequest, "InvalidRequest",
			"The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.")
	}
	for part := range strings.SplitSeq(rest, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		switch name {
		case "Credential":
			ok = c.readCredential(value)
		case "SignedHeaders":
			c.signed = strings.Split(value, ";")
		case "Signature":
			c.signature = value
		}
	}
	if !ok || c.accessKey == "" || c.signed == nil || c.signature == "" {
		return nil, c.malformed("a part of it is missing")
	}
	return c, nil
}

func (c *claim) readCredential(s string) bool {
	parts := strings.Split(s, "/")
	n := len(parts) - 4
	if n < 1 || parts[n+3] != "aws4_request" {
		return false
	}
	c.accessKey = strings.Join(parts[:n], "/")
	c.date, c.region, c.service = parts[n], parts[n+1], parts[n+2]
	return true
}

func (c *claim) malformed(why string, fields ...field) *answer {
	if c.presigned {
		return refuse(http.StatusBadRequest, "AuthorizationQueryParametersError", why, fields...)
	}
	return refuse(http.StatusBadRequest, "AuthorizationHeaderMalformed", "The authorization header is malformed; "+why, fields...)
}

func (s *Server) checkScope(c *claim, op Op) *answer {
	// The location of a bucket may be asked for from anywhere.
	if c.region != s.region && !(op == Location && c.region == "us-east-1") {
		a := c.malformed(fmt.Sprintf("the region '%s' is wrong; expecting '%s'", c.region, s.region), field{"Region", s.region})
		a.header.Set("X-Amz-Bucket-Region", s.region)
		return a
	}
	if c.service != "s3" {
		return c.malformed(fmt.Sprintf("incorrect service %q. This endpoint belongs to \"s3\".", c.service))
	}
	if !strings.HasPrefix(c.time, c.date+"T") {
		return c.malformed(fmt.Sprintf("Invalid credential date %q. This date is not the same as X-Amz-Date: %q.", c.date, c.time))
	}
	return nil
}

func (s *Server) checkKey(c *claim) (secret string, refused *answer) {
	s.keys.mu.Lock()
	defer s.keys.mu.Unlock()
	known, ok := s.keys.byID[c.accessKey]
	switch {
	case c.token != "" && s.keys.expired[c.token]:
		return "", refuse(http.StatusBadRequest, "ExpiredToken", "The provided token has expired.", field{"Token-0", c.token})
	case !ok:
		return "", refuse(http.StatusForbidden, "InvalidAccessKeyId",
			"The AWS Access Key Id you provided does not exist in our records.", field{"AWSAccessKeyId", c.accessKey})
	case c.token != known.SessionToken:
		return "", refuse(http.StatusBadRequest, "InvalidToken",
			"The provided token is malformed or otherwise invalid.", field{"Token-0", c.token})
	}
	return known.SecretAccessKey, nil
}

func (s *Server) checkTime(c *claim) *answer {
	now := s.now()
	at, err := time.Parse(timeFormat, c.time)
	if err != nil {
		return refuse(http.StatusForbidden, "AccessDenied", "AWS authentication requires a valid Date or x-amz-date header")
	}
	serverTime := field{"ServerTime", now.Format(time.RFC3339)}
	if !c.presigned {
		if skew := now.Sub(at); skew > allowedSkew || skew < -allowedSkew {
			return refuse(http.StatusForbidden, "RequestTimeTooSkewed",
				"The difference between the request time and the current time is too large.",
				field{"RequestTime", c.time}, serverTime,
				field{"MaxAllowedSkewMilliseconds", strconv.FormatInt(allowedSkew.Milliseconds(), 10)})
		}
		return nil
	}
	seconds, err := strconv.Atoi(c.expires)
	switch end := at.Add(time.Duration(seconds) * time.Second); {
	case err != nil, seconds < 1, seconds > 7*24*60*60:
		return c.malformed("X-Amz-Expires must be a number of seconds from 1 to 604800")
	case at.Sub(now) > allowedSkew:
		return refuse(http.StatusForbidden, "AccessDenied", "Request is not yet valid", serverTime)
	case now.After(end):
		return refuse(http.StatusForbidden, "AccessDenied", "Request has expired",
			field{"X-Amz-Expires", c.expires}, field{"Expires", end.Format(time.RFC3339)}, serverTime)
	}
	return nil
}

// checkPayload is the hash to verify with.
func checkPayload(r *http.Request, c *claim) (string, *answer) {
	hash := r.Header.Get("X-Amz-Content-Sha256")
	if c.presigned && hash == "" {
		_, rawQuery := rawTarget(r)
		hash = parseQuery(rawQuery).get("X-Amz-Content-Sha256")
	}
	switch {
	case hash == "" && c.presigned:
		return "UNSIGNED-PAYLOAD", nil
	case hash == "":
		return "", refuse(http.StatusBadRequest, "InvalidRequest", "Missing required header for this request: x-amz-content-sha256")
	case hash == "UNSIGNED-PAYLOAD", hash == emptyHash, r.ContentLength != 0:
		return hash, nil // a body is never read here: what has one is refused anyway
	}
	return "", refuse(http.StatusBadRequest, "XAmzContentSHA256Mismatch",
		"The provided 'x-amz-content-sha256' header does not match what was computed.",
		field{"ClientComputedContentSHA256", hash}, field{"S3ComputedContentSHA256", emptyHash})
}

// unsigned names the headers that must be signed and are not.
func unsigned(r *http.Request, c *claim) []string {
	var missing []string
	if !slices.Contains(c.signed, "host") {
		missing = append(missing, "host")
	}
	for name := range r.Header {
		name = strings.ToLower(name)
		if strings.HasPrefix(name, "x-amz-") && !slices.Contains(c.signed, name) {
			missing = append(missing, name)
		}
	}
	slices.Sort(missing)
	return missing
}
