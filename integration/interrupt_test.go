//go:build linux

package integration

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"s3mount/integration/rig"
	"s3mount/s3/s3test"
)

// The row F11 of docs/reliability.md: signals to whoever waits for an answer.

func init() {
	children["signalled"] = childSignalled
	children["traced"] = childTraced
}

// childSignalled handles the signal args[1], waits for the directory or file
// args[0], is sent the signal meanwhile, and prints what came of the call.
func childSignalled(args []string) error {
	var sig syscall.Signal
	fmt.Sscan(args[1], &sig)
	signal.Notify(make(chan os.Signal, 1), sig)
	runtime.LockOSThread()
	thread := unix.Gettid()
	fd, err := unix.Open(args[0], unix.O_RDONLY|unix.O_DIRECT, 0) // past the page cache, where only death interrupts
	if err != nil {
		if fd, err = unix.Open(args[0], unix.O_RDONLY|unix.O_DIRECTORY, 0); err != nil {
			return err
		}
	}
	go func() { // ends with the process
		for range time.Tick(50 * time.Millisecond) {
			unix.Tgkill(os.Getpid(), thread, sig)
		}
	}()
	fmt.Println("waiting")
	buf := make([]byte, 64<<10)
	n, err := unix.Pread(fd, buf, 1<<20)
	if errors.Is(err, unix.EISDIR) {
		for n, err = 1, nil; n > 0 && err == nil; { // some of it is there
			n, err = unix.Getdents(fd, buf)
		}
		n++
	}
	fmt.Println(result(n > 0, err))
	return nil
}

// held is a server that answers nothing until it is told to, but for what an open
// needs; and a mount of it.
func held(t *testing.T) (m *rig.Mount, srv *s3test.Server, release func()) {
	srv = s3test.New(t, s3test.Options{PageSize: 100, Objects: map[string]s3test.Object{"f": {Size: 40 << 20}}})
	srv.PutRange(700, func(i int) string { return fmt.Sprintf("d/%04d", i) }, s3test.Object{Size: 1})
	m = mountTest(t, srv, "--read-ahead", "0")
	sh(t, m, m.Dir, `stat f d >/dev/null; head -c 1 f >/dev/null`)
	if err := srv.WaitIdle(t.Context()); err != nil {
		t.Fatal(err)
	}
	ch := make(chan struct{})
	srv.AddRule(s3test.Rule{Action: s3test.Hold(s3test.BeforeHeaders, ch)})
	srv.ResetLog()
	var once bool
	return m, srv, func() {
		if !once {
			once = true
			srv.ClearRules()
			close(ch)
		}
	}
}

// wantAsked waits for a request, which somebody waits for.
func wantAsked(t *testing.T, srv *s3test.Server) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := srv.WaitRequests(ctx, 1); err != nil {
		t.Fatal(err)
	}
}

// EINTR is for who handles a signal that is meant to interrupt. Others never see it.
func TestF11HandledSignals(t *testing.T) {
	for _, name := range []string{"f", "d"} {
		for sig, want := range map[syscall.Signal]string{
			syscall.SIGINT: "EINTR", syscall.SIGALRM: "EINTR", syscall.SIGUSR1: "EINTR",
			syscall.SIGCHLD: "true", syscall.SIGURG: "true", syscall.SIGWINCH: "true",
		} {
			t.Run(name+" "+unix.SignalName(sig), func(t *testing.T) {
				t.Parallel()
				m, srv, release := held(t)
				child := converse(t, "signalled", filepath.Join(m.Dir, name), fmt.Sprint(int(sig)))
				child.hear()
				wantAsked(t, srv)
				if want != "EINTR" {
					time.AfterFunc(1500*time.Millisecond, release) // many signals later
				}
				within(t, patience, func() { same(t, "the call", child.hear(), want) })
				release()
				wantSettled(t, m)
			})
		}
	}
}

// childTraced attaches to the process args[0] as a debugger does, and leaves it
// again when it stops.
func childTraced(args []string) error {
	var pid int
	fmt.Sscan(args[0], &pid)
	runtime.LockOSThread()
	if err := unix.PtraceAttach(pid); err != nil {
		return err
	}
	fmt.Println("attached")
	var status unix.WaitStatus
	if _, err := unix.Wait4(pid, &status, unix.WALL, nil); err != nil {
		return err
	}
	fmt.Println("stopped")
	return unix.PtraceDetach(pid)
}

