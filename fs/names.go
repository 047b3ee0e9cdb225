package fs

import (
	"bytes"
	"hash/fnv"
	"io"
	"strconv"
	"strings"
)

// nameMax is the longest name of a file, in bytes (NAME_MAX of limits.h).
const nameMax = 255

// showable says whether a component of a key can be a name in a directory. What
// cannot is behind the directory's side door.
func showable(name string) bool {
	return name != "" && !isDot(name) && len(name) <= nameMax && strings.IndexByte(name, 0) < 0 && name != doorName
}

// inode is the inode number of a key: of a directory when it ends in "/". It is
// the same on every mount of the bucket.
func inode(bucket, key string) uint64 {
	h := fnv.New64a()
	io.WriteString(h, bucket)
	h.Write([]byte{0}) // no bucket and no name has it
	io.WriteString(h, key)
	n := h.Sum64()
	// 0 and 1 mean "none" and "root", all ones is go-fuse's own.
	if n < 2 || n == ^uint64(0) {
		n ^= 1 << 32
	}
	return n
}

// generation is the version of a key, as a number.
func generation(e entry) uint64 {
	h := fnv.New64a()
	io.WriteString(h, e.tag)
	h.Write([]byte{0})
	h.Write(strconv.AppendInt(nil, e.size, 10))
	h.Write([]byte{0})
	h.Write(strconv.AppendInt(nil, e.mtime, 10))
	if e.version != "" { // bytes that came twice in one second
		h.Write([]byte{0})
		io.WriteString(h, string(e.version))
	}
	return h.Sum64()
}

// compareNames orders names as S3 orders the keys below them: as if each ended
// in "/". A directory's entries are kept in that order, because that is the
// order in which a listing can be sure that it has seen everything of a name.
func compareNames(a, b []byte) int {
	n := min(len(a), len(b))
	switch c := bytes.Compare(a[:n], b[:n]); {
	case c != 0:
		return c
	case len(a) == len(b):
		return 0
	case len(a) == n && '/' < b[n], len(b) == n && a[n] < '/':
		return -1
	}
	return 1
}
