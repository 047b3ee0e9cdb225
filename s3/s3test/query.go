package s3test

import "strings"

// A query holds the parameters of a request in their order. net/url's would
// drop those with a ';' or a bad escape.
type query [][2]string

func parseQuery(raw string) query {
	var q query
	for part := range strings.SplitSeq(raw, "&") {
		if part != "" {
			name, value, _ := strings.Cut(part, "=")
			q = append(q, [2]string{unescape(name, true), unescape(value, true)})
		}
	}
	return q
}

func (q query) has(name string) bool {
	for _, p := range q {
		if p[0] == name {
			return true
		}
	}
	return false
}

func (q query) get(name string) string {
	for _, p := range q {
		if p[0] == name {
			return p[1]
		}
	}
	return ""
}
