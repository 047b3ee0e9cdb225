//go:build linux

package fs

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/moby/sys/mountinfo"

	"s3mount/s3/s3test"
)

// checked says which version of "f" bytes are of, and how many.
func checked(p []byte, off int64) string {
	for _, etag := range []string{"one", "two"} {
		if len(p) > 0 && s3test.CheckContent("f", `"`+etag+`"`, p, off) == nil {
			return fmt.Sprintf("%d of %s", len(p), etag)
		}
	}
	return fmt.Sprintf("%d of neither", len(p))
}

// The identity of nodes, held against the kernel: an object is replaced under a
// held directory and an open file. The path shows the new one, size and bytes,
// once the entry may be believed no longer; the open file keeps its size, gives
// old bytes or ESTALE, and no byte of the new version.
func TestReplacedUnderTheKernel(t *testing.T) {
	const before, after, far = 8 << 20, 3<<20 + 5, 6 << 20
	for _, believed := range []time.Duration{0, 50 * time.Millisecond} {
		t.Run(believed.String(), func(t *testing.T) {
			r := newRig(t, s3test.Options{Objects: map[string]s3test.Object{"d/g": version("", 1), "f": version("one", before)}}, ttl(believed))
			m := r.mount(t, MountOptions{})
			child := converse(t, "reader", m.Dir)
			equal(t, "hold", child.ask("hold f"), "held")
			equal(t, "read", child.ask("pread", "-", 0, 4096), "4096 of one")
			equal(t, "size", child.ask("fstat"), fmt.Sprint(before))
			if err := r.WaitIdle(t.Context()); err != nil {
				t.Fatal(err)
			}
			r.Put("f", version("two", after))

			child.eventually(fmt.Sprint(after), "stat", "f")
			equal(t, "path", child.ask("cat", "f"), fmt.Sprintf("%d of two", after))
			equal(t, "inode is the same", child.ask("inodes", "f"), "true")
			equal(t, "size of the open file", child.ask("fstat"), fmt.Sprint(before))
			equal(t, "its pages", child.ask("pread", "-", 0, 4096), "4096 of one")
			if got := child.ask("pread", "-", far, 4096); got != "ESTALE" && got != "4096 of one" {
				t.Errorf("what was not read of the open file: %s", got)
			}
			equal(t, "hold anew", child.ask("hold f"), "held")
			equal(t, "size", child.ask("fstat"), fmt.Sprint(after))
			equal(t, "read", child.ask("pread", "-", 0, 4096), "4096 of two")

			r.Delete("f")
			child.eventually("ENOENT", "stat", "f")
			equal(t, "pages of the deleted file", child.ask("pread", "-", 0, 4096), "4096 of two")
		})
	}
}

// open(2) of a path whose object has just been replaced gives the new object and
// no error, though the kernel still believes the entry: ESTALE makes it look again.
func TestOpenOfAReplacedPath(t *testing.T) {
	r := newRig(t, s3test.Options{Objects: map[string]s3test.Object{"f": version("one", 1000)}}, ttl(time.Hour))
	m := r.mount(t, MountOptions{})
	child := converse(t, "reader", m.Dir)
	equal(t, "stat", child.ask("stat f"), "1000")
	r.Put("f", version("two", 2000))
	equal(t, "cat", child.ask("cat f"), "2000 of two")
	equal(t, "stat", child.ask("stat f"), "2000")
}

// A directory's listing reaches a program through the kernel, page by page.
func TestListOnAMount(t *testing.T) {
	r := newRig(t, s3test.Options{}, ttl(0))
	var want []string
	r.PutRange(2_500, func(i int) string { return fmt.Sprintf("%04d", i) }, s3test.Object{})
	for i := range 2_500 {
		want = append(want, fmt.Sprintf("%04d", i))
	}
	m := r.mount(t, MountOptions{})
	child := converse(t, "reader", m.Dir)
	r.ResetLog()
	equal(t, "ls", child.ask("ls"), strings.Join(want, " "))
	r.asked(t, "LIST", "LIST next", "LIST next")
}

