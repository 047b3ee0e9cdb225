package fs_test

import (
	"context"
	"log"
	"net/url"
	"time"

	"s3mount/cache"
	"s3mount/fs"
	"s3mount/s3"
	"s3mount/sigv4"
)

// source reads a bucket for a cache.
type source struct{ bucket *s3.Bucket }

func (s source) OpenRange(ctx context.Context, o cache.Object, pin string, off, end int64) (cache.Body, error) {
	b, err := s.bucket.OpenRange(ctx, s3.Object{Key: o.Key, ETag: o.ETag, Size: o.Size, VersionID: pin, Pinned: o.Pin != ""}, off, end)
	if err != nil {
		return nil, err
	}
	return body{b}, nil
}

type body struct{ *s3.Body }

func (b body) Pin() string { return b.VersionID() }

// A bucket, a cache that reads from it, a tree on both, and a mount of the tree.
func Example() {
	bucket, err := s3.New(s3.Options{
		Name:     "photos",
		Endpoint: &url.URL{Scheme: "https", Host: "s3.example.com"},
		Credentials: func(context.Context, sigv4.Credentials) (sigv4.Credentials, error) {
			return sigv4.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "secret"}, nil
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	blocks, err := cache.New(cache.Options{Source: source{bucket}})
	if err != nil {
		log.Fatal(err)
	}
	defer blocks.Close()
	tree, err := fs.New(fs.Options{Bucket: bucket, Cache: blocks, Prefix: "2026/", TTL: time.Minute})
	if err != nil {
		log.Fatal(err)
	}
	defer tree.Close()
	mount, err := tree.MountAt("/mnt/photos", fs.MountOptions{Source: "s3://photos/2026/"})
	if err != nil {
		log.Fatal(err)
	}
	<-mount.Done() // until somebody unmounts it
}
