package fs

import (
	"log/slog"
	"testing"

	fusefs "github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
)

// A kernel makes the calls that the kernel makes, without one.
type kernel struct {
	testing.TB
	raw fuse.RawFileSystem
}

const root = fuse.FUSE_ROOT_ID

func (r *rig) kernel(t testing.TB) kernel {
	return kernel{t, fusefs.NewNodeFS(r.Root(), fuseOptions(r.opts, MountOptions{Log: slog.New(slog.DiscardHandler)}))}
}

func header(node uint64) fuse.InHeader { return fuse.InHeader{NodeId: node} }

func (k kernel) lookup(parent uint64, name string) (fuse.EntryOut, fuse.Status) {
	h := header(parent)
	var out fuse.EntryOut
	status := k.raw.Lookup(nil, &h, name, &out)
	return out, status
}

// walk looks names up one below the other, from the root.
func (k kernel) walk(names ...string) fuse.EntryOut {
	k.Helper()
	at := fuse.EntryOut{NodeId: root}
	for _, name := range names {
		next, status := k.lookup(at.NodeId, name)
		if !status.Ok() {
			k.Fatalf("lookup of %q: %v", name, status)
		}
		at = next
	}
	return at
}

func (k kernel) getattr(node uint64) (fuse.AttrOut, fuse.Status) {
	var out fuse.AttrOut
	status := k.raw.GetAttr(nil, &fuse.GetAttrIn{InHeader: header(node)}, &out)
	return out, status
}

// refresh is what `s3mount refresh` does, by the root.
func (k kernel) refresh(path string) (int32, fuse.Status) {
	arg := make([]byte, refreshMost)
	copy(arg, path)
	var out fuse.IoctlOut
	status := k.raw.Ioctl(nil, &fuse.IoctlIn{InHeader: header(root), Cmd: refreshCall}, arg, &out, nil)
	return out.Result, status
}

// open gives the handle, to be released at the end of the test.
func (k kernel) open(node uint64, flags uint32) (fuse.OpenOut, fuse.Status) {
	var out fuse.OpenOut
	status := k.raw.Open(nil, &fuse.OpenIn{InHeader: header(node), Flags: flags}, &out)
	if status.Ok() {
		k.Cleanup(func() { k.raw.Release(nil, &fuse.ReleaseIn{InHeader: header(node), Fh: out.Fh}) })
	}
	return out, status
}

// mustOpen opens for reading.
func (k kernel) mustOpen(node uint64) uint64 {
	k.Helper()
	out, status := k.open(node, 0)
	if !status.Ok() {
		k.Fatalf("open: %v", status)
	}
	return out.Fh
}

func (k kernel) read(node, fh uint64, off int64, n int) ([]byte, fuse.Status) {
	buf := make([]byte, n)
	res, status := k.raw.Read(nil, &fuse.ReadIn{InHeader: header(node), Fh: fh, Offset: uint64(off), Size: uint32(n)}, buf)
	if !status.Ok() {
		return nil, status
	}
	p, status := res.Bytes(buf)
	if len(p) != res.Size() {
		k.Errorf("a result of size %d has %d bytes", res.Size(), len(p))
	}
	res.Done()
	return p, status
}

// opendir gives the handle, to be released at the end of the test.
func (k kernel) opendir(node uint64) uint64 {
	k.Helper()
	fh, release := k.opendirUntil(node)
	k.Cleanup(release)
	return fh
}

func (k kernel) opendirUntil(node uint64) (fh uint64, release func()) {
	k.Helper()
	var out fuse.OpenOut
	if status := k.raw.OpenDir(nil, &fuse.OpenIn{InHeader: header(node)}, &out); !status.Ok() {
		k.Fatalf("opendir: %v", status)
	}
	return out.Fh, func() { k.raw.ReleaseDir(&fuse.ReleaseIn{InHeader: header(node), Fh: out.Fh}) }
}

// readdir is one READDIR with room for so many bytes.
func (k kernel) readdir(node, fh, off uint64, room int) ([]fuse.DirEntry, fuse.Status) {
	k.Helper()
	list := fuse.NewDirEntryList(make([]byte, room), off)
	status := k.raw.ReadDir(nil, &fuse.ReadIn{InHeader: header(node), Fh: fh, Offset: off}, list)
	entries, err := fuse.ParseDirEntries(list.Bytes())
	if err != nil {
		k.Fatal(err)
	}
	return entries, status
}

func (k kernel) readdirplus(node, fh, off uint64, room int) ([]fuse.DirEntry, []fuse.EntryOut, fuse.Status) {
	k.Helper()
	list := fuse.NewDirEntryList(make([]byte, room), off)
	status := k.raw.ReadDirPlus(nil, &fuse.ReadIn{InHeader: header(node), Fh: fh, Offset: off}, list)
	entries, outs, err := fuse.ParseDirLookupEntries(list.Bytes())
	if err != nil {
		k.Fatal(err)
	}
	return entries, outs, status
}

// all reads a directory from an offset to its end.
func (k kernel) all(node, fh, off uint64, room int) []fuse.DirEntry {
	k.Helper()
	var all []fuse.DirEntry
	for {
		some, status := k.readdir(node, fh, off, room)
		if !status.Ok() {
			k.Fatalf("readdir at %d: %v", off, status)
		}
		if len(some) == 0 {
			return all
		}
		all = append(all, some...)
		off = some[len(some)-1].Off
	}
}

func entryNames(entries []fuse.DirEntry) []string {
	var names []string
	for _, e := range entries {
		names = append(names, e.Name)
	}
	return names
}
