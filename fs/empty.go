package fs

import (
	"context"
	"errors"
	"fmt"
	iofs "io/fs"
	"time"

	"s3mount/s3"
)

// An emptyCheck asks whether an object is empty still, ahead of the open that
// will want to know. Of any other object the first bytes are fetched ahead,
// which tells as much; here are none.
type emptyCheck struct {
	at     time.Duration // by the tree's clock, when it was asked for
	cancel context.CancelFunc
	done   chan struct{} // closed when the rest is set
	err    error
}

// checkEmpty asks. It gives nil behind Close.
func (t *Tree) checkEmpty(key string) *emptyCheck {
	ctx, cancel := context.WithCancel(t.ctx)
	c := &emptyCheck{at: t.clock(), cancel: cancel, done: make(chan struct{})}
	if !t.background(func() {
		defer close(c.done)
		defer cancel()
		c.err = t.stillEmpty(ctx, key)
	}) {
		cancel()
		return nil
	}
	return c
}

// good waits for the answer. Whoever gets no good one asks again.
func (c *emptyCheck) good() bool {
	<-c.done
	return c.err == nil
}

// stillEmpty has the server say that an object is there and has no bytes.
func (t *Tree) stillEmpty(ctx context.Context, key string) error {
	o, err := t.bucket.Head(ctx, key)
	switch {
	case errors.Is(err, iofs.ErrNotExist):
		return fmt.Errorf("%w: %w", s3.ErrChanged, err)
	case err != nil:
		return err
	case o.Size != 0:
		return fmt.Errorf("%w: it is not empty any more", s3.ErrChanged)
	}
	return nil
}
