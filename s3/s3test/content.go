package s3test

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
)

// ContentAt fills p with the generated content of the object with that key and
// ETag from offset off on. There is no end: the object's size is not asked.
//
// Each eight bytes are a multiple of an odd constant, by offset, mixed with a
// hash of key and ETag. So bytes from another offset, key or version differ, and
// zeros do not occur in a row.
func ContentAt(key, etag string, p []byte, off int64) {
	generated(seed(key, etag)).at(p, off)
}

// CheckContent is nil if p is what ContentAt gives, and else names the first
// offset that differs.
func CheckContent(key, etag string, p []byte, off int64) error {
	g := generated(seed(key, etag))
	buf := make([]byte, min(len(p), chunk))
	for done := 0; done < len(p); {
		want := buf[:min(len(p)-done, len(buf))]
		at := off + int64(done)
		g.at(want, at)
		got := p[done : done+len(want)]
		if string(got) != string(want) {
			for i := range want {
				if got[i] != want[i] {
					return fmt.Errorf("content of %q %s differs at offset %d: got %x, want %x", key, etag,
						at+int64(i), got[i:min(i+16, len(got))], want[i:min(i+16, len(want))])
				}
			}
		}
		done += len(want)
	}
	return nil
}

func seed(key, etag string) uint64 {
	h := fnv.New64a()
	fmt.Fprintf(h, "%s\x00%s", key, etag)
	return h.Sum64()
}

// A source has the bytes of a body. It may be asked for bytes beyond the end,
// because some faults send more than there is.
type source interface{ at(p []byte, off int64) }

// generated is content made from a seed.
type generated uint64

// stride is 2^64 divided by the golden ratio: consecutive multiples of it differ
// in all bytes.
const (
	stride  = 0x9e3779b97f4a7c15
	stride2 = stride * 2 & (1<<64 - 1)
	stride3 = stride * 3 & (1<<64 - 1)
	stride4 = stride * 4 & (1<<64 - 1)
)

func (g generated) at(p []byte, off int64) {
	word := uint64(off/8) * stride
	if skip := int(off % 8); skip != 0 {
		var b [8]byte
		binary.LittleEndian.PutUint64(b[:], word^uint64(g))
		p = p[copy(p, b[skip:]):]
		word += stride
	}
	for len(p) >= 32 {
		binary.LittleEndian.PutUint64(p, word^uint64(g))
		binary.LittleEndian.PutUint64(p[8:16], (word+stride)^uint64(g))
		binary.LittleEndian.PutUint64(p[16:24], (word+stride2)^uint64(g))
		binary.LittleEndian.PutUint64(p[24:32], (word+stride3)^uint64(g))
		word, p = word+stride4, p[32:]
	}
	for len(p) > 0 {
		var b [8]byte
		binary.LittleEndian.PutUint64(b[:], word^uint64(g))
		p = p[copy(p, b[:]):]
		word += stride
	}
}

// text is content that is given.
type text []byte

func (t text) at(p []byte, off int64) {
	n := 0
	if off < int64(len(t)) {
		n = copy(p, t[off:])
	}
	for i := n; i < len(p); i++ {
		p[i] = '~' // beyond the end
	}
}

// flipped is another source with one bit wrong.
type flipped struct {
	source
	off int64
}

func (f flipped) at(p []byte, off int64) {
	f.source.at(p, off)
	if i := f.off - off; i >= 0 && i < int64(len(p)) {
		p[i] ^= 1
	}
}
