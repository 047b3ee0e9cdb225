package fs

import (
	"context"
	"errors"
	"math"
	"sync"
	"syscall"
	"time"

	fusefs "github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
)

// A dirHandle is an open directory: a place in a listing. Offsets, as telldir
// gives them, count entries, "." and ".." first; a listing only ever grows, so
// that they stay true for as long as the handle has it.
type dirHandle struct {
	dir *dirNode

	cursor                  // its mu guards all below
	listing *listing        // nil: nobody has read yet
	request context.Context // of the last call, to tell one READDIR from the next; never used otherwise
}

var (
	_ fusefs.FileReaddirenter = (*dirHandle)(nil)
	_ fusefs.FileLookuper     = (*dirHandle)(nil)
	_ fusefs.FileSeekdirer    = (*dirHandle)(nil)
	_ fusefs.FileReleasedirer = (*dirHandle)(nil)
	_ fusefs.FileFsyncdirer   = (*dirHandle)(nil)
)

// A cursor is where an open directory is read: an entry by its number.
type cursor struct {
	mu   sync.Mutex // guards all of the handle that changes; not held while waiting
	next int        // entry to give, "." and ".." first
}

// dots is how many entries stand in front of the listing's.
const dots = 2

// advance says that entry i has been given.
func (c *cursor) advance(i int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.next = i + 1
}

// goLocked goes to an entry.
func (c *cursor) goLocked(off uint64) { c.next = int(min(off, math.MaxInt32)) }

// Fsyncdir has nothing to do, and has done it.
func (c *cursor) Fsyncdir(context.Context, uint32) syscall.Errno { return 0 }

// read reads from l from now on.
func (h *dirHandle) read(l *listing) {
	l.open()
	if h.listing != nil {
		h.listing.close()
	}
	h.listing = l
}

// Readdirent gives the next entry. The first entry of a READDIR is waited for,
// the others are given when they are there: the kernel has the first page while
// the second is on its way, and comes again.
func (h *dirHandle) Readdirent(ctx context.Context) (*fuse.DirEntry, syscall.Errno) {
	if h.dir.tree.opts.NoList {
		return nil, errno(errUnlisted)
	}
	h.mu.Lock()
	if h.listing == nil {
		h.read(h.dir.tree.toRead(h.dir.prefix))
	}
	i, l, first := h.next, h.listing, h.request != ctx
	h.request = ctx
	h.mu.Unlock()
	t, d := h.dir.tree, h.dir
	if i < dots {
		h.advance(i)
		return dotEntry(i, d), 0
	}
	e, ok, err := l.at(ctx, i-dots, first)
	if err != nil && !interrupted(ctx, err) {
		e, ok, err = l.atLast(ctx, i-dots)
	}
	switch {
	case ok:
	case err == nil && !t.opts.PlainNames && l.doorAt(i-dots):
		h.advance(i)
		return &fuse.DirEntry{Name: doorName, Mode: syscall.S_IFDIR, Ino: t.doorInode(d.prefix, ""), Off: uint64(i + 1)}, 0
	case err == nil, errors.Is(err, errNotYet):
		return nil, 0
	default:
		return nil, t.report("readdir", d.prefix, err)
	}
	h.advance(i)
	id := t.listedAs(d.prefix, e)
	return &fuse.DirEntry{Name: e.name, Mode: t.typeKnown(e, id.Mode), Ino: id.Ino, Off: uint64(i + 1)}, 0
}

// dotEntry is "." or ".." of a directory.
func dotEntry(i int, d interface {
	StableAttr() fusefs.StableAttr
	inodeAbove() uint64
}) *fuse.DirEntry {
	if i == 0 {
		return &fuse.DirEntry{Name: ".", Mode: syscall.S_IFDIR, Ino: d.StableAttr().Ino, Off: 1}
	}
	return &fuse.DirEntry{Name: "..", Mode: syscall.S_IFDIR, Ino: d.inodeAbove(), Off: 2}
}

// atLast is at, waiting, after a signal that is no reason to end.
func (l *listing) atLast(ctx context.Context, i int) (e entry, ok bool, err error) {
	err = waitOn(ctx, func(ctx context.Context) (err error) {
		e, ok, err = l.at(ctx, i, true)
		return err
	})
	return e, ok, err
}

// typeKnown is the type of an entry as far as a listing knows it: with
// Options.Posix only its metadata tells whether a file is a link.
func (t *Tree) typeKnown(e entry, mode uint32) uint32 {
	if t.inquiries != nil && !e.dir {
		return 0 // DT_UNKNOWN
	}
	return mode
}

// Lookup gives the node of an entry that was given, for READDIRPLUS: from the
// same listing, so it costs no request, even where listings are not believed for
// long. After a refresh it is what this reader of the directory is given, and
// nobody else.
func (h *dirHandle) Lookup(ctx context.Context, name string, out *fuse.EntryOut) (*fusefs.Inode, syscall.Errno) {
	h.mu.Lock()
	l := h.listing
	h.mu.Unlock()
	e, what := l.find(name)
	if what != there || l.dir.learnedSince(name, l.began) || h.dir.tree.inquiries != nil {
		return h.dir.Lookup(ctx, name, out) // its size is not known, or something newer is
	}
	at := l.began
	if h.dir.tree.refreshedSince(l.prefix, at) {
		at = time.Time{}
	}
	return h.dir.child(ctx, e, nil, at, out), 0
}

// Seekdir goes to an entry, or back to the start: then the directory is read
// anew, if it is time for that.
func (h *dirHandle) Seekdir(_ context.Context, off uint64) syscall.Errno {
	h.mu.Lock()
	defer h.mu.Unlock()
	if off == 0 && !h.dir.tree.opts.NoList {
		h.read(h.dir.tree.toRead(h.dir.prefix))
	}
	h.goLocked(off)
	return 0
}

func (h *dirHandle) Releasedir(context.Context, uint32) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.listing != nil {
		h.listing.close()
	}
}
