package fs

import (
	"errors"
	"iter"
	"strings"

	"s3mount/s3"
)

// A Shown is an entry of a listing with its place in a mount.
type Shown struct {
	s3.Entry
	Path   string // from the mount's root; a directory's ends in "/"
	Hidden bool   // a part of the path is behind a door
}

// ErrUnsorted: a listing does not come in the order of keys, and what hides what
// cannot be said before its end.
var ErrUnsorted = errors.New("the server does not list keys in order")

// Paths gives each entry of a listing of prefix that the filters show with its
// place in a mount of prefix: all keys, or with delimiter those of the directory
// itself. Older versions have the paths that a mount of all versions gives them.
// It keeps nothing but the objects that a directory may still hide. The order is
// that in which the places are known, nearly that of keys. An error ends it.
func Paths(prefix string, filters []Filter, listing iter.Seq2[s3.Entry, error]) iter.Seq2[Shown, error] {
	return func(yield func(Shown, error) bool) {
		filter, err := newFilters(prefix, filters)
		if err != nil {
			yield(Shown{}, err)
			return
		}
		var held []s3.Entry // objects; the last is the first to settle
		give := func(e s3.Entry, below bool) bool {
			path, hidden := Path(e.Key[len(prefix):], e.Size, below)
			return yield(Shown{Entry: e, Path: path, Hidden: hidden}, nil)
		}
		last := ""
		for e, err := range listing {
			switch {
			case err != nil:
				yield(Shown{}, err)
				return
			case e.Key < last:
				yield(Shown{}, ErrUnsorted)
				return
			case e.Key == last && !e.Noncurrent || e.Key == prefix && e.Size == 0:
				continue
			}
			last = e.Key
			for len(held) > 0 {
				top := held[len(held)-1]
				below := strings.HasPrefix(e.Key, top.Key+"/")
				if !below && top.Key+"/" >= e.Key {
					break
				}
				held = held[:len(held)-1]
				if !give(top, below && filter.enters(top.Key+"/")) {
					return
				}
			}
			if filter != nil && !filter.keeps(e) {
				continue
			}
			if e.Noncurrent && (e.Size != 0 || !strings.HasSuffix(e.Key, "/")) {
				if !yield(versionShown(prefix, e), nil) {
					return
				}
			} else if !e.Prefix && !strings.HasSuffix(e.Key, "/") {
				held = append(held, e)
			} else if !give(e, false) {
				return
			}
		}
		for len(held) > 0 {
			top := held[len(held)-1]
			held = held[:len(held)-1]
			if !give(top, false) {
				return
			}
		}
	}
}

// versionShown is an older version with its place.
func versionShown(prefix string, e s3.Entry) Shown {
	dir, name := dirOf(e.Key)
	n := asVersion(dir, entryOf(name, objectOf(e)))
	path, hidden := Path(dir[len(prefix):]+n.name, e.Size, false)
	return Shown{Entry: e, Path: path, Hidden: hidden}
}
