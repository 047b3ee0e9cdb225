//go:build linux

package integration

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"s3mount/s3/s3test"
)

// The rows F2 to F4, F8 and F14 of docs/reliability.md: what each call answers.
// What would write and is EROFS is in readonly_test.go; here is what has another
// answer.

func init() { children["answers"] = childAnswers }

// A result of a call is an errno's name or what it gave.
func result(what any, err error) string {
	if err != nil {
		return errnoName(err)
	}
	return fmt.Sprint(what)
}

// childAnswers makes calls below the directory args[0], on the file "f" of seven
// bytes and the directory "d", and prints "call: result" for each. args[1] is a
// directory elsewhere.
func childAnswers(args []string) error {
	if err := os.Chdir(args[0]); err != nil {
		return err
	}
	f, err := unix.Open("f", unix.O_RDONLY, 0)
	if err != nil {
		return err
	}
	d, err := unix.Open("d", unix.O_RDONLY|unix.O_DIRECTORY, 0)
	if err != nil {
		return err
	}
	outside := filepath.Join(args[1], "outside")
	if err := os.WriteFile(outside, []byte("x"), 0o644); err != nil {
		return err
	}
	out, err := unix.Open(outside, unix.O_RDWR, 0)
	if err != nil {
		return err
	}
	say := func(call string, what any, err error) { fmt.Println(call + ": " + result(what, err)) }
	open := func(call, name string, flags int) {
		fd, err := unix.Open(name, flags, 0o644)
		unix.Close(fd)
		say(call, "ok", err)
	}
	open("open O_RDONLY|O_CREAT of a file that is there", "f", unix.O_RDONLY|unix.O_CREAT)
	open("open O_RDONLY|O_CREAT|O_EXCL of a file that is there", "f", unix.O_RDONLY|unix.O_CREAT|unix.O_EXCL)
	open("open O_WRONLY|O_CREAT|O_EXCL of a file that is there", "f", unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL)
	open("open O_RDONLY|O_APPEND", "f", unix.O_RDONLY|unix.O_APPEND)
	open("open O_DIRECTORY of a file", "f", unix.O_RDONLY|unix.O_DIRECTORY)
	open("open O_WRONLY of a directory", "d", unix.O_WRONLY)
	open("open O_NOATIME", "f", unix.O_RDONLY|unix.O_NOATIME)
	open("open O_NOFOLLOW|O_NONBLOCK|O_SYNC", "f", unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_SYNC)

	for _, name := range []string{"f", "d"} {
		say("mkdir "+name, "ok", unix.Mkdir(name, 0o755))
		say("mkfifo "+name, "ok", unix.Mkfifo(name, 0o644))
		say("symlink "+name, "ok", unix.Symlink("x", name))
		say("link "+name, "ok", unix.Link("d/g", name))
	}
	say("bind", "ok", bind("new"))
	say("bind f", "ok", bind("f"))
	say("rename to elsewhere", "ok", unix.Rename("f", outside))
	say("rename from elsewhere", "ok", unix.Rename(outside, "new"))
	say("link to elsewhere", "ok", unix.Link("f", outside+"2"))
	say("unlink of what is not there", "ok", unix.Unlink("none"))
	say("rmdir of a file", "ok", unix.Rmdir("f"))

	say("ftruncate", "ok", unix.Ftruncate(f, 0))
	say("fallocate", "ok", unix.Fallocate(f, 0, 0, 10))
	n, err := unix.Write(f, []byte("x"))
	say("write", n, err)
	n, err = unix.Pwrite(f, []byte("x"), 3)
	say("pwrite", n, err)
	from := int64(0)
	n, err = unix.CopyFileRange(out, &from, f, nil, 1, 0)
	say("copy_file_range into it", n, err)
	say("utimensat UTIME_OMIT", "ok", unix.UtimesNanoAt(unix.AT_FDCWD, "f", []unix.Timespec{{Nsec: unix.UTIME_OMIT}, {Nsec: unix.UTIME_OMIT}}, 0))
	flags := 0
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(f), unix.FS_IOC_SETFLAGS, uintptr(unsafe.Pointer(&flags)))
	say("FS_IOC_SETFLAGS", "ok", nonZero(errno))
	say("access W_OK", "ok", unix.Access("f", unix.W_OK))
	say("access W_OK of the directory", "ok", unix.Access("d", unix.W_OK))
	say("access X_OK", "ok", unix.Access("f", unix.X_OK))
	say("access R_OK", "ok", unix.Access("f", unix.R_OK))

	for _, s := range []struct {
		name   string
		off    int64
		whence int
	}{
		{"SEEK_DATA 0", 0, unix.SEEK_DATA}, {"SEEK_DATA 5", 5, unix.SEEK_DATA}, {"SEEK_DATA at the end", 7, unix.SEEK_DATA}, {"SEEK_DATA beyond", 100, unix.SEEK_DATA},
		{"SEEK_HOLE 0", 0, unix.SEEK_HOLE}, {"SEEK_HOLE 6", 6, unix.SEEK_HOLE}, {"SEEK_HOLE at the end", 7, unix.SEEK_HOLE}, {"SEEK_DATA -1", -1, unix.SEEK_DATA},
		{"SEEK_END 0", 0, unix.SEEK_END}, {"SEEK_END -7", -7, unix.SEEK_END}, {"SEEK_END -8", -8, unix.SEEK_END}, {"SEEK_SET -1", -1, unix.SEEK_SET},
		{"SEEK_SET beyond", 1 << 40, unix.SEEK_SET}, {"SEEK_CUR -1", -1, unix.SEEK_CUR}, {"a whence of 9", 0, 9},
	} {
		at, err := unix.Seek(f, s.off, s.whence)
		say("lseek "+s.name, at, err)
	}
	buf := make([]byte, 100)
	n, err = unix.Read(f, buf)
	say("read beyond the end", n, err)
	harmless(say, f, d)
	return nil
}

