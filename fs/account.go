package fs

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
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
	*shared // with all trees
	opts    Options
	account *s3.Account
	log     *slog.Logger
	dated   time.Time // the directory of the buckets

	root *directory // what is known of names one by one; it has no listing

	mu        sync.Mutex // guards all below; never held over a request
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
	a := &Account{shared: newShared(opts), opts: opts, account: account, log: opts.Log, root: &directory{}, trees: map[string]*Tree{}}
	a.dated = dateOf(a.shared, account.At())
	return a, nil
}

// Close ends the requests that are under way. Calls that wait for one fail.
func (a *Account) Close() {
	a.end()
	for _, t := range a.all() {
		t.walks.close()
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

// memoryOf is what of the memory is a bucket's; "" is all.
func (a *Account) memoryOf(name string) *directories {
	if name != "" {
		name += "/"
	}
	return &directories{memory: a.memory, within: name}
}

// left forgets a tree that the kernel has no directory of any more, if nothing has
// been learned from its bucket: there is no end of names that are refused, nor with
// NoList of those that seem to be there. Those of the list have one.
func (a *Account) left(t *Tree) {
	name := strings.TrimSuffix(t.within, "/")
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.trees[name] != t || t.dirs.told.Load() && !a.opts.NoList || a.good != nil && a.good.has(name) {
		return
	}
	delete(a.trees, name)
	a.account.Forget(name)
}

// tree gives the tree of a bucket, the same one each time.
func (a *Account) tree(name string) (*Tree, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if t, ok := a.trees[name]; ok {
		return t, nil
	}
	if a.ctx.Err() != nil {
		return nil, errClosed
	}
	bucket, err := a.account.Bucket(name, "")
	if err != nil {
		return nil, err
	}
	opts := a.opts
	opts.Bucket = bucket
	t, err := newTree(opts, a.shared, a)
	if err != nil {
		return nil, err
	}
	if !a.refreshed.IsZero() { // there may have been another of its bucket
		t.refreshes.all.Store(&[]refresh{{"", a.refreshed}})
	}
	a.trees[name] = t
	return t, nil
}
