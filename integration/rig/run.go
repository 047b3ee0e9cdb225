//go:build linux

package rig

import (
	"fmt"
	"os/exec"
	"syscall"
	"time"
)

// A Result is what a command that has ended left behind.
type Result struct {
	Stdout string
	Stderr string
	Code   int // exit code, -1 when a signal ended it
}

// Run runs cmd to its end, for at most limit. A command that is still there
// then is killed. If even that does not end it, it waits inside a mount: stuck
// is called, which must make the mount fail (see Mount.Abort).
func Run(cmd *exec.Cmd, limit time.Duration, stuck func()) (Result, error) {
	p, err := Start(cmd)
	if err != nil {
		return Result{}, err
	}
	ended := p.Wait(limit)
	if !ended {
		syscall.Kill(-p.PID(), syscall.SIGKILL) // its whole process group, which Start made
		if !p.Wait(2*time.Second) && stuck != nil {
			stuck()
		}
		if !p.Wait(5 * time.Second) {
			return Result{}, fmt.Errorf("%s does not end, not even by SIGKILL", cmd)
		}
	}
	r := Result{Stdout: p.Stdout(), Stderr: p.Stderr(), Code: p.ExitCode()}
	if !ended {
		return r, fmt.Errorf("%s has not ended within %v; it said so far:\n%s%s", cmd, limit, r.Stdout, r.Stderr)
	}
	return r, nil
}
