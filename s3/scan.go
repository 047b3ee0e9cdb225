package s3

import (
	"cmp"
	"context"
	"hash/maphash"
	"slices"
)

const (
	defaultParallel = 16
	// maxAhead bounds the pages that are asked for or in memory and cannot be
	// given yet.
	maxAhead = 32
)

// A scan reads a long listing at several places at once and gives its pages in
// order. The keys are cut into segments at guessed places; each is read by a
// chain of its own, from its begin until a page reaches the begin of the next.
// A guess costs, at worst, a request; what is listed does not depend on it.
//
// All of it happens in the goroutine that wants the pages; each request has one
// of its own, which ends with it.
type scan struct {
	bucket   *Bucket
	opts     ListOptions
	possible bool // false: the pages come one after the other
	most     int  // requests at once
	limit    int  // the same, while the server is not to be pressed
	calm     int  // answers since it was

	segments []*segment // not yet given, in the order of keys
	answers  chan answer
	flying   int  // requests under way
	serial   bool // there is one segment, and will be no more
	restart  bool // what has been given cannot be gone on from

	given given
	cost  cost
}

// A segment is the keys above its begin, up to the begin of the next segment.
type segment struct {
	chain
	from     bool   // the first one's chain: from the begin of the listing
	begin    string // "": that of the listing
	last     string // the highest key seen, or begin
	sample   sample // of the latest page, or of the segment that it was cut from
	ready    []Page // come, and not yet given
	flying   bool
	answered bool
	near     bool   // its first key came soon behind begin: keys go on up to there
	open     bool   // whether begin was a good guess is not known yet
	least    string // its first key; "": none has come
	heir     *heir  // who can go on in its place; nil once it has proved to be good
	done     bool
	err      error
}

// An heir is what a segment saw above its end, and its chain, which goes on from
// there. The next segment has to begin with the same, or the chain goes on.
type heir struct {
	chain chain
	page  page
}

type answer struct {
	segment *segment
	page    page
	err     error
}

func newScan(b *Bucket, opts ListOptions) *scan {
	most := opts.Parallel
	if most == 0 {
		most = defaultParallel
	}
	most = min(most, b.limit.most)
	s := &scan{bucket: b, opts: opts, most: most, limit: most, answers: make(chan answer, most)}
	s.possible = most > 1 && !b.unsorted.Load()
	if s.possible {
		s.given.seed = maphash.MakeSeed()
	}
	return s
}

// run gives what comes behind the first pages of c, of which the last one had
// these entries.
func (s *scan) run(ctx context.Context, c chain, entries []Entry, pages int, yield func(Page, error) bool) {
	s.segments = []*segment{{chain: c, from: true, last: entries[len(entries)-1].Key, sample: newSample(entries), answered: true}}
	s.cost = cost{page: len(entries), answers: pages, kept: len(s.given.sums)}
	flights, cancel := context.WithCancel(ctx)
	defer func() {
		cancel()
		for ; s.flying > 0; s.flying-- {
			<-s.answers
		}
	}()
	for {
		for len(s.answers) > 0 {
			s.take(<-s.answers)
		}
		if s.restart {
			break
		}
		s.plan(flights)
		head := s.segments[0]
		switch {
		case len(head.ready) > 0:
			p := head.ready[0]
			head.ready = slices.Delete(head.ready, 0, 1)
			p.Last = s.over()
			s.given.add(p.Entries)
			if !yield(p, nil) || p.Last {
				return
			}
		case head.err != nil:
			yield(Page{}, head.err)
			return
		case !head.done:
			s.take(<-s.answers)
		case len(s.segments) > 1:
			s.segments = s.segments[1:]
		default:
			yield(Page{Last: true}, nil)
			return
		}
	}
	cancel()
	s.again(ctx, yield)
}

// over says that nothing follows what has been given.
func (s *scan) over() bool {
	for _, g := range s.segments {
		if !g.done || g.err != nil || len(g.ready) > 0 {
			return false
		}
	}
	return true
}

