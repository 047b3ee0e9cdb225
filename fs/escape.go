package fs

import (
	"net/url"
	"strings"
)

// What a directory has and cannot show under its own name is in a directory of
// this name in it, a side door, under names that can be turned back into keys.
// The door is before any key: an object or a directory that is called so is
// behind it, like everything else that cannot be shown.
const doorName = ".s3mount-hidden"

// markerName stands for the bytes of the object that has the directory's own key.
// No escape begins so.
const markerName = "%marker"

// partMark ends a piece of a name that is too long for one: the rest is in a
// directory called like the piece. No escape ends so.
const partMark = "%+"

// escapeName gives the name behind the door of what has a key that goes on with
// name behind the directory's, for a directory with a slash behind that. It may be
// longer than a name can be; see splitName.
//
// No two have the same one: "%" and what cannot be in a name are written as in a
// URL, and the slash that makes the difference between an object and a directory
// is a part of it.
func escapeName(name string, dir bool) string {
	if name == "" && !dir {
		return markerName
	}
	var s strings.Builder
	s.Grow(len(name) + 4)
	for i := range len(name) {
		switch c := name[i]; {
		case c == '%' || c == 0 || c == '/', c == '.' && isDot(name):
			s.WriteByte('%')
			s.WriteByte(hexDigits[c>>4])
			s.WriteByte(hexDigits[c&15])
		default:
			s.WriteByte(c)
		}
	}
	if dir {
		s.WriteString("%2F")
	}
	return s.String()
}

const hexDigits = "0123456789ABCDEF"

func isDot(name string) bool { return name == "." || name == ".." }

// unescapeName is the way back. It says false to what escapeName never gives.
func unescapeName(escaped string) (name string, dir, ok bool) {
	if escaped == markerName {
		return "", false, true
	}
	plain, err := url.PathUnescape(escaped)
	if err != nil {
		return "", false, false
	}
	name, dir = strings.CutSuffix(plain, "/")
	return name, dir, !strings.Contains(name, "/") && escapeName(name, dir) == escaped
}

// splitName gives the names of the path on which an escaped name is: itself, or
// the directories that have a piece of it each, and the rest.
func splitName(escaped string) (parts []string) {
	for len(escaped) > nameMax {
		n := pieceOf(escaped)
		parts = append(parts, escaped[:n]+partMark)
		escaped = escaped[n:]
	}
	return append(parts, escaped)
}

// partBehind gives the part of an escaped name behind the pieces that are put
// together in begin, if it has these.
func partBehind(begin, escaped string) (part string, ok bool) {
	at := ""
	for _, part = range splitName(escaped) {
		if at == begin {
			return part, true
		}
		at += strings.TrimSuffix(part, partMark)
	}
	return "", false
}

// pieceOf says how much of a long name goes into one piece: all that fits, and
// no half escapes.
func pieceOf(escaped string) int {
	n := nameMax - len(partMark)
	if i := strings.LastIndexByte(escaped[n-2:n], '%'); i >= 0 {
		n = n - 2 + i
	}
	return n
}
