//go:build linux

package integration

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"s3mount/s3/s3test"
)

// An object that was stored compressed is its stored bytes: nothing takes
// Content-Encoding for an order.
func TestStoredEncodingIsLeftAlone(t *testing.T) {
	text := []byte(strings.Repeat("one line of many\n", 20_000))
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	z.Write(text)
	z.Close()
	srv := s3test.New(t, s3test.Options{Objects: map[string]s3test.Object{
		"log.gz":   {Body: packed.Bytes(), Header: http.Header{"Content-Encoding": {"gzip"}}},
		"page":     {Body: packed.Bytes(), Header: http.Header{"Content-Encoding": {"gzip"}, "Content-Type": {"text/html"}}},
		"not-gzip": {Body: text, Header: http.Header{"Content-Encoding": {"gzip"}}}, // as uploads by mistake have it
	}})
	m := mountTest(t, srv)
	got := sh(t, m, m.Dir, "zcat log.gz | cmp - <(zcat page); cmp log.gz page; zcat log.gz | cmp - not-gzip; stat -c %s log.gz not-gzip")
	if want := fmt.Sprintf("%d\n%d\n", packed.Len(), len(text)); got != want {
		t.Errorf("sizes %q, want %q", got, want)
	}
}

// What a proxy has compressed on its way is not the object: it is refused, and
// asked again.
func TestCompressedOnItsWay(t *testing.T) {
	text := strings.Repeat("one line of many\n", 20_000)
	encoded := s3test.SetHeader("Content-Encoding", "gzip")
	for name, change := range map[string]s3test.Action{
		"in chunks":     s3test.All(encoded, s3test.Chunked()),
		"with a length": s3test.All(encoded, s3test.Cut(1000)),
		"to its end":    s3test.All(encoded, s3test.Unframed()),
		"all of it":     s3test.All(encoded, s3test.Ignore("Range"), s3test.Cut(1000)),
	} {
		t.Run(name, func(t *testing.T) {
			srv := s3test.New(t, s3test.Options{Text: map[string]string{"page": text}, Rules: []s3test.Rule{{Op: s3test.Get, Times: 2, Action: change}}})
			m := mountTest(t, srv, "--retry-min-wait", "1ms", "--retry-max-wait", "1ms")
			if name == "all of it" { // which looks like another version
				sh(t, m, m.Dir, "! cat page 2> /dev/null")
			}
			if got := sh(t, m, m.Dir, "cat page"); got != text {
				t.Errorf("%d bytes that are not the object's", len(got))
			}
			srv.Put("never", s3test.Object{Body: []byte(text)})
			srv.AddRule(s3test.Rule{Op: s3test.Get, Key: "never", Action: change})
			m = mountTest(t, srv, "--max-attempts", "3", "--retry-min-wait", "1ms", "--retry-max-wait", "1ms")
			if r := try(t, m, m.Dir, shell("cat never")); r.Code == 0 || r.Stdout != "" || !strings.Contains(r.Stderr, "Input/output error") && !strings.Contains(r.Stderr, "Stale file handle") {
				t.Errorf("exit code %d, %.100q, %s", r.Code, r.Stdout, r.Stderr)
			}
		})
	}
}

// A bucket whose requester pays is read by who agrees to, and by nobody else.
func TestRequesterPays(t *testing.T) {
	srv := s3test.New(t, s3test.Options{RequesterPays: true, Versioned: true, Text: map[string]string{"d/a": "a", "d/empty": ""}, Objects: map[string]s3test.Object{"d/big": {Size: 9 << 20}}})
	m := mountTest(t, srv, "--request-payer", "--metadata-ttl", "0", "--xattr")
	sh(t, m, m.Dir, "find . -ls > /dev/null; cat d/* | wc -c; tail -c 10 d/big; test ! -e d/nosuch; if command -v getfattr > /dev/null; then getfattr -d d/a; fi")
	for _, r := range srv.Log() {
		if r.Status == http.StatusForbidden {
			t.Errorf("%s is refused", r)
		}
	}
}
