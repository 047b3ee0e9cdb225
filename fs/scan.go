package fs

import (
	"slices"
	"strings"
	"sync"
	"time"

	"s3mount/s3"
)

const (
	scanLead    = 4                // pages that a scan may be ahead of its walk, at first
	scanLeadMax = 64               // and when the walk has come that far
	scanAstray  = 4                // pages beyond that, of a tree that the walk does not enter
	scanRest    = 10 * time.Second // without a step of the walk, and the scan ends
	maxScans    = 4                // at the same time
)

// A scan lists everything below a directory, without delimiter, for a walk that
// has been recognised: pages of keys, not a request for each directory. It keeps
// ahead of the walk by a number of pages, which grows as the walk comes to them.
type scan struct {
	tree  *Tree
	root  string    // all keys begin so
	from  *listing  // of the directory that it begins with
	began time.Time // what it says is that old

	mu      sync.Mutex // guards all below; never held over a request
	reached string     // the directory begun last
	awaited map[string]*listing
	ends    []string // the last key of each page
	used    int      // pages that the walk has come to
	lead    int
	over    bool
	wake    chan struct{} // holds one signal: something has changed
}

// scans are those under way, the newest last.
type scans struct {
	mu  sync.Mutex
	all []*scan
}

// scan starts listing all that is below root, from a directory in it on. It
// does nothing if that is under way.
func (t *Tree) scan(root, from string) {
	if t.covering(from) != nil || !t.flatFirst() {
		return
	}
	l := newListing(t, t.dirs.get(from))
	l.running = true
	l.names.marked = true // the key of that name itself is not listed, and is known to be there
	s := &scan{tree: t, root: root, from: l, began: l.began, reached: root, lead: scanLead,
		awaited: map[string]*listing{from: l}, wake: make(chan struct{}, 1)}
	if !l.dir.offer(l) {
		return // it is being read
	}
	t.scans.mu.Lock()
	t.scans.all = append(t.scans.all, s)
	var oldest *scan
	if len(t.scans.all) > maxScans {
		oldest = t.scans.all[0]
		t.scans.all = t.scans.all[1:]
	}
	t.scans.mu.Unlock()
	if oldest != nil {
		oldest.stop()
	}
	if !t.background(s.run) {
		s.end()
	}
}

// covering gives the scan that will come to a directory.
func (t *Tree) covering(prefix string) *scan {
	t.scans.mu.Lock()
	defer t.scans.mu.Unlock()
	for _, s := range slices.Backward(t.scans.all) {
		if s.willReach(prefix) {
			return s
		}
	}
	return nil
}

func (s *scan) willReach(prefix string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.over && strings.HasPrefix(prefix, s.root) && prefix > s.reached
}

// passed tells scans that a walk has come to a directory.
func (t *Tree) passed(prefix string) {
	t.scans.mu.Lock()
	defer t.scans.mu.Unlock()
	for _, s := range t.scans.all {
		s.passed(prefix)
	}
}

func (s *scan) passed(prefix string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !strings.HasPrefix(prefix, s.root) || prefix > s.reached {
		return
	}
	if page, _ := slices.BinarySearch(s.ends, prefix); page > s.used {
		s.used = page
		s.lead = min(2*s.lead, scanLeadMax)
		s.wakeLocked()
	}
}

// await has the scan feed a listing that somebody reads. It says whether it will.
func (s *scan) await(l *listing) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over || l.prefix <= s.reached {
		return false
	}
	s.awaited[l.prefix] = l
	s.wakeLocked()
	return true
}

func (s *scan) wakeLocked() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// stop ends the scan before its time.
func (s *scan) stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.over = true
	s.wakeLocked()
}

// run is the scan's goroutine, which the tree owns. It ends with the last page,
// the first error, when the walk rests or goes elsewhere, or with the tree.
func (s *scan) run() {
	defer s.end()
	f := flat{tree: s.tree, began: s.began, open: s.above(), adopted: s.adopt}
	f.begin(s.from.prefix)
	opts := s3.ListOptions{Prefix: s.root, StartAfter: s.from.prefix}
	for page, err := range s.tree.bucket.Pages(s.tree.ctx, opts) {
		if err != nil { // whoever needs to know asks by himself
			f.part(0)
			return
		}
		if !f.inOrder(page.Entries) {
			f.recant()
			return
		}
		f.add(page.Entries)
		if page.Last {
			f.end()
			return
		}
		f.tell()
		if !s.more(f.last) {
			f.part(0)
			return
		}
	}
}

// above are the directories that the first one is in. What they have is not the
// scan's to say: it has not seen their beginning.
func (s *scan) above() (levels []level) {
	for end := len(s.root); end < len(s.from.prefix); {
		levels = append(levels, level{prefix: s.from.prefix[:end]})
		end += strings.IndexByte(s.from.prefix[end:], '/') + 1
	}
	return levels
}

// adopt gives the listing that waits for a directory that begins now.
func (s *scan) adopt(prefix string) *listing {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reached = prefix
	l := s.awaited[prefix]
	delete(s.awaited, prefix)
	return l
}

// more waits until another page is wanted, the last key of the last one given.
// It says whether one is.
func (s *scan) more(last string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ends = append(s.ends, strings.Clone(last))
	rest := time.NewTimer(scanRest)
	defer rest.Stop()
	for {
		ahead := len(s.ends) - s.used
		switch {
		case s.over, time.Since(s.began) > s.tree.opts.TTL/2:
			return false
		case ahead < s.lead:
			return true
		case len(s.awaited) > 0:
			return ahead < s.lead+scanAstray
		}
		s.mu.Unlock()
		over := false
		select {
		case <-s.wake:
		case <-rest.C:
			over = true
		case <-s.tree.ctx.Done():
			over = true
		}
		s.mu.Lock()
		s.over = s.over || over
	}
}

// end lets go of whoever still waits: they ask by themselves.
func (s *scan) end() {
	s.tree.scans.mu.Lock()
	s.tree.scans.all = slices.DeleteFunc(s.tree.scans.all, func(o *scan) bool { return o == s })
	s.tree.scans.mu.Unlock()
	s.mu.Lock()
	s.over = true
	awaited := s.awaited
	s.awaited = nil
	s.mu.Unlock()
	for _, l := range awaited {
		l.left()
	}
}
