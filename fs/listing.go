package fs

import (
	"context"
	"errors"
	iofs "io/fs"
	"slices"
	"strings"
	"sync"
	"time"

	"s3mount/s3"
)

// A listing is one reading of a directory from the server, shared by all who
// read the directory meanwhile and for as long afterwards as it may be believed.
// It is read page by page: the first one for whoever wants to know whether
// there is anything, the others only while somebody has the directory open. Or
// it is fed by a listing of all that is below some directory above.
type listing struct {
	tree   *Tree
	dir    *directory      // whose listing it is, or was
	prefix string          // of the keys: "" or ending in "/"
	began  time.Time       // when the first request was sent: what is known is that old
	fed    chan<- struct{} // gets a signal with each reader, for whom it may be fed; nil: it is not

	mu       sync.Mutex // guards all below; never held over a request
	names    entries
	complete bool          // the last page has come
	err      error         // why there will be no more pages
	anew     bool          // what is missing may be anywhere
	given    bool          // somebody has been given an entry: nothing changes its place
	running  bool          // load is under way
	readers  int           // who want all of it
	changed  chan struct{} // closed, and replaced, when any of this changes

	byInode, inodeRank []uint32 // the entries in that order, and the place of each; nil until asked for
}

func newListing(t *Tree, d *directory) *listing {
	return &listing{tree: t, dir: d, prefix: d.prefix, began: time.Now(), names: t.noEntries(d.prefix), changed: make(chan struct{})}
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
	if l.running && l.fed != nil {
		select {
		case l.fed <- struct{}{}:
		default:
		}
	}
}

func (l *listing) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.readers--
}

// read says whether somebody reads it.
func (l *listing) read() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.readers > 0
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
	if l.running = l.tree.background(l.load); !l.running {
		l.err = errClosed
	}
}

// resume says behind which key the pages go on that are still to come: where the
// last one ended; from the start where the server may not sort, as what is
// missing may be anywhere. What has come is forgotten then, unless some of it has
// been given.
func (l *listing) resume() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	last := l.names.last
	switch {
	case last == "" || l.anew:
		return ""
	case !l.provenLocked() && !l.given:
		l.tree.dirs.listed(l, -l.names.len())
		l.names = l.tree.noEntries(l.prefix)
		return ""
	case !l.provenLocked():
		return ""
	case last[len(last)-1] == '/': // behind all that is below, which would be one entry more
		return l.prefix + last + lastRune
	}
	return l.prefix + last
}

// orderProof is how many keys have to come in order for it to be no accident:
// what a page does not tell is asked for behind its last key, and where keys
// come in any order that would lose some.
const orderProof = 100

// provenLocked says whether what is settled is settled: keys come in order, so
// that no file of it will turn out to be a directory.
func (l *listing) provenLocked() bool {
	if l.names.ordered >= orderProof && !l.names.mixed {
		l.tree.sorted.Store(true)
	}
	return l.tree.inOrder() && !l.names.mixed
}

// lastRune is behind all that a key can have at its place, as UTF-8.
const lastRune = "\U0010FFFF"

// load asks for pages. The tree owns its goroutine and waits for it; it ends
// with the listing, with the first error, with the tree, or after a page when
// nobody wants the next.
func (l *listing) load() {
	after := l.resume()
	if after == "" && l.tree.flatFirst() {
		if !l.loadFlat() {
			return
		}
		after = l.resume()
	}
	opts := s3.ListOptions{Prefix: l.prefix, Delimiter: "/", StartAfter: after}
	for page, err := range l.tree.bucket.Pages(l.tree.ctx, opts) {
		if !l.add(page, err) {
			return
		}
	}
}

// loadFlat asks for the first page without delimiter: a small tree is known as a
// whole then, and of a large one the directories that come first. It says
// whether more pages are wanted.
func (l *listing) loadFlat() bool {
	for page, err := range l.tree.bucket.Pages(l.tree.ctx, s3.ListOptions{Prefix: l.prefix}) {
		switch {
		case errors.Is(err, iofs.ErrPermission): // a policy may want a delimiter (its condition s3:delimiter)
			l.tree.flatPaid(false)
			return true
		case err != nil:
			return l.add(page, err)
		}
		return l.learn(page)
	}
	return false
}

