package fs

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// dying: the kernel gives each thread of a process that a signal ends SIGKILL.
const dying = 1 << (syscall.SIGKILL - 1)

// passing signals tell their process of something, and interrupt nothing: SIGURG
// is what Go's scheduler sends, SIGPROF a profiler's clock.
const passing = 1<<(syscall.SIGCHLD-1) | 1<<(syscall.SIGCONT-1) | 1<<(syscall.SIGURG-1) |
	1<<(syscall.SIGWINCH-1) | 1<<(syscall.SIGPROF-1) | 1<<(syscall.SIGVTALRM-1)

// signalsOf reads the signals of a thread (proc_pid_status(5)). One that has ended
// is an error.
func signalsOf(thread int) (s signals, err error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", thread))
	if err != nil {
		return s, err
	}
	found := 0
	for line := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(line, ":")
		value = strings.TrimSpace(value)
		var to *uint64
		switch name {
		case "State":
			if strings.HasPrefix(value, "Z") || strings.HasPrefix(value, "X") {
				return s, errEnded
			}
			continue
		case "SigPnd", "ShdPnd":
			to = &s.pending
		case "SigBlk":
			to = &s.blocked
		case "SigCgt":
			to = &s.caught
		default:
			continue
		}
		bits, err := strconv.ParseUint(value, 16, 64)
		if err != nil {
			return s, err
		}
		*to |= bits
		found++
	}
	if found != 4 {
		return s, errors.New("its status says nothing of signals")
	}
	return s, nil
}

var errEnded = errors.New("it has ended")
