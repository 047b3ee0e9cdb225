package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	iofs "io/fs"
	"os"
	"runtime"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// What this machine needs for a mount.

func (d *doctor) root() bool { return d.machine.uid() == 0 }

// fuse opens the device, as every mount does.
func (d *doctor) fuse(context.Context) finding {
	if runtime.GOOS != "linux" {
		return skipped("only Linux has it")
	}
	path := d.machine.fuseDevice
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, iofs.ErrNotExist):
		return failed("load the module with `modprobe fuse`; in a container, give it --device /dev/fuse and --cap-add SYS_ADMIN", "there is no %s", path)
	case err != nil:
		return failed("check the permissions of /dev", "%v", err)
	case info.Mode()&os.ModeCharDevice == 0:
		return failed("remove it and load the module with `modprobe fuse`", "%s is no device", path)
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	switch {
	case errors.Is(err, iofs.ErrPermission) && d.root():
		return failed("in a container, give it --device /dev/fuse: that it is there is not enough", "%v", err)
	case errors.Is(err, iofs.ErrPermission):
		return failed("make it readable and writable for you: `chmod 0666 "+path+"` as root, as distributions have it", "%v", err)
	case err != nil:
		return failed("load the module with `modprobe fuse`; in a container, give it --device /dev/fuse", "%v", err)
	}
	f.Close()
	return passed("it can be opened")
}

// capSysAdmin is the number of the capability that mount(2) takes
// (capabilities(7)).
const capSysAdmin = 21

// fusermount looks for the program that mounts for users. Root does without, if
// it may mount.
func (d *doctor) fusermount(context.Context) finding {
	if d.root() {
		if caps, ok := effective(d.machine.status); ok && caps&(1<<capSysAdmin) == 0 {
			return failed("in a container, give it --cap-add SYS_ADMIN", "not needed, this is root; but root without the capability SYS_ADMIN, and cannot mount")
		}
		return skipped("not needed: root mounts by itself")
	}
	path, err := d.machine.lookPath("fusermount3")
	if err != nil {
		path = "/bin/fusermount3" // where a mount looks, too
	}
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return failed("install it: `apt install fuse3`, or the package fuse3 of your system", "fusermount3 is not there, and a user cannot mount without")
	case info.Mode()&os.ModeSetuid == 0:
		return warned("if mounting fails: `chmod u+s "+quoted(path)+"` as root, as the package fuse3 has it", "%s is not set-user-id", path)
	}
	return passed("%s", path)
}

// effective are the capabilities of a process (proc_pid_status(5)).
func effective(status string) (caps uint64, ok bool) {
	text, err := os.ReadFile(status)
	if err != nil {
		return 0, false
	}
	for line := range strings.Lines(string(text)) {
		if value, found := strings.CutPrefix(line, "CapEff:"); found {
			caps, err = strconv.ParseUint(strings.TrimSpace(value), 16, 64)
			return caps, err == nil
		}
	}
	return 0, false
}

// allowOther looks whether users may let others in.
func (d *doctor) allowOther(context.Context) finding {
	switch {
	case !d.settings.allowOther:
		return skipped("not needed without --allow-other")
	case d.root():
		return skipped("not needed: root may")
	}
	path := d.machine.fuseConf
	f, err := os.Open(path)
	if err == nil {
		defer f.Close()
		for lines := bufio.NewScanner(f); lines.Scan(); {
			if strings.TrimSpace(lines.Text()) == "user_allow_other" {
				return passed("it is in %s", path)
			}
		}
	}
	return failed(fmt.Sprintf("write the line user_allow_other into %s as root, or leave --allow-other away", path), "%s does not permit a user's --allow-other", path)
}

// mountPoint looks at the directory. A file system that does not answer would
// keep whoever looks at it.
func (d *doctor) mountPoint(ctx context.Context) finding {
	if d.dir == "" {
		return skipped("no directory given")
	}
	seen := make(chan finding, 1)
	go func() { seen <- d.lookAt(d.dir) }() // ends with the file system's answer, with the process at the latest
	select {
	case f := <-seen:
		return f
	case <-ctx.Done():
		return failed("a mount there, or above it, does not answer; take it away with `umount -l`, or choose another directory", "%s: %v", d.dir, errNoAnswer(d.timeout))
	}
}

func (d *doctor) lookAt(dir string) finding {
	abs, err := checkMountPoint(dir, d.settings.nonEmpty)
	if err != nil {
		return failure(err)
	}
	if err := unix.Access(abs, unix.W_OK); err != nil && !d.root() {
		return failed("choose a directory of your own: fusermount3 takes no other", "%s: you may not write there", dir)
	}
	return passed("%s", abs)
}
