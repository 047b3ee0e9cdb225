package fs

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"
	"pgregory.net/rapid"

	"s3mount/s3/s3test"
)

// put puts an object of any key.
func (m *model) put(rt *rapid.T) { m.change(func() { m.store(rt, m.key(rt)) }) }

// putClash puts one above, below or beside one that is there.
func (m *model) putClash(rt *rapid.T) {
	key := m.drawKey(rt)
	switch rapid.SampledFrom([]string{"below", "above", "beside", "marker", "replace"}).Draw(rt, "where") {
	case "below":
		key += "/" + m.key(rt)
	case "above":
		key = strings.TrimRight(key[:strings.LastIndexByte(key, '/')+1], "/")
	case "beside":
		key += rapid.SampledFrom([]string{"-", "\x01", "0", "%2F", "+"}).Draw(rt, "end")
		if !m.exotic {
			key = strings.ReplaceAll(key, "\x01", "!")
		}
	case "marker":
		key += "/"
	}
	if key == "" || len(key) > 100 {
		rt.Skip("no key")
	}
	m.change(func() { m.store(rt, key) })
}

// store makes an object of some bytes, which no other has.
func (m *model) store(rt *rapid.T, key string) {
	m.serial++
	size := rapid.SampledFrom([]int{0, 20, 20, 300, 140_000}).Draw(rt, "size")
	if m.serial > 50 {
		size = min(size, 300)
	}
	text := fmt.Sprintf("%d of %q ", m.serial, key)
	body := []byte(strings.Repeat(text, size/len(text)+1))[:size]
	m.keep(key, s3test.Object{
		Body:         body,
		LastModified: time.Unix(1_700_000_000+int64(rapid.IntRange(0, 2).Draw(rt, "time")), 0),
	})
}

// keep puts an object as it is.
func (m *model) keep(key string, o s3test.Object) {
	if was, ok := m.objects[key]; ok {
		m.old = append(m.old, was)
	}
	o = m.Put(m.prefix+key, o)
	o.VersionID = ""
	m.objects[key] = object{key, o}
}

// putBack puts an object once more that was replaced or deleted: the same version.
func (m *model) putBack(rt *rapid.T) {
	if len(m.old) == 0 {
		rt.Skip("nothing to put back")
	}
	o := rapid.SampledFrom(m.old).Draw(rt, "object")
	m.change(func() { m.keep(o.key, o.Object) })
}

func (m *model) delete(rt *rapid.T) {
	key := m.drawKey(rt)
	m.change(func() {
		m.old = append(m.old, m.objects[key])
		delete(m.objects, key)
		m.Delete(m.prefix + key)
	})
}

func (m *model) drawKey(rt *rapid.T) string {
	if len(m.objects) == 0 {
		rt.Skip("the bucket is empty")
	}
	return rapid.SampledFrom(slices.Sorted(maps.Keys(m.objects))).Draw(rt, "key there")
}

// change changes the bucket while no request is under way.
func (m *model) change(f func()) {
	m.quiet()
	f()
	m.see()
}

// quiet waits for the listings that somebody wants.
func (m *model) quiet() {
	for _, l := range m.listings() {
		if l.fed == nil {
			settle(l)
		}
	}
	if err := m.WaitIdle(m.Context()); err != nil {
		m.Fatal(err)
	}
}

func (m *model) listings() (all []*listing) {
	m.dirs.mu.Lock()
	directories := m.dirs.byKey.Values()
	m.dirs.mu.Unlock()
	for _, d := range directories {
		d.mu.Lock()
		if d.listing != nil {
			all = append(all, d.listing)
		}
		d.mu.Unlock()
	}
	return all
}

// expire has the TTL go by.
func (m *model) expire(*rapid.T) {
	m.scans.mu.Lock()
	scans := slices.Clone(m.scans.all)
	m.scans.mu.Unlock()
	for _, s := range scans {
		s.stop()
	}
	m.quiet()
	m.dirs.mu.Lock()
	prefixes := m.dirs.byKey.Keys()
	m.dirs.mu.Unlock()
	for _, prefix := range prefixes {
		m.age(prefix, 2*time.Hour)
	}
	m.walks.mu.Lock()
	m.born = m.born.Add(-2 * time.Hour)
	m.walks.mu.Unlock()
	m.known()
}

