package s3

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"s3mount/s3/s3test"
	"s3mount/sigv4"
)

func TestWhatARequestCarries(t *testing.T) {
	tokened := sigv4.Credentials{AccessKeyID: "AKIDTEST", SecretAccessKey: "secret", SessionToken: "the-token"}
	tests := []struct {
		name   string
		edit   func(*Options)
		has    map[string]string // headers
		hasNot []string
		signed string // SignedHeaders; "": not signed
	}{
		{"signed", func(*Options) {},
			map[string]string{"X-Amz-Content-Sha256": sigv4.EmptyPayload, "Accept-Encoding": "identity", "User-Agent": "s3mount", "If-Match": `"e"`, "Range": "bytes=2-4"},
			[]string{"X-Amz-Security-Token", "X-Amz-Request-Payer", "Content-Length"},
			"host;if-match;range;x-amz-content-sha256;x-amz-date"},
		{"with a session token", func(o *Options) { o.Credentials = always(tokened) },
			map[string]string{"X-Amz-Security-Token": "the-token"}, nil,
			"host;if-match;range;x-amz-content-sha256;x-amz-date;x-amz-security-token"},
		{"requester pays", func(o *Options) { o.RequestPayer = true },
			map[string]string{"X-Amz-Request-Payer": "requester"}, nil,
			"host;if-match;range;x-amz-content-sha256;x-amz-date;x-amz-request-payer"},
		{"not signed", func(o *Options) { o.Credentials = nil },
			map[string]string{"Accept-Encoding": "identity", "Range": "bytes=2-4"},
			[]string{"Authorization", "X-Amz-Date", "X-Amz-Content-Sha256", "X-Amz-Security-Token"}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := &script{answers: []answerFunc{says(404, "")}}
			b := scripted(t, s, tt.edit)
			b.OpenRange(t.Context(), Object{Key: "k", ETag: "e", Size: 9}, 2, 5)
			h := s.reqs[0].Header
			for name, want := range tt.has {
				if got := h.Get(name); got != want {
					t.Errorf("%s: %q, want %q", name, got, want)
				}
			}
			for _, name := range tt.hasNot {
				if _, ok := h[name]; ok {
					t.Errorf("%s: %q, want none", name, h[name])
				}
			}
			if _, signed, _ := strings.Cut(h.Get("Authorization"), "SignedHeaders="); tt.signed != "" && !strings.HasPrefix(signed, tt.signed+",") {
				t.Errorf("signed headers are %q, want %q", signed, tt.signed)
			}
			if s.reqs[0].Body != nil {
				t.Error("a body is sent")
			}
		})
	}
}

func TestOnlyGetAndHeadLeave(t *testing.T) {
	s := &script{answers: []answerFunc{listed}}
	b := scripted(t, s)
	for _, method := range []string{"PUT", "POST", "DELETE", "PATCH", "OPTIONS", "CONNECT", "get", ""} {
		if _, err := b.do(t.Context(), call{op: opGet, method: method, key: "k", path: "k", idle: 1e9, retry: Retry{Attempts: 1, Deadline: 1e9}}); err == nil {
			t.Errorf("%q leaves", method)
		}
	}
	withBody, err := http.NewRequest("GET", "http://127.0.0.1:9/", strings.NewReader("x"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.transport.RoundTrip(withBody); err == nil {
		t.Error("a GET with a body leaves")
	}
	if s.count() != 0 {
		t.Errorf("%d requests have left", s.count())
	}
	free(t, b)
}

func TestABucketForAll(t *testing.T) {
	srv := s3test.New(t, s3test.Options{Anonymous: true, Text: map[string]string{"k": "hello"}})
	b := open(t, srv, func(o *Options) { o.Credentials = nil })
	got, err := list(t.Context(), b, ListOptions{})
	if err != nil || len(got) != 1 {
		t.Fatal(got, err)
	}
	body, err := b.OpenRange(t.Context(), object(t, srv, "k"), 1, 4)
	if err != nil {
		t.Fatal(err)
	}
	if text, err := readAll(body); string(text) != "ell" || err != nil {
		t.Errorf("%q, %v", text, err)
	}
}

// The length of an answer has to be that of the object: neither net/http nor
// the server may compress.
func TestNothingIsCompressedOnItsWay(t *testing.T) {
	var accept []string
	srv := s3test.New(t, s3test.Options{Text: map[string]string{"k": "hello"}})
	srv.AddRule(s3test.Rule{Match: func(r s3test.Request) bool { return true }, Times: 1, Action: s3test.Func(func(w http.ResponseWriter, r *http.Request) {
		accept = r.Header["Accept-Encoding"]
		io.WriteString(w, emptyList)
	})})
	if _, err := list(t.Context(), open(t, srv), ListOptions{}); err != nil {
		t.Fatal(err)
	}
	if len(accept) != 1 || accept[0] != "identity" {
		t.Errorf("Accept-Encoding: %q", accept)
	}
}

func TestProbeSaysWhetherABucketAnswers(t *testing.T) {
	srv := s3test.New(t, s3test.Options{Text: map[string]string{"a/b": "", "c": ""}})
	b := open(t, srv)
	for prefix, want := range map[string]bool{"": true, "a/": true, "c": true, "d": false, "a/b/": false} {
		if page, err := b.Probe(t.Context(), prefix); len(page.Entries) > 0 != want || !page.Last || err != nil {
			t.Errorf("Probe(%q) = %v, %v; want keys: %v", prefix, page, err, want)
		}
	}
	srv.ResetLog()
	b.Probe(t.Context(), "a/")
	if got := srv.Requests(); len(got) != 1 || got[0] != "LIST a/ flat" {
		t.Errorf("Probe asks %q", got)
	}

	srv.ResetLog()
	srv.AddRule(s3test.Rule{Action: s3test.Error(503, "SlowDown")})
	if _, err := b.Probe(t.Context(), ""); asError(t, err).Attempts != 3 || srv.Count("") != 3 {
		t.Errorf("after %d requests: %v; want patience for 3", srv.Count(""), err)
	}
	for what, enter := range map[string]func() error{
		"Enter":         func() error { _, err := b.Enter(t.Context(), ""); return err },
		"EnterUnlisted": func() error { return b.EnterUnlisted(t.Context(), "") },
	} {
		srv.ResetLog()
		if err := enter(); asError(t, err).Attempts != b.opts.Retry.Attempts {
			t.Errorf("%s: %v; want the patience of options", what, err)
		}
	}
	srv.ClearRules()
	nobody, err := New(Options{Name: "other", Endpoint: srv.Endpoint(), Credentials: always(srv.Credentials())})
	if err != nil {
		t.Fatal(err)
	}
	defer nobody.CloseIdleConnections()
	if _, err := nobody.Probe(context.Background(), ""); asError(t, err).Code != "NoSuchBucket" {
		t.Errorf("%v, want NoSuchBucket", err)
	}
}
