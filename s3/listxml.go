package s3

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// maxPage bounds the body of a listing: 1000 keys of 1024 bytes, each byte
// escaped, with everything else S3 says of a key, is below 4 MiB.
const maxPage = 16 << 20

// maxEntries bounds the entries of a page: S3 gives 1000, and no server should
// give many more than it was asked for.
const maxEntries = 100_000

// A page is one answer to a LIST.
type page struct {
	entries   []Entry
	truncated bool
	next      string // token of the next page; set when truncated
	dropped   int    // entries that do not belong in the answer
}

// pageBody is the XML of an answer.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html
type pageBody struct {
	XMLName               xml.Name
	IsTruncated           string
	NextContinuationToken string
	EncodingType          string
	Contents              []struct{ Key, LastModified, ETag, Size, StorageClass string }
	CommonPrefixes        []struct{ Prefix string }
	Code, Message         string // when it is an Error instead
	RequestID             string `xml:"RequestId"`
}

// decodePage reads an answer to opts. What is not a whole, believable listing
// is an error of kind errProtocol; a server's error under a good status is an
// *Error with its code.
func decodePage(body io.Reader, opts ListOptions) (page, error) {
	raw, err := io.ReadAll(io.LimitReader(body, maxPage+1))
	if err != nil {
		return page{}, fmt.Errorf("%w: %w", errProtocol, err)
	}
	if len(raw) > maxPage {
		return page{}, fmt.Errorf("%w: a listing of over %d bytes", errProtocol, maxPage)
	}
	// Counted before it is decoded, which takes ten times the memory.
	if n := bytes.Count(raw, []byte("Contents")) + bytes.Count(raw, []byte("CommonPrefixes")); n > 2*maxEntries {
		return page{}, fmt.Errorf("%w: some %d entries in one page", errProtocol, n/2)
	}
	var x pageBody
	if err := decodeWhole(raw, &x); err != nil {
		return page{}, fmt.Errorf("%w: a listing that cannot be read: %w", errProtocol, err)
	}
	switch x.XMLName.Local {
	case "ListBucketResult":
	case "Error":
		return page{}, fmt.Errorf("%w: %w", errProtocol, &Error{Op: opList, Code: x.Code, Message: x.Message, RequestID: x.RequestID})
	default:
		return page{}, fmt.Errorf("%w: a %q in the place of a listing", errProtocol, printable(x.XMLName.Local, 64))
	}
	return x.page(opts)
}

// decodeWhole decodes raw, which must hold one element and nothing behind it.
func decodeWhole(raw []byte, into any) error {
	d := xml.NewDecoder(bytes.NewReader(raw))
	if err := d.Decode(into); err != nil {
		return err
	}
	for {
		switch t, err := d.Token(); {
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		default:
			if _, ok := t.(xml.StartElement); ok {
				return errors.New("a second document behind the first")
			}
		}
	}
}

func (x *pageBody) page(opts ListOptions) (page, error) {
	p := page{next: x.NextContinuationToken}
	switch strings.ToLower(strings.TrimSpace(x.IsTruncated)) {
	case "true":
		p.truncated = true
	case "false":
	case "": // said by the token alone
		p.truncated = p.next != ""
	default:
		return page{}, fmt.Errorf("%w: IsTruncated is %q", errProtocol, printable(x.IsTruncated, 64))
	}
	if p.truncated && p.next == "" {
		return page{}, fmt.Errorf("%w: a listing that goes on, but not where", errProtocol)
	}
	keyOf := func(s string) (string, bool) { return s, true }
	if x.EncodingType == "url" { // "+" is a blank then, as some servers write it; a plus is %2B
		keyOf = func(s string) (string, bool) { k, err := url.QueryUnescape(s); return k, err == nil }
	}
	objects := make([]Entry, 0, len(x.Contents))
	for _, c := range x.Contents {
		key, ok := keyOf(c.Key)
		if !ok || key == "" || !belongs(key, opts) {
			p.dropped++
			continue
		}
		at, _ := time.Parse(time.RFC3339, c.LastModified) // zero: the server did not say
		objects = append(objects, Entry{Key: key, Size: parseSize(c.Size), ETag: versionTag(c.ETag, at), LastModified: at, StorageClass: c.StorageClass})
	}
	prefixes := make([]Entry, 0, len(x.CommonPrefixes))
	for _, c := range x.CommonPrefixes {
		key, ok := keyOf(c.Prefix)
		if !ok || !belongsFolded(key, opts) {
			p.dropped++
			continue
		}
		prefixes = append(prefixes, Entry{Key: key, Prefix: true})
	}
	p.entries = merge(objects, prefixes)
	return p, nil
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

// merge puts the two lists of a page, each in the server's order, into one
// order by key.
func merge(a, b []Entry) []Entry {
	if len(b) == 0 {
		return a
	}
	all := make([]Entry, 0, len(a)+len(b))
	for len(a) > 0 && len(b) > 0 {
		if a[0].Key <= b[0].Key {
			all, a = append(all, a[0]), a[1:]
		} else {
			all, b = append(all, b[0]), b[1:]
		}
	}
	return append(append(all, a...), b...)
}