// remount ends the mount and makes another one.
func (m *model) remount(rt *rapid.T) {
	for _, h := range m.held {
		m.release(h)
	}
	m.held = nil
	m.closeDir()
	m.quiet()
	m.Tree.Close()
	m.rig = rigOn(m, m.Server, m.bucket, m.opts)
	if rapid.Bool().Draw(rt, "learn") {
		at := time.Now()
		if page, err := m.bucket.Probe(m.Context(), m.prefix); err == nil {
			m.Learn(page, at)
		} else if !m.failing {
			m.Fatal(err)
		}
	}
	m.enter()
}

// trouble begins, or ends. The server fails from some request on.
func (m *model) trouble(rt *rapid.T) {
	m.quiet()
	if m.failing {
		m.calm()
		return
	}
	m.failing = true
	if m.dir != nil { // others read the same listing
		m.dir.failed = true
	}
	m.ClearRules()
	m.AddRule(s3test.Rule{Skip: rapid.IntRange(0, 3).Draw(rt, "fine"), Action: s3test.Error(http.StatusServiceUnavailable, "SlowDown")})
	m.plainListings()
}

func (m *model) calm() {
	m.failing = false
	m.ClearRules()
	m.plainListings()
}

func (m *model) plainListings() {
	if !m.exotic {
		m.AddRule(s3test.Rule{Op: s3test.List, Action: s3test.Ignore("encoding-type")})
	}
}

// walkAll reads all directories, and looks all names up that are in them.
func (m *model) walkAll(rt *rapid.T) {
	room := rapid.SampledFrom([]int{512, 4096, 1 << 16}).Draw(rt, "room")
	plus := rapid.Bool().Draw(rt, "plus")
	m.walk("", room, plus)
}

func (m *model) walk(dir string, room int, plus bool) {
	node := m.nodes[dir]
	fh, release := m.kernel.opendirUntil(node)
	defer release()
	var names []string
	for off := uint64(0); ; {
		entries, outs, status := m.readdir(node, fh, off, room, plus)
		if status == fuse.EIO && m.failing {
			return
		}
		if !status.Ok() {
			m.Fatalf("readdir of %q: %v", dir, status)
		}
		if len(entries) == 0 {
			break
		}
		for i, e := range entries {
			if plus && outs[i].NodeId != 0 && e.Ino != outs[i].Ino {
				e.Mode ^= syscall.S_IFDIR ^ syscall.S_IFREG // go-fuse gives the number that was listed, and the type of the node
			}
			m.entry(dir, e)
			names = append(names, e.Name)
			if plus && len(names) > dots && outs[i].NodeId != 0 {
				m.looked("readdirplus", join(dir, e.Name), outs[i], fuse.OK)
			}
		}
		off = entries[len(entries)-1].Off
	}
	m.checkNames(dir, names)
	for _, name := range names[dots:] {
		out, there := m.look(dir, name)
		if there && out.Mode&fuse.S_IFDIR != 0 {
			m.walk(join(dir, name), room, plus)
		}
	}
}

func (m *model) readdir(node, fh, off uint64, room int, plus bool) ([]fuse.DirEntry, []fuse.EntryOut, fuse.Status) {
	if plus {
		return m.kernel.readdirplus(node, fh, off, room)
	}
	entries, status := m.kernel.readdir(node, fh, off, room)
	return entries, nil, status
}

// entry checks an entry of a directory.
func (m *model) entry(dir string, e fuse.DirEntry) {
	isDir := e.Mode&fuse.S_IFDIR != 0
	switch e.Name {
	case ".":
		m.checkInode("readdir's .", dir, true, e.Ino)
	case "..":
		if dir != "" {
			dir, _ = split(dir)
		}
		m.checkInode("readdir's ..", dir, true, e.Ino)
	default:
		path := join(dir, e.Name)
		m.checkInode("readdir", path, isDir, e.Ino)
		for _, v := range m.seen {
			if at := v.at(path); !at.absent && at.dir == isDir {
				return
			}
		}
		m.Fatalf("readdir gives %q, directory %v; it is %+v", path, isDir, m.now().at(path))
	}
}

