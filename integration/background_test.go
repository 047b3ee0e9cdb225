//go:build linux

package integration

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"s3mount/integration/rig"
)

// Without -f the command returns when the mount can be used, and what serves it
// has left the caller: no terminal, no pipe, no directory of the caller is held.
func TestBackground(t *testing.T) {
	needMount(t)
	tree(t)
	for _, tt := range []struct {
		name string
		end  func(dir string, pid int) error
	}{
		{"umount", func(dir string, _ int) error { return rig.Unmount(dir) }},
		{"SIGTERM", func(_ string, pid int) error { return syscall.Kill(pid, syscall.SIGTERM) }},
		{"SIGINT", func(_ string, pid int) error { return syscall.Kill(pid, syscall.SIGINT) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := mountPoint(t)
			v := invocation(gateway(t), "s3://"+treeBucket, dir)
			// The pipe of this shell's $() is at its end only when nobody has it
			// open any more.
			cmd := v.Command()
			wrapped := shell(`said=$("$@" 2>&1); test -z "$said"; cat "` + dir + `/README"`)
			wrapped.Args = append(append(wrapped.Args, "mount"), cmd.Args...)
			wrapped.Env = cmd.Env
			r := try(t, nil, t.TempDir(), wrapped)
			if r.Code != 0 || r.Stdout != "hello from the bucket\n" {
				t.Fatalf("exit code %d, %q %q", r.Code, r.Stdout, r.Stderr)
			}
			pids := rig.ProcessesOf(program, dir)
			if len(pids) != 1 {
				t.Fatalf("processes %v serve the mount, want one", pids)
			}
			checkDaemon(t, pids[0])
			if err := tt.end(dir, pids[0]); err != nil {
				t.Fatal(err)
			}
			if !rig.Eventually(10*time.Second, func() bool {
				return len(rig.ProcessesOf(program, dir)) == 0 && !rig.Mounted(dir)
			}) {
				t.Errorf("the daemon still runs or %s is still mounted", dir)
			}
		})
	}
}

// checkDaemon looks at what the daemon holds of its caller's.
func checkDaemon(t *testing.T, pid int) {
	t.Helper()
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(stat), ") ")
	var state string
	var ppid, pgrp, session int
	fmt.Sscan(after, &state, &ppid, &pgrp, &session)
	if session != pid {
		t.Errorf("the daemon (%d) is in session %d, want its own, which no terminal ends", pid, session)
	}
	if os.Geteuid() != 0 {
		return // a process that holds secrets is closed to its own user
	}
	if cwd, err := os.Readlink(fmt.Sprintf("/proc/%d/cwd", pid)); err != nil || cwd != "/" {
		t.Errorf("the daemon's working directory is %s, %v; want /, which keeps no other file system busy", cwd, err)
	}
	for fd := range 3 {
		target, err := os.Readlink(fmt.Sprintf("/proc/%d/fd/%d", pid, fd))
		if err != nil || target != "/dev/null" {
			t.Errorf("the daemon's file %d is %s, %v; want /dev/null", fd, target, err)
		}
	}
}
