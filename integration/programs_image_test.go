//go:build linux

package integration

import (
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"s3mount/integration/rig"
)

// A squashfs image in the bucket is mounted through a loop device, as root does
// it; others use unsquashfs (TestPrograms) or squashfuse.
func TestProgramsSquashfs(t *testing.T) {
	needRoot(t)
	for _, name := range []string{"mksquashfs", "losetup", "mount", "umount"} {
		needTool(t, name)
	}
	if kinds, _ := os.ReadFile("/proc/filesystems"); !strings.Contains(string(kinds), "\tsquashfs\n") {
		t.Skip("this kernel has no squashfs")
	}
	c := corpus(t)
	m := mountTest(t, c.srv) // its own: nothing of the image is in memory
	free := try(t, nil, "/", exec.Command("losetup", "--find"))
	if free.Code != 0 {
		t.Skip("no loop device here: " + strings.TrimSpace(free.Stderr))
	}
	image := filepath.Join(m.Dir, "pack/image.squashfs")
	attached := try(t, m, "/", exec.Command("losetup", "--find", "--show", "--read-only", image))
	if attached.Code != 0 {
		t.Fatalf("losetup: %s", attached.Stderr)
	}
	device := strings.TrimSpace(attached.Stdout)
	t.Cleanup(func() { // before m is unmounted, which the device keeps busy
		try(t, m, "/", exec.Command("losetup", "--detach", device))
		if !rig.Eventually(10*time.Second, func() bool {
			_, err := os.Stat("/sys/block/" + filepath.Base(device) + "/loop/backing_file")
			return err != nil
		}) {
			t.Errorf("%s still has its file", device)
		}
	})
	r := c.run(t, m, c.dir, `mkdir "$OUT/fs"; mount -t squashfs -o ro `+device+` "$OUT/fs"; trap 'umount "$OUT/fs"' EXIT
		for d in text py c; do diff -r "$d" "$OUT/fs/$d"; done; find "$OUT/fs" -type f | wc -l
		cat `+device+` | cmp - pack/image.squashfs`)
	if r.Code != 0 || r.Stderr != "" || !strings.HasSuffix(r.Stdout, "\n") || len(lines(r.Stdout)) != 1 {
		t.Errorf("exit code %d: %s%s", r.Code, r.Stdout, r.Stderr)
	}
}

func init() { children["mappings"] = childMappings }

// childMappings maps each of the files in the ways that there are and prints what
// it sees.
func childMappings(args []string) error {
	for _, path := range args {
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		_, err = unix.Mmap(int(f.Fd()), 0, max(len(content), 1), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
		fmt.Printf("%s: shared and writable: %v\n", filepath.Base(path), err)
		if len(content) == 0 {
			continue
		}
		for _, how := range []struct{ prot, flags, advice int }{
			{unix.PROT_READ, unix.MAP_SHARED, unix.MADV_RANDOM},
			{unix.PROT_READ, unix.MAP_SHARED | unix.MAP_POPULATE, unix.MADV_SEQUENTIAL},
			{unix.PROT_READ | unix.PROT_EXEC, unix.MAP_PRIVATE, unix.MADV_WILLNEED},
			{unix.PROT_READ | unix.PROT_WRITE, unix.MAP_PRIVATE, unix.MADV_NORMAL},
		} {
			whole := (len(content) + 4095) &^ 4095 // the rest of the last page is zeros
			p, err := unix.Mmap(int(f.Fd()), 0, whole, how.prot, how.flags)
			if err != nil {
				return fmt.Errorf("mmap %+v: %w", how, err)
			}
			fmt.Println(unix.Madvise(p, how.advice))
			if how.prot&unix.PROT_WRITE != 0 {
				p[0] ^= 0xff // a page of its own, which the file never sees
			}
			fmt.Printf("%x\n", sha256.Sum256(p))
			if err := unix.Munmap(p); err != nil {
				return err
			}
		}
		if len(content) > 3*4096 { // a piece in the middle
			p, err := syscall.Mmap(int(f.Fd()), 4096, 2*4096, unix.PROT_READ, unix.MAP_SHARED)
			if err != nil {
				return err
			}
			fmt.Printf("%x\n", sha256.Sum256(p))
		}
		again, err := os.ReadFile(path)
		fmt.Println(string(again) == string(content), err)
	}
	return nil
}

func TestProgramsMmap(t *testing.T) {
	c := corpus(t)
	m := mountTest(t, c.srv) // its own, so that pages come by faults
	paths := func(dir string) (all []string) {
		for _, name := range []string{"random", "zeros", "words", "one", "empty", "utf-8"} {
			all = append(all, filepath.Join(dir, "text", name))
		}
		return all
	}
	compare(t, "what is mapped", inChild(t, m, "mappings", paths(m.Dir)...), inChild(t, nil, "mappings", paths(c.dir)...))
}
