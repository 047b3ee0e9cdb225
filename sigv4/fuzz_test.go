package sigv4_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"s3mount/sigv4"
)

// slowEscape is the rule of S3's documentation, byte by byte, as its own check.
func slowEscape(s, literal string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		if strings.IndexByte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"+literal, c) >= 0 {
			b.WriteByte(c)
			continue
		}
		b.WriteByte('%')
		b.WriteByte("0123456789ABCDEF"[c/16])
		b.WriteByte("0123456789ABCDEF"[c%16])
	}
	return b.String()
}

// Our signature is the SDK's, step by step, whatever the request. Left out, each
// for a reason (see also sdkSteps):
//
//   - requests that we refuse; that they deserve it is TestRefused's subject;
//   - queries that net/url does not parse ("a;b", "%zz"): the SDK drops those
//     parameters silently and so signs another request;
//   - values that begin or end with Unicode blanks, which the SDK trims and HTTP
//     does not;
//   - in the presigned form, parameters of an earlier signature, which the SDK
//     leaves in the URL;
//   - headers that are ours to set.
func FuzzAgainstSDK(f *testing.F) {
	f.Add("GET", "test.txt", "", "Range", "bytes=0-9", "", "examplebucket.s3.amazonaws.com", int64(1369353600), 0, true)
	f.Add("GET", "a b+c/../%2F/\xff", "prefix=a+b%2Bc&delimiter=/&list-type=2&&x", "X-Amz-Meta-A", " a  b ", "tok/+=", "[::1]:9000", int64(1), 1, false)
	f.Add("HEAD", "//", "q-a=1&q=2&q.o=3&Q=4&q=1", "Accept-Encoding", "gzip", "", "h:443", int64(86399), 604800, true)
	f.Add("PUT", "$&,;=:@!'()*", "lifecycle", "Content-Length", "12", "t", "h:80", int64(86400), 60, false)
	f.Fuzz(func(t *testing.T, method, key, query, name, value, token, host string, unix int64, expires int, tls bool) {
		r := &http.Request{Method: method, URL: &url.URL{Scheme: "http", Host: host, Path: "/" + key, RawQuery: query}, Header: http.Header{}}
		if tls {
			r.URL.Scheme = "https"
		}
		if name != "" {
			r.Header[http.CanonicalHeaderKey(name)] = []string{value, "second"}
		}
		switch values, err := url.ParseQuery(query); {
		case err != nil:
			t.Skip("a query that the SDK does not sign")
		case strings.TrimSpace(value) != strings.Trim(value, " \t"):
			t.Skip("a value that the SDK trims too far")
		default:
			for param := range values {
				if strings.HasPrefix(strings.ToLower(param), "x-amz-") {
					t.Skip("parameters of an earlier signature")
				}
			}
		}
		switch http.CanonicalHeaderKey(name) {
		case "X-Amz-Date", "X-Amz-Content-Sha256", "X-Amz-Security-Token", "Authorization", "Content-Length":
			t.Skip("a header that is ours to set")
		}
		creds := example
		creds.SessionToken = token
		at := time.Unix(unix&(1<<37-1), 0)
		path := slowEscape("/"+key, "/")
		orig := r.Clone(t.Context())

		var s sigv4.Signer
		if expires == 0 {
			got, err := s.Sign(r, creds, scope, sigv4.EmptyPayload, at)
			if err != nil {
				t.Skip(err)
			}
			diffSteps(t, got, sdkSteps(t, orig, r.Host, path, creds, scope, sigv4.EmptyPayload, at, 0))
			again, err := s.Sign(r, creds, scope, sigv4.EmptyPayload, at)
			if err != nil || again != got {
				t.Errorf("signing again: %v\n got: %q\nwant: %q", err, again, got)
			}
		} else {
			valid := time.Duration(expires) * time.Second
			got, err := s.Presign(r, creds, scope, sigv4.UnsignedPayload, at, valid)
			if err != nil {
				t.Skip(err)
			}
			diffSteps(t, got, sdkSteps(t, orig, r.Host, path, creds, scope, sigv4.UnsignedPayload, at, valid))
			again, err := s.Presign(r, creds, scope, sigv4.UnsignedPayload, at, valid)
			if err != nil || again != got {
				t.Errorf("presigning again: %v\n got: %q\nwant: %q", err, again, got)
			}
		}
		if got := r.URL.EscapedPath(); got != path {
			t.Errorf("the wire path is %q, want %q", got, path)
		}
	})
}

