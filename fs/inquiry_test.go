package fs

import (
	"fmt"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"

	"s3mount/s3/s3test"
)

func withPosix(o *Options) { o.Posix = true }

// long is long enough ago for what is said of a version to last.
var long = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// withMeta is an object with metadata, "name", "value", and so on.
func withMeta(body string, meta ...string) s3test.Object {
	h := http.Header{}
	for i := 0; i < len(meta); i += 2 {
		h.Set("X-Amz-Meta-"+meta[i], meta[i+1])
	}
	return s3test.Object{Body: []byte(body), Header: h, LastModified: long}
}

func (k kernel) readlink(node uint64) (string, fuse.Status) {
	h := header(node)
	target, status := k.raw.Readlink(nil, &h)
	return string(target), status
}

func stat(a fuse.Attr) string {
	return fmt.Sprintf("%o %d:%d %d %d.%d", a.Mode, a.Uid, a.Gid, a.Size, a.Mtime, a.Mtimensec)
}

func TestPosixAttributes(t *testing.T) {
	r := newRig(t, s3test.Options{Objects: map[string]s3test.Object{
		"d/plain": withMeta("12345"),
		"d/s3fs":  withMeta("12345", "mode", "33152", "uid", "1000", "gid", "100", "mtime", "1400000000"),
		"d/link":  withMeta("../target", "mode", "41471", "uid", "1"),
		"d/none":  withMeta("", "mode", "32768"),
		"d/bad":   withMeta("1", "mode", "x", "uid", "-3", "gid", "7", "mtime", "now"),
		"m/":      withMeta("", "mode", "17407", "uid", "5", "mtime", "1400000000.5"),
		"m/x":     withMeta("1"),
	}}, withPosix, func(o *Options) { o.UID, o.GID = 7, 8 })
	k := r.kernel(t)
	for _, tt := range []struct {
		path, want string
		asked      []string
	}{
		{"d", "40555 7:8 0", []string{"HEAD d", "LIST d/ flat"}}, // that there is no marker the listing has shown
		{"d/plain", fmt.Sprintf("100444 7:8 5 %d.0", long.Unix()), []string{"HEAD d/plain"}},
		{"d/s3fs", "100600 1000:100 5 1400000000.0", []string{"HEAD d/s3fs"}},
		{"d/link", fmt.Sprintf("120777 1:8 9 %d.0", long.Unix()), []string{"HEAD d/link", "GET d/link 0-8"}},
		{"d/none", fmt.Sprintf("100000 7:8 0 %d.0", long.Unix()), []string{"HEAD d/none"}},
		{"d/bad", fmt.Sprintf("100444 7:7 1 %d.0", long.Unix()), []string{"HEAD d/bad"}},
		{"m", "41777 5:8 0 1400000000.500000000", []string{"HEAD m", "LIST m/ flat", "HEAD m/"}},
	} {
		r.ResetLog()
		out := k.walk(strings.Split(tt.path, "/")...)
		if got := stat(out.Attr); !strings.HasPrefix(got, tt.want) {
			t.Errorf("%s: %s, want %s", tt.path, got, tt.want)
		}
		attr, status := k.getattr(out.NodeId)
		if stat(attr.Attr) != stat(out.Attr) || !status.Ok() {
			t.Errorf("%s: getattr says %s, %v; lookup said %s", tt.path, stat(attr.Attr), status, stat(out.Attr))
		}
		r.asked(t, tt.asked...)
		k.walk(strings.Split(tt.path, "/")...)
		r.asked(t) // nothing, again
	}
	link := k.walk("d", "link")
	if got, status := k.readlink(link.NodeId); got != "../target" || !status.Ok() {
		t.Errorf("readlink: %q, %v", got, status)
	}
	if plain := k.walk("d", "plain"); plain.Ctime != uint64(long.Unix()) || k.walk("d", "s3fs").Ctime != uint64(long.Unix()) {
		t.Error("the ctime is not the object's")
	}
	r.asked(t)
}

// What cannot be a target is a file.
func TestPosixLinksThatAreNone(t *testing.T) {
	for what, body := range map[string]string{
		"empty": "", "too long": strings.Repeat("a", targetMax+1), "NUL": "a\x00b",
	} {
		r := newRig(t, s3test.Options{Objects: map[string]s3test.Object{"l": withMeta(body, "mode", "120777", "uid", "3")}}, withPosix)
		k := r.kernel(t)
		out := k.walk("l")
		if out.Mode != syscall.S_IFREG|0444 || out.Uid != 3 || out.Size != uint64(len(body)) {
			t.Errorf("%s: %s", what, stat(out.Attr))
		}
		if got, status := k.read(out.NodeId, k.mustOpen(out.NodeId), 0, len(body)+1); string(got) != body || !status.Ok() {
			t.Errorf("%s: read %d bytes, %v", what, len(got), status)
		}
		if n := r.Count(s3test.Get); what == "too long" && n != 1 {
			t.Errorf("%s: %d GETs, want that of the reader", what, n)
		}
	}
	r := newRig(t, s3test.Options{Objects: map[string]s3test.Object{"l": withMeta(strings.Repeat("a", targetMax), "mode", "120777")}}, withPosix)
	if out := r.kernel(t).walk("l"); out.Mode != syscall.S_IFLNK|0777 {
		t.Errorf("the longest: %s", stat(out.Attr))
	}
}

