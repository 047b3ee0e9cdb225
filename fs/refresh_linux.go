package fs

import (
	"os"
	"runtime"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Refresh has the daemon of a mount, and the kernel, forget what they know of a
// path below one of the mount's directories, and of all below that: "" is the
// directory itself. It makes no request. known says whether anything was known
// under that path.
//
// ENOTTY is a directory of something else than a mount of s3mount, or of one
// that cannot do it; ENOTCONN a mount whose daemon is gone.
func Refresh(dir, path string) (known bool, err error) {
	var arg [refreshMost]byte
	if len(path) >= len(arg) {
		return false, &os.PathError{Op: "refresh", Path: path, Err: syscall.ENAMETOOLONG}
	}
	copy(arg[:], path)
	// O_SYNC: see OpendirHandle.
	f, err := os.OpenFile(dir, os.O_RDONLY|unix.O_DIRECTORY|os.O_SYNC, 0)
	if err != nil {
		return false, err
	}
	defer f.Close()
	n, _, errno := unix.Syscall(unix.SYS_IOCTL, f.Fd(), refreshCall, uintptr(unsafe.Pointer(&arg)))
	runtime.KeepAlive(f)
	if errno != 0 {
		return false, &os.PathError{Op: "refresh", Path: dir, Err: errno}
	}
	return n == 1, nil
}