// plan makes the requests that can be made: the next one of each segment, and
// the first ones of new segments.
func (s *scan) plan(ctx context.Context) {
	for i, g := range s.segments {
		if !g.flying && !g.done && s.flying < s.limit && (i == 0 || s.room()) {
			s.ask(ctx, g)
		}
	}
	for s.flying < s.limit && s.room() {
		g := s.split()
		if g == nil {
			return
		}
		s.ask(ctx, g)
	}
}

// room says whether there may be another page ahead of what is given.
func (s *scan) room() bool {
	n := s.flying
	for _, g := range s.segments {
		n += len(g.ready)
	}
	return n < maxAhead
}

func (s *scan) ask(ctx context.Context, g *segment) {
	g.flying = true
	s.flying++
	go func() {
		p, err := s.bucket.next(ctx, &g.chain)
		s.answers <- answer{g, p, err}
	}()
}

// take takes an answer in.
func (s *scan) take(a answer) {
	s.flying--
	s.cost.answers++
	g, p := a.segment, a.page
	g.flying = false
	i := slices.Index(s.segments, g)
	if i < 0 || s.restart {
		return
	}
	if a.err != nil {
		s.failed(i, a.err)
		return
	}
	s.press(p.attempts)
	if !g.answered {
		p.entries = withoutFolded(g.begin, p.entries)
	}
	if !s.serial && !ascending(g.last, p.entries) {
		s.distrust()
		if s.restart || !g.from {
			return
		}
	}
	if !g.answered {
		s.judge(g, p)
	}
	s.keep(i, p)
}

// judge says what the first answer of a segment tells of the guess. Of one that
// came to nothing only the guesses hear: the segment before goes on to its own
// end, and when it sees a key there it will be the heir.
func (s *scan) judge(g *segment, p page) {
	g.answered = true
	if len(p.entries) > 0 {
		r := s.ruler(g)
		g.near = r.between(g.begin, p.entries[0].Key) < float64(s.cost.page)
	}
	if !g.near {
		s.cost.missed(1)
		g.open = g.open && len(p.entries) > 0
	}
}

// keep keeps what of a page is in the segment.
func (s *scan) keep(i int, p page) {
	g := s.segments[i]
	entries := p.entries
	if n := len(entries); n > 0 {
		g.last = entries[n-1].Key
		s.cost.page = max(s.cost.page, n)
	}
	if len(entries) > 1 {
		g.sample = newSample(entries)
	}
	g.done = !p.truncated
	if g.least == "" && len(entries) > 0 {
		g.least = entries[0].Key
	}
	if i+1 < len(s.segments) {
		next := s.segments[i+1]
		n, _ := slices.BinarySearchFunc(entries, next.begin, func(e Entry, begin string) int {
			if e.Key <= begin {
				return -1
			}
			return 1
		})
		if !p.truncated && g.last < next.begin { // the end of all: guesses behind it are not waited for
			unanswered := func(g *segment) bool { return !g.answered }
			s.segments = append(s.segments[:i+1], slices.DeleteFunc(s.segments[i+1:], unanswered)...)
		}
		if g.last >= next.begin {
			g.done = true
			next.heir = &heir{g.chain, page{entries: entries[n:], truncated: p.truncated}}
		}
		if g.done && next.open {
			next.open = false
			s.cost.missed(float64(len(entries)-n) / float64(s.cost.page))
		}
		entries = entries[:n:n]
	}
	s.cost.kept += len(entries)
	if len(entries) > 0 {
		g.ready = append(g.ready, Page{Entries: entries})
	}
	if i+1 < len(s.segments) {
		s.prove(i + 1)
	}
	s.prove(i)
}

