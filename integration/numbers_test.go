//go:build linux

package integration

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"s3mount/integration/rig"
	"s3mount/s3/s3test"
)

// What stat(2) says of a file is the same in each mount, and stays so when the
// kernel has forgotten it, and s3mount what it knows; and readdir's number is
// stat's.
func TestNumbersStay(t *testing.T) {
	srv := s3test.New(t, s3test.Options{})
	for i := range 40 {
		srv.Put(fmt.Sprintf("d%d/sub/f%d", i%3, i), version(strings.Repeat("x", 700*i)))
	}
	srv.Put("d0", version("hidden"))
	// What stat says, which find asks for, and what readdir does.
	const look = `find . -type f -printf '%i %s %T@ %C@ %A@ %b %k %m %n %U %G %p\n' | sort
		find . -type d -printf '%i %s %b %m %n %p\n' | sort
		for d in . d1 d1/sub; do ls -aiU1 $d; done`
	m := mountTest(t, srv)
	want := sh(t, m, m.Dir, look)
	check := func(when string, m *rig.Mount) {
		t.Helper()
		compare(t, when, sh(t, m, m.Dir, look), want)
	}
	check("again", m)
	if os.WriteFile("/proc/sys/vm/drop_caches", []byte("2"), 0) == nil { // which takes root
		check("after the kernel has forgotten", m)
	}
	refresh(t, m, m.Dir)
	check("after a refresh", m)
	check("in another mount", mountTest(t, srv))
	if err := rig.Unmount(m.Dir); err != nil {
		t.Fatal(err)
	}
	if !m.Process.Wait(limit) {
		t.Fatal("the daemon still runs")
	}
	m = mountTest(t, srv, "--metadata-ttl", "0")
	check("after a remount", m)
}

func init() {
	children["handles"] = childHandles
	children["sundry"] = childSundry
}

// childHandles gets the handles of files in the mounted directory args[0], and
// opens by handle whenever it is told to: a path of a mount, and then what is to
// be found there. It says what it finds, or the errno.
func childHandles(args []string) error {
	handles := map[string]unix.FileHandle{}
	for _, name := range args[1:] {
		h, _, err := unix.NameToHandleAt(unix.AT_FDCWD, filepath.Join(args[0], name), 0)
		if err != nil {
			return err
		}
		handles[name] = h
	}
	fmt.Println("have them")
	for {
		var where string
		if _, err := fmt.Scanln(&where); err != nil {
			return nil
		}
		dir, err := unix.Open(where, unix.O_RDONLY|unix.O_DIRECTORY, 0)
		if err != nil {
			return err
		}
		var found []string
		for _, name := range args[1:] {
			fd, err := unix.OpenByHandleAt(dir, handles[name], unix.O_RDONLY)
			if err != nil {
				found = append(found, name+"="+unix.ErrnoName(err.(unix.Errno)))
				continue
			}
			var st unix.Stat_t
			if err := unix.Fstat(fd, &st); err != nil {
				return err
			}
			b := make([]byte, 100)
			n, _ := unix.Read(fd, b)
			if st.Mode&unix.S_IFMT == unix.S_IFDIR {
				path, _ := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", fd))
				b, n = append(b[:0], filepath.Base(path)...), len(filepath.Base(path))
			}
			found = append(found, name+"="+string(b[:n]))
			unix.Close(fd)
		}
		unix.Close(dir)
		fmt.Println(strings.Join(found, " "))
	}
}

// A file handle opens what it was made of, for as long as the kernel has that; then
// it is ESTALE, and never something else: behind a replacement, when the kernel has
// forgotten, and in another mount, where the same node numbers are others'.
func TestFileHandles(t *testing.T) {
	needRoot(t)
	srv := s3test.New(t, s3test.Options{})
	for _, key := range []string{"d/f", "d/g", "e/f", "e/g"} { // all the same but for the key
		srv.Put(key, version("same"))
	}
	srv.Put("top", version("top"))
	m := mountTest(t, srv, "--metadata-ttl", "1h")
	child := converse(t, "handles", m.Dir, "d", "d/f", "d/g", "top")
	child.hear()
	ask := func(what, dir, want string) {
		t.Helper()
		fmt.Fprintln(child.w, dir)
		if got := child.hear(); got != want {
			t.Errorf("%s: %s, want %s", what, got, want)
		}
	}
	ask("handles of what is there", m.Dir, "d=d d/f=same d/g=same top=top")
	srv.Put("top", version("TOP"))
	refresh(t, m, m.Dir)
	sh(t, m, m.Dir, `cat top`)
	ask("of a replaced object", m.Dir, "d=d d/f=ESTALE d/g=ESTALE top=ESTALE") // the refresh has ended the names, and with them what nobody had open
	refresh(t, m, m.Dir)

	other := mountTest(t, srv)
	sh(t, other, other.Dir, `stat e e/f e/g top d d/f`) // in that order: the numbers of the others' nodes
	ask("in another mount", other.Dir, "d=ESTALE d/f=ESTALE d/g=ESTALE top=ESTALE")

	again := converse(t, "handles", m.Dir, "d", "d/f", "top")
	again.hear()
	if err := os.WriteFile("/proc/sys/vm/drop_caches", []byte("2"), 0); err != nil {
		t.Fatal(err)
	}
	fmt.Fprintln(again.w, m.Dir)
	for _, found := range strings.Fields(again.hear()) { // the kernel need not have forgotten all
		if !slices.Contains([]string{"d=d", "d=ESTALE", "d/f=same", "d/f=ESTALE", "top=TOP", "top=ESTALE"}, found) {
			t.Errorf("a handle of what may be forgotten: %s", found)
		}
	}
}

