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

// attributes fills in what stat shows of a node. said, which may be nil, has the
// last word but for the ctime: a change of metadata is a change, too.
func (t *Tree) attributes(e entry, said *answer, out *fuse.Attr) {
	attributesOf(t.opts, t.dated, e, said, out)
}

func attributesOf(opts Options, dated time.Time, e entry, said *answer, out *fuse.Attr) {
	out.Owner = fuse.Owner{Uid: opts.UID, Gid: opts.GID}
	out.Nlink = 1 // of directories too: "unknown" to find(1), which else expects nlink-2 subdirectories
	at := dated
	if e.mtime != 0 {
		at = time.Unix(e.mtime, 0)
	}
	out.SetTimes(&at, &at, &at)
	if e.dir {
		out.Mode = syscall.S_IFDIR | opts.DirMode
	} else {
		out.Mode = syscall.S_IFREG | opts.FileMode
		out.Size = uint64(e.size)
	}
	if said != nil {
		said.posix.fill(&at, out)
	}
	if e.dir && opts.NoList { // whatever a marker says
		out.Mode = unreadable(out.Mode)
	}
}

// fill fills in what is there. ctime is the object's.
func (p *posix) fill(ctime *time.Time, out *fuse.Attr) {
	if p.has&hasMode != 0 {
		out.Mode = out.Mode&syscall.S_IFMT | p.mode
	}
	if p.target != "" {
		out.Mode = syscall.S_IFLNK | 0777
	}
	if p.has&hasUID != 0 {
		out.Uid = p.uid
	}
	if p.has&hasGID != 0 {
		out.Gid = p.gid
	}
	mtime := *ctime
	if p.has&hasMtime != 0 {
		mtime = p.mtime.time()
	}
	atime := mtime
	if p.has&hasAtime != 0 {
		atime = p.atime.time()
	}
	out.SetTimes(&atime, &mtime, ctime)
}

// identity is what makes a node another one to the kernel. said may be nil.
func (t *Tree) identity(prefix string, e entry, said *answer) fusefs.StableAttr {
	id := t.listedAs(prefix, e)
	if e.dir { // whatever a marker says
		id.Gen = t.generation(prefix, entry{name: e.name, dir: true})
		return id
	}
	id.Gen = t.generation(prefix, e)
	if said != nil {
		id.Gen = said.posix.generation(id.Gen)
		if said.target != "" {
			id.Mode = syscall.S_IFLNK
		}
	}
	return id
}

// listedAs is as much of an entry's identity as readdir tells: type and number.
func (t *Tree) listedAs(prefix string, e entry) fusefs.StableAttr {
	if e.dir {
		return fusefs.StableAttr{Mode: syscall.S_IFDIR, Ino: inode(t.bucket.Name(), prefix+e.name+"/")}
	}
	return fusefs.StableAttr{Mode: syscall.S_IFREG, Ino: inode(t.bucket.Name(), prefix+e.name)}
}

// believable is how much longer what was learned at a time may be believed.
func (t *Tree) believable(at time.Time) time.Duration {
	return max(t.opts.TTL-time.Since(at), 0)
}

// statfs answers statfs(2) without asking anybody: a bucket has no size.
func statfs(out *fuse.StatfsOut) {
	const unit = 4096
	const petabyte = 1 << 50
	out.Bsize, out.Frsize, out.NameLen = unit, unit, nameMax
	out.Blocks, out.Bfree, out.Bavail = petabyte/unit, petabyte/unit, petabyte/unit
	out.Files, out.Ffree = 1<<40, 1<<40
}