// learn takes in a first page without delimiter. It says whether more pages are
// wanted.
func (l *listing) learn(page s3.Page) bool {
	f := flat{tree: l.tree, began: l.began, open: []level{{l.prefix, l}}, fed: []*listing{l}}
	byKey := func(a, b s3.Entry) int { return strings.Compare(a.Key, b.Key) }
	if page.Last && !slices.IsSortedFunc(page.Entries, byKey) { // then order does not matter
		l.tree.mixed.Store(true)
		slices.SortStableFunc(page.Entries, byKey)
	}
	if !f.inOrder(page.Entries) {
		f.open = nil
		f.recant()
		return true // from the start, with delimiter
	}
	if !page.Last && len(page.Entries) < orderProof {
		l.tree.flatPaid(false)
		return true
	}
	f.add(page.Entries)
	if page.Last {
		f.end()
		l.tree.flatPaid(true)
		return false
	}
	l.tree.flatPaid(f.whole > 0 || len(f.open) == 1)
	f.part(1)
	return l.proceeds()
}

// take takes entries in, in the order of keys.
func (l *listing) take(entries []s3.Entry) {
	l.mu.Lock()
	defer l.mu.Unlock()
	before := l.names.len()
	for _, e := range entries {
		l.putLocked(e)
	}
	if l.names.mixed {
		l.tree.mixed.Store(true)
	}
	l.tree.dirs.listed(l, l.names.len()-before)
}

// finish says that all entries have been taken in.
func (l *listing) finish() {
	l.mu.Lock()
	defer l.mu.Unlock()
	before := l.names.len()
	l.names.finish()
	l.complete, l.running = true, false
	l.tree.dirs.listed(l, l.names.len()-before)
	if n := l.names.hidden.len(); n > 0 {
		l.tree.noteHidden(l.prefix, n)
	}
	if v := l.names.versions; v != nil && v.lost > 0 {
		l.tree.log.Warn("versions are not shown, because objects have their names", "prefix", l.prefix, "versions", v.lost)
	}
	l.tellLocked()
}

// left says that who has fed the listing so far does so no more.
func (l *listing) left() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.running = false
	l.names.rest()
	l.tellLocked()
}

// again has what is missing asked for from the start: it may be anywhere.
func (l *listing) again() {
	l.mu.Lock()
	l.anew = true
	l.mu.Unlock()
	l.left()
}

// any says whether a key has been seen.
func (l *listing) any() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.anyLocked()
}

func (l *listing) fail(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.err, l.running = err, false
	l.tellLocked()
}

// proceeds says whether whoever loads the listing goes on.
func (l *listing) proceeds() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.running = l.wantedLocked(); !l.running {
		l.names.rest()
	}
	l.tellLocked()
	return l.running
}

// tell wakes those who wait for something to change.
func (l *listing) tell() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tellLocked()
}

func (l *listing) tellLocked() {
	close(l.changed)
	l.changed = make(chan struct{})
}

// add takes a page of the directory in. It says whether another is wanted.
func (l *listing) add(page s3.Page, err error) bool {
	if err != nil {
		l.fail(err)
		return false
	}
	l.take(page.Entries)
	if page.Last {
		l.finish()
		return false
	}
	return l.proceeds()
}

// fresh says whether what the listing says may still be believed.
func (l *listing) fresh() bool { return time.Since(l.began) < l.tree.opts.TTL }

// failed says whether the listing came to nothing, and a new one is called for.
func (l *listing) failed() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err != nil
}

// whole says whether the last page has come.
func (l *listing) whole() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.complete
}

// busy says whether pages are still coming in: whoever comes joins.
func (l *listing) busy() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.running
}

// joinable says whether whoever comes joins although the listing is old: one that
// takes long is read to its end. One that is fed may be at rest.
func (l *listing) joinable() bool { return l.fed == nil && l.busy() }

// at gives the settled entry i, as soon as it is sure that it will be no other's
// place. With none there it says why: ok false and no
// error is the end of the directory.
//
// With wait it waits for pages; ctx ends that, and only for this caller.
func (l *listing) at(ctx context.Context, i int, wait bool) (e entry, ok bool, err error) {
	for {
		l.mu.Lock()
		l.startLocked()
		if ok = i < l.names.settled.len() && (l.complete || l.given || l.provenLocked()); ok {
			l.given = true
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
	if e, ok := l.names.find(name); ok && (l.complete || e.dir || l.provenLocked()) {
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
