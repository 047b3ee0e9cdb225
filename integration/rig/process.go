//go:build linux

package rig

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// A Process is a started program: its output so far, and its end.
type Process struct {
	cmd    *exec.Cmd
	stdout buffer
	stderr buffer
	done   chan struct{} // closed when err is set
	err    error         // of Wait
}

// Start starts cmd in a process group of its own, so that a Ctrl-C at the
// terminal goes to whoever started it and not to cmd. cmd gets a SIGTERM when
// this process dies.
func Start(cmd *exec.Cmd) (*Process, error) {
	p := &Process{cmd: cmd, done: make(chan struct{})}
	if cmd.Stdout == nil {
		cmd.Stdout = &p.stdout
	}
	if cmd.Stderr == nil {
		cmd.Stderr = &p.stderr
	}
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = new(syscall.SysProcAttr)
	}
	cmd.SysProcAttr.Setpgid = true
	cmd.SysProcAttr.Pdeathsig = syscall.SIGTERM
	cmd.WaitDelay = time.Second // a daemon may keep its parent's stderr open for ever
	if err := fork(cmd); err != nil {
		return nil, err
	}
	go func() { // ends with the program
		p.err = cmd.Wait()
		if errors.Is(p.err, exec.ErrWaitDelay) {
			p.err = nil // the program itself ended well
		}
		close(p.done)
	}()
	return p, nil
}

// fork starts programs from one thread that lives as long as this process:
// Linux sends the parent-death signal when the thread that forked ends, and Go
// ends threads as it likes.
var fork = func() func(*exec.Cmd) error {
	type job struct {
		cmd *exec.Cmd
		err chan error
	}
	jobs := sync.OnceValue(func() chan job {
		c := make(chan job)
		go func() { // never ends: that is its purpose
			runtime.LockOSThread()
			for j := range c {
				j.err <- j.cmd.Start()
			}
		}()
		return c
	})
	return func(cmd *exec.Cmd) error {
		j := job{cmd, make(chan error)}
		jobs() <- j
		return <-j.err
	}
}()

// PID is the process id.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Stdout is what the program has written so far.
func (p *Process) Stdout() string { return p.stdout.String() }

// Stderr is what the program has written so far.
func (p *Process) Stderr() string { return p.stderr.String() }

// Done is closed when the program has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Signal sends sig to the program.
func (p *Process) Signal(sig syscall.Signal) { p.cmd.Process.Signal(sig) }

// ExitCode is the program's exit code, -1 when a signal ended it. It waits for
// the end.
func (p *Process) ExitCode() int {
	<-p.done
	return p.cmd.ProcessState.ExitCode()
}

// Wait waits up to d for the program's end and says whether it came.
func (p *Process) Wait(d time.Duration) bool {
	select {
	case <-p.done:
		return true
	default: // of two that are ready select takes any, so zero d would be a coin toss
	}
	select {
	case <-p.done:
		return true
	case <-time.After(d):
		return false
	}
}

// Stop asks the program to end, and makes it after the grace.
func (p *Process) Stop(grace time.Duration) error {
	p.Signal(syscall.SIGTERM)
	if p.Wait(grace) {
		return nil
	}
	p.Signal(syscall.SIGKILL)
	if !p.Wait(5 * time.Second) {
		return fmt.Errorf("process %d (%s) does not end, not even by SIGKILL", p.PID(), p.cmd.Path)
	}
	return fmt.Errorf("process %d (%s) did not end within %v of SIGTERM", p.PID(), p.cmd.Path, grace)
}

// ProcessesOf returns the ids of the processes that were started as the binary at
// path, or any if it is "". With arg, only those that have it on their command
// line too.
//
// It asks for command lines, not for what is executed: that is hidden, for
// s3mount holds secrets.
func ProcessesOf(path, arg string) []int {
	var found []int
	files, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, file := range files {
		line, err := os.ReadFile(file)
		if err != nil {
			continue // it has ended since
		}
		args := strings.Split(string(line), "\x00")
		if path != "" && args[0] != path || arg != "" && !slices.Contains(args[1:], arg) {
			continue
		}
		if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(file))); err == nil {
			found = append(found, pid)
		}
	}
	return found
}

// Eventually asks ok again and again until it says yes or d is over.
func Eventually(d time.Duration, ok func() bool) bool {
	deadline := time.After(d)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-deadline:
			return ok()
		case <-tick.C:
		}
	}
	return true
}

// A buffer is a bytes.Buffer that can be read while a program writes to it.
type buffer struct {
	mu sync.Mutex // guards b
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}
