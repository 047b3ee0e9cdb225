package fs

import (
	"fmt"
	"syscall"
	"testing"
	"time"

	"s3mount/s3/s3test"
)

// With metadata shown, a refresh has the marker of a directory asked for anew, and
// links and files of a changed object are others.
func TestRefreshOfMetadata(t *testing.T) {
	r := newRig(t, s3test.Options{Objects: map[string]s3test.Object{
		"m/": withMeta("", "mode", "16832"), "m/f": withMeta("1", "mode", "33152"), "m/link": withMeta("here", "mode", "41471"),
	}}, withPosix)
	k := r.kernel(t)
	modes := func() string {
		link := k.walk("m", "link").NodeId
		target, _ := k.readlink(link)
		return fmt.Sprintf("%o %o %s", k.walk("m").Mode&0777, k.walk("m", "f").Mode&0777, target)
	}
	equal(t, "before", modes(), "700 600 here")
	later := func(body string, meta ...string) s3test.Object {
		o := withMeta(body, meta...)
		o.LastModified = o.LastModified.Add(time.Minute)
		return o
	}
	r.Put("m/", later("", "mode", "16877"))
	r.Put("m/f", later("1", "mode", "33188"))
	r.Put("m/link", later("there", "mode", "41471"))
	equal(t, "within the TTL", modes(), "700 600 here")
	if _, status := k.refresh("m"); !status.Ok() {
		t.Fatal(status)
	}
	equal(t, "after a refresh", modes(), "755 644 there")
}

// An inquiry that was sent before a refresh is nobody's who comes after it.
func TestRefreshOutlivesInquiries(t *testing.T) {
	r := newRig(t, s3test.Options{Objects: map[string]s3test.Object{"m/": withMeta("", "mode", "16832"), "m/f": withMeta("1")}}, withPosix)
	k := r.kernel(t)
	dir := k.walk("m").NodeId
	q := r.inquiries
	q.known.Purge()
	q.mu.Lock()
	old := q.beginLocked(subject{key: "m/"}) // which is never answered
	q.mu.Unlock()
	k.refresh("m")
	if attr, status := k.getattr(dir); !status.Ok() || attr.Mode != syscall.S_IFDIR|0700 {
		t.Errorf("getattr: %o, %v", attr.Mode, status)
	}
	q.finish(old, subject{key: "m/"})
	r.forget("m/")
	r.learn("m/", fact{entry: entry{name: "ghost"}, what: there, at: time.Now().Add(-time.Minute)})
	if _, what, _ := r.dirs.get("m/").recall(r.Tree, "ghost"); what == there {
		t.Error("what was asked before a refresh is learned after it")
	}
}

// A marker that is filtered out says nothing of its directory.
func TestMetadataOfAFilteredMarker(t *testing.T) {
	r := newRig(t, s3test.Options{Objects: map[string]s3test.Object{"m/": withMeta("", "mode", "16832"), "m/f": withMeta("1")}}, withPosix, filtered("-m/ -?/"))
	k := r.kernel(t)
	out := k.walk("m")
	equal(t, "mode", out.Mode, syscall.S_IFDIR|0555)
	for _, asked := range r.Requests() {
		if asked == "HEAD m/" {
			t.Error("the marker is asked for")
		}
	}
}
