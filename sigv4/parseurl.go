package sigv4

import (
	"net/url"
	"strings"
)

// ParseURL reads an http or https URL as a person types it and returns one whose
// EscapedPath and RawQuery are the canonical wire form.
//
// Path and query may hold any byte unescaped. %XX is an escape, any other percent
// sign is itself. The first '?' begins the query; in it, '&' and '=' separate,
// and '+' is a plus, not a blank. '#' is an ordinary character, because keys have
// no fragments. Nothing is cleaned: "//", "." and ".." stay. So
//
//	https://host/photos/100% fun #1.jpg
//
// has the path /photos/100%25%20fun%20%231.jpg.
//
// A URL with a user name or password is refused. Errors do not repeat the URL.
func ParseURL(s string) (*url.URL, error) {
	scheme, rest, ok := strings.Cut(s, "://")
	scheme = strings.ToLower(scheme)
	if !ok || scheme != "http" && scheme != "https" {
		return nil, invalid("url", "does not begin with https:// or http://")
	}
	host, path := rest, "/"
	if i := strings.IndexAny(rest, "/?"); i >= 0 {
		host, path = rest[:i], rest[i:]
	}
	if strings.Contains(host, "@") {
		return nil, invalid("url", "holds a user name or password")
	}
	host = strings.Replace(host, "%25", "%", 1) // an IPv6 zone is escaped in a URL, plain in url.URL
	if _, _, err := splitHost(host); err != nil {
		return nil, err
	}
	path, query, _ := strings.Cut(path, "?")
	if path == "" {
		path = "/"
	}
	path = CanonicalPath(path)
	plain, err := url.PathUnescape(path)
	if err != nil {
		return nil, invalid("url", "the path cannot be read") // cannot happen: path is canonical
	}
	return &url.URL{
		Scheme:   scheme,
		Host:     host,
		Path:     plain,
		RawPath:  path,
		RawQuery: CanonicalQuery(strings.ReplaceAll(query, "+", "%2B")),
	}, nil
}
