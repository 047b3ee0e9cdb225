package explain

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
)

// A canonical is a canonical request taken apart, whatever is wrong with it.
type canonical struct {
	method, path, query string
	headers             []header // its lines, in order
	names               string   // the list of signed headers
	payload             string

	noQuery   bool   // there is no line for the query
	noBlank   bool   // no empty line after the headers
	noPayload bool   // it ends with the list of signed headers
	indented  bool   // its lines but the first begin with blanks
	crlf      bool   // its lines end in CRLF
	tail      string // line ends after the last line
	text      string // all of it, exactly
}

// line is the value of a header's line.
func (c *canonical) line(name string) (value string, ok bool) {
	for _, h := range c.headers {
		if strings.EqualFold(h.name, name) {
			return h.value, true
		}
	}
	return "", false
}

// readCanonical takes a canonical request apart. It tolerates what it can name.
func readCanonical(text string) (*canonical, error) {
	const hint = "it is: method, path, query, one line for each signed header, an empty line, the names of the signed headers, the hash of the payload"
	fail := func(problem, hint string) (*canonical, error) {
		return nil, &InputError{"canonical-request", problem, hint}
	}
	text = pasted(text)
	c := &canonical{text: text}
	text = strings.TrimLeft(strings.TrimPrefix(text, "\ufeff"), "\r\n")
	c.crlf = strings.Contains(text, "\r\n")
	text = strings.ReplaceAll(text, "\r\n", "\n")
	body := strings.TrimRight(text, "\n")
	c.tail = text[len(body):]
	lines := strings.Split(body, "\n")
	c.indented = isIndented(lines)
	for i := range lines {
		if c.indented {
			lines[i] = strings.TrimLeft(lines[i], " \t")
		}
	}
	switch {
	case strings.HasPrefix(lines[0], "AWS4-"):
		return fail("this is a string to sign", "give it as the string to sign")
	case strings.Contains(lines[0], " HTTP/"):
		return fail("this is a request", "give it as the request")
	case !isToken(lines[0]):
		return fail("the first line is no method", hint)
	case len(lines) < 4:
		return fail("it has too few lines", hint)
	case len(lines) > maxHeaders:
		return fail("it has over 1000 lines", hint)
	}
	c.method = lines[0]
	last := len(lines) - 1
	if looksLikeNames(lines[last]) && !looksLikePayload(lines[last]) {
		c.noPayload = true
		last++
	} else {
		c.payload = lines[last]
	}
	c.names = lines[last-1]
	first := 1
	if !isLineOf(lines[1], c.names) {
		c.path, first = lines[1], 2
	}
	if first < last-1 && !isLineOf(lines[first], c.names) {
		c.query = lines[first]
		first++
	} else {
		c.noQuery = true
	}
	c.noBlank = true
	for _, line := range lines[min(first, last-1) : last-1] {
		if c.noBlank = line != ""; c.noBlank {
			name, value, _ := strings.Cut(line, ":")
			c.headers = append(c.headers, header{name, value})
		}
	}
	return c, nil
}

// isIndented reports whether all lines but the first begin with blanks, if they
// are not empty.
func isIndented(lines []string) bool {
	return len(lines) > 1 && !slices.ContainsFunc(lines[1:], func(line string) bool {
		return line != "" && line[0] != ' ' && line[0] != '\t'
	})
}

// isLineOf reports whether a line is that of one of the signed headers.
func isLineOf(line, names string) bool {
	name, _, ok := strings.Cut(line, ":")
	name = strings.ToLower(strings.TrimSpace(name))
	if !ok || !isToken(name) {
		return false
	}
	if name == "host" || strings.HasPrefix(name, "x-amz-") {
		return true
	}
	return slices.Contains(strings.FieldsFunc(strings.ToLower(names), func(r rune) bool { return r == ';' || r == ',' || r == ' ' }), name)
}

func looksLikePayload(s string) bool {
	return isHexHash(s) || strings.HasPrefix(s, "UNSIGNED-") || strings.HasPrefix(s, "STREAMING-")
}

func looksLikeNames(s string) bool {
	return s == "host" || strings.Contains(s, "host;") || strings.Contains(s, ";x-amz-")
}

// isHexHash reports whether s is 64 hexadecimal digits, of either case.
func isHexHash(s string) bool {
	_, err := hex.DecodeString(s)
	return err == nil && len(s) == 2*sha256.Size
}

// render writes the text as it should be.
func (c *canonical) render() string {
	var b strings.Builder
	b.WriteString(c.method + "\n" + c.path + "\n" + c.query + "\n")
	for _, h := range c.headers {
		b.WriteString(h.name + ":" + h.value + "\n")
	}
	b.WriteString("\n" + c.names + "\n" + c.payload)
	return b.String()
}

// exact is the text without what an editor adds to a file.
func (c *canonical) exact() string {
	text := strings.ReplaceAll(strings.TrimPrefix(c.text, "\ufeff"), "\r\n", "\n")
	return strings.Trim(text, "\n")
}

func hexHash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

// A toSign is a string to sign taken apart.
type toSign struct {
	algorithm, date, scope, hash string
	text                         string // exactly
}

func readToSign(text string) (*toSign, error) {
	fail := func(problem, hint string) (*toSign, error) {
		return nil, &InputError{"string-to-sign", problem, hint}
	}
	text = pasted(text)
	clean := strings.Trim(strings.ReplaceAll(strings.TrimPrefix(text, "\ufeff"), "\r\n", "\n"), "\n")
	lines := strings.Split(clean, "\n")
	const hint = "it is four lines: the algorithm, the date, the scope, the hash of the canonical request"
	switch {
	case len(lines) > 4 && !strings.HasPrefix(lines[0], "AWS4"):
		return fail("this is no string to sign", "a canonical request is given as such; "+hint)
	case len(lines) != 4:
		return fail("it does not have four lines", hint)
	}
	return &toSign{algorithm: lines[0], date: lines[1], scope: lines[2], hash: lines[3], text: text}, nil
}

func (s *toSign) exact() string {
	return s.algorithm + "\n" + s.date + "\n" + s.scope + "\n" + s.hash
}
