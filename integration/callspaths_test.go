//go:build linux

package integration

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// writing is what would change something through a descriptor.
func (c *caller) writing() string {
	f, i := c.some()
	var err error
	kind := c.IntN(8)
	switch kind {
	case 0:
		_, err = unix.Write(f.fd, []byte("x"))
	case 1:
		_, err = unix.Pwrite(f.fd, nil, 0)
	case 2:
		err = unix.Ftruncate(f.fd, 1)
	case 3:
		err = unix.Fallocate(f.fd, 0, 0, 10)
	case 4:
		err = unix.Fchmod(f.fd, 0o777)
	case 5:
		err = unix.Fchown(f.fd, 1, 1)
	case 6:
		err = unix.Fsync(f.fd)
	case 7:
		err = unix.Futimes(f.fd, []unix.Timeval{{Sec: 1}, {Sec: 1}})
	}
	return fmt.Sprintf(" %d, kind %d -> %v", i, kind, err)
}

// names is what would change something through a path.
func (c *caller) names() string {
	path, other := c.somePath(), c.somePath()
	var err error
	kind := c.IntN(12)
	switch kind {
	case 0:
		err = unix.Unlink(path)
	case 1:
		err = unix.Rmdir(path)
	case 2:
		err = unix.Mkdir(path, 0o755)
	case 3:
		err = unix.Rename(path, other)
	case 4:
		err = unix.Link(path, other)
	case 5:
		err = unix.Symlink("target", path)
	case 6:
		err = unix.Chmod(path, 0o600)
	case 7:
		err = unix.Truncate(path, 0)
	case 8:
		err = unix.Mknod(path, unix.S_IFIFO|0o644, 0)
	case 9:
		err = unix.Lchown(path, 0, 0)
	case 10:
		err = unix.UtimesNanoAt(unix.AT_FDCWD, path, []unix.Timespec{{Sec: 1}, {Sec: 1}}, unix.AT_SYMLINK_NOFOLLOW)
	case 11:
		err = unix.Renameat2(unix.AT_FDCWD, path, unix.AT_FDCWD, other, []uint{0, unix.RENAME_EXCHANGE, unix.RENAME_NOREPLACE}[c.IntN(3)])
	}
	return fmt.Sprintf(" %.40q %.40q, kind %d -> %v", path, other, kind, err)
}

// path asks about a path.
func (c *caller) path() string {
	path := c.somePath()
	var st unix.Stat_t
	lerr := unix.Lstat(path, &st)
	size := st.Size
	if st.Mode&unix.S_IFMT == unix.S_IFDIR {
		size = 0
	}
	_, rerr := unix.Readlink(path, make([]byte, 10))
	var access []error
	for _, mode := range []uint32{unix.F_OK, unix.R_OK, unix.W_OK} {
		access = append(access, unix.Access(path, mode))
	}
	return fmt.Sprintf(" %.40q -> %o %d %v, %v, %v", path, st.Mode&unix.S_IFMT, size, lerr, rerr, access)
}

// directory reads one, and its names again behind a place in it.
func (c *caller) directory() string {
	path := c.somePath()
	f, err := os.Open(path)
	if err != nil {
		return fmt.Sprintf(" %.40q -> %v", path, err.(*os.PathError).Err)
	}
	defer f.Close()
	names, err := f.Readdirnames(-1)
	if err != nil { // a file was opened
		return fmt.Sprintf(" %.40q -> %v", path, errors.Is(err, unix.ENOTDIR))
	}
	slices.Sort(names)
	f.Seek(0, 0)
	again, err := f.Readdirnames(-1)
	slices.Sort(again)
	return fmt.Sprintf(" %.40q -> %d names %x, the same again %v, %v", path, len(names), sum([]byte(strings.Join(names, "\x00"))), slices.Equal(names, again), err)
}
