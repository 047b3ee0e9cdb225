package fs

import (
	"context"
	"errors"
	"sync/atomic"
	"syscall"
	"time"

	fusefs "github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"

	"s3mount/cache"
	"s3mount/s3"
)

// A fileNode is one version of an object. Nothing of it ever changes but what
// is known of it.
type fileNode struct {
	fusefs.Inode
	readOnly
	tree   *Tree
	parent string // prefix of its directory
	entry  entry
	hidden bool    // it is behind the directory's door
	said   *answer // what its metadata says; nil: that is not shown

	checked atomic.Int64          // by the tree's clock, when an open last made sure of the version; 0: never
	stale   atomic.Bool           // the server has said that it is another one now
	asked   atomic.Pointer[asked] // for its attributes; nil: never
}

var (
	_ fusefs.NodeGetattrer = (*fileNode)(nil)
	_ fusefs.NodeOpener    = (*fileNode)(nil)
	_ fusefs.NodeStatfser  = (*fileNode)(nil)
	_ fusefs.NodeLseeker   = (*fileNode)(nil)
)

// key is the object's.
func (f *fileNode) key() string { return f.parent + f.entry.object() }

func (f *fileNode) Getattr(_ context.Context, _ fusefs.FileHandle, out *fuse.AttrOut) syscall.Errno {
	f.tree.attributes(f.entry, f.said, &out.Attr)
	out.SetTimeout(forever)
	return 0
}

func (f *fileNode) Statfs(_ context.Context, out *fuse.StatfsOut) syscall.Errno {
	statfs(out)
	return 0
}

// Lseek is asked for holes and data. There are no holes, as the kernel takes it to
// be when it is told that nobody can say; it asks no more then. go-fuse would find
// a hole at the very end, where lseek(2) has ENXIO.
func (f *fileNode) Lseek(context.Context, fusefs.FileHandle, uint64, uint32) (uint64, syscall.Errno) {
	return 0, syscall.ENOSYS
}

// Open makes sure that what is opened is what the object is now: by fetching
// its first bytes, unless they are here. ESTALE makes the kernel look the path
// up anew, and open what it finds.
func (f *fileNode) Open(_ context.Context, flags uint32) (fusefs.FileHandle, uint32, syscall.Errno) {
	if flags&syscall.O_ACCMODE != syscall.O_RDONLY || flags&syscall.O_TRUNC != 0 {
		return nil, 0, syscall.EROFS
	}
	if f.stale.Load() && !f.back() {
		return nil, 0, syscall.ESTALE
	}
	h := &handle{file: f}
	if f.confirmed() { // the kernel may have all of it: nothing is asked for until it reads
		h.reader = f.reader()
		h.unread.Store(true)
		return h, openFlags, 0
	}
	var asked *emptyCheck
	if g := f.guessed(); g != nil {
		h.reader, asked = g.reader, g.empty
	} else {
		h.reader = f.reader()
	}
	if err := f.confirm(h.reader, asked); err != nil {
		h.reader.Close()
		return nil, 0, f.failed("open", err)
	}
	return h, openFlags, 0
}

const openFlags = fuse.FOPEN_KEEP_CACHE | fuse.FOPEN_NOFLUSH

func (f *fileNode) reader() *cache.Reader {
	return f.tree.open(contentOf(f.parent, f.entry))
}

// back says whether the object is this version again: a later one was deleted
// in a bucket that keeps versions, perhaps. The kernel looks up what is there
// now, finds this node once more, and would be told ESTALE for ever.
func (f *fileNode) back() bool {
	e, _, err := f.lookup()
	if err != nil || e.unclassed() != f.entry.unclassed() {
		return false
	}
	f.stale.Store(false)
	return true
}

// lookup asks what is there now under the file's name.
func (f *fileNode) lookup() (entry, time.Time, error) {
	if f.hidden {
		return f.tree.lookupHidden(f.parent, f.entry.name, false)
	}
	return f.tree.lookup(f.parent, f.entry.name)
}

// guessed tells the walks that the file is opened, or read again after a while. It
// gives the guess that this was; nil if it was none. No walk goes behind a door.
func (f *fileNode) guessed() *guess {
	if f.hidden {
		return nil
	}
	return f.tree.walks.opened(f.parent, f.entry)
}

// confirmed says whether the server has said to an earlier open, not longer ago
// than listings are believed, that this is the version.
func (f *fileNode) confirmed() bool {
	at := time.Duration(f.checked.Load())
	return at != 0 && f.tree.clock()-at < f.tree.opts.TTL
}

// confirm has the server say that this is the version still, unless the first
// bytes are in memory. Of an empty file it may have been asked. Like lookup, it
// takes no context.
func (f *fileNode) confirm(r *cache.Reader, asked *emptyCheck) error {
	at := f.tree.clock()
	switch {
	case f.entry.size > 0:
		if err := r.Start(f.tree.ctx); err != nil {
			return err
		}
	case asked != nil && asked.good():
		at = asked.at
	case f.entry.version != "": // which never had a byte
	default:
		if err := f.tree.stillEmpty(f.tree.ctx, f.key()); err != nil {
			return err
		}
	}
	f.checked.Store(int64(at))
	return nil
}

// failed notes what an error says of the version, and makes it an errno.
func (f *fileNode) failed(op string, err error) syscall.Errno {
	if errors.Is(err, s3.ErrChanged) && !f.stale.Swap(true) {
		f.tree.distrust(f.parent, f.entry.name)
	}
	return f.tree.report(op, f.key(), err)
}

// A handle is an open file.
type handle struct {
	file   *fileNode
	reader *cache.Reader
	unread atomic.Bool // opened without a request; the first READ is the news that there is need for one
}

var (
	_ fusefs.FileReader   = (*handle)(nil)
	_ fusefs.FileReleaser = (*handle)(nil)
)

// Read gives the slices of the blocks that hold the bytes, uncopied.
func (h *handle) Read(ctx context.Context, dest []byte, off int64) (fuse.ReadResult, syscall.Errno) {
	if h.unread.CompareAndSwap(true, false) {
		if ahead := h.file.guessed(); ahead != nil {
			defer ahead.end() // what it has fetched is for all readers
		}
	}
	v, err := h.reader.ReadAt(ctx, off, len(dest))
	if err != nil && !interrupted(ctx, err) {
		v, err = h.readOn(ctx, off, len(dest))
	}
	if err != nil {
		return nil, h.file.failed("read", err)
	}
	return view{v}, 0
}

// readOn is ReadAt after a signal that is no reason to end.
func (h *handle) readOn(ctx context.Context, off int64, n int) (v cache.View, err error) {
	err = waitOn(ctx, func(ctx context.Context) (err error) {
		v, err = h.reader.ReadAt(ctx, off, n)
		return err
	})
	return v, err
}

func (h *handle) Release(context.Context) syscall.Errno {
	h.reader.Close()
	return 0
}

// view is a cache.View as go-fuse writes it: having Slices, it goes out in one
// writev with the header, and Done is called behind that (go-fuse v2.12,
// fuse/fusefd_linux.go).
type view struct{ cache.View }

func (v view) Size() int { return v.Len() }

func (v view) Slices() ([][]byte, fuse.Status) { return v.View.Slices(), fuse.OK }

// Bytes is for platforms on which go-fuse has no writev.
func (v view) Bytes(buf []byte) ([]byte, fuse.Status) {
	buf = buf[:0]
	for _, s := range v.View.Slices() {
		buf = append(buf, s...)
	}
	return buf, fuse.OK
}