// Escaping is the documented rule, net/url undoes it, and what needs no escaping
// is left alone.
func FuzzEscape(f *testing.F) {
	for _, s := range []string{"", "a/b", "a b+c", "100%", "%2F", "\x00\xff", "Küste", "~-._", "$&+,/:;=?@"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, tt := range []struct {
			name, literal string
			escape        func(string) string
		}{{"EscapePath", "/", sigv4.EscapePath}, {"EscapeQuery", "", sigv4.EscapeQuery}} {
			got := tt.escape(s)
			if want := slowEscape(s, tt.literal); got != want {
				t.Errorf("%s(%q) = %q, want %q", tt.name, s, got, want)
			}
			if back, err := url.PathUnescape(got); back != s || err != nil {
				t.Errorf("%s(%q) = %q, which net/url reads as %q, %v", tt.name, s, got, back, err)
			}
			if !strings.Contains(got, "%") && tt.escape(got) != got {
				t.Errorf("%s changes %q, which needs no escaping", tt.name, got)
			}
		}
	})
}

// A canonical query is a fixed point, means what the raw one meant, and is sorted.
func FuzzCanonicalQuery(f *testing.F) {
	for _, q := range []string{"", "a", "b=1&a=2", "a=%2f&a=%2F", "a=+&a=%20", "&&", "=", "%zz=%", "a=b=c", "a;b=c"} {
		f.Add(q)
	}
	f.Fuzz(func(t *testing.T, q string) {
		got := sigv4.CanonicalQuery(q)
		if again := sigv4.CanonicalQuery(got); again != got {
			t.Errorf("CanonicalQuery(%q) = %q, and of that %q", q, got, again)
		}
		// A NUL sorts before all that a canonical query holds.
		parts := strings.Split(strings.ReplaceAll(got, "=", "\x00"), "&")
		if !slices.IsSorted(parts) {
			t.Errorf("CanonicalQuery(%q) = %q, which is not sorted", q, got)
		}
		values, err := url.ParseQuery(got)
		if err != nil {
			t.Fatalf("CanonicalQuery(%q) = %q: %v", q, got, err)
		}
		if want, err := url.ParseQuery(q); err == nil {
			if len(want) != len(values) {
				t.Errorf("CanonicalQuery(%q) = %q: %d names, want %d", q, got, len(values), len(want))
			}
			for name := range want {
				if len(values[name]) != len(want[name]) {
					t.Errorf("CanonicalQuery(%q) = %q: %q differs", q, got, name)
				}
			}
		}
	})
}

// Whatever is typed after the host, the path and query of ParseURL survive
// net/url and Sign unchanged.
func FuzzParseURL(f *testing.F) {
	for _, s := range []string{"/a b", "/100%", "/%2f", "//a/./../b", "/#1?x=#2", "?list-type=2", "/a?b+c", "/[x]", "/\xff\x00", "/é?ü=ß"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, typed string) {
		if typed != "" && typed[0] != '/' && typed[0] != '?' {
			typed = "/" + typed
		}
		u, err := sigv4.ParseURL("https://host" + typed)
		if err != nil {
			t.Fatal(err)
		}
		path, query := u.EscapedPath(), u.RawQuery
		if query != sigv4.CanonicalQuery(query) {
			t.Errorf("the query of %q is %q, not canonical", typed, query)
		}
		std, err := url.Parse(u.String())
		if err != nil || std.EscapedPath() != path || std.RawQuery != query {
			t.Errorf("net/url reads %q as %v, %v; want path %q and query %q", u, std, err, path, query)
		}
		var s sigv4.Signer
		r := &http.Request{URL: u}
		if _, err := s.Sign(r, example, scope, sigv4.EmptyPayload, time.Unix(1, 0)); err != nil {
			t.Fatal(err)
		}
		if u.EscapedPath() != path || u.RawQuery != query {
			t.Errorf("signing made %q?%q of %q?%q", u.EscapedPath(), u.RawQuery, path, query)
		}
	})
}
