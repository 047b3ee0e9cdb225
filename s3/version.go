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
	Pinned       bool // to GET: the version of that id or an error; else one of the same ETag will do
}

// datedTag begins the substitute for an ETag that a server does not give. No
// ETag has a blank in it (RFC 9110, 8.8.3).
const datedTag = "last modified "

// noDate is what follows it where a server does not say either: such an object
// can be seen and not read, because no reply can prove to be of its version.
const noDate = "0001-01-01T00:00:00Z"

// versionTag is the name of a version: the ETag as the server sent it, without
// its quotes, or a substitute where it cannot be used with If-Match.
func versionTag(etag string, modified time.Time) string {
	strong := !strings.HasPrefix(etag, "W/")
	etag = opaque(etag)
	usable := etag != "" && !strings.ContainsFunc(etag, notInTag)
	if usable && strong {
		return etag
	}
	tag := datedTag + modified.UTC().Format(time.RFC3339)
	if usable {
		tag += " " + etag // no condition to send, and tells of a change all the same
	}
	return tag
}

// opaque is what is between the quotes of an ETag, weak or strong.
func opaque(etag string) string { return strings.Trim(strings.TrimPrefix(etag, "W/"), `"`) }

// notInTag says that an ETag cannot have the character: it could not be sent
// back.
func notInTag(r rune) bool { return r <= ' ' || r == '"' || r == 0x7f }

// condition is the If-Match under which the server may answer: still this
// version. "" is none.
// A date is no condition to send: servers that keep fractions of a second refuse
// If-Unmodified-Since with the very date they gave. The reply's own date decides.
func condition(tag string) string {
	if strings.HasPrefix(tag, datedTag) {
		return ""
	}
	return `"` + tag + `"`
}

// Archived says that objects of a storage class cannot be read unless they have
// been restored.
func Archived(class string) bool { return class == "GLACIER" || class == "DEEP_ARCHIVE" }

// Tagged says whether o's ETag is the server's own, not a substitute.
func (o Object) Tagged() bool { return o.ETag != "" && !strings.HasPrefix(o.ETag, datedTag) }

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
	want, dated := strings.CutPrefix(tag, datedTag)
	if !dated || got == tag && want != noDate {
		return got == tag
	}
	want, weak, _ := strings.Cut(want, " ")
	at, err := time.Parse(time.RFC3339, want)
	modified, merr := http.ParseTime(h.Get("Last-Modified"))
	if reply := opaque(h.Get("Etag")); weak != "" && reply != "" && reply != weak {
		return false
	}
	return err == nil && merr == nil && at.Equal(modified)
}
