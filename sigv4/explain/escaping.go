package explain

import (
	"net/url"
	"path"
	"slices"
	"strings"

	"s3mount/sigv4"
)

// A form is a way in which signers get a path or a query wrong: what cause makes
// of the right one.
type form struct{ cause, text string }

// wrongPaths are the mistaken forms of a canonical path.
func wrongPaths(right string) []form {
	plain := unescape(right)
	cleaned := path.Clean(right)
	withSlash := cleaned
	if strings.HasSuffix(right, "/") && cleaned != "/" {
		withSlash += "/"
	}
	noBucket := "/"
	if _, rest, ok := strings.Cut(strings.TrimPrefix(right, "/"), "/"); ok {
		noBucket = "/" + rest
	}
	return []form{
		{CausePathCleaned, cleaned},
		{CausePathCleaned, withSlash},
		{CausePathCleaned, onlyDoubles(right)},
		{CausePathTwice, sigv4.EscapePath(right)},
		{CausePathUnescaped, plain},
		{CausePathOtherwise, (&url.URL{Path: plain}).EscapedPath()},
		{CausePathOtherwise, url.PathEscape(plain)},
		{CausePathOtherwise, smallDigits(right)},
		{CausePathOtherwise, strings.ReplaceAll(right, "~", "%7E")},
		{CausePathPlus, strings.ReplaceAll(right, "%20", "+")},
		{CausePathPlus, strings.ReplaceAll(url.QueryEscape(plain), "%2F", "/")},
		{CausePathPlus, strings.ReplaceAll(right, "%2B", "+")},
		{CausePathSlash, sigv4.EscapeQuery(plain)},
		{CausePathSlash, "/" + strings.ReplaceAll(strings.TrimPrefix(right, "/"), "/", "%2F")},
		{CausePathEmpty, strings.TrimPrefix(right, "/")},
		{CausePathEmpty, ""},
		{CausePathBucket, noBucket},
	}
}

// onlyDoubles makes one slash of several.
func onlyDoubles(p string) string {
	for strings.Contains(p, "//") {
		p = strings.ReplaceAll(p, "//", "/")
	}
	return p
}

// smallDigits writes escapes with small digits.
func smallDigits(s string) string {
	b := []byte(s)
	for i := range b {
		if b[i] == '%' && i+2 < len(b) {
			copy(b[i:], strings.ToLower(s[i:i+3]))
		}
	}
	return string(b)
}

// pathCause says how two paths differ.
func pathCause(yours, right string) string {
	switch {
	case strings.Contains(yours, "://") && !strings.HasPrefix(yours, "/"):
		return CausePathURL
	case strings.Contains(yours, "?"):
		return CausePathQuery
	}
	for _, f := range wrongPaths(right) {
		if yours == f.text && f.text != right {
			return f.cause
		}
	}
	switch {
	case sigv4.CanonicalPath(yours) == right:
		return CausePathOtherwise
	case onlyDoubles(path.Clean("/"+unescape(yours))) == path.Clean("/"+unescape(right)):
		return CausePathCleaned
	case strings.HasSuffix(right, yours) || strings.HasSuffix(yours, right) && right != "/":
		return CausePathBucket
	}
	return CausePath
}

