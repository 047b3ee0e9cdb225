//go:build linux

package integration

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"s3mount/integration/rig"
	"s3mount/s3/s3test"
)

// The rows F10, F15 and F17 of docs/reliability.md: many at once.

func init() {
	children["crowd"] = childCrowd
	children["reopen"] = childReopen
}

// childCrowd has 16 readers read the file at random places, all of its blocks.
func childCrowd(args []string) error {
	g, err := generatedOf(args)
	if err != nil {
		return err
	}
	errs := make(chan error, 16)
	for seed := range 16 { // each ends when it has read
		go func() { errs <- crowdRead(g, uint64(seed)) }()
	}
	for range 16 {
		if err := <-errs; err != nil {
			return err
		}
	}
	return nil
}

func crowdRead(g generated, seed uint64) error {
	f, err := os.Open(g.path)
	if err != nil {
		return err
	}
	defer f.Close()
	const piece = 50_000
	p := make([]byte, piece)
	for _, i := range rand.New(rand.NewPCG(2, seed)).Perm(int((g.size + piece - 1) / piece)) {
		n, _ := f.ReadAt(p, int64(i)*piece)
		if err := g.holds(p[:n], int64(i)*piece, piece); err != nil {
			return err
		}
	}
	return nil
}

// F10: 64 processes read one cold file from start to end, and 16 readers each of
// 64 files read here and there: right bytes, and the server is asked for each only
// once.
func TestF10Crowds(t *testing.T) {
	const size = 4 << 20
	objects := map[string]s3test.Object{"one": {Size: size}}
	for i := range 64 {
		objects[fmt.Sprint("of/", i)] = s3test.Object{Size: 300_000}
	}
	srv := s3test.New(t, s3test.Options{Objects: objects})
	srv.SetLatency(s3test.Latency{Get: 20 * time.Millisecond}) // so that they meet
	m := mountTest(t, srv)

	srv.ResetLog()
	got := lines(sh(t, m, m.Dir, `for i in $(seq 64); do sha256sum one & done; wait`))
	want := contentSum(srv, "one") + "  one"
	for _, line := range got {
		if line != want {
			t.Errorf("a reader got %s, want %s", line, want)
		}
	}
	if n := srv.Bytes(); len(got) != 64 || n > size*11/10 {
		t.Errorf("%d readers, and %d bytes sent for a file of %d", len(got), n, size)
	}

	srv.ResetLog()
	var wg sync.WaitGroup
	for i := range 64 {
		wg.Go(func() {
			r := try(t, m, "", childCommand("crowd", generatedArgs(m.Dir, srv, fmt.Sprint("of/", i))...))
			if r.Code != 0 {
				t.Errorf("readers of file %d: %s", i, r.Stderr)
			}
		})
		if i%8 == 7 { // eight processes at a time
			wg.Wait()
		}
	}
	wg.Wait()
	if n := srv.Bytes(); n > 64*300_000*11/10 {
		t.Errorf("%d bytes sent for 64 files of 300000", n)
	}
	wantSettled(t, m)
}

// childReopen opens, reads and closes each of the files args[2:] so many times
// together as args[1] says, in four threads.
func childReopen(args []string) error {
	times, err := strconv.Atoi(args[0])
	if err != nil {
		return err
	}
	files := args[1:]
	errs := make(chan error, 4)
	for worker := range 4 { // each ends with its share
		go func() {
			p := make([]byte, 10)
			for i := range times / 4 {
				fd, err := unix.Open(files[(i+worker)%len(files)], unix.O_RDONLY, 0)
				if err == nil {
					_, err = unix.Pread(fd, p, 0)
					unix.Close(fd)
				}
				if err != nil {
					errs <- err
					return
				}
			}
			errs <- nil
		}()
	}
	for range 4 {
		if err := <-errs; err != nil {
			return err
		}
	}
	return nil
}

// F10: opening, reading and closing 100,000 times leaves nothing behind.
func TestF10OpenReadClose(t *testing.T) {
	needRoot(t) // to see what the daemon has open
	srv := s3test.New(t, s3test.Options{Text: map[string]string{"a": "bytes of a", "b": "bytes of b", "d/c": "bytes of c"}})
	m := mountTest(t, srv)
	args := []string{"1000", filepath.Join(m.Dir, "a"), filepath.Join(m.Dir, "b"), filepath.Join(m.Dir, "d/c")}
	inChild(t, m, "reopen", args...)
	files, _ := openFiles(t, m)
	before := threadsAndMemory(t, m)
	srv.ResetLog()
	args[0] = "100000"
	inChild(t, m, "reopen", args...)
	wantSettled(t, m)
	if got := srv.Requests(); len(got) > 0 {
		t.Errorf("asked %q, want nothing", got)
	}
	if now, _ := openFiles(t, m); len(now) > len(files) {
		t.Errorf("%d files open, were %d", len(now), len(files))
	}
	if after := threadsAndMemory(t, m); after > before+32<<20 {
		t.Errorf("%d MiB in memory, were %d", after>>20, before>>20)
	}
}

