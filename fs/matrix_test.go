//go:build linux

package fs

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strconv"
	"syscall"
	"testing"
	"unsafe"

	fusefs "github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
	"github.com/moby/sys/mountinfo"
	"golang.org/x/sys/unix"

	"s3mount/s3/s3test"
)

func init() { children["matrix"] = childMatrix }

const matrixSize = 600<<10 + 4321 // four blocks and a part of one

// childMatrix reads the file "f" of version "one" in the directory args[0] with
// and without the page cache, and says so when all bytes are right.
func childMatrix(args []string) error {
	path := args[0] + "/f"
	whole := func(how string, f *os.File, read int) error {
		defer f.Close()
		if err := unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED); err != nil {
			return err
		}
		all, buf := []byte(nil), aligned(read)
		for {
			n, err := f.Read(buf)
			all = append(all, buf[:n]...)
			if err == io.EOF {
				break
			}
			if err != nil {
				return fmt.Errorf("%s, %d: %w", how, read, err)
			}
		}
		if got, want := checked(all, 0), fmt.Sprintf("%d of one", matrixSize); got != want {
			return fmt.Errorf("%s, reads of %d: %s, want %s", how, read, got, want)
		}
		return nil
	}
	for how, flags := range map[string]int{"buffered": os.O_RDONLY, "direct": os.O_RDONLY | syscall.O_DIRECT} {
		for _, read := range []int{16 << 10, 1 << 20, 100_001} { // the last one is aligned to nothing
			f, err := os.OpenFile(path, flags, 0)
			if err != nil {
				return err
			}
			if err := whole(how, f, read); err != nil {
				return err
			}
		}
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	for off := int64(0); off < matrixSize; off += 83_667 { // here and there, so that read-ahead is in vain
		p := make([]byte, 9000)
		n, err := f.ReadAt(p, off)
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		if got, want := checked(p[:n], off), fmt.Sprintf("%d of one", min(9000, matrixSize-off)); got != want {
			return fmt.Errorf("at %d: %s, want %s", off, got, want)
		}
	}
	fmt.Println("right")
	return nil
}

// aligned is a buffer as O_DIRECT likes it.
func aligned(n int) []byte {
	p := make([]byte, n+4096)
	skip := 4096 - int(uintptr(unsafe.Pointer(&p[0]))%4096)
	return p[skip : skip+n]
}

// F5: whatever the kernel's read-ahead is, how large its READs are, with the page
// cache and without, with pipes and without: the same bytes.
func TestF5ReadAheadAndReadSizes(t *testing.T) {
	needFUSE(t)
	if os.Geteuid() != 0 {
		t.Skip("needs root, to set the kernel's read-ahead")
	}
	for i, maxRead := range []int{4 << 10, 64 << 10, 128 << 10, 1 << 20} {
		for k, kb := range []int{0, 128, 1024, 16 << 10} {
			r := newRig(t, s3test.Options{Objects: map[string]s3test.Object{"f": version("one", matrixSize)}})
			pipes := (i+k)%2 == 1
			m := r.mountWith(t, maxRead, pipes)
			setReadAhead(t, m.Dir, kb)
			child := converse(t, "matrix", m.Dir)
			line, err := child.out.ReadString('\n')
			if err != nil || line != "right\n" {
				t.Errorf("READs of at most %d, read-ahead of %d KiB, pipes: %v: %q %v", maxRead, kb, pipes, line, err)
			}
			child.end()
			if log := r.log.String(); log != "" {
				t.Errorf("logged %s", log)
			}
		}
	}
}

// mountWith mounts with READs of at most so many bytes, and with or without
// answers through pipes.
func (r *rig) mountWith(t testing.TB, maxRead int, pipes bool) *Mount {
	t.Helper()
	o := fuseOptions(r.opts, MountOptions{Log: slog.New(slog.DiscardHandler)})
	o.MountOptions.DirectMountStrict = true
	o.MountOptions.DirectMountFlags = directFlags
	o.MountOptions.Options = []string{"default_permissions"} // mount(2) knows no others as words
	o.MountOptions.MaxWrite = maxRead
	o.MountOptions.DisableSplice = !pipes
	dir := t.TempDir()
	server, err := fuse.NewServer(fusefs.NewNodeFS(r.Root(), o), dir, &o.MountOptions)
	if errors.Is(err, syscall.EPERM) {
		t.Skipf("nothing may be mounted here: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	m := &Mount{Dir: dir, server: server, done: make(chan struct{})}
	go func() { server.Serve(); close(m.done) }() // ends with the mount
	if err := server.WaitMount(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unmount(t, m) })
	return m
}

func setReadAhead(t testing.TB, dir string, kb int) {
	t.Helper()
	mounts, err := mountinfo.GetMounts(mountinfo.SingleEntryFilter(dir))
	if err != nil || len(mounts) == 0 {
		t.Fatalf("%s is not mounted: %v", dir, err)
	}
	m := mounts[len(mounts)-1]
	path := fmt.Sprintf("/sys/class/bdi/%d:%d/read_ahead_kb", m.Major, m.Minor)
	if err := os.WriteFile(path, []byte(strconv.Itoa(kb)), 0); err != nil {
		t.Skipf("the kernel's read-ahead cannot be set: %v", err)
	}
}
