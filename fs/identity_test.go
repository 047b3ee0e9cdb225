package fs

import (
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"

	"s3mount/s3/s3test"
)

func TestSameVersionIsTheSameNode(t *testing.T) {
	r := newRig(t, text("d/f"))
	k := r.kernel(t)
	dir, file := k.walk("d"), k.walk("d", "f")
	for range 2 {
		r.age("", 2*time.Hour)
		r.age("d/", 2*time.Hour)
		equal(t, "directory", k.walk("d").NodeId, dir.NodeId)
		again := k.walk("d", "f")
		equal(t, "file", again.NodeId, file.NodeId)
		equal(t, "its generation", again.Generation, file.Generation)
	}
}

// A replaced object is another node to the kernel: same inode number, other
// generation. The kernel then never takes the pages of the one for the other.
func TestReplacedObjectIsAnotherNode(t *testing.T) {
	r := newRig(t, text("d/f"))
	k := r.kernel(t)
	old := k.walk("d", "f")
	r.Put("d/f", s3test.Object{Body: []byte("more bytes than before")})
	r.age("d/", 2*time.Hour)
	now := k.walk("d", "f")
	if now.NodeId == old.NodeId || now.Generation == old.Generation {
		t.Errorf("node %d of generation %x is now %d of %x", old.NodeId, old.Generation, now.NodeId, now.Generation)
	}
	equal(t, "inode number", now.Ino, old.Ino)
	equal(t, "size", now.Size, uint64(len("more bytes than before")))
	attr, status := k.getattr(old.NodeId)
	if !status.Ok() || attr.Size != old.Size || attr.Mtime != old.Mtime {
		t.Errorf("the old node has changed: %+v, %v", attr, status)
	}
}

// An object that becomes a directory, or ceases to be one, changes its number, too.
func TestFileBecomesDirectory(t *testing.T) {
	r := newRig(t, text("n"))
	k := r.kernel(t)
	file := k.walk("n")
	r.Put("n/x", s3test.Object{Size: 1})
	r.age("", 2*time.Hour)
	dir := k.walk("n")
	equal(t, "mode", dir.Mode, syscall.S_IFDIR|0555)
	if dir.Ino == file.Ino || dir.NodeId == file.NodeId {
		t.Error("file and directory are one")
	}
	r.Delete("n/x")
	r.age("", 2*time.Hour)
	r.age("n/", 2*time.Hour)
	equal(t, "the file again", k.walk("n").NodeId, file.NodeId)
}

// The kernel may believe a name for what is left of the TTL, and attributes for
// ever.
func TestTimeouts(t *testing.T) {
	r := newRig(t, text("d/f", "d/g"), ttl(time.Hour))
	k := r.kernel(t)
	within := func(what string, out fuse.EntryOut, least, most time.Duration) {
		t.Helper()
		if got := out.EntryTimeout(); got < least || got > most {
			t.Errorf("%s may be believed for %v, want %v to %v", what, got, least, most)
		}
		equal(t, what+", its attributes", out.AttrTimeout(), forever)
	}
	within("a new answer", k.walk("d", "f"), 59*time.Minute, time.Hour)
	r.age("d/", 40*time.Minute)
	within("an old answer", k.walk("d", "f"), 19*time.Minute, 20*time.Minute)
	if _, err := r.list(t, "d/"); err != nil { // begun by the first lookup of d
		t.Fatal(err)
	}
	r.age("d/", 10*time.Minute)
	within("an old listing", k.walk("d", "f"), 9*time.Minute, 10*time.Minute)
	_, outs, _ := k.readdirplus(k.walk("d").NodeId, k.opendir(k.walk("d").NodeId), 0, 4096)
	within("readdirplus from it", outs[3], 9*time.Minute, 10*time.Minute)

	zero := newRig(t, text("f"), ttl(0))
	within("anything with a TTL of 0", zero.kernel(t).walk("f"), 0, 0)
	_, status := zero.kernel(t).lookup(root, "none")
	equal(t, "nothing", status, fuse.ENOENT)
}

