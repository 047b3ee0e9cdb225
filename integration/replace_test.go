//go:build linux

package integration

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"s3mount/integration/rig"
)

func init() { children["hold"] = childHold }

// childHold opens args[0], reads a little, says so, waits, reads the rest (past
// the page cache) and prints the hash of all or the errno.
func childHold(args []string) error {
	f, err := os.Open(args[0])
	if err != nil {
		return err
	}
	head := make([]byte, 1000)
	if _, err := io.ReadFull(f, head); err != nil {
		return err
	}
	fmt.Println("holding")
	if err := listen(); err != nil {
		return err
	}
	if err := unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED); err != nil {
		return err
	}
	sum := sha256.New()
	sum.Write(head)
	if _, err := io.Copy(sum, f); err != nil {
		var errno syscall.Errno
		errors.As(err, &errno)
		fmt.Println(unix.ErrnoName(errno))
		return nil
	}
	fmt.Printf("%x\n", sum.Sum(nil))
	return nil
}

// An object that is replaced, or deleted, while a file of it is open: the reader
// gets the old bytes or ESTALE, never a mix; and once the listing may be no older
// the path shows what is there now.
func TestReplacedUnderAnOpenReader(t *testing.T) {
	const size = 40 << 20                               // more than is read ahead of the first bytes
	before, after := random(50, size), random(51, size) // of one length: only the ETag tells them apart
	old := fmt.Sprintf("%x", sha256.Sum256(before))
	for _, tt := range []struct {
		name      string
		versioned bool
		replace   func(b string) error
		then      string // what cat f says afterwards
		want      []string
	}{
		{"replaced", false, func(b string) error {
			return gateway(t).Put(t.Context(), b, "f", bytes.NewReader(after))
		}, fmt.Sprintf("%x  f\n", sha256.Sum256(after)), []string{old, "ESTALE"}},
		{"deleted", false, func(b string) error {
			return gateway(t).Delete(t.Context(), b, "f")
		}, "sha256sum: f: No such file or directory\n", []string{old, "ESTALE"}},
		// The old version can still be read, so it is.
		{"replaced in a versioned bucket", true, func(b string) error {
			return gateway(t).Put(t.Context(), b, "f", bytes.NewReader(after))
		}, fmt.Sprintf("%x  f\n", sha256.Sum256(after)), []string{old}},
		{"deleted in a versioned bucket", true, func(b string) error {
			return gateway(t).Delete(t.Context(), b, "f")
		}, "sha256sum: f: No such file or directory\n", []string{old}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := bucket(t, tt.versioned)
			if err := gateway(t).Put(t.Context(), b, "f", bytes.NewReader(before)); err != nil {
				t.Fatal(err)
			}
			m := mount(t, "s3://"+b, "--metadata-ttl", "1s", "--read-ahead", "1MiB")
			child := converse(t, "hold", filepath.Join(m.Dir, "f"))
			if got := child.hear(); got != "holding" {
				t.Fatal(got)
			}
			if err := tt.replace(b); err != nil {
				t.Fatal(err)
			}
			child.say()
			got := child.hear()
			ok := false
			for _, want := range tt.want {
				ok = ok || got == want
			}
			if !ok {
				t.Errorf("the open file: %s, want one of %q", got, tt.want)
			}
			var now string
			if !rig.Eventually(limit, func() bool {
				now = sh(t, m, m.Dir, `sha256sum f 2>&1 || true`)
				return now == tt.then
			}) {
				t.Errorf("the path shows %q long after, want %q", now, tt.then)
			}
		})
	}
}

// With --metadata-ttl 0 the path shows at once what the bucket holds.
func TestNothingIsRemembered(t *testing.T) {
	b := bucket(t, false)
	put(t, b, "d/f", "one")
	m := mount(t, "s3://"+b, "--metadata-ttl", "0")
	for i, want := range []string{"one", "three", "4", "fifth"} {
		put(t, b, "d/f", want)
		put(t, b, fmt.Sprintf("d/new%d", i), want)
		if got := sh(t, m, m.Dir, `cat d/f; echo; ls d | tail -n 1; stat -c %s d/f`); got != fmt.Sprintf("%s\nnew%d\n%d\n", want, i, len(want)) {
			t.Errorf("the mount shows %q, want %q", got, want)
		}
	}
}

// open(2) of a file whose object changed since it was listed gives the new one,
// although the listing may still be used.
func TestOpenAfterChange(t *testing.T) {
	b := bucket(t, false)
	put(t, b, "d/f", "the first content")
	m := mount(t, "s3://"+b, "--metadata-ttl", "1h")
	sh(t, m, m.Dir, `ls -l d`)
	put(t, b, "d/f", "the second, which is longer")
	if got := sh(t, m, m.Dir, `cat d/f`); got != "the second, which is longer" {
		t.Errorf("cat says %q", got)
	}
	if got := strings.TrimSpace(sh(t, m, m.Dir, `stat -c %s d/f`)); got != "27" {
		t.Errorf("afterwards its size is %s, want 27", got)
	}
}
