package fs

import (
	"bytes"
	"encoding/binary"
	"hash/fnv"
	"hash/maphash"
	"io"
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

// generation is the version of a key, as a number. Node numbers are given anew by
// each mount, and with the generation they are what a file handle is made of
// (name_to_handle_at): so it is another one on each mount, and no two keys have
// the same, lest a handle from before opened something else.
func (t *Tree) generation(prefix string, e entry) uint64 {
	var h maphash.Hash
	h.SetSeed(t.seed)
	h.WriteString(prefix)
	h.WriteString(e.name)
	h.WriteString(e.tag)
	h.WriteString(string(e.version)) // bytes may come twice in one second
	numbers := [...]uint64{uint64(e.size), uint64(e.mtime), uint64(len(prefix) + len(e.name)), uint64(len(e.tag)), 0}
	if e.dir {
		numbers[4] = 1
	}
	var b [8]byte
	for _, n := range numbers {
		binary.NativeEndian.PutUint64(b[:], n)
		h.Write(b[:])
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
