package s3

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptrace"
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
	op        string
	method    string
	key       string        // of the object, or the prefix listed: for errors
	path      string        // the key in the URL; "" is the bucket
	query     string        // escaped
	part      string        // Range; "": none
	ifMatch   string        // "": none
	checksums bool          // have the reply say the object's
	size      int64         // of the body, if it may be large
	idle      time.Duration // without progress
	retry     Retry
	limit     time.Time // for all attempts; set by do

	// accept says whether a reply of status 2xx is what was asked for. It may
	// read the body. An error of kind errProtocol is worth another attempt.
	accept func(*reply) error
}

// A reply is an accepted answer: its Body is open until release. The Body is the
// reply itself, which counts what arrives.
type reply struct {
	*http.Response
	raw      io.ReadCloser
	bucket   *Bucket
	progress *progress
	meter    *meter // nil: the reply is too short to tell a speed
	attempts int    // that it took
}

func (r *reply) Close() error { return r.raw.Close() }

func (r *reply) Read(p []byte) (int, error) {
	var begin time.Time
	if r.meter != nil {
		begin = time.Now()
	}
	n, err := r.raw.Read(p)
	if r.meter != nil {
		r.meter.read(n, begin)
	}
	r.bucket.stats.bytes.Add(int64(n))
	r.progress.advance(n)
	if err != nil && err != io.EOF {
		err = r.progress.explain(err)
	}
	return n, err
}

// release ends the request. What is left of the body is lost, and the
// connection with it, unless the body was read to its end.
func (r *reply) release() {
	if r.meter != nil {
		r.bucket.speeds.judge(r.meter)
	}
	r.Body.Close()
	r.progress.stop()
	r.bucket.limit.give()
}

