package fs

import (
	"maps"
	"path"
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
	scan  *scan         // begun for it last; nil: none
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

// walked says whether walks are looked for. What they would need is not believed
// where listings are not, and not in the order of keys among versions.
func (t *Tree) walked() bool { return t.opts.TTL > 0 && !t.versions }

// dirOf gives the prefix of the directory that a key is in, and the name in it;
// of a prefix the prefix itself.
func dirOf(key string) (prefix, name string) {
	i := strings.LastIndexByte(key, '/') + 1
	return key[:i], key[i:]
}

// entered notes that a directory has been opened. If that is where a walk goes
// and nothing is known of it, all that comes behind it is asked for.
func (w *walks) entered(prefix string) {
	t := w.tree
	if !t.walked() {
		return
	}
	t.passed(prefix)
	w.mu.Lock()
	k := w.toLocked(prefix)
	defer w.mu.Unlock()
	if k.dirs >= 2 && prefix != k.root {
		w.scanLocked(k, prefix)
	}
}

// scanLocked has all listed that comes behind a directory, if nothing is known of
// it, unless that has not helped the walk before. Where the walk is not in the
// order of keys, that is all below its root that is not known.
func (w *walks) scanLocked(k *walk, prefix string) {
	t := w.tree
	if t.dirs.get(prefix).readable(t) || k.scan.wentAstray() {
		return
	}
	o := asListed
	if k.run[byInode] > k.run[asListed] {
		o, prefix = byInode, w.firstUnknownLocked(k, prefix)
	}
	if s := t.scan(k.root, prefix, o); s != nil {
		k.scan = s
	}
}

// firstUnknownLocked gives the first directory in a walk's root of which nothing
// is known: the one given, or one in front of it.
func (w *walks) firstUnknownLocked(k *walk, prefix string) string {
	l := w.tree.known(k.root)
	if l == nil {
		return prefix
	}
	for i := range lookAhead {
		e, ok, _ := l.ranked(asListed, i)
		if !ok {
			break
		}
		below := k.root + e.name + "/"
		if below >= prefix {
			break
		}
		if d := w.tree.dirs.peek(below); e.dir && (d == nil || !d.readable(w.tree)) {
			return below
		}
	}
	return prefix
}

// toLocked gives the walk that has come to a directory, a new one if none has.
func (w *walks) toLocked(prefix string) *walk {
	now := w.tree.clock()
	for i := len(w.all) - 1; i >= 0; i-- {
		k := w.all[i]
		if now-k.when > walkRest {
			continue
		}
		in, _ := dirOf(k.at)
		next, ok := w.nextDirLocked(k, prefix)
		if in != prefix && !ok {
			continue
		}
		if ok {
			for o := range orders {
				k.run[o] += nextStep
				if !next[o] {
					k.run[o] = 0
				}
			}
			k.enter(prefix)
		}
		k.when = now
		return w.touchLocked(i)
	}
	return w.beginLocked(&walk{at: prefix, root: prefix, when: now})
}

// enter takes the step to a directory.
func (k *walk) enter(prefix string) {
	k.at, k.root, k.deep = prefix, commonDir(k.root, prefix), true
	k.dirs++
}

// nextDirLocked says in which orders a directory is the next one on a walk's way,
// and whether it is in any.
func (w *walks) nextDirLocked(k *walk, prefix string) (next [orders]bool, any bool) {
	common := commonDir(k.at, prefix)
	name := strings.TrimSuffix(prefix[len(common):], "/")
	if name == "" || strings.Contains(name, "/") {
		return next, false
	}
	l := w.tree.known(common)
	if l == nil {
		return next, false
	}
	from, _, _ := strings.Cut(k.at[len(common):], "/")
	for o := range orders {
		next[o] = l.isNextDir(o, from, name)
		any = any || next[o]
	}
	return next, any
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

// opened notes that a file is opened, or read again after a while, and asks for
// those that the walk opens next. It gives the guess that this was, which is the
// caller's then; nil if it was none.
func (w *walks) opened(parent string, e entry) *guess {
	if !w.tree.walked() {
		return nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	o := contentOf(parent, e)
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
	if kind := path.Ext(e.name); k.kinds[kind] > 0 {
		k.kinds[kind] = wanted
	}
	k.at, k.when = o.Key, now
	if k.recognised() || k.pending != nil {
		w.refillLocked(k)
	}
	return g
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
			g.end()
		}
	}
	return of, found
}

// stepLocked gives the walk that a file is on, with that step counted: the one
// that it suits best. Where that is no surer than by chance, the others in the
// directory lose evidence; a program that opens files here and there would come
// to look like a walk otherwise.
func (w *walks) stepLocked(parent, name string) *walk {
	now := w.tree.clock()
	l := w.tree.known(parent)
	best, where, enters := step{}, -1, false
	for i := len(w.all) - 1; i >= 0 && l != nil; i-- {
		k := w.all[i]
		if now-k.when > walkRest {
			continue
		}
		in, from := dirOf(k.at)
		var left [orders]int
		if in != parent {
			from = ""
			if left = w.leftLocked(k, parent); left == nowhere {
				continue
			}
		}
		if s := k.step(l, from, name, left); s.sure > best.sure {
			best, where, enters = s, i, in != parent
		}
	}
	if best.sure < exact {
		for i, k := range w.all {
			if in, _ := dirOf(k.at); in == parent && i != where {
				k.lose(stepsBack)
			}
		}
	}
	if where < 0 {
		return w.beginLocked(w.forkLocked(parent, now))
	}
	k := w.all[where]
	k.run = best.run
	if enters {
		k.enter(parent)
	}
	return w.touchLocked(where)
}

// leftLocked is how many entries a walk leaves behind in its directory, should it
// go to another one now; elsewhere where that is not its way.
func (w *walks) leftLocked(k *walk, parent string) (left [orders]int) {
	next, ok := w.nextDirLocked(k, parent)
	if !ok {
		return nowhere
	}
	in, name := dirOf(k.at)
	l := w.tree.known(in)
	for o := range orders {
		switch {
		case !next[o]:
			left[o] = elsewhere
		case name != "" && l != nil:
			left[o] = l.behind(o, name)
		}
	}
	return left
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
