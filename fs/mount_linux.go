package fs

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

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
	return os.WriteFile(path, []byte(strconv.Itoa(readAheadKB)), 0)
}

// Detach takes the mount out of the directory tree at once; it ends when the
// last file on it is closed.
func (m *Mount) Detach() error {
	err := unix.Unmount(m.Dir, unix.MNT_DETACH)
	if err == syscall.EPERM {
		return fusermount("-u", "-z", m.Dir)
	}
	return err
}

// unmount takes the mount away if nobody uses it. The kernel lets go of files
// that were just closed a moment later.
func (m *Mount) unmount() (err error) {
	for wait := 5 * time.Millisecond; wait < 200*time.Millisecond; wait *= 2 {
		if err = unix.Unmount(m.Dir, 0); err == syscall.EPERM {
			err = fusermount("-u", m.Dir)
		}
		if err == nil || err == syscall.EINVAL { // gone; or not there any more
			return nil
		}
		time.Sleep(wait)
	}
	return err
}

// fusermount unmounts for users. It gets nothing of our environment, which may
// hold credentials.
func fusermount(args ...string) error {
	path, err := exec.LookPath("fusermount3")
	if err != nil {
		path = "/bin/fusermount3" // where go-fuse looks, too
	}
	cmd := exec.Command(path, args...)
	cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin"}
	if said, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, strings.TrimSpace(string(said)))
	}
	return nil
}
