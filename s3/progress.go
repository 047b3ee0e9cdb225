package s3

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"time"
)

// minProgress is how many bytes must arrive within the idle time for a request
// to be going on at all. A server that drips a byte now and then is a stalled
// one; a line of 2 KB/s is not.
const minProgress = 16 << 10

// errStalled: a request made no progress. It is a deadline to callers.
var errStalled = fmt.Errorf("no progress: %w", context.DeadlineExceeded)

// A progress bounds an attempt: it ends the attempt's context at a limit, and
// from begin on also when nothing comes.
type progress struct {
	ctx    context.Context
	cancel context.CancelCauseFunc
	timer  *time.Timer

	mu      sync.Mutex    // guards all below
	limit   time.Time     // for the reply to be accepted; zero: it is
	idle    time.Duration // 0: not begun
	last    time.Time     // when minProgress was last complete
	pending int           // bytes since then
}

// newProgress bounds an attempt whose reply must be accepted by limit.
func newProgress(parent context.Context, limit time.Time) *progress {
	p := &progress{limit: limit}
	p.ctx, p.cancel = context.WithCancelCause(parent)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.timer = time.AfterFunc(time.Until(limit), p.look)
	return p
}

// begin says that the request is sent now: it must not stand still for longer
// than idle from here on.
func (p *progress) begin(idle time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.idle, p.last = idle, time.Now()
	p.timer.Reset(p.leftLocked())
}

// advance says that n bytes have arrived. It leaves the timer alone, which looks
// at last by itself.
func (p *progress) advance(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.pending += n; p.pending >= minProgress {
		p.pending, p.last = 0, time.Now()
	}
}

// accepted says that the reply is what was asked for: its body may take its
// time.
func (p *progress) accepted() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.limit = time.Time{}
	p.pending, p.last = 0, time.Now()
}

// leftLocked is how long the request may stand still from now on.
func (p *progress) leftLocked() time.Duration {
	left := time.Duration(math.MaxInt64)
	if p.idle > 0 {
		left = p.idle - time.Since(p.last)
	}
	if !p.limit.IsZero() {
		left = min(left, time.Until(p.limit))
	}
	return left
}

// look is the timer's: it ends the request or looks again later.
func (p *progress) look() {
	p.mu.Lock()
	left := p.leftLocked()
	if left > 0 && p.ctx.Err() == nil {
		p.timer.Reset(left)
	}
	p.mu.Unlock()
	if left <= 0 {
		p.cancel(errStalled)
	}
}

func (p *progress) stop() {
	p.cancel(nil)
	p.timer.Stop()
}

// explain puts the reason in the place of "context canceled", where the
// request was ended from here.
func (p *progress) explain(err error) error {
	if cause := context.Cause(p.ctx); cause != nil && errors.Is(err, context.Canceled) {
		return cause
	}
	return err
}
