package s3

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// A Body is the bytes of a span, as they arrive. Read gives all of them or an
// error that is not io.EOF: where a reply breaks, what is missing is asked
// again, of the same version. It is to be read without long rests: one of more
// than [Options.IdleTimeout] is taken for a server that stalls, and costs a
// request. It is for one goroutine.
type Body struct {
	bucket *Bucket
	ctx    context.Context // of the request; ends it, and a Read that waits
	object Object
	left   span   // not yet read
	reply  *reply // nil after Close, and after an error

	// What it took since minProgress last arrived.
	spent  int       // requests
	broke  time.Time // when the first of these replies broke; zero: none did
	landed int       // bytes, below minProgress
}

// open makes the request for what is left.
func (b *Body) open(retry Retry) error {
	r, err := b.bucket.get(b.ctx, b.object, b.left, retry)
	if err != nil {
		return err
	}
	b.reply = r
	b.spent += r.attempts
	if r.StatusCode == http.StatusPartialContent && r.ContentLength > b.left.len() {
		b.bucket.opts.Log.Warn("a reply is longer than it says; the rest will be dropped", "bucket", b.bucket.opts.Name, "key", b.object.Key)
	}
	if id := r.Header.Get("X-Amz-Version-Id"); id != "" {
		b.object.VersionID = id
	}
	return nil
}

// VersionID is the version's name in a versioned bucket, or "". Given in an
// [Object], it keeps the version readable after it was replaced or deleted.
func (b *Body) VersionID() string { return b.object.VersionID }

// Read implements io.Reader.
func (b *Body) Read(p []byte) (int, error) {
	for b.left.len() > 0 && len(p) > 0 {
		if b.reply == nil {
			return 0, errors.New("s3: read of a closed body")
		}
		n, err := b.reply.Body.Read(p[:min(int64(len(p)), b.left.len())])
		b.left.off += int64(n)
		if n > 0 {
			b.progressed(n)
			if b.left.len() == 0 {
				b.Close() // net/http has seen the end of an exact body by now, and keeps the connection
			}
			return n, nil // an error comes again with the next Read
		}
		if err == nil {
			continue
		}
		if err := b.resume(err); err != nil {
			return 0, err
		}
	}
	if b.left.len() == 0 {
		return 0, io.EOF
	}
	return 0, nil
}

func (b *Body) progressed(n int) {
	if b.landed += n; b.landed >= minProgress {
		b.spent, b.broke, b.landed = 1, time.Time{}, 0
	}
}

// resume asks for what is left after a reply broke. Patience is with a server
// that brings something: attempts and deadline start anew with every bit of
// progress.
func (b *Body) resume(why error) error {
	b.reply.release()
	b.reply = nil
	if b.ctx.Err() != nil {
		return b.failed(ended(b.ctx))
	}
	if errors.Is(why, io.EOF) {
		why = io.ErrUnexpectedEOF
	}
	if b.broke.IsZero() {
		b.broke = time.Now()
	}
	retry := b.bucket.opts.Retry
	wait := time.Duration(0)
	if b.spent > 1 {
		wait = jitter(retry, b.spent-1)
	}
	retry.Attempts -= b.spent
	retry.Deadline -= time.Since(b.broke) + wait
	if retry.Attempts <= 0 || retry.Deadline <= 0 {
		return b.failed(why)
	}
	b.bucket.stats.retries.Add(1)
	b.bucket.opts.Log.Debug("a body broke; asking for the rest", "key", b.object.Key, "at", b.left.off, "error", why)
	if !sleep(b.ctx, wait) {
		return b.failed(ended(b.ctx))
	}
	return b.open(retry)
}

func (b *Body) failed(why error) error {
	b.bucket.stats.failed.Add(1)
	return &Error{Op: opGet, Bucket: b.bucket.opts.Name, Key: b.object.Key, Attempts: b.spent,
		Err: fmt.Errorf("the body broke at byte %d: %w", b.left.off, why)}
}

// Close ends the request. It is safe after an error and more than once.
func (b *Body) Close() error {
	if b.reply != nil {
		b.reply.release()
		b.reply = nil
	}
	return nil
}

// skip throws n bytes away.
func skip(r io.Reader, n int64) error {
	if _, err := io.CopyN(io.Discard, r, n); err != nil {
		return fmt.Errorf("%w: %w", errProtocol, err)
	}
	return nil
}
