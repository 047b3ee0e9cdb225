//go:build linux

package fs

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	fusefs "github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"
)

// patience is how long anything on a mount may take before the test fails.
const patience = 30 * time.Second

// needFUSE skips the test where nothing can be mounted.
func needFUSE(t testing.TB) {
	t.Helper()
	f, err := os.OpenFile("/dev/fuse", os.O_RDWR, 0)
	if err != nil {
		t.Skipf("nothing can be mounted here: %v", err)
	}
	f.Close()
	if _, err := exec.LookPath("fusermount3"); err != nil && os.Geteuid() != 0 {
		t.Skip("nothing can be mounted here: not root, and there is no fusermount3")
	}
}

// mount mounts the tree until the end of the test.
func (r *rig) mount(t testing.TB, opts MountOptions) *Mount {
	t.Helper()
	needFUSE(t)
	m, err := r.MountAt(t.TempDir(), opts)
	if errors.Is(err, syscall.EPERM) {
		t.Skipf("nothing may be mounted here: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unmount(t, m) })
	return m
}

// unmount takes the mount away, by force if it must, and waits for its end.
func unmount(t testing.TB, m *Mount) {
	select {
	case <-m.Done():
		return
	default:
	}
	if err := m.Unmount(); err != nil {
		t.Errorf("unmount: %v", err)
		if err := m.Detach(); err != nil {
			t.Errorf("detach: %v", err)
		}
	}
	select {
	case <-m.Done():
	case <-time.After(patience):
		t.Error("the mount has not ended")
	}
}

// serveNode mounts a root that is not a tree's, with a tree's options.
func (r *rig) serveNode(t testing.TB, node fusefs.InodeEmbedder) *Mount {
	t.Helper()
	needFUSE(t)
	o := fuseOptions(r.opts, MountOptions{Log: slog.New(slog.DiscardHandler)})
	o.MountOptions.DirectMount = true
	o.MountOptions.Options = []string{"default_permissions"} // mount(2) knows no others as words
	dir := t.TempDir()
	server, err := fuse.NewServer(fusefs.NewNodeFS(node, o), dir, &o.MountOptions)
	if errors.Is(err, syscall.EPERM) {
		t.Skipf("nothing may be mounted here: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	m := &Mount{Dir: dir, server: server, done: make(chan struct{})}
	go func() { server.Serve(); close(m.done) }()
	if err := server.WaitMount(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unmount(t, m) })
	return m
}

// A talk is a conversation with a child process: a line for a line.
type talk struct {
	testing.TB
	in  io.Writer
	out *bufio.Reader
	end func() // ends the child, as the end of the test does
}

// converse starts a child, which ends with the test before the mount does.
func converse(t testing.TB, name string, args ...string) *talk {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	cmd := exec.CommandContext(ctx, os.Args[0], args...)
	cmd.Env = append(os.Environ(), childEnv+"="+name)
	cmd.Stderr = os.Stderr
	cmd.WaitDelay = time.Second // should a killed child be stuck in a read
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	end := sync.OnceFunc(func() {
		in.Close()
		if err := cmd.Wait(); err != nil {
			t.Errorf("child %s: %v", name, err)
		}
		cancel()
	})
	t.Cleanup(end)
	return &talk{t, in, bufio.NewReader(out), end}
}

// ask has the child do something and gives what it says of it.
func (c *talk) ask(words ...any) string {
	c.Helper()
	if _, err := fmt.Fprintln(c.in, words...); err != nil {
		c.Fatal(err)
	}
	line, err := c.out.ReadString('\n')
	if err != nil {
		c.Fatalf("%q: the child has ended: %v", fmt.Sprint(words...), err)
	}
	return strings.TrimSuffix(line, "\n")
}

// eventually asks until the answer is the one wanted. In between it waits for
// the clock of the kernel's entry time-outs.
func (c *talk) eventually(want string, words ...any) {
	c.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	got := ""
	for end := time.Now().Add(patience / 3); time.Now().Before(end); <-tick.C {
		if got = c.ask(words...); got == want {
			return
		}
	}
	c.Errorf("%s: got %q long after, want %q", fmt.Sprint(words...), got, want)
}

func init() { children["reader"] = childReader }

// childReader holds a directory, args[0], and a file in it, and does what the
// lines of its input say.
func childReader(args []string) error {
	dir, err := unix.Open(args[0], unix.O_PATH|unix.O_DIRECTORY, 0) // opendir would list it
	if err != nil {
		return err
	}
	held := -1
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		var verb, name string
		var off int64
		var n int
		fmt.Sscan(lines.Text(), &verb, &name, &off, &n)
		switch verb {
		case "hold": // name
			held, err = unix.Openat(dir, name, unix.O_RDONLY, 0)
			say(err, "held")
		case "pread": // - offset length, of what is held
			p := make([]byte, n)
			n, err := unix.Pread(held, p, off)
			say(err, checked(p[:max(n, 0)], off))
		case "fstat": // of what is held
			var s unix.Stat_t
			err := unix.Fstat(held, &s)
			say(err, fmt.Sprint(s.Size))
		case "stat": // name
			var s unix.Stat_t
			err := unix.Fstatat(dir, name, &s, 0)
			say(err, fmt.Sprint(s.Size))
		case "inodes": // name: of what is held and of that name
			var a, b unix.Stat_t
			err := errors.Join(unix.Fstat(held, &a), unix.Fstatat(dir, name, &b, 0))
			say(err, fmt.Sprint(a.Ino == b.Ino))
		case "cat": // name
			fd, err := unix.Openat(dir, name, unix.O_RDONLY, 0)
			if err != nil {
				say(err, "")
				continue
			}
			f := os.NewFile(uintptr(fd), name)
			p, err := io.ReadAll(f)
			f.Close()
			say(err, checked(p, 0))
		case "mode": // name
			var s unix.Stat_t
			err := unix.Fstatat(dir, name, &s, 0)
			say(err, fmt.Sprintf("%o", s.Mode))
		case "ls": // name, or nothing
			f, err := os.Open(filepath.Join(args[0], name))
			if err != nil {
				say(err, "")
				continue
			}
			names, err := f.Readdirnames(-1)
			f.Close()
			say(err, strings.Join(names, " "))
		}
	}
	return nil
}

// say prints one line: what was found, or the errno's name.
func say(err error, what string) {
	var n syscall.Errno
	switch {
	case err == nil:
		fmt.Println(what)
	case errors.As(err, &n):
		fmt.Println(unix.ErrnoName(n))
	default:
		fmt.Println(err)
	}
}
