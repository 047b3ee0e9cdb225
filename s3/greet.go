package s3

import (
	"context"
	"errors"
	"fmt"
	"net/http"
)

// noSuchKey is a key below a prefix that is not likely to be one of somebody's.
const noSuchKey = ".s3mount-is-there"

// Greet is [Bucket.Probe] where nothing may be listed: it asks for the first byte
// of a key below prefix that is not likely to be there. It is no error when the
// reply is that of a bucket which knows who asks, be it that there is no such
// key or that it may not be read: which of the two is not always to be told.
//
// It is a GET, because the reply to a HEAD has no code, and a wrong signature
// could not be told from a missing permission.
func (b *Bucket) Greet(ctx context.Context, prefix string) error {
	return b.greet(ctx, prefix, littlePatience)
}

// EnterUnlisted is [Bucket.Enter] where nothing may be listed.
func (b *Bucket) EnterUnlisted(ctx context.Context, prefix string) error {
	return b.greet(ctx, prefix, b.opts.Retry)
}

func (b *Bucket) greet(ctx context.Context, prefix string, retry Retry) error {
	key := prefix + noSuchKey
	r, err := b.do(ctx, call{
		op: opGet, method: http.MethodGet, key: key, path: key, part: span{0, 1}.header(),
		idle: b.opts.IdleTimeout, retry: retry,
		accept: func(r *reply) error {
			if r.Header.Get("Etag") == "" && r.Header.Get("Last-Modified") == "" {
				return fmt.Errorf("%w: neither ETag nor Last-Modified", errProtocol)
			}
			return nil
		},
	})
	if err == nil {
		r.release()
		return nil
	}
	var e *Error
	if errors.As(err, &e) && e.greets() {
		return nil
	}
	return err
}

// greets says whether a refusal is a bucket's, to somebody whom it knows. A 404
// without a code is any web server's.
func (e *Error) greets() bool {
	switch {
	case e.Err != nil:
		return false
	case e.Status == http.StatusRequestedRangeNotSatisfiable, e.Code == "InvalidObjectState":
		return true // there is such a key
	}
	return e.forbidden() || e.gone() && e.Code != ""
}
