package s3

import (
	"errors"
	iofs "io/fs"
	"maps"
	"net/http"
	"strings"
	"testing"

	"s3mount/s3/s3test"
)

func TestAttributes(t *testing.T) {
	srv := s3test.New(t, s3test.Options{Objects: map[string]s3test.Object{
		"plain": {Size: 5},
		"rich": {Size: 5, StorageClass: "STANDARD_IA", Header: http.Header{
			"Content-Type": {"text/x-c"}, "Content-Encoding": {"gzip"}, "X-Amz-Server-Side-Encryption": {"aws:kms"},
			"X-Amz-Restore": {`ongoing-request="true"`}, "X-Amz-Meta-Mtime": {"1.5"}, "X-Amz-Meta-A": {""},
			"X-Amz-Checksum-Sha256": {"abc="}, "X-Amz-Checksum-Crc32c": {"xyz="}, "X-Amz-Checksum-Type": {"COMPOSITE"},
		}},
	}})
	b := open(t, srv)
	a, err := b.Attributes(t.Context(), object(t, srv, "rich"))
	if err != nil || a.ContentType != "text/x-c" || a.ContentEncoding != "gzip" || a.Encryption != "aws:kms" || a.Restore != `ongoing-request="true"` ||
		a.Checksum != "crc32c:xyz= sha256:abc= composite" || a.StorageClass != "STANDARD_IA" || a.Size != 5 ||
		!maps.Equal(a.Meta, map[string]string{"mtime": "1.5", "a": ""}) {
		t.Errorf("%+v, %v", a, err)
	}
	a, err = b.Attributes(t.Context(), object(t, srv, "plain"))
	if err != nil || a.ContentEncoding != "" || a.Encryption != "" || a.Restore != "" || a.Checksum != "" || len(a.Meta) != 0 {
		t.Errorf("%+v, %v", a, err)
	}
	if n := srv.Count(s3test.Head); n != 2 || srv.Count("") != 2 {
		t.Errorf("%d HEADs, %d requests; want one each", n, srv.Count(""))
	}
}

// S3 tells a checksum to who asks for it, and the question has to be signed.
func TestAttributesAskForTheChecksum(t *testing.T) {
	s := &script{answers: []answerFunc{says(200, "", "Content-Length: 5", `Etag: "t"`)}}
	b := scripted(t, s)
	b.Attributes(t.Context(), Object{Key: "k", ETag: "t", Size: 5})
	b.Head(t.Context(), "k")
	for i, want := range []string{"ENABLED", ""} {
		h := s.reqs[i].Header
		if got := h.Get("X-Amz-Checksum-Mode"); got != want || strings.Contains(h.Get("Authorization"), "x-amz-checksum-mode") != (want != "") {
			t.Errorf("request %d: %q, %s", i, got, h.Get("Authorization"))
		}
	}
}

// A server that gives ETags in replies and none in listings: the date decides.
func TestAttributesWithoutAnETagInTheListing(t *testing.T) {
	const date = "Last-Modified: Tue, 03 Feb 2026 04:05:06 GMT"
	for _, tt := range []struct {
		listed string
		same   bool
	}{{"last modified 2026-02-03T04:05:06Z", true}, {"last modified 2026-02-03T04:05:07Z", false}} {
		s := &script{answers: []answerFunc{says(200, "", "Content-Length: 5", `Etag: "t"`, date)}}
		a, err := scripted(t, s).Attributes(t.Context(), Object{Key: "k", ETag: tt.listed, Size: 5})
		if tt.same && (err != nil || a.ETag != tt.listed) || !tt.same && !errors.Is(err, ErrChanged) {
			t.Errorf("listed as %q: %+v, %v", tt.listed, a.Object, err)
		}
	}
}

func TestDescribe(t *testing.T) {
	srv := s3test.New(t, s3test.Options{Objects: map[string]s3test.Object{"k": {Size: 5, Header: http.Header{"X-Amz-Meta-A": {"b"}}}}})
	b := open(t, srv)
	want := object(t, srv, "k")
	for _, etag := range []string{want.ETag, "another", ""} {
		a, same, err := b.Describe(t.Context(), Object{Key: "k", ETag: etag})
		if err != nil || same != (etag == want.ETag) || a.ETag != want.ETag || a.Size != 5 || a.Meta["a"] != "b" {
			t.Errorf("asked for %q: %+v, %v, %v", etag, a, same, err)
		}
	}
	if _, _, err := b.Describe(t.Context(), Object{Key: "none"}); !errors.Is(err, iofs.ErrNotExist) {
		t.Errorf("nothing: %v", err)
	}
	if n := srv.Count(s3test.Head); n != 4 || srv.Count("") != 4 {
		t.Errorf("%d HEADs, %d requests; want one each", n, srv.Count(""))
	}
}

// Those of another version are none of this one's.
func TestAttributesOfAnotherVersion(t *testing.T) {
	srv := s3test.New(t, s3test.Options{Objects: map[string]s3test.Object{"k": {Size: 5}}})
	b, old := open(t, srv), object(t, srv, "k")
	srv.Put("k", s3test.Object{Size: 5})
	if _, err := b.Attributes(t.Context(), old); !errors.Is(err, ErrChanged) {
		t.Errorf("replaced: %v", err)
	}
	srv.Delete("k")
	if _, err := b.Attributes(t.Context(), old); !errors.Is(err, ErrChanged) {
		t.Errorf("deleted: %v", err)
	}
	srv.Deny(s3test.Head, true)
	if _, err := b.Attributes(t.Context(), old); errors.Is(err, ErrChanged) || err == nil {
		t.Errorf("refused: %v", err)
	}
}
