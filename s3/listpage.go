package s3

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// A page is one answer to a LIST.
type page struct {
	entries   []Entry
	truncated bool
	next      string // token of the next page; set when truncated
	dropped   int    // entries that do not belong in the answer
	attempts  int    // that it took
}

// page makes the page of what was found.
func (r *pageReader) page(opts ListOptions) (page, error) {
	p := page{next: string(r.bytes(r.token))}
	var err error
	if p.truncated, err = r.goesOn(p.next); err != nil {
		return page{}, err
	}
	k := keeper{last: "STANDARD"}
	k.text.Grow(r.decodeKeys())
	all := make([]Entry, len(r.prefixes)+len(r.objects))
	objects := all[len(r.prefixes):len(r.prefixes)]
	for i := range r.objects {
		if e := r.entry(&r.objects[i], &k); e.Key != "" && belongs(e.Key, opts) {
			objects = append(objects, e)
		}
	}
	var prefixes []string
	if len(r.prefixes) > 0 {
		prefixes = make([]string, 0, len(r.prefixes))
	}
	for _, c := range r.prefixes {
		if key := k.keep(r.bytes(c)); belongsFolded(key, opts) {
			prefixes = append(prefixes, key)
		}
	}
	p.dropped = len(all) - len(objects) - len(prefixes)
	p.entries = merge(all, objects, prefixes)
	return p, nil
}

// goesOn says whether there is another page, which begins at next.
func (r *pageReader) goesOn(next string) (truncated bool, err error) {
	switch strings.ToLower(strings.TrimSpace(string(r.bytes(r.truncated)))) {
	case "true":
		truncated = true
	case "false":
	case "": // said by what is next alone, or by the count
		truncated = next != ""
		if !truncated && !r.countAgrees() {
			return false, fmt.Errorf("%w: a listing that does not say whether it is whole", errProtocol)
		}
	default:
		return false, fmt.Errorf("%w: IsTruncated is %q", errProtocol, printable(string(r.bytes(r.truncated)), 64))
	}
	if truncated && next == "" {
		return false, fmt.Errorf("%w: a listing that goes on, but not where", errProtocol)
	}
	return truncated, nil
}

// countAgrees says that the answer has as many entries as it says it has. S3
// always says both that and IsTruncated. An answer with neither may be of a
// server, or something on the way, that knows nothing of listings; to take it
// for a whole one would be to say that what it lacks is not there.
func (r *pageReader) countAgrees() bool {
	n, err := strconv.Atoi(string(r.bytes(r.count)))
	return err == nil && n == len(r.objects)+len(r.prefixes)
}

// decodeKeys undoes the encoding of the keys, where there is one. What cannot be
// decoded becomes empty, which no key is. It gives the size of all that will be
// kept.
func (r *pageReader) decodeKeys() (size int) {
	encoded := r.encoded()
	decode := func(c *cut) int {
		r.decode(c, encoded)
		return int(c.end - c.off)
	}
	for i := range r.objects {
		o := &r.objects[i]
		size += decode(&o.key) + int(o.etag.end-o.etag.off)
	}
	for i := range r.prefixes {
		size += decode(&r.prefixes[i])
	}
	return size
}

// encoded says whether keys are URL-encoded in the answer.
func (r *pageReader) encoded() bool { return strings.EqualFold(string(r.bytes(r.encoding)), "url") }

// decode undoes the encoding of a key, where there is one.
func (r *pageReader) decode(c *cut, encoded bool) {
	if encoded {
		c.end = c.off + int32(unescape(r.bytes(*c)))
	}
}

// unescape decodes b, which is URL-encoded, in its place, and gives its length
// then, or 0 where that cannot be. "+" is a blank, as some servers write it; a
// plus is %2B.
func unescape(b []byte) (n int) {
	if bytes.IndexByte(b, '%') < 0 && bytes.IndexByte(b, '+') < 0 {
		return len(b)
	}
	for i := 0; i < len(b); i++ {
		c := b[i]
		switch c {
		case '+':
			c = ' '
		case '%':
			if i+2 >= len(b) || unhex[b[i+1]] > 15 || unhex[b[i+2]] > 15 {
				return 0
			}
			c = unhex[b[i+1]]<<4 | unhex[b[i+2]]
			i += 2
		}
		b[n] = c
		n++
	}
	return n
}

func (r *pageReader) entry(o *objectText, k *keeper) Entry {
	at, _ := time.Parse(time.RFC3339, string(r.bytes(o.modified))) // zero: the server did not say
	return Entry{
		Key:          k.keep(r.bytes(o.key)),
		Size:         parseSize(string(r.bytes(o.size))),
		ETag:         k.tag(r.bytes(o.etag), at),
		LastModified: at,
		StorageClass: k.class(r.bytes(o.class)),
	}
}

// belongs says whether an object's key can be an answer to opts.
func belongs(key string, opts ListOptions) bool {
	rest, ok := strings.CutPrefix(key, opts.Prefix)
	return ok && key > opts.StartAfter && (opts.Delimiter == "" || !strings.Contains(rest, opts.Delimiter))
}

// belongsFolded says whether the keys that begin with key can be one answer to
// opts. StartAfter may be among them.
func belongsFolded(key string, opts ListOptions) bool {
	rest, ok := strings.CutPrefix(key, opts.Prefix)
	_, behind, folded := strings.Cut(rest, opts.Delimiter)
	return ok && opts.Delimiter != "" && folded && behind == "" &&
		(key > opts.StartAfter || strings.HasPrefix(opts.StartAfter, key))
}

func parseSize(s string) int64 {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 {
		return -1
	}
	return n
}

// merge puts the objects and prefixes of a page, each in the server's order,
// into one order by key: into all, at whose end the objects are.
func merge(all, objects []Entry, prefixes []string) []Entry {
	if len(prefixes) == 0 {
		return objects
	}
	all = all[:0]
	for len(objects) > 0 && len(prefixes) > 0 {
		if objects[0].Key <= prefixes[0] {
			all, objects = append(all, objects[0]), objects[1:]
		} else {
			all, prefixes = append(all, Entry{Key: prefixes[0], Prefix: true}), prefixes[1:]
		}
	}
	all = append(all, objects...)
	for _, key := range prefixes {
		all = append(all, Entry{Key: key, Prefix: true})
	}
	return all
}

// A keeper keeps the strings of a page, all in one.
type keeper struct {
	text strings.Builder
	last string // the storage class before
}

func (k *keeper) keep(b []byte) string {
	n := k.text.Len()
	k.text.Write(b)
	return k.text.String()[n:]
}

// tag keeps the name of a version: see versionTag.
func (k *keeper) tag(etag []byte, modified time.Time) string {
	plain := bytes.Trim(etag, `"`)
	for _, c := range plain {
		if notInTag(rune(c)) {
			return versionTag(string(etag), modified)
		}
	}
	if len(plain) == 0 || bytes.HasPrefix(etag, []byte("W/")) {
		return versionTag(string(etag), modified)
	}
	return k.keep(plain)
}

// class keeps a storage class: mostly that of the object before.
func (k *keeper) class(b []byte) string {
	if string(b) != k.last {
		k.last = string(b)
	}
	return k.last
}
