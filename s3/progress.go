package s3

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"
)

// minProgress is how many bytes must arrive within the idle time for a request
// to be going on at all. A server that drips a byte now and then is a stalled
// one; a line of 2 KB/s is not.
const minProgress = 16 << 10

// errStalled: a request made no progress. It is a deadline to callers.
var errStalled = fmt.Errorf("no progress: %w", context.DeadlineExceeded)

// A progress ends a request that makes none. Its context is the request's.
type progress struct {
	ctx    context.Context
	cancel context.CancelCauseFunc
	idle   time.Duration
	timer  *time.Timer

	mu      sync.Mutex // guards all below
	limit   time.Time  // for the reply to be accepted; zero: it is
	pending int        // bytes since the timer was last set back
}

// newProgress watches a request whose reply must be accepted by limit, and that
// must not stand still for longer than idle.
func newProgress(parent context.Context, idle time.Duration, limit time.Time) *progress {
	p := &progress{idle: idle, limit: limit}
	p.ctx, p.cancel = context.WithCancelCause(parent)
	p.timer = time.AfterFunc(min(idle, time.Until(limit)), func() { p.cancel(errStalled) })
	return p
}

// advance says that n bytes have arrived.
func (p *progress) advance(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.pending += n; p.pending < minProgress {
		return
	}
	p.againLocked()
}

// accepted says that the reply is what was asked for: its body may take its
// time.
func (p *progress) accepted() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.limit = time.Time{}
	p.againLocked()
}

// againLocked sets the timer back.
func (p *progress) againLocked() {
	p.pending = 0
	wait := p.idle
	if !p.limit.IsZero() {
		wait = min(wait, time.Until(p.limit))
	}
	if p.timer.Stop() { // not when it has fired: the request is over then
		p.timer.Reset(wait)
	}
}

func (p *progress) stop() {
	p.timer.Stop()
	p.cancel(nil)
}

// explain puts the reason in the place of "context canceled", where the
// request was ended from here.
func (p *progress) explain(err error) error {
	if cause := context.Cause(p.ctx); cause != nil && errors.Is(err, context.Canceled) {
		return cause
	}
	return err
}

// countedBody counts what arrives.
type countedBody struct {
	io.ReadCloser
	progress *progress
	bytes    *atomic.Int64
}

func (c *countedBody) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	c.bytes.Add(int64(n))
	c.progress.advance(n)
	if err != nil && err != io.EOF {
		err = c.progress.explain(err)
	}
	return n, err
}
