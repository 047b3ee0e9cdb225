package fs

import (
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"

	"s3mount/s3"
	"s3mount/s3/s3test"
)

// No other ioctl is ours, of directories or files.
func TestOnlyRefreshIsAnIoctl(t *testing.T) {
	r := newRig(t, text("d/f"))
	k := r.kernel(t)
	file := k.walk("d", "f").NodeId
	fh := k.mustOpen(file)
	arg := make([]byte, refreshMost)
	for _, tt := range []struct {
		name     string
		node, fh uint64
		cmd      uint32
		arg      []byte
		want     fuse.Status
	}{
		{"refresh", root, 0, refreshCall, arg, fuse.OK},
		{"refresh of a file", file, fh, refreshCall, arg, fuse.Status(syscall.ENOTTY)},
		{"TCGETS", root, 0, syscall.TCGETS, nil, fuse.Status(syscall.ENOTTY)},
		{"FS_IOC_GETFLAGS", root, 0, 0x80086601, nil, fuse.Status(syscall.ENOTTY)},
		{"another size", root, 0, refreshCall - 1<<16, arg[1:], fuse.Status(syscall.ENOTTY)},
		{"a path without end", root, 0, refreshCall, []byte(strings.Repeat("x", refreshMost)), fuse.Status(syscall.ENAMETOOLONG)},
		{"a long name", root, 0, refreshCall, []byte(strings.Repeat("x", nameMax+1) + "\x00"), fuse.Status(syscall.ENAMETOOLONG)},
		{"dots", root, 0, refreshCall, []byte("d/../d\x00"), fuse.ENOENT},
		{"an empty name", root, 0, refreshCall, []byte("d//f\x00"), fuse.ENOENT},
	} {
		got := k.raw.Ioctl(nil, &fuse.IoctlIn{InHeader: header(tt.node), Fh: tt.fh, Cmd: tt.cmd}, tt.arg, &fuse.IoctlOut{}, nil)
		equal(t, tt.name, got, tt.want)
	}
	// As the kernel's macro makes it: _IOW('3', 'S', char[4096]).
	equal(t, "its number", uint32(refreshCall), 0x50003353)
}

// A refresh says whether there was something to forget, and costs nothing.
func TestRefreshTellsWhatWasKnown(t *testing.T) {
	r := newRig(t, text("d/f", "d/sub/x", "e/f"))
	k := r.kernel(t)
	k.walk("d", "f")
	k.lookup(root, "none")
	r.ResetLog()
	for _, tt := range []struct {
		path  string
		known int32
	}{{"d/f", 1}, {"d/f", 1}, {"d/sub", 1}, {"d", 1}, {"d/none", 0}, {"e", 0}, {"e/f", 0}, {"none", 0}, {"none/x", 0}, {"", 1}} {
		known, status := k.refresh(tt.path)
		if known != tt.known || !status.Ok() {
			t.Errorf("refresh of %q: %d, %v; want %d", tt.path, known, status, tt.known)
		}
	}
	r.asked(t)
}

// What was asked for before a refresh is not believed after it, though it comes
// later: a first page without delimiter, and the pages of a scan.
func TestRefreshOutlivesRequestsUnderWay(t *testing.T) {
	old := func() s3.Page {
		var page s3.Page
		for i := range 2 * orderProof {
			page.Entries = append(page.Entries, s3.Entry{Key: fmt.Sprintf("d/sub%03d/old", i), Size: 1, ETag: "old"})
		}
		page.Last = true
		return page
	}
	for _, what := range []string{"", "d", "d/sub007"} {
		r := newRig(t, text("d/sub007/new", "d/sub100/new"))
		k := r.kernel(t)
		l := newListing(r.Tree, r.dirs.get(""))
		l.running = true
		if !l.dir.offer(l) {
			t.Fatal("nobody takes the listing")
		}
		if _, status := k.refresh(what); !status.Ok() {
			t.Fatal(status)
		}
		if l.learn(old()) {
			t.Fatal("a last page is not the end")
		}
		late := newListing(r.Tree, r.dirs.get("d/sub007/")) // begun between a look at the refreshes and now
		late.began = l.began
		equal(t, "taken", late.dir.offer(late), false)
		at := k.walk("d", "sub007")
		_, status := k.lookup(at.NodeId, "old")
		equal(t, "the old name, after a refresh of "+what, status, fuse.ENOENT)
		if _, status = k.lookup(at.NodeId, "new"); !status.Ok() {
			t.Errorf("the new name, after a refresh of %q: %v", what, status)
		}
		other := k.walk("d", "sub100")
		_, status = k.lookup(other.NodeId, "old")
		equal(t, "beside what was refreshed "+what, status.Ok(), what == "d/sub007")
	}
}

