package s3

import (
	"context"
	"errors"
	"fmt"
	iofs "io/fs"
	"net/http"
	"strconv"
	"strings"

	"s3mount/sigv4"
)

// maxSkip is how many bytes in front of the wanted ones may be thrown away when
// a server ignores Range and sends the whole object.
const maxSkip = 1 << 20

// A span is the bytes [off, end) of an object.
type span struct{ off, end int64 }

func (s span) len() int64 { return s.end - s.off }

// header is the span as HTTP writes it, last byte included.
func (s span) header() string {
	var room [48]byte
	b := strconv.AppendInt(append(room[:0], "bytes="...), s.off, 10)
	return string(strconv.AppendInt(append(b, '-'), s.end-1, 10))
}

// OpenRange opens the bytes [off, end) of the version o of an object;
// 0 <= off < end <= o.Size. The server has accepted the request and said that
// it is that version when OpenRange returns; nothing of the body need have
// arrived. The caller closes the body.
//
// An object that was replaced or deleted is [ErrChanged], unless o.VersionID
// names the version in a bucket that keeps it.
func (b *Bucket) OpenRange(ctx context.Context, o Object, off, end int64) (*Body, error) {
	s := span{off, end}
	if o.Key == "" || off < 0 || s.len() <= 0 || end > o.Size {
		return nil, &Error{Op: opGet, Bucket: b.opts.Name, Key: o.Key,
			Err: fmt.Errorf("asked for bytes [%d, %d) of an object of %d", off, end, o.Size)}
	}
	if o.ETag == datedTag+noDate {
		return nil, &Error{Op: opGet, Bucket: b.opts.Name, Key: o.Key, Err: fmt.Errorf("%w: the server gives neither ETag nor Last-Modified, so no reply can be known to be of this version", errProtocol)}
	}
	if strings.HasPrefix(o.ETag, datedTag) {
		b.warnOnce.Do(func() {
			b.opts.Log.Warn("the server gives no strong ETag; versions are told apart by date, to the second", "bucket", b.opts.Name, "key", o.Key)
		})
	}
	body := &Body{bucket: b, ctx: ctx, object: o, left: s}
	if err := body.open(b.opts.Retry); err != nil {
		return nil, err
	}
	return body, nil
}

// get asks for a span of a version.
func (b *Bucket) get(ctx context.Context, o Object, s span, retry Retry) (*reply, error) {
	if b.unpinned.Load() && !o.Pinned {
		o.VersionID = ""
	}
	r, err := b.getVersion(ctx, o, s, retry)
	denied := errors.Is(err, iofs.ErrPermission)
	if o.VersionID == "" || o.Pinned || !denied && !errors.Is(err, iofs.ErrNotExist) {
		return r, err // where a version is asked for by its name, what the key holds now is no answer
	}
	// Reading by version id takes a permission of its own (s3:GetObjectVersion).
	// And a version may be gone while a later one is the same: uploaded again,
	// it has the same ETag. Without the id If-Match holds to the bytes.
	o.VersionID = ""
	r, again := b.getVersion(ctx, o, s, retry)
	if again == nil && denied && !b.unpinned.Swap(true) {
		b.opts.Log.Info("reading by version id is not permitted; versions are held to by ETag alone", "bucket", b.opts.Name)
	}
	return r, again
}

func (b *Bucket) getVersion(ctx context.Context, o Object, s span, retry Retry) (*reply, error) {
	return b.do(ctx, call{
		op: opGet, method: http.MethodGet, key: o.Key, path: o.Key, query: versionQuery(o.VersionID),
		part: s.header(), ifMatch: condition(o.ETag), size: s.len(),
		idle: b.opts.IdleTimeout, retry: retry,
		accept: func(r *reply) error { return acceptRange(r, o, s) },
	})
}

// versionQuery is the query that asks for a version; "" is the present one.
func versionQuery(id string) string {
	if id == "" {
		return ""
	}
	return "versionId=" + sigv4.EscapeQuery(id)
}

// acceptRange says whether a reply is the span of that version, and leaves its
// body at the first byte of it.
func acceptRange(r *reply, o Object, s span) error {
	if r.Header.Get("Etag") == "" && !strings.HasPrefix(o.ETag, datedTag) {
		return fmt.Errorf("%w: no ETag", errProtocol)
	}
	if !sameVersion(o.ETag, r.Header) {
		return fmt.Errorf("%w: the reply has ETag %s, not %q", ErrChanged, printable(r.Header.Get("Etag"), 64), o.ETag)
	}
	if r.ContentLength < 0 && r.Header.Get("Content-Encoding") != "" {
		// A stored encoding comes with its length. This is one made on the way.
		return fmt.Errorf("%w: the reply was compressed on its way", errProtocol)
	}
	if r.StatusCode == http.StatusPartialContent {
		return acceptPart(r, o, s)
	}
	// 200: all of it. Right when all of it was asked for; else the server
	// ignored Range.
	switch {
	case r.ContentLength < 0:
		return fmt.Errorf("%w: no Content-Length", errProtocol)
	case r.ContentLength != o.Size:
		return fmt.Errorf("%w: it has %d bytes now, not %d", ErrChanged, r.ContentLength, o.Size)
	case s.off > maxSkip:
		return fmt.Errorf("%w: Range was ignored", errProtocol)
	}
	return skip(r.Body, s.off)
}

func acceptPart(r *reply, o Object, s span) error {
	got, total, err := parseContentRange(r.Header.Get("Content-Range"))
	switch {
	case err != nil:
		return err
	case total != o.Size:
		return fmt.Errorf("%w: it has %d bytes now, not %d", ErrChanged, total, o.Size)
	case got != s:
		return fmt.Errorf("%w: bytes [%d, %d) in the place of [%d, %d)", errProtocol, got.off, got.end, s.off, s.end)
	case r.ContentLength >= 0 && r.ContentLength < s.len():
		return fmt.Errorf("%w: %d bytes in the place of %d", errProtocol, r.ContentLength, s.len())
	}
	return nil
}

// parseContentRange reads "bytes 0-9/100" (RFC 9110, 14.4). A range of unknown
// total is refused: the total is how a changed object shows.
func parseContentRange(h string) (span, int64, error) {
	rest, bytes := strings.CutPrefix(h, "bytes ")
	span_, total_, ok := strings.Cut(rest, "/")
	first_, last_, ok2 := strings.Cut(span_, "-")
	first, err1 := strconv.ParseUint(first_, 10, 63)
	last, err2 := strconv.ParseUint(last_, 10, 62)
	total, err3 := strconv.ParseUint(total_, 10, 63)
	if !bytes || !ok || !ok2 || err1 != nil || err2 != nil || err3 != nil || first > last || last >= total {
		return span{}, 0, fmt.Errorf("%w: Content-Range %q", errProtocol, printable(h, 64))
	}
	return span{int64(first), int64(last) + 1}, int64(total), nil
}
