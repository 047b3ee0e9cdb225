//go:build linux

package integration

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"s3mount/s3/s3test"
)

func init() { children["write"] = childWrite }

// childWrite tries every call that would change something below the directory
// args[0], and prints "call errno" for each. There must be a file "f" of at
// least one byte and a directory "d" that holds a file "g".
func childWrite(args []string) error {
	if err := os.Chdir(args[0]); err != nil {
		return err
	}
	open := func(name string, flags int) error {
		fd, err := unix.Open(name, flags, 0o644)
		if err == nil {
			unix.Close(fd)
		}
		return err
	}
	// onFile does something with a descriptor that was opened for reading.
	onFile := func(do func(fd int) error) error {
		fd, err := unix.Open("f", unix.O_RDONLY, 0)
		if err != nil {
			return fmt.Errorf("open f for reading: %w", err)
		}
		defer unix.Close(fd)
		return do(fd)
	}
	outside := filepath.Join(args[1], "outside")
	if err := os.WriteFile(outside, []byte("x"), 0o644); err != nil {
		return err
	}
	now := []unix.Timespec{{Sec: 1}, {Sec: 1}}
	calls := []struct {
		name string
		err  error
	}{
		{"open O_WRONLY", open("f", unix.O_WRONLY)},
		{"open O_RDWR", open("f", unix.O_RDWR)},
		{"open O_WRONLY|O_APPEND", open("f", unix.O_WRONLY|unix.O_APPEND)},
		{"open O_WRONLY|O_TRUNC", open("f", unix.O_WRONLY|unix.O_TRUNC)},
		{"open O_RDONLY|O_TRUNC", open("f", unix.O_RDONLY|unix.O_TRUNC)},
		{"open O_WRONLY|O_CREAT", open("new", unix.O_WRONLY|unix.O_CREAT)},
		{"open O_RDONLY|O_CREAT", open("new", unix.O_RDONLY|unix.O_CREAT)},
		{"open O_RDWR|O_CREAT|O_EXCL", open("new", unix.O_RDWR|unix.O_CREAT|unix.O_EXCL)},
		{"open O_WRONLY|O_CREAT of a file that is there", open("f", unix.O_WRONLY|unix.O_CREAT)},
		{"open O_WRONLY|O_DIRECT", open("f", unix.O_WRONLY|unix.O_DIRECT)},
		{"open O_RDWR|O_TMPFILE", open("d", unix.O_RDWR|unix.O_TMPFILE)},
		{"creat in a directory", open("d/new", unix.O_WRONLY|unix.O_CREAT|unix.O_TRUNC)},
		{"mknod file", unix.Mknod("new", unix.S_IFREG|0o644, 0)},
		{"mknod fifo", unix.Mknod("new", unix.S_IFIFO|0o644, 0)},
		{"mkdir", unix.Mkdir("new", 0o755)},
		{"rmdir", unix.Rmdir("d")},
		{"rmdir of an empty directory", unix.Rmdir("empty")},
		{"unlink", unix.Unlink("f")},
		{"unlink in a directory", unix.Unlink("d/g")},
		{"rename", unix.Rename("f", "new")},
		{"rename over another", unix.Rename("f", "d/g")},
		{"rename of a directory", unix.Rename("d", "new")},
		{"renameat2 RENAME_EXCHANGE", unix.Renameat2(unix.AT_FDCWD, "f", unix.AT_FDCWD, "d/g", unix.RENAME_EXCHANGE)},
		{"renameat2 RENAME_NOREPLACE", unix.Renameat2(unix.AT_FDCWD, "f", unix.AT_FDCWD, "new", unix.RENAME_NOREPLACE)},
		{"link", unix.Link("f", "new")},
		{"symlink", unix.Symlink("f", "new")},
		{"truncate", unix.Truncate("f", 0)},
		{"truncate longer", unix.Truncate("f", 1<<20)},
		{"chmod", unix.Chmod("f", 0o600)},
		{"chmod of a directory", unix.Chmod("d", 0o700)},
		{"chmod of the root", unix.Chmod(".", 0o700)},
		{"fchmod", onFile(func(fd int) error { return unix.Fchmod(fd, 0o600) })},
		{"chown", unix.Chown("f", 1, 1)},
		{"lchown", unix.Lchown("f", 1, 1)},
		{"fchown", onFile(func(fd int) error { return unix.Fchown(fd, 1, 1) })},
		{"utimensat", unix.UtimesNanoAt(unix.AT_FDCWD, "f", now, 0)},
		{"utimensat to now", unix.UtimesNanoAt(unix.AT_FDCWD, "f", nil, 0)},
		{"utimensat of a directory", unix.UtimesNanoAt(unix.AT_FDCWD, "d", now, 0)},
		{"setxattr user.x", unix.Setxattr("f", "user.x", []byte("y"), 0)},
		{"setxattr of a directory", unix.Setxattr("d", "user.x", []byte("y"), 0)},
		{"fsetxattr", onFile(func(fd int) error { return unix.Fsetxattr(fd, "user.x", []byte("y"), 0) })},
		{"removexattr", unix.Removexattr("f", "user.x")},
	}
	for _, c := range calls {
		fmt.Println(c.name + ": " + errnoName(c.err))
	}
	return nil
}

