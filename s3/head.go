package s3

import (
	"context"
	"errors"
	"fmt"
	"net/http"
)

// Head asks what a key holds now. A key that holds nothing is an error that is
// [io/fs.ErrNotExist].
func (b *Bucket) Head(ctx context.Context, key string) (Object, error) {
	if key == "" { // would ask for the bucket
		return Object{}, &Error{Op: opHead, Bucket: b.opts.Name, Err: errors.New("no key given")}
	}
	o := Object{Key: key}
	r, err := b.do(ctx, call{
		op: opHead, method: http.MethodHead, key: key, path: key,
		idle: b.opts.IdleTimeout, retry: b.opts.Retry,
		accept: func(r *reply) error {
			if r.ContentLength < 0 {
				return fmt.Errorf("%w: no Content-Length", errProtocol)
			}
			o.Size = r.ContentLength
			o.ETag = replyTag(r.Header)
			o.VersionID = r.Header.Get("X-Amz-Version-Id")
			o.StorageClass = r.Header.Get("X-Amz-Storage-Class")
			o.LastModified, _ = http.ParseTime(r.Header.Get("Last-Modified"))
			return nil
		},
	})
	if err != nil {
		return Object{}, err
	}
	r.release()
	return o, nil
}
