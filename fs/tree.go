package fs

import (
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"s3mount/cache"
	"s3mount/s3"
)

// Options say how the tree looks. Bucket and Cache are all that is needed.
type Options struct {
	Bucket     *s3.Bucket
	Cache      *cache.Cache  // its source must read from Bucket
	Prefix     string        // show only the keys below it: "" or ending in "/"
	TTL        time.Duration // how long a listing, and a name that is not there, are believed; 0: not at all
	UID, GID   uint32        // owner of everything
	FileMode   uint32        // permissions of files; 0: 0444
	DirMode    uint32        // permissions of directories; 0: 0555
	MaxEntries int           // names remembered, of all directories together; 0: 500,000
	PlainNames bool          // do not list the doors to what has no name of its own; they can be entered all the same
	Xattr      bool          // offer extended attributes
	Posix      bool          // show modes, owners, times and links out of the objects' metadata
	Filters    []Filter      // what is not shown; in their order
	NoList     bool          // never list: a name that is no object is a directory that cannot be read
	Log        *slog.Logger  // nil: nothing is logged
}

// A Tree is the directories and files of a bucket, without a mount.
type Tree struct {
	*shared
	opts    Options
	filter  *filters // nil: everything is shown
	bucket  *s3.Bucket
	log     *slog.Logger
	dirs    *directories
	account *Account  // of a tree that is one of many
	within  string    // of a tree that is one of many: the bucket's name and a slash, which is in front of its keys in the cache
	dated   time.Time // what directories, which have no time in S3, are given

	at       time.Time // that the bucket shows; zero: now
	versions bool      // it shows all

	walks walks
	scans scans

	inquiries *inquiries // nil without Options.Posix
	refreshes refreshes

	sorted   atomic.Bool  // the server has given orderProof keys in order
	mixed    atomic.Bool  // and here it has given some out of order
	unsorted atomic.Bool  // where that matters: no page without delimiter is asked for any more
	flats    atomic.Int32 // what first pages without delimiter were worth lately
}

// New gives the tree of a bucket. It makes no request.
func New(opts Options) (*Tree, error) {
	if opts.Bucket == nil || opts.Cache == nil {
		return nil, errors.New("fs: Options.Bucket and Options.Cache: both are needed")
	}
	opts, err := opts.complete()
	if err != nil {
		return nil, err
	}
	return newTree(opts, newShared(opts), nil)
}

// newTree gives a tree, alone or as one of an account's. The options are complete.
func newTree(opts Options, with *shared, account *Account) (*Tree, error) {
	filter, err := newFilters(opts.Prefix, opts.Filters)
	if err != nil {
		return nil, fmt.Errorf("fs: Options.Filters: %w", err)
	}
	t := &Tree{shared: with, opts: opts, filter: filter, bucket: opts.Bucket, log: opts.Log, account: account}
	if account != nil {
		t.within = t.bucket.Name() + "/"
	}
	t.dirs = &directories{memory: with.memory, within: t.within}
	t.at, t.versions = t.bucket.At(), t.bucket.Versions()
	t.dated = dateOf(with, t.at)
	if t.versions { // names come in no order of the server's
		t.mixed.Store(true)
		t.unsorted.Store(true)
	}
	t.walks.tree = t
	if opts.Posix {
		t.inquiries = &inquiries{tree: t, known: with.answers, asking: map[subject]*inquiry{}}
	}
	return t, nil
}

// dateOf is the time that directories are given: of a mount of a time that one, so
// that it is the same with each.
func dateOf(with *shared, at time.Time) time.Time {
	if at.IsZero() {
		return with.born
	}
	return at
}

// complete checks options and gives them their defaults.
func (opts Options) complete() (Options, error) {
	switch {
	case opts.Prefix != "" && opts.Prefix[len(opts.Prefix)-1] != '/':
		return opts, fmt.Errorf("fs: Options.Prefix: %q does not end in a slash", opts.Prefix)
	case opts.TTL < 0:
		return opts, fmt.Errorf("fs: Options.TTL: %v is below zero", opts.TTL)
	case opts.FileMode&^0777 != 0 || opts.DirMode&^0777 != 0:
		return opts, errors.New("fs: Options.FileMode, Options.DirMode: only permission bits may be set")
	case opts.MaxEntries < 0:
		return opts, fmt.Errorf("fs: Options.MaxEntries: %d is below zero", opts.MaxEntries)
	}
	if opts.FileMode == 0 {
		opts.FileMode = 0444
	}
	if opts.DirMode == 0 {
		opts.DirMode = 0555
	}
	if opts.NoList {
		opts.DirMode = unreadable(opts.DirMode)
	}
	if opts.MaxEntries == 0 {
		opts.MaxEntries = 500_000
	}
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	return opts, nil
}

// Close ends the requests that are under way, and waits for those that no call
// waits for. Calls that wait for one fail.
func (t *Tree) Close() {
	t.end()
	t.walks.close()
	t.loads.Wait()
}

// flatFirst says whether a directory's first page is asked for without
// delimiter, so that what is below comes with it. Where listings are not
// believed that is of no use, and where the server does not sort it proves
// nothing.
func (t *Tree) flatFirst() bool {
	return t.opts.TTL > 0 && !t.unsorted.Load() && t.flats.Load() > -flatPatience
}

// inOrder says whether the server is known to list in the order of keys.
func (t *Tree) inOrder() bool { return t.sorted.Load() && !t.mixed.Load() }

// flatPaid notes whether such a page told more than the directory's own would
// have: whether it got beyond the first directory in it. A bucket of few, huge
// directories is listed with delimiter after a few tries.
func (t *Tree) flatPaid(paid bool) {
	step := int32(-1)
	if paid {
		step = 1
	}
	t.flats.Store(min(max(t.flats.Load()+step, -flatPatience), flatPatience))
}

const flatPatience = 3

// Learn takes in what Probe of the tree's bucket gave for the tree's prefix,
// asked for at that time: a small bucket is known as a whole then.
func (t *Tree) Learn(page s3.Page, at time.Time) {
	d := t.dirs.get(t.opts.Prefix)
	l := newListing(t, d)
	l.began, l.running = at, true
	if t.flatFirst() && d.offer(l) && l.learn(page) {
		l.left()
	}
}

// open gives a reader of an object.
func (t *Tree) open(o cache.Object) *cache.Reader {
	o.Key = t.within + o.Key
	return t.opts.Cache.Open(o)
}

// toRead gives the listing of a directory to somebody who reads it.
func (t *Tree) toRead(prefix string) *listing {
	t.walks.entered(prefix)
	return t.dirs.get(prefix).toRead(t)
}

// noteHidden says that a directory has keys without a name of their own. It is a
// warning where they are not listed.
func (t *Tree) noteHidden(prefix string, keys int) {
	level := slog.LevelInfo
	if t.opts.PlainNames {
		level = slog.LevelWarn
	}
	t.log.Log(t.ctx, level, "the directory has keys that cannot be shown under their own names; they are in its "+doorName,
		slog.String("prefix", t.within+prefix), slog.Int("keys", keys))
}

// Stats are what a tree holds now.
type Stats struct {
	Entries int   // names remembered, directories included
	Guesses int64 // files asked for ahead of a walk, since New
	Missed  int64 // of these, those that the walk left out
}

// Stats gives them.
func (t *Tree) Stats() Stats {
	s := Stats{Entries: t.dirs.entries()}
	s.Guesses, s.Missed = t.walks.counts()
	return s
}
