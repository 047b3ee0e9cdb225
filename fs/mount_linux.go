package fs

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"syscall"

	"github.com/moby/sys/mountinfo"
	"golang.org/x/sys/unix"
)

// directFlags are those of mount(2) when it is called without fusermount3.
const directFlags = unix.MS_RDONLY | unix.MS_NOSUID | unix.MS_NODEV

// raiseReadAhead sets the read-ahead of the mount's own backing device
// (Documentation/ABI/testing/sysfs-class-bdi). It takes root.
func raiseReadAhead(dir string) error {
	mounts, err := mountinfo.GetMounts(mountinfo.SingleEntryFilter(dir))
	if err != nil {
		return err
	}
	if len(mounts) == 0 {
		return fmt.Errorf("%s is not in /proc/self/mountinfo", dir)
	}
	m := mounts[len(mounts)-1]
	path := fmt.Sprintf("/sys/class/bdi/%d:%d/read_ahead_kb", m.Major, m.Minor)
	return os.WriteFile(path, []byte(strconv.Itoa(ReadAheadKB)), 0)
}

// Detach takes the mount out of the directory tree at once; it ends when the
// last file on it is closed.
func (m *Mount) Detach() error {
	err := unix.Unmount(m.Dir, unix.MNT_DETACH)
	if err == syscall.EPERM {
		return exec.Command("fusermount3", "-u", "-z", m.Dir).Run()
	}
	return err
}
