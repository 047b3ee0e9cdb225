package fs

import (
	"hash/maphash"
	"path"
	"time"

	"s3mount/cache"
)

const (
	fewGuesses  = 4        // ahead of a walk that was just recognised
	mostGuesses = 128      // and of one that has kept its promise
	guessBytes  = 16 << 20 // of all of a walk's guesses
	mostKinds   = 64       // extensions remembered
	lookAhead   = 4096     // entries passed over in search of the next guess
)

// guesses are the files that a walk will open next, asked for ahead of time and
// whole. The number grows as they come true.
type guesses struct {
	order   order
	cursor  string // the path looked at last; "": at the walk's own place
	pending map[cache.Object]*guess
	queue   []*guess // pending ones and others, in the walk's order
	bytes   int64    // of those pending
	last    int      // the number of the one furthest on its way that came true
	width   int      // how many to keep pending
	came    int      // true since width was set
	hits    int      // lately
	misses  int
	kinds   map[string]int // by extension: how often left out, or once wanted
}

// A guess is one file.
type guess struct {
	object cache.Object
	reader *cache.Reader
	empty  *emptyCheck // of an object without bytes; nil: it has some
	number int         // in the order of the walk
}

const (
	wanted  = -1 // marks a kind of file that the walk opens
	leftOut = 2  // guesses of a kind that were wrong, and it is not guessed again
)

// due says whether a guess is about where the walk is.
func (k *walk) due(g *guess) bool { return g.number <= k.last+disorder }

// recent are the files that were opened in the last seconds. What one of several
// processes on the same way has opened the others will not.
type recent struct {
	seed     maphash.Seed
	now, old map[uint64]struct{}
	turned   time.Duration // when now became old
}

const (
	recentFor  = 5 * time.Second // to twice that
	recentMost = 8192            // likewise
)

func (r *recent) add(key string, now time.Duration) {
	if r.now == nil {
		r.seed, r.now = maphash.MakeSeed(), map[uint64]struct{}{}
	}
	if now-r.turned > recentFor || len(r.now) >= recentMost {
		r.old, r.now, r.turned = r.now, map[uint64]struct{}{}, now
	}
	r.now[maphash.String(r.seed, key)] = struct{}{}
}

func (r *recent) has(key string) bool {
	sum := maphash.String(r.seed, key)
	_, now := r.now[sum]
	_, old := r.old[sum]
	return now || old
}

// hit notes that a guess has come true. What the walk has left out by now was
// wrong; it says how many.
func (k *walk) hit(g *guess) (missed int64) {
	k.last = max(k.last, g.number)
	k.hits++
	if len(k.kinds) > mostKinds {
		clear(k.kinds)
	}
	k.kinds[path.Ext(g.object.Key)] = wanted
	for len(k.queue) > 0 && k.queue[0].number < k.last-2*disorder {
		if old := k.queue[0]; k.pending[old.object] == old {
			k.miss(old)
			missed++
			if k.pending == nil {
				return missed // that was one too many
			}
		}
		k.queue = k.queue[1:]
	}
	k.missKinds()
	if k.pending == nil {
		return
	}
	if k.hits+k.misses > 64 { // lately, not ever
		k.hits, k.misses = k.hits/2, k.misses/2
	}
	if k.came++; k.came >= k.width/2 {
		k.width, k.came = min(2*k.width, mostGuesses), 0
	}
	return missed
}

// missKinds has guesses be wrong sooner whose kind nothing has come true of.
func (k *walk) missKinds() {
	for _, g := range k.queue {
		if g.number >= k.last-disorder/2 {
			return
		}
		if k.pending[g.object] == g && k.kinds[path.Ext(g.object.Key)] != wanted {
			k.miss(g)
		}
	}
}

// forget takes an object from the pending guesses.
func (k *walk) forget(o cache.Object) {
	delete(k.pending, o)
	k.bytes -= o.Size
}

// miss notes that a guess was wrong. One in five may be, but for files of a kind
// that the walk leaves out: that is learned once, and holds for all of it.
func (k *walk) miss(g *guess) {
	k.end(g)
	kind := path.Ext(g.object.Key)
	if k.kinds[kind] != wanted {
		if k.kinds[kind]++; k.kinds[kind] == leftOut {
			k.endKind(kind)
			return
		}
	}
	k.misses++
	k.width, k.came = max(k.width/2, fewGuesses), 0
	if k.misses > 4 && k.misses > k.hits/4 {
		k.doubt++
		k.drop()
	}
}