// A listing cannot tell what is a link: readdir says so.
func TestPosixReaddirKnowsNoTypes(t *testing.T) {
	r := newRig(t, s3test.Options{Objects: map[string]s3test.Object{"f": withMeta("1"), "d/x": withMeta("1")}}, withPosix)
	k := r.kernel(t)
	modes := map[string]uint32{}
	for _, e := range k.all(root, k.opendir(root), 0, 4096) {
		modes[e.Name] = e.Mode & syscall.S_IFMT
	}
	if modes["f"] != 0 || modes["d"] != syscall.S_IFDIR {
		t.Errorf("%v", modes)
	}
	if n := r.Count(s3test.Head); n != 0 {
		t.Errorf("readdir made %d HEADs", n)
	}
}

// Metadata is replaced by a copy of the object to itself: the ETag may stay.
func TestPosixChangedMetadata(t *testing.T) {
	o := withMeta("12345", "mode", "33188")
	o.ETag = `"same"`
	r := newRig(t, s3test.Options{Objects: map[string]s3test.Object{"f": o}}, withPosix)
	k := r.kernel(t)
	before := k.walk("f")
	o = withMeta("12345", "mode", "33261")
	o.ETag, o.LastModified = `"same"`, long.Add(time.Second)
	r.Put("f", o)
	equal(t, "within the TTL", k.walk("f").Mode, before.Mode)
	r.age("", 2*time.Hour)
	after := k.walk("f")
	equal(t, "mode", after.Mode, syscall.S_IFREG|0755)
	if after.NodeId == before.NodeId || after.Generation == before.Generation {
		t.Error("it is the same node")
	}
	o = withMeta("12345", "mode", "41471")
	o.ETag, o.LastModified = `"same"`, long.Add(2*time.Second)
	r.Put("f", o)
	r.age("", 2*time.Hour)
	equal(t, "a link now", k.walk("f").Mode, syscall.S_IFLNK|0777)
}

// The date tells two versions of one ETag apart, in seconds. What is said of a new
// one may not be the last word of that second.
func TestPosixChangedWithinASecond(t *testing.T) {
	o := withMeta("12345", "mode", "33188")
	o.ETag, o.LastModified = `"same"`, time.Now()
	r := newRig(t, s3test.Options{Objects: map[string]s3test.Object{"f": o}}, withPosix)
	k := r.kernel(t)
	before := k.walk("f")
	again := withMeta("12345", "mode", "33261")
	again.ETag, again.LastModified = o.ETag, o.LastModified
	r.Put("f", again)
	r.age("", 2*time.Hour)
	r.ageAnswers(2 * time.Hour)
	after := k.walk("f")
	equal(t, "mode", after.Mode, syscall.S_IFREG|0755)
	if after.NodeId == before.NodeId {
		t.Error("it is the same node")
	}
}

// ageAnswers makes what HEADs have said older.
func (r *rig) ageAnswers(by time.Duration) {
	r.inquiries.mu.Lock()
	defer r.inquiries.mu.Unlock()
	for _, a := range r.inquiries.known.Values() {
		a.at -= by
		a.began = a.began.Add(-by)
	}
}

// A directory stays what it is when its marker is replaced; what it says is
// believed as long as a listing.
func TestPosixDirectoryMarker(t *testing.T) {
	r := newRig(t, s3test.Options{Objects: map[string]s3test.Object{"d/": withMeta("", "mode", "16832"), "d/x": withMeta("1")}}, withPosix)
	k := r.kernel(t)
	before := k.walk("d")
	equal(t, "mode", before.Mode, syscall.S_IFDIR|0700)
	if before.AttrTimeout() > time.Hour {
		t.Errorf("attributes may be believed for %v", before.AttrTimeout())
	}
	r.Put("d/", withMeta("", "mode", "16877"))
	r.age("", 2*time.Hour)
	r.age("d/", 2*time.Hour)
	r.ageAnswers(2 * time.Hour)
	attr, _ := k.getattr(before.NodeId)
	equal(t, "getattr", attr.Mode, syscall.S_IFDIR|0755)
	after := k.walk("d")
	equal(t, "mode", after.Mode, syscall.S_IFDIR|0755)
	equal(t, "node", after.NodeId, before.NodeId)
}

