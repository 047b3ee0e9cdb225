package fs

import (
	"context"
	"log/slog"
	"strings"
	"syscall"
	"time"

	fusefs "github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
)

// An accountNode is the directory of the buckets.
type accountNode struct {
	fusefs.Inode
	readOnly
	account *Account
}

var (
	_ fusefs.NodeLookuper       = (*accountNode)(nil)
	_ fusefs.NodeGetattrer      = (*accountNode)(nil)
	_ fusefs.NodeOpendirHandler = (*accountNode)(nil)
	_ fusefs.NodeStatfser       = (*accountNode)(nil)
	_ fusefs.NodeGetxattrer     = (*accountNode)(nil)
	_ fusefs.NodeListxattrer    = (*accountNode)(nil)
	_ fusefs.NodeIoctler        = (*accountNode)(nil)
)

// Root is the node to mount.
func (a *Account) Root() fusefs.InodeEmbedder { return &accountNode{account: a} }

// MountAt is [Tree.MountAt].
func (a *Account) MountAt(dir string, opts MountOptions) (*Mount, error) {
	return mountAt(a.opts, a.Root, dir, opts)
}

func (a *Account) report(op, name string, err error) syscall.Errno {
	return report(a.log, a.ctx.Err() != nil, op, name, err)
}

func (n *accountNode) Lookup(ctx context.Context, name string, out *fuse.EntryOut) (*fusefs.Inode, syscall.Errno) {
	at, err := n.account.lookup(name)
	if err != nil {
		return nil, n.account.report("lookup", name, err)
	}
	return n.child(ctx, name, at, out)
}

// child gives the node of a bucket. No request is made: what it holds, and
// whether that may be seen, is asked for by who enters it. at is when the name was
// learned; zero: the kernel may give it once and must not believe it.
func (n *accountNode) child(ctx context.Context, name string, at time.Time, out *fuse.EntryOut) (*fusefs.Inode, syscall.Errno) {
	t, err := n.account.tree(name)
	if err != nil {
		return nil, n.account.report("lookup", name, err)
	}
	t.attributes(entry{dir: true}, nil, &out.Attr)
	out.SetAttrTimeout(forever)
	out.SetEntryTimeout(t.believable(at))
	if at.IsZero() { // as in dirNode
		out.SetAttrTimeout(0)
	}
	if old := n.GetChild(name); old != nil {
		if d, ok := old.Operations().(*dirNode); ok && d.tree == t { // which may have been left just now
			if !at.IsZero() && !n.account.refreshedSince(at) {
				d.seen(at)
			}
			return old, 0
		}
	}
	id := fusefs.StableAttr{Mode: syscall.S_IFDIR, Ino: bucketInode(name), Gen: t.generation("", entry{dir: true})}
	return n.NewInode(ctx, &dirNode{tree: t}, id), 0
}

// bucketInode is the inode number of a bucket's root: its key is "".
func bucketInode(name string) uint64 { return inode(name, "") }

func (n *accountNode) Getattr(_ context.Context, _ fusefs.FileHandle, out *fuse.AttrOut) syscall.Errno {
	attributesOf(n.account.opts, n.account.dated, entry{dir: true}, nil, &out.Attr)
	out.SetTimeout(forever)
	return 0
}

func (n *accountNode) Statfs(_ context.Context, out *fuse.StatfsOut) syscall.Errno {
	statfs(out)
	return 0
}

// inodeAbove is the node's own number: above the root there is the root.
func (n *accountNode) inodeAbove() uint64 { return n.StableAttr().Ino }

// The directory of the buckets has no attributes.
func (n *accountNode) Getxattr(context.Context, string, []byte) (uint32, syscall.Errno) {
	return 0, noXattr(n.account.opts, fusefs.ENOATTR)
}

func (n *accountNode) Listxattr(context.Context, []byte) (uint32, syscall.Errno) {
	return 0, noXattr(n.account.opts, 0)
}

// OpendirHandle waits for no request; the listing is under way when it returns,
// unless the directory itself is wanted: see dirNode.
func (n *accountNode) OpendirHandle(_ context.Context, flags uint32) (fusefs.FileHandle, uint32, syscall.Errno) {
	h := &accountHandle{node: n}
	switch {
	case flags&syscall.O_SYNC == syscall.O_SYNC:
	case n.account.opts.NoList:
		return nil, 0, errno(errUnlisted)
	default:
		h.list = n.account.list(true)
	}
	return h, 0, 0
}

// Ioctl is how `s3mount refresh` reaches the daemon: see dirNode.
func (n *accountNode) Ioctl(_ context.Context, _ fusefs.FileHandle, cmd uint32, _ uint64, input, _ []byte) (int32, syscall.Errno) {
	return ioctl(cmd, input, n.refresh, func(path string, err error) syscall.Errno {
		return n.account.report("refresh", path, err)
	})
}

