package main

import (
	"context"
	"strings"

	"s3mount/cache"
	"s3mount/s3"
)

// source is a bucket as the cache sees it: the two packages do not know each
// other.
type source struct{ bucket *s3.Bucket }

func (s source) OpenRange(ctx context.Context, o cache.Object, pin string, off, end int64) (cache.Body, error) {
	b, err := s.bucket.OpenRange(ctx, s3.Object{Key: o.Key, ETag: o.ETag, Size: o.Size, VersionID: pin, Pinned: o.Pin != ""}, off, end)
	if err != nil {
		return nil, err
	}
	return body{b}, nil
}

// sources are the buckets of an account. The cache's keys have the bucket's name
// and a slash in front, as [fs.Account] gives them: no bucket's name has one, so
// that equal keys of two buckets are two objects.
type sources struct{ account *s3.Account }

func (s sources) OpenRange(ctx context.Context, o cache.Object, pin string, off, end int64) (cache.Body, error) {
	name, key, _ := strings.Cut(o.Key, "/")
	bucket, err := s.account.Bucket(name, "")
	if err != nil {
		return nil, err
	}
	o.Key = key
	return source{bucket}.OpenRange(ctx, o, pin, off, end)
}

type body struct{ *s3.Body }

func (b body) Pin() string { return b.VersionID() }
