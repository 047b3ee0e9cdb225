package s3test

import (
	"context"
	"time"
)

const (
	chunk    = 128 << 10             // most that is written at once
	catchUp  = 10 * time.Millisecond // a pacer makes good for timers that were late by no more
	paceStep = 5 * time.Millisecond  // of data is written at once when there is a limit
)

// A pacer spreads the bytes of a connection over time.
type pacer struct{ free time.Time } // when the connection has carried all that was booked

// book enters n more bytes and says how long to wait before sending them.
func (p *pacer) book(n int, rate int64, now time.Time) time.Duration {
	if now.Sub(p.free) > catchUp {
		p.free = now
	}
	p.free = p.free.Add(time.Duration(float64(n) / float64(rate) * float64(time.Second)))
	return p.free.Sub(now)
}

// stepAt is how much to send at once at that rate.
func stepAt(rate int64) int64 {
	if rate <= 0 {
		return chunk
	}
	return min(chunk, max(1, rate*int64(paceStep)/int64(time.Second)))
}

// pause waits for d, and is false if the client or the server ended first.
func (s *Server) pause(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	t := time.NewTimer(d)
	defer t.Stop()
	return await(ctx, s.closing, t.C)
}

// await waits for a value or the end of c; nil is for ever. It is false if ctx
// or closing ended first.
func await[T any](ctx context.Context, closing <-chan struct{}, c <-chan T) bool {
	select {
	case <-c:
		return true
	case <-ctx.Done():
	case <-closing:
	}
	return false
}
