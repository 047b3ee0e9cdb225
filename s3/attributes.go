package s3

import (
	"context"
	"errors"
	"fmt"
	iofs "io/fs"
	"net/http"
	"slices"
	"strings"
)

// Attributes are what S3 keeps of a version beside its bytes. What the server
// does not say is empty.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html
type Attributes struct {
	Object
	ContentType     string
	ContentEncoding string            // the bytes are the stored ones, whatever it says
	Encryption      string            // on the server: AES256, aws:kms, ...
	Restore         string            // of an archived object, as the server says it
	Checksum        string            // "crc64nvme:BASE64"; several are separated by blanks
	Meta            map[string]string // x-amz-meta-NAME by NAME in small letters
}

const (
	metaHeader     = "X-Amz-Meta-"
	checksumHeader = "X-Amz-Checksum-"
)

// Describe asks for the attributes of the version that o.VersionID names, or of what
// o.Key holds now, with one HEAD. It says whether that is the version that o.ETag
// names. A key that holds nothing is an error that is [io/fs.ErrNotExist].
func (b *Bucket) Describe(ctx context.Context, o Object) (a Attributes, same bool, err error) {
	a.Object, err = b.head(ctx, call{key: o.Key, query: versionQuery(o.VersionID), checksums: true}, func(h http.Header) {
		a.ContentType, a.ContentEncoding = h.Get("Content-Type"), h.Get("Content-Encoding")
		a.Encryption, a.Restore = h.Get("X-Amz-Server-Side-Encryption"), h.Get("X-Amz-Restore")
		a.Checksum, a.Meta = checksums(h), meta(h)
		same = sameVersion(o.ETag, h)
	})
	return a, same, err
}

// Attributes asks for those of o with one HEAD: of the version that o.VersionID
// names, or of what the key holds now. It is [ErrChanged] if that is another version
// than o, or there is none.
func (b *Bucket) Attributes(ctx context.Context, o Object) (Attributes, error) {
	a, same, err := b.Describe(ctx, o)
	switch {
	case errors.Is(err, iofs.ErrNotExist):
		return Attributes{}, fmt.Errorf("%w: %w", ErrChanged, err)
	case err != nil:
		return Attributes{}, err
	case !same:
		return Attributes{}, &Error{Op: opHead, Bucket: b.opts.Name, Key: o.Key,
			Err: fmt.Errorf("%w: the reply has ETag %s, not %q", ErrChanged, printable(a.ETag, 64), o.ETag)}
	}
	a.ETag = o.ETag
	return a, nil
}

// checksums are those of the whole object. X-Amz-Checksum-Type says of them all
// whether they are over the bytes or over the checksums of parts.
func checksums(h http.Header) string {
	var all []string
	for name, values := range h {
		if algorithm, ok := strings.CutPrefix(name, checksumHeader); ok && algorithm != "Type" && len(values) > 0 {
			all = append(all, strings.ToLower(algorithm)+":"+values[0])
		}
	}
	slices.Sort(all)
	if kind := h.Get(checksumHeader + "Type"); kind != "" && len(all) > 0 {
		all = append(all, strings.ToLower(kind))
	}
	return strings.Join(all, " ")
}

func meta(h http.Header) map[string]string {
	m := map[string]string{}
	for name, values := range h {
		if own, ok := strings.CutPrefix(name, metaHeader); ok {
			m[strings.ToLower(own)] = strings.Join(values, ",")
		}
	}
	return m
}
