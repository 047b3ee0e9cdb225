package fs

import (
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"s3mount/cache"
)

const (
	maxWalks   = 16               // remembered
	walkRest   = 10 * time.Second // without a step, and a walk is over
	nextStep   = 2                // what a step to the very next entry counts
	nearStep   = 1                // what one counts that leaves a few out
	evidence   = 4                // that makes a walk
	skipMost   = 8                // entries that a step may leave out
	disorder   = 16               // steps that threads may be apart
	forkWithin = time.Second      // after a step of another walk
	stepsBack  = 1                // what a step back takes away
)

// A walk is somebody's way through the tree, as far as it looks like one:
// directories and files opened in the order in which they are listed. Where it
// goes next is asked for before it comes there: listings by a scan, small files
// by guesses.
//
// Nobody says which process it is: the kernel's READs have no owner, and one
// walk may have several processes (xargs -P).
type walk struct {
	at    string        // the file opened last, or the directory with its "/"
	when  time.Duration // by the tree's clock
	root  string        // the directory that all of it was in
	dirs  int           // directories entered, one right after the other
	deep  bool          // it goes from directory to directory
	run   [orders]int   // evidence for each order
	doubt int           // how often it was taken for a walk, and was none
	guesses
}

// walks are those that are remembered, the newest last.
type walks struct {
	tree  *Tree
	mu    sync.Mutex // guards all of it; never held over a request
	all   []*walk
	seen  recent
	sweep *time.Timer // ends the guesses of walks that rest; nil: none
	over  bool        // behind Close

	made, missed int64 // guesses
}

// counts gives how many guesses were made, and how many of them were wrong.
func (w *walks) counts() (made, missed int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.made, w.missed
}

// dirOf gives the prefix of the directory that a key is in, and the name in it;
// of a prefix the prefix itself.
func dirOf(path string) (prefix, name string) {
	i := strings.LastIndexByte(path, '/') + 1
	return path[:i], path[i:]
}

// entered notes that a directory has been opened. If that is where a walk goes
// and nothing is known of it, all that comes behind it is asked for.
func (w *walks) entered(prefix string) {
	t := w.tree
	if t.opts.TTL == 0 {
		return
	}
	t.passed(prefix)
	w.mu.Lock()
	k := w.toLocked(prefix)
	recognised, root := k.dirs >= 2, k.root
	w.mu.Unlock()
	if recognised && prefix != root && !t.dirs.get(prefix).readable(t) {
		t.scan(root, prefix)
	}
}

// toLocked gives the walk that has come to a directory, a new one if none has.
func (w *walks) toLocked(prefix string) *walk {
	now := w.tree.clock()
	for i := len(w.all) - 1; i >= 0; i-- {
		k := w.all[i]
		if now-k.when > walkRest {
			continue
		}
		if in, _ := dirOf(k.at); in == prefix || w.stepsIntoLocked(k, prefix) {
			k.when = now
			return w.touchLocked(i)
		}
	}
	return w.beginLocked(&walk{at: prefix, root: prefix, when: now})
}

// stepsIntoLocked says whether a directory is the next one on a walk's way, and
// takes that step.
func (w *walks) stepsIntoLocked(k *walk, prefix string) bool {
	common := commonDir(k.at, prefix)
	name := strings.TrimSuffix(prefix[len(common):], "/")
	if name == "" || strings.Contains(name, "/") {
		return false
	}
	l := w.tree.known(common)
	if l == nil {
		return false
	}
	from, _, _ := strings.Cut(k.at[len(common):], "/")
	next := false
	for o := range orders {
		if l.isNextDir(o, from, name) {
			next = true
			k.run[o] += nextStep
		} else {
			k.run[o] = 0
		}
	}
	if next {
		k.at, k.root, k.deep = prefix, commonDir(k.root, prefix), true
		k.dirs++
	}
	return next
}

// isNextDir says whether a directory comes behind a name, "" being in front of
// all, and no other one in between.
func (l *listing) isNextDir(o order, from, to string) bool {
	a := -1
	if from != "" {
		var ok bool
		if a, ok = l.rank(o, from); !ok {
			return false
		}
	}
	b, ok := l.rank(o, to)
	return ok && a < b && !l.directoryBetween(o, a, b)
}

// commonDir gives the innermost directory that both paths are in.
func commonDir(a, b string) string {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return a[:strings.LastIndexByte(a[:n], '/')+1]
}

