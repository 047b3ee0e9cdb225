//go:build linux

package fs

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	fusefs "github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"

	"s3mount/s3/s3test"
)

// A poisonedRoot shows the tree's files, but the bytes of a read are written
// over in Done. go-fuse must have given them to the kernel by then: it did not
// always.
type poisonedRoot struct {
	fusefs.Inode
	tree       *Tree
	read, done atomic.Int64
}

func (p *poisonedRoot) Lookup(ctx context.Context, name string, out *fuse.EntryOut) (*fusefs.Inode, syscall.Errno) {
	e, _, err := p.tree.lookup("", name)
	if err != nil {
		return nil, errno(err)
	}
	p.tree.attributes(e, nil, &out.Attr)
	return p.NewInode(ctx, &poisonedFile{&fileNode{tree: p.tree, entry: e}, p}, p.tree.identity("", e, nil)), 0
}

type poisonedFile struct {
	*fileNode
	root *poisonedRoot
}

func (f *poisonedFile) Open(ctx context.Context, flags uint32) (fusefs.FileHandle, uint32, syscall.Errno) {
	h, _, n := f.fileNode.Open(ctx, flags)
	if n != 0 {
		return nil, 0, n
	}
	return &poisonedHandle{h.(*handle), f.root}, fuse.FOPEN_DIRECT_IO, 0 // every read(2) comes here
}

type poisonedHandle struct {
	*handle
	root *poisonedRoot
}

// Read gives a copy of what the file gives, in as many slices of the same
// lengths: the blocks themselves are read by others, too.
func (h *poisonedHandle) Read(ctx context.Context, dest []byte, off int64) (fuse.ReadResult, syscall.Errno) {
	r, n := h.handle.Read(ctx, dest, off)
	if n != 0 {
		return nil, n
	}
	if r.Size() == 0 { // at the end: go-fuse does not say Done, and nothing is held
		return r, 0
	}
	h.root.read.Add(1)
	p := &poisonedView{view: r.(view), root: h.root}
	for _, s := range p.View.Slices() {
		p.copies = append(p.copies, bytes.Clone(s))
	}
	return p, 0
}

type poisonedView struct {
	view
	root   *poisonedRoot
	copies [][]byte
}

func (p *poisonedView) Slices() ([][]byte, fuse.Status) { return p.copies, fuse.OK }

func (p *poisonedView) Done() {
	for _, s := range p.copies {
		for i := range s {
			s[i] = 0xdb
		}
	}
	p.view.Done()
	p.root.done.Add(1)
}

func init() { children["check"] = childCheck }

// childCheck reads args[0] from several places at once, in pieces that do not
// fit blocks, and says whether every byte was right.
func childCheck(args []string) error {
	f, err := os.Open(args[0])
	if err != nil {
		return err
	}
	var wg sync.WaitGroup
	var bad atomic.Pointer[error]
	for i, n := range []int{1 << 20, 128 << 10, 4096*3 + 17, 300_001} {
		wg.Go(func() {
			p := make([]byte, n)
			for off := int64(i * 1000); off < 8<<20; off += int64(n) {
				got, err := f.ReadAt(p, off)
				if got > 0 {
					err = s3test.CheckContent("f", `"one"`, p[:got], off)
				}
				if err != nil {
					bad.Store(&err)
				}
			}
		})
	}
	wg.Wait()
	if err := bad.Load(); err != nil {
		return *err
	}
	fmt.Println("right")
	return nil
}

func TestBytesAreDeliveredBeforeDone(t *testing.T) {
	r := newRig(t, s3test.Options{Objects: map[string]s3test.Object{"f": version("one", 8<<20)}})
	root := &poisonedRoot{tree: r.Tree}
	m := r.serveNode(t, root)
	child := converse(t, "check", filepath.Join(m.Dir, "f"))
	equal(t, "what was read", child.ask(), "right")
	child.end()
	unmount(t, m)
	if reads, done := root.read.Load(), root.done.Load(); reads < 100 || reads != done {
		t.Errorf("%d reads, %d of them done", reads, done)
	}
}
