package s3test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"
)

// A position is where in the order of the keys a page ends.
type position struct {
	after  string // the last key or common prefix that was given
	prefix bool   // it was a common prefix: all its keys are done with
	given  bool   // by a page before, and not by start-after
	above  string // of an unsorted listing: the start-after of its first page
}

// A page is what one request lists.
type page struct {
	keys     []string
	prefixes []string
	next     *position // nil: the listing is complete
}

// readPage lists at most limit of the sorted keys from start on. A common prefix
// is found, counted and left behind with one search however many keys it has.
func readPage(keys []string, prefix, delimiter string, start position, limit int) page {
	var p page
	i := sort.SearchStrings(keys, prefix)
	if start.after != "" {
		after := sort.Search(len(keys), func(i int) bool {
			return keys[i] > start.after && !(start.prefix && strings.HasPrefix(keys[i], start.after))
		})
		i = max(i, after)
	}
	var last position
	for n := 0; i < len(keys) && strings.HasPrefix(keys[i], prefix); n++ {
		if n == limit {
			if limit > 0 { // S3 says of max-keys=0 that there is no more
				p.next = &last
			}
			break
		}
		key := keys[i]
		cut := -1
		if delimiter != "" {
			cut = strings.Index(key[len(prefix):], delimiter)
		}
		if cut < 0 {
			p.keys = append(p.keys, key)
			last = position{after: key}
			i++
			continue
		}
		common := key[:len(prefix)+cut+len(delimiter)]
		p.prefixes = append(p.prefixes, common)
		last = position{after: common, prefix: true}
		rest := keys[i:]
		i += sort.Search(len(rest), func(i int) bool { return !strings.HasPrefix(rest[i], common) })
	}
	return p
}

// list answers ListObjectsV2, and where Options say so ListObjects, the first
// version of it.
func (x *exchange) list() *answer {
	q := x.query
	v1 := x.s.listV1 && !q.has("list-type") && !q.has("uploads")
	if !v1 && q.get("list-type") != "2" {
		return refuse(http.StatusNotImplemented, "NotImplemented", "s3test lists with list-type=2 only")
	}
	limit, encode, refused := x.asked()
	if refused != nil {
		return refused
	}
	prefix, delimiter := q.get("prefix"), q.get("delimiter")
	start := position{after: q.get("start-after")}
	switch {
	case v1:
		// A common prefix as the marker is behind all of its keys.
		marker := q.get("marker")
		start = position{after: marker, prefix: delimiter != "" && strings.HasSuffix(marker, delimiter)}
	case q.has("continuation-token"):
		var ok bool
		if start, ok = parseToken(q.get("continuation-token"), prefix, delimiter); !ok {
			return invalidArgument("The continuation token provided is incorrect", "continuation-token", q.get("continuation-token"))
		}
	}

	var b bytes.Buffer
	b.WriteString(xmlHeader + `<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">`)
	x.s.store.read(func(keys []string, object func(string) Object) {
		read := readPage
		if x.s.unsorted {
			read = readUnsorted
		}
		p := read(keys, prefix, delimiter, start, limit)
		b.Grow(1000 + 300*len(p.keys) + 100*len(p.prefixes))
		element(&b, "Name", x.s.bucket)
		element(&b, "Prefix", encode(prefix))
		if v1 {
			element(&b, "Marker", encode(q.get("marker")))
			if p.next != nil && delimiter != "" { // without one S3 leaves it out: it is the last key
				element(&b, "NextMarker", encode(p.next.after))
			}
		} else {
			if q.has("start-after") {
				element(&b, "StartAfter", encode(q.get("start-after")))
			}
			if q.has("continuation-token") {
				element(&b, "ContinuationToken", q.get("continuation-token"))
			}
			if p.next != nil {
				element(&b, "NextContinuationToken", p.next.token(prefix, delimiter))
			}
			element(&b, "KeyCount", strconv.Itoa(len(p.keys)+len(p.prefixes)))
		}
		element(&b, "MaxKeys", strconv.Itoa(limit))
		if delimiter != "" {
			element(&b, "Delimiter", encode(delimiter))
		}
		if x.param("encoding-type") == "url" {
			element(&b, "EncodingType", "url")
		}
		element(&b, "IsTruncated", strconv.FormatBool(p.next != nil))
		p.write(&b, encode, object)
	})
	b.WriteString("</ListBucketResult>")
	return newAnswer(http.StatusOK, "application/xml", b.Bytes())
}

