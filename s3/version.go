package s3

import (
	"net/http"
	"strings"
	"time"
)

// An Object is one version of what a key holds.
type Object struct {
	Key          string
	ETag         string // without quotes; names the version
	VersionID    string // the version's own name in a versioned bucket, or ""
	Size         int64  // bytes
	LastModified time.Time
	StorageClass string
}

// datedTag begins the substitute for an ETag that a server does not give. No
// ETag has a blank in it (RFC 9110, 8.8.3).
const datedTag = "last modified "

// versionTag is the name of a version: the ETag as the server sent it, without
// its quotes, or a substitute where it cannot be used with If-Match.
func versionTag(etag string, modified time.Time) string {
	weak := strings.HasPrefix(etag, "W/")
	etag = strings.Trim(etag, `"`)
	if etag != "" && !weak && !strings.ContainsFunc(etag, notInTag) {
		return etag
	}
	return datedTag + modified.UTC().Format(time.RFC3339)
}

// notInTag says that an ETag cannot have the character: it could not be sent
// back.
func notInTag(r rune) bool { return r <= ' ' || r == '"' || r == 0x7f }

// pin sets the condition under which the server may answer: still this version.
// A date is no condition to send: servers that keep fractions of a second refuse
// If-Unmodified-Since with the very date they gave. The reply's own date decides.
func pin(h http.Header, tag string) {
	if !strings.HasPrefix(tag, datedTag) {
		h.Set("If-Match", `"`+tag+`"`)
	}
}

// replyTag is the name of the version that a reply holds.
func replyTag(h http.Header) string {
	at, _ := http.ParseTime(h.Get("Last-Modified")) // zero when there is none
	return versionTag(h.Get("Etag"), at)
}

// sameVersion says whether a reply holds the version that tag names. Where tag
// is a substitute, the reply may have an ETag all the same: some servers give
// none in listings.
func sameVersion(tag string, h http.Header) bool {
	got := replyTag(h)
	if got == tag {
		return true
	}
	want, dated := strings.CutPrefix(tag, datedTag)
	at, err := time.Parse(time.RFC3339, want)
	modified, merr := http.ParseTime(h.Get("Last-Modified"))
	return dated && err == nil && merr == nil && at.Equal(modified)
}
