package fs

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"

	"s3mount/s3/s3test"
)

// The mount's own directory may have a marker, too.
func TestPosixRoot(t *testing.T) {
	objects := map[string]s3test.Object{"m/": withMeta("", "mode", "16832", "uid", "5"), "m/x": withMeta("1"), "n/x": withMeta("1")}
	for prefix, want := range map[string]struct {
		mode  uint32
		heads []string
	}{
		"":   {0555, nil},
		"m/": {0700, []string{"HEAD m/"}},
		"n/": {0555, []string{"HEAD n/"}}, // nothing has been listed yet
	} {
		r := newRig(t, s3test.Options{Objects: objects}, withPosix, func(o *Options) { o.Prefix = prefix })
		k := r.kernel(t)
		for range 2 {
			attr, status := k.getattr(root)
			if attr.Mode != syscall.S_IFDIR|want.mode || !status.Ok() {
				t.Errorf("%q: mode %o, %v; want %o", prefix, attr.Mode, status, want.mode)
			}
		}
		r.asked(t, want.heads...)
	}
}

// Whoever reads files ahead of a walk leaves known links alone: nobody opens them.
func TestWalkLeavesLinksOut(t *testing.T) {
	o := s3test.Options{Objects: map[string]s3test.Object{}}
	for i := range 200 {
		o.Objects[fmt.Sprintf("d/%03d", i)] = withMeta("file")
		if i%2 == 1 {
			o.Objects[fmt.Sprintf("d/%03d", i)] = withMeta("000", "mode", "41471")
		}
	}
	r := newRig(t, o, withPosix)
	k := r.kernel(t)
	names, _ := r.list(t, "d/")
	dir := k.walk("d").NodeId
	var nodes []fuse.EntryOut
	for _, name := range names { // as ls -l, or tar
		out, _ := k.lookup(dir, name)
		nodes = append(nodes, out)
	}
	for _, out := range nodes {
		if out.Mode&syscall.S_IFMT == syscall.S_IFREG {
			k.mustOpen(out.NodeId)
		}
	}
	if err := r.WaitIdle(t.Context()); err != nil {
		t.Fatal(err)
	}
	if s := r.Stats(); s.Guesses == 0 || s.Missed != 0 {
		t.Errorf("%+v, want guesses, none missed", s)
	}
	if n := r.Count(s3test.Get); n != 200 {
		t.Errorf("%d GETs, want one of each file and of each target", n)
	}
}

// What is behind a door is shown as what it was, too: a secret is none less for
// being hidden.
func TestPosixBehindADoor(t *testing.T) {
	r := newRig(t, s3test.Options{Objects: map[string]s3test.Object{
		"a": withMeta("secret", "mode", "33152", "uid", "5"), "a/x": withMeta("1"),
		"b": withMeta("../x", "mode", "41471"), "b/x": withMeta("1"),
		"c/": withMeta("bytes", "mode", "33152"), "c/x": withMeta("1"),
		"..": withMeta("12", "mode", "33184"),
		"/y": withMeta("1", "mode", "33152"),
		"/":  withMeta("", "mode", "16832"),
	}}, withPosix)
	k := r.kernel(t)
	door := k.walk(doorName).NodeId
	modes := map[string]uint32{}
	for _, e := range k.all(door, k.opendir(door), 0, 4096)[2:] {
		out, status := k.lookup(door, e.Name)
		if !status.Ok() {
			t.Fatalf("%q: %v", e.Name, status)
		}
		modes[e.Name] = out.Mode
		if known := e.Mode & syscall.S_IFMT; known != 0 && known != out.Mode&syscall.S_IFMT {
			t.Errorf("%q: readdir says type %o, lookup %o", e.Name, known, out.Mode)
		}
	}
	name := func(key string, dir bool) string { return escapeName(key, dir) }
	for key, want := range map[string]uint32{
		name("a", false): syscall.S_IFREG | 0600, name("b", false): syscall.S_IFLNK | 0777,
		name("..", false): syscall.S_IFREG | 0640, name("", true): syscall.S_IFDIR | 0700,
	} {
		if modes[key] != want {
			t.Errorf("%q is %o, want %o (of %v)", key, modes[key], want, modes)
		}
	}
	in := k.walk("c", doorName, name("", false))
	equal(t, "the bytes of a marker", in.Mode, syscall.S_IFREG|0600)
	r.Put("a", withMeta("changed", "mode", "33188"))
	r.Tree.dirs.forgetAll()
	out, status := k.lookup(door, name("a", false))
	if !status.Ok() || out.Mode != syscall.S_IFREG|0644 || out.Size != 7 {
		t.Errorf("changed: %s, %v", stat(out.Attr), status)
	}
	if shown := k.walk("a"); shown.Mode != syscall.S_IFDIR|0555 {
		t.Errorf("the directory that hides it: %s", stat(shown.Attr))
	}
}

// Each version has its own metadata: beside the file, and at the time that a
// mount shows.
func TestPosixOfVersions(t *testing.T) {
	first := withMeta("one", "mode", "33152", "uid", "1")
	second := withMeta("target", "mode", "41471", "uid", "2")
	second.LastModified = long.Add(time.Hour)
	third := withMeta("three", "mode", "33261", "uid", "3")
	third.LastModified = long.Add(2 * time.Hour)
	marker := withMeta("", "mode", "16832")
	later := withMeta("", "mode", "16877")
	later.LastModified = long.Add(2 * time.Hour)
	srv := s3test.New(t, s3test.Options{Versioned: true})
	for key, versions := range map[string][]s3test.Object{"d/f": {first, second, third}, "d/": {marker, later}} {
		for _, o := range versions {
			srv.Put(key, o)
		}
	}
	shown := func(r *rig) string {
		k := r.kernel(t)
		dir := k.walk("d")
		all := fmt.Sprintf("d:%o", dir.Mode)
		for _, e := range k.all(dir.NodeId, k.opendir(dir.NodeId), 0, 4096)[2:] {
			out, status := k.lookup(dir.NodeId, e.Name)
			if !status.Ok() {
				t.Fatalf("%s: %v", e.Name, status)
			}
			name, _, _ := strings.Cut(e.Name, "-")
			all += fmt.Sprintf(" %s:%o:%d", name, out.Mode, out.Uid)
			if target, _ := k.readlink(out.NodeId); out.Mode&syscall.S_IFMT == syscall.S_IFLNK && target != "target" {
				t.Errorf("%s leads to %q", e.Name, target)
			}
		}
		return all
	}
	for _, tt := range []struct {
		what string
		at   time.Time
		all  bool
		want string
	}{
		{"now", time.Time{}, false, "d:40755 f:100755:3"},
		{"the first", long.Add(time.Minute), false, "d:40700 f:100600:1"},
		{"the second", long.Add(61 * time.Minute), false, "d:40700 f:120777:2"},
		{"all", time.Time{}, true, "d:40755 f:100755:3 f~20260102T030405Z:100600:1 f~20260102T040405Z:120777:2"},
	} {
		r := versionsRig(t, srv, tt.at, tt.all, withPosix)
		if got := shown(r); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.what, got, tt.want)
		}
	}
}