// do makes the attempts that an operation takes. The reply is accepted, and
// the caller releases it; the error is an *Error.
func (b *Bucket) do(ctx context.Context, c call) (*reply, error) {
	c.limit = time.Now().Add(c.retry.Deadline)
	var fix corrections
	for attempt := 1; ; attempt++ {
		r, used, err := b.attempt(ctx, &c, fix.refused)
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
func (b *Bucket) attempt(ctx context.Context, c *call, refused sigv4.Credentials) (_ *reply, used sigv4.Credentials, fail *Error) {
	fail = &Error{Op: c.op, Bucket: b.opts.Name, Key: c.key}
	if fail.Err = b.place(ctx, c); fail.Err != nil {
		return nil, used, fail
	}
	begin := time.Now()
	p := newProgress(ctx, c.limit)
	fail.signedFor, fail.signedAt = b.Region(), b.now()
	if used, fail.Err = b.credentials(p.ctx, refused); fail.Err != nil {
		p.stop()
		b.limit.give()
		return nil, used, fail
	}
	r, ok := b.send(ctx, p, *c, used, fail)
	b.logAttempt(*c, fail, begin)
	if !ok {
		return nil, used, fail
	}
	return r, used, nil
}

// place waits for a place among the requests under way. What a large request
// waits behind others is not the server's delay, and none of its deadline: the
// reads that are far ahead would fail first, of a server that answers all.
func (b *Bucket) place(ctx context.Context, c *call) error {
	if b.limit.tryTake() {
		return nil
	}
	if c.size > maxHedged {
		begin := time.Now()
		err := b.limit.take(ctx, true)
		c.limit = c.limit.Add(time.Since(begin))
		return err
	}
	bound, cancel := context.WithDeadlineCause(ctx, c.limit, errStalled)
	defer cancel()
	return b.limit.take(bound, false)
}

// send is what an attempt does with a place among the requests under way, and
// gives back unless the reply is ok. What is wrong with it is in fail.
func (b *Bucket) send(ctx context.Context, p *progress, c call, creds sigv4.Credentials, fail *Error) (r *reply, ok bool) {
	defer func() {
		if !ok {
			p.stop()
			b.limit.give()
		}
	}()
	p.begin(c.idle)
	begin := time.Now()
	reqCtx := p.ctx
	var m *meter
	if c.size >= judged {
		m = &meter{}
		reqCtx = httptrace.WithClientTrace(reqCtx, m.trace())
	}
	req, err := b.request(reqCtx, c, fail.signedFor, fail.signedAt, creds)
	if err != nil {
		fail.Err = err
		return nil, false
	}
	b.stats.sent(c.op)
	var resp *http.Response
	if resp, p, err = b.roundTrip(ctx, c, req, p); err != nil {
		fail.Err = p.explain(err)
		return nil, false
	}
	p.advance(minProgress)
	r = &reply{Response: resp, raw: resp.Body, bucket: b, progress: p, meter: m}
	r.Body = r
	ok = b.take(c, r, fail)
	slow := !ok && fail.slowDown()
	b.limit.answered(begin, slow)
	if slow {
		b.stats.slowDowns.Add(1)
	}
	if !ok {
		r.Close()
		return nil, false
	}
	p.accepted()
	return r, true
}

// take checks a reply: what it says, and whether it is what was asked for. Why
// it is not is in fail.
func (b *Bucket) take(c call, r *reply, fail *Error) (ok bool) {
	fail.Status, fail.RequestID = r.StatusCode, r.Header.Get("X-Amz-Request-Id")
	if r.StatusCode != http.StatusOK && r.StatusCode != http.StatusPartialContent {
		fail.describe(r.Response)
		fail.readBody(r.Body)
		return false
	}
	err := c.accept(r)
	if err == nil {
		return true
	}
	fail.describe(r.Response)
	var said *Error
	if errors.As(err, &said) { // an error in a reply that began as a success
		fail.Code, fail.Message = said.Code, said.Message
		if fail.RequestID == "" {
			fail.RequestID = said.RequestID
		}
	}
	fail.Err = r.progress.explain(err)
	return false
}

// request builds the request and signs it.
func (b *Bucket) request(ctx context.Context, c call, region string, at time.Time, creds sigv4.Credentials) (*http.Request, error) {
	u := b.address(region, c.path, c.query)
	h := make(http.Header, 8) // those of the signature, too
	// Said so that nobody on the way compresses: lengths and ranges are those
	// of the stored bytes. It is not signed; proxies change it.
	values := [...]string{"identity", "s3mount", c.part, c.ifMatch, "requester"}
	h["Accept-Encoding"], h["User-Agent"] = values[0:1:1], values[1:2:2]
	if c.part != "" {
		h["Range"] = values[2:3:3]
	}
	if c.ifMatch != "" {
		h["If-Match"] = values[3:4:4]
	}
	if c.checksums {
		h["X-Amz-Checksum-Mode"] = []string{"ENABLED"}
	}
	if b.opts.RequestPayer {
		h["X-Amz-Request-Payer"] = values[4:5:5]
	}
	req := (&http.Request{Method: c.method, URL: u, Host: u.Host, Header: h}).WithContext(ctx)
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

// credentials asks for what to sign with, bounded by ctx.
func (b *Bucket) credentials(ctx context.Context, refused sigv4.Credentials) (sigv4.Credentials, error) {
	if b.opts.Credentials == nil {
		return sigv4.Credentials{}, nil
	}
	creds, err := b.opts.Credentials(ctx, refused)
	switch {
	case err == nil:
		return creds, nil
	case ctx.Err() != nil:
		return creds, fmt.Errorf("credentials: %w", context.Cause(ctx))
	}
	return creds, fmt.Errorf("%w: %w", ErrCredentials, err)
}

func (b *Bucket) logAttempt(c call, e *Error, begin time.Time) {
	ctx := context.Background()
	if !b.opts.Log.Enabled(ctx, slog.LevelDebug) {
		return
	}
	b.opts.Log.LogAttrs(ctx, slog.LevelDebug, "request",
		slog.String("op", c.op), slog.String("key", c.key), slog.String("range", c.part),
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
