package fs

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"syscall"
	"time"

	fusefs "github.com/hanwen/go-fuse/v2/fs"

	"s3mount/s3"
)

// Extended attributes, for who asked for them with Options.Xattr. Names that are
// not ours, which ls and the kernel ask for with each file, cost no request;
// neither does what a listing knows. The rest costs one HEAD of a file, which is
// believed as long as a listing.
const (
	xattrs     = "user.s3."
	xattrMeta  = "meta." // and then the name in x-amz-meta-NAME
	maxXattr   = 255     // XATTR_NAME_MAX of linux/limits.h
	timeFormat = time.RFC3339
)

// An attribute is one that has the same name with every file.
type attribute struct {
	name   string // behind xattrs
	listed bool   // a listing knows it
	value  func(*s3.Attributes) string
}

var attributes = []attribute{
	{"key", true, func(a *s3.Attributes) string { return a.Key }},
	{"etag", true, func(a *s3.Attributes) string {
		if !a.Tagged() {
			return ""
		}
		return a.ETag
	}},
	{"last-modified", true, func(a *s3.Attributes) string {
		if a.LastModified.IsZero() {
			return ""
		}
		return a.LastModified.UTC().Format(timeFormat)
	}},
	{"version-id", false, func(a *s3.Attributes) string { return a.VersionID }},
	{"storage-class", false, func(a *s3.Attributes) string {
		if a.StorageClass == "" { // as S3 has it: the header is left out
			return "STANDARD"
		}
		return a.StorageClass
	}},
	{"content-type", false, func(a *s3.Attributes) string { return a.ContentType }},
	{"content-encoding", false, func(a *s3.Attributes) string { return a.ContentEncoding }},
	{"checksum", false, func(a *s3.Attributes) string { return a.Checksum }},
	{"sse", false, func(a *s3.Attributes) string { return a.Encryption }},
	{"restore", false, func(a *s3.Attributes) string { return a.Restore }},
}

// asked is what a HEAD of a file has said, and when.
type asked struct {
	s3.Attributes
	at time.Duration // by the tree's clock
}

var (
	_ fusefs.NodeGetxattrer  = (*fileNode)(nil)
	_ fusefs.NodeListxattrer = (*fileNode)(nil)
	_ fusefs.NodeGetxattrer  = (*dirNode)(nil)
	_ fusefs.NodeListxattrer = (*dirNode)(nil)
)

func (f *fileNode) Getxattr(ctx context.Context, name string, dest []byte) (uint32, syscall.Errno) {
	if !f.tree.opts.Xattr {
		return f.readOnly.Getxattr(ctx, name, dest)
	}
	name, ours := strings.CutPrefix(name, xattrs)
	if !ours {
		return 0, fusefs.ENOATTR
	}
	own, isMeta := strings.CutPrefix(name, xattrMeta)
	i := slices.IndexFunc(attributes, func(a attribute) bool { return a.name == name })
	if i < 0 && !isMeta {
		return 0, fusefs.ENOATTR
	}
	if i >= 0 && (attributes[i].listed || name == "version-id" && f.entry.version != "") {
		return fill(dest, attributes[i].value(f.listed()))
	}
	if class := f.class(); class != 0 && name == "storage-class" {
		return fill(dest, class.String())
	}
	a, err := f.attributes()
	if err != nil {
		return 0, f.failed("getxattr", err)
	}
	if isMeta {
		value, ok := a.Meta[own]
		if !ok {
			return 0, fusefs.ENOATTR
		}
		return list(dest, value) // it may be empty
	}
	return fill(dest, attributes[i].value(a))
}

// Listxattr lists those that have a value: what metadata there is only the server
// knows.
func (f *fileNode) Listxattr(ctx context.Context, dest []byte) (uint32, syscall.Errno) {
	if !f.tree.opts.Xattr {
		return f.readOnly.Listxattr(ctx, dest)
	}
	a, err := f.attributes()
	if err != nil {
		return 0, f.failed("listxattr", err)
	}
	var names strings.Builder
	for _, known := range attributes {
		if known.value(a) != "" {
			names.WriteString(xattrs + known.name + "\x00")
		}
	}
	for _, own := range slices.Sorted(maps.Keys(a.Meta)) {
		if name := xattrs + xattrMeta + own; len(name) <= maxXattr {
			names.WriteString(name + "\x00")
		}
	}
	return list(dest, names.String())
}

// listed is what the entry says.
func (f *fileNode) listed() *s3.Attributes {
	o := s3.Object{Key: f.key(), ETag: f.entry.tag, Size: f.entry.size, VersionID: f.entry.version.id()}
	if f.entry.mtime != 0 {
		o.LastModified = time.Unix(f.entry.mtime, 0)
	}
	return &s3.Attributes{Object: o}
}

// class is the storage class that a listing has said, not longer ago than it may
// be believed; 0 if none has.
func (f *fileNode) class() storageClass {
	e, what, _ := f.tree.dirs.get(f.parent).recall(f.tree, f.entry.name)
	if what != there || e.unclassed() != f.entry.unclassed() {
		return 0
	}
	return e.class
}

// attributes is what the server says, now or within the TTL. Like lookup, it
// takes no context.
func (f *fileNode) attributes() (*s3.Attributes, error) {
	now := f.tree.clock()
	if known := f.asked.Load(); known != nil && now-known.at < f.tree.opts.TTL {
		return &known.Attributes, nil
	}
	a, err := f.tree.bucket.Attributes(f.tree.ctx, f.listed().Object)
	if err != nil {
		return nil, err
	}
	a.VersionID = cmp.Or(f.entry.version.id(), a.VersionID)
	f.asked.Store(&asked{a, now})
	return &a, nil
}

// A directory is a prefix, and has that.
func (d *dirNode) Getxattr(ctx context.Context, name string, dest []byte) (uint32, syscall.Errno) {
	switch {
	case !d.tree.opts.Xattr:
		return d.readOnly.Getxattr(ctx, name, dest)
	case name != xattrs+"key":
		return 0, fusefs.ENOATTR
	}
	return fill(dest, d.prefix)
}

func (d *dirNode) Listxattr(ctx context.Context, dest []byte) (uint32, syscall.Errno) {
	if !d.tree.opts.Xattr {
		return d.readOnly.Listxattr(ctx, dest)
	}
	if d.prefix == "" { // the whole bucket
		return 0, 0
	}
	return list(dest, xattrs+"key\x00")
}

// noXattr is what a node says that has none: none, where others have some. Where
// nobody has, ENOSYS tells the kernel so, once for the whole mount.
func noXattr(opts Options, none syscall.Errno) syscall.Errno {
	if !opts.Xattr {
		return syscall.ENOSYS
	}
	return none
}

// fill gives an attribute's value; "" is an attribute that is not there.
func fill(dest []byte, value string) (uint32, syscall.Errno) {
	if value == "" {
		return 0, fusefs.ENOATTR
	}
	return list(dest, value)
}

// list gives a text, or how long it is: ERANGE has the caller ask again.
func list(dest []byte, text string) (uint32, syscall.Errno) {
	if len(dest) < len(text) {
		return uint32(len(text)), syscall.ERANGE
	}
	return uint32(copy(dest, text)), 0
}
