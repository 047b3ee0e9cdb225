package fs

import (
	"maps"
	"reflect"
	"slices"
	"syscall"
	"testing"

	"github.com/hanwen/go-fuse/v2/fuse"
)

// writes are the calls of fuse.RawFileSystem that would change something. Each is
// made on a directory and on a file, and gives what it is answered.
var writes = map[string]func(raw fuse.RawFileSystem, node, fh uint64) fuse.Status{
	"SetAttr": func(raw fuse.RawFileSystem, node, fh uint64) fuse.Status {
		return raw.SetAttr(nil, &fuse.SetAttrIn{SetAttrInCommon: fuse.SetAttrInCommon{InHeader: header(node), Valid: fuse.FATTR_SIZE}}, &fuse.AttrOut{})
	},
	"Mknod": func(raw fuse.RawFileSystem, node, fh uint64) fuse.Status {
		return raw.Mknod(nil, &fuse.MknodIn{InHeader: header(node)}, "new", &fuse.EntryOut{})
	},
	"Mkdir": func(raw fuse.RawFileSystem, node, fh uint64) fuse.Status {
		return raw.Mkdir(nil, &fuse.MkdirIn{InHeader: header(node)}, "new", &fuse.EntryOut{})
	},
	"Unlink": func(raw fuse.RawFileSystem, node, fh uint64) fuse.Status {
		h := header(node)
		return raw.Unlink(nil, &h, "f")
	},
	"Rmdir": func(raw fuse.RawFileSystem, node, fh uint64) fuse.Status {
		h := header(node)
		return raw.Rmdir(nil, &h, "d")
	},
	"Rename": func(raw fuse.RawFileSystem, node, fh uint64) fuse.Status {
		return raw.Rename(nil, &fuse.RenameIn{InHeader: header(node), Newdir: root}, "f", "g")
	},
	"Link": func(raw fuse.RawFileSystem, node, fh uint64) fuse.Status {
		return raw.Link(nil, &fuse.LinkIn{InHeader: header(node), Oldnodeid: node}, "new", &fuse.EntryOut{})
	},
	"Symlink": func(raw fuse.RawFileSystem, node, fh uint64) fuse.Status {
		h := header(node)
		return raw.Symlink(nil, &h, "f", "new", &fuse.EntryOut{})
	},
	"SetXAttr": func(raw fuse.RawFileSystem, node, fh uint64) fuse.Status {
		return raw.SetXAttr(nil, &fuse.SetXAttrIn{InHeader: header(node)}, "user.a", []byte("b"))
	},
	"RemoveXAttr": func(raw fuse.RawFileSystem, node, fh uint64) fuse.Status {
		h := header(node)
		return raw.RemoveXAttr(nil, &h, "user.a")
	},
	"Create": func(raw fuse.RawFileSystem, node, fh uint64) fuse.Status {
		return raw.Create(nil, &fuse.CreateIn{InHeader: header(node)}, "new", &fuse.CreateOut{})
	},
	"Tmpfile": func(raw fuse.RawFileSystem, node, fh uint64) fuse.Status {
		return raw.Tmpfile(nil, &fuse.CreateIn{InHeader: header(node)}, &fuse.CreateOut{})
	},
	"Write": func(raw fuse.RawFileSystem, node, fh uint64) fuse.Status {
		_, status := raw.Write(nil, &fuse.WriteIn{InHeader: header(node), Fh: fh}, []byte("x"))
		return status
	},
	"Writev": func(raw fuse.RawFileSystem, node, fh uint64) fuse.Status {
		_, status := raw.Writev(nil, &fuse.WriteIn{InHeader: header(node), Fh: fh}, [][]byte{[]byte("x"), []byte("y")})
		return status
	},
	"CopyFileRange": func(raw fuse.RawFileSystem, node, fh uint64) fuse.Status {
		_, status := raw.CopyFileRange(nil, &fuse.CopyFileRangeIn{InHeader: header(node), FhIn: fh, NodeIdOut: node, FhOut: fh, Len: 1})
		return status
	},
	"Fallocate": func(raw fuse.RawFileSystem, node, fh uint64) fuse.Status {
		return raw.Fallocate(nil, &fuse.FallocateIn{InHeader: header(node), Fh: fh, Length: 1})
	},
}

