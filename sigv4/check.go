package sigv4

import (
	"net/http"
	"net/url"
	"strings"
	"time"
)

// check looks at all that Sign and Presign share and returns the host as signed.
func check(r *http.Request, c Credentials, sc Scope, payload string, t time.Time) (host string, err error) {
	switch {
	case c.AccessKeyID == "":
		return "", invalid("access key id", "empty")
	case hasControl(c.AccessKeyID) || strings.ContainsAny(c.AccessKeyID, "/, \t"):
		return "", invalid("access key id", "holds a blank, a slash, a comma or a control character")
	case c.SecretAccessKey == "":
		return "", invalid("secret access key", "empty")
	case hasControl(c.SecretAccessKey):
		return "", invalid("secret access key", "holds a line end or another control character")
	case hasControl(c.SessionToken) || strings.ContainsAny(c.SessionToken, " \t"):
		return "", invalid("session token", "holds a blank, a line end or another control character")
	case sc.Region == "":
		return "", invalid("region", "empty")
	case !isToken(sc.Region):
		return "", invalid("region", "holds a character that no region name has")
	case sc.Service == "":
		return "", invalid("service", "empty")
	case !isToken(sc.Service):
		return "", invalid("service", "holds a character that no service name has")
	case t.IsZero():
		return "", invalid("time", "zero")
	case t.UTC().Year() < 1 || t.UTC().Year() > 9999:
		return "", invalid("time", "the year does not have four digits")
	case payload != OmitPayload && !isToken(payload):
		return "", invalid("payload", "neither a SHA-256 in hexadecimal nor a name such as "+UnsignedPayload)
	case r.Method != "" && !isToken(r.Method):
		return "", invalid("method", "holds a character that no method has")
	case r.URL == nil:
		return "", invalid("url", "missing")
	case r.URL.Opaque != "":
		return "", invalid("url", "Opaque is set; put the path into Path")
	case r.URL.User != nil:
		return "", invalid("url", "holds a user name or password")
	case r.URL.Path != "" && r.URL.Path[0] != '/':
		return "", invalid("url", "the path does not begin with a slash")
	}
	return signedHost(r)
}

// signedHost returns the Host header that goes on the wire and is signed.
func signedHost(r *http.Request) (string, error) {
	host := r.Host
	if host == "" {
		host = r.URL.Host
	}
	name, port, err := splitHost(host)
	if err != nil {
		return "", err
	}
	if zone := strings.IndexByte(name, '%'); zone >= 0 {
		name = name[:zone] + "]" // the zone is this machine's business; net/http drops it too
	}
	name = strings.ToLower(name)
	if port == "" || isDefaultPort(r.URL, port) {
		return name, nil
	}
	if len(name)+1+len(port) == len(host) && host[:len(name)] == name {
		return host, nil
	}
	return name + ":" + port, nil
}

func isDefaultPort(u *url.URL, port string) bool {
	return port == "443" && strings.EqualFold(u.Scheme, "https") || port == "80" && strings.EqualFold(u.Scheme, "http")
}

// splitHost splits host[:port]. The name of an IPv6 address keeps its brackets.
// The errors do not repeat host, which may be half of "user:password@host".
func splitHost(host string) (name, port string, err error) {
	if host == "" {
		return "", "", invalid("host", "empty")
	}
	name = host
	if end := strings.LastIndexByte(host, ']'); host[0] == '[' && end > 0 {
		var rest string
		name, rest = host[:end+1], host[end+1:]
		if rest != "" && rest[0] != ':' {
			return "", "", invalid("host", "something other than a port follows the bracket")
		}
		port = strings.TrimPrefix(rest, ":")
		if !strings.Contains(name, ":") || strings.ContainsAny(name[1:end], "[]/?#@\\\"<>^`{|} ") {
			return "", "", invalid("host", "what is in brackets is no IPv6 address")
		}
	} else {
		name, port, _ = strings.Cut(host, ":")
		if name == "" {
			return "", "", invalid("host", "empty")
		}
		if strings.Contains(port, ":") {
			return "", "", invalid("host", "more than one colon; an IPv6 address needs brackets")
		}
		if strings.ContainsAny(name, "[]/?#@%\\\"<>^`{|} ") {
			return "", "", invalid("host", "holds a character that no host name has")
		}
	}
	for i := range len(name) {
		if name[i] < 0x20 || name[i] >= 0x7f {
			return "", "", invalid("host", "holds a character outside printable ASCII; write the name in punycode")
		}
	}
	for i := range len(port) {
		if port[i] < '0' || port[i] > '9' {
			return "", "", invalid("host", "the port is not a number")
		}
	}
	return name, port, nil
}

// isToken reports whether s can be a header name (RFC 9110, section 5.6.2). The
// other words of a signature keep to the same characters.
func isToken(s string) bool {
	for i := range len(s) {
		c := s[i]
		if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0) {
			return false
		}
	}
	return s != ""
}

// hasControl reports whether s holds a control character other than a tab.
func hasControl(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' && c != '\t' || c == 0x7f {
			return true
		}
	}
	return false
}
