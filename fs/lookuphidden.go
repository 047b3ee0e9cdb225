package fs

import (
	"errors"
	iofs "io/fs"
	"time"

	"s3mount/s3"
)

// lookupHidden is lookup for what the directory cannot show: an object or a
// directory of a name that is none, the bytes of the directory's own key for name
// "", or an object that a directory hides. Where no listing tells it costs one
// request, the last kind two. Like lookup, it takes no context.
func (t *Tree) lookupHidden(prefix, name string, dir bool) (entry, time.Time, error) {
	may := t.mayBe(prefix + name)
	switch {
	case dir && !may.dir, !dir && !may.file:
		return entry{}, time.Now(), iofs.ErrNotExist
	case t.opts.NoList:
		return t.resolveHiddenUnlisted(prefix, name, dir)
	}
	d := t.dirs.get(prefix)
	switch e, what, at := d.recallHidden(name, dir); what {
	case there:
		return e, at, nil
	case absent:
		return entry{}, at, iofs.ErrNotExist
	}
	at := time.Now()
	switch {
	case dir && showable(name):
		return entry{}, at, iofs.ErrNotExist
	case dir:
		return t.resolveHiddenDir(prefix, name)
	case name == "" && prefix == "":
		return entry{}, at, iofs.ErrNotExist
	}
	e, err := t.resolveHidden(prefix, name)
	return e, at, err
}

// recallHidden says what a listing knows of an entry behind the door.
func (d *directory) recallHidden(name string, dir bool) (entry, knowledge, time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	l := d.listing
	if l == nil || !l.fresh() || !l.began.After(d.facts[name].at) {
		return entry{}, unknown, time.Time{}
	}
	e, what := l.findHidden(name, dir)
	return e, what, l.began
}

// findHidden says what the listing knows of an entry behind the door: nothing
// before it is whole.
func (l *listing) findHidden(name string, dir bool) (entry, knowledge) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.complete {
		return entry{}, unknown
	}
	e, ok := l.names.hidden.find(name, dir)
	switch {
	case !ok:
		return entry{}, absent
	case e.size < 0:
		return entry{}, unknown
	}
	return e, there
}

// resolveHiddenDir asks the server whether there is a directory of a name that is
// none: the first page of its listing, which is kept if it is one.
func (t *Tree) resolveHiddenDir(prefix, name string) (entry, time.Time, error) {
	below := prefix + name + "/"
	l := t.dirs.get(below).current(t)
	any, err := l.inhabited()
	switch {
	case err != nil:
		return entry{}, l.began, err
	case !any:
		t.dirs.drop(below)
		return entry{}, l.began, iofs.ErrNotExist
	}
	return entry{name: name, dir: true}, l.began, nil
}

// resolveHidden asks the server for an object, and for what hides it.
func (t *Tree) resolveHidden(prefix, name string) (entry, error) {
	key := prefix + name
	if showable(name) {
		if !t.filter.enters(key + "/") {
			return entry{}, iofs.ErrNotExist
		}
		if _, _, err := t.resolveHiddenDir(prefix, name); err != nil {
			return entry{}, err
		}
	}
	o, err := s3.Object{}, error(iofs.ErrNotExist)
	if t.filter.shows(key) {
		o, err = t.head(key)
	}
	e := entryOf(name, o)
	if errors.Is(err, iofs.ErrPermission) {
		e, err = t.find(key, name, err)
	}
	if t.versions && errors.Is(err, iofs.ErrNotExist) {
		return t.findVersion(prefix, name)
	}
	if err == nil && name == "" && e.size == 0 { // a marker, and nothing is hidden
		err = iofs.ErrNotExist
	}
	return e, err
}
