package s3test_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"testing"

	"s3mount/s3/s3test"
)

func TestLog(t *testing.T) {
	c := newClient(t, s3test.Options{Text: map[string]string{"d/a": "12345", "d/b": "", "d/c/x": ""}})
	first := parseListing(t, c.do(t, "GET", "/bucket?list-type=2&prefix=d/&delimiter=/&max-keys=2"))
	c.do(t, "GET", "/bucket?list-type=2&prefix=d/&delimiter=/&continuation-token="+first.NextContinuationToken)
	c.ResetLog()

	c.do(t, "GET", "/bucket?list-type=2&prefix=d/&delimiter=/")
	c.do(t, "GET", "/bucket?list-type=2&delimiter=/&max-keys=1")
	c.do(t, "GET", "/bucket?list-type=2&prefix=d/&delimiter=/&continuation-token="+first.NextContinuationToken)
	c.do(t, "HEAD", "/bucket/d/a")
	c.get(t, "d/a", "Range: bytes=1-3", `If-Match: "no"`)
	c.get(t, "d/a", "Range: bytes=1-3")
	c.get(t, "none")
	c.do(t, "GET", "/bucket?location")
	got := c.Requests()
	if expected := []string{
		"LIST d/", "LIST max=1", "LIST d/ next", "HEAD d/a", "GET d/a 1-3", "GET d/a 1-3", "GET none", "LOCATION",
	}; !slices.Equal(got, expected) {
		t.Errorf("\n got %q\nwant %q", got, expected)
	}
	log := c.Log()
	var statuses []int
	for _, r := range log {
		statuses = append(statuses, r.Status)
		want(t, "one connection", r.Conn, log[0].Conn)
	}
	want(t, "statuses", fmt.Sprint(statuses), "[200 200 200 200 412 206 404 200]")
	want(t, "bytes of a range", log[5].Bytes, 3)
	want(t, "bytes of a HEAD", log[3].Bytes, 0)
	want(t, "if-match", log[4].IfMatch, `"no"`)
	want(t, "count", c.Count(s3test.Get), 3)
	want(t, "count of all", c.Count(""), 8)
	want(t, "connections since the reset", c.Conns(), 0)

	c.http.CloseIdleConnections()
	c.ResetLog()
	c.get(t, "d/a")
	want(t, "connections", c.Conns(), 1)
	want(t, "bytes", c.Bytes(), 5)
}

func TestWaitRequests(t *testing.T) {
	c := newClient(t, s3test.Options{})
	go func() {
		for range 3 {
			c.get(t, "k")
		}
	}()
	if err := c.WaitRequests(t.Context(), 3); err != nil || c.Count("") < 3 {
		t.Errorf("%d requests, %v", c.Count(""), err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := c.WaitRequests(ctx, 4); !errors.Is(err, context.Canceled) {
		t.Errorf("waiting for what does not come: %v", err)
	}
}

// What the server itself costs: a program under test cannot be measured to be
// quicker than this.
func BenchmarkGet(b *testing.B) {
	for _, length := range []int64{128 << 10, 16 << 20, 256 << 20} {
		b.Run(fmt.Sprintf("%dKiB", length>>10), func(b *testing.B) {
			c := newClient(b, s3test.Options{Objects: map[string]s3test.Object{"k": {Size: 1 << 40}}})
			buf := make([]byte, 1<<20)
			b.SetBytes(length)
			for b.Loop() {
				resp, err := c.http.Do(c.request(b, "GET", "/bucket/k", fmt.Sprintf("Range: bytes=0-%d", length-1)))
				if err != nil {
					b.Fatal(err)
				}
				n, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, resp.Body, buf)
				if err != nil || n != length {
					b.Fatal(n, err)
				}
				resp.Body.Close()
			}
		})
	}
}

func BenchmarkContentAt(b *testing.B) {
	p := make([]byte, 128<<10)
	b.SetBytes(int64(len(p)))
	for b.Loop() {
		s3test.ContentAt("k", `"e"`, p, 1<<30)
	}
}
