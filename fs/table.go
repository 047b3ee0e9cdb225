package fs

import (
	"encoding/binary"
	"encoding/hex"
	"math"
	"sort"
	"strings"
)

// A table is entries by number, packed: a listing of a million names is held as
// a few thousand pieces of memory of some fifty bytes a name, which the garbage
// collector need not look into.
type table struct {
	pieces []piece // of rowsOfPiece rows each, but for the last
}

const rowsOfPiece = 1024

// A piece is some entries, one behind the other.
type piece struct {
	rows []row
	text []byte // their names, tags and versions
}

// A row is an entry without its texts.
type row struct {
	size   int64
	mtime  int64
	at     uint32 // in the piece's text: the name, the tag behind it, and a version if there is one
	tagLen uint16
	name   uint8 // its length: no more than nameMax
	flags  rowFlags
}

type rowFlags uint8

const (
	rowIsDir      rowFlags = 1 << iota
	rowTagIsHex            // the tag is hexadecimal digits, stored as the bytes that they say
	rowHasVersion          // behind the tag is a length, and the version
	rowClass      = 3      // in the bits from here on is the storage class
)

const (
	md5Hex = 32             // digits, of the ETag of an object that was uploaded in one part
	tagMax = math.MaxUint16 // bytes
)

func (t *table) len() int {
	n := len(t.pieces)
	if n == 0 {
		return 0
	}
	return (n-1)*rowsOfPiece + len(t.pieces[n-1].rows)
}

// add puts an entry behind the others.
func (t *table) add(e entry) {
	n := len(t.pieces)
	if n == 0 || len(t.pieces[n-1].rows) == rowsOfPiece {
		t.seal()
		t.pieces = append(t.pieces, piece{})
		n++
		if n > 1 { // the first may stay small
			t.pieces[n-1].rows = make([]row, 0, rowsOfPiece)
		}
	}
	p := &t.pieces[n-1]
	p.rows = append(p.rows, p.pack(e))
}

// replace puts an entry in the place of another.
func (t *table) replace(i int, e entry) {
	p := &t.pieces[i/rowsOfPiece]
	p.rows[i%rowsOfPiece] = p.pack(e)
}

// pack stores the texts of an entry.
func (p *piece) pack(e entry) row {
	if len(e.tag) > tagMax { // no server's: the object has to be asked for, then
		e.tag, e.size = "", -1
	}
	r := row{size: e.size, mtime: e.mtime, at: uint32(len(p.text)), name: uint8(len(e.name)), tagLen: uint16(len(e.tag))}
	r.flags = rowFlags(e.class) << rowClass
	if e.dir {
		r.flags |= rowIsDir
	}
	p.text = append(p.text, e.name...)
	if packed, ok := packTag(e.tag); ok {
		r.flags |= rowTagIsHex
		r.tagLen = md5Hex / 2
		p.text = append(p.text, packed[:]...)
	} else {
		p.text = append(p.text, e.tag...)
	}
	if e.version != "" {
		r.flags |= rowHasVersion
		p.text = binary.AppendUvarint(p.text, uint64(len(e.version)))
		p.text = append(p.text, e.version...)
	}
	return r
}

// packTag gives the bytes of a tag of as many hexadecimal digits, in lower case,
// as an MD5 has.
func packTag(tag string) (packed [md5Hex / 2]byte, ok bool) {
	if len(tag) != md5Hex || strings.ContainsAny(tag, "ABCDEF") {
		return packed, false
	}
	_, err := hex.Decode(packed[:], []byte(tag))
	return packed, err == nil
}

// seal gives back the memory that the last piece has to spare: nothing will be
// added to it.
func (t *table) seal() {
	if len(t.pieces) == 0 {
		return
	}
	p := &t.pieces[len(t.pieces)-1]
	if cap(p.rows) > len(p.rows) {
		p.rows = append(make([]row, 0, len(p.rows)), p.rows...)
	}
	if cap(p.text) > len(p.text) {
		p.text = append(make([]byte, 0, len(p.text)), p.text...)
	}
}

// at gives entry i. What it gives holds nothing of the table.
func (t *table) at(i int) entry {
	p, r := t.row(i)
	name, tag := p.texts(r)
	e := entry{name: string(name), size: r.size, mtime: r.mtime, dir: r.flags&rowIsDir != 0, class: storageClass(r.flags >> rowClass)}
	if r.flags&rowTagIsHex != 0 {
		e.tag = hex.EncodeToString(tag)
	} else {
		e.tag = string(tag)
	}
	if r.flags&rowHasVersion != 0 {
		rest := p.text[int(r.at)+int(r.name)+int(r.tagLen):]
		n, length := binary.Uvarint(rest)
		e.version = versionOf(rest[length : length+int(n)])
	}
	return e
}

// name gives the name of entry i, as a part of the table.
func (t *table) name(i int) []byte {
	p, r := t.row(i)
	name, _ := p.texts(r)
	return name
}

func (t *table) isDir(i int) bool {
	_, r := t.row(i)
	return r.flags&rowIsDir != 0
}

func (t *table) row(i int) (*piece, *row) {
	p := &t.pieces[i/rowsOfPiece]
	return p, &p.rows[i%rowsOfPiece]
}

func (p *piece) texts(r *row) (name, tag []byte) {
	text := p.text[r.at:]
	return text[:r.name], text[r.name : int(r.name)+int(r.tagLen)]
}

// find searches a table that is in the order of compareNames: the number of the
// entry of that name, or the one it would have.
func (t *table) find(name string) (int, bool) {
	n := t.len()
	i := sort.Search(n, func(i int) bool { return compareNames(t.name(i), []byte(name)) >= 0 })
	return i, i < n && string(t.name(i)) == name
}
