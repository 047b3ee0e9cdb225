package main

import (
	"log/slog"
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

// mountHint is what to do when mounting was refused.
func mountHint(allowOther bool) string {
	if _, err := os.Stat("/dev/fuse"); err != nil {
		return "there is no /dev/fuse: load the module with `modprobe fuse`; in a container, give it --device /dev/fuse and --cap-add SYS_ADMIN"
	}
	if os.Geteuid() != 0 && allowOther {
		return "a user's --allow-other needs the line user_allow_other in /etc/fuse.conf; and fusermount3, from `apt install fuse3`"
	}
	if os.Geteuid() != 0 {
		return "a user needs fusermount3, from `apt install fuse3`, and write permission on the mount point"
	}
	return "mounting as root takes the capability SYS_ADMIN; containers have it with --cap-add SYS_ADMIN"
}
