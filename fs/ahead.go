package fs

import (
	"slices"
	"strings"
	"time"
)

const (
	maxPursuits    = 16               // remembered
	pursuitRest    = 10 * time.Second // without a lookup, and a pursuit is over
	pursuitFew     = 4                // inquiries ahead of one that was just recognised
	pursuitMost    = 64               // and of one that has gone on, and of all together
	pursuitSteps   = 2                // one after the other, that make one
	pursuitCrosses = 2                // directories one after the other, and it will go on to the next
	pursuitSkip    = 8                // entries that a step may leave out, because the kernel has them
	pursuitOut     = 16               // how far lookups may be out of order before one counts as left out
)

// A pursuit is somebody looking names up one after the other, as who shows the
// attributes of each does: find -type, ls -l, rsync, tar. The names that come next
// are asked about before they are looked up.
type pursuit struct {
	at      spot
	when    time.Duration // of the last lookup, by the tree's clock
	order   order
	crossed int            // how often it has gone from one directory to the next
	deep    bool           // what is in one comes right behind it: find, tar, cp; else when its own is finished: ls -R, rsync
	root    string         // the directory that all of it was in
	steps   int            // one right after the other
	cursor  spot           // asked about last
	pending map[string]int // the keys up to there that have not been looked up, by number
	number  int            // of the last one
	width   int            // how many to keep pending
	came    int            // of these, since width was set
}

// A spot is a directory, in front of its entries, or at one of them.
type spot struct {
	prefix, name string
	dir          bool // it is a directory's entry
}

// follow notes that an entry is looked up, and asks about those that will be.
func (q *inquiries) follow(d *dirNode, e entry) {
	if q.tree.opts.TTL == 0 {
		return // what a listing says comes next is not believed
	}
	q.mu.Lock()
	k := q.pursuitLocked(spot{d.prefix, e.name, e.dir})
	var begin []func()
	if k.steps >= pursuitSteps {
		begin = q.aheadLocked(k, d)
	}
	q.mu.Unlock()
	for _, f := range begin {
		f()
	}
}

// pursuitLocked gives the pursuit that a lookup is a step of, with the step taken.
func (q *inquiries) pursuitLocked(here spot) *pursuit {
	now := q.tree.clock()
	key := here.key()
	for i, k := range slices.Backward(q.pursuits) {
		if n, ok := k.pending[key]; ok {
			k.reached(n, key)
			return q.stepLocked(i, here, now)
		}
	}
	for i, k := range slices.Backward(q.pursuits) {
		if now-k.when < pursuitRest && q.tree.follows(k, here) {
			k.steps++
			k.cursor, k.pending = here, nil
			return q.stepLocked(i, here, now)
		}
	}
	k := q.forkLocked(here, now)
	if len(q.pursuits) >= maxPursuits {
		q.pursuits = append(q.pursuits[:0], q.pursuits[1:]...)
	}
	q.pursuits = append(q.pursuits, k)
	return k
}

// forkLocked gives a new pursuit. At the first entry of a directory, while another
// one is under way, it is the same program on a way that is not foreseen.
func (q *inquiries) forkLocked(here spot, now time.Duration) *pursuit {
	k := &pursuit{at: here, when: now, root: here.prefix, width: pursuitFew}
	if n := len(q.pursuits); n > 0 {
		if last := q.pursuits[n-1]; last.steps >= pursuitSteps && now-last.when < forkWithin {
			k.order, k.deep, k.crossed = last.order, last.deep, last.crossed
			if first, _, ok := q.tree.behind(k, spot{prefix: here.prefix}); ok && first == here {
				k.steps, k.width = last.steps, max(last.width/2, pursuitFew)
			}
		}
	}
	return k
}

// stepLocked takes a step, which makes a pursuit the newest.
func (q *inquiries) stepLocked(i int, here spot, now time.Duration) *pursuit {
	k := q.pursuits[i]
	k.at, k.when, k.root = here, now, commonDir(k.root, here.prefix)
	copy(q.pursuits[i:], q.pursuits[i+1:])
	q.pursuits[len(q.pursuits)-1] = k
	return k
}

func (p spot) key() string {
	if p.dir {
		return p.prefix + p.name + "/"
	}
	return p.prefix + p.name
}

// reached notes that what was asked about as number n has been looked up. What is
// pending far in front of it has been left out.
func (k *pursuit) reached(n int, key string) {
	delete(k.pending, key)
	for other, m := range k.pending {
		if m < n-pursuitOut {
			delete(k.pending, other)
		}
	}
	if k.came++; k.came >= k.width/2 {
		k.width, k.came = min(2*k.width, pursuitMost), 0
	}
}

