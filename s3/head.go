package s3

import (
	"context"
	"errors"
	"fmt"
	"net/http"
)

// Head asks what a key holds: now, or at [Options.At]. A key that holds nothing is
// an error that is [io/fs.ErrNotExist].
func (b *Bucket) Head(ctx context.Context, key string) (Object, error) {
	if !b.opts.At.IsZero() {
		return b.headAt(ctx, key)
	}
	return b.head(ctx, call{key: key}, nil)
}

// head makes the call a HEAD. more, if not nil, takes more from the reply.
func (b *Bucket) head(ctx context.Context, c call, more func(http.Header)) (Object, error) {
	if c.key == "" { // would ask for the bucket
		return Object{}, &Error{Op: opHead, Bucket: b.opts.Name, Err: errors.New("no key given")}
	}
	o := Object{Key: c.key}
	c.op, c.method, c.path = opHead, http.MethodHead, c.key
	c.idle, c.retry = b.opts.IdleTimeout, b.opts.Retry
	c.accept = func(r *reply) error {
		if r.ContentLength < 0 {
			return fmt.Errorf("%w: no Content-Length", errProtocol)
		}
		o.Size = r.ContentLength
		o.ETag = replyTag(r.Header)
		o.VersionID = r.Header.Get("X-Amz-Version-Id")
		o.StorageClass = r.Header.Get("X-Amz-Storage-Class")
		o.LastModified, _ = http.ParseTime(r.Header.Get("Last-Modified"))
		if more != nil {
			more(r.Header)
		}
		return nil
	}
	r, err := b.do(ctx, c)
	if err != nil {
		return Object{}, err
	}
	r.release()
	return o, nil
}
