package s3

import (
	"bytes"
	"context"
	"log/slog"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"

	"s3mount/s3/s3test"
	"s3mount/sigv4"
)

// A page that any number of goroutines may write on.
type logPage struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (p *logPage) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.Write(b)
}

func (p *logPage) String() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.String()
}

// busy does what a bucket can do, well and badly.
func busy(t *testing.T, o Options, srv *s3test.Server) {
	t.Helper()
	o.Retry = quick
	b, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	defer b.CloseIdleConnections()
	for _, fault := range []s3test.Action{nil, s3test.Error(503, "SlowDown"), s3test.Reset(10), s3test.Error(403, "AccessDenied"),
		s3test.SetHeader("ETag", `"x"`), s3test.ShiftRange(1), s3test.HTML(), s3test.Error(200, "InternalError"), s3test.Grow(10)} {
		srv.ClearRules()
		if fault != nil {
			srv.AddRule(s3test.Rule{Times: 2, Action: fault})
		}
		b.Probe(t.Context(), "d/")
		list(t.Context(), b, ListOptions{Prefix: "d/"})
		b.Head(t.Context(), "d/a")
		if body, err := b.OpenRange(t.Context(), object(t, srv, "d/a"), 0, 20); err == nil {
			readAll(body)
		}
	}
}

func TestNoSecretIsLogged(t *testing.T) {
	real := sigv4.Credentials{AccessKeyID: "AKIDTEST", SecretAccessKey: "very/secret+value", SessionToken: "very/secret+token=="}
	wrong := real
	wrong.SecretAccessKey = "another/secret+value"
	expired := real
	expired.SessionToken = "old/secret+token=="
	for _, format := range []string{"text", "json"} {
		var page logPage
		var handler slog.Handler = slog.NewTextHandler(&page, &slog.HandlerOptions{Level: slog.LevelDebug})
		if format == "json" {
			handler = slog.NewJSONHandler(&page, &slog.HandlerOptions{Level: slog.LevelDebug})
		}
		var failed []string
		srv := s3test.New(t, s3test.Options{Credentials: real, Region: "eu-west-1", Versioned: true, Logf: func(string, ...any) {},
			Objects: map[string]s3test.Object{"d/a": {Size: 100}, "d/b": {Size: 1}}})
		srv.Expire(expired.SessionToken)
		for _, c := range []sigv4.Credentials{real, wrong, expired} {
			f := func(_ context.Context, refused sigv4.Credentials) (sigv4.Credentials, error) {
				if refused == expired {
					return real, nil
				}
				return c, nil
			}
			o := Options{Name: "bucket", Endpoint: srv.Endpoint(), Credentials: f, Log: slog.New(handler)}
			busy(t, o, srv)
			b := open(t, srv, func(o *Options) { o.Credentials = always(c); o.Log = slog.New(handler) })
			if _, err := b.Head(t.Context(), "nothing"); err != nil {
				failed = append(failed, err.Error())
			}
		}
		text := page.String() + strings.Join(failed, "\n")
		if !strings.Contains(text, "canonical_request") || !strings.Contains(text, "(session token)") || len(text) < 10_000 {
			t.Fatalf("too little is logged to find anything in it: %d bytes", len(text))
		}
		for _, c := range []sigv4.Credentials{real, wrong, expired} {
			for _, secret := range []string{c.SecretAccessKey, c.SessionToken} {
				for _, form := range []string{secret, url.QueryEscape(secret), url.PathEscape(secret), sigv4.EscapeQuery(secret)} {
					if strings.Contains(text, form) {
						t.Errorf("%s: %q is logged", format, form)
					}
				}
			}
		}
		for _, word := range []string{"Signature=", "Authorization:", "authorization:", "X-Amz-Signature", "AWS4-HMAC-SHA256 Credential"} {
			if i := strings.Index(text, word); i >= 0 {
				t.Errorf("%s: %q is logged: %.200q", format, word, text[i:])
			}
		}
	}
}

// Keys come from strangers: they must not make lines of their own.
func TestAKeyIsOneLineOfTheLog(t *testing.T) {
	var page logPage
	const key = "a\n2026-01-01 level=ERROR msg=\"fake\"\x1b[2J"
	srv := s3test.New(t, s3test.Options{Text: map[string]string{key: "x"}})
	b := open(t, srv, func(o *Options) {
		o.Log = slog.New(slog.NewTextHandler(&page, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	srv.AddRule(s3test.Rule{Times: 1, Action: s3test.Error(503, "SlowDown")})
	if _, err := b.Head(t.Context(), key); err != nil {
		t.Error(err)
	}
	if text := page.String(); regexp.MustCompile(`(?m)^2026|\x1b`).MatchString(text) || !strings.Contains(text, "fake") {
		t.Errorf("the log has %q", text)
	}
}