// follows says whether a spot comes right behind where a pursuit is, and notes
// in which order it then goes.
func (t *Tree) follows(k *pursuit, here spot) bool {
	if here.prefix != k.at.prefix {
		return k.steps >= pursuitSteps && t.enters(k, here)
	}
	l := t.known(here.prefix)
	if l == nil {
		return false
	}
	for _, o := range []order{k.order, (k.order + 1) % orders} {
		a, ok := l.rank(o, k.at.name)
		b, there := l.rank(o, here.name)
		switch {
		case !ok || !there:
		case b-a == 1 && (o == k.order || k.steps < pursuitSteps), b > a && b-a <= pursuitSkip && o == k.order && k.steps >= pursuitSteps:
			k.order = o
			return true
		}
	}
	return false
}

// enters says whether a spot is the first in a directory that comes next.
func (t *Tree) enters(k *pursuit, here spot) bool {
	for _, deep := range []bool{k.deep, !k.deep} {
		try := *k
		try.crossed, try.deep, try.root = pursuitCrosses, deep, commonDir(k.root, here.prefix)
		if next, _, ok := t.behind(&try, k.at); ok && next == here {
			k.crossed, k.deep = k.crossed+1, deep
			return true
		}
	}
	return false
}

// behind gives the entry behind a spot, on a pursuit's way.
func (t *Tree) behind(k *pursuit, at spot) (spot, entry, bool) {
	crosses := k.crossed >= pursuitCrosses
	if crosses && k.deep && at.dir {
		at = spot{prefix: at.key()}
	}
	for range lookAhead {
		e, ok, end := t.entryIn(k.order, at)
		switch {
		case ok:
			return spot{at.prefix, e.name, e.dir}, e, true
		case !end || !crosses:
		case !k.deep:
			at, ok = t.nextDir(k, at.prefix)
		case at.prefix != k.root:
			at, ok = at.above(), true
		}
		if !ok {
			return spot{}, entry{}, false
		}
	}
	return spot{}, entry{}, false
}

// entryIn gives the entry behind a spot in its directory. With none there, end
// says that none will come.
func (t *Tree) entryIn(o order, at spot) (e entry, ok, end bool) {
	l := t.known(at.prefix)
	if l == nil {
		return entry{}, false, false
	}
	rank := -1
	if at.name != "" {
		if rank, ok = l.rank(o, at.name); !ok {
			return entry{}, false, false
		}
	}
	return l.ranked(o, rank+1)
}

// above is the directory of a spot, as a spot in the one above.
func (p spot) above() spot {
	prefix, name := dirOf(strings.TrimSuffix(p.prefix, "/"))
	return spot{prefix, name, true}
}

// nextDir gives the directory behind one, for who first finishes that: the first
// one in it, or the next beside it, or beside those above.
func (t *Tree) nextDir(k *pursuit, prefix string) (spot, bool) {
	at := spot{prefix: prefix}
	for {
		l := t.known(at.prefix)
		if l == nil {
			return spot{}, false
		}
		rank := -1
		if at.name != "" {
			var ok bool
			if rank, ok = l.rank(k.order, at.name); !ok {
				return spot{}, false
			}
		}
		if name, ok := l.directoryBehind(k.order, rank); ok {
			return spot{prefix: at.prefix + name + "/"}, true
		}
		if at.prefix == k.root || at.prefix == "" {
			return spot{}, false
		}
		at = at.above()
	}
}

// aheadLocked asks about the entries that come next: it gives what begins the
// inquiries, to be called without the lock.
func (q *inquiries) aheadLocked(k *pursuit, d *dirNode) (begin []func()) {
	if k.pending == nil {
		k.pending = map[string]int{}
	}
	if len(k.pending) == 0 {
		k.cursor = k.at
	}
	for len(k.pending) < k.width && q.ahead < pursuitMost {
		next, e, ok := q.tree.behind(k, k.cursor)
		if !ok {
			break
		}
		k.cursor = next
		k.number++
		k.pending[next.key()] = k.number
		s := q.subjectOf(next.prefix+e.object(), e)
		if e.dir {
			s.key += "/"
		}
		if q.asking[s] != nil || q.knownLocked(s) != nil {
			continue
		}
		if e.dir {
			if q.unmarked(s.key) != nil {
				continue
			}
		} else if dir := d.nodeOf(next.prefix); e.size < 0 || dir != nil && lasting(dir, e.name, e) != nil {
			continue
		}
		i := q.beginLocked(s)
		i.ahead = true
		q.ahead++
		begin = append(begin, func() {
			// The tree waits for it; it ends with its request, which ends with the tree.
			if !q.tree.background(func() { q.answer(i, s, e) }) {
				i.err = errClosed
				q.finish(i, s)
			}
		})
	}
	return begin
}