// asked is how many entries a listing may have, and in what form its keys are.
func (x *exchange) asked() (limit int, encode func(string) string, refused *answer) {
	q := x.query
	limit = x.s.pageSize
	if q.has("max-keys") {
		n, err := strconv.Atoi(q.get("max-keys"))
		if err != nil || n < 0 {
			return 0, nil, invalidArgument("Provided max-keys not an integer or within integer range", "max-keys", q.get("max-keys"))
		}
		limit = min(n, limit)
	}
	switch x.param("encoding-type") {
	case "":
		return limit, func(s string) string { return s }, nil
	case "url":
		return limit, encodeKey, nil
	}
	return 0, nil, invalidArgument("Invalid Encoding Method specified in Request", "encoding-type", q.get("encoding-type"))
}

// write is the page as the elements of a listing.
func (p *page) write(b *bytes.Buffer, encode func(string) string, object func(key string) Object) {
	var at time.Time // of the object before, mostly of this one, too
	var modified string
	for _, key := range p.keys {
		o := object(key)
		if modified == "" || !o.LastModified.Equal(at) {
			at, modified = o.LastModified, o.LastModified.Format("2006-01-02T15:04:05.000Z")
		}
		b.WriteString("<Contents>")
		element(b, "Key", encode(key))
		element(b, "LastModified", modified)
		element(b, "ETag", o.ETag)
		element(b, "Size", strconv.FormatInt(o.Size, 10))
		element(b, "StorageClass", o.StorageClass)
		b.WriteString("</Contents>")
	}
	for _, common := range p.prefixes {
		b.WriteString("<CommonPrefixes>")
		element(b, "Prefix", encode(common))
		b.WriteString("</CommonPrefixes>")
	}
}

func invalidArgument(message, name, value string) *answer {
	return refuse(http.StatusBadRequest, "InvalidArgument", message, field{"ArgumentName", name}, field{"ArgumentValue", value})
}

// encodeKey is S3's form of a key with encoding-type=url: a query's form, but
// with '/' as it is.
func encodeKey(s string) string {
	if strings.IndexFunc(s, func(r rune) bool { return !literal(r) }) < 0 {
		return s
	}
	return strings.ReplaceAll(url.QueryEscape(s), "%2F", "/")
}

// literal says that encodeKey leaves a character as it is.
func literal(r rune) bool {
	return 'a' <= r && r <= 'z' || '0' <= r && r <= '9' || 'A' <= r && r <= 'Z' || r == '/' || r == '-' || r == '.' || r == '_' || r == '~'
}

// token is opaque, and good only for a listing with the same prefix and
// delimiter.
func (p position) token(prefix, delimiter string) string {
	body := "k" + p.after
	if p.prefix {
		body = "p" + p.after
	}
	body = strconv.Itoa(len(p.above)) + ":" + p.above + body
	return base64.RawURLEncoding.EncodeToString(append(tokenCheck(body, prefix, delimiter), body...))
}

func parseToken(token, prefix, delimiter string) (position, bool) {
	b, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil || len(b) < tokenCheckLen+1 {
		return position{}, false
	}
	check, body := b[:tokenCheckLen], string(b[tokenCheckLen:])
	if !slices.Equal(check, tokenCheck(body, prefix, delimiter)) {
		return position{}, false
	}
	n, rest, _ := strings.Cut(body, ":")
	above, _ := strconv.Atoi(n)
	p := position{given: true, above: rest[:above]}
	p.prefix, p.after = rest[above] == 'p', rest[above+1:]
	return p, true
}

const tokenCheckLen = 12

func tokenCheck(body, prefix, delimiter string) []byte {
	sum := sha256.Sum256(fmt.Appendf(nil, "s3test %q %q %q", body, prefix, delimiter))
	return sum[:tokenCheckLen]
}
