package main

import (
	"context"

	"s3mount/cache"
	"s3mount/s3"
)

// source is a bucket as the cache sees it: the two packages do not know each
// other.
type source struct{ bucket *s3.Bucket }

func (s source) OpenRange(ctx context.Context, o cache.Object, pin string, off, end int64) (cache.Body, error) {
	b, err := s.bucket.OpenRange(ctx, s3.Object{Key: o.Key, ETag: o.ETag, Size: o.Size, VersionID: pin}, off, end)
	if err != nil {
		return nil, err
	}
	return body{b}, nil
}

type body struct{ *s3.Body }

func (b body) Pin() string { return b.VersionID() }