// Commands that wait are stopped and continued, traced, interrupted, killed. Those
// that live say what they would have said; the others are gone at once, and with
// them their requests.
func TestF11StoppedTracedKilled(t *testing.T) {
	commands := map[string]string{
		"ls":                 `exec ls -U d`,
		"a shell's *":        `cd d; (cd /; exec sleep 0.2) & echo * | tr ' ' '\n'; wait`,
		"cat":                `exec tail -c 1000000 f`,
		"dd past the cache":  `exec dd if=f iflag=direct bs=1M skip=30 status=none`,
		"stat of a new name": `exec stat -c %F none || true`,
	}
	acts := map[string]struct {
		do   func(t *testing.T, p *rig.Process)
		ends bool
	}{
		"SIGSTOP and SIGCONT": {func(t *testing.T, p *rig.Process) {
			p.Signal(syscall.SIGSTOP)
			time.Sleep(50 * time.Millisecond)
			p.Signal(syscall.SIGCONT)
		}, false},
		"ptrace": {func(t *testing.T, p *rig.Process) {
			child := converse(t, "traced", fmt.Sprint(p.PID()))
			if got := child.hear(); got != "attached" {
				t.Skip("nothing can be traced here: " + got)
			}
		}, false},
		"SIGWINCH": {func(t *testing.T, p *rig.Process) { p.Signal(syscall.SIGWINCH) }, false},
		"SIGINT":   {func(t *testing.T, p *rig.Process) { p.Signal(syscall.SIGINT) }, true},
		"SIGKILL":  {func(t *testing.T, p *rig.Process) { p.Signal(syscall.SIGKILL) }, true},
	}
	for what, act := range acts {
		t.Run(what, func(t *testing.T) {
			for name, script := range commands {
				if act.ends && (!strings.HasPrefix(script, "exec ") || strings.HasPrefix(name, "stat")) {
					continue // a look-up ends with its answer, or its deadline
				}
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					m, srv, release := held(t)
					defer release()
					p, err := rig.Start(shell("cd " + m.Dir + "; " + script))
					if err != nil {
						t.Fatal(err)
					}
					t.Cleanup(func() { p.Stop(0) })
					wantAsked(t, srv)
					act.do(t, p)
					if act.ends {
						if !p.Wait(3 * time.Second) {
							t.Fatal("it is still there")
						}
						// What the kernel reads ahead is nobody's, and a page of a listing is
						// read to its end.
						if strings.HasPrefix(name, "dd") && !rig.Eventually(patience, func() bool { return srv.Active() == 0 }) {
							t.Errorf("its requests are under way still: %q", srv.Requests())
						}
						release()
						wantSettled(t, m)
						return
					}
					time.AfterFunc(300*time.Millisecond, release)
					if !p.Wait(patience) {
						t.Fatal("it does not end")
					}
					got := rig.Result{Stdout: p.Stdout(), Stderr: p.Stderr(), Code: p.ExitCode()}
					want := try(t, m, m.Dir, shell(script))
					if got != want {
						t.Errorf("it said %d %s %s, and undisturbed %d %s %s", got.Code, excerpt(got.Stdout), got.Stderr, want.Code, excerpt(want.Stdout), want.Stderr)
					}
					wantSettled(t, m)
				})
			}
		})
	}
}

// A command that is interrupted again and again leaves nothing behind that the next
// one stumbles over.
func TestF11InterruptedGitStatus(t *testing.T) {
	needTool(t, "git")
	c := corpus(t)
	m := mountTest(t, c.srv, "--metadata-ttl", "0")
	r := c.run(t, m, m.Dir, `for i in $(seq 1 15); do timeout -s INT 0.0$i git -C repo -c core.fileMode=false status >/dev/null 2>&1 || true; done
		git -C repo -c core.fileMode=false status --porcelain; git -C repo log --format=%s -n 1`)
	same(t, "git", r.Stdout+r.Stderr, "a merge\n")
	wantSettled(t, m)
	wantFailures(t, m, 0, 0)
}
