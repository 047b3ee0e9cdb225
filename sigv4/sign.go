package sigv4

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"
	"sync/atomic"
	"time"
)

const (
	// UnsignedPayload leaves the body out of the signature.
	UnsignedPayload = "UNSIGNED-PAYLOAD"
	// EmptyPayload is the hash of no body, for GET and HEAD.
	EmptyPayload = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	// OmitPayload adds no X-Amz-Content-Sha256. What is signed as the body's
	// hash is the header's value if the request has one, else EmptyPayload.
	OmitPayload = ""
)

const (
	algorithm  = "AWS4-HMAC-SHA256"
	timeLayout = "20060102T150405Z"
	dayLen     = len("20060102")
)

// Steps are the texts from which a signature was made, for showing them to
// whoever must find out why a server disagrees. CanonicalRequest holds the
// session token, and Authorization or URL is as good as the request itself until
// it expires: neither belongs in a log.
type Steps struct {
	CanonicalRequest string
	StringToSign     string
	SignedHeaders    string // names joined with ";"
	Signature        string // 64 hexadecimal digits
	Authorization    string // the header's value; "" from Presign
	URL              string // the presigned URL; "" from Sign
}

// A Signer signs requests. Its zero value is ready, it is safe for concurrent
// use, and it must not be copied. It remembers a few derived keys, so keep one.
type Signer struct {
	keys atomic.Pointer[keys] // behind a pointer, where no fmt verb follows
}

// Sign signs r with headers, as of t. It sets X-Amz-Date, X-Amz-Content-Sha256
// (see OmitPayload), X-Amz-Security-Token (if c has a token) and Authorization;
// earlier ones are replaced, so a request can be signed again for each attempt.
// It sets Host and the URL's RawPath and RawQuery to the form that was signed.
// Other headers and parameters stay, those of a presigned URL too.
//
// On error, which is always an *InputError, r is unchanged.
func (s *Signer) Sign(r *http.Request, c Credentials, sc Scope, payload string, t time.Time) (Steps, error) {
	host, err := check(r, c, sc, payload, t)
	if err != nil {
		return Steps{}, err
	}
	date := t.UTC().Format(timeLayout)
	// One array for all values; the last is the Authorization to come.
	values := []string{host, date, payload, c.SessionToken, ""}
	own := [4]field{
		{"Host", values[0:1:1]},
		{dateHeader, values[1:2:2]},
		{tokenHeader, nil},
		{payloadHeader, nil},
	}
	n := len(own)
	if c.SessionToken != "" {
		own[2].values = values[3:4:4]
	}
	if payload == OmitPayload {
		n-- // whatever the request has is signed as it is
		payload = carriedPayload(r.Header)
	} else {
		own[3].values = values[2:3:3]
	}
	var room [24]field
	fields, err := appendFields(room[:0], r.Header, own[:n]...)
	if err != nil {
		return Steps{}, err
	}
	path, query := wirePath(r.URL), CanonicalQuery(r.URL.RawQuery)

	// All texts are built one after the other in one buffer and become one
	// string, of which the steps are parts.
	var text [2048]byte
	b, m := s.appendSteps(text[:0], r, path, query, fields, payload, c, sc, date)
	auth := len(b)
	b = append(b, algorithm+" Credential="...)
	b = append(b, c.AccessKeyID...)
	b = append(b, '/')
	b = append(appendScope(b, date, sc), ", SignedHeaders="...)
	b = append(b, b[m.names:m.payload-1]...)
	b = append(b, ", Signature="...)
	b = append(b, b[m.signature:m.signature+64]...)
	all := string(b)
	steps := m.steps(all)
	steps.Authorization = all[auth:]

	for _, f := range own[:n] {
		if f.key != "Host" {
			setHeader(&r.Header, f.key, f.values)
		}
	}
	values[4] = steps.Authorization
	setHeader(&r.Header, authorizationHeader, values[4:5:5])
	setTarget(r, host, path, query)
	return steps, nil
}

// marks are where the parts begin in the text that appendSteps builds.
type marks struct{ names, payload, toSign, signature int }

func (m marks) steps(text string) Steps {
	return Steps{
		CanonicalRequest: text[:m.toSign],
		StringToSign:     text[m.toSign:m.signature],
		SignedHeaders:    text[m.names : m.payload-1],
		Signature:        text[m.signature : m.signature+64],
	}
}

// appendSteps appends canonical request, string to sign and signature to b,
// which is empty.
func (s *Signer) appendSteps(b []byte, r *http.Request, path, query string, fields []field, payload string, c Credentials, sc Scope, date string) ([]byte, marks) {
	var m marks
	method := r.Method
	if method == "" {
		method = http.MethodGet
	}
	b = append(append(b, method...), '\n')
	b = append(append(b, path...), '\n')
	b = append(append(b, query...), '\n')
	b = append(appendHeaders(b, fields), '\n')
	m.names = len(b)
	b = append(appendNames(b, fields), '\n')
	m.payload = len(b)
	b = append(b, payload...)
	m.toSign = len(b)
	hash := sha256.Sum256(b)

	b = append(b, algorithm+"\n"...)
	b = append(append(b, date...), '\n')
	b = append(appendScope(b, date, sc), '\n')
	b = hex.AppendEncode(b, hash[:])
	m.signature = len(b)

	b = s.memo().sum(keyID{c.SecretAccessKey, date[:dayLen], sc}, b, b[m.toSign:])
	hash = [sha256.Size]byte(b[m.signature:])
	return hex.AppendEncode(b[:m.signature], hash[:]), m
}

func appendScope(b []byte, date string, sc Scope) []byte {
	b = append(append(b, date[:dayLen]...), '/')
	b = append(append(b, sc.Region...), '/')
	b = append(append(b, sc.Service...), '/')
	return append(b, "aws4_request"...)
}

func (s *Signer) memo() *keys {
	if k := s.keys.Load(); k != nil {
		return k
	}
	s.keys.CompareAndSwap(nil, new(keys))
	return s.keys.Load()
}

// carriedPayload returns the body's hash that the request itself states.
func carriedPayload(h http.Header) string {
	for key, values := range h {
		if strings.EqualFold(key, payloadHeader) && len(values) > 0 {
			return string(appendTrimmed(nil, values[0]))
		}
	}
	return EmptyPayload
}

// setHeader sets a header, or removes it if there are no values, whatever the
// case of the keys under which it is there.
func setHeader(h *http.Header, key string, values []string) {
	for k := range *h {
		if k != key && strings.EqualFold(k, key) {
			delete(*h, k)
		}
	}
	if values == nil {
		delete(*h, key)
		return
	}
	if *h == nil {
		*h = make(http.Header)
	}
	(*h)[key] = values
}

// setTarget makes r go out as it was signed.
func setTarget(r *http.Request, host, path, query string) {
	r.Host = host
	if r.URL.Path == "" {
		r.URL.Path = "/"
	}
	r.URL.RawPath = path
	r.URL.RawQuery = query
}
