package fs

import (
	"context"
	"strings"
	"syscall"

	fusefs "github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
)

// A doorHandle is an open door: a place in what the directory's listing has
// hidden, as it was when that was whole.
type doorHandle struct {
	door *doorNode

	cursor  // its mu guards all below
	listing *listing
	names   []hiddenName // nil: the listing has not been waited for
}

// A hiddenName is an entry of an open door.
type hiddenName struct {
	name string
	id   fusefs.StableAttr
}

var (
	_ fusefs.FileReaddirenter = (*doorHandle)(nil)
	_ fusefs.FileSeekdirer    = (*doorHandle)(nil)
	_ fusefs.FileReleasedirer = (*doorHandle)(nil)
	_ fusefs.FileFsyncdirer   = (*doorHandle)(nil)
)

// Readdirent gives the next entry. The first one waits for the whole listing: what
// is hidden is known for sure at its end.
func (h *doorHandle) Readdirent(ctx context.Context) (*fuse.DirEntry, syscall.Errno) {
	d := h.door
	h.mu.Lock()
	i, l, names := h.next, h.listing, h.names
	h.mu.Unlock()
	if i < dots {
		h.advance(i)
		return dotEntry(i, d), 0
	}
	if names == nil {
		err := l.end(ctx)
		if err != nil && !interrupted(ctx, err) {
			err = waitOn(ctx, l.end)
		}
		if err != nil {
			return nil, d.tree.report("readdir", d.prefix+doorName, err)
		}
		names = d.names(l)
		h.mu.Lock()
		h.names = names
		h.mu.Unlock()
	}
	if i-dots >= len(names) {
		return nil, 0
	}
	h.advance(i)
	n := names[i-dots]
	return &fuse.DirEntry{Name: n.name, Mode: n.id.Mode, Ino: n.id.Ino, Off: uint64(i + 1)}, 0
}

// names gives what is in the door: the names of what a listing that is whole has
// hidden, one for all that share a piece.
func (d *doorNode) names(l *listing) []hiddenName {
	l.mu.Lock()
	defer l.mu.Unlock()
	names := make([]hiddenName, 0, l.names.hidden.len())
	pieces := map[string]bool{}
	for e := range l.names.hidden.all() {
		name, ok := partBehind(d.begin, escapeName(e.name, e.dir))
		piece, more := strings.CutSuffix(name, partMark)
		switch {
		case !ok || pieces[name]:
		case more:
			pieces[name] = true
			id := fusefs.StableAttr{Mode: syscall.S_IFDIR, Ino: d.tree.doorInode(d.prefix, d.begin+piece)}
			names = append(names, hiddenName{name, id})
		default:
			id := d.tree.identityHidden(d.prefix, e, nil)
			id.Mode = d.tree.typeKnown(e, id.Mode)
			names = append(names, hiddenName{name, id})
		}
	}
	return names
}

// Seekdir goes to an entry, or back to the start: then the directory is read
// anew, if it is time for that.
func (h *doorHandle) Seekdir(_ context.Context, off uint64) syscall.Errno {
	h.mu.Lock()
	defer h.mu.Unlock()
	if off == 0 {
		l := h.door.tree.dirs.get(h.door.prefix).toRead(h.door.tree)
		l.open()
		h.listing.close()
		h.listing, h.names = l, nil
	}
	h.goLocked(off)
	return 0
}

func (h *doorHandle) Releasedir(context.Context, uint32) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.listing.close()
}

// doorAt says whether place i is the door's: the one behind the last entry, where
// there is something behind the door.
func (l *listing) doorAt(i int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.complete && i == l.names.settled.len() && l.names.hidden.len() > 0
}

// end waits for the last page; ctx ends the wait.
func (l *listing) end(ctx context.Context) error {
	for {
		l.mu.Lock()
		l.startLocked()
		complete, err, changed := l.complete, l.err, l.changed
		l.mu.Unlock()
		if complete || err != nil {
			return err
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
