package explain

import (
	"slices"
	"strings"
)

// fragile are the headers that are changed on the way more often than not.
var fragile = []string{
	"accept-encoding", "user-agent", "connection", "expect", "keep-alive", "te", "trailer", "transfer-encoding",
	"upgrade", "x-amzn-trace-id", "proxy-connection", "proxy-authorization", "x-forwarded-for", "via",
}

func isFragile(name string) bool { return slices.Contains(fragile, strings.ToLower(name)) }

// compareHeaders compares the lines of the headers.
func (q *inquiry) compareHeaders(yours, server *canonical, basis Basis) {
	before := len(q.findings)
	var names []string
	for _, h := range slices.Concat(yours.headers, server.headers) {
		names = append(names, strings.ToLower(strings.TrimSpace(h.name)))
	}
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		q.compareHeader(name, yours, server, basis)
	}
	var order []string
	for _, h := range yours.headers {
		if lower := strings.ToLower(h.name); lower != h.name {
			q.find(basis, CauseHeaderNameCase, lower, h.name, lower)
		}
		order = append(order, strings.ToLower(h.name))
	}
	if !slices.IsSorted(order) {
		sorted := slices.Sorted(slices.Values(order))
		q.find(basis, CauseHeadersUnsorted, "", strings.Join(order, ";"), strings.Join(sorted, ";"))
	}
	if len(q.findings) == before {
		q.agree(PartHeader)
	}
}

func (q *inquiry) compareHeader(name string, yours, server *canonical, basis Basis) {
	have, ours := yours.line(name)
	want, theirs := server.line(name)
	sent, isSent := "", false
	if q.request != nil {
		sent, isSent = q.request.value(name)
	}
	switch {
	case have == want && ours == theirs:
	case !theirs:
		if slices.Contains(strings.Split(server.names, ";"), name) {
			// The names count; the server's text may leave out an empty line.
			q.find(basis, CauseHeaderChanged, name, have, "")
			return
		}
		q.find(basis, CauseHeaderExtra, name, have, "")
	case !ours:
		q.find(basis, CauseHeaderMissing, name, "", want)
	case trimmed(have) == want:
		q.find(basis, CauseHeaderBlanks, name, have, want)
	case name == "host":
		q.find(basis, hostCause(have, want), name, have, want)
	case name == "x-amz-content-sha256" && have == yours.payload && want == server.payload && (!isSent || sent != have):
		// Said of the payload's line.
	case basis == Shown && isSent && sent == have:
		q.find(basis, CauseHeaderChanged, name, have, want)
	case basis == Shown && !isSent && q.request == nil && (isFragile(name) || want == "" || name == "content-length"):
		q.find(basis, CauseHeaderChanged, name, have, want)
	case basis == Rule && q.request != nil && !isSent:
		q.find(basis, CauseHeaderNotSent, name, have, "")
	default:
		q.find(basis, CauseHeader, name, have, want)
	}
}

// hostCause says how two hosts differ.
func hostCause(yours, server string) string {
	name, port := cutPort(yours)
	serverName, serverPort := cutPort(server)
	switch {
	case !strings.EqualFold(name, serverName):
		return CauseHost
	case port == "" && serverPort != "":
		return CauseHostPortMissing
	case port != "" && serverPort == "":
		return CauseHostPortExtra
	}
	return CauseHost
}

// cutPort splits host[:port].
func cutPort(host string) (name, port string) {
	i := strings.LastIndexByte(host, ':')
	if i < 0 || strings.Contains(host[i:], "]") {
		return host, ""
	}
	return host[:i], host[i+1:]
}
