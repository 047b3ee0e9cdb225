package s3test_test

import (
	"bytes"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"s3mount/s3/s3test"
)

func TestRanges(t *testing.T) {
	c := newClient(t, s3test.Options{Text: map[string]string{"a": "0123456789", "empty": ""}})
	tests := []struct {
		key, header  string
		status       int
		body         string
		contentRange string
	}{
		{"a", "", 200, "0123456789", ""},
		{"a", "bytes=0-0", 206, "0", "bytes 0-0/10"},
		{"a", "bytes=2-5", 206, "2345", "bytes 2-5/10"},
		{"a", "bytes=7-", 206, "789", "bytes 7-9/10"},
		{"a", "bytes=7-99", 206, "789", "bytes 7-9/10"},
		{"a", "bytes=-3", 206, "789", "bytes 7-9/10"},
		{"a", "bytes=-99", 206, "0123456789", "bytes 0-9/10"},
		{"a", "bytes=10-", 416, "", "bytes */10"},
		{"a", "bytes=-0", 416, "", "bytes */10"},
		{"empty", "bytes=0-", 416, "", "bytes */0"},
		{"empty", "", 200, "", ""},
		{"a", "bytes=5-2", 200, "0123456789", ""},
		{"a", "bytes=0-1,3-4", 200, "0123456789", ""},
		{"a", "lines=0-1", 200, "0123456789", ""},
		{"a", "bytes=x-", 200, "0123456789", ""},
	}
	for _, tt := range tests {
		var headers []string
		if tt.header != "" {
			headers = append(headers, "Range: "+tt.header)
		}
		for _, method := range []string{"GET", "HEAD"} {
			r := c.do(t, method, "/bucket/"+tt.key, headers...)
			what := method + " " + tt.key + " " + tt.header
			want(t, what, r.StatusCode, tt.status)
			want(t, what, r.Header.Get("Content-Range"), tt.contentRange)
			switch {
			case method == "HEAD":
				want(t, what, r.body, "")
			case tt.status == 416:
				want(t, what, r.code(t), "InvalidRange")
			default:
				want(t, what, r.body, tt.body)
			}
			if tt.status != 416 {
				want(t, what, r.ContentLength, int64(len(tt.body)))
			}
		}
	}
}

func TestGeneratedContent(t *testing.T) {
	const size = 3<<20 + 5
	c := newClient(t, s3test.Options{Objects: map[string]s3test.Object{"k": {Size: size}}})
	o, _ := c.Object("k")
	for _, span := range [][2]int64{{0, size}, {1, 9}, {7, 8}, {131071, 400001}, {size - 1, size}} {
		r := c.get(t, "k", fmt.Sprintf("Range: bytes=%d-%d", span[0], span[1]-1))
		want(t, "length", len(r.body), int(span[1]-span[0]))
		if err := s3test.CheckContent("k", o.ETag, []byte(r.body), span[0]); err != nil {
			t.Errorf("%v: %v", span, err)
		}
	}
	// However it is cut, it is the same.
	whole := make([]byte, 1000)
	s3test.ContentAt("k", o.ETag, whole, 0)
	seen := make(map[string]bool)
	for n := 1; n < 70; n++ {
		for off := 0; off+n <= len(whole); off += n {
			part := make([]byte, n)
			s3test.ContentAt("k", o.ETag, part, int64(off))
			if !bytes.Equal(part, whole[off:off+n]) {
				t.Fatalf("%d bytes at %d are not those of the whole", n, off)
			}
			if n == 8 {
				want(t, "the same eight bytes twice", seen[string(part)], false)
				seen[string(part)] = true
			}
		}
	}
	// What must be noticed.
	p := make([]byte, 1<<20)
	s3test.ContentAt("k", o.ETag, p, 64)
	good := bytes.Clone(p)
	for name, spoil := range map[string]func(){
		"zeros": func() { clear(p[4096:4104]) },
		"swap":  func() { copy(p[:4096], good[4096:8192]); copy(p[4096:8192], good[:4096]) },
		"shift": func() { copy(p, good[1:]) },
		"bit":   func() { p[len(p)-1] ^= 128 },
		"other": func() { s3test.ContentAt("k", `"other"`, p[100:108], 164) },
	} {
		copy(p, good)
		if err := s3test.CheckContent("k", o.ETag, p, 64); err != nil {
			t.Fatal(err)
		}
		if spoil(); s3test.CheckContent("k", o.ETag, p, 64) == nil {
			t.Errorf("%s: not noticed", name)
		}
	}
}

