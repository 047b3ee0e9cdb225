package fs

import (
	"strings"

	"github.com/hanwen/go-fuse/v2/fuse"
	"pgregory.net/rapid"
)

// refreshAll has the mount forget everything: nothing older than now is believed.
func (m *model) refreshAll(*rapid.T) {
	if _, status := m.kernel.refresh(""); !status.Ok() {
		m.Fatalf("refresh: %v", status)
	}
	m.known()
}

// refreshOne has it forget one path, which is then what it is in the bucket,
// whatever is believed of what it is in.
func (m *model) refreshOne(rt *rapid.T) {
	path := m.key(rt)
	if len(m.objects) > 0 && rapid.Bool().Draw(rt, "there") {
		path = m.drawKey(rt)
		for range rapid.IntRange(0, 2).Draw(rt, "levels up") {
			path = path[:max(strings.LastIndexByte(path, '/'), 0)]
		}
	} else if len(m.old) > 0 && rapid.Bool().Draw(rt, "was there") {
		path = rapid.SampledFrom(m.old).Draw(rt, "object").key
	}
	path = strings.Trim(path, "/")
	if _, status := m.kernel.refresh(path); !status.Ok() && status != fuse.ENOENT {
		m.Fatalf("refresh of %q: %v", path, status)
	}
	dir, name := dirOf(path)
	dir = strings.TrimSuffix(dir, "/")
	if isDots(name) || m.failing {
		return
	}
	if dir != "" {
		if out, there := m.walkTo(dir); !there || out.Mode&fuse.S_IFDIR == 0 {
			return
		}
	}
	seen := m.seen
	m.known()
	m.look(dir, name)
	m.seen = seen
}
