//go:build linux

package integration

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"s3mount/integration/rig"
	"s3mount/s3/s3test"
)

func init() {
	children["check"] = childCheck
	children["checkAt"] = childCheckAt
}

// childCheck compares its standard input, to its end, with the content that the
// test server makes for key args[0] and ETag args[1].
func childCheck(args []string) error {
	buf, off := make([]byte, 1<<20), int64(0)
	for {
		n, err := io.ReadFull(os.Stdin, buf)
		if err := s3test.CheckContent(args[0], args[1], buf[:n], off); err != nil {
			return err
		}
		off += int64(n)
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			fmt.Println(off)
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// childCheckAt reads the file args[0] at random places and compares likewise with
// key args[1], ETag args[2].
func childCheckAt(args []string) error {
	f, err := os.Open(args[0])
	if err != nil {
		return err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return err
	}
	r := rand.New(rand.NewPCG(1, 2))
	buf := make([]byte, 300<<10)
	for range 100 {
		off := r.Int64N(st.Size())
		n, err := f.ReadAt(buf[:1+r.IntN(len(buf)-1)], off)
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		if err := s3test.CheckContent(args[1], args[2], buf[:n], off); err != nil {
			return err
		}
	}
	return nil
}

// One GiB through dd: every byte right, and the daemon's memory within its budget
// of 256 MiB and what a program needs besides.
func TestGibibyteThroughDD(t *testing.T) {
	const size, most = 1 << 30, 350 << 20
	srv := s3test.New(t, s3test.Options{Objects: map[string]s3test.Object{"big": {Size: size}, "other": {Size: size}}})
	m := mountTest(t, srv)
	o, _ := srv.Object("big")
	check := childCommand("check", "big", o.ETag)
	pipe := shell(`dd if=big bs=1M status=none | "$@"`)
	pipe.Args = append(append(pipe.Args, "dd"), check.Args...)
	pipe.Env = append(check.Env, "LC_ALL=C")
	r := try(t, m, m.Dir, pipe)
	if want := strconv.Itoa(size) + "\n"; r.Code != 0 || r.Stdout != want {
		t.Fatalf("exit code %d, %s bytes, want %s%s", r.Code, r.Stdout, want, r.Stderr)
	}
	other, _ := srv.Object("other")
	inChild(t, m, "checkAt", filepath.Join(m.Dir, "other"), "other", other.ETag)
	if rss := peak(t, m); rss > most {
		t.Errorf("the daemon's memory reached %d MiB, want at most %d", rss>>20, most>>20)
	} else {
		t.Logf("the daemon's memory reached %d MiB", rss>>20)
	}
}

// peak is the most memory that the daemon has had resident, in bytes.
func peak(t *testing.T, m *rig.Mount) (bytes int64) {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", m.Process.PID()))
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(status), "VmHWM:")
	if _, err := fmt.Sscan(after, &bytes); err != nil {
		t.Fatalf("no VmHWM: %v", err)
	}
	return bytes << 10
}
