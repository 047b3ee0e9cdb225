package s3

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"s3mount/sigv4"
)

// The operations, as errors and counters call them.
const (
	opList = "list"
	opHead = "head"
	opGet  = "get"
)

// A call is one operation before it is sent.
type call struct {
	op     string
	method string
	key    string // of the object, or the prefix listed: for errors
	path   string // the key in the URL; "" is the bucket
	query  string // escaped
	header http.Header
	idle   time.Duration // without progress
	retry  Retry
	limit  time.Time // for all attempts; set by do

	// accept says whether a reply of status 2xx is what was asked for. It may
	// read the body. An error of kind errProtocol is worth another attempt.
	accept func(*reply) error
}

// A reply is an accepted answer: its body is open until release.
type reply struct {
	*http.Response
	progress *progress
	free     func() // gives the connection slot back
	attempts int    // that it took
}

// release ends the request. What is left of the body is lost, and the
// connection with it, unless the body was read to its end.
func (r *reply) release() {
	r.Body.Close()
	r.progress.stop()
	r.free()
}

// do makes the attempts that an operation takes. The reply is accepted, and
// the caller releases it; the error is an *Error.
func (b *Bucket) do(ctx context.Context, c call) (*reply, error) {
	c.limit = time.Now().Add(c.retry.Deadline)
	var fix corrections
	for attempt := 1; ; attempt++ {
		r, used, err := b.attempt(ctx, c, fix.refused)
		if err == nil {
			r.attempts = attempt
			return r, nil
		}
		err.Attempts = attempt
		again, wait := b.judge(ctx, c, err, used, &fix)
		if again == waitThenAgain {
			wait = max(wait, jitter(c.retry, attempt))
		}
		if again == never || attempt >= c.retry.Attempts || !time.Now().Add(wait).Before(c.limit) {
			b.stats.failed.Add(1)
			return nil, err
		}
		b.stats.retries.Add(1)
		b.opts.Log.Debug("asking again", "error", err, "attempt", attempt, "wait", wait)
		if !sleep(ctx, wait) {
			b.stats.failed.Add(1)
			err.Err = ended(ctx)
			return nil, err
		}
	}
}

// attempt sends the request once. used are the credentials that it was signed
// with.
func (b *Bucket) attempt(ctx context.Context, c call, refused sigv4.Credentials) (_ *reply, used sigv4.Credentials, _ *Error) {
	fail := &Error{Op: c.op, Bucket: b.opts.Name, Key: c.key, signedFor: b.Region(), signedAt: b.now()}
	if used, fail.Err = b.credentials(ctx, c.limit, refused); fail.Err != nil {
		return nil, used, fail
	}
	// The clock of an attempt starts only behind this.
	if fail.Err = b.limit.take(ctx, c.limit); fail.Err != nil {
		return nil, used, fail
	}

	p := newProgress(ctx, c.idle, c.limit)
	req, err := b.request(p.ctx, c, fail.signedFor, fail.signedAt, used)
	if err != nil {
		p.stop()
		b.limit.give()
		fail.Err = err
		return nil, used, fail
	}
	begin := time.Now()
	b.stats.sent(c.op)
	resp, err := b.transport.RoundTrip(req)
	if err != nil {
		fail.Err = p.explain(err)
		p.stop()
		b.limit.give()
		b.logAttempt(c, fail, begin)
		return nil, used, fail
	}
	p.advance(minProgress)
	r := &reply{Response: resp, progress: p, free: b.limit.give}
	r.Body = &countedBody{ReadCloser: resp.Body, progress: p, bytes: &b.stats.bytes}
	if no := b.take(c, r, fail); no != nil {
		b.heed(no, begin)
		r.release()
		b.logAttempt(c, no, begin)
		return nil, used, no
	}
	b.limit.answered(begin, false)
	p.accepted()
	b.logAttempt(c, fail, begin)
	return r, used, nil
}

// heed takes account of a refusal of a request sent at that time: it may ask
// for fewer requests.
func (b *Bucket) heed(no *Error, sent time.Time) {
	slow := no.slowDown()
	if slow {
		b.stats.slowDowns.Add(1)
	}
	b.limit.answered(sent, slow)
}

// take checks a reply: what it says, and whether it is what was asked for.
func (b *Bucket) take(c call, r *reply, fail *Error) *Error {
	fail.describe(r.Response)
	if r.StatusCode != http.StatusOK && r.StatusCode != http.StatusPartialContent {
		fail.readBody(r.Body)
		return fail
	}
	if err := c.accept(r); err != nil {
		var said *Error
		if errors.As(err, &said) { // an error in a reply that began as a success
			fail.Code, fail.Message = said.Code, said.Message
			if fail.RequestID == "" {
				fail.RequestID = said.RequestID
			}
		}
		fail.Err = r.progress.explain(err)
		return fail
	}
	return nil
}

// request builds the request and signs it.
func (b *Bucket) request(ctx context.Context, c call, region string, at time.Time, creds sigv4.Credentials) (*http.Request, error) {
	u := b.address(region, c.path, c.query)
	req := (&http.Request{Method: c.method, URL: u, Host: u.Host, Header: http.Header{}}).WithContext(ctx)
	for name, values := range c.header {
		req.Header[name] = values
	}
	// Said so that nobody on the way compresses: lengths and ranges are those
	// of the stored bytes. It is not signed; proxies change it.
	req.Header.Set("Accept-Encoding", "identity")
	req.Header.Set("User-Agent", "s3mount")
	if b.opts.RequestPayer {
		req.Header.Set("X-Amz-Request-Payer", "requester")
	}
	if b.opts.Credentials == nil {
		return req, nil
	}
	steps, err := b.signer.Sign(req, creds, sigv4.Scope{Region: region, Service: "s3"}, sigv4.EmptyPayload, at)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCredentials, err)
	}
	b.logSteps(ctx, steps, creds)
	return req, nil
}

// credentials asks for what to sign with, bounded by the operation's deadline.
func (b *Bucket) credentials(ctx context.Context, limit time.Time, refused sigv4.Credentials) (sigv4.Credentials, error) {
	if b.opts.Credentials == nil {
		return sigv4.Credentials{}, nil
	}
	ctx, cancel := context.WithDeadline(ctx, limit)
	defer cancel()
	creds, err := b.opts.Credentials(ctx, refused)
	switch {
	case err == nil:
		return creds, nil
	case ctx.Err() != nil:
		return creds, fmt.Errorf("credentials: %w", ctx.Err())
	}
	return creds, fmt.Errorf("%w: %w", ErrCredentials, err)
}

func (b *Bucket) logAttempt(c call, e *Error, begin time.Time) {
	b.opts.Log.LogAttrs(context.Background(), slog.LevelDebug, "request",
		slog.String("op", c.op), slog.String("key", c.key), slog.String("range", c.header.Get("Range")),
		slog.Int("status", e.Status), slog.String("code", e.Code), slog.Any("error", e.Err),
		slog.String("request_id", e.RequestID), slog.Duration("took", time.Since(begin)))
}

// ended is why ctx ended: its cause, and in any case an error that is
// [context.Canceled] or [context.DeadlineExceeded].
func ended(ctx context.Context) error {
	cause := context.Cause(ctx)
	if errors.Is(cause, ctx.Err()) {
		return cause
	}
	return fmt.Errorf("%w: %w", ctx.Err(), cause)
}

// sleep waits. It says false when ctx ended first.
func sleep(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
