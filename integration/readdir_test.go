//go:build linux

package integration

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"s3mount/s3/s3test"
)

func init() {
	children["slowly"] = childSlowly
	children["onefd"] = childOneFD
	children["interrupted"] = childInterrupted
}

// childSlowly reads the directory args[0] with room for an entry or two, waits
// after args[1] names until the test says go on, and prints all names.
func childSlowly(args []string) error {
	s, err := openStream(args[0], 64)
	if err != nil {
		return err
	}
	pause, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	for n := 0; ; n++ {
		if n == pause {
			fmt.Println("so far")
			if err := listen(); err != nil {
				return err
			}
		}
		name, err := s.read()
		if err != nil {
			return fmt.Errorf("after %d names: %w", n, err)
		}
		fmt.Println("name " + name)
		if name == "" {
			return nil
		}
	}
}

// L11: while a directory is read, names come and go before the place of the reader
// and behind it. What was there all the time is there once; nothing is there twice.
func TestL11ChangesWhileListing(t *testing.T) {
	for _, flags := range [][]string{nil, {"--metadata-ttl", "0"}} {
		srv := s3test.New(t, s3test.Options{PageSize: 100})
		srv.PutRange(2000, func(i int) string { return fmt.Sprintf("d/%04d", 2*i) }, s3test.Object{Size: 1})
		m := mountTest(t, srv, flags...)
		// The kernel has asked for more than the reader has seen, and the daemon for
		// more than the kernel: the changes are made while a page is held.
		release := make(chan struct{})
		srv.AddRule(s3test.Rule{Op: s3test.List, Skip: 5, Times: 1, Action: s3test.Hold(s3test.BeforeHeaders, release)})
		child := converse(t, "slowly", filepath.Join(m.Dir, "d"), "150")
		var got []string
		hear := func(until string) {
			for {
				line := child.hear()
				if line == until {
					return
				}
				got = append(got, strings.TrimPrefix(line, "name "))
			}
		}
		hear("so far")
		gone := map[string]bool{}
		for i := range 400 { // every fifth goes, and as many come
			name := fmt.Sprintf("%04d", 10*i)
			gone[name] = true
			srv.Delete("d/" + name)
			srv.Put(fmt.Sprintf("d/%04d", 10*i+1), s3test.Object{Size: 1})
		}
		close(release)
		child.say()
		hear("name ")
		seen := map[string]int{}
		for _, name := range got {
			if seen[name]++; seen[name] > 1 {
				t.Errorf("with %q: %s comes %d times", flags, name, seen[name])
			}
		}
		for i := range 2000 {
			if name := fmt.Sprintf("%04d", 2*i); seen[name] != 1 && !gone[name] {
				t.Errorf("with %q: %s was there all the time, and comes %d times", flags, name, seen[name])
			}
		}
		wantSettled(t, m)
	}
}

// childOneFD has several threads read the directory args[0] through one
// descriptor, and prints what they got together.
func childOneFD(args []string) error {
	fd, err := unix.Open(args[0], unix.O_RDONLY|unix.O_DIRECTORY, 0)
	if err != nil {
		return err
	}
	var wg sync.WaitGroup
	var mu sync.Mutex // guards names
	var names []string
	for range 2 {
		wg.Go(func() {
			s := dirStream{fd: fd, buf: make([]byte, 300)}
			for {
				name, err := s.read()
				if err != nil {
					name = err.Error()
				}
				if name == "" {
					return
				}
				mu.Lock()
				names = append(names, name)
				mu.Unlock()
				if err != nil {
					return
				}
			}
		})
	}
	wg.Wait()
	slices.Sort(names)
	for _, name := range names {
		fmt.Println(name)
	}
	return nil
}

// L12: two readers of one open directory share its place: each name goes to one of
// them.
func TestL12TwoReadersOfOneDescriptor(t *testing.T) {
	srv := s3test.New(t, s3test.Options{PageSize: 100})
	want := []string{".", ".."}
	for i := range 1500 {
		want = append(want, fmt.Sprintf("%04d", i))
		srv.Put(fmt.Sprintf("d/%04d", i), s3test.Object{Size: 1})
	}
	for _, flags := range [][]string{nil, {"--metadata-ttl", "0"}} {
		m := mountTest(t, srv, flags...)
		if got := lines(inChild(t, m, "onefd", filepath.Join(m.Dir, "d"))); !slices.Equal(got, want) {
			t.Errorf("with %q: %d names, want each of %d once", flags, len(got), len(want))
		}
	}
}

// childInterrupted reads the directory args[0] under a hail of signals that it
// handles, goes on after each EINTR, and prints how often that was and the names.
func childInterrupted(args []string) error {
	caught := make(chan os.Signal, 1)
	signal.Notify(caught, syscall.SIGUSR1) // with SA_RESTART, as Go does it
	s, err := openStream(args[0], 4096)
	if err != nil {
		return err
	}
	runtime.LockOSThread() // the signals are for the thread that waits
	thread := unix.Gettid()
	stop := make(chan struct{})
	go func() { // ends with the process
		for tick := time.NewTicker(2 * time.Millisecond); ; {
			select {
			case <-tick.C:
				unix.Tgkill(os.Getpid(), thread, syscall.SIGUSR1)
			case <-stop:
				return
			}
		}
	}()
	interrupted := 0
	var names []string
	for {
		name, err := s.read()
		switch {
		case errors.Is(err, unix.EINTR):
			interrupted++
			continue
		case err != nil:
			return fmt.Errorf("after %d names: %w", len(names), err)
		}
		if name == "" {
			break
		}
		names = append(names, name)
	}
	close(stop)
	fmt.Printf("%d\n%s\n", interrupted, strings.Join(names, "\n"))
	return nil
}

// L12: signals end a wait and lose no name, and give none twice.
func TestL12InterruptedReaddir(t *testing.T) {
	srv := s3test.New(t, s3test.Options{PageSize: 100})
	want := []string{".", ".."}
	for i := range 700 {
		want = append(want, fmt.Sprintf("%04d", i))
		srv.Put(fmt.Sprintf("d/%04d", i), s3test.Object{Size: 1})
	}
	for _, flags := range [][]string{nil, {"--metadata-ttl", "0"}} {
		m := mountTest(t, srv, flags...)
		srv.SetLatency(s3test.Latency{List: 30 * time.Millisecond}) // so that there are waits
		got := lines(inChild(t, m, "interrupted", filepath.Join(m.Dir, "d")))
		srv.SetLatency(s3test.Latency{})
		if !slices.Equal(got[1:], want) {
			t.Errorf("with %q: %d names, want %d", flags, len(got)-1, len(want))
		}
		t.Logf("with %q: EINTR %s times", flags, got[0])
		wantSettled(t, m)
	}
}
