package fs

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	iofs "io/fs"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"s3mount/cache"
	"s3mount/s3"
)

// A versionOf says which version of an object an entry is, where that is held to
// by its id: "" is the present one. It is the id, and, for an entry that has not
// the object's name but one that a version is given, NUL and the object's name.
type versionOf string

func (v versionOf) id() string {
	id, _, _ := strings.Cut(string(v), "\x00")
	return id
}

// object is the name of the entry's object.
func (e *entry) object() string {
	if _, name, other := strings.Cut(string(e.version), "\x00"); other {
		return name
	}
	return e.name
}

// named leaves an object's version id away where what there is now is asked for
// as that.
func (t *Tree) named(o s3.Object) s3.Object {
	if t.at.IsZero() {
		o.VersionID = ""
	}
	return o
}

// head asks what a key holds.
func (t *Tree) head(key string) (s3.Object, error) {
	if t.inquiries != nil && t.at.IsZero() {
		return t.inquiries.head(key)
	}
	o, err := t.bucket.Head(t.ctx, key)
	return t.named(o), err
}

// contentOf is what an entry has the bytes of.
func contentOf(parent string, e entry) cache.Object {
	return cache.Object{Key: parent + e.object(), ETag: e.tag, Size: e.size, Pin: e.version.id()}
}

// A version's name is the object's with the time in front of its extension, and
// eight digits that tell versions of one second apart:
//
//	report~20260801T101112Z-1a2b3c4d.pdf
//
// It comes from key, time and version id alone.
const (
	stampForm  = "20060102T150405Z"
	stampLen   = len("~20260801T101112Z-1a2b3c4d")
	longestExt = 16
)

var stamp = regexp.MustCompile(`~[0-9]{8}T[0-9]{6}Z-[0-9a-f]{8}`)

// versionName is the name of a version, of that second, of an object that is below
// prefix. Where it would be too long the object's name loses its end, in front of
// the extension.
func versionName(prefix, name string, at int64, id string) string {
	stem, ext := splitExt(name)
	if most := nameMax - stampLen - len(ext); len(stem) > most {
		for stem = stem[:most]; len(stem) > most-utf8.UTFMax+1; stem = stem[:len(stem)-1] {
			if r, _ := utf8.DecodeLastRuneInString(stem); r != utf8.RuneError {
				break
			}
		}
	}
	sum := sha256.Sum256([]byte(prefix + name + "\x00" + id))
	return stem + "~" + time.Unix(at, 0).UTC().Format(stampForm) + "-" + hex.EncodeToString(sum[:4]) + ext
}

// splitExt cuts a name in front of its extension. What a program would not take
// for one is none; ".tar.gz" is.
func splitExt(name string) (stem, ext string) {
	i := strings.LastIndexByte(name, '.')
	if n := len(name) - i; i <= 0 || n < 2 || n > longestExt || strings.ContainsAny(name[i:], "~ ") {
		return name, ""
	}
	if tar := strings.TrimSuffix(name[:i], ".tar"); tar != "" {
		i = len(tar)
	}
	return name[:i], name[i:]
}

// versionedName says of which object a name would be a version's: of those that
// begin so, or if it is exact of that one.
func versionedName(name string) (begin string, exact, ok bool) {
	all := stamp.FindAllStringIndex(name, -1)
	if len(all) == 0 {
		return "", false, false
	}
	last := all[len(all)-1]
	stem, ext := name[:last[0]], name[last[1]:]
	if len(name) > nameMax-utf8.UTFMax { // it may have lost its end
		return stem, false, true
	}
	return stem + ext, true, true
}

// findVersion looks for the version that has a name.
func (t *Tree) findVersion(prefix, name string) (entry, error) {
	begin, exact, ok := versionedName(name)
	if !ok {
		return entry{}, iofs.ErrNotExist
	}
	for e, err := range t.bucket.List(t.ctx, s3.ListOptions{Prefix: prefix + begin, Delimiter: "/"}) {
		if err != nil {
			return entry{}, err
		}
		object := strings.TrimPrefix(e.Key, prefix)
		if exact && object > begin {
			break
		}
		if e.Prefix || !e.Noncurrent || !t.filter.shows(e.Key) || object == "" && e.Size == 0 {
			continue
		}
		if n := asVersion(prefix, entryOf(object, objectOf(e))); n.name == name {
			return n, nil
		}
	}
	return entry{}, iofs.ErrNotExist
}

// asVersion gives an entry, which has the object's name, that of its version.
func asVersion(prefix string, e entry) entry {
	name := versionName(prefix, e.name, e.mtime, string(e.version))
	e.version += versionOf("\x00" + e.name)
	e.name = name
	return e
}

// versionsBelow is what entries need to know of a listing of all versions. By name
// these come in no order, so that nothing is settled before the listing is whole.
type versionsBelow struct {
	prefix  string
	present bool // an entry of the object's own name is what there is now, and not a version
	lost    int  // versions whose name an object has
}

// noEntries is where the entries of a directory are collected.
func (t *Tree) noEntries(prefix string) entries {
	if !t.versions {
		return entries{}
	}
	return entries{versions: &versionsBelow{prefix: prefix, present: t.at.IsZero()}}
}

// addVersion takes the next entry of a listing of all versions.
func (s *entries) addVersion(key string, e s3.Entry) {
	s.comeVersion(key)
	if key == "" && e.Size == 0 {
		return
	}
	n := entry{name: strings.TrimSuffix(key, "/"), dir: true}
	if !e.Prefix {
		n = entryOf(n.name, objectOf(e))
	}
	switch {
	case e.Noncurrent:
		n = asVersion(s.versions.prefix, n)
	case s.versions.present:
		n.version = ""
	}
	if showable(n.name) {
		s.late = append(s.late, n)
	} else {
		s.hidden.add(n)
	}
}

// comeVersion notes that a key has come.
func (s *entries) comeVersion(key string) {
	s.last = max(s.last, key)
	s.mixed = true
	s.marked = s.marked || key == ""
}

// finishVersions settles everything. A name is a directory's, or else an object's
// own, or else a version's.
func (s *entries) finishVersions() {
	slices.SortStableFunc(s.late, func(a, b entry) int {
		return cmp.Or(compareNames([]byte(a.name), []byte(b.name)), a.rank()-b.rank())
	})
	var last *entry
	for i := range s.late {
		switch e := &s.late[i]; {
		case last == nil || last.name != e.name:
			s.settled.add(*e)
			last = e
		case e.dir:
		case last.dir:
			s.hidden.add(*e)
		case *e != *last:
			s.versions.lost++
		}
	}
	s.late = nil
}

// rank says who has a name that several would have: who comes first.
func (e *entry) rank() int {
	switch {
	case e.dir:
		return 0
	case e.object() == e.name:
		return 1
	}
	return 2
}