func TestConditionsAndHeaders(t *testing.T) {
	modified := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	c := newClient(t, s3test.Options{Objects: map[string]s3test.Object{
		"a":     {Body: []byte("x"), ETag: `"e1"`, LastModified: modified, Header: http.Header{"content-encoding": {"gzip"}}},
		"ice":   {Body: []byte("x"), StorageClass: "GLACIER"},
		"thawn": {Body: []byte("x"), StorageClass: "GLACIER", Header: http.Header{"X-Amz-Restore": {`ongoing-request="false"`}}},
		"d/":    {},
	}})
	for _, tt := range []struct {
		header string
		status int
	}{
		{`If-Match: "e1"`, 200},
		{`If-Match: e1`, 200},
		{`If-Match: "e0", "e1"`, 200},
		{`If-Match: *`, 200},
		{`If-Match: "e2"`, 412},
		{`If-None-Match: "e1"`, 304},
		{`If-None-Match: "e2"`, 200},
		{"If-Unmodified-Since: Fri, 02 Jan 2026 03:04:05 GMT", 200},
		{"If-Unmodified-Since: Fri, 02 Jan 2026 03:04:04 GMT", 412},
	} {
		want(t, tt.header, c.get(t, "a", tt.header).StatusCode, tt.status)
	}
	want(t, "412", c.get(t, "a", `If-Match: "e2"`).code(t), "PreconditionFailed")
	want(t, "404", c.get(t, "none", `If-Match: "e2"`).code(t), "NoSuchKey")
	want(t, "404 of HEAD", c.do(t, "HEAD", "/bucket/none").StatusCode, 404)
	want(t, "archived", c.get(t, "ice").code(t), "InvalidObjectState")
	want(t, "archived, HEAD", c.do(t, "HEAD", "/bucket/ice").Header.Get("X-Amz-Storage-Class"), "GLACIER")
	want(t, "restored", c.get(t, "thawn").body, "x")
	want(t, "marker", c.do(t, "HEAD", "/bucket/d/").StatusCode, 200)
	want(t, "bucket", c.do(t, "HEAD", "/bucket").Header.Get("X-Amz-Bucket-Region"), "us-east-1")

	r := c.do(t, "HEAD", "/bucket/a")
	want(t, "etag", r.Header.Get("ETag"), `"e1"`)
	want(t, "modified", r.Header.Get("Last-Modified"), "Fri, 02 Jan 2026 03:04:05 GMT")
	want(t, "more headers", r.Header.Get("Content-Encoding"), "gzip")
}

func TestVersions(t *testing.T) {
	c := newClient(t, s3test.Options{Versioned: true})
	one := c.Put("k", s3test.Object{Body: []byte("one")})
	two := c.Put("k", s3test.Object{Size: 100})
	if one.ETag == two.ETag || one.VersionID == two.VersionID || one.VersionID == "" {
		t.Fatalf("versions alike: %+v %+v", one, two)
	}
	r := c.get(t, "k")
	want(t, "newest", r.Header.Get("X-Amz-Version-Id"), two.VersionID)
	want(t, "old one", c.get(t, "k?versionId="+one.VersionID).body, "one")
	c.Delete("k")
	want(t, "deleted", c.get(t, "k").code(t), "NoSuchKey")
	want(t, "old one of the deleted", c.get(t, "k?versionId="+one.VersionID).body, "one")
	want(t, "no such", c.get(t, "k?versionId=x").code(t), "NoSuchVersion")
	want(t, "listed", parseListing(t, c.do(t, "GET", "/bucket?list-type=2")).KeyCount, 0)
	three := c.Put("k", s3test.Object{Body: []byte("three")})
	want(t, "back again", c.get(t, "k").body, "three")
	if three.ETag == one.ETag {
		t.Error("an ETag came back with another content")
	}
	want(t, "short form", c.Requests()[1], "GET k version="+one.VersionID)
}

func TestDenied(t *testing.T) {
	c := newClient(t, s3test.Options{DenyList: true, Text: map[string]string{"a": "1"}})
	want(t, "list", c.do(t, "GET", "/bucket?list-type=2").code(t), "AccessDenied")
	want(t, "head of the bucket", c.do(t, "HEAD", "/bucket").StatusCode, 403)
	want(t, "get", c.get(t, "a").body, "1")
	want(t, "what there is not", c.get(t, "none").code(t), "AccessDenied")
	c.Deny(s3test.List, false)
	c.Deny(s3test.Get, true)
	want(t, "list", c.do(t, "GET", "/bucket?list-type=2").StatusCode, 200)
	want(t, "get", c.get(t, "a").code(t), "AccessDenied")
	want(t, "head", c.do(t, "HEAD", "/bucket/a").StatusCode, 200)
	c.Deny(s3test.Head, true)
	want(t, "head", c.do(t, "HEAD", "/bucket/a").StatusCode, 403)
}

func TestWritesAreRefused(t *testing.T) {
	s, err := s3test.Start(s3test.Options{Text: map[string]string{"a": "1"}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	c := clientOf(t, s)
	for _, method := range []string{"PUT", "POST", "DELETE", "OPTIONS", "PATCH"} {
		r := c.do(t, method, "/bucket/a")
		want(t, method, r.StatusCode, 405)
		want(t, method, c.Count(s3test.Op(method)), 1)
	}
	want(t, "still there", c.get(t, "a").body, "1")
}

// Objects may come and go while they are read and listed.
func TestConcurrentChanges(t *testing.T) {
	c := newClient(t, s3test.Options{Versioned: true})
	c.Put("k0", s3test.Object{Size: 300 << 10})
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			for j := range 50 {
				key := fmt.Sprintf("k%d", (i+j)%3)
				switch i {
				case 0:
					c.Put(key, s3test.Object{Size: 300 << 10})
				case 1:
					c.Delete(key)
					c.PutRange(2, func(i int) string { return fmt.Sprintf("r%d", i) }, s3test.Object{})
				case 2:
					if r := c.get(t, key); r.StatusCode == 200 {
						if err := s3test.CheckContent(key, r.Header.Get("ETag"), []byte(r.body), 0); err != nil {
							t.Error(err)
						}
					}
				case 3:
					parseListing(t, c.do(t, "GET", "/bucket?list-type=2"))
				}
			}
		})
	}
	wg.Wait()
}