func nonZero(errno unix.Errno) error {
	if errno == 0 {
		return nil
	}
	return errno
}

func bind(name string) error {
	s, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err != nil {
		return err
	}
	defer unix.Close(s)
	return unix.Bind(s, &unix.SockaddrUnix{Name: name})
}

// harmless calls are answered here and on this machine, whoever holds the bytes.
func harmless(say func(string, any, error), f, d int) {
	buf := make([]byte, 100)
	for _, name := range []string{"user.x", "security.capability", "security.selinux", "system.posix_acl_access", "trusted.x"} {
		n, err := unix.Fgetxattr(f, name, buf)
		say("getxattr "+name, n, err)
	}
	n, err := unix.Listxattr("f", buf)
	say("listxattr", n, err)
	for how, op := range map[string]int{"LOCK_SH": unix.LOCK_SH, "LOCK_EX|LOCK_NB": unix.LOCK_EX | unix.LOCK_NB, "LOCK_UN": unix.LOCK_UN} {
		say("flock "+how, "ok", unix.Flock(f, op))
	}
	lock := unix.Flock_t{Type: unix.F_RDLCK}
	say("fcntl F_SETLK", "ok", unix.FcntlFlock(uintptr(f), unix.F_SETLK, &lock))
	lock = unix.Flock_t{Type: unix.F_RDLCK}
	say("fcntl F_OFD_SETLK", "ok", unix.FcntlFlock(uintptr(f), unix.F_OFD_SETLK, &lock))
	lock = unix.Flock_t{Type: unix.F_WRLCK}
	err = unix.FcntlFlock(uintptr(f), unix.F_GETLK, &lock)
	say("fcntl F_GETLK", lock.Type != unix.F_UNLCK, err)
	_, err = unix.FcntlInt(uintptr(f), unix.F_SETLEASE, unix.F_UNLCK)
	say("lease", "asked", ignored(err))
	say("fsync", "ok", unix.Fsync(f))
	say("fdatasync", "ok", unix.Fdatasync(f))
	say("fsync of a directory", "ok", unix.Fsync(d))
	say("syncfs", "ok", unix.Syncfs(f))
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(f), 0xc020660b, uintptr(unsafe.Pointer(&make([]byte, 4096)[0]))) // FS_IOC_FIEMAP
	say("FIEMAP", "ok", nonZero(errno))
	_, err = unix.IoctlGetInt(f, unix.TIOCINQ)
	say("FIONREAD", "asked", ignored(err))
	for _, mask := range []int{0, unix.STATX_BASIC_STATS, unix.STATX_ALL, unix.STATX_SIZE, unix.STATX_BTIME, 0x7fffffff} {
		for _, how := range []int{0, unix.AT_STATX_DONT_SYNC, unix.AT_STATX_FORCE_SYNC, unix.AT_NO_AUTOMOUNT} {
			var st unix.Statx_t
			err := unix.Statx(unix.AT_FDCWD, "f", how, mask, &st)
			say(fmt.Sprintf("statx %#x %#x", mask, how), fmt.Sprint(st.Size, st.Mode&unix.S_IFMT == unix.S_IFREG, st.Nlink), err)
		}
	}
	var fs unix.Statfs_t
	err = unix.Fstatfs(f, &fs)
	say("statfs", fmt.Sprint(fs.Namelen, fs.Bavail > 1<<30/uint64(max(fs.Bsize, 1)), fs.Flags&unix.ST_RDONLY != 0), err)
	handle, _, err := unix.NameToHandleAt(unix.AT_FDCWD, "f", 0)
	say("name_to_handle_at", handle.Size() > 0, err)
	say("fadvise", "ok", unix.Fadvise(f, 0, 0, unix.FADV_SEQUENTIAL))
	say("fchdir", "ok", unix.Fchdir(d))
}

// ignored is for calls of which only matters that they end.
func ignored(error) error { return nil }