// wrongQueries are the mistaken forms of a query. raw is how it was sent.
func wrongQueries(raw, right string) []form {
	parts := strings.Split(right, "&")
	shuffled := func(of []string, less func(a, b string) int) string {
		of = slices.Clone(of)
		slices.SortStableFunc(of, less)
		return strings.Join(of, "&")
	}
	plain := make([]string, len(parts))
	for i, p := range parts {
		name, value, _ := strings.Cut(p, "=")
		plain[i] = unescape(name) + "=" + unescape(value)
	}
	twice := make([]string, len(parts))
	for i, p := range parts {
		name, value, _ := strings.Cut(p, "=")
		twice[i] = sigv4.EscapeQuery(name) + "=" + sigv4.EscapeQuery(value)
	}
	var sent []string // canonical, in the order sent
	for part := range strings.SplitSeq(raw, "&") {
		if c := sigv4.CanonicalQuery(part); c != "" && !strings.HasPrefix(c, "X-Amz-Signature=") {
			sent = append(sent, c)
		}
	}
	noEquals := make([]string, len(parts))
	for i, p := range parts {
		noEquals[i] = strings.TrimSuffix(p, "=")
	}
	slashes := strings.ReplaceAll(right, "%2F", "/")
	folded := func(a, b string) int { return strings.Compare(strings.ToLower(a), strings.ToLower(b)) }
	forms := []form{
		{CauseQueryDropped, ""},
		{CauseQueryUnsorted, strings.Join(sent, "&")},
		{CauseQueryUnsorted, shuffled(parts, folded)},
		{CauseQueryEquals, strings.Join(noEquals, "&")},
		{CauseQueryPlus, strings.ReplaceAll(right, "%20", "+")},
		{CauseQueryPlus, strings.ReplaceAll(right, "%20", "%2B")},
		{CauseQueryTwice, sigv4.EscapeQuery(right)},
		{CauseQueryTwice, strings.Join(twice, "&")},
		{CauseQueryTwice, strings.ReplaceAll(right, "%", "%25")},
		{CauseQueryUnescaped, strings.Join(plain, "&")},
		{CauseQueryUnescaped, slashes},
		{CauseQueryUnescaped, unescape(right)},
		{CauseQueryOtherwise, smallDigits(right)},
		{CauseQueryOtherwise, strings.ReplaceAll(right, "~", "%7E")},
		{CauseQueryMark, "?" + right},
		{CauseQueryMark, "?" + raw},
		{CauseQueryUnescaped, raw},
		{CauseQueryUnsorted, strings.ReplaceAll(strings.Join(sent, "&"), "%20", "+")},
	}
	if _, ok := parameter(raw, "X-Amz-Signature"); ok {
		forms = append(forms, form{CauseQuerySignature, sigv4.CanonicalQuery(raw)}, form{CauseQuerySignature, raw})
	}
	return forms
}

// queryCause says how two queries differ.
func queryCause(yours, right string) string {
	for _, f := range wrongQueries(right, right) {
		if yours == f.text && f.text != right {
			return f.cause
		}
	}
	sorted := func(s string) string {
		parts := strings.Split(s, "&")
		slices.Sort(parts)
		return strings.Join(parts, "&")
	}
	trimmedMark := strings.TrimPrefix(yours, "?")
	switch {
	case trimmedMark != yours:
		return CauseQueryMark
	case sorted(yours) == sorted(right):
		return CauseQueryUnsorted
	case strings.Contains(yours, "X-Amz-Signature="):
		return CauseQuerySignature
	case sigv4.CanonicalQuery(yours) == right:
		return likeliest(yours)
	case sigv4.CanonicalQuery(unescape(yours)) == right, unescape(yours) == right, sigv4.CanonicalQuery(unescape(unescape(yours))) == sigv4.CanonicalQuery(unescape(right)):
		return CauseQueryTwice
	case sigv4.CanonicalQuery(strings.ReplaceAll(yours, "%2B", "+")) == right:
		return CauseQueryPlus
	}
	return CauseQuery
}

// likeliest says what is wrong with a query that means the right thing.
func likeliest(yours string) string {
	parts := strings.Split(yours, "&")
	switch {
	case strings.Contains(yours, "+"):
		return CauseQueryPlus
	case slices.ContainsFunc(parts, func(p string) bool { return !strings.Contains(p, "=") }):
		return CauseQueryEquals
	case strings.ContainsFunc(yours, func(r rune) bool { return r == '/' || r == ' ' || r == ':' || r >= 0x80 }):
		return CauseQueryUnescaped
	case !slices.IsSorted(parts):
		return CauseQueryUnsorted
	}
	return CauseQueryOtherwise
}
