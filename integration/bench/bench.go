//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"s3mount/integration/rig"
)

// A bench is one run of the program.
type bench struct {
	options
	work     string
	server   *server
	programs []program
	results  []result
	wrong    []string // what gave other bytes or names than the server has; and of s3mount, what failed
	mounts   int      // made so far
}

// figures are what one trial of a step cost.
type figures struct {
	Wall   time.Duration
	CPU    time.Duration // of the daemon, or of the raw client
	RSS    int64         // of the daemon when the step had ended
	Peak   int64         // the most that it has ever been
	Counts counts
	Note   string
	Failed string // why there are no figures
}

// enough is how long a trial must be for its figures to be taken without another.
const enough = 10 * time.Second

func (b *bench) run(ctx context.Context) error {
	t := newTable(b.out)
	used := ""
	for _, p := range b.profiles {
		for _, r := range rows() {
			if !r.where.fits(p) || !b.rows.MatchString(r.name) {
				continue
			}
			if used != "" && used != r.data {
				if err := b.server.forget(used); err != nil {
					return err
				}
			}
			used = r.data
			results, err := b.row(ctx, p, r)
			b.results = append(b.results, results...)
			t.print(results)
			if err != nil {
				return err
			}
		}
	}
	if len(b.wrong) > 0 {
		return fmt.Errorf("failed or wrong:\n%s", strings.Join(b.wrong, "\n"))
	}
	return nil
}

// row does a row's work with all programs, trial by trial in turn: what disturbs
// the machine for a while then disturbs all of them.
func (b *bench) row(ctx context.Context, p profile, r row) ([]result, error) {
	cells := newCells(p, r, b.programs)
	for trial := range b.trials {
		for i := range cells {
			c := &cells[i]
			if trial > 0 && c.done() {
				continue
			}
			var steps []figures
			var err error
			if c.program.name == rawName {
				steps, err = b.rawTrial(ctx, p, r)
			} else {
				steps, err = b.trial(ctx, p, r, c.program)
			}
			if ctx.Err() != nil {
				return results(r, cells), ctx.Err()
			}
			c.add(steps)
			if err != nil {
				return results(r, cells), fmt.Errorf("%s, %s, %s: %w", p.Name, r.name, c.program.name, err)
			}
		}
	}
	return results(r, cells), nil
}

func (b *bench) rawTrial(ctx context.Context, p profile, r row) ([]figures, error) {
	if r.raw == nil {
		return nil, nil
	}
	rep, err := b.server.open(r.data, p)
	if err != nil {
		return nil, err
	}
	c := newRaw(ctx, rep)
	defer c.close()
	datasets[r.data].keys() // made before the clock runs
	cpu, start := ownCPU(), time.Now()
	if err := r.raw(c); err != nil {
		return nil, err
	}
	f := figures{Wall: time.Since(start), CPU: ownCPU() - cpu}
	f.Counts, err = b.server.counts(r.data, true)
	return []figures{f}, err
}

// trial mounts, does all steps of the row and unmounts. That a program has failed,
// or has given wrong bytes or names, is a figure; an error is what has nothing to
// do with the program.
func (b *bench) trial(ctx context.Context, p profile, r row, prog program) (all []figures, err error) {
	b.mounts++
	dir := filepath.Join(b.work, fmt.Sprintf("mount%d", b.mounts))
	scratch := filepath.Join(b.work, fmt.Sprintf("scratch%d", b.mounts))
	if err := errors.Join(os.Mkdir(dir, 0o755), os.Mkdir(scratch, 0o700), os.Mkdir(filepath.Join(scratch, "out"), 0o700)); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.Remove(dir), os.RemoveAll(scratch)) }()
	if !b.keepCaches {
		dropCaches()
		warmTools()
	}
	rep, err := b.server.open(r.data, p)
	if err != nil {
		return nil, err
	}
	start := time.Now()
	m, err := prog.mount(target{report: rep, dir: dir, scratch: scratch})
	mounted := time.Since(start)
	if err != nil {
		if prog.name == ours {
			b.wrong = append(b.wrong, fmt.Sprintf("%s, %s: %v", p.Name, prog.name, err))
		}
		return []figures{{Failed: lastLine(err.Error())}}, nil
	}
	defer func() { err = errors.Join(err, unmount(m)) }()

	// Not waited: what a program goes on to ask for in the background after its
	// mount has no more time than a user would give it.
	before, err := b.server.counts(r.data, false)
	if err != nil {
		return nil, err
	}
	cost := fmt.Sprintf("mounted in %.3f s by %d GET, %d HEAD, %d LIST", mounted.Seconds(), before.Get, before.Head, before.List)
	for i, step := range r.steps {
		if i > 0 {
			if before, err = b.server.counts(r.data, true); err != nil {
				return all, err
			}
		}
		s := &session{ctx: ctx, mount: m, cost: cost, dir: dir, out: filepath.Join(scratch, "out"), data: datasets[r.data], limit: b.limit}
		f, err := b.step(s, p, step, before)
		if f.Failed != "" && (s.wrong || prog.name == ours) {
			b.wrong = append(b.wrong, fmt.Sprintf("%s, %s, %s%s: %s", p.Name, prog.name, r.name, step.what, f.Failed))
		}
		all = append(all, f)
		if err != nil || f.Failed != "" {
			return all, err
		}
	}
	return all, nil
}

// step does a step at that distance. before are the requests until now.
func (b *bench) step(s *session, p profile, step step, before counts) (f figures, err error) {
	if err := b.server.move(s.data.name, p); err != nil {
		return f, err
	}
	pid := s.mount.Process.PID()
	used, err := cpuTime(pid)
	if err != nil {
		return figures{Failed: "the daemon has ended: " + lastLine(s.mount.Process.Stderr())}, nil
	}
	s.started = memoryNow(pid)
	s.atEnd = func() error { // when the clock has stopped and before anything is compared
		cpu, err := cpuTime(pid)
		if err != nil {
			return failed("the daemon has ended: %s", lastLine(s.mount.Process.Stderr()))
		}
		s.ended = memoryNow(pid)
		f.CPU, f.RSS, f.Peak = cpu-used, s.ended.now, s.ended.peak
		now, err := b.server.counts(s.data.name, true)
		if err != nil {
			return err
		}
		f.Counts = now.since(before)
		return b.server.move(s.data.name, near) // what is compared now need not take its time
	}
	if err := step.do(s); err != nil {
		switch {
		case s.ctx.Err() != nil:
			return f, s.ctx.Err()
		case errors.As(err, new(failure)):
			return figures{Failed: err.Error()}, nil
		}
		s.wrong = true
		return figures{Failed: "WRONG: " + err.Error()}, nil
	}
	f.Wall, f.Note = s.wall, s.note
	return f, nil
}

func memoryNow(pid int) memory {
	m, _ := memoryOf(pid)
	return m
}

// warmTools has the tools in memory: that they come from a disk would be
// measured, too.
func warmTools() {
	for _, tool := range []string{"bash", "cat", "cp", "dd", "du", "find", "grep", "ls", "md5sum", "rsync", "sort", "tar", "xargs"} {
		cmd := exec.Command(tool, "--version")
		cmd.Run()
	}
	if f, err := os.Open("/proc/self/exe"); err == nil {
		buf := make([]byte, 1<<20)
		for n := 1; n > 0; n, _ = f.Read(buf) {
		}
		f.Close()
	}
}

// detach takes a mount that hangs away, so that whoever waits in it gets an
// error.
func detach(m *rig.Mount) {
	rig.Detach(m.Dir)
	m.Abort()
}