func TestF2F3F4F8F14Calls(t *testing.T) {
	want := map[string]string{
		"open O_RDONLY|O_CREAT of a file that is there":        "ok",
		"open O_RDONLY|O_CREAT|O_EXCL of a file that is there": "EEXIST",
		"open O_WRONLY|O_CREAT|O_EXCL of a file that is there": "EEXIST",
		"open O_RDONLY|O_APPEND":                               "ok",
		"open O_DIRECTORY of a file":                           "ENOTDIR",
		"open O_WRONLY of a directory":                         "EISDIR",
		"open O_NOATIME":                                       "ok",
		"open O_NOFOLLOW|O_NONBLOCK|O_SYNC":                    "ok",
		"mkdir f":                                              "EEXIST", "mkfifo f": "EEXIST", "symlink f": "EEXIST", "link f": "EEXIST",
		"mkdir d": "EEXIST", "mkfifo d": "EEXIST", "symlink d": "EEXIST", "link d": "EEXIST",
		"bind": "EROFS", "bind f": "EADDRINUSE",
		"rename to elsewhere": "EXDEV", "rename from elsewhere": "EXDEV", "link to elsewhere": "EXDEV",
		"unlink of what is not there": "EROFS", "rmdir of a file": "EROFS",
		"ftruncate": "EINVAL", "fallocate": "EBADF", "write": "EBADF", "pwrite": "EBADF", "copy_file_range into it": "EBADF",
		"utimensat UTIME_OMIT": "ok", "FS_IOC_SETFLAGS": "EROFS", "access W_OK": "EROFS", "access W_OK of the directory": "EROFS", "access X_OK": "EACCES", "access R_OK": "ok",

		"lseek SEEK_DATA 0": "0", "lseek SEEK_DATA 5": "5", "lseek SEEK_DATA at the end": "ENXIO", "lseek SEEK_DATA beyond": "ENXIO", "lseek SEEK_DATA -1": "ENXIO",
		"lseek SEEK_HOLE 0": "7", "lseek SEEK_HOLE 6": "7", "lseek SEEK_HOLE at the end": "ENXIO",
		"lseek SEEK_END 0": "7", "lseek SEEK_END -7": "0", "lseek SEEK_END -8": "EINVAL", "lseek SEEK_SET -1": "EINVAL", "lseek SEEK_SET beyond": "1099511627776",
		"lseek SEEK_CUR -1": "1099511627775", "lseek a whence of 9": "EINVAL", "read beyond the end": "0",

		"getxattr user.x": "ENOTSUP", "getxattr security.capability": "ENOTSUP", "getxattr security.selinux": "ENOTSUP", "getxattr trusted.x": "ENOTSUP", "getxattr system.posix_acl_access": "ENODATA",
		"listxattr":     "ENOTSUP",
		"flock LOCK_SH": "ok", "flock LOCK_EX|LOCK_NB": "ok", "flock LOCK_UN": "ok", "fcntl F_SETLK": "ok", "fcntl F_OFD_SETLK": "ok", "fcntl F_GETLK": "true", "lease": "asked",
		"fsync": "ok", "fdatasync": "ok", "fsync of a directory": "ok", "syncfs": "ok", "FIEMAP": "ENOTSUP", "FIONREAD": "asked",
		"statfs": "255 true true", "name_to_handle_at": "true", "fadvise": "ok", "fchdir": "ok",
	}
	srv := notWritten(t)
	m := mountTest(t, srv, "--metadata-ttl", "1h")
	sh(t, m, m.Dir, `cat f; ls d; stat none new >/dev/null 2>&1 || true`) // from here on all is known
	if err := srv.WaitIdle(t.Context()); err != nil {
		t.Fatal(err)
	}
	srv.ResetLog()
	seen := map[string]bool{}
	for _, line := range lines(inChild(t, m, "answers", m.Dir, t.TempDir())) {
		call, got, _ := strings.Cut(line, ": ")
		wanted := want[call]
		if strings.HasPrefix(call, "statx ") {
			wanted = "7 true 1"
		}
		if got != wanted {
			t.Errorf("%s: %s, want %s", call, got, wanted)
		}
		seen[call] = true
	}
	for call := range want {
		if !seen[call] {
			t.Errorf("%s was not tried", call)
		}
	}
	if got := srv.Requests(); len(got) > 0 {
		t.Errorf("asked %q, want nothing", got)
	}
	wantSettled(t, m)
	wantFailures(t, m, 0, 0)
}

// With --xattr the attributes that a program may ask for and that are not there
// cost nothing either.
func TestF14OtherAttributesCostNothing(t *testing.T) {
	srv := s3test.New(t, s3test.Options{Text: map[string]string{"f": "content", "d/g": "more"}})
	m := mountTest(t, srv, "--xattr")
	sh(t, m, m.Dir, `cat f; ls d`)
	srv.ResetLog()
	got := lines(inChild(t, m, "answers", m.Dir, t.TempDir()))
	for _, name := range []string{"security.capability", "security.selinux", "system.posix_acl_access", "trusted.x"} {
		if want := "getxattr " + name; !slices.Contains(got, want+": ENODATA") && !slices.Contains(got, want+": ENOTSUP") {
			t.Errorf("%s has another answer than ENODATA or ENOTSUP", want)
		}
	}
	if n := srv.Count(s3test.Head); n > 5 { // of "new", "none" and the file's own, once
		t.Errorf("asked %q", srv.Requests())
	}
}
