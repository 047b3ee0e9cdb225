package fs

import (
	"context"
	"flag"
	"fmt"
	"maps"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"
	"pgregory.net/rapid"

	"s3mount/s3/s3test"
)

// A quick run by default; -rapid.checks=10000 -rapid.steps=30 is a thorough one.
func init() { flag.Set("rapid.steps", "12") }

// TestModel holds a mount against the definition, at random: keys of a few bytes
// that clash all the time, put and deleted behind its back, on servers of all
// kinds.
func TestModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		m := newModel(t, rt)
		rt.Repeat(map[string]func(*rapid.T){
			"put":       m.put,
			"put below": m.putClash,
			"put back":  m.putBack,
			"delete":    m.delete,
			"expire":    m.expire,
			"refresh":   m.refreshAll,
			"refresh 1": m.refreshOne,
			"remount":   m.remount,
			"trouble":   m.trouble,
			"walk":      m.walkAll,
			"walk on":   m.readOn,
			"lookup":    m.lookupOne,
			"again":     m.lookupKnown,
			"read":      m.readOne,
			"hold":      m.hold,
			"read held": m.readHeld,
		})
		m.calm()
		m.expire(rt)
		m.walkAll(rt)
	})
}

// What is in the table is what a mount shows, whatever the pages are and their
// order: read, looked up without being read, and looked up by the whole key.
func TestMountShowsTheDefinition(t *testing.T) {
	for _, tt := range definitionTable {
		for _, o := range []s3test.Options{{}, {PageSize: 1}, {PageSize: 2}, {PageSize: 1, Unsorted: true}} {
			t.Run(fmt.Sprintf("%.40q %+v", tt.keys, o.PageSize), func(t *testing.T) {
				m := &model{TB: t, objects: map[string]object{}, inodes: map[string]uint64{}, server: o, rig: newRig(t, o)}
				for key, size := range tableObjects(tt.keys) {
					m.keep(key, s3test.Object{Body: []byte("x")[:size]})
				}
				m.see()
				m.enter()
				for _, path := range slices.Backward(slices.Sorted(maps.Keys(m.now().tree))) {
					m.walkTo(path)
				}
				for _, key := range slices.Backward(tableWords(tt.keys)) {
					if !strings.Contains(key, "\x00") { // which no call can say
						m.walkTo(strings.Trim(strings.TrimSuffix(key, "="), "/"))
					}
				}
				m.walk("", 512, false)
				m.walk("", 4096, true)
			})
		}
	}
}

// A model is a mount, and what is in the bucket.
type model struct {
	testing.TB
	*rig
	kernel kernel
	opts   func(*Options)
	prefix string
	plain  bool     // doors are not listed
	filter *filters // of keys below the prefix
	exotic bool     // the bucket has keys that only an encoded listing can carry
	server s3test.Options

	objects map[string]object // by key below the prefix
	old     []object          // that were replaced or deleted, with their keys
	serial  int
	seen    []state // what has been in the bucket since what the mount knows may have been learned; the last is now
	failing bool    // the server is in trouble

	inodes map[string]uint64 // by path, a directory's with "/": over all mounts
	nodes  map[string]uint64 // of directories, by path: as the kernel knows them
	held   []heldFile
	dir    *heldDir
}

// An object is what a key holds.
type object struct {
	key string
	s3test.Object
}

// A state is what the bucket is: what is shown, and the object of each file.
type state struct {
	tree    map[string]place
	objects map[string]object
}

// A checkTB is a test as the rig knows it, whose failures are those of one check.
type checkTB struct {
	testing.TB
	check *rapid.T
}

func (c checkTB) Cleanup(f func())                  { c.check.Cleanup(f) }
func (c checkTB) Context() context.Context          { return c.check.Context() }
func (c checkTB) Errorf(format string, args ...any) { c.check.Errorf(format, args...) }
func (c checkTB) Fatalf(format string, args ...any) { c.check.Fatalf(format, args...) }
func (c checkTB) Error(args ...any)                 { c.check.Error(args...) }
func (c checkTB) Fatal(args ...any)                 { c.check.Fatal(args...) }
func (c checkTB) Logf(string, ...any)               {} // of refused signatures and broken connections