// refresh forgets what is known of a path that begins with a bucket's name, or of
// everything: in the trees first, whether the kernel has their nodes or not, then
// in the kernel. A bucket keeps its name there, as other directories do.
func (n *accountNode) refresh(path string) (known bool, err error) {
	bucket, below, _ := strings.Cut(path, "/")
	n.account.forget(bucket)
	trees := n.treesNow()
	if path == "" {
		for _, t := range trees {
			t.forget("")
		}
		n.account.memoryOf("").forgetAll() // of trees that are left, too
		forgetNames(&n.Inode, n.Children)
		n.account.log.Info("refreshed", slog.String("prefix", ""))
		return true, nil
	}
	t := trees[bucket]
	if t != nil && below != "" {
		return t.refreshPath(n.GetChild(bucket), "", below)
	}
	if t != nil {
		t.forget("")
	}
	n.account.memoryOf(bucket).forgetAll()
	forgetNames(&n.Inode, func() map[string]*fusefs.Inode { return map[string]*fusefs.Inode{bucket: n.GetChild(bucket)} })
	n.account.log.Info("refreshed", slog.String("bucket", bucket), slog.String("prefix", ""))
	return t != nil, nil
}

// treesNow gives the trees by their buckets' names.
func (n *accountNode) treesNow() map[string]*Tree {
	trees := n.account.all()
	for name, child := range n.Children() {
		if d, ok := child.Operations().(*dirNode); ok && trees[name] == nil {
			trees[name] = d.tree
		}
	}
	return trees
}

// account gives the directory of the buckets, if this one is a bucket there.
func (d *dirNode) account() (above *accountNode, ok bool) {
	if d.tree.account == nil || d.prefix != d.tree.opts.Prefix {
		return nil, false
	}
	above, ok = d.Root().Operations().(*accountNode)
	return above, ok
}

// bucketItself says whether the tree's bucket is there, in the form of lookup.
func (t *Tree) bucketItself(string, string) (entry, time.Time, error) {
	at, err := t.account.lookup(strings.TrimSuffix(t.within, "/"))
	return entry{dir: true}, at, err
}

// An accountHandle is the directory of the buckets, open: a place in a listing.
type accountHandle struct {
	node *accountNode

	cursor              // its mu guards all below
	list   *bucketNames // nil: not asked for
}

var (
	_ fusefs.FileReaddirenter = (*accountHandle)(nil)
	_ fusefs.FileLookuper     = (*accountHandle)(nil)
	_ fusefs.FileSeekdirer    = (*accountHandle)(nil)
	_ fusefs.FileFsyncdirer   = (*accountHandle)(nil)
)

func (h *accountHandle) at() (*bucketNames, int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.list == nil {
		h.list = h.node.account.list(true)
	}
	return h.list, h.next
}

// Readdirent gives the next bucket.
func (h *accountHandle) Readdirent(ctx context.Context) (*fuse.DirEntry, syscall.Errno) {
	if h.node.account.opts.NoList {
		return nil, errno(errUnlisted)
	}
	l, i := h.at()
	if i < dots {
		h.advance(i)
		return dotEntry(i, h.node), 0
	}
	err := l.wait(ctx)
	if err != nil && !interrupted(ctx, err) {
		err = waitOn(ctx, l.wait)
	}
	if err == nil {
		err = l.err
	}
	switch {
	case err != nil:
		return nil, h.node.account.report("readdir", "", err)
	case i-dots >= len(l.names):
		return nil, 0
	}
	h.advance(i)
	name := l.names[i-dots]
	return &fuse.DirEntry{Name: name, Mode: syscall.S_IFDIR, Ino: bucketInode(name), Off: uint64(i + 1)}, 0
}

// Lookup gives the node of a bucket that was given, for READDIRPLUS.
func (h *accountHandle) Lookup(ctx context.Context, name string, out *fuse.EntryOut) (*fusefs.Inode, syscall.Errno) {
	if l, _ := h.at(); l.has(name) {
		at := l.began
		if h.node.account.refreshedSince(at) { // it is what this reader is given, and nobody else
			at = time.Time{}
		}
		return h.node.child(ctx, name, at, out)
	}
	return h.node.Lookup(ctx, name, out)
}

// Seekdir goes to an entry, or back to the start: then the buckets are listed
// anew, if it is time for that.
func (h *accountHandle) Seekdir(_ context.Context, off uint64) syscall.Errno {
	h.mu.Lock()
	defer h.mu.Unlock()
	if off == 0 && !h.node.account.opts.NoList {
		h.list = h.node.account.list(true)
	}
	h.goLocked(off)
	return 0
}
