package fs

import (
	"errors"
	iofs "io/fs"
	"slices"
	"strings"
	"sync"
	"time"

	"s3mount/s3"
)

const (
	scanLead     = 4                // pages that a scan may be ahead of its walk, at first
	scanLeadMax  = 64               // and when the walk has come that far
	scanAstray   = 4                // pages beyond that, of a tree that the walk does not enter
	scanParallel = 8                // requests at the same time, from the fourth page on
	scanRest     = 10 * time.Second // behind a page that the walk does not come near, and the scan ends
	maxScans     = 4                // at the same time
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
	unused  int      // of these, those of directories that it has left out
	at      string   // the directory that the walk came to last
	lead    int
	anyhow  bool // the walk comes to all of it, though not in the order of keys
	over    bool
	astray  bool          // over, because the walk does not enter what it lists
	wake    chan struct{} // holds one signal: something has changed
}

// scans are those under way, the newest last.
type scans struct {
	mu  sync.Mutex
	all []*scan
}

// scan starts listing all that is below root, from a directory in it on. It
// gives nil if that is under way, or has just been done.
func (t *Tree) scan(root, from string, o order) *scan {
	if t.covering(from) != nil || t.dirs.get(from).readable(t) || !t.flatFirst() {
		return nil
	}
	l := newListing(t, t.dirs.get(from))
	l.running = true
	s := &scan{tree: t, root: root, from: l, began: l.began, reached: from, at: from, lead: scanLead, anyhow: o != asListed,
		awaited: map[string]*listing{from: l}, wake: make(chan struct{}, 1)}
	l.fed = s.wake
	if s.anyhow {
		s.lead = scanLeadMax
	}
	if !l.dir.offer(l) {
		return nil // it is being read
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
	return s
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
	return !s.over && !s.old() && strings.HasPrefix(prefix, s.root) && prefix > s.reached
}

// old says whether what the scan lists will not be believed for long.
func (s *scan) old() bool { return time.Since(s.began) > s.tree.opts.TTL/2 }

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
	page, _ := slices.BinarySearch(s.ends, prefix)
	s.cameLocked(prefix, page)
}

// cameLocked notes that the walk has come to a directory, which begins on that
// page. If most of the pages on its way are of directories that it leaves out,
// each directory had better be listed on its own.
func (s *scan) cameLocked(prefix string, page int) {
	for i := s.used; i < page && !s.anyhow; i++ {
		if in, _ := dirOf(s.ends[i]); !strings.HasPrefix(s.at, in) && !strings.HasPrefix(prefix, in) {
			s.unused++
		}
	}
	s.at = prefix
	if page > s.used {
		s.used = page
		s.lead = min(2*s.lead, scanLeadMax)
		s.wakeLocked()
	}
	if s.unused > scanAstray && s.unused > s.used/2 {
		s.over, s.astray = true, true
		s.wakeLocked()
	}
}

// wentAstray says whether the scan is over because the walk does not enter what
// it lists.
func (s *scan) wentAstray() bool {
	if s == nil {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.astray
}

// await has the scan feed a listing that somebody reads. It says whether it will.
func (s *scan) await(l *listing) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over || l.prefix <= s.reached || s.awaited[l.prefix] != nil {
		return false
	}
	l.began = s.began
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

// stopScans ends those that list anything below a prefix.
func (t *Tree) stopScans(prefix string) {
	t.scans.mu.Lock()
	defer t.scans.mu.Unlock()
	for _, s := range t.scans.all {
		if strings.HasPrefix(s.root, prefix) || strings.HasPrefix(prefix, s.root) {
			s.stop()
		}
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
	f := flat{tree: s.tree, began: s.began, open: s.above(), adopted: s.adopt, begun: s.begun, wake: s.wake}
	f.begin(s.from.prefix)
	opts := s3.ListOptions{Prefix: s.root, StartAfter: inFrontOf(s.from.prefix), Parallel: scanParallel}
	for page, err := range s.tree.bucket.Pages(s.tree.ctx, opts) {
		for len(page.Entries) > 0 && page.Entries[0].Key < s.from.prefix {
			page.Entries = page.Entries[1:]
		}
		if err != nil { // whoever needs to know asks by himself
			if errors.Is(err, iofs.ErrPermission) {
				s.refused()
			}
			f.part(0)
			return
		}
		if !f.inOrder(page.Entries) {
			f.recant()
			return
		}
		if !page.Last && f.keys+len(page.Entries) < orderProof {
			f.part(0)
			return
		}
		f.add(page.Entries)
		if page.Last {
			f.end()
			return
		}
		f.tell()
		s.letPast(f.last)
		if !s.more(&f) {
			f.part(0)
			return
		}
	}
}

// inFrontOf is what to list behind so that the first key is the one that a
// directory itself may have, or nearly: "d." and the last there is, for "d/".
func inFrontOf(prefix string) string { return prefix[:len(prefix)-1] + "." + lastRune }

// refused notes that this walk had better list directory by directory, which may
// be permitted.
func (s *scan) refused() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.astray = true
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
	l := s.awaited[prefix]
	if l != nil {
		delete(s.awaited, prefix)
		s.cameLocked(prefix, len(s.ends))
	}
	return l
}

// begun notes that a directory has begun.
func (s *scan) begun(prefix string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reached = prefix
}

// letPast notes the end of a page, and lets go of those who wait for a directory
// in front of it: it has no keys any more.
func (s *scan) letPast(last string) {
	s.mu.Lock()
	s.ends = append(s.ends, strings.Clone(last))
	s.reached = max(s.reached, strings.Clone(last))
	var past []*listing
	for prefix, l := range s.awaited {
		if prefix <= last {
			past = append(past, l)
			delete(s.awaited, prefix)
		}
	}
	s.mu.Unlock()
	for _, l := range past {
		l.left()
	}
}

// more waits until another page is wanted. It says whether one is.
func (s *scan) more(f *flat) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	rest := time.NewTimer(scanRest)
	defer rest.Stop()
	for {
		ahead := len(s.ends) - s.used
		switch {
		case s.over, s.old():
			return false
		case f.isRead(): // a directory of many pages
			s.used = len(s.ends)
			return true
		case ahead < s.lead:
			return true
		case len(s.awaited) > 0:
			far := ahead >= s.lead+scanAstray
			s.astray = far && !s.anyhow
			return !far
		}
		f.letGo()
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
