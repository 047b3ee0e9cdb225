package explain

import (
	"slices"
	"strings"

	"s3mount/sigv4"
)

// compareCanonical compares the client's canonical request with the server's, or
// with what S3 makes of the request; and the request with the server's.
func (q *inquiry) compareCanonical() {
	switch {
	case q.own != nil && q.served != nil:
		q.compareParts(q.own, q.served, Shown)
	case q.own != nil && q.derived != nil:
		q.compareParts(q.own, q.derived, Rule)
	case q.own != nil:
		q.compareParts(q.own, q.asItShouldBe(q.own), Rule)
		// It was held to the rules, not compared with what was sent.
		q.agreed = slices.DeleteFunc(q.agreed, func(p Part) bool {
			return p == PartMethod || p == PartPath || p == PartQuery || p == PartHeader
		})
	case q.derived != nil && q.served != nil:
		q.compareParts(q.derived, q.served, Shown)
	}
	if q.own != nil {
		q.lookAtForm(q.own)
		if q.served == nil && q.derived != nil && q.request.method == "" {
			q.miss("The method of the request is not known: give the request line, not only the URL.")
		}
	}
}

// asItShouldBe is what can be said of a canonical request from itself.
func (q *inquiry) asItShouldBe(own *canonical) *canonical {
	right := *own
	right.noQuery, right.noPayload = false, false
	right.method = strings.ToUpper(own.method)
	right.path, right.query = ownPath(own), own.query
	if path, query, ok := strings.Cut(own.path, "?"); ok {
		right.path = sigv4.CanonicalPath(path)
		if right.query == "" {
			right.query = query
		}
	}
	right.query = signedQuery(strings.TrimPrefix(right.query, "?"))
	right.headers = nil
	for _, h := range own.headers {
		right.headers = append(right.headers, header{strings.ToLower(strings.TrimSpace(h.name)), trimmed(h.value)})
	}
	slices.SortStableFunc(right.headers, func(a, b header) int { return strings.Compare(a.name, b.name) })
	var names []string
	for _, h := range right.headers {
		names = append(names, h.name)
	}
	right.names = strings.Join(slices.Compact(names), ";")
	if stated, ok := right.line("x-amz-content-sha256"); ok {
		right.payload = stated
	} else if q.request != nil {
		if stated, sent := q.request.value("x-amz-content-sha256"); sent {
			right.payload = stated
		}
	}
	return &right
}

func ownPath(own *canonical) string {
	if _, rest, ok := strings.Cut(own.path, "://"); ok && !strings.HasPrefix(own.path, "/") {
		i := strings.IndexByte(rest, '/')
		if i < 0 {
			return "/"
		}
		return sigv4.CanonicalPath(rest[i:])
	}
	if !strings.HasPrefix(own.path, "/") {
		return sigv4.CanonicalPath("/" + own.path)
	}
	return sigv4.CanonicalPath(own.path)
}

// compareParts compares part by part, in the order of the canonical request.
// server is the server's own view if basis is Shown.
func (q *inquiry) compareParts(yours, server *canonical, basis Basis) {
	q.compareMethod(yours, server, basis)
	switch {
	case yours.path == server.path:
		q.agree(PartPath)
	case basis == Shown && q.derived != nil && q.derived.path == yours.path:
		q.find(basis, CausePathChanged, "", yours.path, server.path)
	default:
		q.find(basis, pathCause(yours.path, server.path), "", yours.path, server.path)
	}
	q.compareQuery(yours, server, basis)
	q.compareHeaders(yours, server, basis)
	q.compareNames(yours, server, basis)
	q.comparePayload(yours, server, basis)
}

func (q *inquiry) compareMethod(yours, server *canonical, basis Basis) {
	known := q.request == nil || q.request.method != "" || yours != q.derived && server != q.derived
	switch {
	case !known: // only a URL was given
	case yours.method == server.method:
		q.agree(PartMethod)
	case basis == Shown && q.derived != nil && q.derived.method == yours.method && !q.claim.presigned:
		q.find(basis, CauseMethodChanged, "", yours.method, server.method)
	case strings.EqualFold(yours.method, server.method):
		q.find(basis, CauseMethodCase, "", yours.method, server.method)
	case strings.Contains(server.query, "X-Amz-Credential="):
		q.find(basis, CausePresignedMethod, "", yours.method, server.method)
	default:
		q.find(basis, CauseMethod, "", yours.method, server.method)
	}
}

func (q *inquiry) compareQuery(yours, server *canonical, basis Basis) {
	switch {
	case yours.noQuery:
		// What stands where the query should be.
		next := ""
		if len(yours.headers) > 0 {
			next = yours.headers[0].name + ":" + yours.headers[0].value
		}
		q.find(basis, CauseNoQueryLine, "", next, server.query)
	case yours.query == server.query:
		q.agree(PartQuery)
	case basis == Shown && q.derived != nil && q.derived.query == yours.query:
		q.find(basis, CauseQueryChanged, "", yours.query, server.query)
	default:
		q.find(basis, queryCause(yours.query, server.query), "", yours.query, server.query)
	}
}

func (q *inquiry) compareNames(yours, server *canonical, basis Basis) {
	if yours.names == server.names || yours == q.derived && sameNames(yours.names, server.names) {
		q.agree(PartSignedHeaders)
		return
	}
	q.find(basis, namesCause(yours.names, server.names), "", yours.names, server.names)
}

// sameNames reports whether two lists hold the same names.
func sameNames(a, b string) bool {
	return slices.Equal(slices.Sorted(slices.Values(splitNames(strings.ToLower(a)))), slices.Sorted(slices.Values(splitNames(strings.ToLower(b)))))
}

// namesCause says how two lists of names differ.
func namesCause(yours, server string) string {
	switch {
	case !sameNames(yours, server):
		return CauseNames
	case strings.ToLower(yours) == server:
		return CauseNamesCase
	case strings.ContainsAny(yours, ", "):
		return CauseNamesSeparator
	}
	return CauseNamesUnsorted
}

// splitNames splits a list of names at what should be a semicolon.
func splitNames(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return r == ';' || r == ',' || r == ' ' })
}

func (q *inquiry) comparePayload(yours, server *canonical, basis Basis) {
	switch {
	case yours.noPayload:
		q.find(basis, CausePayloadLine, "", "", server.payload)
	case yours.payload == server.payload:
		q.agree(PartPayloadHash)
	case strings.EqualFold(yours.payload, server.payload) && isHexHash(yours.payload):
		q.find(basis, CausePayloadCase, "", yours.payload, server.payload)
	default:
		q.find(basis, CausePayloadMismatch, "", yours.payload, server.payload)
	}
}

// lookAtForm says what is wrong with the text apart from its parts.
func (q *inquiry) lookAtForm(own *canonical) {
	basis := Rule
	if q.served != nil {
		basis = Shown
	}
	if own.noBlank {
		q.find(basis, CauseBlankLine, "", "", "")
	}
	if own.indented {
		q.find(basis, CauseHashIndented, "", "", "").What = "The lines of the canonical request are indented."
	}
	if !own.noBlank && !own.crlf && !own.indented && !own.noQuery && !own.noPayload {
		q.agree(PartCanonical)
	}
}
