package fs

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"s3mount/s3"
)

// A listing is one reading of a directory from the server, shared by all who
// read the directory meanwhile and for as long afterwards as it may be believed.
// It is read page by page: the first one for whoever wants to know whether
// there is anything, the others only while somebody has the directory open.
type listing struct {
	tree   *Tree
	dir    *directory // whose listing it is, or was
	prefix string     // of the keys: "" or ending in "/"
	began  time.Time  // when the first request was sent: what is known is that old

	mu       sync.Mutex // guards all below; never held over a request
	names    entries
	complete bool          // the last page has come
	err      error         // why there will be no more pages
	running  bool          // load is under way
	readers  int           // who want all of it
	changed  chan struct{} // closed, and replaced, when any of this changes
}

func newListing(t *Tree, d *directory) *listing {
	return &listing{tree: t, dir: d, prefix: d.prefix, began: time.Now(), changed: make(chan struct{})}
}

// begin asks for the first page, if nobody has.
func (l *listing) begin() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.startLocked()
}

// open registers a reader who wants all of it; close is its counterpart.
func (l *listing) open() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.readers++
	l.startLocked()
}

func (l *listing) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.readers--
}

// wantedLocked says whether another page is: one that shows whether there is
// anything at all, for lookups; every one, for readers.
func (l *listing) wantedLocked() bool {
	return !l.complete && l.err == nil && (l.readers > 0 || !l.anyLocked())
}

// anyLocked says whether a key has been seen.
func (l *listing) anyLocked() bool { return l.names.last != "" || l.names.marked }

// startLocked loads pages if anybody lacks one.
func (l *listing) startLocked() {
	if l.running || !l.wantedLocked() {
		return
	}
	// From where the last page ended; from the start where the server does not
	// sort, as what is missing may be anywhere.
	after := ""
	if l.names.last != "" && len(l.names.late) == 0 {
		after = l.prefix + l.names.last
	}
	if l.running = l.tree.background(func() { l.load(after) }); !l.running {
		l.err = errClosed
	}
}

// load asks for pages. The tree owns its goroutine and waits for it; it ends
// with the listing, with the first error, with the tree, or after a page when
// nobody wants the next.
func (l *listing) load(after string) {
	opts := s3.ListOptions{Prefix: l.prefix, Delimiter: "/", StartAfter: after}
	for page, err := range l.tree.bucket.Pages(l.tree.ctx, opts) {
		if !l.add(page, err) {
			return
		}
	}
}

// add takes a page in. It says whether another is wanted.
func (l *listing) add(page s3.Page, err error) bool {
	hidden, more := l.addPage(page, err)
	if hidden > 0 {
		l.tree.log.Warn("the directory has keys that cannot be shown",
			slog.String("prefix", l.prefix), slog.Int("keys", hidden))
	}
	return more
}

// addPage does that, and says how many keys the listing hides when it is whole.
func (l *listing) addPage(page s3.Page, err error) (hidden int, more bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	before := l.names.settled.len()
	if err != nil {
		l.err = err
	} else {
		for _, e := range page.Entries {
			l.names.add(l.prefix, e)
		}
		if page.Last {
			l.names.finish()
			l.complete = true
			hidden = l.names.hidden
		}
	}
	l.tree.dirs.listed(l, l.names.settled.len()-before)
	l.running = l.wantedLocked()
	close(l.changed)
	l.changed = make(chan struct{})
	return hidden, l.running
}

// fresh says whether what the listing says may still be believed.
func (l *listing) fresh() bool { return time.Since(l.began) < l.tree.opts.TTL }

// failed says whether the listing came to nothing, and a new one is called for.
func (l *listing) failed() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err != nil
}

// busy says whether pages are still coming in: whoever comes joins.
func (l *listing) busy() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.running
}

// at gives the settled entry i. With none there it says why: ok false and no
// error is the end of the directory.
//
// With wait it waits for pages; ctx ends that, and only for this caller.
func (l *listing) at(ctx context.Context, i int, wait bool) (e entry, ok bool, err error) {
	for {
		l.mu.Lock()
		l.startLocked()
		if ok = i < l.names.settled.len(); ok {
			e = l.names.settled.at(i)
		}
		complete, lerr, changed := l.complete, l.err, l.changed
		l.mu.Unlock()
		switch {
		case ok:
			return e, true, nil
		case lerr != nil:
			return entry{}, false, lerr
		case complete:
			return entry{}, false, nil
		case !wait:
			return entry{}, false, errNotYet
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return entry{}, false, ctx.Err()
		}
	}
}

// errNotYet: the entry has not come in, and the caller would not wait.
var errNotYet = errors.New("not listed yet")

// inhabited waits for the first page and says whether any key is below the
// prefix: whether it is a directory. The tree's end ends the wait.
func (l *listing) inhabited() (bool, error) {
	for {
		l.mu.Lock()
		l.startLocked()
		any, complete, err, changed := l.anyLocked(), l.complete, l.err, l.changed
		l.mu.Unlock()
		switch {
		case any || complete:
			return any, nil
		case err != nil:
			return false, err
		}
		<-changed
	}
}

// find says what the listing knows of a name.
func (l *listing) find(name string) (entry, knowledge) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if e, ok := l.names.find(name); ok {
		if e.size < 0 {
			return entry{}, unknown
		}
		return e, there
	}
	if l.complete { // a part proves no absence: not every server sorts
		return entry{}, absent
	}
	return entry{}, unknown
}
