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

// The reading of a listing with encoding/xml: what the scanner has to agree
// with, but for these differences.
//
//   - Characters that XML cannot hold, as themselves or by number, are taken by
//     the scanner: servers that do not encode keys send them.
//   - Names of elements and attributes may have any character beyond ASCII.
//   - Elements nested deeper than maxNesting are refused.
//   - maxEntries is held to the entries, not to the words in the text.
//
// How many Prefixes a CommonPrefixes may have is not for encoding/xml to say;
// both take all of them.

// pageBody is the XML of an answer, for encoding/xml.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html
type pageBody struct {
	XMLName               xml.Name
	IsTruncated           string
	NextContinuationToken string
	EncodingType          string
	KeyCount              string
	Error                 *struct{ Code, Message, RequestId string }
	Contents              []struct{ Key, LastModified, ETag, Size, StorageClass string }
	CommonPrefixes        []struct{ Prefix []string }
	Code, Message         string // when it is an Error instead
	RequestID             string `xml:"RequestId"`
}

// referencePage is decodePage as encoding/xml does it.
func referencePage(body io.Reader, opts ListOptions) (page, error) {
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
		if e := x.Error; e != nil {
			return page{}, fmt.Errorf("%w: %w", errProtocol, &Error{Op: opList, Code: e.Code, Message: e.Message, RequestID: e.RequestId})
		}
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
	case "":
		entries := len(x.Contents)
		for _, c := range x.CommonPrefixes {
			entries += max(1, len(c.Prefix))
		}
		if p.truncated = p.next != ""; !p.truncated && !saysCount(x.KeyCount, entries) {
			return page{}, fmt.Errorf("%w: a listing that does not say whether it is whole", errProtocol)
		}
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
		if len(c.Prefix) == 0 {
			c.Prefix = []string{""}
		}
		for _, prefix := range c.Prefix {
			key, ok := keyOf(prefix)
			if !ok || !belongsFolded(key, opts) {
				p.dropped++
				continue
			}
			prefixes = append(prefixes, Entry{Key: key, Prefix: true})
		}
	}
	p.entries = referenceMerge(objects, prefixes)
	return p, nil
}

func saysCount(s string, n int) bool {
	said, err := strconv.Atoi(s)
	return err == nil && said == n
}

// referenceMerge puts the two lists of a page, each in the server's order, into one
// order by key.
func referenceMerge(a, b []Entry) []Entry {
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