// A scan that is under way ends where it lists what was refreshed, and whoever
// reads a directory by it reads on.
func TestRefreshEndsScans(t *testing.T) {
	f := newForest(t, 60_000, dirsOf(20))
	k := f.kernel(t)
	for _, dir := range f.visit(t, "")[100:160] {
		f.visit(t, dir)
	}
	scans := f.underWay()
	if len(scans) == 0 {
		t.Fatal("there is no scan; this test would show nothing")
	}
	first := strings.TrimSuffix(f.want("")[0], "/")
	if _, status := k.refresh("nothing/of/the/kind"); !status.Ok() {
		t.Fatal(status)
	}
	if _, status := k.refresh(first + "x"); !status.Ok() {
		t.Fatal(status)
	}
	for _, s := range scans {
		s.mu.Lock()
		if !s.over {
			t.Error("a scan of what was refreshed goes on")
		}
		s.mu.Unlock()
	}
	if f.covering(f.want("")[2_900]) != nil {
		t.Error("who comes now waits for a scan from before the refresh")
	}
	f.find(t, "", nil)
}

// Who reads a directory when it is refreshed goes on in what he reads; the kernel
// may not believe any of that.
func TestOpenDirectoryAfterRefresh(t *testing.T) {
	r := newRig(t, text("d/f", "d/sub/x"))
	k := r.kernel(t)
	dir := k.walk("d").NodeId
	fh := k.opendir(dir)
	_, before, _ := k.readdirplus(dir, fh, 0, 4096)
	r.Put("d/f", s3test.Object{Body: []byte("another version")})
	if _, status := k.refresh("d"); !status.Ok() {
		t.Fatal(status)
	}
	again := k.opendir(dir)
	r.ResetLog()
	entries, outs, status := k.readdirplus(dir, fh, 2, 4096)
	equalAll(t, "names", entryNames(entries), []string{"f", "sub"})
	r.asked(t)
	if !status.Ok() || outs[0].Size != before[2].Size || outs[0].EntryTimeout() != 0 || outs[1].EntryTimeout() != 0 || outs[1].AttrTimeout() != 0 {
		t.Errorf("the open directory: %v, %+v", status, outs)
	}
	_, outs, status = k.readdirplus(dir, again, 2, 4096)
	if !status.Ok() || outs[0].Size != uint64(len("another version")) || outs[0].EntryTimeout() < 59*time.Minute {
		t.Errorf("one that was opened afterwards: %v, %+v", status, outs)
	}
}

// The kernel keeps the name of a directory and asks for its attributes: then it is
// seen whether it still is one.
func TestDirectoryAfterRefresh(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*rig)
		want   fuse.Status
	}{
		{"there", func(*rig) {}, fuse.OK},
		{"gone", func(r *rig) { r.Delete("d/f") }, fuse.Status(syscall.ESTALE)},
		{"a file now", func(r *rig) { r.Delete("d/f"); r.Put("d", s3test.Object{Size: 1}) }, fuse.Status(syscall.ESTALE)},
		{"not to be found out", func(r *rig) { r.AddRule(s3test.Rule{Op: s3test.List, Action: s3test.Error(503, "SlowDown")}) }, fuse.EIO},
	} {
		r := newRig(t, text("d/f"))
		k := r.kernel(t)
		dir := k.walk("d").NodeId
		tt.change(r)
		if _, status := k.getattr(dir); !status.Ok() {
			t.Errorf("%s: before the refresh %v", tt.name, status)
		}
		k.refresh("")

		for range 2 {
			_, status := k.getattr(dir)
			equal(t, tt.name, status, tt.want)
		}
		r.ClearRules()
		if tt.want == fuse.EIO {
			if _, status := k.getattr(dir); !status.Ok() {
				t.Errorf("once the server is well: %v", status)
			}
		}
	}
}

