//go:build linux

package integration

import (
	"bytes"
	"fmt"
	"runtime/debug"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"s3mount/integration/rig"
	"s3mount/s3/s3test"
)

// The rows F7 and F9 of docs/reliability.md that are not plain reads: page faults,
// and what reads without waiting.

func init() { children["faults"] = childFaults }

// F9: fio's engines, each of which verifies what it reads.
func TestF9Engines(t *testing.T) {
	needTool(t, "fio")
	c := corpus(t)
	m := mountTest(t, c.srv)
	for _, engine := range []string{
		"psync", "mmap", "splice", "posixaio --iodepth=8", "libaio --iodepth=16 --direct=1", "io_uring --iodepth=16", "io_uring --iodepth=4 --direct=1 --fixedbufs --registerfiles",
	} {
		t.Run(engine, func(t *testing.T) {
			r := c.run(t, m, m.Dir, `fio --name=verify --filename="$PWD/pack/fio.data" --rw=randread --bs=4k --size=8M --verify=crc32c --verify_fatal=1 --randseed=1 \
				--readonly --allow_file_create=0 --invalidate=1 --ioengine=`+engine+` 2>&1 | grep -E 'err=|Operation not permitted|not supported|nowait'`)
			switch {
			case strings.Contains(r.Stdout, "Operation not permitted") && strings.HasPrefix(engine, "io_uring"):
				t.Skip("io_uring may not be used here")
			case !strings.Contains(r.Stdout, "err= 0"):
				t.Errorf("fio says %s%s", r.Stdout, r.Stderr)
			}
		})
	}
	wantSettled(t, m)
	// The kernel lets go of files that were registered with io_uring a while after
	// the process that did so.
	if !rig.Eventually(patience, func() bool { return rig.Unmount(m.Dir) == nil }) || !m.Process.Wait(patience) {
		t.Error("the mount is busy long after")
	}
}

// childFaults maps the file and touches a page while the server is out of order,
// says what came of it, and touches it again when told that all is well.
func childFaults(args []string) error {
	g, err := generatedOf(args)
	if err != nil {
		return err
	}
	fd, err := unix.Open(g.path, unix.O_RDONLY, 0)
	if err != nil {
		return err
	}
	p, err := unix.Mmap(fd, 0, int(g.size), unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return err
	}
	debug.SetPanicOnFault(true)
	touch := func() (what string) {
		defer func() {
			if recover() != nil {
				what = "SIGBUS"
			}
		}()
		page := bytes.Clone(p[g.size-8192 : g.size-4096])
		if err := g.holds(page, g.size-8192, 4096); err != nil {
			return err.Error()
		}
		return "right"
	}
	fmt.Println("mapped")
	for range 2 {
		if err := listen(); err != nil {
			return err
		}
		fmt.Println(touch())
	}
	return nil
}

// F7: a page that cannot be had is SIGBUS, not zeros, and can be had later.
func TestF7PageFaultWhileTheServerFails(t *testing.T) {
	// A signal that is handled has the kernel begin a fault anew, for ever if one
	// comes each time; Go's scheduler sends them.
	t.Setenv("GODEBUG", "asyncpreemptoff=1")
	for name, fault := range map[string]s3test.Action{
		"503": s3test.Error(503, "SlowDown"), "error page": s3test.HTML(), "no answer": s3test.Stall(s3test.BeforeHeaders), "stall": s3test.Stall(100),
	} {
		t.Run(name, func(t *testing.T) {
			srv := s3test.New(t, s3test.Options{Objects: map[string]s3test.Object{"f": {Size: 8 << 20}}})
			m := mountTest(t, srv, quick...)
			child := converse(t, "faults", generatedArgs(m.Dir, srv, "f")...)
			if got := child.hear(); got != "mapped" {
				t.Fatal(got)
			}
			srv.AddRule(s3test.Rule{Op: s3test.Get, Action: fault})
			child.say()
			within(t, patience, func() { same(t, "the page", child.hear(), "SIGBUS") })
			srv.ClearRules()
			child.say()
			same(t, "the page, when the server is well", child.hear(), "right")
			wantSettled(t, m)
		})
	}
}