// What the mount is, as mount(8) shows it.
func TestMountIsReadOnly(t *testing.T) {
	r := newRig(t, text("f"))
	dir := t.TempDir()
	t.Chdir(filepath.Dir(dir))
	needFUSE(t)
	m, err := r.MountAt(filepath.Base(dir), MountOptions{Source: "s3://a,b/", NoExec: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unmount(t, m) })
	equal(t, "directory", m.Dir, dir)
	mounts, err := mountinfo.GetMounts(mountinfo.SingleEntryFilter(dir))
	if err != nil || len(mounts) != 1 {
		t.Fatalf("mounts on %s: %v, %v", dir, mounts, err)
	}
	got := mounts[0]
	equal(t, "type", got.FSType, "fuse.s3mount")
	equal(t, "source", got.Source, "s3://a%2Cb/")
	for _, word := range []string{"ro", "nosuid", "nodev", "noexec"} {
		if !strings.Contains(","+got.Options+",", ","+word+",") {
			t.Errorf("mounted with %q, without %s", got.Options, word)
		}
	}
	if !strings.Contains(got.VFSOptions, "default_permissions") || !strings.Contains(got.VFSOptions, "max_read=1048576") {
		t.Errorf("mounted with %q", got.VFSOptions)
	}
	if os.Geteuid() == 0 {
		kb, err := os.ReadFile(fmt.Sprintf("/sys/class/bdi/%d:%d/read_ahead_kb", got.Major, got.Minor))
		equal(t, "read-ahead", strings.TrimSpace(string(kb)), fmt.Sprint(readAheadKB))
		equal(t, "error", err, nil)
	}
}

// Unmount fails while somebody is in the mount; Detach does not.
func TestUnmountOfABusyMount(t *testing.T) {
	r := newRig(t, text("f"))
	m := r.mount(t, MountOptions{})
	child := converse(t, "reader", m.Dir)
	equal(t, "stat", child.ask("stat f"), fmt.Sprint(len("bytes of f")))
	if err := m.Unmount(); err == nil {
		t.Fatal("it was unmounted under a process")
	}
	if err := m.Detach(); err != nil {
		t.Fatal(err)
	}
	if mounted, err := mountinfo.Mounted(m.Dir); mounted || err != nil {
		t.Errorf("still mounted: %v, %v", mounted, err)
	}
	equal(t, "who is in it goes on", child.ask("hold f"), "held")
	select {
	case <-m.Done():
		t.Error("the mount has ended with somebody in it")
	default:
	}
	child.end()
	select {
	case <-m.Done():
	case <-time.After(patience):
		t.Error("the mount has not ended")
	}
}

func TestMountOnNothing(t *testing.T) {
	needFUSE(t)
	r := newRig(t, text("f"))
	if m, err := r.MountAt(filepath.Join(t.TempDir(), "none"), MountOptions{}); err == nil {
		unmount(t, m)
		t.Error("mounted on a directory that does not exist")
	}
}

// A panic is EIO for the call that met it, and the mount lives.
func TestPanicOnAMount(t *testing.T) {
	var once sync.Once
	o := text("f")
	o.Anonymous = true
	r := rigThatPanics(t, o, func(r *http.Request) (first bool) {
		if r.Method == http.MethodHead {
			once.Do(func() { first = true })
		}
		return first
	})
	m := r.mount(t, MountOptions{})
	child := converse(t, "reader", m.Dir)
	equal(t, "first stat", child.ask("stat f"), "EIO")
	equal(t, "second stat", child.ask("stat f"), fmt.Sprint(len("bytes of f")))
}

// What root may do after `mount -o remount,rw` is refused by us.
func TestRemountedForWriting(t *testing.T) {
	r := newRig(t, text("f", "d/x"))
	m := r.mount(t, MountOptions{})
	if err := syscall.Mount("", m.Dir, "", syscall.MS_REMOUNT|syscall.MS_NOSUID|syscall.MS_NODEV, ""); err != nil {
		t.Skipf("the mount cannot be made writable: %v", err)
	}
	child := converse(t, "writer", m.Dir)
	for _, what := range []string{"create", "mkdir", "unlink", "rmdir", "rename", "symlink", "link", "truncate", "chmod", "utimes", "open", "setxattr"} {
		equal(t, what, child.ask(what), "EROFS")
	}
}
