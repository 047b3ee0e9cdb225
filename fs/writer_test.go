//go:build linux

package fs

import (
	"bufio"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

func init() { children["writer"] = childWriter }

// childWriter tries to change what is below args[0]: a file f, a directory d.
func childWriter(args []string) error {
	at := func(name string) string { return filepath.Join(args[0], name) }
	opened := func(flags int, name string) error {
		fd, err := unix.Open(at(name), flags, 0644)
		if err == nil {
			unix.Close(fd)
		}
		return err
	}
	acts := map[string]func() error{
		"create":   func() error { return opened(unix.O_CREAT|unix.O_WRONLY|unix.O_EXCL, "new") },
		"open":     func() error { return opened(unix.O_WRONLY, "f") },
		"mkdir":    func() error { return unix.Mkdir(at("new"), 0755) },
		"unlink":   func() error { return unix.Unlink(at("f")) },
		"rmdir":    func() error { return unix.Rmdir(at("d")) },
		"rename":   func() error { return unix.Rename(at("f"), at("g")) },
		"symlink":  func() error { return unix.Symlink("f", at("new")) },
		"link":     func() error { return unix.Link(at("f"), at("new")) },
		"truncate": func() error { return unix.Truncate(at("f"), 0) },
		"chmod":    func() error { return unix.Chmod(at("f"), 0600) },
		"utimes":   func() error { return os.Chtimes(at("f"), time.Now(), time.Now()) },
		"setxattr": func() error { return unix.Setxattr(at("f"), "user.a", []byte("b"), 0) },
	}
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		say(acts[lines.Text()](), "done")
	}
	return nil
}
