package s3

import (
	"bytes"
	"fmt"
	"math"
)

// instruction goes past a processing instruction. One is of interest: what the
// document says of its own version and encoding.
func (x *xmlScanner) instruction() markup {
	x.at += len("<?")
	begin := x.at
	if !x.name(math.MaxInt) {
		return nothing
	}
	name := x.buf[begin:x.at]
	n := bytes.Index(x.buf[x.at:], []byte("?>"))
	if n < 0 {
		x.fail(errCutShort)
		return nothing
	}
	said := x.buf[x.at : x.at+n]
	x.at += n + len("?>")
	if string(name) != "xml" {
		return invisible
	}
	if v := declared(said, "version="); len(v) > 0 && string(v) != "1.0" {
		x.fail(fmt.Errorf("%w: version %q", errForm, printable(string(v), 16)))
		return nothing
	}
	if e := declared(said, "encoding="); len(e) > 0 && !bytes.EqualFold(e, []byte("utf-8")) {
		x.fail(fmt.Errorf("%w: written in %q", errForm, printable(string(e), 32)))
		return nothing
	}
	return invisible
}

// declared is the quoted value behind the first name= that has one.
func declared(said []byte, name string) []byte {
	for {
		_, rest, _ := bytes.Cut(said, []byte(name))
		if len(rest) == 0 {
			return nil
		}
		if quote := rest[:1]; quote[0] == '"' || quote[0] == '\'' {
			value, _, ok := bytes.Cut(rest[1:], quote)
			if !ok {
				return nil
			}
			return value
		}
		said = rest[1:]
	}
}

// declaration goes past what begins with "<!"; of a CDATA section only that far.
func (x *xmlScanner) declaration() markup {
	switch rest := x.buf[x.at+len("<!"):]; {
	case bytes.HasPrefix(rest, []byte("--")):
		x.at += len("<!--")
		n := bytes.Index(x.buf[x.at:], []byte("--"))
		if n < 0 {
			x.fail(errCutShort)
			return nothing
		}
		x.at += n + len("--")
		if !x.next('>') {
			return nothing
		}
		return invisible
	case bytes.HasPrefix(rest, []byte("[CDATA[")):
		x.at += len("<![CDATA[")
		return cdata
	case len(rest) == 0:
		x.fail(errCutShort)
		return nothing
	case rest[0] == '-' || rest[0] == '[':
		x.fail(fmt.Errorf("%w: neither a comment nor CDATA", errForm))
		return nothing
	}
	return x.doctype()
}

// doctype goes past a declaration, which may have others in it, and comments,
// and a '>' in quotes.
func (x *xmlScanner) doctype() markup {
	quote, depth := byte(0), 0
	for x.at += len("<!") + 1; x.at < len(x.buf); x.at++ { // encoding/xml takes the first character as it is
		switch b := x.buf[x.at]; {
		case quote != 0:
			if b == quote {
				quote = 0
			}
		case b == '"' || b == '\'':
			quote = b
		case b == '>':
			if depth == 0 {
				x.at++
				return invisible
			}
			depth--
		case b == '<' && bytes.HasPrefix(x.buf[x.at:], []byte("<!--")):
			n := bytes.Index(x.buf[x.at+len("<!--"):], []byte("-->"))
			if n < 0 {
				x.fail(errCutShort)
				return nothing
			}
			x.at += len("<!--") + n + len("-->") - 1
		case b == '<':
			depth++
		}
	}
	x.fail(errCutShort)
	return nothing
}