// prove compares what a segment began with and what the one before saw there.
// Where the segment lacks a key, which may only have been deleted meanwhile, or
// came to nothing although there was more, the chain before goes on in its
// place: nothing of the segment has been given.
func (s *scan) prove(i int) {
	g := s.segments[i]
	if g.heir == nil || !g.answered || g.least == "" && !g.done {
		return
	}
	h := g.heir
	g.heir = nil
	lacks := g.least == "" && h.page.truncated
	if len(h.page.entries) > 0 {
		key := h.page.entries[0].Key
		lacks = g.least == "" || g.least > key || key <= g.last && !g.has(key)
	}
	if lacks {
		s.inherit(i, h)
	}
}

// has says whether a key is among those that have come and have not been given.
func (g *segment) has(key string) bool {
	return slices.ContainsFunc(g.ready, func(p Page) bool {
		return slices.ContainsFunc(p.Entries, func(e Entry) bool { return e.Key == key })
	})
}

// inherit puts an heir in the place of a segment.
func (s *scan) inherit(i int, h *heir) {
	g := s.segments[i]
	s.cost.missed(1)
	for _, p := range g.ready {
		s.cost.kept -= len(p.Entries)
	}
	s.segments[i] = &segment{chain: h.chain, begin: g.begin, last: g.begin, sample: g.sample, answered: true}
	s.keep(i, h.page)
}

// failed ends a segment with an error; but where the one before can go on in
// its place, nothing has happened. A request that is only made to be quick
// should fail no listing.
func (s *scan) failed(i int, err error) {
	g := s.segments[i]
	switch {
	case !g.answered && g.heir != nil:
		s.inherit(i, g.heir)
	case !g.answered && i > 0:
		s.segments = slices.Delete(s.segments, i, i+1)
	default:
		g.err, g.done = err, true
		return
	}
	s.limit, s.most = 1, 1
}

// press is careful with a server that had to be asked more than once: half as
// many requests, and more again as it answers.
func (s *scan) press(attempts int) {
	switch s.calm++; {
	case attempts > 1:
		s.limit, s.calm = max(1, s.limit/2), 0
	case s.calm >= 8:
		s.limit, s.calm = min(s.limit+1, s.most), 0
	}
}

// distrust is for a server that does not list in the order of keys, or not from
// where it was asked to: its pages have to come one after the other.
func (s *scan) distrust() {
	if !s.bucket.unsorted.Swap(true) {
		s.bucket.opts.Log.Info("the server does not list keys in order, or not from any key on; its listings take longer",
			"bucket", s.bucket.opts.Name, "prefix", s.opts.Prefix)
	}
	head := s.segments[0]
	s.serial = true
	s.segments = s.segments[:1]
	s.restart = !head.from || head.done
}

// again begins anew, page after page, and gives what has not been given.
func (s *scan) again(ctx context.Context, yield func(Page, error) bool) {
	was := s.given.all()
	c := newChain(s.opts, "")
	for {
		p, err := s.bucket.next(ctx, &c)
		if err != nil {
			yield(Page{}, err)
			return
		}
		entries := slices.DeleteFunc(p.entries, func(e Entry) bool { return was[s.given.sum(e.Key)] })
		if !yield(Page{Entries: entries, Last: !p.truncated}, nil) || !p.truncated {
			return
		}
	}
}

// given are the keys that have been given, by eight bytes each. It is needed
// where a listing turns out, late, not to be in order: of a million keys, two
// are then taken for the same once in thirty million listings.
type given struct {
	seed        maphash.Seed // zero: nothing is remembered
	sums        []uint64
	first, last string
}

func (g *given) sum(key string) uint64 { return maphash.String(g.seed, key) }

func (g *given) add(entries []Entry) {
	if g.seed == (maphash.Seed{}) || len(entries) == 0 {
		return
	}
	g.first, g.last = cmp.Or(g.first, entries[0].Key), entries[len(entries)-1].Key
	for i := range entries {
		g.sums = append(g.sums, g.sum(entries[i].Key))
	}
}

func (g *given) all() map[uint64]bool {
	all := make(map[uint64]bool, len(g.sums))
	for _, sum := range g.sums {
		all[sum] = true
	}
	return all
}
