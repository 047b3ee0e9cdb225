//go:build linux

package integration

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"s3mount/integration/rig"
)

// What is looked at after a fault, whatever it was. docs/reliability.md has the
// list.

// quick are flags under which whatever fails for ever has failed within a second
// or two.
var quick = []string{"--max-attempts", "3", "--retry-min-wait", "5ms", "--retry-max-wait", "20ms", "--idle-timeout", "200ms", "--deadline", "2s"}

// patience is how long a call may take with these flags: two time-outs, and what a
// busy machine adds.
const patience = 10 * time.Second

// mountFuseControl gives the kernel's file system of FUSE connections. Where it is
// not mounted, root can do so.
var mountFuseControl = sync.OnceValue(func() string {
	const usual = "/sys/fs/fuse/connections"
	if rig.Mounted(usual) {
		return usual
	}
	dir := filepath.Join(workDir, "fusectl")
	if os.Mkdir(dir, 0o755) != nil || exec.Command("mount", "-t", "fusectl", "none", dir).Run() != nil {
		return ""
	}
	later(func() error { return rig.Unmount(dir) })
	return dir
})

// connection is the kernel's directory for the connection of a mount, "" where
// that cannot be seen.
func connection(t testing.TB, m *rig.Mount) string {
	t.Helper()
	control := mountFuseControl()
	table, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(table)) {
		f := strings.Fields(line)
		if _, minor, ok := strings.Cut(f[2], ":"); ok && f[4] == m.Dir && control != "" {
			return filepath.Join(control, minor)
		}
	}
	return ""
}

// wantSettled: within two seconds no call waits in the kernel for an answer.
func wantSettled(t testing.TB, m *rig.Mount) {
	t.Helper()
	dir := connection(t, m)
	if dir == "" {
		t.Log("the kernel's list of FUSE connections is not here, so nobody looks how many calls wait")
		return
	}
	var text []byte
	if !rig.Eventually(2*time.Second, func() bool {
		text, _ = os.ReadFile(filepath.Join(dir, "waiting"))
		return string(text) == "0\n"
	}) {
		t.Errorf("calls that wait for an answer: %s", text)
	}
}

// failures are the lines of the daemon's log that say that a call failed.
func failures(m *rig.Mount) (failed []string) {
	for line := range strings.Lines(m.Process.Stderr()) {
		if strings.Contains(line, "level=ERROR") {
			failed = append(failed, line)
		}
	}
	return failed
}

// wantFailures: the log has one line for each of n calls that failed since there
// were before of them.
func wantFailures(t testing.TB, m *rig.Mount, before, n int) {
	t.Helper()
	var got []string
	rig.Eventually(2*time.Second, func() bool { // the log is written beside the answer
		got = failures(m)[before:]
		return len(got) >= n
	})
	if len(got) != n {
		t.Errorf("%d lines of the log say that a call failed, want %d:\n%s", len(got), n, strings.Join(got, ""))
	}
}

// within fails the test unless f returns in time.
func within(t testing.TB, d time.Duration, f func()) {
	t.Helper()
	began := time.Now()
	f()
	if took := time.Since(began); took > d {
		t.Errorf("it took %v, want at most %v", took.Round(time.Millisecond), d)
	}
}

// peakMemory is the most that the daemon has had in memory at once, in bytes.
func peakMemory(t testing.TB, m *rig.Mount) int64 {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", m.Process.PID()))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "VmHWM:")
	kb, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return kb << 10
}
