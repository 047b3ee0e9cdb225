package fs

import (
	"bytes"
	"cmp"
	"iter"
	"slices"
	"strings"
)

// hidden are the entries of a directory that cannot be shown under their own
// names: those that are behind its side door. Names are what the keys have behind
// the directory's, without a slash at the end.
type hidden struct {
	short table    // those whose names a table can hold
	long  []entry  // the others
	order []uint32 // of short, by name; set by finish
}

func (h *hidden) add(e entry) {
	if len(e.name) <= nameMax {
		h.short.add(e)
		return
	}
	e.name, e.tag = strings.Clone(e.name), strings.Clone(e.tag) // not the page that they are a part of
	e.version = versionOf(strings.Clone(string(e.version)))
	h.long = append(h.long, e)
}

func (h *hidden) len() int {
	if h.order != nil {
		return len(h.order) + len(h.long)
	}
	return h.short.len() + len(h.long)
}

// finish makes what was added searchable. What was added twice is there once.
func (h *hidden) finish() {
	if h.len() == 0 {
		return
	}
	h.short.seal()
	h.order = make([]uint32, h.short.len())
	for i := range h.order {
		h.order[i] = uint32(i)
	}
	slices.SortFunc(h.order, func(a, b uint32) int { return h.compare(a, h.short.name(int(b)), h.short.isDir(int(b))) })
	h.order = slices.CompactFunc(h.order, func(a, b uint32) bool {
		return h.compare(a, h.short.name(int(b)), h.short.isDir(int(b))) == 0
	})
	slices.SortFunc(h.long, compareEntries)
	h.long = slices.CompactFunc(h.long, func(a, b entry) bool { return compareEntries(a, b) == 0 })
}

// compare compares one of short with a name.
func (h *hidden) compare(i uint32, name []byte, dir bool) int {
	return cmp.Or(bytes.Compare(h.short.name(int(i)), name), compareKinds(h.short.isDir(int(i)), dir))
}

func compareEntries(a, b entry) int {
	return cmp.Or(strings.Compare(a.name, b.name), compareKinds(a.dir, b.dir))
}

func compareKinds(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// all gives the entries once finish was called.
func (h *hidden) all() iter.Seq[entry] {
	return func(yield func(entry) bool) {
		for _, i := range h.order {
			if !yield(h.short.at(int(i))) {
				return
			}
		}
		for _, e := range h.long {
			if !yield(e) {
				return
			}
		}
	}
}

// find looks an entry up once finish was called.
func (h *hidden) find(name string, dir bool) (entry, bool) {
	i, ok := slices.BinarySearchFunc(h.order, name, func(i uint32, name string) int { return h.compare(i, []byte(name), dir) })
	if ok {
		return h.short.at(int(h.order[i])), true
	}
	i, ok = slices.BinarySearchFunc(h.long, entry{name: name, dir: dir}, compareEntries)
	if ok {
		return h.long[i], true
	}
	return entry{}, false
}
