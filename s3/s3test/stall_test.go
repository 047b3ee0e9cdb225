package s3test_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"s3mount/s3/s3test"
)

func TestStallUntilTheClientGoes(t *testing.T) {
	for name, tt := range map[string]struct {
		action s3test.Action
		n      int64
	}{
		"before headers": {s3test.Stall(s3test.BeforeHeaders), -1},
		"at 0":           {s3test.Stall(0), 0},
		"in the body":    {s3test.Stall(1000), 1000},
		"by hand":        {s3test.All(s3test.Stall(1000), s3test.Unframed()), 1000},
		"in chunks":      {s3test.All(s3test.Stall(1000), s3test.Chunked()), 1000},
	} {
		t.Run(name, func(t *testing.T) {
			c, _ := faulty(t, tt.action)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			r := c.request(t, "GET", "/bucket/k").WithContext(ctx)
			if tt.n < 0 {
				go func() {
					c.WaitRequests(t.Context(), 1)
					cancel()
				}()
				if _, err := c.http.Do(r); !errors.Is(err, context.Canceled) {
					t.Errorf("answered: %v", err)
				}
			} else {
				resp, err := c.http.Do(r)
				if err != nil {
					t.Fatal(err)
				}
				if n, err := io.CopyN(io.Discard, resp.Body, tt.n); err != nil {
					t.Errorf("%d bytes, %v", n, err)
				}
				want(t, "being served", c.Active(), 1)
				cancel()
				resp.Body.Close()
			}
			if err := c.WaitIdle(t.Context()); err != nil { // the server must find out by itself
				t.Fatal(err)
			}
			want(t, "done", c.Log()[0].Done, true)
			if tt.n >= 0 {
				want(t, "bytes", c.Bytes(), tt.n)
			}
		})
	}
}

// Close must not wait for a client that stays, and must end every goroutine:
// TestMain would see one that is left.
func TestCloseEndsStalls(t *testing.T) {
	for _, a := range []s3test.Action{
		s3test.Stall(s3test.BeforeHeaders),
		s3test.Stall(1000),
		s3test.All(s3test.Stall(1000), s3test.Unframed()),
		s3test.Drip(0, 1<<50),
		s3test.Delay(1 << 50),
		s3test.Func(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }),
	} {
		c, _ := faulty(t, a)
		ended := make(chan reply)
		r := c.request(t, "GET", "/bucket/k")
		go func() { ended <- c.send(r) }()
		if err := c.WaitRequests(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		c.Close()
		want(t, "being served", c.Active(), 0)
		if r := <-ended; r.err == nil && len(r.body) == size {
			t.Errorf("the client has all of it: %d bytes", len(r.body))
		}
		c.Close()
	}
}

// With a body that does not come net/http cannot tell that the client has gone.
func TestCloseEndsAStallWithABodyOutstanding(t *testing.T) {
	s := s3test.New(t, s3test.Options{Anonymous: true, Rules: []s3test.Rule{{Action: s3test.Stall(s3test.BeforeHeaders)}}})
	conn, err := s.DialContext(t.Context(), "", "")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	io.WriteString(conn, "GET /bucket/k HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n")
	if err := s.WaitRequests(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	s.Close()
	want(t, "being served", s.Active(), 0)
}

func TestHold(t *testing.T) {
	for _, at := range []int64{s3test.BeforeHeaders, 0, 1000} {
		release := make(chan struct{})
		c, o := faulty(t, s3test.Hold(at, release))
		got := make(chan reply)
		r := c.request(t, "GET", "/bucket/k")
		go func() { got <- c.send(r) }()
		if err := c.WaitRequests(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		// Another request is not held up, so the held one would be ready by now.
		want(t, "another", c.do(t, "HEAD", "/bucket/k").StatusCode, 200)
		select {
		case <-got:
			t.Error("answered before the release")
		default:
		}
		close(release)
		body := []byte((<-got).body)
		want(t, "length", len(body), size)
		if err := s3test.CheckContent("k", o.ETag, body, 0); err != nil {
			t.Error(err)
		}
	}
}

func TestTLS(t *testing.T) {
	// httptest has a certificate for 127.0.0.1 at hand.
	lender := httptest.NewTLSServer(nil)
	lender.Close()
	s := s3test.New(t, s3test.Options{
		TLS:     &tls.Config{Certificates: lender.TLS.Certificates},
		Objects: map[string]s3test.Object{"k": {Size: size}},
		Rules:   []s3test.Rule{{Times: 1, Action: s3test.Reset(10)}},
	})
	roots := x509.NewCertPool()
	roots.AddCert(lender.Certificate())
	c := clientOf(t, s)
	c.http.Transport.(*http.Transport).TLSClientConfig = &tls.Config{RootCAs: roots}
	if r := c.get(t, "k"); r.err == nil || len(r.body) > 10 {
		t.Errorf("reset: %d bytes, %v", len(r.body), r.err)
	}
	want(t, "length", len(c.get(t, "k").body), size)
	want(t, "scheme", s.Endpoint().Scheme, "https")
}
