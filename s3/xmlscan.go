package s3

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// maxNesting bounds how deep the elements of a document are nested. A listing
// has four levels.
const maxNesting = 64

// A cut is the bytes [off, end) of a document.
type cut struct{ off, end int32 }

// An xmlScanner goes through an XML document in memory, element by element,
// without making anything: texts are decoded where they stand, and pointed to.
// It takes what encoding/xml takes, and is as strict about the form. Other than
// that one it does not look at characters: a key is bytes, and a server that
// does not encode keys for XML sends control characters and what is no UTF-8.
//
// Nothing is ever expanded but the five entities of XML and characters by
// number; a DOCTYPE is passed over.
//
// After an error there are no more elements, and no texts; err says which.
type xmlScanner struct {
	buf    []byte // the document; what has been read of it is written over
	at     int
	open   [maxNesting]cut // the names of the elements that at is in
	depth  int
	closed bool // the element opened last was <so/>: its end is still to be told
	plain  bool // nowhere is there a text that differs from what is written, but for entities
	err    error
}

// What stands at a '<'.
type markup int

const (
	nothing   markup = iota // the end, or an error
	startTag                // of the element on top of open
	endTag                  // of the one that was there
	cdata                   // at is behind its "<![CDATA["
	invisible               // a comment, an instruction, a declaration
)

var (
	errCutShort = errors.New("it ends too soon")
	errForm     = errors.New("it is no XML")
)

func (x *xmlScanner) reset(doc []byte) {
	*x = xmlScanner{buf: doc, plain: bytes.IndexByte(doc, '\r') < 0 && !bytes.Contains(doc, []byte("]]>"))}
}

// fail notes the first error.
func (x *xmlScanner) fail(err error) {
	if x.err == nil {
		x.err = err
	}
	x.at = len(x.buf)
}

func (x *xmlScanner) bytes(c cut) []byte { return x.buf[c.off:c.end] }

// child enters the next element inside the one that at is in, and gives its
// name without the namespace's prefix. When there is no other it leaves the one
// that at is in: ok is false, as it is at the end of the document.
func (x *xmlScanner) child() (name []byte, ok bool) {
	if x.closed {
		x.closed = false
		x.depth--
		return nil, false
	}
	for {
		x.chars(x.at)
		switch x.markup() {
		case startTag:
			name = x.bytes(x.open[x.depth-1])
			if i := bytes.IndexByte(name, ':'); i > 0 && i < len(name)-1 {
				name = name[i+1:]
			}
			return name, true
		case endTag, nothing:
			return nil, false
		case cdata:
			x.cdata(x.at)
		}
	}
}

// text leaves the element that was entered last, and gives its text without
// that of the elements in it.
func (x *xmlScanner) text() cut {
	if x.closed {
		x.closed = false
		x.depth--
		return cut{}
	}
	begin := x.at
	end := begin
	for {
		end = x.chars(end)
		switch x.markup() {
		case startTag:
			x.text()
		case endTag:
			return cut{int32(begin), int32(end)}
		case nothing:
			return cut{}
		case cdata:
			end = x.cdata(end)
		}
	}
}

// markup goes past what stands at the '<' where at is.
func (x *xmlScanner) markup() markup {
	if x.at+1 >= len(x.buf) {
		if x.depth > 0 || x.at < len(x.buf) {
			x.fail(errCutShort)
		}
		return nothing
	}
	switch x.buf[x.at+1] {
	case '/':
		return x.endTag()
	case '?':
		return x.instruction()
	case '!':
		return x.declaration()
	}
	return x.startTag()
}

func (x *xmlScanner) endTag() markup {
	if x.depth == 0 {
		x.fail(fmt.Errorf("%w: the end of an element that was not begun", errForm))
		return nothing
	}
	name := x.bytes(x.open[x.depth-1])
	rest := x.buf[x.at+2:]
	if !bytes.HasPrefix(rest, name) {
		x.fail(fmt.Errorf("%w: another element ends than began, or not all of it is there", errForm))
		return nothing
	}
	x.at += 2 + len(name)
	x.space()
	if !x.next('>') {
		return nothing
	}
	x.depth--
	return endTag
}

func (x *xmlScanner) startTag() markup {
	if x.depth == maxNesting {
		x.fail(fmt.Errorf("%w: elements nested more than %d deep", errForm, maxNesting))
		return nothing
	}
	x.at++
	begin := x.at
	if !x.name(1) {
		return nothing
	}
	x.open[x.depth] = cut{int32(begin), int32(x.at)}
	if x.at < len(x.buf) && x.buf[x.at] != '>' {
		x.attributes()
	}
	if x.closed = x.at < len(x.buf) && x.buf[x.at] == '/'; x.closed {
		x.at++
	}
	if !x.next('>') {
		return nothing
	}
	x.depth++
	return startTag
}

// attributes goes past the attributes of a start tag.
func (x *xmlScanner) attributes() {
	for {
		x.space()
		if x.at == len(x.buf) || x.buf[x.at] == '/' || x.buf[x.at] == '>' || !x.name(1) {
			return
		}
		if x.space(); !x.next('=') {
			return
		}
		x.space()
		if x.at == len(x.buf) || x.buf[x.at] != '"' && x.buf[x.at] != '\'' {
			x.fail(fmt.Errorf("%w: an attribute without a value", errForm))
			return
		}
		n := bytes.IndexByte(x.buf[x.at+1:], x.buf[x.at])
		if n < 0 {
			x.fail(errCutShort)
			return
		}
		value := x.buf[x.at+1 : x.at+1+n]
		x.at += n + 2
		if bytes.IndexByte(value, '<') >= 0 || !entities(value) {
			x.fail(fmt.Errorf("%w: an attribute's value", errForm))
			return
		}
	}
}

// nameByte are the bytes of a name; all of a character beyond ASCII is.
var nameByte = func() (t [256]bool) {
	for i := range t {
		t[i] = i >= utf8.RuneSelf || i >= '0' && i <= '9' || i|0x20 >= 'a' && i|0x20 <= 'z' ||
			strings.IndexByte("_:.-", byte(i)) >= 0
	}
	return t
}()

// name goes past a name, with at most that many ':' in it.
func (x *xmlScanner) name(colons int) bool {
	i := x.at
	for ; i < len(x.buf) && nameByte[x.buf[i]]; i++ {
		if x.buf[i] == ':' {
			colons--
		}
	}
	if i == x.at || colons < 0 || strings.IndexByte("0123456789-.", x.buf[x.at]) >= 0 {
		x.fail(fmt.Errorf("%w: a name that is none", errForm))
		return false
	}
	x.at = i
	return true
}

func (x *xmlScanner) space() {
	for x.at < len(x.buf) {
		switch x.buf[x.at] {
		case ' ', '\t', '\n', '\r':
			x.at++
		default:
			return
		}
	}
}

// next goes past b, which must be there.
func (x *xmlScanner) next(b byte) bool {
	switch {
	case x.err != nil:
		return false
	case x.at == len(x.buf):
		x.fail(errCutShort)
		return false
	case x.buf[x.at] != b:
		x.fail(fmt.Errorf("%w: no %q where one has to be", errForm, b))
		return false
	}
	x.at++
	return true
}
