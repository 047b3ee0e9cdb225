package sigv4_test

import (
	"bytes"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"s3mount/sigv4"
)

// What net/http writes is what was signed: the target and Host, to the byte.
func TestWireIsWhatWasSigned(t *testing.T) {
	for _, target := range []string{
		"https://h/a b+c&d=e;f,g$h:i@j!k'(l)*m",
		"https://H.example:443/[x]/100%/%2f%41//./../?prefix=a b+c&&Z&a=/",
		"http://[FE80::1%25eth0]:9000/\xff\x00é?x=#1",
		"http://h:80",
		"http://h//",
		"http://h:8080?list-type=2",
		"https://h/*",
	} {
		u, err := sigv4.ParseURL(target)
		if err != nil {
			t.Fatalf("%q: %v", target, err)
		}
		r := &http.Request{URL: u}
		var s sigv4.Signer
		steps, err := s.Sign(r, example, scope, sigv4.EmptyPayload, time.Unix(1e9, 0))
		if err != nil {
			t.Fatalf("%q: %v", target, err)
		}
		var wire bytes.Buffer
		if err := r.Write(&wire); err != nil {
			t.Fatalf("%q: %v", target, err)
		}
		signed := strings.Split(steps.CanonicalRequest, "\n")
		want := "GET " + signed[1]
		if signed[2] != "" {
			want += "?" + signed[2]
		}
		want += " HTTP/1.1\r\nHost: " + strings.TrimPrefix(signed[3], "host:") + "\r\n"
		if !strings.HasPrefix(wire.String(), want) {
			t.Errorf("%q: sent %q, want %q", target, wire.String(), want)
		}
	}
}

// A retry signs the same request again, with another time and other credentials:
// nothing of the first attempt is left.
func TestSignAgain(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	withToken := example
	withToken.SessionToken = "token"
	attempts := []struct {
		c  sigv4.Credentials
		at time.Time
	}{{withToken, at}, {withToken, at.Add(time.Second)}, {example, at.Add(24 * time.Hour)}, {example, at}}

	var s sigv4.Signer
	r := rangedGet(t)
	r.URL.RawQuery = "b=+&a"
	for i, a := range attempts {
		fresh := rangedGet(t)
		fresh.URL.RawQuery = "b=+&a"
		want, err := s.Sign(fresh, a.c, scope, sigv4.EmptyPayload, a.at)
		if err != nil {
			t.Fatal(err)
		}
		got, err := s.Sign(r, a.c, scope, sigv4.EmptyPayload, a.at)
		if err != nil {
			t.Fatal(err)
		}
		if got != want || !reflect.DeepEqual(r.Header, fresh.Header) {
			t.Errorf("attempt %d: %q %v, want %q %v", i, got, r.Header, want, fresh.Header)
		}
	}

	// Keys that are not in canonical case are replaced, too, and so are keys
	// of a request that comes from elsewhere.
	r.Header["x-amz-date"] = []string{"old"}
	r.Header["AUTHORIZATION"] = []string{"old"}
	r.Header["x-amz-security-token"] = []string{"old"}
	if _, err := s.Sign(r, example, scope, sigv4.EmptyPayload, at); err != nil {
		t.Fatal(err)
	}
	for key, values := range r.Header {
		if values[0] == "old" {
			t.Errorf("%s is still there", key)
		}
	}
}