func TestAttributes(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	objects := map[string]s3test.Object{"f": {Size: 1000, LastModified: at}, "d/x": {Size: 1}, "empty": {LastModified: at}}
	r := newRig(t, s3test.Options{Objects: objects})
	own := newRig(t, s3test.Options{Objects: objects}, func(o *Options) { o.UID, o.GID, o.FileMode, o.DirMode = 7, 8, 0640, 0750 })
	for _, tt := range []struct {
		rig  *rig
		name string
		want fuse.Attr
	}{
		{r, "f", fuse.Attr{Mode: syscall.S_IFREG | 0444, Size: 1000, Blocks: 2, Mtime: uint64(at.Unix())}},
		{r, "empty", fuse.Attr{Mode: syscall.S_IFREG | 0444, Mtime: uint64(at.Unix())}},
		{r, "d", fuse.Attr{Mode: syscall.S_IFDIR | 0555, Mtime: uint64(r.born.Unix())}},
		{own, "f", fuse.Attr{Mode: syscall.S_IFREG | 0640, Size: 1000, Blocks: 2, Mtime: uint64(at.Unix()), Owner: fuse.Owner{Uid: 7, Gid: 8}}},
		{own, "d", fuse.Attr{Mode: syscall.S_IFDIR | 0750, Mtime: uint64(own.born.Unix()), Owner: fuse.Owner{Uid: 7, Gid: 8}}},
	} {
		k := tt.rig.kernel(t)
		out := k.walk(tt.name)
		attr, status := k.getattr(out.NodeId)
		for what, got := range map[string]fuse.Attr{"lookup": out.Attr, "getattr": attr.Attr} {
			want := tt.want
			want.Ino, want.Nlink, want.Ctime, want.Atime = out.Ino, 1, want.Mtime, want.Mtime
			want.Blksize = got.Blksize
			got.Atimensec, got.Mtimensec, got.Ctimensec = 0, 0, 0
			got.Blocks = (got.Size + 511) / 512
			equal(t, fmt.Sprintf("%s of %s", what, tt.name), got, want)
		}
		equal(t, "status", status, fuse.OK)
		equal(t, "time-out", attr.Timeout(), forever)
	}
	attr, status := r.kernel(t).getattr(root)
	if !status.Ok() || attr.Mode != syscall.S_IFDIR|0555 || attr.Ino != 1 {
		t.Errorf("the root: %+v, %v", attr, status)
	}
}

// A file whose size the listing does not say is asked for, by name.
func TestSizeUnknownToTheListing(t *testing.T) {
	r := newRig(t, text("d/f"))
	r.AddRule(s3test.Rule{Op: s3test.List, Key: "d/", Action: s3test.Func(unsorted([][]string{{"f"}}))})
	d := r.dirs.get("d/").current(r.Tree)
	d.open()
	if _, err := names(t, d); err != nil {
		t.Fatal(err)
	}
	d.close()
	d.mu.Lock()
	d.names.settled.pieces[0].rows[0].size = -1
	d.mu.Unlock()
	k := r.kernel(t)
	dir := k.walk("d").NodeId
	_, outs, status := k.readdirplus(dir, k.opendir(dir), 0, 4096)
	if !status.Ok() || len(outs) != 3 || outs[2].Size != uint64(len("bytes of d/f")) {
		t.Errorf("readdirplus: %+v, %v", outs, status)
	}
}

func TestStatfsAsksNobody(t *testing.T) {
	r := newRig(t, text("f"))
	k := r.kernel(t)
	file := k.walk("f").NodeId
	r.ResetLog()
	for _, node := range []uint64{root, file} {
		h := header(node)
		var out fuse.StatfsOut
		status := k.raw.StatFs(nil, &h, &out)
		if !status.Ok() || out.NameLen != 255 || out.Blocks*uint64(out.Bsize) != 1<<50 || out.Bfree != out.Blocks || out.Ffree == 0 {
			t.Errorf("statfs: %+v, %v", out, status)
		}
	}
	r.asked(t)
}
