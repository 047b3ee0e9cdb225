package fs

import (
	"syscall"
	"time"

	fusefs "github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
)

// forever is how long the kernel may keep the attributes of a node: they do not
// change.
const forever = 365 * 24 * time.Hour

// attributes fills in what stat shows of a node.
func (t *Tree) attributes(e entry, out *fuse.Attr) {
	out.Owner = fuse.Owner{Uid: t.opts.UID, Gid: t.opts.GID}
	out.Nlink = 1 // of directories too: "unknown" to find(1), which else expects nlink-2 subdirectories
	at := t.dated
	if e.mtime != 0 {
		at = time.Unix(e.mtime, 0)
	}
	out.SetTimes(&at, &at, &at)
	if e.dir {
		out.Mode = syscall.S_IFDIR | t.opts.DirMode
		return
	}
	out.Mode = syscall.S_IFREG | t.opts.FileMode
	out.Size = uint64(e.size)
}

// identity is what makes a node another one to the kernel.
func (t *Tree) identity(prefix string, e entry) fusefs.StableAttr {
	if e.dir {
		return fusefs.StableAttr{Mode: syscall.S_IFDIR, Ino: inode(t.bucket.Name(), prefix+e.name+"/"), Gen: t.generation(prefix, entry{name: e.name, dir: true})}
	}
	return fusefs.StableAttr{Mode: syscall.S_IFREG, Ino: inode(t.bucket.Name(), prefix+e.name), Gen: t.generation(prefix, e)}
}

// believable is how much longer what was learned at a time may be believed.
func (t *Tree) believable(at time.Time) time.Duration {
	return max(t.opts.TTL-time.Since(at), 0)
}

// statfs answers statfs(2) without asking anybody: a bucket has no size.
func (t *Tree) statfs(out *fuse.StatfsOut) {
	const unit = 4096
	const petabyte = 1 << 50
	out.Bsize, out.Frsize, out.NameLen = unit, unit, nameMax
	out.Blocks, out.Bfree, out.Bavail = petabyte/unit, petabyte/unit, petabyte/unit
	out.Files, out.Ffree = 1<<40, 1<<40
}