// The HEAD tells of another version than the listing.
func TestPosixReplacedSinceListed(t *testing.T) {
	r := newRig(t, s3test.Options{Objects: map[string]s3test.Object{"d/f": withMeta("12345"), "d/g": withMeta("1"), "d/h": withMeta("1")}}, withPosix)
	k := r.kernel(t)
	dir := k.walk("d").NodeId
	r.Put("d/f", withMeta("replaced", "mode", "33152"))
	r.Delete("d/g")
	r.Delete("d/h")
	r.Put("d/h/x", withMeta("1"))
	r.ResetLog()
	out, status := k.lookup(dir, "f")
	if !status.Ok() || out.Mode != syscall.S_IFREG|0600 || out.Size != 8 {
		t.Errorf("replaced: %s, %v", stat(out.Attr), status)
	}
	r.asked(t, "HEAD d/f")
	if got, status := k.read(out.NodeId, k.mustOpen(out.NodeId), 0, 100); string(got) != "replaced" {
		t.Errorf("read %q, %v", got, status)
	}
	if _, status := k.lookup(dir, "g"); status != fuse.ENOENT {
		t.Errorf("deleted: %v", status)
	}
	if out, status := k.lookup(dir, "h"); !status.Ok() || out.Mode != syscall.S_IFDIR|0555 {
		t.Errorf("a directory now: %s, %v", stat(out.Attr), status)
	}
}

// Who may list and not read sees names, and what the flags say.
func TestPosixDenied(t *testing.T) {
	r := newRig(t, s3test.Options{Objects: map[string]s3test.Object{"d/f": withMeta("12345", "mode", "33152")}, DenyHead: true, DenyGet: true}, withPosix)
	k := r.kernel(t)
	out := k.walk("d", "f")
	equal(t, "mode", out.Mode, syscall.S_IFREG|0444)
	r.Deny(s3test.Head, false)
	r.ageAnswers(2 * time.Hour)
	equal(t, "mode, when it may be read", k.walk("d", "f").Mode, syscall.S_IFREG|0600)
}

// A server in trouble is no reason to show something else.
func TestPosixTrouble(t *testing.T) {
	r := newRig(t, s3test.Options{Objects: map[string]s3test.Object{"d/f": withMeta("12345", "mode", "41471"), "d/l": withMeta("target", "mode", "41471")}}, withPosix)
	k := r.kernel(t)
	dir := k.walk("d").NodeId
	r.AddRule(s3test.Rule{Op: s3test.Head, Action: s3test.Error(503, "SlowDown")})
	if _, status := k.lookup(dir, "f"); status != fuse.EIO {
		t.Errorf("no HEAD: %v", status)
	}
	r.ClearRules()
	r.AddRule(s3test.Rule{Op: s3test.Get, Action: s3test.Error(503, "SlowDown")})
	if _, status := k.lookup(dir, "l"); status != fuse.EIO {
		t.Errorf("no GET of the target: %v", status)
	}
	r.ClearRules()
	for _, name := range []string{"f", "l"} {
		if out, status := k.lookup(dir, name); !status.Ok() || out.Mode != syscall.S_IFLNK|0777 {
			t.Errorf("%s, afterwards: %s, %v", name, stat(out.Attr), status)
		}
	}
}

// Without a TTL every lookup asks, and its HEAD is the one.
func TestPosixWithoutTTL(t *testing.T) {
	o := withMeta("12345", "mode", "33152")
	o.LastModified = time.Now() // what is said of it does not last
	r := newRig(t, s3test.Options{Objects: map[string]s3test.Object{"f": o}}, withPosix, ttl(0))
	k := r.kernel(t)
	for range 2 {
		equal(t, "mode", k.walk("f").Mode, syscall.S_IFREG|0600)
		r.asked(t, "HEAD f", "LIST f/")
	}
}

// With extended attributes it is one HEAD for both.
func TestPosixAndXattr(t *testing.T) {
	r := newRig(t, s3test.Options{Objects: map[string]s3test.Object{
		"d/f": withMeta("12345", "mode", "33152", "colour", "red"), "d/l": withMeta("12345", "mode", "41471"),
	}}, withPosix, withXattr)
	k := r.kernel(t)
	file, link := k.walk("d", "f").NodeId, k.walk("d", "l").NodeId
	r.ResetLog()
	if got, _ := k.xattr(t, file, "user.s3.meta.colour"); got != "red" {
		t.Errorf("colour %q", got)
	}
	if got, status := k.xattrs(t, link); got != "" || !status.Ok() {
		t.Errorf("a link has %q, %v", got, status)
	}
	if _, status := k.xattr(t, link, "user.s3.key"); status != fuse.ENOATTR {
		t.Errorf("a link's: %v", status)
	}
	r.asked(t)
}
