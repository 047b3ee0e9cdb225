package main

import (
	"log/slog"
	"math"
	"os"

	"golang.org/x/sys/unix"
)

// keepSecrets keeps the credentials in this process: no core file holds them,
// and no other process of the user may look into its memory.
func keepSecrets(log *slog.Logger) {
	if err := unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{}); err != nil {
		log.Debug("core files stay possible", "error", err)
	}
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		log.Debug("the process stays dumpable", "error", err)
	}
}

// keepDescriptors lets no process that is started from now on have the
// descriptors that this one was given: a lock that a script holds would stay
// held for as long as the mount lives. Kernels before 5.11 cannot do it.
func keepDescriptors() {
	_ = unix.CloseRange(3, math.MaxUint32, unix.CLOSE_RANGE_CLOEXEC)
}

// mountHint is what to do when mounting was refused.
func mountHint(allowOther bool) string {
	if _, err := os.Stat("/dev/fuse"); err != nil {
		return "there is no /dev/fuse: load the module with `modprobe fuse`; in a container, give it --device /dev/fuse and --cap-add SYS_ADMIN"
	}
	if os.Geteuid() != 0 && allowOther {
		return "a user's --allow-other needs the line user_allow_other in /etc/fuse.conf; and fusermount3, from `apt install fuse3`"
	}
	if os.Geteuid() != 0 {
		return "fusermount3 gives its reason on a line of its own; a user needs it (`apt install fuse3`), read and write permission on /dev/fuse, and write permission on the mount point"
	}
	return "mounting as root takes the capability SYS_ADMIN; containers have it with --cap-add SYS_ADMIN"
}