// opened notes that a file is opened, or read again after a while, and asks for
// those that the walk opens next. It gives the reader that was opened for it
// ahead of time, nil if there is none.
func (w *walks) opened(parent string, e entry) *cache.Reader {
	if w.tree.opts.TTL == 0 {
		return nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	o := cache.Object{Key: parent + e.name, ETag: e.tag, Size: e.size}
	now := w.tree.clock()
	w.seen.add(o.Key, now)
	k, g := w.guessedLocked(o)
	switch {
	case g == nil:
		k = w.stepLocked(parent, e.name)
	case k.due(g):
		w.missed += k.hit(g)
		w.touchLocked(slices.Index(w.all, k))
	default: // a step of somebody who is elsewhere on the same way
		k = w.stepLocked(parent, e.name)
	}
	k.at, k.when = o.Key, now
	if k.recognised() || k.pending != nil {
		w.refillLocked(k)
	}
	if g == nil {
		return nil
	}
	return g.reader
}

// guessedLocked gives the guess that a file was, and the newest walk that made
// it. It is no guess any more.
func (w *walks) guessedLocked(o cache.Object) (of *walk, found *guess) {
	for i := len(w.all) - 1; i >= 0; i-- {
		k := w.all[i]
		g := k.pending[o]
		switch {
		case g == nil:
			continue
		case found == nil || !of.due(found) && k.due(g):
			of, found, g = k, g, found
		}
		k.forget(o)
		if g != nil {
			g.reader.Close()
		}
	}
	return of, found
}

// stepLocked gives the walk that a file is on, with that step counted.
func (w *walks) stepLocked(parent, name string) *walk {
	now := w.tree.clock()
	l := w.tree.known(parent)
	for i := len(w.all) - 1; i >= 0 && l != nil; i-- {
		k := w.all[i]
		if now-k.when > walkRest {
			continue
		}
		in, from := dirOf(k.at)
		if in != parent {
			if !w.stepsIntoLocked(k, parent) {
				continue
			}
			from = ""
		}
		if k.step(l, from, name) {
			return w.touchLocked(i)
		}
	}
	return w.beginLocked(w.forkLocked(parent, now))
}

// forkLocked gives a new walk in a directory. In a tree that somebody goes
// through just now it is one of several processes that share the way, and what
// was learned of the others holds for it.
func (w *walks) forkLocked(parent string, now time.Duration) *walk {
	for i := len(w.all) - 1; i >= 0; i-- {
		k := w.all[i]
		if k.width > fewGuesses && now-k.when < forkWithin && strings.HasPrefix(parent, k.root) {
			return &walk{root: k.root, dirs: k.dirs, deep: k.deep, run: k.run,
				guesses: guesses{order: k.order, width: k.width / 2, kinds: maps.Clone(k.kinds)}}
		}
	}
	return &walk{root: parent}
}

// step counts a step from one name to another in each order. It says whether it
// may be one.
func (k *walk) step(l *listing, from, to string) bool {
	near := false
	for o := range orders {
		a := -1
		if from != "" {
			a, _ = l.rank(o, from)
		}
		b, ok := l.rank(o, to)
		switch d := b - a; {
		case !ok || d > skipMost || d < -disorder:
			k.run[o] = 0
			continue
		case d == 1:
			k.run[o] += nextStep
		case d > 0:
			k.run[o] += nearStep
		case d < 0:
			k.run[o] = max(k.run[o]-stepsBack, 0)
		}
		near = true
	}
	return near
}

// recognised says whether there is evidence enough, and for which order.
func (k *walk) recognised() bool {
	enough := evidence << min(k.doubt, 8)
	for o := range orders {
		if k.run[o] >= enough {
			k.order = o
			return true
		}
	}
	return false
}

// touchLocked makes a walk the newest.
func (w *walks) touchLocked(i int) *walk {
	k := w.all[i]
	copy(w.all[i:], w.all[i+1:])
	w.all[len(w.all)-1] = k
	return k
}

// beginLocked remembers a new walk, in the place of the oldest.
func (w *walks) beginLocked(k *walk) *walk {
	if len(w.all) >= maxWalks {
		w.all[0].drop()
		w.all = append(w.all[:0], w.all[1:]...)
	}
	w.all = append(w.all, k)
	return k
}

// known gives the listing of a directory if it may be believed, though perhaps
// not whole.
func (t *Tree) known(prefix string) *listing {
	d := t.dirs.peek(prefix)
	if d == nil {
		return nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if l := d.listing; l != nil && l.fresh() && !l.failed() {
		return l
	}
	return nil
}
