package fs

import (
	"strings"
	"sync"
	"sync/atomic"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// directories remembers what is known of a tree's directories.
type directories struct {
	*memory
	within string      // where many trees have one memory: what this one's prefixes have in front
	told   atomic.Bool // something has been learned
}

// A memory is of directories, up to a number of entries; beyond that the least
// recently used directories are forgotten. Forgetting costs requests and never
// anything else.
type memory struct {
	mu    sync.Mutex // guards all below; the innermost: taken inside a listing's, which is inside a directory's
	byKey *simplelru.LRU[string, *remembered]
	total int // entries, one for each directory included
	most  int
}

type remembered struct {
	*directory
	of     *listing // whose entries are in listed
	listed int
	facts  int
}

func (r *remembered) weight() int { return 1 + r.listed + r.facts }

func newMemory(most int) *memory {
	d := &memory{most: most}
	// The size is bounded by weight, in shrinkLocked; the LRU's own bound is never met.
	d.byKey, _ = simplelru.NewLRU(most+1, func(_ string, r *remembered) { d.total -= r.weight() })
	return d
}

// key is a prefix in the memory.
func (d *directories) key(prefix string) string { return d.within + prefix }

// get gives the directory of a prefix, new if nothing is known.
func (d *directories) get(prefix string) *directory {
	d.mu.Lock()
	defer d.mu.Unlock()
	if r, ok := d.byKey.Get(d.key(prefix)); ok {
		return r.directory
	}
	r := &remembered{directory: &directory{prefix: prefix}}
	d.byKey.Add(d.key(prefix), r)
	d.total++
	d.shrinkLocked()
	return r.directory
}

// peek gives what is known of a prefix, which does not make it used.
func (d *directories) peek(prefix string) *directory {
	d.mu.Lock()
	defer d.mu.Unlock()
	if r, ok := d.byKey.Peek(d.key(prefix)); ok {
		return r.directory
	}
	return nil
}

// listed says that a listing has n entries more. A new listing takes the place
// of the last one; what is still read of an old one is its readers' and not
// counted.
func (d *directories) listed(l *listing, n int) {
	d.tell(n)
	d.mu.Lock()
	defer d.mu.Unlock()
	r, ok := d.byKey.Peek(d.key(l.prefix))
	if !ok || r.directory != l.dir || r.of != nil && l.began.Before(r.of.began) {
		return
	}
	if r.of != l {
		d.total -= r.listed
		r.of, r.listed = l, 0
	}
	r.listed += n
	d.total += n
	d.shrinkLocked()
}

// learned says that a directory has n facts more, or fewer.
func (d *directories) learned(dir *directory, n int) {
	d.tell(n)
	d.mu.Lock()
	defer d.mu.Unlock()
	if r, ok := d.byKey.Peek(d.key(dir.prefix)); ok && r.directory == dir {
		r.facts += n
		d.total += n
		d.shrinkLocked()
	}
}

// tell notes that n entries more are known.
func (d *directories) tell(n int) {
	if n > 0 && !d.told.Load() {
		d.told.Store(true)
	}
}

// drop forgets a prefix.
func (d *directories) drop(prefix string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.byKey.Remove(d.key(prefix))
}

// forgetBelow forgets a prefix and all prefixes that begin with it.
func (d *directories) forgetBelow(prefix string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, key := range d.byKey.Keys() {
		if strings.HasPrefix(key, d.key(prefix)) {
			d.byKey.Remove(key)
		}
	}
}

// forgetAll forgets everything of the tree.
func (d *directories) forgetAll() { d.forgetBelow("") }

// shrinkLocked forgets directories until the bound is kept; the one in use last
// stays, however large it is.
func (d *memory) shrinkLocked() {
	for d.total > d.most && d.byKey.Len() > 1 {
		d.byKey.RemoveOldest()
	}
}

// entries is how many entries are remembered.
func (d *memory) entries() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.total
}
