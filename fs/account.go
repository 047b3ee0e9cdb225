package fs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
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

	root *directory // what is known of names one by one; it has no listing

	mu        sync.Mutex // guards all below; never held over a request
	over      bool       // nothing is added to loads any more
	trees     map[string]*Tree
	names     *bucketNames // the newest listing; nil: none
	good      *bucketNames // the last that has come in, and was no error, since a refresh
	refreshed time.Time    // the last time; what was asked before is not remembered
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
		root: &directory{}, trees: map[string]*Tree{},
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

// all gives the trees by their buckets' names.
func (a *Account) all() map[string]*Tree {
	a.mu.Lock()
	defer a.mu.Unlock()
	return maps.Clone(a.trees)
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
	t.account, t.within = a, name+"/"
	if t.at.IsZero() {
		t.dated = a.born
	}
	t.dirs = &directories{a.memory, t.within}
	a.trees[name] = t
	return t, nil
}
