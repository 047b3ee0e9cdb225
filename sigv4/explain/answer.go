package explain

import (
	"encoding/hex"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// An answer is a server's refusal.
type answer struct {
	status  int // 0 if not known
	headers []header
	body    bool              // something stands behind the headers
	fields  map[string]string // the elements of the error that hold text only
}

func (a *answer) field(name string) string { return a.fields[name] }
func (a *answer) code() string             { return a.fields["Code"] }

func (a *answer) header(name string) string {
	for _, h := range a.headers {
		if strings.EqualFold(h.name, name) {
			return strings.TrimSpace(h.value)
		}
	}
	return ""
}

// announcesBody reports whether the headers say that a body follows. They say so
// for HEAD, too.
func (a *answer) announcesBody() bool {
	length := a.header("Content-Length")
	return length != "" && length != "0" || a.header("Transfer-Encoding") != ""
}

// date is when the server answered.
func (a *answer) date() time.Time {
	t, _ := time.Parse(time.RFC1123, strings.Replace(a.header("Date"), "GMT", "UTC", 1))
	return t
}

// readAnswer reads an error's XML, alone, in a whole HTTP response, or in what
// `curl -v` or http.client print.
func readAnswer(text string) (*answer, error) {
	const hint = "give what the server answered: the XML that begins with <Error>, or the whole response"
	text = strings.TrimPrefix(text, "\ufeff")
	switch {
	case isPython(text):
		_, text = fromPython(text)
	case isCurl(text), strings.HasPrefix(text, "< HTTP/"), strings.Contains(text, "\n< HTTP/"):
		_, text = fromCurl(text)
	case strings.HasPrefix(text, "reply: "):
		_, text = fromPython(text)
	}
	text = strings.TrimLeft(text, "\r\n \t")
	a := &answer{fields: map[string]string{}}
	if strings.HasPrefix(text, "HTTP/") {
		text = a.readHead(text)
		a.body = strings.TrimSpace(text) != ""
	}
	i := strings.Index(text, "<Error>")
	if i < 0 {
		i = strings.Index(text, "<Error ")
	}
	if i >= 0 {
		a.readFields(text[i:])
	}
	switch {
	case a.code() == "" && a.status == 0:
		return nil, &InputError{"response", "no error of S3 is in it", hint}
	case a.code() == "" && a.status < 300:
		return nil, &InputError{"response", "the server did not refuse: status " + strconv.Itoa(a.status), "give the answer to the request that was refused"}
	}
	return a, nil
}

// readHead reads status line and headers, and returns the body.
func (a *answer) readHead(text string) string {
	line, rest := cutLine(text)
	if f := strings.Fields(line); len(f) > 1 {
		a.status, _ = strconv.Atoi(f[1])
	}
	for rest != "" {
		line, rest = cutLine(rest)
		if line == "" {
			break
		}
		if name, value, ok := strings.Cut(line, ":"); ok {
			a.headers = append(a.headers, header{name, value})
		}
	}
	return rest
}

// readFields reads the elements that hold only text. encoding/xml would refuse
// the whole answer for a control character, which a key may hold.
func (a *answer) readFields(text string) {
	for text != "" {
		_, after, ok := strings.Cut(text, "<")
		if !ok {
			return
		}
		tag, inside, ok := strings.Cut(after, ">")
		if !ok {
			return
		}
		if tag == "/Error" {
			return
		}
		name, _, _ := strings.Cut(tag, " ")
		value, end, ok := strings.Cut(inside, "<")
		if ok && strings.HasPrefix(end, "/"+name+">") {
			if _, twice := a.fields[name]; !twice {
				a.fields[name] = unescapeXML(value)
			}
		}
		text = inside
	}
}

// unescapeXML reads a text of XML as it was meant, control characters too.
func unescapeXML(s string) string {
	var b strings.Builder
	for {
		before, after, ok := strings.Cut(s, "&")
		b.WriteString(before)
		if !ok {
			return b.String()
		}
		// A name that is looked for to the end of the text is no name.
		name, _, ok := strings.Cut(after[:min(len(after), maxEntity)], ";")
		rest := after[min(len(after), len(name)+1):]
		c, known := entities[name]
		if number, isNumber := strings.CutPrefix(name, "#"); ok && isNumber {
			base := 10
			if hex, isHex := strings.CutPrefix(strings.ToLower(number), "x"); isHex {
				number, base = hex, 16
			}
			n, err := strconv.ParseUint(number, base, 21)
			if known = err == nil && utf8.ValidRune(rune(n)); known {
				c = string(rune(n))
			}
		}
		if !ok || !known {
			b.WriteByte('&')
			s = after
			continue
		}
		b.WriteString(c)
		s = rest
	}
}

// maxEntity is longer than any name of an entity, or number of a character.
const maxEntity = 16

var entities = map[string]string{"lt": "<", "gt": ">", "amp": "&", "quot": `"`, "apos": "'"}

// text is an element, or exactly its bytes where the server gives those.
func (a *answer) text(name string) string {
	digits := strings.Join(strings.Fields(a.field(name+"Bytes")), "")
	if b, err := hex.DecodeString(digits); err == nil && len(b) > 0 {
		return string(b)
	}
	return a.field(name)
}

func (a *answer) canonical() *canonical {
	c, err := readCanonical(a.text("CanonicalRequest"))
	if err != nil {
		return nil
	}
	return c
}

func (a *answer) toSign() *toSign {
	s, err := readToSign(a.text("StringToSign"))
	if err != nil {
		return nil
	}
	return s
}
