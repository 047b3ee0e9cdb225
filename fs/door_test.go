package fs

import (
	"strings"
	"syscall"
	"testing"

	"github.com/hanwen/go-fuse/v2/fuse"

	"s3mount/s3/s3test"
)

// What a lookup behind a door costs that no listing tells about, and what it says.
func TestLookupBehindADoor(t *testing.T) {
	long := strings.Repeat("n", 300)
	for _, tt := range []struct {
		name  string
		there bool
		asked []string
	}{
		{"%2F", true, []string{"LIST d// flat"}},
		{"a", true, []string{"HEAD d/a", "LIST d/a/ flat"}},
		{"plain", false, []string{"LIST d/plain/ flat"}},
		{"none", false, []string{"LIST d/none/ flat"}},
		{"%2E", true, []string{"HEAD d/."}},
		{"%2E%2E", false, []string{"HEAD d/.."}},
		{"%marker", true, []string{"HEAD d/"}},
		{doorName, true, []string{"HEAD d/" + doorName}},
		{doorName + "%2F", false, []string{"LIST d/" + doorName + "/ flat"}},
		{"plain%2F", false, nil}, // a directory of that name would be shown
		{"%", false, nil},
		{"%zz", false, nil},
		{"%41", false, nil}, // is written as "A"
		{"%+", false, nil},
		{long[:200] + "%+", false, nil}, // too short to be a piece
		{long[:253] + "%+", true, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t, text("d//x", "d/a", "d/a/b", "d/plain", "d/.", "d/", "d/"+doorName, "d/"+long, "e"))
			k := r.kernel(t)
			d := k.walk("d")
			door := k.walk("d", doorName).NodeId
			look := func(asked ...string) {
				t.Helper()
				r.ResetLog()
				_, status := k.lookup(door, tt.name)
				if got := status.Ok(); got != tt.there || !got && status != fuse.ENOENT {
					t.Errorf("lookup: %v", status)
				}
				r.asked(t, asked...)
			}
			settle(r.known("d/"))
			look() // the listing that says that d is a directory tells
			r.dirs.forgetAll()
			look(tt.asked...)
			k.all(d.NodeId, k.opendir(d.NodeId), 0, 4096)
			look()
		})
	}
}

// The whole of a door, and the bytes behind it.
func TestDoor(t *testing.T) {
	long := strings.Repeat("n", 300)
	r := newRig(t, text("d//x", "d/a", "d/a/b", "d/plain", "d/.", "d/./y", "d/", "d/"+doorName, "d/"+long, "d/"+long+"/z", "d/"+long+"2"))
	k := r.kernel(t)
	d := k.walk("d").NodeId
	all := entryNames(k.all(d, k.opendir(d), 0, 4096))
	equalAll(t, "names of the directory", all, []string{".", "..", "a", "plain", doorName})
	r.asked(t, "HEAD d", "LIST d/ flat")
	door := k.walk("d", doorName)
	equal(t, "type of the door", door.Mode, uint32(syscall.S_IFDIR|0555))
	names := entryNames(k.all(door.NodeId, k.opendir(door.NodeId), 0, 4096))
	equalAll(t, "names behind the door", names, []string{".", "..", "%marker", "%2F", "%2E", "%2E%2F", doorName, "a", long[:253] + "%+"})
	piece := k.walk("d", doorName, long[:253]+"%+")
	names = entryNames(k.all(piece.NodeId, k.opendir(piece.NodeId), 0, 4096))
	equalAll(t, "names of what is too long", names, []string{".", "..", long[253:], long[253:] + "%2F", long[253:] + "2"})
	for _, tt := range []struct {
		path []string
		key  string
	}{
		{[]string{"a"}, "d/a"},
		{[]string{"%marker"}, "d/"},
		{[]string{"%2F", "x"}, "d//x"},
		{[]string{"%2E%2F", "y"}, "d/./y"},
		{[]string{long[:253] + "%+", long[253:]}, "d/" + long},
		{[]string{long[:253] + "%+", long[253:] + "%2F", "z"}, "d/" + long + "/z"},
	} {
		f := k.walk(append([]string{"d", doorName}, tt.path...)...)
		got, status := k.read(f.NodeId, k.mustOpen(f.NodeId), 0, 1000)
		if string(got) != "bytes of "+tt.key {
			t.Errorf("%q: read %q, %v", tt.path, got, status)
		}
	}
}

// With plain names the door is not listed, and there all the same.
func TestPlainNames(t *testing.T) {
	r := newRig(t, text("a", "a/b"), func(o *Options) { o.PlainNames = true })
	k := r.kernel(t)
	equalAll(t, "names", entryNames(k.all(root, k.opendir(root), 0, 4096)), []string{".", "..", "a"})
	f := k.walk(doorName, "a")
	got, _ := k.read(f.NodeId, k.mustOpen(f.NodeId), 0, 100)
	equal(t, "bytes", string(got), "bytes of a")
}

// A directory in which nothing is hidden has no door to list.
func TestNoDoorWithoutNeed(t *testing.T) {
	r := newRig(t, text("a", "b/", "b/c"))
	r.Put("b/", s3test.Object{})
	k := r.kernel(t)
	equalAll(t, "names", entryNames(k.all(root, k.opendir(root), 0, 4096)), []string{".", "..", "a", "b"})
	b := k.walk("b").NodeId
	equalAll(t, "names", entryNames(k.all(b, k.opendir(b), 0, 4096)), []string{".", "..", "c"})
	door := k.walk(doorName).NodeId
	equalAll(t, "behind it", entryNames(k.all(door, k.opendir(door), 0, 4096)), []string{".", ".."})
}

// An object behind a door that is replaced is another node, as any other is.
func TestReplacedBehindADoor(t *testing.T) {
	r := newRig(t, text("a/b"))
	r.Put("a", version("one", 1000))
	k := r.kernel(t)
	was := k.walk(doorName, "a")
	r.Put("a", s3test.Object{Body: []byte("another")})
	if _, status := k.open(was.NodeId, 0); status != fuse.Status(syscall.ESTALE) {
		t.Fatalf("open of what was replaced: %v", status)
	}
	is := k.walk(doorName, "a")
	if is.NodeId == was.NodeId || is.Ino != was.Ino {
		t.Errorf("node %d became %d, inode %x became %x", was.NodeId, is.NodeId, was.Ino, is.Ino)
	}
	got, _ := k.read(is.NodeId, k.mustOpen(is.NodeId), 0, 100)
	equal(t, "bytes", string(got), "another")
	r.Put("a", version("one", 1000)) // and once more what it was: not stale for ever
	r.dirs.forgetAll()
	again := k.walk(doorName, "a")
	equal(t, "node", again.NodeId, was.NodeId)
	got, _ = k.read(again.NodeId, k.mustOpen(again.NodeId), 0, 1000)
	equal(t, "bytes", len(got), 1000)
}

// Doors are listed from the directory's own listing: reading both costs what
// reading one does.
func TestDoorCostsNothing(t *testing.T) {
	r := newRig(t, text("a", "a/b", "c//d"))
	k := r.kernel(t)
	k.all(root, k.opendir(root), 0, 4096)
	door := k.walk(doorName).NodeId
	k.all(door, k.opendir(door), 0, 4096)
	k.walk(doorName, "a")
	k.walk("c", doorName)
	r.asked(t, "LIST flat")
}
