package s3test_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"

	"s3mount/s3/s3test"
)

const size = 1 << 20

// faulty answers GETs of "k", of size bytes, with one action.
func faulty(t *testing.T, a s3test.Action) (*client, s3test.Object) {
	t.Helper()
	c := newClient(t, s3test.Options{
		Objects: map[string]s3test.Object{"k": {Size: size}},
		Rules:   []s3test.Rule{{Op: s3test.Get, Key: "k", Action: a}},
	})
	o, _ := c.Object("k")
	return c, o
}

// Actions that end the connection early.
func TestBreaks(t *testing.T) {
	const at = 700<<10 + 1
	reset := func(err error) bool { return errors.Is(err, syscall.ECONNRESET) }
	early := func(err error) bool { return errors.Is(err, io.ErrUnexpectedEOF) }
	whole := func(err error) bool { return err == nil }
	tests := []struct {
		name   string
		action s3test.Action
		n      int // of body
		ends   func(error) bool
	}{
		{"reset before headers", s3test.Reset(s3test.BeforeHeaders), 0, reset},
		{"close before headers", s3test.Close(s3test.BeforeHeaders), 0, func(err error) bool { return errors.Is(err, io.EOF) }},
		{"reset at 0", s3test.Reset(0), 0, reset},
		{"reset", s3test.Reset(at), at, reset},
		{"close at 0", s3test.Close(0), 0, early},
		{"close", s3test.Close(at), at, early},
		{"chunked", s3test.Chunked(), size, whole},
		{"chunked that stops", s3test.All(s3test.Chunked(), s3test.Close(at)), at, early},
		{"chunked that is short", s3test.All(s3test.Chunked(), s3test.Cut(at)), at, whole},
		{"unframed", s3test.Unframed(), size, whole},
		{"unframed that stops", s3test.All(s3test.Unframed(), s3test.Close(at)), at, whole},
		{"no body", s3test.Cut(0), 0, whole},
		{"one byte short", s3test.Cut(-1), size - 1, whole},
		{"longer", s3test.Grow(3), size + 3, whole},
		{"length a lie", s3test.SetHeader("Content-Length", fmt.Sprint(size+1)), size, early},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, o := faulty(t, tt.action)
			for range 3 { // again and again, over new connections if need be
				r := c.get(t, "k")
				want(t, "length", len(r.body), tt.n)
				if !tt.ends(r.err) {
					t.Errorf("ended with %v", r.err)
				}
				if err := s3test.CheckContent("k", o.ETag, []byte(r.body), 0); err != nil {
					t.Error(err)
				}
			}
			c.ClearRules()
			want(t, "afterwards", len(c.get(t, "k").body), size)
		})
	}
}

// Actions that change the answer.
func TestLies(t *testing.T) {
	header := func(name, value string) func(testing.TB, reply) {
		return func(t testing.TB, r reply) { want(t, name, r.Header.Get(name), value) }
	}
	code := func(status int, code string) func(testing.TB, reply) {
		return func(t testing.TB, r reply) {
			want(t, "status", r.StatusCode, status)
			want(t, "code", r.code(t), code)
		}
	}
	tests := []struct {
		name   string
		action s3test.Action
		check  func(testing.TB, reply)
	}{
		{"500", s3test.Error(500, "InternalError"), code(500, "InternalError")},
		{"200 with an error", s3test.Error(200, "SlowDown"), code(200, "SlowDown")},
		{"retry-after", s3test.Error(503, "SlowDown", "Retry-After: 7"), header("Retry-After", "7")},
		{"html", s3test.HTML(), func(t testing.TB, r reply) {
			want(t, "status", r.StatusCode, 200)
			want(t, "type", r.Header.Get("Content-Type"), "text/html; charset=utf-8")
			want(t, "html", strings.HasPrefix(r.body, "<!DOCTYPE html>"), true)
		}},
		{"reply", s3test.Reply(418, "tea", "X-Pot: 1"), func(t testing.TB, r reply) {
			want(t, "status", r.StatusCode, 418)
			want(t, "body", r.body, "tea")
			want(t, "header", r.Header.Get("X-Pot"), "1")
		}},
		{"redirect", s3test.Redirect(301, "http://169.254.169.254/", "eu-north-1"), code(301, "PermanentRedirect")},
		{"redirect", s3test.Redirect(307, "http://x.invalid/", "eu-north-1"), header("X-Amz-Bucket-Region", "eu-north-1")},
		{"redirect", s3test.Redirect(307, "http://x.invalid/", ""), header("Location", "http://x.invalid/")},
		{"range ignored", s3test.Ignore("range"), func(t testing.TB, r reply) {
			want(t, "status", r.StatusCode, 200)
			want(t, "length", len(r.body), size)
		}},
		{"shifted", s3test.ShiftRange(1), header("Content-Range", fmt.Sprintf("bytes 11-20/%d", size))},
		{"total", s3test.WrongTotal(-1), header("Content-Range", fmt.Sprintf("bytes 10-19/%d", size-1))},
		{"no content-range", s3test.SetHeader("content-range"), header("Content-Range", "")},
		{"etag", s3test.SetHeader("ETag", `"x"`), header("ETag", `"x"`)},
		{"no etag", s3test.SetHeader("ETag"), header("ETag", "")},
		{"no date", s3test.SetHeader("Date"), header("Date", "")},
		{"two lengths", s3test.SetHeader("Content-Length", "10", "11"), func(t testing.TB, r reply) {
			if r.err == nil || !strings.Contains(r.err.Error(), "Content-Length") {
				t.Errorf("two values of Content-Length: %v", r.err)
			}
		}},
		{"empty 206", s3test.Cut(0), func(t testing.TB, r reply) {
			want(t, "status", r.StatusCode, 206)
			want(t, "range", r.Header.Get("Content-Range"), fmt.Sprintf("bytes 10-19/%d", size))
			want(t, "length", r.ContentLength, 0)
		}},
		{"edit", s3test.Edit(func(b []byte) []byte { return append(b[:2:2], "..."...) }), func(t testing.TB, r reply) {
			want(t, "body", r.body[2:], "...")
		}},
		{"raw", s3test.Raw("HTTP/1.0 200 Fine\r\n\r\nold"), func(t testing.TB, r reply) {
			want(t, "status", r.Status, "200 Fine")
			want(t, "body", r.body, "old")
		}},
		{"func", s3test.Func(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(402) }), func(t testing.TB, r reply) {
			want(t, "status", r.StatusCode, 402)
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, _ := faulty(t, tt.action)
			tt.check(t, c.get(t, "k", "Range: bytes=10-19"))
		})
	}
}

