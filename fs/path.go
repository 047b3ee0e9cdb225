package fs

import "strings"

// Path is the definition of the tree: where a mount shows an object, as a path
// from the mount's root.
//
// key is the object's below the prefix that is mounted, size the number of its
// bytes, and below says whether other keys begin with key and a slash. The
// directories on the path are there because of it. A path that ends in "/" is a
// directory's and no file's: that of a marker without bytes. hidden says that a
// part of the path is behind a door, under a name that can be turned back into the
// key's.
//
// Every object has a path, and no two have the same.
func Path(key string, size int64, below bool) (path string, hidden bool) {
	var at strings.Builder
	behind := func(name string, dir bool) {
		hidden = true
		at.WriteString(doorName + "/")
		at.WriteString(strings.Join(splitName(escapeName(name, dir)), "/"))
	}
	for {
		name, rest, more := strings.Cut(key, "/")
		switch {
		case more && showable(name):
			at.WriteString(name)
		case more:
			behind(name, true)
		case name == "" && size == 0:
			return at.String(), hidden
		case showable(name) && !below:
			at.WriteString(name)
			return at.String(), hidden
		default:
			behind(name, false)
			return at.String(), hidden
		}
		at.WriteByte('/')
		key = rest
	}
}
