package explain

import (
	"regexp"
	"strconv"
	"strings"
)

// isCurl reports whether the text is what `curl -v` prints.
func isCurl(text string) bool {
	for line := range strings.SplitSeq(text, "\n") {
		if rest, ok := strings.CutPrefix(strings.TrimLeft(afterMeter(strings.TrimSuffix(line, "\r")), " "), "> "); ok {
			return strings.Contains(rest, " HTTP/")
		}
	}
	return false
}

// fromCurl takes the last request, and the last answer to it, out of what
// `curl -v` prints. The body of the answer stands between curl's own lines.
func fromCurl(text string) (sent, response string) {
	var request, answer strings.Builder
	answering := false // the headers of an answer are over: its body follows
	for rest := text; rest != ""; {
		var line string
		line, rest = cutLine(rest)
		line = afterMeter(line)
		switch {
		case line == ">" || strings.HasPrefix(line, "> "):
			line = strings.TrimPrefix(line[1:], " ")
			if strings.Contains(line, " HTTP/") && !strings.Contains(line[:strings.IndexByte(line, ' ')], ":") {
				request.Reset()
				answer.Reset()
			}
			answering = false
			request.WriteString(line + "\n")
		case line == "<" || strings.HasPrefix(line, "< "):
			line = strings.TrimPrefix(line[1:], " ")
			if strings.HasPrefix(line, "HTTP/") {
				answer.Reset() // 100 Continue came before
			}
			answering = line == ""
			answer.WriteString(line + "\n")
		case strings.HasPrefix(line, "* "), strings.HasPrefix(line, "{ ["), strings.HasPrefix(line, "} ["):
		case answering:
			answer.WriteString(line + "\n") // and curl's next remark, behind a body without a line end
		}
	}
	return request.String(), answer.String()
}

// meter is what curl writes of its progress where its output goes into a pipe or
// a file: over the same line again and again, and on into the line that follows.
var meter = regexp.MustCompile(`^(?:\r? *\d[ \d.kMGTP]*(?: +(?:-{1,2}|\d+):(?:--|\d\d):(?:--|\d\d)){3} +\d[\d.]*[kMGTP]?)+`)

// afterMeter is a line without it.
func afterMeter(line string) string {
	if !strings.Contains(line, "--:--") && !strings.Contains(line, "\r") {
		return line
	}
	return line[len(meter.FindString(line)):]
}

// isPython reports whether the text is what http.client prints when debugging.
func isPython(text string) bool {
	for line := range strings.SplitSeq(text, "\n") {
		line = strings.TrimLeft(line, " ")
		if strings.HasPrefix(line, "send: b'") || strings.HasPrefix(line, `send: b"`) || strings.HasPrefix(line, "send: '") || strings.HasPrefix(line, `send: "`) {
			return true
		}
	}
	return false
}

// fromPython takes the last request, and the answer to it, out of the debug lines
// of http.client: "send: b'...'", one or several for a request, "reply: '...'",
// "header: Name: value". What stands between is the program's own; an XML answer
// is looked for in it.
func fromPython(text string) (sent, response string) {
	var request, answer, other strings.Builder
	for rest := text; rest != ""; {
		var line string
		line, rest = cutLine(rest)
		line = strings.TrimLeft(line, " ")
		// What a program prints in one line with another may follow.
		if literal, ok := strings.CutPrefix(line, "send: "); ok {
			data := unquotePython(literal)
			if startsRequest(data) {
				request.Reset()
				answer.Reset()
				other.Reset()
			}
			request.WriteString(data)
		} else if literal, ok := strings.CutPrefix(line, "reply: "); ok {
			answer.Reset()
			answer.WriteString(strings.TrimRight(unquotePython(literal), "\r\n") + "\n")
		} else if h, ok := strings.CutPrefix(line, "header: "); ok {
			answer.WriteString(h + "\n")
		} else {
			other.WriteString(line + "\n")
		}
	}
	body := other.String()
	if strings.HasPrefix(body, "b'") || strings.HasPrefix(body, `b"`) {
		body = unquotePython(strings.TrimSpace(body)) // print(response.read())
	}
	if answer.Len() == 0 && !strings.Contains(body, "<Error") {
		return request.String(), ""
	}
	return request.String(), answer.String() + "\n" + body
}

// startsRequest reports whether data begins with a request line.
func startsRequest(data string) bool {
	line, _ := cutLine(data)
	method, _, ok := strings.Cut(line, " ")
	return ok && isToken(method) && strings.Contains(line, " HTTP/")
}

// unquotePython reads a literal of Python, bytes or text, as repr writes it.
func unquotePython(s string) string {
	s = strings.TrimLeft(strings.TrimSpace(s), "bu")
	if len(s) < 2 || s[0] != '\'' && s[0] != '"' {
		return s
	}
	quote := s[0]
	s = s[1:]
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == quote {
			break
		}
		if s[i] != '\\' || i+1 == len(s) {
			b.WriteByte(s[i])
			continue
		}
		i++
		switch s[i] {
		case 'n':
			b.WriteByte('\n')
		case 'r':
			b.WriteByte('\r')
		case 't':
			b.WriteByte('\t')
		case 'x':
			if i+2 < len(s) {
				if c, err := strconv.ParseUint(s[i+1:i+3], 16, 8); err == nil {
					b.WriteByte(byte(c))
					i += 2
					continue
				}
			}
			b.WriteString(`\x`)
		default:
			b.WriteByte(s[i]) // \\ \' \"
		}
	}
	return b.String()
}
