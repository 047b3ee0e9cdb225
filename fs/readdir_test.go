package fs

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"

	"s3mount/s3/s3test"
)

func TestReaddir(t *testing.T) {
	r := newRig(t, text("d/f", "d/sub/x", "d/sub-1/x"))
	k := r.kernel(t)
	dir := k.walk("d")
	got := k.all(dir.NodeId, k.opendir(dir.NodeId), 0, 4096)
	equalAll(t, "names", entryNames(got), []string{".", "..", "f", "sub-1", "sub"})
	for i, want := range []uint32{syscall.S_IFDIR, syscall.S_IFDIR, syscall.S_IFREG, syscall.S_IFDIR, syscall.S_IFDIR} {
		equal(t, "type of "+got[i].Name, got[i].Mode, want)
	}
	equal(t, "inode of .", got[0].Ino, dir.Ino)
	equal(t, "inode of .. is the root's", got[1].Ino, root)
	for _, e := range got[2:] {
		equal(t, "inode of "+e.Name, e.Ino, k.walk("d", e.Name).Ino)
	}
}

// Offsets are good for as long as the directory is open: seekdir to any of them
// gives the rest, however little room there is for each READDIR.
func TestSeekdir(t *testing.T) {
	r := newRig(t, s3test.Options{})
	r.PutRange(1_100, func(i int) string { return fmt.Sprintf("%04d", i) }, s3test.Object{})
	k := r.kernel(t)
	for _, room := range []int{64, 4096, 128 << 10} {
		fh := k.opendir(root)
		all := k.all(root, fh, 0, room)
		if len(all) != 1102 {
			t.Fatalf("%d entries", len(all))
		}
		for _, i := range []int{0, 1, 2, 3, 500, 998, 999, 1000, 1001, 1002, 1100, 1101, 7, 6} {
			rest := k.all(root, fh, all[i].Off, room)
			equalAll(t, fmt.Sprintf("behind entry %d", i), entryNames(rest), entryNames(all[i+1:]))
		}
		equalAll(t, "rewound", k.all(root, fh, 0, room), all)
		for _, off := range []uint64{2000, 1 << 40, 1<<64 - 1} {
			if rest := k.all(root, fh, off, room); len(rest) != 0 {
				t.Errorf("there are %d entries behind offset %d", len(rest), off)
			}
		}
	}
	r.asked(t, "LIST flat", "LIST after=0999")
}

// Two who share an open directory share its place; two who have opened it do not.
func TestTwoReaders(t *testing.T) {
	r := newRig(t, s3test.Options{})
	r.PutRange(500, func(i int) string { return fmt.Sprintf("%04d", i) }, s3test.Object{})
	k := r.kernel(t)
	one, two := k.opendir(root), k.opendir(root)
	var wg sync.WaitGroup
	for _, fh := range []uint64{one, one, two, two} {
		wg.Go(func() { // each READDIR says where it begins, so they get all
			equal(t, "entries", len(k.all(root, fh, 0, 300)), 502)
		})
	}
	wg.Wait()
}

// rewinddir reads the directory anew once it is time for that, and not before.
func TestRewinddir(t *testing.T) {
	r := newRig(t, text("d/f"))
	k := r.kernel(t)
	dir := k.walk("d").NodeId
	fh := k.opendir(dir)
	k.all(dir, fh, 0, 4096)
	r.ResetLog()
	r.Put("d/g", s3test.Object{})
	equalAll(t, "at once", entryNames(k.all(dir, fh, 0, 4096)), []string{".", "..", "f"})
	r.asked(t)
	r.age("d/", 2*time.Hour)
	equalAll(t, "later", entryNames(k.all(dir, fh, 0, 4096)), []string{".", "..", "f", "g"})
	r.asked(t, "LIST d/ flat")
}

// `ls -l` asks nothing more than `ls`, even where nothing is believed for any
// time, and even when the kernel comes back to where it was.
func TestReaddirplusCostsNoRequest(t *testing.T) {
	r := newRig(t, text("d/f", "d/g", "d/h", "d/sub/x"), ttl(0))
	k := r.kernel(t)
	dir := k.walk("d").NodeId
	r.ResetLog()
	fh := k.opendir(dir)
	dots, _, _ := k.readdirplus(dir, fh, 0, 350) // room for two; it may have to wait for more
	equalAll(t, "names", entryNames(dots), []string{".", ".."})
	entries, outs, status := k.readdirplus(dir, fh, dots[1].Off, 4096)
	equalAll(t, "names", entryNames(entries), []string{"f", "g", "h", "sub"})
	equal(t, "status", status, fuse.OK)
	for i, e := range entries {
		out := outs[i]
		if out.NodeId == 0 || out.Ino != e.Ino || out.Mode&syscall.S_IFMT != e.Mode {
			t.Errorf("%s: %+v", e.Name, out)
		}
	}
	equal(t, "size", outs[0].Size, uint64(len("bytes of d/f")))
	again, _, _ := k.readdirplus(dir, fh, entries[0].Off, 4096) // as after an interrupt
	equalAll(t, "from the second on", entryNames(again), []string{"g", "h", "sub"})
	r.asked(t, "LIST d/")
}

