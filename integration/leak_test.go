//go:build linux

package integration

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"s3mount/integration/rig"
	"s3mount/s3/s3test"
)

// load is a little of everything that a mount does.
const load = `
	find . -type f | wc -l >/dev/null
	for i in 1 2 3 4; do find d many -type f -exec cat {} + >/dev/null & done
	dd if=big of=/dev/null bs=1M count=20 status=none
	dd if=big of=/dev/null bs=4k count=3 skip=5000 status=none
	cat absent no/such 2>/dev/null || true
	ls -lR >/dev/null
	wait`

func leakServer(t *testing.T) *s3test.Server {
	srv := s3test.New(t, s3test.Options{
		Text:    map[string]string{"d/a": "a", "d/b": "b", "d/e/f": "f"},
		Objects: map[string]s3test.Object{"big": {Size: 64 << 20}},
	})
	srv.PutRange(100, func(i int) string { return fmt.Sprintf("many/%d", i) }, s3test.Object{Size: 5000})
	return srv
}

// The daemon has as many files open after the fourth round of load as after the
// first, and no more connections than requests were ever under way.
func TestFilesStayFlat(t *testing.T) {
	needRoot(t) // the daemon, which holds secrets, is closed to its own user
	m := mountTest(t, leakServer(t), "--metadata-ttl", "0")
	sh(t, m, m.Dir, load)
	first, _ := openFiles(t, m)
	for range 3 {
		sh(t, m, m.Dir, load)
	}
	var last []string
	var sockets int
	if !rig.Eventually(5*time.Second, func() bool {
		last, sockets = openFiles(t, m)
		return len(last) <= len(first)
	}) {
		t.Errorf("%d files open after four rounds, %d after one:\n%s", len(last), len(first), strings.Join(last, "\n"))
	}
	if sockets > 64 {
		t.Errorf("%d sockets open", sockets)
	}
}

// openFiles says which files the daemon has open, and how many sockets.
func openFiles(t *testing.T, m *rig.Mount) (files []string, sockets int) {
	t.Helper()
	fds, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", m.Process.PID()))
	if err != nil || len(fds) == 0 {
		t.Fatalf("the daemon's open files: %v", err)
	}
	for _, fd := range fds {
		target, err := os.Readlink(fd)
		switch {
		case err != nil: // closed since
		case strings.HasPrefix(target, "socket:"):
			sockets++
		default:
			files = append(files, fd+" "+target)
		}
	}
	return files, sockets
}

// The daemon runs as many goroutines after load as a daemon that had none, those
// that belong to open connections and to threads in the kernel aside.
func TestGoroutinesStayFlat(t *testing.T) {
	idle := mountTest(t, leakServer(t))
	sh(t, idle, idle.Dir, `ls >/dev/null`)
	busy := mountTest(t, leakServer(t), "--metadata-ttl", "0")
	for range 3 {
		sh(t, busy, busy.Dir, load)
	}
	before, after := goroutines(t, idle), goroutines(t, busy)
	for created, n := range after {
		if n > before[created]+1 {
			t.Errorf("%d goroutines created by %s, %d in an idle daemon", n, created, before[created])
		}
	}
}

// goroutines ends the daemon by SIGQUIT, on which Go prints all its goroutines,
// and counts them by what created them.
func goroutines(t *testing.T, m *rig.Mount) map[string]int {
	t.Helper()
	m.Process.Signal(syscall.SIGQUIT)
	if !m.Process.Wait(10 * time.Second) {
		t.Fatal("SIGQUIT does not end the daemon")
	}
	if err := rig.Detach(m.Dir); err != nil {
		t.Error(err)
	}
	created := regexp.MustCompile(`(?m)^created by (\S+)`)
	count := make(map[string]int)
	for _, match := range created.FindAllStringSubmatch(m.Process.Stderr(), -1) {
		switch {
		case strings.HasPrefix(match[1], "net/http.(*Transport)"): // a kept connection
		case strings.HasPrefix(match[1], "github.com/hanwen/go-fuse"): // waits for the kernel's next request
		case strings.HasPrefix(match[1], "runtime."): // collects garbage
		default:
			count[match[1]]++
		}
	}
	if len(created.FindAllString(m.Process.Stderr(), 1)) == 0 {
		t.Fatalf("SIGQUIT printed no goroutines:\n%s", excerpt(m.Process.Stderr()))
	}
	return count
}
