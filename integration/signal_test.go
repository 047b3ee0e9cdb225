//go:build linux

package integration

import (
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"s3mount/integration/rig"
	"s3mount/s3/s3test"
)

var endings = []struct {
	name string
	sig  syscall.Signal
}{{"SIGTERM", syscall.SIGTERM}, {"SIGINT", syscall.SIGINT}, {"SIGHUP of a terminal that goes", syscall.SIGHUP}}

// A signal to an idle mount unmounts and ends the daemon with exit code 0.
func TestSignalUnmounts(t *testing.T) {
	for _, tt := range endings {
		t.Run(tt.name, func(t *testing.T) {
			m := mountTest(t, s3test.New(t, s3test.Options{Text: map[string]string{"f": "content"}}))
			sh(t, m, m.Dir, `cat f`)
			m.Process.Signal(tt.sig)
			wantEnd(t, m, 0)
		})
	}
}

func wantEnd(t *testing.T, m *rig.Mount, code int) {
	t.Helper()
	if !m.Process.Wait(10 * time.Second) {
		t.Fatalf("the daemon still runs\n%s", m.Process.Stderr())
	}
	if got := m.Process.ExitCode(); got != code {
		t.Errorf("exit code %d, want %d\n%s", got, code, m.Process.Stderr())
	}
	if rig.Mounted(m.Dir) {
		t.Error("still mounted")
	}
}

// A signal to a mount that is in use takes the mount away at once, so that nobody
// enters it again, and lets those inside finish.
func TestSignalWhileBusy(t *testing.T) {
	for _, tt := range endings {
		t.Run(tt.name, func(t *testing.T) {
			srv := s3test.New(t, s3test.Options{Objects: map[string]s3test.Object{"f": {Size: 40 << 20}}})
			m := mountTest(t, srv)
			child := converse(t, "hold", filepath.Join(m.Dir, "f"))
			if got := child.hear(); got != "holding" {
				t.Fatal(got)
			}
			m.Process.Signal(tt.sig)
			if !rig.Eventually(10*time.Second, func() bool { return !rig.Mounted(m.Dir) }) {
				t.Fatalf("still mounted\n%s", m.Process.Stderr())
			}
			child.say()
			if got, want := child.hear(), contentSum(srv, "f"); got != want {
				t.Errorf("the reader inside got %s, want all bytes (%s)", got, want)
			}
			child.w.Close()
			wantEnd(t, m, 0)
		})
	}
}

// A second signal does not wait for those inside.
func TestSecondSignalLeavesAtOnce(t *testing.T) {
	for _, tt := range endings {
		t.Run(tt.name, func(t *testing.T) {
			m := mountTest(t, s3test.New(t, s3test.Options{Objects: map[string]s3test.Object{"f": {Size: 40 << 20}}}))
			child := converse(t, "hold", filepath.Join(m.Dir, "f"))
			if got := child.hear(); got != "holding" {
				t.Fatal(got)
			}
			m.Process.Signal(tt.sig)
			if !rig.Eventually(10*time.Second, func() bool { return !rig.Mounted(m.Dir) }) {
				t.Fatalf("still mounted\n%s", m.Process.Stderr())
			}
			if m.Process.Wait(300 * time.Millisecond) {
				t.Fatal("the daemon left the reader inside alone at the first signal")
			}
			m.Process.Signal(tt.sig)
			if !m.Process.Wait(3 * time.Second) {
				t.Fatalf("the daemon still runs after the second signal\n%s", m.Process.Stderr())
			}
			if code := m.Process.ExitCode(); code == 0 {
				t.Error("exit code 0 although a reader was cut off")
			}
			child.say()
			if got := child.hear(); !strings.HasPrefix(got, "E") {
				t.Errorf("the reader inside got %q, want an errno", got)
			}
		})
	}
}

// The same for a server that no longer answers: a signal ends the daemon although
// a reader waits for bytes that never come.
func TestSignalWhileTheServerHangs(t *testing.T) {
	never := make(chan struct{})
	srv := s3test.New(t, s3test.Options{Objects: map[string]s3test.Object{"f": {Size: 40 << 20}}})
	m := mountTest(t, srv)
	srv.AddRule(s3test.Rule{Op: s3test.Get, Action: s3test.Hold(1000, never)})
	srv.ResetLog()
	p, err := rig.Start(shell("cat " + filepath.Join(m.Dir, "f")))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Stop(0) })
	if err := srv.WaitRequests(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	m.Process.Signal(syscall.SIGTERM)
	if !rig.Eventually(10*time.Second, func() bool { return !rig.Mounted(m.Dir) }) {
		t.Fatalf("still mounted\n%s", m.Process.Stderr())
	}
	m.Process.Signal(syscall.SIGTERM)
	if !m.Process.Wait(3 * time.Second) {
		t.Fatalf("the daemon still runs after the second signal\n%s", m.Process.Stderr())
	}
	if !p.Wait(3 * time.Second) {
		t.Error("the reader still waits although the daemon is gone")
	}
}
