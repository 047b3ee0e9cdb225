package fs

import (
	"context"
	"errors"
	"fmt"
	iofs "io/fs"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"s3mount/s3"
)

// An Account is many buckets as directories, each with a [Tree] of its own, made
// when it is entered. They have one cache and one bound of entries together.
//
// Those of the account's own listing are seen. Any other can be entered by its
// name, if there is one.
type Account struct {
	opts    Options
	account *s3.Account
	log     *slog.Logger
	memory  *memory
	born    time.Time

	ctx    context.Context // ends with the account: no request outlives it
	cancel context.CancelFunc
	loads  sync.WaitGroup // of listings

	mu     sync.Mutex // guards all below; never held over a request
	over   bool       // nothing is added to loads any more
	trees  map[string]*Tree
	names  *bucketNames // the newest listing; nil: none
	facts  map[string]fact
	asking map[string]*question
}

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

func (l *bucketNames) has(name string) bool {
	_, ok := slices.BinarySearch(l.names, name)
	return ok
}

// NewAccount gives the buckets of an account. Options are those of each tree, but
// for Bucket and Prefix, which are not set; the source of Options.Cache gets
// keys with the name of the bucket and a slash in front. It makes no request.
func NewAccount(account *s3.Account, opts Options) (*Account, error) {
	if account == nil || opts.Cache == nil {
		return nil, errors.New("fs: an account and Options.Cache: both are needed")
	}
	if opts.Bucket != nil || opts.Prefix != "" {
		return nil, errors.New("fs: Options.Bucket, Options.Prefix: an account has many")
	}
	opts, err := opts.complete()
	if err != nil {
		return nil, err
	}
	if _, err := newFilters("", opts.Filters); err != nil {
		return nil, fmt.Errorf("fs: Options.Filters: %w", err)
	}
	a := &Account{
		opts: opts, account: account, log: opts.Log, memory: newMemory(opts.MaxEntries), born: time.Now(),
		trees: map[string]*Tree{}, facts: map[string]fact{}, asking: map[string]*question{},
	}
	a.ctx, a.cancel = context.WithCancel(context.Background())
	return a, nil
}

// Close ends the requests that are under way. Calls that wait for one fail.
func (a *Account) Close() {
	a.cancel()
	a.mu.Lock()
	a.over = true
	trees := a.trees
	a.trees = map[string]*Tree{}
	a.mu.Unlock()
	for _, t := range trees {
		t.Close()
	}
	a.loads.Wait()
}

// Stats are what all trees hold together.
func (a *Account) Stats() Stats {
	s := Stats{Entries: a.memory.entries()}
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, t := range a.trees {
		made, missed := t.walks.counts()
		s.Guesses, s.Missed = s.Guesses+made, s.Missed+missed
	}
	return s
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
	if a.over {
		a.take(l, nil, errClosed)
		return l
	}
	a.names = l
	a.loads.Go(func() { // ends with the request, which the account's end ends
		buckets, err := a.account.Buckets(a.ctx, false)
		a.take(l, buckets, err)
	})
	return l
}

// take finishes a listing. Buckets are made here that are not known, so that it
// is known where they are.
func (a *Account) take(l *bucketNames, buckets []s3.BucketEntry, err error) {
	defer close(l.done)
	l.err = err
	hidden := 0
	for _, b := range buckets {
		if _, err := a.account.Bucket(b.Name, b.Region); err != nil || !showable(b.Name) {
			hidden++
			continue
		}
		l.names = append(l.names, b.Name)
	}
	slices.Sort(l.names)
	l.names = slices.Compact(l.names)
	if hidden > 0 {
		a.log.Warn("there are buckets that cannot be shown", slog.Int("buckets", hidden))
	}
}

