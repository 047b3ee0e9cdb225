//go:build linux

package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"s3mount/integration/rig"
)

// A session is a step under way in a mount.
type session struct {
	ctx     context.Context
	mount   *rig.Mount
	cost    string // of mounting
	dir     string // the mount point
	out     string // an empty directory, for what tools write
	data    dataset
	limit   time.Duration
	started memory // of the daemon, at the step's begin

	ended memory // and at its end

	atEnd func() error // takes the figures
	wall  time.Duration
	note  string
	wrong bool // what the step found is not what the server has
}

// A failure is the fault of the program that is measured: the row has no figures
// of it.
type failure struct{ error }

func failed(format string, args ...any) error { return failure{fmt.Errorf(format, args...)} }

// stop ends the measured part of a step.
func (s *session) stop(wall time.Duration) error {
	s.wall = wall
	return s.atEnd()
}

// run is a command in the mount, measured from its start to its end, and what it
// wrote to standard output.
func (s *session) run(name string, args ...string) ([]byte, error) { return s.runAs(0, name, args...) }

// sh is a script of bash's, in the mount, as run.
func (s *session) sh(script string) ([]byte, error) {
	return s.run("bash", "-c", "set -euo pipefail\n"+script)
}

// runAs also demands that exit code.
func (s *session) runAs(code int, name string, args ...string) ([]byte, error) {
	out, err := os.Create(filepath.Join(s.out, "stdout"))
	if err != nil {
		return nil, err
	}
	defer out.Close()
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.Stdout, cmd.Env = s.dir, out, append(os.Environ(), "LC_ALL=C", "OUT="+s.out)
	start := time.Now()
	p, err := rig.Start(cmd)
	if err != nil {
		return nil, err
	}
	if err := s.wait(p); err != nil {
		return nil, err
	}
	if err := s.stop(time.Since(start)); err != nil {
		return nil, err
	}
	if p.ExitCode() != code {
		return nil, failed("%s ended with exit code %d: %s", name, p.ExitCode(), lastLine(p.Stderr()))
	}
	return os.ReadFile(out.Name())
}

// wait waits for the end of a process in the mount. One that hangs loses the
// mount, and its whole group is ended.
func (s *session) wait(p *rig.Process) error {
	limit := time.NewTimer(s.limit)
	defer limit.Stop()
	select {
	case <-p.Done():
		return nil
	case <-limit.C:
		s.end(p)
		return failed("not done within %v", s.limit)
	case <-s.ctx.Done():
		s.end(p)
		return s.ctx.Err()
	}
}

func (s *session) end(p *rig.Process) {
	syscall.Kill(-p.PID(), syscall.SIGKILL) // its group, which rig.Start made
	if !p.Wait(2 * time.Second) {
		detach(s.mount)
		p.Wait(10 * time.Second)
	}
}

// read has a reader do the task, and compares what it read.
func (s *session) read(threads int, spans []span) error {
	return s.reader(task{Reads: spans, Threads: threads})
}

// check compares whole files with the server's, outside of the measured part.
// What the kernel has kept of them is what was read before.
func (s *session) check(files ...file) error {
	t := task{Threads: 8, Check: true}
	for _, f := range files {
		t.Reads = append(t.Reads, span{Key: f.key})
	}
	return s.reader(t)
}

func (s *session) reader(t task) error {
	t.Dir, t.Data = s.dir, s.data.name
	cmd := exec.Command("/proc/self/exe", readerPart)
	stdin, w, err := os.Pipe()
	if err != nil {
		return err
	}
	defer w.Close()
	r, stdout, err := os.Pipe()
	if err != nil {
		return err
	}
	defer r.Close()
	cmd.Stdin, cmd.Stdout = stdin, stdout
	p, err := rig.Start(cmd)
	stdin.Close()
	stdout.Close()
	if err != nil {
		return err
	}
	if err := json.NewEncoder(w).Encode(t); err != nil {
		return err
	}
	stopped := make(chan error, 1)
	go func() { // ends with the reader's line, or with the reader
		line, err := bufio.NewReader(r).ReadString('\n')
		if t.Check || err != nil {
			stopped <- nil // the exit code tells
			return
		}
		ns, err := strconv.ParseInt(strings.TrimSpace(line), 10, 64)
		if err == nil {
			err = s.stop(time.Duration(ns))
		}
		io.WriteString(w, "\n")
		stopped <- err
	}()
	if err := s.wait(p); err != nil {
		<-stopped
		return err
	}
	if err := <-stopped; err != nil {
		return err
	}
	switch p.ExitCode() {
	case 0:
		return nil
	case 3:
		return fmt.Errorf("what was read is wrong: %s", p.Stderr())
	}
	return failed("%s", lastLine(p.Stderr()))
}

// firstByte is a command whose first byte of output is waited for.
func (s *session) firstByte(name string, args ...string) error {
	cmd := exec.Command(name, args...)
	r, stdout, err := os.Pipe()
	if err != nil {
		return err
	}
	defer r.Close()
	cmd.Dir, cmd.Stdout = s.dir, stdout
	start := time.Now()
	p, err := rig.Start(cmd)
	stdout.Close()
	if err != nil {
		return err
	}
	r.SetReadDeadline(time.Now().Add(s.limit))
	n, _ := r.Read(make([]byte, 1))
	wall := time.Since(start)
	r.Close() // the next write ends it
	if n == 1 {
		if err := s.stop(wall); err != nil {
			return err
		}
	}
	if err := s.wait(p); err != nil {
		return err
	}
	if n != 1 {
		return failed("%s wrote nothing: %s", name, lastLine(p.Stderr()))
	}
	return nil
}

func lastLine(s string) string {
	s = strings.TrimSpace(s)
	return s[strings.LastIndexByte(s, '\n')+1:]
}

// sameLines is an error if the lines are not those wanted, in any order.
func sameLines(what string, got []byte, want []string) error {
	have := map[string]int{}
	n := 0
	for line := range bytes.Lines(got) {
		have[string(bytes.TrimSuffix(line, []byte("\n")))]++
		n++
	}
	for _, w := range want {
		if have[w]--; have[w] < 0 {
			return fmt.Errorf("%s: %q is missing; %d lines, want %d", what, w, n, len(want))
		}
	}
	if n != len(want) {
		return fmt.Errorf("%s: %d lines, want %d", what, n, len(want))
	}
	return nil
}
