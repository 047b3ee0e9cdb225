package s3

import (
	"errors"
	iofs "io/fs"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"s3mount/s3/s3test"
)

func TestHeadTellsAll(t *testing.T) {
	at := time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC)
	srv := s3test.New(t, s3test.Options{Versioned: true, Objects: map[string]s3test.Object{
		"plain":    {Size: 12345, ETag: `"abc-2"`, VersionID: "v1", LastModified: at},
		"archived": {Size: 1 << 40, ETag: `"def"`, VersionID: "v2", LastModified: at, StorageClass: "GLACIER"},
		"empty":    {ETag: `"e"`, VersionID: "v3", LastModified: at},
		"weak":     {Size: 1, ETag: `W/"w"`, VersionID: "v4", LastModified: at},
		"gzip":     {Size: 7, ETag: `"g"`, VersionID: "v5", LastModified: at, Header: http.Header{"Content-Encoding": {"gzip"}}},
	}})
	b := open(t, srv)
	for _, want := range []Object{
		{"plain", "abc-2", "v1", 12345, at, "", false},
		{"archived", "def", "v2", 1 << 40, at, "GLACIER", false},
		{"empty", "e", "v3", 0, at, "", false},
		{"weak", "last modified 2026-02-03T04:05:06Z w", "v4", 1, at, "", false},
		{"gzip", "g", "v5", 7, at, "", false},
	} {
		if got, err := b.Head(t.Context(), want.Key); got != want || err != nil {
			t.Errorf("%+v, %v; want %+v", got, err, want)
		}
	}
}

func TestHeadOfOddReplies(t *testing.T) {
	tests := []struct {
		name    string
		headers []string
		want    Object // its LastModified is not looked at
		ok      bool
	}{
		{"an ETag without quotes", []string{"Content-Length: 3", "Etag: abc"}, Object{ETag: "abc", Size: 3}, true},
		{"an ETag that could not be sent back", []string{"Content-Length: 3", "Etag: \"a b\""}, Object{ETag: "last modified 0001-01-01T00:00:00Z", Size: 3}, true},
		{"no ETag", []string{"Content-Length: 3", "Last-Modified: Sat, 01 Jan 2022 00:00:00 GMT"}, Object{ETag: "last modified 2022-01-01T00:00:00Z", Size: 3}, true},
		{"a weak ETag", []string{"Content-Length: 3", `Etag: W/"abc"`, "Last-Modified: Sat, 01 Jan 2022 00:00:00 GMT"}, Object{ETag: "last modified 2022-01-01T00:00:00Z abc", Size: 3}, true},
		{"neither ETag nor date", []string{"Content-Length: 3"}, Object{ETag: "last modified 0001-01-01T00:00:00Z", Size: 3}, true},
		{"a date that is none", []string{"Content-Length: 3", `Etag: "e"`, "Last-Modified: yesterday"}, Object{ETag: "e", Size: 3}, true},
		{"no length", []string{"Content-Length: -1", `Etag: "e"`}, Object{}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := scripted(t, &script{answers: []answerFunc{says(200, "", tt.headers...)}})
				got, err := b.Head(t.Context(), "k")
				got.LastModified = time.Time{}
				if tt.ok {
					tt.want.Key = "k"
				}
				if got != tt.want || (err == nil) != tt.ok {
					t.Errorf("%+v, %v; want %+v", got, err, tt.want)
				}
				free(t, b)
			})
		})
	}
}

func TestHeadOfWhatIsNotThere(t *testing.T) {
	srv := s3test.New(t, s3test.Options{Text: map[string]string{"k": "v"}})
	b := open(t, srv)
	_, err := b.Head(t.Context(), "other")
	if !errors.Is(err, iofs.ErrNotExist) || errors.Is(err, iofs.ErrPermission) || asError(t, err).Status != 404 {
		t.Errorf("not there: %v", err)
	}
	srv.Deny(s3test.Head, true)
	_, err = b.Head(t.Context(), "k")
	if errors.Is(err, iofs.ErrNotExist) || !errors.Is(err, iofs.ErrPermission) || asError(t, err).Status != 403 {
		t.Errorf("not permitted: %v", err)
	}
	srv.Deny(s3test.Head, false)
	srv.Deny(s3test.List, true) // S3 then hides what is not there
	_, err = b.Head(t.Context(), "other")
	if errors.Is(err, iofs.ErrNotExist) || !errors.Is(err, iofs.ErrPermission) {
		t.Errorf("hidden: %v", err)
	}
	if n := srv.Count(""); n != 3 {
		t.Errorf("%d requests, want 3", n)
	}
}
