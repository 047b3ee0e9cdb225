package s3test

import (
	"bytes"
	"cmp"
	"net/http"
	"sort"
	"strconv"
	"strings"
	"time"
)

// A line is what a listing of versions says of one, or of a common prefix.
type line struct {
	key    string
	prefix bool
	latest bool
	Object
	deleted bool
}

// versions answers ListObjectVersions.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectVersions.html
func (x *exchange) versions() *answer {
	limit, encode, refused := x.asked()
	if refused != nil {
		return refused
	}
	q := x.query
	if q.has("version-id-marker") && !q.has("key-marker") {
		return invalidArgument("A version-id marker cannot be specified without a key marker.", "version-id-marker", q.get("version-id-marker"))
	}
	var lines []line
	var next *line // nil: the listing is complete
	x.s.store.history(func(keys []string, newest func(string) version) {
		lines, next = x.s.readVersions(keys, newest, q, limit)
	})
	var b bytes.Buffer
	b.WriteString(xmlHeader + `<ListVersionsResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">`)
	element(&b, "Name", x.s.bucket)
	element(&b, "Prefix", encode(q.get("prefix")))
	element(&b, "KeyMarker", encode(q.get("key-marker")))
	element(&b, "VersionIdMarker", q.get("version-id-marker"))
	if next != nil {
		element(&b, "NextKeyMarker", encode(next.key))
		if !next.prefix {
			element(&b, "NextVersionIdMarker", next.VersionID)
		}
	}
	element(&b, "MaxKeys", strconv.Itoa(limit))
	if q.has("delimiter") {
		element(&b, "Delimiter", encode(q.get("delimiter")))
	}
	if x.param("encoding-type") == "url" {
		element(&b, "EncodingType", "url")
	}
	element(&b, "IsTruncated", strconv.FormatBool(next != nil))
	if x.s.apart {
		sort.SliceStable(lines, func(i, j int) bool { return lines[i].deleted && !lines[j].deleted })
	}
	for _, l := range lines {
		l.write(&b, encode)
	}
	b.WriteString("</ListVersionsResult>")
	return newAnswer(http.StatusOK, "application/xml", b.Bytes())
}

// readVersions gives at most limit of the versions behind the markers, and the
// last of them if there are more.
func (s *Server) readVersions(keys []string, newest func(string) version, q query, limit int) (lines []line, next *line) {
	prefix, delimiter := q.get("prefix"), q.get("delimiter")
	marker, idMarker := q.get("key-marker"), q.get("version-id-marker")
	add := func(l line) bool {
		if len(lines) == limit {
			if limit > 0 {
				next = &lines[limit-1]
			}
			return false
		}
		lines = append(lines, l)
		return true
	}
	for _, key := range keys[sort.SearchStrings(keys, max(prefix, marker)):] {
		rest, ok := strings.CutPrefix(key, prefix)
		if !ok {
			break
		}
		if name, _, deep := strings.Cut(rest, delimiter); deep && delimiter != "" {
			common := prefix + name + delimiter
			known := len(lines) > 0 && lines[len(lines)-1].key == common
			if !known && common > marker && !add(line{key: common, prefix: true}) {
				break
			}
			continue
		}
		behind := ""
		if key == marker {
			if behind = idMarker; behind == "" { // all of it came before
				continue
			}
		}
		if !s.addVersions(key, newest(key), behind, add) {
			break
		}
	}
	return lines, next
}

// addVersions adds the versions of a key that are behind one, or all.
func (s *Server) addVersions(key string, newest version, behind string, add func(line) bool) bool {
	for v := &newest; v != nil; v = v.older {
		o := v.object(key, s.store.versioned)
		o.VersionID = cmp.Or(o.VersionID, "null")
		if behind == "" && !add(line{key: key, latest: v == &newest, Object: o, deleted: v.deleted}) {
			return false
		}
		if o.VersionID == behind {
			behind = ""
		}
	}
	return true
}

func (l *line) write(b *bytes.Buffer, encode func(string) string) {
	if l.prefix {
		b.WriteString("<CommonPrefixes>")
		element(b, "Prefix", encode(l.key))
		b.WriteString("</CommonPrefixes>")
		return
	}
	name := "Version"
	if l.deleted {
		name = "DeleteMarker"
	}
	b.WriteString("<" + name + ">")
	element(b, "Key", encode(l.key))
	element(b, "VersionId", l.VersionID)
	element(b, "IsLatest", strconv.FormatBool(l.latest))
	element(b, "LastModified", l.LastModified.Format(time.RFC3339))
	if !l.deleted {
		element(b, "ETag", l.ETag)
		element(b, "Size", strconv.FormatInt(l.Size, 10))
		element(b, "StorageClass", l.StorageClass)
	}
	b.WriteString("</" + name + ">")
}