// newModel draws a server, what is in its bucket, and how it is mounted.
func newModel(t *testing.T, rt *rapid.T) *model {
	m := &model{TB: checkTB{t, rt}, objects: map[string]object{}, inodes: map[string]uint64{}}
	o := s3test.Options{
		PageSize:  rapid.SampledFrom([]int{1, 2, 3, 5, 1000, 120}).Draw(rt, "page size"),
		Unsorted:  rapid.SampledFrom([]bool{false, false, true}).Draw(rt, "unsorted"),
		Versioned: rapid.SampledFrom([]bool{false, false, true}).Draw(rt, "versioned"),
		DenyHead:  rapid.SampledFrom([]bool{false, false, false, true}).Draw(rt, "deny HEAD"),
	}
	m.exotic = rapid.SampledFrom([]bool{true, true, false}).Draw(rt, "encoded listings")
	m.plain = rapid.SampledFrom([]bool{false, false, true}).Draw(rt, "plain names")
	m.prefix = rapid.SampledFrom([]string{"", "", "a/", "/", "a//", "./"}).Draw(rt, "prefix")
	m.server = o
	var all []Filter
	if rapid.SampledFrom([]bool{false, false, true}).Draw(rt, "filtered") {
		all = drawFilters(rt)
	}
	m.filter, _ = newFilters("", all)
	bounds := func(o *Options) {
		o.TTL = rapid.SampledFrom([]time.Duration{time.Hour, time.Hour, 0}).Draw(rt, "TTL")
		o.MaxEntries = rapid.SampledFrom([]int{0, 0, 3, 20}).Draw(rt, "entries remembered")
		o.Prefix, o.PlainNames, o.Filters = m.prefix, m.plain, all
	}
	m.rig = newRig(m, o, bounds)
	m.opts = func(o *Options) {
		o.TTL, o.MaxEntries, o.Prefix = m.Tree.opts.TTL, m.Tree.opts.MaxEntries, m.prefix
		o.PlainNames, o.Filters = m.plain, all
	}
	m.calm()
	n := rapid.SampledFrom([]int{0, 3, 10, 10, 150}).Draw(rt, "objects")
	for range n {
		m.store(rt, m.key(rt))
	}
	m.see()
	m.enter()
	return m
}

// enter begins on a mount of which the kernel knows the root only.
func (m *model) enter() {
	m.kernel = m.rig.kernel(m)
	m.nodes = map[string]uint64{"": root}
	m.known()
}

// see notes what the bucket has become.
func (m *model) see() {
	sizes := map[string]int64{}
	v := state{objects: map[string]object{}}
	for key, o := range m.objects {
		sizes[key], v.objects[key] = o.Size, o
	}
	v.tree, _ = definition(sizes, m.filter)
	m.seen = append(m.seen, v)
	if m.dir != nil {
		m.dir.states = append(m.dir.states, v)
	}
	if m.Tree.opts.TTL == 0 {
		m.known()
	}
}

// known says that nothing older than now is believed.
func (m *model) known() { m.seen = m.seen[max(len(m.seen)-1, 0):] }

func (m *model) now() state { return m.seen[len(m.seen)-1] }

// sure says whether the mount must show what is in the bucket now.
func (m *model) sure() bool { return len(m.seen) == 1 }

// key draws a key.
func (m *model) key(rt *rapid.T) string {
	letters := []string{"/", "/", "a", "a", "-", ".", "\n", "%", "+", "ü", "/", "%2F", doorName, "\x01", "\xff"}
	if !m.exotic {
		letters = letters[:13]
	}
	word := rapid.SliceOfN(rapid.SampledFrom(letters), 1, 6).Draw(rt, "key")
	return strings.Join(word, "")
}

// shownAs is what was seen of a path.
type shownAs struct {
	absent bool
	dir    bool
	size   int64
	mtime  int64
}

func (v state) at(path string) shownAs {
	p, ok := v.tree[path]
	switch {
	case v.isDoor(path):
		return shownAs{dir: true}
	case !ok:
		return shownAs{absent: true}
	case p.dir:
		return shownAs{dir: true}
	}
	return shownAs{size: p.size, mtime: v.objects[p.key].LastModified.Unix()}
}