// Presign replaces what an earlier Sign or Presign left, and keeps the rest.
func TestPresignAgain(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	c := example
	c.SessionToken = "token"
	var s sigv4.Signer
	r := rangedGet(t)
	r.URL.RawQuery = "versionId=1&x-amz-date=lower"
	fresh := rangedGet(t)
	fresh.URL.RawQuery = "versionId=1"
	if _, err := s.Sign(r, c, scope, sigv4.EmptyPayload, at); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Presign(r, c, scope, sigv4.UnsignedPayload, at, time.Hour); err != nil {
		t.Fatal(err)
	}
	got, err := s.Presign(r, example, scope, sigv4.UnsignedPayload, at.Add(time.Hour), time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	want, err := s.Presign(fresh, example, scope, sigv4.UnsignedPayload, at.Add(time.Hour), time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	if got != want || r.URL.String() != fresh.URL.String() || !reflect.DeepEqual(r.Header, fresh.Header) {
		t.Errorf("presigning again\n got: %q %v\nwant: %q %v", got, r.Header, want, fresh.Header)
	}
	for _, part := range []string{"versionId=1", "X-Amz-Expires=60", "X-Amz-SignedHeaders=host%3Bif-match%3Brange"} {
		if !strings.Contains(got.URL, part) {
			t.Errorf("%s is not in %s", part, got.URL)
		}
	}
}

// OmitPayload adds no header and believes the one that is there.
func TestOmitPayload(t *testing.T) {
	for _, tt := range []struct{ carried, want string }{
		{"", sigv4.EmptyPayload},
		{"UNSIGNED-PAYLOAD", "UNSIGNED-PAYLOAD"},
	} {
		for _, presign := range []bool{false, true} {
			r := rangedGet(t)
			if tt.carried != "" {
				r.Header["x-amz-content-sha256"] = []string{tt.carried}
			}
			var s sigv4.Signer
			steps, err := s.Sign(r, example, scope, sigv4.OmitPayload, time.Unix(1e9, 0))
			if presign {
				steps, err = s.Presign(r, example, scope, sigv4.OmitPayload, time.Unix(1e9, 0), time.Hour)
			}
			if err != nil {
				t.Fatal(err)
			}
			if !strings.HasSuffix(steps.CanonicalRequest, "\n"+tt.want) {
				t.Errorf("carrying %q: signed %q, want the payload %s", tt.carried, steps.CanonicalRequest, tt.want)
			}
			if got := r.Header.Get("X-Amz-Content-Sha256"); got != "" {
				t.Errorf("carrying %q: the header was set to %q", tt.carried, got)
			}
			if signed := strings.Contains(steps.SignedHeaders, "x-amz-content-sha256"); signed != (tt.carried != "") {
				t.Errorf("carrying %q: signed headers %s", tt.carried, steps.SignedHeaders)
			}
		}
	}
}

// Two keys that differ in case are one header on the wire, in Go's order; a key
// without values is none; Content-Length counts if it is there.
func TestHeaderMapOddities(t *testing.T) {
	r := &http.Request{URL: &url.URL{Scheme: "https", Host: "h", Path: "/"}, Header: http.Header{
		"X-A": {"1", "2"}, "x-a": {"3"}, "X-Ab": {"4"}, "X-Empty": {}, "X-Nil": nil, "X-Blank": {""},
		"Content-Length": {"0"}, "Host": {"other"}, "Te": {"x"}, "Tea": {"y"},
	}}
	var s sigv4.Signer
	steps, err := s.Sign(r, example, scope, sigv4.EmptyPayload, time.Unix(1e9, 0))
	if err != nil {
		t.Fatal(err)
	}
	want := "GET\n/\n\ncontent-length:0\nhost:h\ntea:y\nx-a:1,2,3\nx-ab:4\n" +
		"x-amz-content-sha256:" + sigv4.EmptyPayload + "\nx-amz-date:20010909T014640Z\nx-blank:\n\n" +
		"content-length;host;tea;x-a;x-ab;x-amz-content-sha256;x-amz-date;x-blank\n" + sigv4.EmptyPayload
	if steps.CanonicalRequest != want {
		t.Errorf("canonical request\n got: %q\nwant: %q", steps.CanonicalRequest, want)
	}
}

// A custom Host is what is signed and what a presigned URL names.
func TestCustomHost(t *testing.T) {
	r := rangedGet(t)
	r.Host = "CDN.example:443"
	var s sigv4.Signer
	steps, err := s.Presign(r, example, scope, sigv4.UnsignedPayload, time.Unix(1e9, 0), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(steps.CanonicalRequest, "\nhost:cdn.example\n") || !strings.HasPrefix(steps.URL, "https://cdn.example/2026/") {
		t.Errorf("signed %q for %s", steps.CanonicalRequest, steps.URL)
	}
	if r.Host != "cdn.example" || r.URL.Host != "photos.s3.eu-north-1.amazonaws.com" {
		t.Errorf("the request goes to %s as %s", r.URL.Host, r.Host)
	}
}
