package fs

import (
	"errors"
	iofs "io/fs"
	"strings"
	"syscall"
	"testing"

	"github.com/hanwen/go-fuse/v2/fuse"

	"s3mount/s3/s3test"
)

// What is replaced in a bucket with versions is opened as what it is now, with a
// listing and without.
func TestReplacedWhereNothingIsListed(t *testing.T) {
	for name, change := range map[string]func(*Options){"listed": func(*Options) {}, "not listed": noList} {
		o := text("f", "e")
		o.Versioned = true
		r := newRig(t, o, change)
		r.Put("e", s3test.Object{})
		k := r.kernel(t)
		for _, key := range []string{"f", "e"} {
			was := k.walk(key)
			r.Put(key, s3test.Object{Body: []byte("what is now")})
			if _, status := k.open(was.NodeId, 0); status != fuse.Status(syscall.ESTALE) {
				t.Errorf("%s: open of the replaced %s: %v", name, key, status)
			}
			is := k.walk(key)
			got, _ := k.read(is.NodeId, k.mustOpen(is.NodeId), 0, 100)
			equal(t, name+": bytes of "+key, string(got), "what is now")
		}
	}
}

// With metadata a name costs one HEAD, and that by no version's name.
func TestUnlistedMetadata(t *testing.T) {
	r := newRig(t, s3test.Options{Versioned: true, Objects: map[string]s3test.Object{
		"l": withMeta("target", "mode", "41471"), "d/": withMeta("", "mode", "16877"), "d/f": withMeta("x", "mode", "33261"),
	}}, noList, withPosix)
	r.AddRule(s3test.Rule{Op: s3test.Head, Match: func(q s3test.Request) bool { return q.VersionID != "" }, Action: s3test.Error(403, "AccessDenied")})
	k := r.kernel(t)
	equal(t, "mode of the link", k.walk("l").Mode, syscall.S_IFLNK|0777)
	if n := r.Count(s3test.Head); n != 1 {
		t.Errorf("%d HEADs of a link: %q", n, r.Requests())
	}
	equal(t, "mode of the file", k.walk("d", "f").Mode, syscall.S_IFREG|0755)
	equal(t, "mode of the directory, which nobody can read", k.walk("d").Mode, syscall.S_IFDIR|0311)
}

// What the filters leave out is not behind doors either.
func TestUnlistedFilters(t *testing.T) {
	long := strings.Repeat("n", 300) + ".tmp"
	for name, change := range map[string]func(*Options){"listed": func(*Options) {}, "not listed": noList} {
		r := newRig(t, text("a/x", "a/b\x00c.tmp", "a/"+long, "a/", "s/"+doorName, "o", "o/x"), change, func(o *Options) {
			o.Filters = []Filter{{Pattern: "*.tmp"}, {Pattern: "*/"}, {Pattern: "s/*hidden"}, {Pattern: "o/*"}}
		})
		for _, c := range []struct {
			prefix, name string
			dir          bool
		}{{"a/", "b\x00c.tmp", false}, {"a/", long, false}, {"a/", "", false}, {"s/", doorName, false}, {"", "o", true}} {
			if _, _, err := r.lookupHidden(c.prefix, c.name, c.dir); !errors.Is(err, iofs.ErrNotExist) {
				t.Errorf("%s: %q behind the door of %q: %v", name, c.name, c.prefix, err)
			}
		}
	}
}

// A directory behind a door that is refreshed is looked for behind the door.
func TestRefreshOfADirectoryBehindADoor(t *testing.T) {
	for name, change := range map[string]func(*Options){"listed": func(*Options) {}, "not listed": noList} {
		r := newRig(t, text("a", "a/x", "b//y"), change)
		k := r.kernel(t)
		door := []string{"b", doorName, "%2F"}
		if name == "not listed" {
			door = []string{doorName, "a%2F"}
		}
		d := k.walk(door...)
		equal(t, name+": refresh", refreshPath(k, ""), fuse.OK)
		if _, status := k.getattr(d.NodeId); !status.Ok() {
			t.Errorf("%s: getattr after a refresh: %v", name, status)
		}
	}
}

// A link that is replaced while its target is read is looked up as what it is now.
func TestLinkReplacedWhileItIsLookedUp(t *testing.T) {
	r := newRig(t, s3test.Options{Objects: map[string]s3test.Object{"l": withMeta("d", "mode", "41471")}}, withPosix)
	r.AddRule(s3test.Rule{Op: s3test.Get, Times: 1, Action: s3test.Error(412, "PreconditionFailed")})
	if out, status := r.kernel(t).lookup(root, "l"); !status.Ok() || out.Mode != syscall.S_IFLNK|0777 {
		t.Errorf("lookup: %v, mode %o", status, out.Mode)
	}
}

// A refresh of a path through a link is told that it is one.
func TestRefreshThroughALink(t *testing.T) {
	r := newRig(t, s3test.Options{Objects: map[string]s3test.Object{"l": withMeta("d", "mode", "41471"), "d/f": {Size: 1}}}, withPosix)
	k := r.kernel(t)
	k.walk("l")
	equal(t, "status", refreshPath(k, "l/f"), fuse.Status(syscall.ELOOP))
}

// refreshPath sends what `s3mount refresh` does, on the root.
func refreshPath(k kernel, path string) fuse.Status {
	input := make([]byte, refreshMost)
	copy(input, path)
	in := fuse.IoctlIn{InHeader: header(root), Cmd: refreshCall, InSize: refreshMost}
	return k.raw.Ioctl(nil, &in, input, &fuse.IoctlOut{}, nil)
}
