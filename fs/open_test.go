package fs

import (
	"bytes"
	"syscall"
	"testing"
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"

	"s3mount/cache"
	"s3mount/s3/s3test"
)

const estale = fuse.Status(syscall.ESTALE)

// version is an object of generated content.
func version(etag string, size int64) s3test.Object {
	return s3test.Object{ETag: `"` + etag + `"`, Size: size, LastModified: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
}

// checkBytes: p is what that version of "f" holds at off.
func checkBytes(t testing.TB, etag string, p []byte, off int64) {
	t.Helper()
	if err := s3test.CheckContent("f", `"`+etag+`"`, p, off); err != nil {
		t.Error(err)
	}
}

func TestRead(t *testing.T) {
	const block, size = cache.BlockSize, 3*cache.BlockSize + 1000
	r := newRig(t, s3test.Options{Objects: map[string]s3test.Object{"f": version("one", size)}})
	k := r.kernel(t)
	file := k.walk("f").NodeId
	fh := k.mustOpen(file)
	for _, tt := range []struct {
		off  int64
		n    int
		want int
	}{
		{0, 1, 1}, {0, block, block}, {block - 1, 2, 2}, {1, 2 * block, 2 * block}, {0, 1 << 20, size}, {size - 1, 10, 1},
		{size, 10, 0}, {size + 1, 10, 0}, {1 << 40, 10, 0}, {5, 0, 0}, {2*block + 7, 1 << 20, block + 993},
	} {
		p, status := k.read(file, fh, tt.off, tt.n)
		if !status.Ok() || len(p) != tt.want {
			t.Errorf("read of %d at %d: %d bytes, %v", tt.n, tt.off, len(p), status)
		}
		checkBytes(t, "one", p, tt.off)
	}
}

// A first open asks for the first bytes; another one soon afterwards for nothing.
func TestOpenConfirmsTheVersion(t *testing.T) {
	r := newRig(t, s3test.Options{Objects: map[string]s3test.Object{"f": version("one", 1000)}})
	k := r.kernel(t)
	file := k.walk("f").NodeId
	r.ResetLog()
	for range 3 {
		p, status := k.read(file, k.mustOpen(file), 0, 2000)
		equal(t, "status", status, fuse.OK)
		equal(t, "length", len(p), 1000)
		checkBytes(t, "one", p, 0)
	}
	r.asked(t, "GET f 0-999")
}

// An empty file has no bytes to ask for: a HEAD says that it still is one, once.
func TestOpenOfAnEmptyFile(t *testing.T) {
	r := newRig(t, text())
	empty := s3test.Object{LastModified: time.Now()}
	r.Put("f", empty)
	k := r.kernel(t)
	file := k.walk("f").NodeId
	r.ResetLog()
	for range 3 {
		p, status := k.read(file, k.mustOpen(file), 0, 10)
		if len(p) != 0 || !status.Ok() {
			t.Errorf("read %q, %v", p, status)
		}
	}
	r.asked(t, "HEAD f")

	for name, tt := range map[string]struct {
		change func(*rig)
		want   fuse.Status
	}{
		"filled":  {func(r *rig) { r.Put("f", s3test.Object{Size: 1}) }, estale},
		"deleted": {func(r *rig) { r.Delete("f") }, estale},
		"in trouble": {func(r *rig) {
			r.AddRule(s3test.Rule{Op: s3test.Head, Action: s3test.Error(503, "SlowDown")})
		}, fuse.EIO},
		"refused": {func(r *rig) { r.Deny(s3test.Head, true) }, fuse.EACCES},
	} {
		r := newRig(t, text())
		r.Put("f", empty)
		k := r.kernel(t)
		file := k.walk("f").NodeId
		tt.change(r)
		_, status := k.open(file, 0)
		equal(t, "open of an empty file that was "+name, status, tt.want)
	}
}

// A file that was replaced since it was listed: open says ESTALE, the kernel
// looks the name up anew, and opens what it finds.
func TestOpenOfAReplacedFile(t *testing.T) {
	r := newRig(t, s3test.Options{Objects: map[string]s3test.Object{"f": version("one", 1000)}})
	k := r.kernel(t)
	if _, err := r.list(t, ""); err != nil {
		t.Fatal(err)
	}
	old := k.walk("f").NodeId
	r.Put("f", version("two", 2000))
	_, status := k.open(old, 0)
	equal(t, "open", status, estale)
	r.ResetLog()
	_, status = k.open(old, 0)
	equal(t, "open of the node again", status, estale)
	now := k.walk("f")
	equal(t, "size", now.Size, 2000)
	r.asked(t, "HEAD f", "LIST f/ flat")
	p, status := k.read(now.NodeId, k.mustOpen(now.NodeId), 0, 4096)
	equal(t, "status", status, fuse.OK)
	equal(t, "length", len(p), 2000)
	checkBytes(t, "two", p, 0)
	_, status = k.open(old, 0)
	equal(t, "open of the old node", status, estale)
}

func TestOpenOfADeletedFile(t *testing.T) {
	r := newRig(t, s3test.Options{Objects: map[string]s3test.Object{"f": version("one", 1000)}})
	k := r.kernel(t)
	file := k.walk("f").NodeId
	r.Delete("f")
	_, status := k.open(file, 0)
	equal(t, "open", status, estale)
	_, status = k.lookup(root, "f")
	equal(t, "lookup", status, fuse.ENOENT)
}

// A file replaced while it is open: what is in memory are the old bytes, the rest
// is ESTALE, and stays so; never a byte of the new version.
func TestReadOfAReplacedFile(t *testing.T) {
	const size = 4 << 20
	r := newRig(t, s3test.Options{Objects: map[string]s3test.Object{"f": version("one", size)}})
	k := r.kernel(t)
	file := k.walk("f").NodeId
	fh := k.mustOpen(file)
	if _, status := k.read(file, fh, 0, 4096); !status.Ok() {
		t.Fatal(status)
	}
	if err := r.WaitIdle(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.Put("f", version("two", size))
	for range 3 {
		_, status := k.read(file, fh, size-4096, 4096)
		equal(t, "read of what is not in memory", status, estale)
		p, status := k.read(file, fh, 0, 4096)
		equal(t, "read of what is", status, fuse.OK)
		checkBytes(t, "one", p, 0)
	}
	r.ResetLog()
	now := k.walk("f") // distrusted once, not by every read that fails
	_, status := k.read(file, fh, size-4096, 4096)
	equal(t, "read", status, estale)
	r.ResetLog()
	equal(t, "the node that is known", k.walk("f").NodeId, now.NodeId)
	r.asked(t)
	_, status = k.open(file, 0)
	equal(t, "open of the old node", status, estale)
	p, status := k.read(now.NodeId, k.mustOpen(now.NodeId), size-4096, 4096)
	equal(t, "read of the new one", status, fuse.OK)
	checkBytes(t, "two", p, size-4096)
}

// The object is the old version again, its time included, as when the later one
// is deleted in a bucket with versions. The kernel finds the old node again,
// which must not be stale for ever.
func TestOldVersionComesBack(t *testing.T) {
	for _, believed := range []time.Duration{time.Hour, 0} {
		r := newRig(t, s3test.Options{Objects: map[string]s3test.Object{"f": version("one", 1000)}}, ttl(believed))
		k := r.kernel(t)
		old := k.walk("f").NodeId
		r.Put("f", version("two", 2000))
		_, status := k.open(old, 0)
		equal(t, "open of the replaced", status, estale)
		k.mustOpen(k.walk("f").NodeId)

		r.Put("f", version("one", 1000))
		r.age("", 2*time.Hour)
		back := k.walk("f").NodeId
		equal(t, "the node", back, old)
		p, status := k.read(back, k.mustOpen(back), 0, 4096)
		equal(t, "status", status, fuse.OK)
		equal(t, "length", len(p), 1000)
		checkBytes(t, "one", p, 0)
	}
}

// An open whose version is not confirmed is no open, and is not remembered.
func TestOpenWithAServerInTrouble(t *testing.T) {
	for name, tt := range map[string]struct {
		action s3test.Action
		want   fuse.Status
	}{
		"503":               {s3test.Error(503, "SlowDown"), fuse.EIO},
		"403":               {s3test.Error(403, "AccessDenied"), fuse.EACCES},
		"GLACIER":           {s3test.Error(403, "InvalidObjectState"), fuse.EACCES},
		"a page of a proxy": {s3test.HTML(), fuse.EIO},
	} {
		r := newRig(t, s3test.Options{Objects: map[string]s3test.Object{"f": version("one", 1000)}})
		k := r.kernel(t)
		file := k.walk("f").NodeId
		r.AddRule(s3test.Rule{Op: s3test.Get, Action: tt.action})
		for range 2 {
			_, status := k.open(file, 0)
			equal(t, name, status, tt.want)
		}
		r.ClearRules()
		p, status := k.read(file, k.mustOpen(file), 0, 1000)
		if !status.Ok() || bytes.Equal(p, make([]byte, 1000)) {
			t.Errorf("%s, afterwards: %v", name, status)
		}
	}
}

// A reader that is interrupted gets EINTR; the file stays what it is.
func TestInterruptedRead(t *testing.T) {
	const size = 4 << 20
	r := newRig(t, s3test.Options{Objects: map[string]s3test.Object{"f": version("one", size)}})
	k := r.kernel(t)
	file := k.walk("f").NodeId
	fh := k.mustOpen(file)
	release := make(chan struct{})
	r.AddRule(s3test.Rule{Op: s3test.Get, Action: s3test.Hold(s3test.BeforeHeaders, release)})
	cancel := make(chan struct{})
	close(cancel)
	_, status := k.raw.Read(cancel, &fuse.ReadIn{InHeader: header(file), Fh: fh, Offset: 2 << 20}, make([]byte, 4096))
	equal(t, "interrupted", status, fuse.EINTR)
	close(release)
	p, status := k.read(file, fh, 2<<20, 4096)
	equal(t, "again", status, fuse.OK)
	checkBytes(t, "one", p, 2<<20)
}
