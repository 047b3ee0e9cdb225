package fs

import (
	"bytes"
	"slices"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fuse"
	"pgregory.net/rapid"
)

// A heldFile is an open file.
type heldFile struct {
	path     string
	node, fh uint64
	object   object
}

// readOne reads a file, in pieces.
func (m *model) readOne(rt *rapid.T) {
	if h, ok := m.openOne(rt); ok {
		m.release(h)
	}
}

// hold leaves it open.
func (m *model) hold(rt *rapid.T) {
	if h, ok := m.openOne(rt); ok {
		m.held = append(m.held, h)
	}
}

func (m *model) release(h heldFile) {
	m.kernel.raw.Release(nil, &fuse.ReleaseIn{InHeader: header(h.node), Fh: h.fh})
}

// openOne opens a file and reads all of it.
func (m *model) openOne(rt *rapid.T) (h heldFile, ok bool) {
	var files []string
	for _, v := range m.seen {
		for path, p := range v.tree {
			if !p.dir {
				files = append(files, path)
			}
		}
	}
	if len(files) == 0 {
		rt.Skip("no files")
	}
	slices.Sort(files)
	path := rapid.SampledFrom(slices.Compact(files)).Draw(rt, "file")
	states := m.seen
	out, there := m.walkTo(path)
	if !there || out.Mode&fuse.S_IFDIR != 0 {
		return h, false
	}
	status := m.open(out.NodeId, &h)
	if status == fuse.Status(syscall.ESTALE) && !m.sure() { // the kernel looks again, and opens what is there now
		states = m.seen[len(m.seen)-1:]
		dir, name := split(path)
		m.seen, states = states, m.seen
		out, there = m.look(dir, name)
		m.seen, states = states, m.seen
		if !there || out.Mode&fuse.S_IFDIR != 0 {
			return h, false
		}
		status = m.open(out.NodeId, &h)
	}
	switch {
	case status == fuse.EIO && m.failing:
		return h, false
	case status == fuse.EACCES && m.server.DenyHead && out.Size == 0: // an empty one is asked for with HEAD
		return h, false
	case !status.Ok():
		m.Fatalf("open of %q: %v", path, status)
	}
	h.path = path
	got, status := m.readAll(h, rapid.SampledFrom([]int{7, 4096, 1 << 17}).Draw(rt, "piece"), int(out.Size))
	switch {
	case status == fuse.EIO && m.failing, status == fuse.Status(syscall.ESTALE) && !m.sure():
		m.release(h)
		return h, false
	case !status.Ok():
		m.Fatalf("read of %q: %v", path, status)
	}
	for _, v := range slices.Backward(states) {
		if p, ok := v.tree[path]; ok && !p.dir && bytes.Equal(v.objects[p.key].Body, got) {
			h.object = v.objects[p.key]
			return h, true
		}
	}
	m.Fatalf("read of %q gives %.60q", path, got)
	return h, false
}

func (m *model) open(node uint64, h *heldFile) fuse.Status {
	var out fuse.OpenOut
	status := m.kernel.raw.Open(nil, &fuse.OpenIn{InHeader: header(node)}, &out)
	h.node, h.fh = node, out.Fh
	return status
}

// readAll reads a file as the kernel does, up to its size, and once behind it.
func (m *model) readAll(h heldFile, piece, size int) ([]byte, fuse.Status) {
	var all []byte
	if size > 1000 {
		piece = max(piece, 4096)
	}
	for len(all) < size {
		some, status := m.kernel.read(h.node, h.fh, int64(len(all)), piece)
		if !status.Ok() {
			return nil, status
		}
		if len(some) != min(piece, size-len(all)) {
			m.Fatalf("a read of %d at %d of %d gives %d", piece, len(all), size, len(some))
		}
		all = append(all, some...)
	}
	if some, status := m.kernel.read(h.node, h.fh, int64(size), piece); len(some) > 0 || !status.Ok() {
		m.Fatalf("a read at the end gives %d bytes, %v", len(some), status)
	}
	return all, fuse.OK
}

// readHeld reads a file again that is open: the same bytes, or ESTALE if it is
// another one now.
func (m *model) readHeld(rt *rapid.T) {
	if len(m.held) == 0 {
		rt.Skip("nothing is open")
	}
	h := rapid.SampledFrom(m.held).Draw(rt, "file")
	got, status := m.readAll(h, 1<<17, int(h.object.Size))
	switch now, there := m.objects[h.object.key]; {
	case status == fuse.EIO && m.failing:
	case status == fuse.Status(syscall.ESTALE) && (!there || now.ETag != h.object.ETag):
	case !status.Ok():
		m.Fatalf("read of the open %q: %v", h.path, status)
	case !bytes.Equal(got, h.object.Body):
		m.Fatalf("read of the open %q gives %.60q, want %.60q", h.path, got, h.object.Body)
	}
}
