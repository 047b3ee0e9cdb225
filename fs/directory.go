package fs

import (
	"sync"
	"time"
)

// knowledge is what is known of a name without asking.
type knowledge int

const (
	unknown knowledge = iota // it has to be asked for
	there
	absent
)

// A fact is what an answer about one name said.
type fact struct {
	entry entry
	what  knowledge // unknown: what an older listing says is known to be wrong
	at    time.Time // when the question was sent
}

// maxFacts bounds the facts kept for one directory. More than that looked up
// one by one, and the directory had better be listed.
const maxFacts = 4096

// A directory is what is known of the names below one prefix.
type directory struct {
	prefix string

	mu      sync.Mutex // guards all below; never held over a request
	listing *listing   // the newest; nil: none
	facts   map[string]fact
	asking  map[string]*question // under way
}

// A question is one lookup under way, and its answer to all who wait for it.
type question struct {
	done chan struct{} // closed when the rest is set
	fact fact
	err  error
}

// current gives the listing to read from: the one that is fresh or coming in,
// else a new one.
func (d *directory) current(t *Tree) *listing {
	d.mu.Lock()
	defer d.mu.Unlock()
	l := d.listing
	if l == nil || l.failed() || !l.fresh() && !l.joinable() {
		l = newListing(t, d)
		d.listing = l
	}
	return l
}

// toRead is current for a reader of the directory, who is perhaps on a walk.
func (d *directory) toRead(t *Tree) *listing {
	s := t.covering(d.prefix)
	d.mu.Lock()
	defer d.mu.Unlock()
	l := d.listing
	if l == nil || l.failed() || !l.fresh() && !l.joinable() {
		l = newListing(t, d)
		if s != nil && s.await(l) {
			l.running, l.fed = true, s.wake
		}
		d.listing = l
	}
	return l
}

// readable says whether whoever reads the directory finds a listing that is
// whole or coming in.
func (d *directory) readable(t *Tree) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	l := d.listing
	return l != nil && !l.failed() && (l.busy() || l.whole() && l.fresh())
}

// offer makes l the directory's listing, unless there is a better one: being
// read, or whole and newer. A listing from before a refresh is none. It says
// whether it is l now.
func (d *directory) offer(l *listing) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if l.tree.refreshedSince(d.prefix, l.began) {
		return false
	}
	if d.listing == l {
		return true
	}
	if old := d.listing; old != nil && (old.busy() || !old.failed() && old.began.After(l.began)) {
		return false
	}
	d.listing = l
	return true
}

// recall says what is known of a name, and since when.
func (d *directory) recall(t *Tree, name string) (entry, knowledge, time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	f, ok := d.facts[name]
	if l := d.listing; l != nil && l.fresh() && (!ok || l.began.After(f.at)) {
		if e, what := l.find(name); what != unknown {
			return e, what, l.began
		}
	}
	if !ok || time.Since(f.at) >= t.opts.TTL {
		return entry{}, unknown, time.Time{}
	}
	return f.entry, f.what, f.at
}

// fact gives what an answer has said of a name, however long ago.
func (d *directory) fact(name string) fact {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.facts[name]
}

// has says whether a name was there when that was last looked at, however long
// ago.
func (d *directory) has(name string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if f := d.facts[name]; f.what != unknown {
		return f.what == there
	}
	if d.listing == nil {
		return false
	}
	_, what := d.listing.find(name)
	return what == there
}

// learnedSince says whether an answer about a name is newer than a time.
func (d *directory) learnedSince(name string, at time.Time) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.facts[name].at.After(at)
}

// learn remembers the answer about a name, unless a later question has been
// answered. It says how many facts more, or fewer, that makes.
func (d *directory) learn(name string, f fact, ttl time.Duration) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	if ttl == 0 || f.at.Before(d.facts[name].at) {
		return 0
	}
	before := len(d.facts)
	if len(d.facts) >= maxFacts {
		for n, old := range d.facts {
			if time.Since(old.at) >= ttl {
				delete(d.facts, n)
			}
		}
		if len(d.facts) >= maxFacts {
			clear(d.facts)
		}
	}
	if d.facts == nil {
		d.facts = map[string]fact{}
	}
	d.facts[name] = f
	return len(d.facts) - before
}

// ask joins the question about a name that is under way, or makes it the
// caller's to answer.
func (d *directory) ask(name string) (q *question, mine bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if q, ok := d.asking[name]; ok {
		return q, false
	}
	if d.asking == nil {
		d.asking = map[string]*question{}
	}
	q = &question{done: make(chan struct{})}
	d.asking[name] = q
	return q, true
}

// answer gives a question's answer to all who wait for it.
func (d *directory) answer(name string, q *question) {
	d.mu.Lock()
	if d.asking[name] == q {
		delete(d.asking, name)
	}
	d.mu.Unlock()
	close(q.done)
}

// askAnew has nobody join the question about a name that is under way: it was
// sent too early.
func (d *directory) askAnew(name string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.asking, name)
}

// forget forgets what answers have said of a name, or are about to say; "" is all
// names.
func (d *directory) forget(name string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if name == "" {
		d.facts, d.asking = nil, nil
		return
	}
	delete(d.facts, name)
	delete(d.asking, name)
}