// end ends a guess.
func (k *walk) end(g *guess) {
	k.forget(g.object)
	g.end()
}

func (g *guess) end() {
	if g.empty != nil {
		g.empty.cancel()
	}
	g.reader.Close()
}

// endKind ends the guesses of one kind.
func (k *walk) endKind(kind string) {
	for o, g := range k.pending {
		if path.Ext(o.Key) == kind {
			k.end(g)
		}
	}
}

// drop ends all guesses. The walk has to prove itself anew.
func (k *walk) drop() {
	for _, g := range k.pending {
		g.end()
	}
	k.guesses = guesses{kinds: k.kinds}
	k.run = [orders]int{}
}

// refillLocked asks for the files that a walk opens next.
func (w *walks) refillLocked(k *walk) {
	if w.over {
		return
	}
	if k.pending == nil {
		k.pending, k.width = map[cache.Object]*guess{}, max(k.width, fewGuesses)
	}
	if k.kinds == nil {
		k.kinds = map[string]int{}
	}
	if len(k.pending) == 0 {
		k.cursor = k.at
	}
	for looked := 0; len(k.pending) < k.width && k.bytes < guessBytes && looked < 16+4*k.width; looked++ {
		before := k.cursor
		parent, e, ok := w.nextLocked(k)
		if !ok {
			break
		}
		o := contentOf(parent, e)
		if e.size < 0 || e.size > cache.MaxAhead || e.class.archived() || k.kinds[path.Ext(e.name)] >= leftOut || k.pending[o] != nil || w.seen.has(o.Key) || w.tree.inquiries.isLink(o.Key, e) {
			continue
		}
		g := w.ask(o)
		if g == nil {
			k.cursor = before
			break
		}
		if n := len(k.queue); n > 0 {
			g.number = k.queue[n-1].number + 1
		}
		k.pending[o] = g
		k.queue = append(k.queue, g)
		k.bytes += o.Size
		w.made++
	}
	if len(k.pending) > 0 && w.sweep == nil {
		w.sweep = time.AfterFunc(walkRest, w.rest)
	}
}

// ask asks for a file ahead of time. It gives nil when there is no room now.
func (w *walks) ask(o cache.Object) *guess {
	g := &guess{object: o, reader: w.tree.open(o)}
	if !g.reader.Ahead() {
		g.reader.Close()
		return nil
	}
	if o.Size == 0 && o.Pin == "" {
		g.empty = w.tree.checkEmpty(o.Key)
	}
	return g
}

// nextLocked moves a walk's cursor to the next file.
func (w *walks) nextLocked(k *walk) (parent string, e entry, ok bool) {
	for range lookAhead {
		parent, name := dirOf(k.cursor)
		l := w.tree.known(parent)
		if l == nil {
			w.expectLocked(k, parent)
			return "", entry{}, false
		}
		rank := -1
		if name != "" {
			if rank, ok = l.rank(k.order, name); !ok {
				return "", entry{}, false
			}
		}
		e, ok, end := l.ranked(k.order, rank+1)
		switch {
		case ok && !e.dir:
			k.cursor = parent + e.name
			return parent, e, true
		case ok && k.deep:
			k.cursor = parent + e.name + "/"
		case ok:
			k.cursor = parent + e.name
		case end && k.deep && parent != k.root:
			k.cursor = parent[:len(parent)-1] // its place in the directory above
		default:
			if !end {
				w.expectLocked(k, parent)
			}
			return "", entry{}, false
		}
	}
	return "", entry{}, false
}

// expectLocked has a directory listed that a walk is about to come to.
func (w *walks) expectLocked(k *walk, prefix string) {
	if k.deep && prefix != k.root && k.order == asListed {
		w.scanLocked(k, prefix)
	}
}

// rest ends the guesses of walks that have come to rest.
func (w *walks) rest() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sweep = nil
	now := w.tree.clock()
	for _, k := range w.all {
		switch {
		case len(k.pending) == 0:
		case now-k.when >= walkRest || w.over:
			k.drop()
		case w.sweep == nil:
			w.sweep = time.AfterFunc(walkRest, w.rest)
		}
	}
}

// close ends all guesses, for good.
func (w *walks) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.over = true
	if w.sweep != nil {
		w.sweep.Stop()
	}
	for _, k := range w.all {
		k.drop()
	}
}
