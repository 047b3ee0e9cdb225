//go:build linux

package rig

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// CanMount says in a sentence for the user what is missing for a FUSE mount,
// nil if nothing is.
func CanMount() error {
	if _, err := os.Stat("/dev/fuse"); err != nil {
		return errors.New("no /dev/fuse here: load the kernel's module (modprobe fuse), or give the container the device (--device /dev/fuse --cap-add SYS_ADMIN)")
	}
	if os.Geteuid() == 0 {
		return nil
	}
	if _, err := exec.LookPath("fusermount3"); err != nil {
		return errors.New("no fusermount3 here, which a user other than root needs for a mount: apt install fuse3")
	}
	return nil
}

// An Invocation is one command line of s3mount in a clean environment: nothing
// of the caller's AWS configuration reaches it.
type Invocation struct {
	Program   string
	Endpoint  string // --endpoint-url; "": not given
	AccessKey string // "": no credentials anywhere
	SecretKey string
	Args      []string            // flags, source, directory
	User      *syscall.Credential // who runs it; nil: this process's user
}

// Command is the command, not started, with the arguments first before all others.
func (v Invocation) Command(first ...string) *exec.Cmd {
	args := append([]string{}, first...)
	if v.Endpoint != "" {
		args = append(args, "--endpoint-url", v.Endpoint)
	}
	cmd := exec.Command(v.Program, append(args, v.Args...)...)
	cmd.Env = []string{
		"HOME=/nonexistent",
		"AWS_CONFIG_FILE=/dev/null",
		"AWS_SHARED_CREDENTIALS_FILE=/dev/null",
		"AWS_EC2_METADATA_DISABLED=true", // else its absence is noticed by a time-out
		"AWS_REGION=us-east-1",
	}
	if v.AccessKey != "" {
		cmd.Env = append(cmd.Env, "AWS_ACCESS_KEY_ID="+v.AccessKey, "AWS_SECRET_ACCESS_KEY="+v.SecretKey)
	}
	for _, name := range []string{"PATH", "TMPDIR", "GOMAXPROCS", "GOCOVERDIR"} {
		if value, ok := os.LookupEnv(name); ok {
			cmd.Env = append(cmd.Env, name+"="+value)
		}
	}
	if v.User != nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: v.User}
	}
	return cmd
}

// A Mount is a bucket mounted by an s3mount in the foreground, which is a child
// of this process.
type Mount struct {
	Dir     string
	Process *Process
}

// StartMount runs the invocation with -f and returns when s3mount has told that
// the mount on dir can be used, as it tells systemd.
func StartMount(v Invocation, dir string) (*Mount, error) {
	ready, err := listen()
	if err != nil {
		return nil, err
	}
	defer ready.Close()
	cmd := v.Command("-f")
	cmd.Env = append(cmd.Env, "NOTIFY_SOCKET="+ready.LocalAddr().String())
	p, err := Start(cmd)
	if err != nil {
		return nil, err
	}
	told := make(chan error, 1)
	go func() { // ends with the socket
		var word [64]byte
		n, err := ready.Read(word[:])
		if err == nil && string(word[:n]) != "READY=1" {
			err = fmt.Errorf("s3mount told %q, want READY=1", word[:n])
		}
		told <- err
	}()
	m := &Mount{Dir: dir, Process: p}
	select {
	case err = <-told:
		if err == nil && !Mounted(dir) {
			err = fmt.Errorf("s3mount said that it is ready, but %s is not mounted", dir)
		}
		if err == nil {
			return m, nil
		}
	case <-p.Done():
		return nil, fmt.Errorf("s3mount ended with exit code %d\n%s", p.ExitCode(), p.Stderr())
	case <-time.After(20 * time.Second):
		err = fmt.Errorf("s3mount has not mounted %s within 20s\n%s", dir, p.Stderr())
	}
	return nil, errors.Join(err, m.Abort())
}

// listen opens a socket of the kind that systemd opens for a service's word.
// Its name is in no file system, so that any user may write to it.
func listen() (*net.UnixConn, error) {
	for {
		name := fmt.Sprintf("@s3mount-rig-%d-%d", os.Getpid(), sockets.Add(1))
		c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: name, Net: "unixgram"})
		if !errors.Is(err, syscall.EADDRINUSE) {
			return c, err
		}
	}
}

var sockets atomic.Int64 // names given

// Close unmounts as a user does, and waits for the daemon's end. A mount that is
// busy is taken away all the same, and is an error.
func (m *Mount) Close() error {
	if err := Unmount(m.Dir); err != nil {
		return errors.Join(err, m.Abort())
	}
	if !m.Process.Wait(10 * time.Second) {
		return errors.Join(fmt.Errorf("the daemon of %s still runs 10s after umount\n%s", m.Dir, m.Process.Stderr()), m.Abort())
	}
	if code := m.Process.ExitCode(); code != 0 {
		return fmt.Errorf("the daemon of %s ended with exit code %d after umount\n%s", m.Dir, code, m.Process.Stderr())
	}
	return nil
}

// Abort kills the daemon, which fails every call that waits in the mount, and
// takes the mount away.
func (m *Mount) Abort() error {
	m.Process.Signal(syscall.SIGKILL)
	if !m.Process.Wait(5 * time.Second) {
		return fmt.Errorf("the daemon of %s (%d) does not end by SIGKILL", m.Dir, m.Process.PID())
	}
	return Detach(m.Dir)
}

// Unmount unmounts dir as its user does: umount as root, fusermount3 otherwise.
func Unmount(dir string) error { return unmount(dir, 0, "-u") }

// Detach takes the mount away even where files in it are open. A directory that
// is no mount is fine.
func Detach(dir string) error {
	if !Mounted(dir) {
		return nil
	}
	return unmount(dir, syscall.MNT_DETACH, "-uz")
}

func unmount(dir string, flags int, option string) error {
	if os.Geteuid() == 0 {
		// The system call, not umount(8), which first asks the mount itself and
		// would wait for one that hangs.
		if err := syscall.Unmount(dir, flags); err != nil {
			return fmt.Errorf("umount %s: %w", dir, err)
		}
		return nil
	}
	if out, err := exec.Command("fusermount3", option, "--", dir).CombinedOutput(); err != nil {
		return fmt.Errorf("fusermount3 %s %s: %w: %s", option, dir, err, out)
	}
	return nil
}

// Mounted says whether dir itself is a mount point.
func Mounted(dir string) bool {
	for _, m := range Mounts() {
		if m == dir {
			return true
		}
	}
	return false
}

// Mounts lists the mount points that this process sees, by asking the kernel's
// table and no mount.
func Mounts() []string {
	table, _ := os.ReadFile("/proc/self/mountinfo")
	var dirs []string
	for line := range strings.Lines(string(table)) {
		fields := strings.Fields(line)
		if len(fields) > 4 {
			dirs = append(dirs, octal.Replace(fields[4]))
		}
	}
	return dirs
}

// octal undoes the escapes of mountinfo.
var octal = strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`)

// TempDir is a new directory below the system's, its name free of symbolic
// links (the kernel's mount table has none) and its mode open to other users.
func TempDir(pattern string) (string, error) {
	dir, err := os.MkdirTemp("", pattern)
	if err != nil {
		return "", err
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		return "", err
	}
	return filepath.EvalSymlinks(dir)
}