func TestFlippedBit(t *testing.T) {
	c, o := faulty(t, s3test.FlipBit(200_000))
	err := s3test.CheckContent("k", o.ETag, []byte(c.get(t, "k", "Range: bytes=5-").body), 5)
	if err == nil || !strings.Contains(err.Error(), "offset 200005:") {
		t.Errorf("flipped bit: %v", err)
	}
}

func TestIgnored(t *testing.T) {
	c := newClient(t, s3test.Options{
		Text: map[string]string{"k ": "1"},
		Rules: []s3test.Rule{
			{Op: s3test.Get, Action: s3test.Ignore("If-Match", "versionId")},
			{Op: s3test.List, Action: s3test.Ignore("encoding-type")},
		},
	})
	want(t, "if-match", c.get(t, "k%20?versionId=x", `If-Match: "no"`).body, "1")
	l := parseListing(t, c.do(t, "GET", "/bucket?list-type=2&encoding-type=url"))
	want(t, "encoding", l.EncodingType, "")
	want(t, "key", l.Contents[0].Key, "k ")
}

func TestEditedListing(t *testing.T) {
	c := newClient(t, s3test.Options{Text: map[string]string{"a": "1", "b": "2"}})
	c.AddRule(s3test.Rule{Op: s3test.List, Times: 1, Action: s3test.Edit(func(b []byte) []byte {
		return []byte(strings.Replace(string(b), "<IsTruncated>false", "<IsTruncated>true", 1))
	})}, s3test.Rule{Op: s3test.List, Times: 1, Action: s3test.Cut(-20)})
	l := parseListing(t, c.do(t, "GET", "/bucket?list-type=2"))
	want(t, "truncated", l.IsTruncated, true)
	want(t, "token", l.NextContinuationToken, "")
	want(t, "cut", strings.HasSuffix(c.do(t, "GET", "/bucket?list-type=2").body, "</ListBucketResult>"), false)
	want(t, "whole", strings.HasSuffix(c.do(t, "GET", "/bucket?list-type=2").body, "</ListBucketResult>"), true)
}

// Surplus bytes are not to be seen through net/http, so this reads the wire.
func TestSurplus(t *testing.T) {
	c, _ := faulty(t, s3test.Surplus(5))
	conn, err := net.Dial("tcp", c.Endpoint().Host)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := c.request(t, "GET", "/bucket/k", "Range: bytes=0-9").Write(conn); err != nil {
		t.Fatal(err)
	}
	b := bufio.NewReader(conn)
	resp, err := http.ReadResponse(b, nil)
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(resp.Body)
	rest, _ := io.ReadAll(b)
	want(t, "said", resp.ContentLength, 10)
	want(t, "body", len(body), 10)
	want(t, "surplus", len(rest), 5)
	want(t, "counted", c.Bytes(), 15)
}

func TestRules(t *testing.T) {
	fail := func(status int) s3test.Action { return s3test.Error(status, "X") }
	c := newClient(t, s3test.Options{Text: map[string]string{"a/x": "1", "a/y": "2", "b": "3"}})
	statuses := func(targets ...string) string {
		var got []int
		for _, target := range targets {
			method, key, _ := strings.Cut(target, " ")
			got = append(got, c.do(t, method, "/bucket/"+key).StatusCode)
		}
		return fmt.Sprint(got)
	}
	c.AddRule(s3test.Rule{Op: s3test.Get, Key: "b", Skip: 1, Times: 2, Action: fail(500)})
	want(t, "skip and times", statuses("GET b", "HEAD b", "GET a/x", "GET b", "GET b", "GET b"), "[200 200 200 500 500 200]")
	c.AddRule(s3test.Rule{Glob: "a/*", Times: 1, Action: fail(501)}, s3test.Rule{Prefix: "a/", Action: fail(502)})
	want(t, "in order", statuses("HEAD a/x", "GET a/y", "GET a/x", "GET b"), "[501 502 502 200]")
	c.ClearRules()
	want(t, "cleared", statuses("GET a/x"), "[200]")
	c.AddRule(s3test.Rule{Match: func(r s3test.Request) bool { return r.MaxKeys == "5" }, Action: fail(503)})
	want(t, "match", statuses("GET ?list-type=2&max-keys=5", "GET ?list-type=2"), "[503 200]")
	c.ClearRules()
	c.AddRule(s3test.Rule{Key: "b", Times: 1}, s3test.Rule{Action: fail(504)})
	want(t, "no action lets through", statuses("GET b", "GET b"), "[200 504]")

	// Whose signature is refused meets no rule.
	c.ClearRules()
	c.AddRule(s3test.Rule{Times: 1, Action: fail(500)})
	r := c.request(t, "GET", "/bucket/b")
	r.Header.Del("Authorization")
	want(t, "unsigned", c.send(r).StatusCode, 403)
	want(t, "signed", statuses("GET b"), "[500]")
}
