package s3

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"
)

// leastAllowed is how far a limit goes down: a server that refuses one request
// of four is in another trouble.
const leastAllowed = 4

// maxSmallRun is how many small requests are served before a large one that has
// waited for longer.
const maxSmallRun = 8

// A limit bounds the requests under way. It is a bucket's way to hear a server
// that says to slow down: back-off of each request for itself only has them all
// come again together. What is allowed is halved then, and grows by one with as
// many answers as are allowed ("additive increase, multiplicative decrease", as
// TCP has it: RFC 5681, 3.1).
//
// Who waits is served in order, small requests before large ones: somebody waits
// for a lookup now, and a large GET, which is mostly read-ahead, keeps its place
// for seconds. Of maxSmallRun places one goes to a large one all the same.
type limit struct {
	most int

	mu      sync.Mutex // guards all below
	allowed float64    // requests at the same time
	busy    int
	small   []chan struct{} // who waits; each is closed when it has its place
	large   []chan struct{}
	run     int       // small ones served since a large one was, while one waited
	cut     time.Time // when allowed was last halved
}

func newLimit(most int) *limit { return &limit{most: most, allowed: float64(most)} }

// take waits for a place.
func (l *limit) take(ctx context.Context, large bool) error {
	mine := l.enter(large)
	if mine == nil {
		return nil
	}
	select {
	case <-mine:
		return nil
	case <-ctx.Done():
		l.leave(mine)
		return fmt.Errorf("waiting for a connection: %w", context.Cause(ctx))
	}
}

// tryTake takes a place if one is free.
func (l *limit) tryTake() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.tryTakeLocked()
}

func (l *limit) tryTakeLocked() bool {
	if l.busy >= int(l.allowed) { // also where somebody waits: they are served at once
		return false
	}
	l.busy++
	return true
}

// enter gives nil with a place, or a channel to wait for one.
func (l *limit) enter(large bool) chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.tryTakeLocked() {
		return nil
	}
	mine := make(chan struct{})
	queue := &l.small
	if large {
		queue = &l.large
	}
	*queue = append(*queue, mine)
	return mine
}

// leave gives up waiting.
func (l *limit) leave(mine chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, queue := range []*[]chan struct{}{&l.small, &l.large} {
		if i := slices.Index(*queue, mine); i >= 0 {
			*queue = slices.Delete(*queue, i, i+1)
			return
		}
	}
	l.busy-- // it came just now
	l.serveLocked()
}

// give gives a place back.
func (l *limit) give() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.busy--
	l.serveLocked()
}

// answered takes account of an answer to a request that was sent at that time.
// One sent before the last cut tells nothing of what is allowed since.
func (l *limit) answered(sent time.Time, slowDown bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case !slowDown:
		l.allowed = min(l.allowed+1/l.allowed, float64(l.most))
		l.serveLocked()
	case !sent.Before(l.cut):
		least := min(leastAllowed, float64(l.most))
		l.allowed = max(min(l.allowed, float64(l.busy))/2, least)
		l.cut = time.Now()
	}
}

// serveLocked hands out the places that are free.
func (l *limit) serveLocked() {
	for l.busy < int(l.allowed) {
		next := l.nextLocked()
		if next == nil {
			return
		}
		l.busy++
		close((*next)[0])
		*next = slices.Delete(*next, 0, 1)
	}
}

// nextLocked is the queue whose turn it is; nil: nobody waits.
func (l *limit) nextLocked() *[]chan struct{} {
	switch {
	case len(l.large) == 0 && len(l.small) == 0:
		return nil
	case len(l.small) == 0, len(l.large) > 0 && l.run >= maxSmallRun:
		l.run = 0
		return &l.large
	case len(l.large) > 0:
		l.run++
	}
	return &l.small
}

// now is how many requests may be under way, and how many are.
func (l *limit) now() (allowed, busy int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return int(l.allowed), l.busy
}

// cutSince says whether the server has said to slow down since then.
func (l *limit) cutSince(then time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.cut.After(then)
}

// slowDown says whether the server wants fewer requests.
func (e *Error) slowDown() bool {
	switch e.Code {
	case "SlowDown", "Throttling", "ThrottlingException", "TooManyRequests":
		return true
	}
	return e.Status == http.StatusServiceUnavailable || e.Status == http.StatusTooManyRequests
}