// lookup says whether there is a bucket of a name, and since when that is known.
// It costs no request where the listing or an earlier answer tells, and
// otherwise the listing, and for a name that is not in it the first page of the
// bucket. Like a tree's it takes no context.
func (a *Account) lookup(name string) (at time.Time, err error) {
	if len(name) > nameMax {
		return at, errNameTooLong
	}
	if f := a.recall(name); f.what != unknown {
		if f.what == absent {
			return f.at, iofs.ErrNotExist
		}
		return f.at, nil
	}
	if !a.opts.NoList {
		l := a.list(false)
		<-l.done
		if l.err == nil && l.has(name) {
			return l.began, nil
		}
	}
	if !bucketName(name) {
		return time.Now(), iofs.ErrNotExist
	}
	q, mine := a.ask(name)
	if mine {
		a.answer(name, q)
	}
	<-q.done
	return q.fact.at, q.err
}

// forget has the buckets listed anew, and a name asked for anew; "" is all names.
func (a *Account) forget(name string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.names = nil
	delete(a.facts, name)
	if name == "" {
		clear(a.facts)
	}
}

// recall says what an earlier answer said of a name, while it is believed.
func (a *Account) recall(name string) fact {
	a.mu.Lock()
	defer a.mu.Unlock()
	f, ok := a.facts[name]
	if !ok || time.Since(f.at) >= a.opts.TTL {
		return fact{}
	}
	return f
}

// ask joins the question about a name that is under way, or makes it the
// caller's to answer.
func (a *Account) ask(name string) (q *question, mine bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if q, ok := a.asking[name]; ok {
		return q, false
	}
	q = &question{done: make(chan struct{}), err: errUnanswered}
	a.asking[name] = q
	return q, true
}

// answer asks for a bucket by its name. One that may not be listed is there; what
// may be read of it is another matter.
func (a *Account) answer(name string, q *question) {
	defer func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		delete(a.asking, name)
		close(q.done)
	}()
	q.fact = fact{what: there, at: time.Now()}
	q.err = a.enter(name, q.fact.at)
	switch {
	case errors.Is(q.err, s3.ErrForbidden):
		q.err = nil
	case errors.Is(q.err, s3.ErrNoBucket):
		q.fact.what, q.err = absent, fmt.Errorf("%w: %w", iofs.ErrNotExist, q.err)
	}
	if q.err != nil { // there may be no end of such names
		a.account.Forget(name)
	}
	if q.err == nil || q.fact.what == absent {
		a.learn(name, q.fact)
	}
}

// enter asks a bucket of which nothing is known what is first asked of it.
func (a *Account) enter(name string, at time.Time) error {
	bucket, err := a.account.Bucket(name, "")
	if err != nil {
		return err
	}
	if a.opts.NoList {
		return bucket.Greet(a.ctx, "")
	}
	page, err := bucket.Probe(a.ctx, "")
	if err != nil {
		return err
	}
	t, err := a.tree(name)
	if err == nil {
		t.Learn(page, at)
	}
	return err
}

func (a *Account) learn(name string, f fact) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.opts.TTL == 0 {
		return
	}
	if len(a.facts) >= maxFacts {
		clear(a.facts)
	}
	a.facts[name] = f
}

// tree gives the tree of a bucket, the same one each time.
func (a *Account) tree(name string) (*Tree, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if t, ok := a.trees[name]; ok {
		return t, nil
	}
	if a.over {
		return nil, errClosed
	}
	bucket, err := a.account.Bucket(name, "")
	if err != nil {
		return nil, err
	}
	opts := a.opts
	opts.Bucket = bucket
	t, err := New(opts)
	if err != nil {
		return nil, err
	}
	t.within = name + "/"
	if t.at.IsZero() {
		t.dated = a.born
	}
	t.dirs = &directories{a.memory, t.within}
	a.trees[name] = t
	return t, nil
}

// bucketName says whether a name may be a bucket's, so that it is worth asking:
// programs look for .git and others wherever they are. S3 had longer names once.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
func bucketName(name string) bool {
	alphanumeric := func(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' }
	if len(name) < 3 || !alphanumeric(name[0]) {
		return false
	}
	return strings.IndexFunc(name, func(r rune) bool { return r > 'z' || !alphanumeric(byte(r)) && !strings.ContainsRune("-._", r) }) < 0
}