// childSundry makes calls of all kinds on the file args[0] and says what each came to.
func childSundry(args []string) error {
	fd, err := unix.Open(args[0], unix.O_RDONLY, 0)
	if err != nil {
		return err
	}
	say := func(what string, err error) {
		result := "ok"
		if err != nil {
			result = unix.ErrnoName(err.(unix.Errno))
		}
		fmt.Println(what, result)
	}
	b := make([]byte, 256)
	for _, name := range []string{"security.capability", "security.selinux", "system.posix_acl_access", "user.any"} {
		_, err = unix.Getxattr(args[0], name, b)
		if strings.Contains(name, "acl") && err == unix.ENODATA { // as kernels from 6.2 on say it
			err = unix.ENOTSUP
		}
		say("getxattr "+name, err)
	}
	_, err = unix.Listxattr(args[0], b)
	say("listxattr", err)
	say("flock", unix.Flock(fd, unix.LOCK_SH|unix.LOCK_NB))
	say("fcntl", unix.FcntlFlock(uintptr(fd), unix.F_SETLK, &unix.Flock_t{Type: unix.F_RDLCK}))
	say("fsync", unix.Fsync(fd))
	say("fdatasync", unix.Fdatasync(fd))
	say("syncfs", unix.Syncfs(fd))
	say("fadvise", unix.Fadvise(fd, 0, 0, unix.FADV_SEQUENTIAL))
	_, err = unix.IoctlGetInt(fd, unix.FS_IOC_GETFLAGS)
	say("FS_IOC_GETFLAGS", err)
	_, err = unix.IoctlGetInt(fd, 0xc020660b)
	say("FS_IOC_FIEMAP", err)
	_, err = unix.IoctlGetTermios(fd, unix.TCGETS)
	say("TCGETS", err)
	var fs unix.Statfs_t
	say("statfs", unix.Fstatfs(fd, &fs))
	fmt.Println("statfs", fs.Bsize, fs.Frsize, fs.Blocks*uint64(fs.Frsize), fs.Bavail == fs.Blocks, fs.Namelen, fs.Ffree > 0, fs.Flags&unix.ST_RDONLY != 0)
	hole, err := unix.Seek(fd, 0, unix.SEEK_HOLE)
	say("SEEK_HOLE", err)
	data, err := unix.Seek(fd, 0, unix.SEEK_DATA)
	say("SEEK_DATA", err)
	fmt.Println("hole and data at", hole, data)
	for _, mask := range []int{0, unix.STATX_SIZE, unix.STATX_BASIC_STATS, unix.STATX_BTIME, unix.STATX_ALL, unix.STATX_MNT_ID | unix.STATX_DIOALIGN, 0x7fffffff} {
		for _, flags := range []int{0, unix.AT_STATX_FORCE_SYNC, unix.AT_STATX_DONT_SYNC, unix.AT_NO_AUTOMOUNT | unix.AT_SYMLINK_NOFOLLOW} {
			var st unix.Statx_t
			if err := unix.Statx(unix.AT_FDCWD, args[0], flags, mask, &st); err != nil {
				return fmt.Errorf("statx of mask %x with flags %x: %w", mask, flags, err)
			}
			fmt.Println("statx", st.Mask&unix.STATX_BASIC_STATS == unix.STATX_BASIC_STATS, st.Mask&unix.STATX_BTIME, st.Size, st.Blocks, st.Blksize, st.Nlink, st.Mtime.Sec, st.Mtime.Nsec, st.Ctime.Sec, st.Atime.Sec, st.Btime.Sec, st.Attributes)
		}
	}
	return nil
}

// What programs ask of a file beside reading it has answers that make sense, and
// asks the server nothing.
func TestCallsThatAskNobody(t *testing.T) {
	srv := s3test.New(t, s3test.Options{})
	srv.Put("d/f", version(strings.Repeat("x", 5000)))
	m := mountTest(t, srv)
	sh(t, m, m.Dir, `cat d/f`)
	srv.ResetLog()
	got := lines(inChild(t, m, "sundry", filepath.Join(m.Dir, "d/f")))
	want := strings.Split(`getxattr security.capability ENOTSUP
getxattr security.selinux ENOTSUP
getxattr system.posix_acl_access ENOTSUP
getxattr user.any ENOTSUP
listxattr ENOTSUP
flock ok
fcntl ok
fsync ok
fdatasync ok
syncfs ok
fadvise ok
FS_IOC_GETFLAGS ENOTTY
FS_IOC_FIEMAP ENOTSUP
TCGETS ENOTTY
statfs ok
statfs 4096 4096 1125899906842624 true 255 true true
SEEK_HOLE ok
SEEK_DATA ok
hole and data at 5000 0`, "\n")
	for range 7 * 4 {
		want = append(want, "statx true 0 5000 16 4096 1 1700000000 0 1700000000 1700000000 0 0")
	}
	if !slices.Equal(got, want) {
		t.Errorf("the calls come to\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	sh(t, m, m.Dir, `df . d/f; df -i .; stat -f d/f; stat d/f d .; [ "$(stat -c '%b %B %o' d/f)" = "16 512 4096" ]; [ "$(du -k d/f | cut -f1)" = 8 ]; [ "$(du -b d/f | cut -f1)" = 5000 ]`)
	if n := srv.Count(""); n != 0 {
		t.Errorf("requests %q, want none", srv.Requests())
	}
}
