package fs

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"time"

	"s3mount/s3"
)

// A bucketNames is one listing of the buckets, for all who want one meanwhile and
// for as long afterwards as it may be believed.
type bucketNames struct {
	began time.Time
	done  chan struct{} // closed when the rest is set
	names []string      // in order
	err   error
}

// wait waits for it; ctx ends that, and only for this caller.
func (l *bucketNames) wait(ctx context.Context) error {
	select {
	case <-l.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// came says whether it has come in, and is good.
func (l *bucketNames) came() bool {
	select {
	case <-l.done:
		return l.err == nil
	default:
		return false
	}
}

// has says whether it has a name, once it has come in.
func (l *bucketNames) has(name string) bool {
	_, ok := slices.BinarySearch(l.names, name)
	return ok
}

// Learn takes in what a listing of the account's buckets gave, asked for at that
// time, or why it gave nothing.
func (a *Account) Learn(buckets []s3.BucketEntry, err error, at time.Time) {
	l := &bucketNames{began: at, done: make(chan struct{})}
	a.take(l, buckets, err)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.names = l
}

// list gives the listing of the buckets that is fresh or coming in, else a new
// one. A refusal is a listing too, to who only wants to know a name.
func (a *Account) list(toRead bool) *bucketNames {
	a.mu.Lock()
	defer a.mu.Unlock()
	if l := a.names; l != nil {
		select {
		case <-l.done:
			good := l.err == nil || !toRead && errors.Is(l.err, s3.ErrForbidden)
			if good && time.Since(l.began) < a.opts.TTL {
				return l
			}
		default:
			return l
		}
	}
	l := &bucketNames{began: time.Now(), done: make(chan struct{})}
	begun := a.background(func() { // ends with the request, which the account's end ends
		buckets, err := a.account.Buckets(a.ctx, false)
		a.take(l, buckets, err)
	})
	if !begun {
		a.take(l, nil, errClosed)
		return l
	}
	a.names = l
	return l
}

// take finishes a listing. Buckets are made here that are not known, so that it
// is known where they are.
func (a *Account) take(l *bucketNames, buckets []s3.BucketEntry, err error) {
	defer close(l.done)
	l.err = err
	if err != nil {
		return
	}
	var hidden []string
	for _, b := range buckets {
		if _, err := a.account.Bucket(b.Name, b.Region); err != nil || !showable(b.Name) {
			hidden = append(hidden, strconv.Quote(b.Name))
			continue
		}
		l.names = append(l.names, b.Name)
	}
	slices.Sort(l.names)
	l.names = slices.Compact(l.names)
	if len(hidden) > 0 {
		a.log.Warn("there are buckets that cannot be shown", slog.Int("buckets", len(hidden)), slog.String("names", fewOf(hidden)))
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if l.began.After(a.refreshed) && (a.good == nil || l.began.After(a.good.began)) {
		a.good = l
	}
}

// fewOf gives names to one who reads: at most three, and that there are more.
func fewOf(names []string) string {
	const most = 3
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return strings.Join(names[:most], ", ") + ", ..."
}