// More refreshes than are remembered count as one of everything.
func TestManyRefreshes(t *testing.T) {
	r := newRig(t, text("d/f"))
	at := time.Now()
	for i := range mostRefreshes + 10 {
		r.refreshed(fmt.Sprintf("dir%d/", i))
	}
	for i := range mostRefreshes + 10 {
		equal(t, "a refreshed directory", r.refreshedSince(fmt.Sprintf("dir%d/sub/", i), at), true)
	}
	equal(t, "something new", r.refreshedSince("dir1/", time.Now()), false)
	if n := len(*r.refreshes.all.Load()); n > mostRefreshes {
		t.Errorf("%d are remembered", n)
	}
	short := newRig(t, text(), ttl(time.Nanosecond))
	short.refreshed("a/")
	short.refreshed("b/")
	all := *short.refreshes.all.Load()
	if len(all) != 1 || slices.Contains(all, refresh{}) {
		t.Errorf("behind the TTL %d are remembered, want the last", len(all))
	}
}

// One name is asked for anew, and so is what it is in where that was not known to
// be a directory; what is beside it is not.
func TestRefreshOfOneName(t *testing.T) {
	for _, tt := range []struct {
		name, path string
		change     func(*rig)
		asked      []string
	}{
		{"a file replaced", "d/f", func(r *rig) { r.Put("d/f", s3test.Object{Body: []byte("new")}) }, []string{"HEAD d/f", "LIST d/f/ flat"}},
		{"a new file", "d/new", func(r *rig) { r.Put("d/new", s3test.Object{Body: []byte("new")}) }, []string{"HEAD d/new", "LIST d/new/ flat"}},
		{"in a new directory", "d/none/new", func(r *rig) { r.Put("d/none/new", s3test.Object{Body: []byte("new")}) },
			[]string{"HEAD d/none", "LIST d/none/ flat"}}, // which tells of all in it
		{"in what was a file", "d/f/new", func(r *rig) { r.Put("d/f/new", s3test.Object{Body: []byte("new")}) },
			[]string{"HEAD d/f", "LIST d/f/ flat"}},
	} {
		r := newRig(t, text("d/f", "d/g"))
		k := r.kernel(t)
		k.walk("d", "f")
		for _, none := range []string{"new", "none"} {
			_, status := k.lookup(k.walk("d").NodeId, none)
			equal(t, tt.name+", before", status, fuse.ENOENT)
		}
		tt.change(r)
		if _, status := k.refresh(tt.path); !status.Ok() {
			t.Fatal(status)
		}
		r.ResetLog()
		k.walk("d", "g")
		equal(t, tt.name, k.walk(strings.Split(tt.path, "/")...).Size, 3)
		r.asked(t, tt.asked...)
	}
}

// What is behind a door is refreshed with the directory that the door is in.
func TestRefreshBehindADoor(t *testing.T) {
	for _, path := range []string{"", "a", "a/" + doorName, "a/" + doorName + "/%2F/b", "a/" + doorName + "/%2F/none"} {
		r := newRig(t, text("a//b", "a/x", "a//sub/c"))
		k := r.kernel(t)
		door := k.walk("a", doorName, "%2F").NodeId
		k.walk("a", doorName, "%2F", "b")
		sub := k.walk("a", doorName, "%2F", "sub").NodeId
		r.Put("a//b", s3test.Object{Body: []byte("new")})
		r.Delete("a//sub/c")
		r.ResetLog()
		known, status := k.refresh(path)
		if !status.Ok() || known == 1 && strings.Contains(path, doorName) {
			t.Errorf("refresh of %q: %d, %v", path, known, status)
		}
		r.asked(t)
		out, status := k.lookup(door, "b")
		if !status.Ok() || out.Size != 3 {
			t.Errorf("after a refresh of %q: size %d, %v", path, out.Size, status)
		}
		if _, status := k.getattr(sub); status != fuse.Status(syscall.ESTALE) {
			t.Errorf("after a refresh of %q the deleted directory: %v", path, status)
		}
		if _, status := k.getattr(door); !status.Ok() {
			t.Errorf("after a refresh of %q the directory behind the door: %v", path, status)
		}
	}
}
