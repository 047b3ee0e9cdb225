package fs

import (
	"context"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	fusefs "github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
)

// A dirNode is a directory: all keys below a prefix.
type dirNode struct {
	fusefs.Inode
	readOnly
	tree   *Tree
	prefix string // "" or ending in "/"
	hidden bool   // it is behind the door of the directory above

	suspect atomic.Int64 // the number of a refresh since which nobody has looked whether it is there; 0: none
}

var (
	_ fusefs.NodeLookuper       = (*dirNode)(nil)
	_ fusefs.NodeGetattrer      = (*dirNode)(nil)
	_ fusefs.NodeOpendirHandler = (*dirNode)(nil)
	_ fusefs.NodeStatfser       = (*dirNode)(nil)
	_ fusefs.NodeIoctler        = (*dirNode)(nil)
)

// Root is the node to mount.
func (t *Tree) Root() fusefs.InodeEmbedder { return &dirNode{tree: t, prefix: t.opts.Prefix} }

func (d *dirNode) Lookup(ctx context.Context, name string, out *fuse.EntryOut) (*fusefs.Inode, syscall.Errno) {
	if name == doorName {
		return d.tree.door(ctx, &d.Inode, d.prefix, "", "", out), 0
	}
	e, at, err := d.tree.lookup(d.prefix, name)
	if err != nil {
		return nil, d.tree.report("lookup", d.prefix+name, err)
	}
	var said *answer
	if d.tree.inquiries != nil {
		d.tree.inquiries.follow(d, e)
		w := sought{in: &d.Inode, prefix: d.prefix, child: e.name, entry: e, at: at,
			again: func() (entry, time.Time, error) { return d.tree.lookup(d.prefix, name) }}
		if said, err = d.tree.inquiries.describe(&w); err != nil {
			return nil, d.tree.report("lookup", d.prefix+name, err)
		}
		e, at = w.entry, w.at
	}
	n := d.child(ctx, e, said, at, out)
	if d.tree.opts.NoList {
		d.assumedWith(n)
	}
	return n, 0
}

// child gives the node of an entry: the one that the kernel has, if it still is
// the one. said, which may be nil, is what its metadata says. at is when the entry
// was learned; zero: the kernel may give it once and must not believe it.
func (d *dirNode) child(ctx context.Context, e entry, said *answer, at time.Time, out *fuse.EntryOut) *fusefs.Inode {
	d.tree.fillEntry(e, said, at, out)
	id := d.tree.identity(d.prefix, e, said)
	if old := d.GetChild(e.name); old != nil && old.StableAttr() == id {
		if dir, ok := old.Operations().(*dirNode); ok && !at.IsZero() {
			dir.seen(at)
		}
		return old
	}
	return d.NewInode(ctx, d.tree.node(id.Mode, d.prefix, e, said, false), id)
}

// fillEntry fills in what the kernel is told of an entry.
func (t *Tree) fillEntry(e entry, said *answer, at time.Time, out *fuse.EntryOut) {
	t.attributes(e, said, &out.Attr)
	out.SetAttrTimeout(forever)
	out.SetEntryTimeout(t.believable(at))
	switch {
	case e.dir && said != nil: // a marker that is replaced makes no other directory
		out.SetAttrTimeout(t.believable(at))
	case e.dir && at.IsZero(): // a directory's are how it is asked for after a refresh
		out.SetAttrTimeout(0)
	}
}

// node makes the node of an entry, of the type that it is shown as.
func (t *Tree) node(kind uint32, prefix string, e entry, said *answer, hidden bool) fusefs.InodeEmbedder {
	switch kind {
	case syscall.S_IFDIR:
		return &dirNode{tree: t, prefix: prefix + e.name + "/", hidden: hidden}
	case syscall.S_IFLNK:
		return &linkNode{tree: t, entry: e, said: said}
	}
	f := &fileNode{tree: t, parent: prefix, entry: e, hidden: hidden, said: said}
	if said != nil {
		f.asked.Store(said.asked)
	}
	return f
}

func (d *dirNode) Getattr(_ context.Context, _ fusefs.FileHandle, out *fuse.AttrOut) syscall.Errno {
	if n := d.stillThere(); n != 0 {
		return n
	}
	if d.tree.inquiries == nil {
		d.tree.attributes(entry{dir: true}, nil, &out.Attr)
		out.SetTimeout(forever)
		return 0
	}
	said, err := d.tree.inquiries.aboutDir(d.prefix)
	if err != nil {
		return d.tree.report("getattr", d.prefix, err)
	}
	d.tree.attributes(entry{dir: true}, said, &out.Attr)
	out.SetTimeout(d.tree.believable(said.began))
	return 0
}

// inodeAbove is the inode number of the directory that it is in; the root's is
// its own, as in any file system.
func (d *dirNode) inodeAbove() uint64 {
	above, name := dirOf(strings.TrimSuffix(d.prefix, "/"))
	switch {
	case d.prefix == d.tree.opts.Prefix:
		return d.Root().StableAttr().Ino
	case d.hidden: // it is behind a door
		parts := splitName(escapeName(name, true))
		begin := ""
		for _, p := range parts[:len(parts)-1] {
			begin += strings.TrimSuffix(p, partMark)
		}
		return d.tree.doorInode(above, begin)
	case above == d.tree.opts.Prefix && d.tree.within == "":
		return d.Root().StableAttr().Ino
	}
	return inode(d.tree.bucket.Name(), above) // of one of many trees the root, too
}

func (d *dirNode) Statfs(_ context.Context, out *fuse.StatfsOut) syscall.Errno {
	statfs(out)
	return 0
}

// OpendirHandle makes no request and waits for none; the listing is under way
// when it returns. Errors are readdir's, which can be interrupted.
//
// With O_SYNC, which says nothing else of a directory, it is not: who opens it so
// wants the directory and not what is in it. Should he read it, it is listed then.
func (d *dirNode) OpendirHandle(_ context.Context, flags uint32) (fusefs.FileHandle, uint32, syscall.Errno) {
	h := &dirHandle{dir: d}
	switch {
	case flags&syscall.O_SYNC == syscall.O_SYNC:
	case d.tree.opts.NoList:
		return nil, 0, errno(errUnlisted) // root, too, whom no mode keeps out
	default:
		h.read(d.tree.toRead(d.prefix))
	}
	return h, 0, 0
}
