package fs

import (
	"bytes"
	"context"
	"syscall"

	fusefs "github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"

	"s3mount/cache"
)

// A linkNode is one version of an object that was a symbolic link. Its bytes are
// the target, which have been read by the time that there is a node.
type linkNode struct {
	fusefs.Inode
	readOnly
	tree  *Tree
	entry entry
	said  *answer
}

var (
	_ fusefs.NodeGetattrer   = (*linkNode)(nil)
	_ fusefs.NodeReadlinker  = (*linkNode)(nil)
	_ fusefs.NodeStatfser    = (*linkNode)(nil)
	_ fusefs.NodeGetxattrer  = (*linkNode)(nil)
	_ fusefs.NodeListxattrer = (*linkNode)(nil)
)

func (n *linkNode) Getattr(_ context.Context, _ fusefs.FileHandle, out *fuse.AttrOut) syscall.Errno {
	n.tree.attributes(n.entry, n.said, &out.Attr)
	out.SetTimeout(forever)
	return 0
}

// Readlink gives the target as it is stored: where it leads is the kernel's to
// find out, as with any link.
func (n *linkNode) Readlink(context.Context) ([]byte, syscall.Errno) {
	return []byte(n.said.target), 0
}

func (n *linkNode) Statfs(_ context.Context, out *fuse.StatfsOut) syscall.Errno {
	statfs(out)
	return 0
}

// Links have no attributes in "user." (xattr(7)), and so none here.
func (n *linkNode) Getxattr(context.Context, string, []byte) (uint32, syscall.Errno) {
	return 0, noXattr(n.tree.opts, fusefs.ENOATTR)
}

func (n *linkNode) Listxattr(context.Context, []byte) (uint32, syscall.Errno) {
	return 0, noXattr(n.tree.opts, 0)
}

// targetMax is the longest target of a link: PATH_MAX of linux/limits.h, without
// the NUL.
const targetMax = 4095

// target reads the target of a link, under the condition that the object still is
// that version. It is "" where its bytes are no path: then it is a file.
func (t *Tree) target(key string, e entry) (string, error) {
	if e.size < 1 || e.size > targetMax {
		return "", nil
	}
	r := t.open(cache.Object{Key: key, ETag: e.tag, Size: e.size, Pin: e.version.id()})
	defer r.Close()
	v, err := r.ReadAt(t.ctx, 0, int(e.size))
	if err != nil {
		return "", err
	}
	defer v.Done()
	text := bytes.Join(v.Slices(), nil)
	if bytes.IndexByte(text, 0) >= 0 {
		return "", nil
	}
	return string(text), nil
}
