//go:build linux

package integration

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"golang.org/x/sys/unix"

	"s3mount/integration/rig"
)

// Random system calls on files, directories and names that are none say the same
// on the mount and on a local copy that is mounted read-only: bytes, numbers,
// errors. The calls are drawn by a seed, so that a difference can be seen again.
func TestRandomCallsSayTheSame(t *testing.T) {
	needRoot(t) // to mount the copy read-only
	const calls = 3000
	local := readOnlyCopy(t, tree(t).dir)
	m := shared(t)
	for seed := range 8 {
		args := []string{strconv.Itoa(seed), strconv.Itoa(calls)}
		want := lines(inChild(t, nil, "calls", append(args, local)...))
		got := lines(inChild(t, m, "calls", append(args, m.Dir)...))
		if len(want) != calls {
			t.Fatalf("%d calls made of %d", len(want), calls)
		}
		for i := range want {
			if i >= len(got) || got[i] != want[i] {
				t.Errorf("seed %d, call %d:\n got %s\nwant %s", seed, i, got[min(i, len(got)-1)], want[i])
				break
			}
		}
	}
}

// readOnlyCopy gives a directory that shows dir, read-only.
func readOnlyCopy(t *testing.T, dir string) string {
	t.Helper()
	at := filepath.Join(t.TempDir(), "copy")
	if err := os.Mkdir(at, 0o755); err != nil {
		t.Fatal(err)
	}
	if r := try(t, nil, "/", exec.Command("mount", "--bind", dir, at)); r.Code != 0 {
		t.Skip("no bind mounts here: " + r.Stderr)
	}
	t.Cleanup(func() {
		if err := rig.Unmount(at); err != nil {
			t.Error(err)
		}
	})
	if err := unix.Mount("", at, "", unix.MS_REMOUNT|unix.MS_BIND|unix.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	return at
}
