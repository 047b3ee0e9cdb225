package fs

import (
	"log/slog"
	"slices"
	"strings"
	"time"

	"s3mount/s3"
)

// A flat turns a listing without delimiter, which gives every key below a
// prefix, into the listings of the directories that the keys are in: one
// request tells of a hundred small directories.
//
// It needs keys in order: then a directory is whole when a key behind it comes.
// It is for one goroutine.
type flat struct {
	tree  *Tree
	began time.Time
	open  []level // the directories that the last key is in, outermost first
	last  string  // the last key
	skip  string  // keys that begin so cannot be shown, and have been counted
	fed   []*listing
	keys  int // that have come, in order
	whole int // directories that are, the outermost not counted

	adopted func(prefix string) *listing // gives who waits for a directory; may be nil
	begun   func(prefix string)          // is told when that directory's listing can be found; may be nil
	wake    chan<- struct{}              // gets a signal when a listing gets a reader; may be nil
}

// A level is a directory that is being read. What came before its listing began
// is not in it, so where the keys do not begin at the directory's start there is
// none.
type level struct {
	prefix  string
	listing *listing // nil: its entries are known already, or never will be from here
}

// inOrder says whether a page goes on where the last one ended, and is in order.
func (f *flat) inOrder(page []s3.Entry) bool {
	if len(page) > 0 && page[0].Key < f.last { // again is not out of order
		return false
	}
	return slices.IsSortedFunc(page, func(a, b s3.Entry) int { return strings.Compare(a.Key, b.Key) })
}

// add takes in a page, which is in order.
func (f *flat) add(page []s3.Entry) {
	f.keys += len(page)
	if f.keys >= orderProof {
		f.tree.sorted.Store(true)
	}
	for len(page) > 0 {
		key := page[0].Key
		f.leave(key)
		if !f.enter(key) {
			page = page[f.hidden(page):]
			continue
		}
		top := f.open[len(f.open)-1]
		n := filesBelow(top.prefix, page)
		if top.listing != nil {
			top.listing.take(page[:n])
		}
		f.last = page[n-1].Key
		page = page[n:]
	}
}

// filesBelow says how many entries at the front of a page are a directory's
// own: at least one.
func filesBelow(prefix string, page []s3.Entry) int {
	n := 1
	for n < len(page) {
		rest, ok := strings.CutPrefix(page[n].Key, prefix)
		if !ok || strings.Contains(rest, "/") {
			break
		}
		n++
	}
	return n
}

// hidden says how many entries at the front of a page cannot be shown.
func (f *flat) hidden(page []s3.Entry) int {
	n := 0
	for n < len(page) && strings.HasPrefix(page[n].Key, f.skip) {
		f.last = page[n].Key
		n++
	}
	return n
}

// leave completes the directories that key is behind.
func (f *flat) leave(key string) {
	for n := len(f.open) - 1; n > 0 && !strings.HasPrefix(key, f.open[n].prefix); n-- {
		f.complete(f.open[n].listing)
		f.open = f.open[:n]
	}
}

// enter opens the directories down to the one that key is in. It says false
// where one of them cannot be shown.
func (f *flat) enter(key string) bool {
	for {
		top := f.open[len(f.open)-1]
		name, _, below := strings.Cut(key[len(top.prefix):], "/")
		if !below {
			return true
		}
		prefix := key[:len(top.prefix)+len(name)+1]
		if top.listing != nil {
			top.listing.take([]s3.Entry{{Key: prefix, Prefix: true}})
		}
		if !showable(name) || !f.tree.filter.enters(prefix) {
			f.skip = prefix
			return false
		}
		f.begin(strings.Clone(prefix))
	}
}

// begin opens a directory, from its first key on.
func (f *flat) begin(prefix string) {
	l := f.adopt(prefix)
	if l == nil && f.tree.refreshedSince(prefix, f.began) {
		f.open = append(f.open, level{prefix, nil})
		return
	}
	if l == nil {
		l = newListing(f.tree, f.tree.dirs.get(prefix))
		l.began, l.running, l.fed = f.began, true, f.wake
	}
	if !l.dir.offer(l) {
		if late := f.adopt(prefix); late != nil { // somebody has come just now
			l = late
			l.dir.offer(l)
		}
	}
	f.open = append(f.open, level{prefix, l})
	f.fed = append(f.fed, l)
	if f.begun != nil {
		f.begun(prefix)
	}
}

func (f *flat) adopt(prefix string) *listing {
	if f.adopted == nil {
		return nil
	}
	return f.adopted(prefix)
}

// complete says that a listing is whole.
func (f *flat) complete(l *listing) {
	switch {
	case l == nil:
	case f.adopted != nil && !l.any(): // a scan's first directory, gone since it was seen: nothing was said of it
		l.left()
	default:
		l.finish()
		l.dir.offer(l)
		f.whole++
	}
}

// tell has those who wait for the listings see what a page has brought.
func (f *flat) tell() {
	for _, l := range f.fed {
		l.tell()
	}
	f.fed = f.fed[:0]
	for _, o := range f.open { // more may come for these
		if o.listing != nil {
			f.fed = append(f.fed, o.listing)
		}
	}
}

// end says that there are no more keys: what is open is whole.
func (f *flat) end() {
	for n := len(f.open) - 1; n >= 0; n-- {
		f.complete(f.open[n].listing)
	}
	f.open = nil
	f.tell()
}

// part says that there will be no more from here: what is open, but for the
// outermost n, is a beginning, which its readers go on from by themselves.
func (f *flat) part(n int) {
	f.tell()
	for _, o := range f.open[n:] {
		if o.listing != nil {
			o.listing.left()
		}
	}
	f.open = f.open[:n]
}

// isRead says whether somebody reads the directory that the last key is in.
func (f *flat) isRead() bool {
	n := len(f.open)
	return n > 0 && f.open[n-1].listing != nil && f.open[n-1].listing.read()
}

// letGo has those who read a directory above the one that the last key is in go
// on by themselves: behind what is below, which is not theirs to wait for.
func (f *flat) letGo() {
	for i := range max(len(f.open)-1, 0) {
		if l := f.open[i].listing; l != nil && l.read() {
			l.left()
			f.open[i].listing = nil
			f.fed = slices.DeleteFunc(f.fed, func(o *listing) bool { return o == l })
		}
	}
}

// recant forgets all that was made of listings that turn out not to be in order.
// Those under way are read again from the start, by their readers.
func (f *flat) recant() {
	f.tree.mixed.Store(true)
	f.tree.unsorted.Store(true) // first: who is told of the error may come again at once
	f.tree.dirs.forgetAll()
	for _, o := range f.open {
		if o.listing != nil {
			o.listing.again()
		}
	}
	f.open = nil
	f.tree.log.Info("the server does not list keys in order; directories are listed one by one", slog.String("bucket", f.tree.bucket.Name()))
}
