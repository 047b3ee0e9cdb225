package fs

import (
	"errors"
	iofs "io/fs"
	"time"

	"s3mount/s3"
)

// lookup says what a name below prefix is, and since when that is known. It
// costs no request where a listing or an earlier answer tells, and otherwise
// one HEAD and one LIST; with NoList one HEAD. A name that is not there is
// iofs.ErrNotExist.
//
// It takes no context: an interrupted lookup would fail programs that only
// happened to get a signal. The requests have deadlines of their own.
func (t *Tree) lookup(prefix, name string) (entry, time.Time, error) {
	if len(name) > nameMax {
		return entry{}, time.Time{}, errNameTooLong
	}
	if !showable(name) {
		return entry{}, time.Time{}, iofs.ErrNotExist
	}
	d := t.dirs.get(prefix)
	switch e, what, at := d.recall(t, name); what {
	case there:
		return e, at, nil
	case absent:
		return entry{}, at, iofs.ErrNotExist
	}
	if may := t.mayBe(prefix + name); !may.file && !may.dir {
		return entry{}, time.Time{}, iofs.ErrNotExist
	}
	q, mine := d.ask(name)
	if mine {
		t.answer(d, name, q)
	}
	<-q.done
	return q.fact.entry, q.fact.at, q.err
}

// answer answers a question, in any case: whoever waits for it waits without a
// way out.
func (t *Tree) answer(d *directory, name string, q *question) {
	q.err = errUnanswered // unless resolve returns
	defer d.answer(name, q)
	q.fact.at = time.Now()
	may, l := t.mayBe(d.prefix+name), (*listing)(nil)
	switch {
	case t.opts.NoList:
		q.fact.entry, q.err = t.resolveUnlisted(d.prefix, name, may)
	case may.dir:
		l = t.dirs.get(d.prefix + name + "/").current(t)
		q.fact.at = l.began // before now, where the directory is being listed already
		fallthrough
	default:
		q.fact.entry, q.err = t.resolve(d.prefix, name, may, l)
	}
	q.fact.what = there
	if errors.Is(q.err, iofs.ErrNotExist) {
		q.fact.what = absent
	}
	if q.err == nil || q.fact.what == absent { // an error is not knowledge
		t.dirs.learned(d, d.learn(name, q.fact, t.opts.TTL))
	}
}

// kinds are what a name may be.
type kinds struct{ file, dir bool }

// mayBe says what the filters let a key be.
func (t *Tree) mayBe(key string) kinds {
	if t.filter == nil {
		return kinds{true, true}
	}
	// By the name of a version nobody can say what it is a version of.
	return kinds{t.versions || t.filter.shows(key), t.filter.enters(key + "/")}
}

// errUnanswered is for those who wait for a question whose asker panicked.
var errUnanswered = errors.New("the lookup under way has failed")

// resolve asks the server what a name is. Both questions go out together: is
// there an object of that key, and is anything below it. The second is the
// first page of the directory's listing, l, which is kept if it is one. What may
// not be shown is not asked for.
func (t *Tree) resolve(prefix, name string, may kinds, l *listing) (entry, error) {
	key := prefix + name
	if may.dir {
		l.begin()
	}
	object, herr := s3.Object{}, error(iofs.ErrNotExist)
	if t.filter.shows(key) {
		object, herr = t.head(key)
	}
	inhabited, lerr := false, error(nil)
	if may.dir {
		inhabited, lerr = l.inhabited()
	}
	switch {
	case inhabited: // a directory hides an object
		return entry{name: name, dir: true}, nil
	case lerr == nil:
		t.dirs.drop(key + "/")
	case !errors.Is(lerr, iofs.ErrPermission):
		return entry{}, lerr // it may be a directory; nothing else is believed
	}
	gone, denied := errors.Is(herr, iofs.ErrNotExist), errors.Is(herr, iofs.ErrPermission)
	switch {
	case herr == nil:
		return entryOf(name, object), nil
	case (gone || denied) && lerr != nil:
		return t.findBoth(prefix, name, gone, lerr)
	case gone && t.versions:
		return t.findVersion(prefix, name)
	case denied:
		e, err := t.find(key, name, herr)
		if t.versions && errors.Is(err, iofs.ErrNotExist) { // which is 403 to who may not list the present
			return t.findVersion(prefix, name)
		}
		return e, err
	}
	return entry{}, herr
}

// findBoth says what a name is that is no object which may be read, nor a
// directory which may be listed: the directory above tells, if that may be. With
// gone set there is no such object. What is not found is not missing: why is a
// directory refused that is none?
func (t *Tree) findBoth(prefix, name string, gone bool, denied error) (entry, error) {
	if !errors.Is(denied, s3.ErrForbidden) {
		return entry{}, denied
	}
	key := prefix + name
	// From just before where it has its place.
	opts := s3.ListOptions{Prefix: prefix, Delimiter: "/", StartAfter: key + "." + lastRune}
	_, err := t.search(opts, key+"/")
	switch {
	case err == nil:
		return entry{name: name, dir: true}, nil
	case errors.Is(err, iofs.ErrNotExist) && !gone:
		if e, err := t.find(key, name, denied); err == nil {
			return e, nil
		}
	}
	return entry{}, denied
}

// find looks for a key that may not be asked for in the listing, which may be
// read: names and sizes can be seen where bytes cannot.
func (t *Tree) find(key, name string, denied error) (entry, error) {
	e, err := t.search(s3.ListOptions{Prefix: key}, key)
	switch {
	case err != nil:
		return entry{}, err
	case e.Size < 0:
		return entry{}, denied
	}
	return entryOf(name, t.named(objectOf(e))), nil
}

// search looks for one entry of a listing. It is the first, where keys come in
// order; where they come in none it may be any. It is iofs.ErrNotExist if it is not
// there.
func (t *Tree) search(opts s3.ListOptions, key string) (s3.Entry, error) {
	inOrder, last := true, ""
	proof := orderProof
	if t.inOrder() {
		proof = 1
	}
	opts.PageSize = proof
	for e, err := range t.bucket.List(t.ctx, opts) {
		switch {
		case err == nil && e.Key == key && e.Noncurrent:
			continue
		case err != nil || e.Key == key:
			return e, err
		}
		proof--
		inOrder, last = inOrder && e.Key >= last, e.Key
		if inOrder && proof == 0 {
			break
		}
	}
	return s3.Entry{}, iofs.ErrNotExist
}

func entryOf(name string, o s3.Object) entry {
	e := entry{name: name, tag: o.ETag, size: o.Size, class: classOf(o.StorageClass), version: versionOf(o.VersionID)}
	if !o.LastModified.IsZero() {
		e.mtime = o.LastModified.Unix()
	}
	return e
}

// distrust says that what is known of a name has turned out to be old.
func (t *Tree) distrust(prefix, name string) {
	t.dirs.get(prefix).askAnew(name)
	t.dirs.drop(prefix + name + "/") // that it is no directory was learned before, too
	t.learn(prefix, fact{entry: entry{name: name}, what: unknown, at: time.Now()})
}

// learn remembers what an answer has said of a name, unless it was asked before a
// refresh.
func (t *Tree) learn(prefix string, f fact) {
	if f.what != unknown && t.refreshedSince(prefix+f.entry.name+"/", f.at) {
		return
	}
	d := t.dirs.get(prefix)
	t.dirs.learned(d, d.learn(f.entry.name, f, t.opts.TTL))
}
