package s3

import (
	"bytes"
	"fmt"
	"unicode"
	"unicode/utf8"
)

// chars goes to the next '<', or to the end, and writes what is before it,
// decoded, to w. It gives the end of what it wrote.
func (x *xmlScanner) chars(w int) int {
	if x.at < len(x.buf) && x.buf[x.at] == '<' {
		return w
	}
	end := len(x.buf)
	if n := bytes.IndexByte(x.buf[x.at:], '<'); n >= 0 {
		end = x.at + n
	}
	if !x.plain {
		return x.decode(w, end)
	}
	for {
		run := x.buf[x.at:end]
		n := bytes.IndexByte(run, '&')
		if n >= 0 {
			run = run[:n]
		}
		if w != x.at {
			copy(x.buf[w:], run)
		}
		x.at += len(run)
		w += len(run)
		if n < 0 {
			return w
		}
		if w = x.entity(w, end); x.err != nil {
			return w
		}
	}
}

// entity writes the character that the entity at at stands for to w.
func (x *xmlScanner) entity(w, end int) int {
	c, n, ok := entity(x.buf[x.at:end])
	if !ok {
		x.fail(fmt.Errorf("%w: %q is no character", errForm, printable(string(x.buf[x.at:min(end, x.at+16)]), 16)))
		return w
	}
	x.at += n
	if c < utf8.RuneSelf {
		x.buf[w] = byte(c)
		return w + 1
	}
	return w + utf8.EncodeRune(x.buf[w:], c) // never longer than the entity
}

// decode does what chars does where there may be line ends to decode, or a "]]>".
func (x *xmlScanner) decode(w, end int) int {
	literal := x.at // since then nothing came from an entity
	for x.at < end {
		switch b := x.buf[x.at]; {
		case b == '&':
			if w = x.entity(w, end); x.err != nil {
				return w
			}
			literal = x.at
			continue
		case b == '>' && x.at-literal >= 2 && x.buf[x.at-1] == ']' && x.buf[x.at-2] == ']':
			x.fail(fmt.Errorf("%w: \"]]>\" in a text", errForm))
			return w
		case b == '\r':
			if x.at+1 == end || x.buf[x.at+1] != '\n' {
				x.buf[w] = '\n'
				w++
			}
		default:
			x.buf[w] = b
			w++
		}
		x.at++
	}
	return w
}

// cdata writes a CDATA section to w, from at, and goes behind it.
func (x *xmlScanner) cdata(w int) int {
	n := bytes.Index(x.buf[x.at:], []byte("]]>"))
	if n < 0 {
		x.fail(errCutShort)
		return w
	}
	end := x.at + n
	for ; x.at < end; x.at++ {
		b := x.buf[x.at]
		if b == '\r' {
			if x.at+1 < end && x.buf[x.at+1] == '\n' {
				continue
			}
			b = '\n'
		}
		x.buf[w] = b
		w++
	}
	x.at += len("]]>")
	return w
}

// entity reads the entity that b begins with, of n bytes.
func entity(b []byte) (c rune, n int, ok bool) {
	end := bytes.IndexByte(b, ';')
	if end < 0 {
		return 0, 0, false
	}
	n = end + 1
	name := b[1:end]
	switch string(name) {
	case "quot":
		return '"', n, true
	case "amp":
		return '&', n, true
	case "lt":
		return '<', n, true
	case "gt":
		return '>', n, true
	case "apos":
		return '\'', n, true
	}
	digits, ok := bytes.CutPrefix(name, []byte("#"))
	if !ok {
		return 0, 0, false
	}
	base := rune(10)
	if hex, ok := bytes.CutPrefix(digits, []byte("x")); ok {
		digits, base = hex, 16
	}
	for _, b := range digits {
		d := rune(unhex[b])
		if c = c*base + d; d >= base || c > unicode.MaxRune {
			return 0, 0, false
		}
	}
	return c, n, len(digits) > 0
}

// unhex is the value of a digit, or 16.
var unhex = func() (t [256]byte) {
	for i := range t {
		t[i] = 16
	}
	for i := range 16 {
		t["0123456789abcdef"[i]], t["0123456789ABCDEF"[i]] = byte(i), byte(i)
	}
	return t
}()

// entities says whether every '&' in b begins one.
func entities(b []byte) bool {
	for {
		i := bytes.IndexByte(b, '&')
		if i < 0 {
			return true
		}
		_, n, ok := entity(b[i:])
		if !ok {
			return false
		}
		b = b[i+n:]
	}
}