// A directory that is held open does not give a name's old version back after
// an open has learned of a new one.
func TestReaddirplusKnowsWhatIsNewer(t *testing.T) {
	r := newRig(t, text("d/f", "d/g"))
	k := r.kernel(t)
	dir := k.walk("d").NodeId
	fh := k.opendir(dir)
	_, before, _ := k.readdirplus(dir, fh, 0, 4096)
	r.Put("d/f", s3test.Object{Body: []byte("another version")})
	if _, status := k.open(before[2].NodeId, 0); status != fuse.Status(syscall.ESTALE) {
		t.Fatalf("open of the replaced object: %v, want ESTALE", status)
	}
	_, after, status := k.readdirplus(dir, fh, 2, 4096)
	equal(t, "status", status, fuse.OK)
	equal(t, "size", after[0].Size, uint64(len("another version")))
	equal(t, "the other one", after[1].NodeId, before[3].NodeId)
}

func TestReaddirplusInSmallPieces(t *testing.T) {
	r := newRig(t, text("a", "b", "c", "d", "e"), ttl(0))
	k := r.kernel(t)
	fh := k.opendir(root)
	var got []string
	for off := uint64(0); ; {
		entries, _, status := k.readdirplus(root, fh, off, 400)
		if !status.Ok() || len(entries) == 0 {
			break
		}
		got = append(got, entryNames(entries)...)
		off = entries[len(entries)-1].Off
	}
	equalAll(t, "names", got, []string{".", "..", "a", "b", "c", "d", "e"})
	r.asked(t, "LIST")
}

// The kernel has the first page while the second is under way.
func TestReaddirGivesTheFirstPageAtOnce(t *testing.T) {
	r := threePages(t)
	release := make(chan struct{})
	r.AddRule(s3test.Rule{Match: nextPage, Action: s3test.Hold(s3test.BeforeHeaders, release)})
	k := r.kernel(t)
	dir := k.walk("d").NodeId // its LIST is the first page
	r.ResetLog()
	fh := k.opendir(dir)
	if err := r.WaitRequests(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	some, status := k.readdir(dir, fh, 0, 128<<10)
	equal(t, "entries", len(some), 2+999)
	equal(t, "status", status, fuse.OK)
	equal(t, "requests being served", r.Active(), 1)

	cancel := make(chan struct{})
	close(cancel)
	last := some[len(some)-1].Off
	list := fuse.NewDirEntryList(make([]byte, 4096), last)
	status = k.raw.ReadDir(cancel, &fuse.ReadIn{InHeader: header(dir), Fh: fh, Offset: last}, list)
	equal(t, "when interrupted", status, fuse.EINTR)

	close(release)
	equal(t, "the rest", len(k.all(dir, fh, last, 128<<10)), 2500-999)
}

// readdir says so when the listing broke off: a short directory never looks whole.
func TestReaddirOfABrokenListing(t *testing.T) {
	r := threePages(t)
	r.AddRule(s3test.Rule{Match: nextPage, Action: s3test.Error(503, "SlowDown")})
	k := r.kernel(t)
	dir := k.walk("d").NodeId
	fh := k.opendir(dir)
	var got []string
	var status fuse.Status
	for off := uint64(0); status.Ok() && len(got) < 2000; {
		var some []fuse.DirEntry
		if some, status = k.readdir(dir, fh, off, 4096); len(some) > 0 {
			got = append(got, entryNames(some)...)
			off = some[len(some)-1].Off
		}
	}
	equal(t, "entries", len(got), 2+999)
	equal(t, "status", status, fuse.EIO)
	if log := r.log.String(); strings.Count(log, "op=readdir") != 1 {
		t.Errorf("logged %q", log)
	}
	r.ClearRules()
	equal(t, "rewound", len(k.all(dir, fh, 0, 4096)), 2502)
}

// closedir ends the listing when nobody else reads it.
func TestReleasedirStopsTheListing(t *testing.T) {
	r := threePages(t)
	release := make(chan struct{})
	r.AddRule(s3test.Rule{Match: nextPage, Times: 1, Action: s3test.Hold(s3test.BeforeHeaders, release)})
	k := r.kernel(t)
	dir := k.walk("d").NodeId
	r.ResetLog()
	_, closedir := k.opendirUntil(dir)
	if err := r.WaitRequests(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	closedir()
	close(release)
	settle(r.dirs.get("d/").current(r.Tree))
	if got := r.Requests(); !slices.Equal(got, []string{"LIST d/ after=d/0999"}) {
		t.Errorf("asked %q", got)
	}
}

// The number of ".." is the one that the directory above has by its name, also
// where a prefix is mounted; the root is its own.
func TestInodeOfDotDot(t *testing.T) {
	for _, prefix := range []string{"", "a/", "/", "a//"} {
		r := newRig(t, text(prefix+"b/c/d/f"), func(o *Options) { o.Prefix = prefix })
		k := r.kernel(t)
		above := uint64(root)
		for _, way := range [][]string{nil, {"b"}, {"b", "c"}, {"b", "c", "d"}} {
			dir := fuse.EntryOut{NodeId: root}
			dir.Ino = root
			if way != nil {
				dir = k.walk(way...)
			}
			got := k.all(dir.NodeId, k.opendir(dir.NodeId), 0, 4096)
			equal(t, fmt.Sprintf("inode of .. in %q below %q", way, prefix), got[1].Ino, above)
			above = dir.Ino
		}
	}
}
