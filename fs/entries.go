package fs

import (
	"slices"
	"strings"

	"s3mount/s3"
)

// An entry is what a listing says of one name.
type entry struct {
	name  string
	tag   string // names the version; "" for a directory
	size  int64  // bytes; -1: not known, to be asked for
	mtime int64  // seconds since 1970; 0: not known
	dir   bool
	class storageClass

	version versionOf // where versions are asked for
}

// unclassed is what makes an entry another one: all but its class.
func (e entry) unclassed() entry {
	e.class = 0
	return e
}

// entries collects the entries of one directory as its listing comes in, and
// settles each name when nothing more can come for it.
//
// S3 sorts keys, and a directory's name comes with the "/" behind it: "a",
// then perhaps a million of "a-...", "a....", then "a/". The object is hidden
// by the directory, so "a" is settled only when a key above "a/" has come.
// Settled entries are in the order of compareNames, each name once.
//
// Some servers do not sort. Then what came out of order waits until the listing
// is whole, and is put behind what was settled before.
type entries struct {
	settled table
	held    []entry  // objects whose name may yet be a directory's; the last is the first to settle
	last    string   // the highest key seen, relative to the directory
	late    []entry  // what came out of order
	order   []uint32 // of settled by name, when that is not its own order; set by finish
	hidden  hidden   // what cannot be shown, or is hidden by a directory
	marked  bool     // the directory's own marker is among the keys
	ordered int      // entries that came in order
	mixed   bool     // one came out of order

	versions *versionsBelow // several entries may be of one key: see there; nil: no
}

// add takes the next entry of the listing of prefix.
func (s *entries) add(prefix string, e s3.Entry) {
	key := strings.TrimPrefix(e.Key, prefix)
	if s.versions != nil {
		s.addVersion(key, e)
		return
	}
	again := s.marked
	order := s.come(key)
	switch {
	case key == "": // the directory itself; what bytes it has cannot be shown
		if !again && e.Size != 0 {
			s.hidden.add(entryOf("", objectOf(e)))
		}
		return
	case order == 0: // again: a page began where the last one ended
		return
	}
	n := entry{name: strings.TrimSuffix(key, "/"), dir: true}
	if !e.Prefix {
		n = entryOf(n.name, objectOf(e))
	}
	if !showable(n.name) {
		s.hidden.add(n)
		return
	}
	if order < 0 {
		s.late = append(s.late, n)
		return
	}
	s.take(n)
}

// len is how many entries are remembered.
func (s *entries) len() int { return s.settled.len() + s.hidden.len() }

// objectOf is an entry of a listing as HEAD would describe it.
func objectOf(e s3.Entry) s3.Object {
	return s3.Object{Key: e.Key, ETag: e.ETag, Size: e.Size, LastModified: e.LastModified, VersionID: e.VersionID, StorageClass: e.StorageClass}
}

// pass takes the next entry where it is filtered out: it is in the listing, which
// goes on behind it, and not in the directory.
func (s *entries) pass(prefix string, e s3.Entry) {
	key := strings.TrimPrefix(e.Key, prefix)
	if s.versions != nil {
		s.comeVersion(key)
		return
	}
	s.come(key)
}

// come notes that a key has come, and settles what it settles. It says how the
// key compares to those before it.
func (s *entries) come(key string) (order int) {
	if key == "" {
		s.marked = true
		s.mixed = s.mixed || s.last != ""
		return 0
	}
	order = strings.Compare(key, s.last)
	switch {
	case order > 0:
		s.last = key
		s.ordered++
		s.settle(key)
	case order < 0:
		s.mixed = true
	}
	return order
}

// settle settles the held objects that come before key.
func (s *entries) settle(key string) {
	for len(s.held) > 0 {
		top := s.held[len(s.held)-1]
		if top.name+"/" >= key {
			return
		}
		s.held = s.held[:len(s.held)-1]
		s.settled.add(top)
	}
}

// take takes an entry that came in order: all before it are settled.
func (s *entries) take(n entry) {
	if !n.dir {
		s.held = append(s.held, n)
		return
	}
	if h := len(s.held); h > 0 && s.held[h-1].name == n.name {
		s.hidden.add(s.held[h-1])
		s.held = s.held[:h-1]
	}
	s.settled.add(n)
}

// rest is called when nothing may come for a while: what is held is held alone,
// and not with the page that it is a part of.
func (s *entries) rest() {
	s.last = strings.Clone(s.last)
	for i := range s.held {
		h := &s.held[i]
		h.name, h.tag, h.version = strings.Clone(h.name), strings.Clone(h.tag), versionOf(strings.Clone(string(h.version)))
	}
}

// finish settles everything: the listing is whole.
func (s *entries) finish() {
	for len(s.held) > 0 {
		s.settled.add(s.held[len(s.held)-1])
		s.held = s.held[:len(s.held)-1]
	}
	s.held = nil
	s.last = strings.Clone(s.last) // not the page that it is a part of
	if s.versions != nil {
		s.finishVersions()
	} else {
		s.finishLate()
	}
	s.settled.seal()
	s.hidden.finish()
}

// finishLate puts what came out of order behind the rest.
func (s *entries) finishLate() {
	if len(s.late) == 0 {
		return
	}
	at := make(map[string]int, s.settled.len()+len(s.late))
	for i := range s.settled.len() {
		at[string(s.settled.name(i))] = i
	}
	for _, e := range s.late {
		i, there := at[e.name]
		switch {
		case !there:
			at[e.name] = s.settled.len()
			s.settled.add(e)
		case e.dir && !s.settled.isDir(i): // shown as a file so far: its place stays
			s.hidden.add(s.settled.at(i))
			s.settled.replace(i, e)
		case !e.dir && s.settled.isDir(i):
			s.hidden.add(e)
		}
	}
	s.late = nil
	s.order = make([]uint32, s.settled.len())
	for i := range s.order {
		s.order[i] = uint32(i)
	}
	slices.SortFunc(s.order, func(a, b uint32) int {
		return compareNames(s.settled.name(int(a)), s.settled.name(int(b)))
	})
}

// find looks a name up among the settled.
func (s *entries) find(name string) (entry, bool) {
	i, ok := s.index(name)
	if !ok {
		return entry{}, false
	}
	return s.settled.at(i), true
}

// index says which of the settled entries has a name.
func (s *entries) index(name string) (int, bool) {
	if s.order == nil {
		return s.settled.find(name)
	}
	i, ok := slices.BinarySearchFunc(s.order, []byte(name), func(i uint32, name []byte) int {
		return compareNames(s.settled.name(int(i)), name)
	})
	if !ok {
		return 0, false
	}
	return int(s.order[i]), true
}
