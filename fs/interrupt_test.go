//go:build linux

package fs

import (
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

func TestWhichSignalsInterrupt(t *testing.T) {
	bit := func(s syscall.Signal) uint64 { return 1 << (s - 1) }
	all := ^uint64(0)
	for name, tt := range map[string]struct {
		signals
		want bool
	}{
		"none":                         {signals{0, 0, all}, false},
		"handled":                      {signals{bit(syscall.SIGINT), 0, bit(syscall.SIGINT)}, true},
		"an alarm that is handled":     {signals{bit(syscall.SIGALRM), 0, all}, true},
		"handled, and blocked":         {signals{bit(syscall.SIGINT), bit(syscall.SIGINT), bit(syscall.SIGINT)}, false},
		"another one is handled":       {signals{bit(syscall.SIGUSR1), 0, bit(syscall.SIGINT)}, false},
		"killed":                       {signals{bit(syscall.SIGKILL), 0, 0}, true},
		"stopped":                      {signals{bit(syscall.SIGSTOP), 0, 0}, false},
		"stopped by the terminal":      {signals{bit(syscall.SIGTSTP), 0, 0}, false},
		"a child has ended":            {signals{bit(syscall.SIGCHLD), 0, all}, false},
		"Go's scheduler":               {signals{bit(syscall.SIGURG), 0, all}, false},
		"a window":                     {signals{bit(syscall.SIGWINCH), 0, all}, false},
		"a profiler":                   {signals{bit(syscall.SIGPROF), 0, all}, false},
		"a child, and an interruption": {signals{bit(syscall.SIGCHLD) | bit(syscall.SIGINT), 0, all}, true},
	} {
		equal(t, name, tt.interrupt(), tt.want)
	}
}

// What the kernel says of this thread, and of a process that has ended.
func TestSignalsOfAThread(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	set := unix.Sigset_t{Val: [16]uint64{1 << (syscall.SIGUSR2 - 1)}}
	var old unix.Sigset_t
	if err := unix.PthreadSigmask(unix.SIG_BLOCK, &set, &old); err != nil {
		t.Fatal(err)
	}
	defer unix.PthreadSigmask(unix.SIG_SETMASK, &old, nil)
	if err := unix.Tgkill(os.Getpid(), unix.Gettid(), syscall.SIGUSR2); err != nil {
		t.Fatal(err)
	}
	s, err := signalsOf(unix.Gettid())
	bit := uint64(1 << (syscall.SIGUSR2 - 1))
	if err != nil || s.pending&bit == 0 || s.blocked&bit == 0 || s.caught&bit == 0 || s.interrupt() {
		t.Errorf("%+v, %v", s, err)
	}
	// Taken back, or it would come later.
	if _, _, errno := unix.Syscall6(unix.SYS_RT_SIGTIMEDWAIT, uintptr(unsafe.Pointer(&set)), 0, uintptr(unsafe.Pointer(&unix.Timespec{})), 8, 0, 0); errno != 0 {
		t.Error(errno)
	}

	cmd := exec.Command("true")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var info unix.Siginfo
	if err := unix.Waitid(unix.P_PID, cmd.Process.Pid, &info, unix.WEXITED|unix.WNOWAIT, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := signalsOf(cmd.Process.Pid); err == nil {
		t.Error("a process that has ended has signals")
	}
	cmd.Wait()
	if _, err := signalsOf(cmd.Process.Pid); err == nil {
		t.Error("a process that is gone has signals")
	}
}