// isDoor says whether a path is that of a directory's door, which is there though
// nothing is behind it.
func (v state) isDoor(path string) bool {
	dir, name := split(path)
	return name == doorName && !isBehind(dir) && (dir == "" || v.at(dir).dir)
}

// isBehind says whether the names in a directory are those of a door.
func isBehind(dir string) bool {
	above, name := split(dir)
	return name == doorName || strings.HasSuffix(name, partMark) && isBehind(above)
}

// split is join's counterpart.
func split(path string) (dir, name string) {
	if i := strings.LastIndexByte(path, '/'); i >= 0 {
		return path[:i], path[i+1:]
	}
	return "", path
}

// hold says whether what was seen of a path is in the bucket, or has been since
// it may have been learned.
func (m *model) check(how, path string, got shownAs) {
	m.Helper()
	want := m.now().at(path)
	differs := false
	for _, v := range m.seen {
		if v.at(path) == got {
			return
		}
		differs = differs || v.at(path) != want
	}
	if got.absent && differs {
		return // between two pages it became something else
	}
	m.Fatalf("%s of %q: %+v, want %+v (of %d states)", how, path, got, want, len(m.seen))
}

// checkInode holds a number to those that were given before.
func (m *model) checkInode(how, path string, dir bool, ino uint64) {
	m.Helper()
	if dir && path != "" {
		path += "/"
	}
	if was, ok := m.inodes[path]; ok && was != ino {
		m.Fatalf("%s of %q: inode %x, and was %x", how, path, ino, was)
	}
	m.inodes[path] = ino
}

// look looks a name up.
func (m *model) look(dir, name string) (fuse.EntryOut, bool) {
	m.Helper()
	path := join(dir, name)
	out, status := m.kernel.lookup(m.nodes[dir], name)
	return out, m.looked("lookup", path, out, status)
}

// looked takes the answer to a lookup in. It says whether there is something.
func (m *model) looked(how, path string, out fuse.EntryOut, status fuse.Status) bool {
	m.Helper()
	long := len(path)-strings.LastIndexByte(path, '/')-1 > nameMax
	switch {
	case long && status == fuse.Status(syscall.ENAMETOOLONG):
		m.check(how, path, shownAs{absent: true})
		return false
	case status == fuse.ENOENT && !long:
		m.check(how, path, shownAs{absent: true})
		return false
	case status == fuse.EIO && m.failing:
		return false
	case !status.Ok():
		m.Fatalf("%s of %q: %v", how, path, status)
	}
	dir := out.Mode&fuse.S_IFDIR != 0
	m.checkInode(how, path, dir, out.Ino)
	if dir {
		if above, name := split(path); name != doorName || isBehind(above) { // a door is in what is no directory any more, too
			m.check(how, path, shownAs{dir: true})
		}
		m.nodes[path] = out.NodeId
	} else {
		m.check(how, path, shownAs{size: int64(out.Size), mtime: int64(out.Mtime)})
	}
	attr, status := m.kernel.getattr(out.NodeId)
	if !status.Ok() || attr.Attr != out.Attr {
		m.Fatalf("getattr of %q: %v, %+v, want %+v", path, status, attr.Attr, out.Attr)
	}
	return true
}

// walkTo looks a path up component by component.
func (m *model) walkTo(path string) (out fuse.EntryOut, there bool) {
	m.Helper()
	at := ""
	out.NodeId = root
	for name := range strings.SplitSeq(path, "/") {
		if isDots(name) {
			return out, false
		}
		if out, there = m.look(at, name); !there {
			return out, false
		}
		at = join(at, name)
		if out.Mode&fuse.S_IFDIR == 0 {
			return out, at == path
		}
	}
	return out, true
}

// isDots says that the kernel does not ask for a name but knows what it is.
func isDots(name string) bool { return name == "" || name == "." || name == ".." }

func join(dir, name string) string {
	if dir == "" {
		return name
	}
	return dir + "/" + name
}