// reads are the calls that change nothing of the file system.
var reads = []string{
	"Access", "Flush", "Forget", "Fsync", "FsyncDir", "GetAttr", "GetLk", "GetXAttr", "Init", "Ioctl", "ListXAttr",
	"Lookup", "Lseek", "OnUnmount", "Open", "OpenDir", "Read", "ReadDir", "ReadDirPlus", "Readlink", "Release",
	"ReleaseDir", "SetDebug", "SetLk", "SetLkw", "StatFs", "Statx", "String",
}

// A call that a new go-fuse adds is a decision to take: does it write?
func TestEveryCallIsKnown(t *testing.T) {
	known := slices.Sorted(slices.Values(append(slices.Collect(maps.Keys(writes)), reads...)))
	var have []string
	for m := range reflect.TypeFor[fuse.RawFileSystem]().Methods() {
		have = append(have, m.Name)
	}
	slices.Sort(have)
	equalAll(t, "calls of fuse.RawFileSystem", have, known)
}

func TestEveryWriteIsRefused(t *testing.T) {
	r := newRig(t, text("f", "d/x"))
	k := r.kernel(t)
	file := k.walk("f").NodeId
	fh := k.mustOpen(file)
	dir := k.walk("d").NodeId
	dh := k.opendir(dir)
	r.ResetLog()
	for name, write := range writes {
		equal(t, name+" on a file", write(k.raw, file, fh), fuse.EROFS)
		equal(t, name+" on a directory", write(k.raw, dir, dh), fuse.EROFS)
		equal(t, name+" on the root", write(k.raw, root, 0), fuse.EROFS)
	}
	r.asked(t)
	equal(t, "f afterwards", r.look(t, "", "f"), "f")
}

func TestOpenForWriting(t *testing.T) {
	r := newRig(t, text("f"))
	k := r.kernel(t)
	file := k.walk("f").NodeId
	r.ResetLog()
	for _, flags := range []uint32{
		syscall.O_WRONLY, syscall.O_RDWR, syscall.O_RDONLY | syscall.O_TRUNC, syscall.O_WRONLY | syscall.O_APPEND, syscall.O_ACCMODE,
	} {
		if _, status := k.open(file, flags); status != fuse.EROFS {
			t.Errorf("open with flags %#x: %v", flags, status)
		}
	}
	r.asked(t)
	out, status := k.open(file, syscall.O_RDONLY|syscall.O_APPEND)
	equal(t, "open for reading", status, fuse.OK)
	equal(t, "flags", out.OpenFlags, fuse.FOPEN_KEEP_CACHE|fuse.FOPEN_NOFLUSH)
}

// What there is nothing to do for costs nothing and fails nothing; what there is
// not says so in the way after which the kernel does not ask again.
func TestCallsWithoutEffect(t *testing.T) {
	r := newRig(t, text("f", "d/x"))
	k := r.kernel(t)
	file := k.walk("f").NodeId
	fh := k.mustOpen(file)
	dh := k.opendir(root)
	settle(r.dirs.get("").current(r.Tree))
	r.ResetLog()
	for _, node := range []uint64{file, root} {
		h := header(node)
		_, status := k.raw.GetXAttr(nil, &h, "user.a", make([]byte, 10))
		equal(t, "getxattr", status, fuse.ENOSYS)
		_, status = k.raw.ListXAttr(nil, &h, make([]byte, 10))
		equal(t, "listxattr", status, fuse.ENOSYS)
	}
	equal(t, "lseek", k.raw.Lseek(nil, &fuse.LseekIn{InHeader: header(file), Fh: fh}, &fuse.LseekOut{}), fuse.ENOSYS)
	equal(t, "fsync", k.raw.Fsync(nil, &fuse.FsyncIn{InHeader: header(file), Fh: fh}), fuse.OK)
	equal(t, "fsyncdir", k.raw.FsyncDir(nil, &fuse.FsyncIn{InHeader: header(root), Fh: dh}), fuse.OK)
	equal(t, "flush", k.raw.Flush(nil, &fuse.FlushIn{InHeader: header(file), Fh: fh}), fuse.OK)
	equal(t, "ioctl", k.raw.Ioctl(nil, &fuse.IoctlIn{InHeader: header(file), Fh: fh}, nil, &fuse.IoctlOut{}, nil), fuse.Status(syscall.ENOTTY))
	r.asked(t)
}