func errnoName(err error) string {
	var errno syscall.Errno
	if err == nil {
		return "done"
	}
	if errors.As(err, &errno) && errors.Is(err, errno) {
		return unix.ErrnoName(errno)
	}
	return err.Error()
}

// notWritten is a server whose bucket childWrite may try to change. At the
// test's end it fails the test if a request other than GET and HEAD came.
func notWritten(t *testing.T) *s3test.Server {
	return s3test.New(t, s3test.Options{Text: map[string]string{"f": "content", "d/g": "more", "empty/": ""}})
}

func wantEROFS(t *testing.T, calls []string) {
	t.Helper()
	if len(calls) < 40 {
		t.Errorf("%d calls were tried, want 40 and more", len(calls))
	}
	for _, line := range calls {
		if !strings.HasSuffix(line, ": EROFS") {
			t.Errorf("%s, want EROFS", line)
		}
	}
}

func TestEveryWriteIsEROFS(t *testing.T) {
	m := mountTest(t, notWritten(t))
	wantEROFS(t, lines(inChild(t, m, "write", m.Dir, t.TempDir())))
	if got := sh(t, m, m.Dir, `cat f d/g`); got != "contentmore" {
		t.Errorf("afterwards the files hold %q", got)
	}
}

// The kernel refuses writes to a read-only mount before it asks the program.
// Remounted for writing, which root can do, the program is asked.
func TestEveryWriteIsEROFSAfterRemount(t *testing.T) {
	needRoot(t)
	m := mountTest(t, notWritten(t))
	if err := unix.Mount("", m.Dir, "", unix.MS_REMOUNT|unix.MS_NOSUID|unix.MS_NODEV, ""); err != nil {
		t.Fatalf("remount: %v", err)
	}
	if r := try(t, m, m.Dir, shell(`grep -F " $PWD " /proc/self/mountinfo | grep -E ' (ro|ro,\S*) '`)); r.Stdout != "" {
		t.Fatalf("still read-only: %s", r.Stdout)
	}
	wantEROFS(t, lines(inChild(t, m, "write", m.Dir, t.TempDir())))
	if got := sh(t, m, m.Dir, `cat f d/g; ls -A`); got != "contentmored\nempty\nf\n" {
		t.Errorf("afterwards the mount holds %q", got)
	}
}

// What a user sees.
func TestWritingCommandsSayReadOnly(t *testing.T) {
	m := mountTest(t, notWritten(t))
	archive := filepath.Join(t.TempDir(), "a.tar")
	sh(t, nil, "/etc", "tar -cf "+archive+" passwd")
	for _, command := range []string{
		`rm f`, `rm -f f`, `rm -r d`, `rmdir empty`, `touch f`, `touch new`, `mkdir new`, `mkdir -p d/new`, `chmod 600 f`, `chown 1 f`,
		`mv f new`, `mv f d`, `ln f new`, `ln -s f new`, `truncate -s 0 f`, `cp f new`, `cp /etc/passwd f`, `dd if=/dev/zero of=f count=1`,
		`echo x >f`, `echo x >>f`, `echo x >new`, `sed -i s/c/d/ f`, `tee f </dev/null`, `mkfifo new`, `setfattr -n user.x -v y f`,
		`tar -xf "$TAR"`, `install -m 644 /etc/passwd new`,
	} {
		t.Run(strings.ReplaceAll(command, "/", "|"), func(t *testing.T) {
			if strings.HasPrefix(command, "setfattr") {
				needTool(t, "setfattr")
			}
			cmd := shell(command)
			cmd.Env = append(cmd.Env, "TAR="+archive)
			r := try(t, m, m.Dir, cmd)
			if r.Code == 0 || !strings.Contains(r.Stderr, "Read-only file system") {
				t.Errorf("exit code %d, %q; want a failure that says Read-only file system", r.Code, r.Stderr)
			}
		})
	}
}

// A read-only mount gives the same permissions to a program that asks first.
func TestAccess(t *testing.T) {
	m := mountTest(t, notWritten(t))
	got := sh(t, m, m.Dir, `for p in f d .; do for a in r w x; do test -$a $p && echo "$p $a" || true; done; done`)
	want := []string{"f r", "d r", "d x", ". r", ". x"}
	if !slices.Equal(lines(got), want) {
		t.Errorf("allowed: %q, want %q", lines(got), want)
	}
}