// threadsAndMemory is what the daemon has in memory now, in bytes.
func threadsAndMemory(t testing.TB, m *rig.Mount) int64 {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", m.Process.PID()))
	if err != nil {
		t.Fatal(err)
	}
	pages, err := strconv.ParseInt(strings.Fields(string(text))[1], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return pages * int64(os.Getpagesize())
}

// F17: the kernel forgets all names of the mount again and again while they are
// looked up, in ten thousand files. Nobody sees an error, and the daemon
// does not grow.
func TestF17ForgetStorm(t *testing.T) {
	needRoot(t)
	const names = 10_000
	srv := s3test.New(t, s3test.Options{})
	srv.PutRange(names, func(i int) string { return fmt.Sprintf("d/%d/%d", i%20, i) }, s3test.Object{Size: 3})
	m := mountTest(t, srv)
	round := `for i in 1 2 3; do find d -type f -size -4c -printf x & done; wait`
	forget := func() { // a remount drops all that the kernel need not remember of it
		if err := unix.Mount("", m.Dir, "", unix.MS_REMOUNT|unix.MS_RDONLY|unix.MS_NOSUID|unix.MS_NODEV, ""); err != nil {
			t.Errorf("remount: %v", err)
		}
	}
	once := func() {
		t.Helper()
		if got := sh(t, m, m.Dir, round); got != strings.Repeat("x", 3*names) {
			t.Errorf("three times find found %d names, want %d", len(got), 3*names)
		}
	}
	once()
	forget()
	first := peakMemory(t, m)
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() { // ends below
		defer close(stopped)
		for tick := time.NewTicker(20 * time.Millisecond); ; {
			select {
			case <-tick.C:
				forget()
			case <-stop:
				return
			}
		}
	}()
	for range 3 {
		once()
	}
	close(stop)
	<-stopped
	wantSettled(t, m)
	wantFailures(t, m, 0, 0)
	if now := peakMemory(t, m); now > first+64<<20 {
		t.Errorf("the daemon's peak went from %d to %d MiB", first>>20, now>>20)
	}
}

// F15: the kernel's way to end a connection that hangs. Whoever waits gets an
// error at once, and the daemon goes when its requests have ended, with the deadline
// at the latest.
func TestF15Abort(t *testing.T) {
	needRoot(t)
	srv := s3test.New(t, s3test.Options{Objects: map[string]s3test.Object{"f": {Size: 64 << 20}, "g": {Size: 1 << 20}, "d/x": {Size: 1}}})
	m := mountTest(t, srv, append(quick, "--metadata-ttl", "0", "--idle-timeout", "1m", "--deadline", "4s")...)
	dir := connection(t, m)
	if dir == "" {
		t.Skip("the kernel's list of FUSE connections is not here")
	}
	sh(t, m, m.Dir, `head -c 1000 g >/dev/null`)
	srv.AddRule(s3test.Rule{Action: s3test.Stall(s3test.BeforeHeaders)})
	srv.ResetLog()
	waiting := map[string]*rig.Process{}
	for _, script := range []string{`cat f`, `dd if=f of=/dev/null bs=1M skip=40 iflag=direct`, `ls .`, `stat none`} {
		p, err := rig.Start(shell("cd " + m.Dir + "; exec " + script))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { p.Stop(0) })
		waiting[script] = p
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := srv.WaitRequests(ctx, 4); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "abort"), []byte("1"), 0); err != nil {
		t.Fatal(err)
	}
	for script, p := range waiting {
		if !p.Wait(3*time.Second) || p.ExitCode() == 0 {
			t.Errorf("%q still waits, or ended well: %s%s", script, p.Stdout(), p.Stderr())
		}
	}
	if !m.Process.Wait(patience) {
		t.Errorf("the daemon still runs\n%s", m.Process.Stderr())
	}
	if err := srv.WaitIdle(ctx); err != nil {
		t.Error(err)
	}
	if err := rig.Detach(m.Dir); err != nil {
		t.Error(err)
	}
}
