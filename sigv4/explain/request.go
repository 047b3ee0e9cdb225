package explain

import (
	"strings"
)

// A header is one header line. The value is as it was written, blanks included.
type header struct{ name, value string }

// A request is what was sent, read with no more understanding than needed: its
// target is as wrong as it was.
type request struct {
	method    string // "" if only a URL is known
	path      string // raw
	query     string // raw, without the question mark
	headers   []header
	body      string
	bodyKnown bool // whether the text would hold the body if there was one
}

// values are those of all headers of that name.
func (r *request) values(name string) []string {
	var out []string
	for _, h := range r.headers {
		if strings.EqualFold(h.name, name) {
			out = append(out, h.value)
		}
	}
	return out
}

// value is the header as it is signed: trimmed, several joined with commas.
func (r *request) value(name string) (value string, sent bool) {
	values := r.values(name)
	for i, v := range values {
		values[i] = trimmed(v)
	}
	return strings.Join(values, ","), len(values) > 0
}

// trimmed is a header's value as it is signed.
func trimmed(v string) string {
	v = strings.Trim(v, " \t")
	for strings.Contains(v, "  ") {
		v = strings.ReplaceAll(v, "  ", " ")
	}
	return v
}

const requestHint = "give the request as it was sent: the request line and the headers, or what `curl -v` prints, or the lines of Python's http.client with debuglevel 1"

// readRequest reads a request in any of its forms, and the text of the response
// where one stands beside it.
func readRequest(text string) (*request, string, error) {
	text = strings.TrimPrefix(text, "\ufeff")
	var sent, response string
	bodyKnown := true
	switch {
	case isPython(text):
		sent, response = fromPython(text)
	case isCurl(text):
		sent, response = fromCurl(text)
		bodyKnown = false
	default:
		sent = strings.TrimLeft(text, "\r\n \t")
		if strings.HasPrefix(sent, "curl ") {
			return nil, "", &InputError{"request", "this is a command line of curl, not what it sends", "run it with -v, and give what it prints (2>&1)"}
		}
		if line := strings.TrimSpace(sent); len(line) > 2 && strings.IndexByte("'\"", line[0]) >= 0 && line[len(line)-1] == line[0] && strings.HasPrefix(strings.ToLower(line[1:]), "http") {
			sent = line[1 : len(line)-1] // a URL as it stands in a shell
		}
	}
	r, problem := parseRequest(sent)
	if problem != "" {
		return nil, "", &InputError{"request", problem, requestHint}
	}
	r.bodyKnown = bodyKnown && r.method != ""
	return r, response, nil
}

// parseRequest reads an HTTP/1.x message, its lines ended by LF or CRLF.
func parseRequest(text string) (r *request, problem string) {
	line, rest := cutLine(text)
	if lower := strings.ToLower(line); strings.HasPrefix(lower, "https://") || strings.HasPrefix(lower, "http://") {
		if strings.TrimSpace(rest) == "" {
			r = &request{}
			r.setTarget(strings.TrimSpace(line))
			return r, ""
		}
	}
	first, last := strings.IndexByte(line, ' '), strings.LastIndexByte(line, ' ')
	if first < 0 {
		return nil, "the first line is no request line"
	}
	method, target := line[:first], strings.TrimSpace(line[first:])
	if last > first && strings.HasPrefix(strings.ToUpper(line[last+1:]), "HTTP/") {
		target = line[first+1 : last]
	} else if last > first {
		return nil, "the first line does not end in HTTP/1.1"
	}
	if !isToken(method) || target == "" || strings.HasPrefix(strings.ToUpper(method), "HTTP/") {
		return nil, "the first line is no request line"
	}
	r = &request{method: method}
	for lines := 0; rest != ""; lines++ {
		line, rest = cutLine(rest)
		if line == "" {
			r.body = rest
			break
		}
		if lines == maxHeaders {
			return nil, "over 1000 lines of headers"
		}
		if n := len(r.headers); n > 0 && (line[0] == ' ' || line[0] == '\t') {
			r.headers[n-1].value += line // folded
			continue
		}
		name, value, ok := strings.Cut(line, ":")
		if !ok || !isToken(strings.TrimSpace(name)) {
			return nil, "a line among the headers is no header"
		}
		r.headers = append(r.headers, header{strings.TrimSpace(name), value})
	}
	r.setTarget(target)
	return r, ""
}

// setTarget splits the target, and takes the host of one that is a whole URL.
func (r *request) setTarget(target string) {
	if scheme, rest, ok := strings.Cut(target, "://"); ok && isToken(scheme) {
		host := rest
		target = "/"
		if i := strings.IndexAny(rest, "/?"); i >= 0 {
			host, target = rest[:i], rest[i:]
		}
		if len(r.values("Host")) == 0 {
			switch strings.ToLower(scheme) { // a client leaves away the port that the scheme implies
			case "https":
				host = strings.TrimSuffix(host, ":443")
			case "http":
				host = strings.TrimSuffix(host, ":80")
			}
			r.headers = append(r.headers, header{"Host", host[strings.LastIndexByte(host, '@')+1:]})
		}
	}
	r.path, r.query, _ = strings.Cut(target, "?")
}

// cutLine returns the first line without its end, and what follows.
func cutLine(s string) (line, rest string) {
	line, rest, _ = strings.Cut(s, "\n")
	return strings.TrimSuffix(line, "\r"), rest
}

// isToken reports whether s can be a method or the name of a header.
func isToken(s string) bool {
	for i := range len(s) {
		c := s[i]
		if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0) {
			return false
		}
	}
	return s != ""
}
