package s3

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
)

// maxPage bounds the body of a listing: 1000 keys of 1024 bytes, each byte
// escaped, with everything else S3 says of a key, is below 4 MiB.
const maxPage = 16 << 20

// maxEntries bounds the entries of a page: S3 gives 1000, and no server should
// give many more than it was asked for.
const maxEntries = 100_000

// A pageReader holds one answer while it is read, and is used again: a page
// costs its entries and the one string that all of theirs are cut from.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html
type pageReader struct {
	xmlScanner
	body                       []byte
	truncated, token, encoding cut
	count                      cut    // KeyCount: objects and prefixes
	refused                    *Error // an error in the place of a listing, or in the midst of one
	objects                    []objectText
	prefixes                   []cut

	byVersion  bool // a listing of versions is wanted
	keyMarker  cut  // of the next page
	idMarker   cut
	versioning []versionText
}

// An objectText is what the answer says of an object: see Entry.
type objectText struct{ key, modified, etag, size, class cut }

var pageReaders = sync.Pool{New: func() any { return new(pageReader) }}

// decodePage reads an answer to opts. What is not a whole, believable listing
// is an error of kind errProtocol; a server's error under a good status is an
// *Error with its code.
func decodePage(body io.Reader, opts ListOptions) (page, error) {
	r := pageReaders.Get().(*pageReader)
	defer r.free()
	if err := r.read(body); err != nil {
		return page{}, err
	}
	if err := r.scan(); err != nil {
		return page{}, err
	}
	return r.page(opts)
}

// free gives r back. What one odd page needed is not kept.
func (r *pageReader) free() {
	if cap(r.body) <= 1<<20 && cap(r.objects) <= 4096 && cap(r.prefixes) <= 4096 && cap(r.versioning) <= 4096 {
		*r = pageReader{body: r.body[:0], objects: r.objects[:0], prefixes: r.prefixes[:0], versioning: r.versioning[:0]}
		pageReaders.Put(r)
	}
}

// read takes the whole body in.
func (r *pageReader) read(body io.Reader) error {
	for {
		r.body = slices.Grow(r.body, 64<<10)
		n, err := body.Read(r.body[len(r.body):cap(r.body)])
		r.body = r.body[:len(r.body)+n]
		switch {
		case len(r.body) > maxPage:
			return fmt.Errorf("%w: a listing of over %d bytes", errProtocol, maxPage)
		case err == io.EOF:
			return nil
		case err != nil:
			return fmt.Errorf("%w: %w", errProtocol, err)
		}
	}
}

// errTooMany is the answer to more entries than maxEntries.
var errTooMany = errors.New("too many entries in one page")

// scan finds what the document says.
func (r *pageReader) scan() error {
	r.reset(r.body)
	root, _ := r.child()
	switch {
	case string(root) == "ListBucketResult" && !r.byVersion:
		r.listing()
	case string(root) == "ListVersionsResult" && r.byVersion:
		r.versions()
	case string(root) == "ListBucketResult": // of a server that does not know the question
		r.fail(ErrNoVersions)
	case string(root) == "Error":
		r.refused = r.refusal()
	default:
		if r.err == nil {
			r.fail(fmt.Errorf("a %q in the place of a listing", printable(string(root), 64)))
		}
	}
	if _, again := r.child(); again {
		r.fail(errors.New("a second document behind the first"))
	}
	switch {
	case r.err != nil:
		return fmt.Errorf("%w: a listing that cannot be read: %w", errProtocol, r.err)
	case r.refused != nil:
		return fmt.Errorf("%w: %w", errProtocol, r.refused)
	}
	return nil
}

func (r *pageReader) listing() {
	for {
		name, ok := r.child()
		if !ok {
			return
		}
		switch string(name) {
		case "Contents":
			r.objects = append(r.objects, r.object())
		case "CommonPrefixes":
			r.commonPrefixes()
		case "IsTruncated":
			r.truncated = r.text()
		case "NextContinuationToken":
			r.token = r.text()
		case "EncodingType":
			r.encoding = r.text()
		case "KeyCount":
			r.count = r.text()
		case "Error": // of a server that had begun its answer
			r.refused = r.refusal()
		default:
			r.text()
		}
		if len(r.objects)+len(r.prefixes) > maxEntries {
			r.fail(errTooMany)
		}
	}
}

func (r *pageReader) object() (o objectText) {
	for {
		name, ok := r.child()
		if !ok {
			return o
		}
		switch string(name) {
		case "Key":
			o.key = r.text()
		case "LastModified":
			o.modified = r.text()
		case "ETag":
			o.etag = r.text()
		case "Size":
			o.size = r.text()
		case "StorageClass":
			o.class = r.text()
		default:
			r.text()
		}
	}
}

// commonPrefixes takes every Prefix of one CommonPrefixes: S3 gives one, and
// its name is in the plural. None is an entry that does not belong.
func (r *pageReader) commonPrefixes() {
	before := len(r.prefixes)
	for {
		name, ok := r.child()
		if !ok {
			break
		}
		if text := r.text(); string(name) == "Prefix" {
			r.prefixes = append(r.prefixes, text)
		}
	}
	if len(r.prefixes) == before {
		r.prefixes = append(r.prefixes, cut{})
	}
}

func (r *pageReader) refusal() *Error {
	e := &Error{Op: opList}
	for {
		name, ok := r.child()
		if !ok {
			return e
		}
		into := new(string)
		switch string(name) {
		case "Code":
			into = &e.Code
		case "Message":
			into = &e.Message
		case "RequestId":
			into = &e.RequestID
		}
		*into = string(r.bytes(r.text()))
	}
}
