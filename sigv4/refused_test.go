package sigv4_test

import (
	"errors"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"s3mount/sigv4"
)

// What cannot be signed is refused with the field's name, without repeating what
// might be secret, and without touching the request.
func TestRefused(t *testing.T) {
	type call struct {
		r       *http.Request
		creds   sigv4.Credentials
		scope   sigv4.Scope
		payload string
		at      time.Time
		expires time.Duration // 0: Sign
	}
	tests := []struct {
		name  string
		spoil func(*call)
		field string
	}{
		{"no key id", func(c *call) { c.creds.AccessKeyID = "" }, "access key id"},
		{"key id with a line end", func(c *call) { c.creds.AccessKeyID += "\n" }, "access key id"},
		{"key id with a slash", func(c *call) { c.creds.AccessKeyID += "/x" }, "access key id"},
		{"no secret", func(c *call) { c.creds.SecretAccessKey = "" }, "secret access key"},
		{"secret with a line end", func(c *call) { c.creds.SecretAccessKey += "\r\n" }, "secret access key"},
		{"token with a line end", func(c *call) { c.creds.SessionToken = "topsecret\n" }, "session token"},
		{"token with a blank", func(c *call) { c.creds.SessionToken = "topsecret x" }, "session token"},
		{"no region", func(c *call) { c.scope.Region = "" }, "region"},
		{"region with a slash", func(c *call) { c.scope.Region = "eu/x" }, "region"},
		{"no service", func(c *call) { c.scope.Service = "" }, "service"},
		{"service with a blank", func(c *call) { c.scope.Service = "s 3" }, "service"},
		{"time zero", func(c *call) { c.at = time.Time{} }, "time"},
		{"year 10000", func(c *call) { c.at = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) }, "time"},
		{"year 0", func(c *call) { c.at = time.Date(0, 12, 31, 0, 0, 0, 0, time.UTC) }, "time"},
		{"payload of two words", func(c *call) { c.payload = "a b" }, "payload"},
		{"method with a line end", func(c *call) { c.r.Method = "GET\n" }, "method"},
		{"no url", func(c *call) { c.r.URL = nil }, "url"},
		{"opaque url", func(c *call) { c.r.URL.Opaque = "//host/x" }, "url"},
		{"password in the url", func(c *call) { c.r.URL.User = url.UserPassword("u", "topsecret") }, "url"},
		{"path without a slash", func(c *call) { c.r.URL.Path, c.r.URL.RawPath = "x", "" }, "url"},
		{"no host", func(c *call) { c.r.Host, c.r.URL.Host = "", "" }, "host"},
		{"only a port", func(c *call) { c.r.Host = ":80" }, "host"},
		{"host with a line end", func(c *call) { c.r.Host = "h\nx" }, "host"},
		{"host with a blank", func(c *call) { c.r.Host = "a b" }, "host"},
		{"host outside ASCII", func(c *call) { c.r.Host = "küste.example" }, "host"},
		{"host with a password", func(c *call) { c.r.Host = "u:topsecret@h" }, "host"},
		{"IPv6 without brackets", func(c *call) { c.r.Host = "::1" }, "host"},
		{"brackets around a name", func(c *call) { c.r.Host = "[h]" }, "host"},
		{"something after the bracket", func(c *call) { c.r.Host = "[::1]9000" }, "host"},
		{"port that is a word", func(c *call) { c.r.Host = "h:s3" }, "host"},
		{"header with CR", func(c *call) { c.r.Header.Set("Range", "x\rtopsecret") }, "header Range"},
		{"header with LF", func(c *call) { c.r.Header["X-A"] = []string{"a", "topsecret\n"} }, "header X-A"},
		{"header with NUL", func(c *call) { c.r.Header.Set("X-A", "\x00") }, "header X-A"},
		{"header name with a line end", func(c *call) { c.r.Header["A\nB"] = []string{"x"} }, "header"},
		{"header without a name", func(c *call) { c.r.Header[""] = []string{"x"} }, "header"},
		{"expiry below a second", func(c *call) { c.expires = time.Second - 1 }, "expiry"},
		{"expiry below zero", func(c *call) { c.expires = -time.Second }, "expiry"},
		{"expiry with a fraction", func(c *call) { c.expires = 1500 * time.Millisecond }, "expiry"},
		{"expiry over a week", func(c *call) { c.expires = sigv4.MaxPresign + time.Second }, "expiry"},
		{"presigned without a scheme", func(c *call) { c.r.URL.Scheme, c.expires = "", time.Hour }, "url"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			u, err := url.Parse("https://HOST.example:443/a$b%2fc?b&a")
			if err != nil {
				t.Fatal(err)
			}
			c := call{
				r:     &http.Request{URL: u, Host: u.Host, Header: http.Header{"X-Amz-Date": {"old"}, "Authorization": {"old"}}},
				creds: example, scope: scope, payload: sigv4.EmptyPayload, at: time.Unix(1e9, 0),
			}
			tt.spoil(&c)
			before := c.r.Clone(t.Context())
			var s sigv4.Signer
			var steps sigv4.Steps
			if c.expires != 0 {
				steps, err = s.Presign(c.r, c.creds, c.scope, c.payload, c.at, c.expires)
			} else {
				steps, err = s.Sign(c.r, c.creds, c.scope, c.payload, c.at)
			}
			var bad *sigv4.InputError
			if !errors.As(err, &bad) || bad.Field != tt.field {
				t.Fatalf("error %v, want one about %q", err, tt.field)
			}
			if strings.Contains(err.Error(), "topsecret") {
				t.Errorf("the error repeats a secret: %v", err)
			}
			if steps != (sigv4.Steps{}) {
				t.Errorf("steps in spite of the error: %q", steps)
			}
			if c.r.Host != before.Host || !reflect.DeepEqual(c.r.Header, before.Header) || !reflect.DeepEqual(c.r.URL, before.URL) {
				t.Errorf("the request was changed\nfrom %+v %v\n  to %+v %v", before.URL, before.Header, c.r.URL, c.r.Header)
			}
		})
	}
}

// No expiry is not one that never comes.
func TestPresignWithoutExpiry(t *testing.T) {
	var s sigv4.Signer
	steps, err := s.Presign(rangedGet(t), example, scope, sigv4.UnsignedPayload, time.Unix(1e9, 0), 0)
	var bad *sigv4.InputError
	if !errors.As(err, &bad) || bad.Field != "expiry" {
		t.Errorf("presigned for no time: %q, %v", steps.URL, err)
	}
}

// The bounds of what is signed, from within.
func TestNotRefused(t *testing.T) {
	var s sigv4.Signer
	at := time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)
	for _, expires := range []time.Duration{time.Second, time.Minute, sigv4.MaxPresign} {
		if _, err := s.Presign(rangedGet(t), example, scope, sigv4.UnsignedPayload, at, expires); err != nil {
			t.Errorf("expiry %v: %v", expires, err)
		}
	}
	for _, r := range []*http.Request{
		{URL: &url.URL{Host: "h"}},                       // no header map, no method, no path, no scheme
		{URL: &url.URL{Path: "/x"}, Host: "127.0.0.1:1"}, // as a server sees one
		{URL: &url.URL{Host: "h", Path: "/", Fragment: "never sent"}, Header: http.Header{"A": {"tab\there"}}},
	} {
		if _, err := s.Sign(r, example, scope, sigv4.EmptyPayload, time.Unix(0, 0)); err != nil {
			t.Errorf("%+v: %v", r.URL, err)
		}
	}
}
