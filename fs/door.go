package fs

import (
	"context"
	"strings"
	"syscall"
	"time"

	fusefs "github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
)

// A doorNode is the side door of a directory, or within it the directory of a
// piece of long names. It is in every directory and can be entered there, without
// a request; it is listed where there is something behind it.
type doorNode struct {
	fusefs.Inode
	readOnly
	tree   *Tree
	prefix string // of the directory
	begin  string // of the escaped names in it: "", or pieces
	piece  string // the last of these
}

var (
	_ fusefs.NodeLookuper       = (*doorNode)(nil)
	_ fusefs.NodeGetattrer      = (*doorNode)(nil)
	_ fusefs.NodeOpendirHandler = (*doorNode)(nil)
	_ fusefs.NodeStatfser       = (*doorNode)(nil)
)

// doorInode is the inode number of a door. No bucket's name has a slash, so that
// no key has it.
func (t *Tree) doorInode(prefix, begin string) uint64 {
	return inode(t.bucket.Name()+"/door", prefix+"\x00"+begin)
}

// door gives the node of the door of a directory, which is a child of above.
func (t *Tree) door(ctx context.Context, above *fusefs.Inode, prefix, begin, piece string, out *fuse.EntryOut) *fusefs.Inode {
	begin += piece
	t.attributes(entry{dir: true}, nil, &out.Attr)
	out.SetAttrTimeout(forever)
	out.SetEntryTimeout(forever) // it is there whatever the bucket holds
	id := fusefs.StableAttr{Mode: syscall.S_IFDIR, Ino: t.doorInode(prefix, begin), Gen: t.generation(prefix, entry{name: doorName + "/" + begin, dir: true})}
	return above.NewInode(ctx, &doorNode{tree: t, prefix: prefix, begin: begin, piece: piece}, id)
}

func (d *doorNode) Lookup(ctx context.Context, name string, out *fuse.EntryOut) (*fusefs.Inode, syscall.Errno) {
	if len(name) > nameMax {
		return nil, syscall.ENAMETOOLONG
	}
	if piece, ok := strings.CutSuffix(name, partMark); ok {
		if !isPiece(d.begin, piece) {
			return nil, syscall.ENOENT
		}
		return d.tree.door(ctx, &d.Inode, d.prefix, d.begin, piece, out), 0
	}
	behind, dir, ok := unescapeName(d.begin + name)
	if parts := splitName(d.begin + name); !ok || parts[len(parts)-1] != name {
		return nil, syscall.ENOENT
	}
	e, at, err := d.tree.lookupHidden(d.prefix, behind, dir)
	if err != nil {
		return nil, d.tree.report("lookup", d.prefix+behind, err)
	}
	var said *answer
	if d.tree.inquiries != nil {
		w := sought{in: &d.Inode, prefix: d.prefix, child: name, entry: e, at: at, hidden: true,
			again: func() (entry, time.Time, error) { return d.tree.lookupHidden(d.prefix, behind, dir) }}
		if said, err = d.tree.inquiries.describe(&w); err != nil {
			return nil, d.tree.report("lookup", d.prefix+behind, err)
		}
		e, at = w.entry, w.at
	}
	n := d.child(ctx, name, e, said, at, out)
	if c, ok := n.Operations().(*dirNode); ok && d.tree.opts.NoList {
		d.tree.assumed.used(c)
	}
	return n, 0
}

// isPiece says whether a piece can be the next of a name that begins so. Where
// more escapes follow it ends where splitName would end it.
func isPiece(begin, piece string) bool {
	const mostEscaped = 3 * 1024 // bytes, of the longest key
	return len(begin)+len(piece) < mostEscaped && len(piece) >= 3 && splitName(piece + strings.Repeat("%00", nameMax))[0] == piece+partMark
}

// child gives the node of an entry behind the door: the one that the kernel has,
// if it still is the one.
func (d *doorNode) child(ctx context.Context, name string, e entry, said *answer, at time.Time, out *fuse.EntryOut) *fusefs.Inode {
	d.tree.fillEntry(e, said, at, out)
	id := d.tree.identityHidden(d.prefix, e, said)
	if old := d.GetChild(name); old != nil && old.StableAttr() == id {
		if dir, ok := old.Operations().(*dirNode); ok {
			dir.seen(at)
		}
		return old
	}
	return d.NewInode(ctx, d.tree.node(id.Mode, d.prefix, e, said, true), id)
}

// identityHidden is identity for what is behind a door. The bytes of a directory's
// own key must not have the number that the directory has.
func (t *Tree) identityHidden(prefix string, e entry, said *answer) fusefs.StableAttr {
	id := t.identity(prefix, e, said)
	if e.name == "" && !e.dir {
		id.Ino = inode(t.bucket.Name()+"/marker", prefix)
	}
	return id
}

func (d *doorNode) Getattr(_ context.Context, _ fusefs.FileHandle, out *fuse.AttrOut) syscall.Errno {
	d.tree.attributes(entry{dir: true}, nil, &out.Attr)
	out.SetTimeout(forever)
	return 0
}

// A door is no prefix and has no attributes.
func (d *doorNode) Getxattr(context.Context, string, []byte) (uint32, syscall.Errno) {
	return 0, noXattr(d.tree.opts, fusefs.ENOATTR)
}

func (d *doorNode) Listxattr(context.Context, []byte) (uint32, syscall.Errno) {
	return 0, noXattr(d.tree.opts, 0)
}

func (d *doorNode) Statfs(_ context.Context, out *fuse.StatfsOut) syscall.Errno {
	statfs(out)
	return 0
}

// OpendirHandle makes no request and waits for none; see dirNode.
func (d *doorNode) OpendirHandle(context.Context, uint32) (fusefs.FileHandle, uint32, syscall.Errno) {
	if d.tree.opts.NoList {
		return nil, 0, errno(errUnlisted)
	}
	h := &doorHandle{door: d, listing: d.tree.dirs.get(d.prefix).toRead(d.tree)}
	h.listing.open()
	return h, 0, 0
}

// inodeAbove is the number of the directory that it is in.
func (d *doorNode) inodeAbove() uint64 {
	if d.piece != "" {
		return d.tree.doorInode(d.prefix, strings.TrimSuffix(d.begin, d.piece))
	}
	if d.prefix == d.tree.opts.Prefix && d.tree.within == "" {
		return d.Root().StableAttr().Ino
	}
	return inode(d.tree.bucket.Name(), d.prefix)
}
