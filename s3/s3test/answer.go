package s3test

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
)

// An answer is what is to be sent: the body is src's bytes [off, off+n).
type answer struct {
	status int
	header http.Header
	src    source
	off, n int64

	refusal bool // the body has a place for the request id
}

func newAnswer(status int, contentType string, body []byte) *answer {
	return &answer{
		status: status,
		header: http.Header{"Content-Type": {contentType}},
		src:    text(body),
		n:      int64(len(body)),
	}
}

// A field is an element of an error's XML beyond code and message.
type field struct{ name, value string }

// refuse is an error as S3 writes it. The request id is added when it is
// sent.
func refuse(status int, code, message string, fields ...field) *answer {
	var b bytes.Buffer
	b.WriteString(xmlHeader + "<Error>")
	for _, f := range append([]field{{"Code", code}, {"Message", message}}, fields...) {
		element(&b, f.name, f.value)
	}
	b.WriteString(requestIDHere + "<HostId>s3test</HostId></Error>")
	a := newAnswer(status, "application/xml", b.Bytes())
	a.refusal = true
	return a
}

// identify puts the request id in its places.
func (a *answer) identify(id string) {
	a.header.Set("X-Amz-Request-Id", id)
	a.header.Set("X-Amz-Id-2", "s3test")
	if a.refusal {
		a.setBytes(bytes.Replace(a.bytes(), []byte(requestIDHere), []byte("<RequestId>"+id+"</RequestId>"), 1))
	}
}

const (
	xmlHeader     = `<?xml version="1.0" encoding="UTF-8"?>` + "\n"
	requestIDHere = "<RequestId></RequestId>"
)

// element writes <name>value</name>. Control characters become references that
// XML 1.0 does not allow, and bytes that are not UTF-8 stay, as S3 has it.
func element(b *bytes.Buffer, name, value string) {
	p := append(b.AvailableBuffer(), '<')
	p = append(p, name...)
	p = append(p, '>')
	rest := 0 // of value, from where on it is not written yet
	for i := range len(value) {
		if value[i] > '>' || '\'' <= value[i] && value[i] < '<' {
			continue
		}
		if ref := reference(value[i]); ref != "" {
			p = append(p, value[rest:i]...)
			p = append(p, ref...)
			rest = i + 1
		}
	}
	p = append(p, value[rest:]...)
	p = append(p, "</"...)
	p = append(p, name...)
	b.Write(append(p, '>'))
}

// reference stands for a byte that cannot stand for itself; "" for others.
func reference(c byte) string {
	switch {
	case c == '&':
		return "&amp;"
	case c == '<':
		return "&lt;"
	case c == '>':
		return "&gt;"
	case c == '"':
		return "&quot;"
	case c < ' ' && c != '\n' && c != '\t':
		return fmt.Sprintf("&#x%x;", c)
	}
	return ""
}

// setHeaders sets headers of the form "Name: value".
func (a *answer) setHeaders(headers []string) {
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ":")
		a.header.Set(name, strings.TrimSpace(value))
	}
}

// bytes is the whole body, for edits.
func (a *answer) bytes() []byte {
	p := make([]byte, a.n)
	a.src.at(p, a.off)
	return p
}

func (a *answer) setBytes(p []byte) {
	a.src, a.off, a.n = text(p), 0, int64(len(p))
}
