package main

import (
	"context"
	"errors"
	"time"

	"s3mount/s3"
)

// A probed is the answer to what a mount asks first.
type probed struct {
	page s3.Page
	err  error
	took time.Duration
}

// ask asks a bucket what a mount asks first.
func (d *doctor) ask(ctx context.Context, b *s3.Bucket) (s3.Page, error) {
	if d.settings.noList {
		return s3.Page{}, b.Greet(ctx, d.what.prefix)
	}
	page, err := b.Probe(ctx, d.what.prefix)
	if errors.Is(err, s3.ErrForbidden) && mayList(ctx, b, d.what.prefix) {
		d.delimited = true
		return s3.Page{}, nil
	}
	return page, err
}