// checkNames holds the names of a directory against what is there.
func (m *model) checkNames(dir string, names []string) {
	if len(names) < dots || names[0] != "." || names[1] != ".." {
		m.Fatalf("%q begins with %q", dir, names)
	}
	names = names[dots:]
	plain := names
	if n := len(names); n > 0 && names[n-1] == doorName && !isBehind(dir) {
		plain = names[:n-1] // it comes behind the others
	}
	if !m.server.Unsorted && !isBehind(dir) && !slices.IsSortedFunc(plain, func(a, b string) int { return strings.Compare(a+"/", b+"/") }) {
		m.Fatalf("%q is not in the order of keys: %q", dir, names)
	}
	listed := map[string]bool{}
	for _, name := range names {
		if listed[name] {
			m.Fatalf("%q has %q twice", dir, name)
		}
		listed[name] = true
	}
	if m.plain && len(plain) < len(names) {
		m.Fatalf("%q has a door, and names are plain", dir)
	}
	for path := range m.now().tree {
		above, name := split(path)
		switch {
		case above != dir || listed[name]:
		case !m.now().isDoor(path):
			m.check("readdir", path, shownAs{absent: true})
		case !m.plain && !slices.ContainsFunc(m.seen, func(v state) bool { return !v.tree[path].dir }):
			m.Fatalf("readdir of %q lacks the door", dir)
		}
	}
}

// lookupOne looks a path up that may be there, in a bucket that may be known.
func (m *model) lookupOne(rt *rapid.T) {
	path := m.key(rt)
	if tree := m.now().tree; len(tree) > 0 && rapid.Bool().Draw(rt, "shown") {
		path = rapid.SampledFrom(slices.Sorted(maps.Keys(tree))).Draw(rt, "path")
	} else if len(m.objects) > 0 && rapid.Bool().Draw(rt, "there") {
		path = m.drawKey(rt)
		path = path[:rapid.IntRange(0, len(path)).Draw(rt, "cut")]
	}
	m.walkTo(strings.Trim(path, "/"))
}

// lookupKnown looks a name up in a directory that the kernel knows, though it may
// be gone.
func (m *model) lookupKnown(rt *rapid.T) {
	dir := rapid.SampledFrom(slices.Sorted(maps.Keys(m.nodes))).Draw(rt, "directory")
	if name := strings.ReplaceAll(m.key(rt), "/", ""); !isDots(name) {
		m.look(dir, name)
	}
	if rapid.Bool().Draw(rt, "walk") {
		m.walk(dir, 4096, true)
	}
}

// A heldDir is an open directory that is read bit by bit while the bucket changes.
type heldDir struct {
	path     string
	node, fh uint64
	off      uint64
	names    []string
	states   []state // since what it says may have been learned
	failed   bool    // the server was in trouble meanwhile
	release  func()
}

// readOn opens a directory, or reads on in the one that is open.
func (m *model) readOn(rt *rapid.T) {
	if m.dir == nil {
		path := rapid.SampledFrom(slices.Sorted(maps.Keys(m.nodes))).Draw(rt, "directory")
		d := &heldDir{path: path, node: m.nodes[path], states: slices.Clone(m.seen)}
		d.fh, d.release = m.kernel.opendirUntil(d.node)
		m.dir = d
	}
	d := m.dir
	entries, status := m.kernel.readdir(d.node, d.fh, d.off, 120+40*rapid.IntRange(1, 5).Draw(rt, "entries"))
	d.failed = d.failed || m.failing // an open directory whose listing has failed says so until it is rewound
	if status == fuse.EIO && d.failed {
		m.closeDir()
		return
	}
	if !status.Ok() {
		m.Fatalf("readdir on of %q: %v", d.path, status)
	}
	for _, e := range entries {
		d.names, d.off = append(d.names, e.Name), e.Off
	}
	if len(entries) == 0 {
		m.checkHeld(d)
		m.closeDir()
	}
}

// checkHeld: no name twice, and none left out that was there all the time.
func (m *model) checkHeld(d *heldDir) {
	listed := map[string]bool{}
	for _, name := range d.names {
		if listed[name] {
			m.Fatalf("%q has %q twice: %q", d.path, name, d.names)
		}
		listed[name] = true
	}
	for path := range d.states[0].tree {
		name, below := strings.CutPrefix(path, join(d.path, ""))
		if d.path == "" {
			name, below = path, true
		}
		if !below || strings.Contains(name, "/") || listed[name] || m.plain && d.states[0].isDoor(path) {
			continue
		}
		if !slices.ContainsFunc(d.states, func(v state) bool {
			return v.tree[path].dir != d.states[0].tree[path].dir || v.at(path) != d.states[0].at(path)
		}) {
			m.Fatalf("%q lacks %q, which was there all the time: %q", d.path, name, d.names)
		}
	}
}

func (m *model) closeDir() {
	if m.dir != nil {
		m.dir.release()
		m.dir = nil
	}
}
