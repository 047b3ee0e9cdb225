package s3

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode"
)

// seeds are the files of a folder of testdata.
func seeds(f *testing.F, folder string) [][]byte {
	f.Helper()
	names, err := filepath.Glob(filepath.Join("testdata", folder, "*"))
	if err != nil || len(names) == 0 {
		f.Fatalf("no seeds in testdata/%s: %v", folder, err)
	}
	var all [][]byte
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		all = append(all, b)
	}
	return all
}

// testdata is one file of it.
func testdata(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Whatever a server sends, a page holds only what was asked for, knows where it
// goes on, and is what encoding/xml makes of it.
func FuzzDecodePage(f *testing.F) {
	for _, raw := range seeds(f, "list") {
		f.Add(raw, "", "", "")
		f.Add(raw, "d/", "/", "")
		f.Add(raw, "d/", "/", "d/b")
		f.Add(raw, "", "//", "d")
	}
	for _, odd := range oddDocuments {
		f.Add([]byte(odd), "", "", "")
	}
	f.Fuzz(func(t *testing.T, raw []byte, prefix, delimiter, after string) {
		o := ListOptions{Prefix: prefix, Delimiter: delimiter, StartAfter: after}
		agree(t, raw, o)
		p, err := decodePage(bytes.NewReader(raw), o)
		if err != nil {
			if len(p.entries) != 0 {
				t.Errorf("entries beside an error: %v", p.entries)
			}
			return
		}
		if p.truncated && p.next == "" {
			t.Error("goes on, but not where")
		}
		for _, e := range p.entries {
			rest, ok := strings.CutPrefix(e.Key, prefix)
			folded := delimiter != "" && strings.Contains(rest, delimiter)
			switch {
			case !ok, e.Key == "", e.Size < -1:
				t.Errorf("not asked for: %+v", e)
			case e.Prefix && (!folded || strings.Index(rest, delimiter) != len(rest)-len(delimiter)):
				t.Errorf("not a prefix: %+v", e)
			case !e.Prefix && (folded || e.Key <= after):
				t.Errorf("not an object: %+v", e)
			case !e.Prefix && e.ETag == "":
				t.Errorf("no version: %+v", e)
			}
			if c := condition(e.ETag); strings.ContainsFunc(c, unicode.IsControl) {
				t.Errorf("If-Match: %q", c)
			}
		}
	})
}

// Whatever a server says of a refusal, it is one line, and not a long one.
func FuzzErrorBody(f *testing.F) {
	for _, raw := range seeds(f, "error") {
		f.Add(raw, 403, "", "")
		f.Add(raw, 400, "7F2A", "eu-west-1")
		f.Add(raw, 301, "\n", "evil.example/")
	}
	f.Fuzz(func(t *testing.T, raw []byte, status int, id, region string) {
		e := &Error{Op: opGet, Bucket: "b", Key: string(raw), Attempts: 2}
		e.describe(&http.Response{StatusCode: status, Header: http.Header{"X-Amz-Request-Id": {id}, "X-Amz-Bucket-Region": {region}}})
		e.readBody(bytes.NewReader(raw))
		text := e.Error()
		if len(text) > 4*(2048+64+256+128)+200 { // all of it quoted
			t.Errorf("an error of %d bytes", len(text))
		}
		for _, r := range text {
			if !unicode.IsPrint(r) || r == unicode.ReplacementChar {
				t.Errorf("%U in %q", r, text)
			}
		}
		if r := e.region; regionName(r) && strings.ContainsAny(r, "./:@?#% \r\n") {
			t.Errorf("%q taken for a region", r)
		}
	})
}

// What is taken for a range is one, and means what it says.
func FuzzContentRange(f *testing.F) {
	for _, s := range []string{"bytes 0-9/100", "bytes 99-99/100", "bytes */100", "bytes 0-9/*", "bytes 9-0/9", "items 0-1/2", "bytes 0-4611686018427387902/9223372036854775807"} {
		f.Add(s, int64(3), int64(5), int64(9))
	}
	f.Fuzz(func(t *testing.T, h string, off, end, total int64) {
		if s, n, err := parseContentRange(h); err == nil {
			if s.off < 0 || s.off >= s.end || s.end > n {
				t.Errorf("%q is bytes %v of %d", h, s, n)
			}
			if again, m, err := parseContentRange(s.contentRange(n)); again != s || m != n || err != nil {
				t.Errorf("%q is %v of %d, then %v of %d, %v", h, s, n, again, m, err)
			}
		}
		s := span{off, end}
		if off < 0 || off >= end || end > total || end > 1<<62 {
			return
		}
		if h, want := s.header(), fmt.Sprintf("bytes=%d-%d", off, end-1); h != want {
			t.Errorf("%v asks for %q, want %q", s, h, want)
		}
		if got, n, err := parseContentRange(s.contentRange(total)); got != s || n != total || err != nil {
			t.Errorf("%v of %d comes back as %v of %d, %v", s, total, got, n, err)
		}
	})
}

// A wish for a wait is never below zero; seconds are at most an hour.
func FuzzRetryAfter(f *testing.F) {
	for _, s := range []string{"", "0", "1", "-1", "99999999999999999999", "1.5", "1e3", "Wed, 21 Oct 2015 07:28:00 GMT", "Fri, 31 Dec 9999 23:59:59 GMT"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		d := retryAfter(s)
		if _, err := http.ParseTime(s); d < 0 || err != nil && d > time.Hour {
			t.Errorf("%q is a wait of %v", s, d)
		}
	})
}
