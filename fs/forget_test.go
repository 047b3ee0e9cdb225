package fs

import (
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"testing"

	fusefs "github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"

	"s3mount/s3/s3test"
)

// F17: look-ups and forgets of the same names at the same time. A node that the
// kernel has got answers until the kernel has forgotten it as often as it was
// given; at the end nothing is left.
func TestF17ForgetsBesideLookups(t *testing.T) {
	const names, rounds = 200, 1500
	r := newRig(t, s3test.Options{})
	r.PutRange(names/2, func(i int) string { return fmt.Sprintf("f%03d", i) }, s3test.Object{Size: int64(1)})
	r.PutRange(names/2, func(i int) string { return fmt.Sprintf("d%03d/x", i) }, s3test.Object{Size: 1})
	top := r.Root()
	k := kernel{t, fusefs.NewNodeFS(top, fuseOptions(r.opts, MountOptions{Log: slog.New(slog.DiscardHandler)}))}
	if _, err := r.list(t, ""); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for seed := range 8 {
		wg.Go(func() {
			draw := rand.New(rand.NewPCG(1, uint64(seed)))
			for range rounds {
				name := fmt.Sprintf("%c%03d", "fd"[draw.IntN(2)], draw.IntN(names/2))
				var node uint64
				n := 1 + draw.IntN(3)
				for range n {
					out, status := k.lookup(root, name)
					if !status.Ok() || node != 0 && out.NodeId != node {
						t.Errorf("lookup of %s: %v, node %d, was %d", name, status, out.NodeId, node)
						return
					}
					node = out.NodeId
				}
				if out, status := k.getattr(node); !status.Ok() || name[0] == 'f' != (out.Mode&fuse.S_IFREG != 0) {
					t.Errorf("getattr of %s: %v", name, status)
				}
				if name[0] == 'd' {
					inside, status := k.lookup(node, "x")
					if !status.Ok() {
						t.Errorf("lookup of %s/x: %v", name, status)
					} else {
						k.raw.Forget(inside.NodeId, 1)
					}
				}
				k.raw.Forget(node, uint64(n))
			}
		})
	}
	wg.Wait()
	equal(t, "nodes left", len(top.EmbeddedInode().Children()), 0)
}
