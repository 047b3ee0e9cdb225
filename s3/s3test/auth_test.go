package s3test_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"s3mount/s3/s3test"
	"s3mount/sigv4"
)

func TestSignaturesOfOddPathsAndQueries(t *testing.T) {
	keys := []string{
		"plain", "a b", "a+b", "a%20b", "a//b", "/lead", "../up", "a/./b", "t~'()*!$&,;=:@", "ü/日本", "#?[]",
		"\x01\n", "caf\xe9", `"<>\`, "%zz", "a?list-type=2",
	}
	objects := make(map[string]string)
	for _, key := range keys {
		objects[key] = "this is " + key
	}
	c := newClient(t, s3test.Options{Text: objects})
	for _, key := range keys {
		r := c.do(t, "GET", "/bucket/"+sigv4.EscapePath(key))
		if r.body != "this is "+key {
			t.Errorf("%q: %d %q %v", key, r.StatusCode, r.body, r.err)
		}
	}
	// A plus in a path is a plus, though the signature has it as %2B.
	r := c.request(t, "GET", "/bucket/a+b")
	r.URL.RawPath = "/bucket/a+b"
	want(t, "plus on the wire", c.send(r).body, "this is a+b")
	for _, target := range []string{
		"/bucket?list-type=2&prefix=a%20b&delimiter=%2F",
		"/bucket/?prefix=a+b&list-type=2",
		"/bucket?list-type=2&prefix=&start-after=%C3%BC%2F",
		"/bucket?location",
		"/bucket?list-type=2&&Prefix=x&prefix=y",
	} {
		want(t, target, c.do(t, "GET", target).StatusCode, 200)
	}
}

func TestHostStyles(t *testing.T) {
	c := newClient(t, s3test.Options{Bucket: "photos", Text: map[string]string{"a": "1", "photos/a": "2"}})
	for _, tt := range []struct{ host, target, body string }{
		{"", "/photos/a", "1"},
		{"", "/photos/photos/a", "2"},
		{"photos.s3.eu-north-1.amazonaws.com", "/a", "1"},
		{"photos.s3.eu-north-1.amazonaws.com", "/photos/a", "2"},
		{"photos.127.0.0.1:9000", "/a", "1"},
		{"s3.eu-north-1.amazonaws.com", "/photos/a", "1"},
		{"localhost:80", "/photos/a", "1"},
		{"storage.example.com", "/photos/a", "1"},
	} {
		var headers []string
		if tt.host != "" {
			headers = []string{"Host: " + tt.host}
		}
		r := c.do(t, "GET", tt.target, headers...)
		if r.body != tt.body {
			t.Errorf("%s%s: %d %q", tt.host, tt.target, r.StatusCode, r.body)
		}
	}
	want(t, "other bucket", c.do(t, "GET", "/other/a").code(t), "NoSuchBucket")
	want(t, "other bucket's host", c.do(t, "GET", "/a", "Host: other.s3.amazonaws.com").code(t), "NoSuchBucket")
}

func TestRefusedSignatures(t *testing.T) {
	session := sigv4.Credentials{AccessKeyID: "ASIA", SecretAccessKey: "s", SessionToken: "tok/en+="}
	tests := []struct {
		name   string
		with   func(s *s3test.Server) // before the request is signed
		change func(r *http.Request)  // after it
		status int
		code   string
	}{
		{name: "header changed", change: func(r *http.Request) { r.Header.Set("X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD") }, status: 403, code: "SignatureDoesNotMatch"},
		{name: "path changed", change: func(r *http.Request) { r.URL.Path, r.URL.RawPath = "/bucket/b", "" }, status: 403, code: "SignatureDoesNotMatch"},
		{name: "query added", change: func(r *http.Request) { r.URL.RawQuery = "versionId=1" }, status: 403, code: "SignatureDoesNotMatch"},
		{name: "host changed", change: func(r *http.Request) { r.Host = "localhost" }, status: 403, code: "SignatureDoesNotMatch"},
		{name: "signed header dropped", change: func(r *http.Request) { r.Header.Del("Range") }, status: 403, code: "SignatureDoesNotMatch"},
		{name: "x-amz header not signed", change: func(r *http.Request) { r.Header.Set("X-Amz-Foo", "1") }, status: 403, code: "AccessDenied"},
		{name: "no hash", change: func(r *http.Request) { r.Header.Del("X-Amz-Content-Sha256") }, status: 400, code: "InvalidRequest"},
		{name: "another hash", change: func(r *http.Request) { r.Header.Set("X-Amz-Content-Sha256", strings.Repeat("0", 64)) }, status: 400, code: "XAmzContentSHA256Mismatch"},
		{name: "no signature", change: func(r *http.Request) { r.Header.Del("Authorization") }, status: 403, code: "AccessDenied"},
		{name: "basic auth", change: func(r *http.Request) { r.SetBasicAuth("a", "b") }, status: 400, code: "InvalidRequest"},
		{name: "half an Authorization", change: func(r *http.Request) {
			auth := r.Header.Get("Authorization")
			r.Header.Set("Authorization", auth[:strings.Index(auth, ", SignedHeaders")])
		}, status: 400, code: "AuthorizationHeaderMalformed"},
		{name: "day differs", change: func(r *http.Request) {
			r.Header.Set("X-Amz-Date", time.Now().UTC().Add(48*time.Hour).Format("20060102T150405Z"))
		}, status: 400, code: "AuthorizationHeaderMalformed"},
		{name: "server's clock 16 minutes ahead", with: func(s *s3test.Server) { s.SetClockOffset(16 * time.Minute) }, status: 403, code: "RequestTimeTooSkewed"},
		{name: "server's clock 16 minutes behind", with: func(s *s3test.Server) { s.SetClockOffset(-16 * time.Minute) }, status: 403, code: "RequestTimeTooSkewed"},
		{name: "14 minutes are fine", with: func(s *s3test.Server) { s.SetClockOffset(14 * time.Minute) }, status: 206},
		{name: "session", with: func(s *s3test.Server) { s.Accept(session) }, status: 206},
		{name: "session without token", with: func(s *s3test.Server) { s.Accept(session) }, change: func(r *http.Request) { r.Header.Del("X-Amz-Security-Token") }, status: 400, code: "InvalidToken"},
		{name: "session expired", with: func(s *s3test.Server) { s.Accept(session); s.Expire(session.SessionToken) }, status: 400, code: "ExpiredToken"},
		{name: "unknown key", with: func(s *s3test.Server) { s.Revoke(s.Credentials().AccessKeyID) }, status: 403, code: "InvalidAccessKeyId"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := newClient(t, s3test.Options{Text: map[string]string{"a": "12345"}})
			if tt.with != nil {
				tt.with(c.Server)
			}
			r := c.request(t, "GET", "/bucket/a", "Range: bytes=1-2")
			if tt.change != nil {
				tt.change(r)
			}
			got := c.send(r)
			want(t, "status", got.StatusCode, tt.status)
			if tt.code != "" {
				want(t, "code", got.code(t), tt.code)
			}
			// HEAD has the status and not a byte of XML.
			if r.Method = "HEAD"; tt.status == 403 {
				head := c.send(r)
				want(t, "status of HEAD", head.StatusCode, 403)
				want(t, "body of HEAD", head.body, "")
			}
		})
	}
}

func TestSignatureDoesNotMatchSaysWhatWasComputed(t *testing.T) {
	c := newClient(t, s3test.Options{Text: map[string]string{"a": "1"}})
	r := c.request(t, "GET", "/bucket/a?versionId=x%2Fy")
	var s sigv4.Signer
	steps, err := s.Sign(r, c.Credentials(), sigv4.Scope{Region: c.Region(), Service: "s3"}, sigv4.EmptyPayload, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", strings.Replace(steps.Authorization, steps.Signature, strings.Repeat("0", 64), 1))
	body := c.send(r).body
	for _, part := range []string{
		"<CanonicalRequest>" + strings.ReplaceAll(steps.CanonicalRequest, "&", "&amp;") + "</CanonicalRequest>",
		"<StringToSign>" + steps.StringToSign + "</StringToSign>",
		"<SignatureProvided>" + strings.Repeat("0", 64) + "</SignatureProvided>",
		"<AWSAccessKeyId>" + c.Credentials().AccessKeyID + "</AWSAccessKeyId>",
		"<StringToSignBytes>41 57 53 34 2d",
		"<CanonicalRequestBytes>47 45 54 0a",
	} {
		if !strings.Contains(body, part) {
			t.Errorf("no %s in %s", part, body)
		}
	}
}

func TestWrongRegion(t *testing.T) {
	c := newClient(t, s3test.Options{Region: "eu-north-1"})
	ask := func(method, target string) reply {
		r := c.request(t, method, target)
		scope := sigv4.Scope{Region: "us-east-1", Service: "s3"}
		if _, err := c.signer.Sign(r, c.Credentials(), scope, sigv4.EmptyPayload, time.Now()); err != nil {
			t.Fatal(err)
		}
		return c.send(r)
	}
	r := ask("GET", "/bucket/a")
	want(t, "status", r.StatusCode, 400)
	want(t, "code", r.code(t), "AuthorizationHeaderMalformed")
	want(t, "region in the header", r.Header.Get("X-Amz-Bucket-Region"), "eu-north-1")
	want(t, "region in the XML", strings.Contains(r.body, "<Region>eu-north-1</Region>"), true)
	want(t, "region for HEAD", ask("HEAD", "/bucket").Header.Get("X-Amz-Bucket-Region"), "eu-north-1")
	r = ask("GET", "/bucket?location")
	want(t, "location", strings.Contains(r.body, ">eu-north-1</LocationConstraint>"), true)
}

func TestPresigned(t *testing.T) {
	c := newClient(t, s3test.Options{Text: map[string]string{"a b": "hello"}})
	presign := func(expires time.Duration) *url.URL {
		r, _ := http.NewRequest("GET", c.Endpoint().String()+"/bucket/a%20b", nil)
		steps, err := c.signer.Presign(r, c.Credentials(), sigv4.Scope{Region: c.Region(), Service: "s3"},
			sigv4.UnsignedPayload, time.Now(), expires)
		if err != nil {
			t.Fatal(err)
		}
		u, err := url.Parse(steps.URL)
		if err != nil {
			t.Fatal(err)
		}
		return u
	}
	ask := func(u *url.URL) reply {
		r, _ := http.NewRequest("GET", u.String(), nil)
		return c.send(r)
	}
	want(t, "body", ask(presign(time.Hour)).body, "hello")
	for _, l := range c.Log() {
		want(t, "signature is kept", strings.Contains(l.Query, "X-Amz-Signature"), false)
		want(t, "the rest is kept", strings.Contains(l.Query, "X-Amz-Expires=3600"), true)
	}

	u := presign(time.Hour)
	u.RawQuery = strings.Replace(u.RawQuery, "X-Amz-Expires=3600", "X-Amz-Expires=3601", 1)
	want(t, "changed", ask(u).code(t), "SignatureDoesNotMatch")
	u.RawQuery = strings.Replace(u.RawQuery, "X-Amz-Expires=3601", "X-Amz-Expires=604801", 1)
	want(t, "more than a week", ask(u).code(t), "AuthorizationQueryParametersError")
	c.SetClockOffset(2 * time.Hour)
	r := ask(presign(time.Hour))
	want(t, "expired", r.code(t), "AccessDenied")
	want(t, "expired", strings.Contains(r.body, "Request has expired"), true)
	c.SetClockOffset(-time.Hour)
	want(t, "not yet", strings.Contains(ask(presign(time.Hour)).body, "not yet valid"), true)
}

func TestAnonymous(t *testing.T) {
	c := newClient(t, s3test.Options{Anonymous: true, Text: map[string]string{"a": "1"}})
	r, _ := http.NewRequest("GET", c.Endpoint().String()+"/bucket/a", nil)
	want(t, "unsigned", c.send(r).body, "1")
	r = c.request(t, "GET", "/bucket/a")
	r.Host = "localhost"
	want(t, "signed badly", c.send(r).code(t), "SignatureDoesNotMatch")
}
