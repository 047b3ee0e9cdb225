package fs

import (
	"errors"
	"fmt"
	iofs "io/fs"
	"strings"
	"time"

	"s3mount/s3"
)

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
	possible := bucketName(name)
	if !a.opts.NoList && (possible || !a.unlisted(name)) {
		l := a.list(false)
		switch in := a.await(l, name, possible); {
		case in && l.err == nil && l.has(name):
			return l.began, nil
		case in && l.err != nil && !possible && !errors.Is(l.err, s3.ErrForbidden):
			return at, l.err // it may be in it
		}
	}
	if !possible {
		return time.Now(), iofs.ErrNotExist
	}
	q, mine := a.root.ask(name)
	if mine {
		a.answer(name, q)
	}
	<-q.done
	return q.fact.at, q.err
}

// listPatience is how long the listing is waited for by who can ask for a bucket
// itself, which was there already.
const listPatience = time.Second

// await waits for a listing, but for a bucket that has been shown not for ever:
// that the listing is in trouble is no reason why it should be. It says whether
// the listing has come in, or failed.
func (a *Account) await(l *bucketNames, name string, possible bool) bool {
	if !possible || !a.has(name) {
		<-l.done
		return true
	}
	enough := time.NewTimer(listPatience)
	defer enough.Stop()
	select {
	case <-l.done:
		return true
	case <-enough.C:
		return false
	}
}

// has says whether a bucket has been shown.
func (a *Account) has(name string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.trees[name] != nil
}

// unlisted says whether the last good listing had no such name, however old it is.
func (a *Account) unlisted(name string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.good != nil && !a.good.has(name)
}

// recall says what is known of a name: what the newer says, of an earlier answer
// and the listing. A listing without the name says nothing: it may be another's.
func (a *Account) recall(name string) fact {
	f := a.root.fact(name)
	a.mu.Lock()
	defer a.mu.Unlock()
	if l := a.names; l != nil && l.came() && l.has(name) && l.began.After(f.at) && time.Since(l.began) < a.opts.TTL {
		return fact{what: there, at: l.began}
	}
	if time.Since(f.at) >= a.opts.TTL {
		return fact{}
	}
	return f
}

// forget has the buckets listed anew, and a name asked for anew; "" is all names.
// What is asked now is told to who waits for it, and is not remembered.
func (a *Account) forget(name string) {
	a.mu.Lock()
	a.names, a.good, a.refreshed = nil, nil, time.Now()
	a.mu.Unlock()
	a.root.forget(name)
}

// refreshedSince says whether what was learned at a time has been forgotten since.
func (a *Account) refreshedSince(at time.Time) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return !a.refreshed.Before(at)
}

// answer asks for a bucket by its name. One that may not be listed is there; what
// may be read of it is another matter.
func (a *Account) answer(name string, q *question) {
	defer a.root.answer(name, q)
	q.err = errUnanswered // unless enter returns
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
		return bucket.EnterUnlisted(a.ctx, "")
	}
	page, err := bucket.Enter(a.ctx, "")
	if err != nil {
		return err
	}
	t, err := a.tree(name)
	if err == nil {
		t.Learn(page, at)
	}
	return err
}

// learn remembers an answer, unless it was asked for before a refresh.
func (a *Account) learn(name string, f fact) {
	if !a.refreshedSince(f.at) {
		a.root.learn(name, f, a.opts.TTL)
	}
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
