package cache

// followLocked tells the stream of a read what was read, [off, end), and whether
// that had to wait, and asks ahead. born is the flight that the read needed, or
// nil: what is asked next goes into it if it reaches as far. It says whether the
// read is one of a sequence.
func (r *Reader) followLocked(off, end int64, wait bool, born *flight) bool {
	if r.closed {
		return false
	}
	c, s := r.c, r.streamLocked(off, end, born != nil)
	if s == nil {
		return false
	}
	begun := s.win.sequential
	s.win.read(off, end, r.o.Size, wait, c.path.crowded())
	if !begun && off > 0 {
		s.win.expect(r.o.usualRunLocked())
	}
	if born != nil {
		// What was asked ahead has not come, or was forgotten: ask again.
		s.win.asked = min(s.win.asked, roundUp(end))
	}
	c.countLocked(s)
	from, to, chunk := s.win.ask(s.frontierLocked(), c.shareLocked(s))
	for from < to {
		next := min(from+chunk, to)
		if !c.askLocked(s, from, next, born) {
			break
		}
		from, born = next, nil
	}
	return s.win.sequential
}

// askLocked asks for what is missing of [from, to), from at a block's start, all
// of it or nothing. The first of it goes into extend if that ends at from.
// Read-ahead never waits: it says whether it was let.
func (c *Cache) askLocked(s *stream, from, to int64, extend *flight) bool {
	var buf [maxChunk / BlockSize]*block
	blocks, need := c.gatherLocked(s.o, from, to, BlockSize, buf[:0])
	defer func() { c.scatterLocked(blocks) }()

	more := s.win.ahead(to) - s.counted
	if c.ahead+c.guessed+more > c.aheadLimit() {
		c.squeezeLocked(s)
	}
	if need > 0 && (c.ahead+c.guessed+more > c.aheadLimit() || !c.mayAskLocked(need)) {
		c.count.refused++
		return false
	}
	if extend != nil && extend.end() != from {
		extend = nil
	}
	c.bringLocked(s.o, &s.want, from/BlockSize, blocks, extend)
	s.win.asked = max(s.win.asked, to)
	c.countLocked(s)
	return true
}

// bringLocked has w want all of blocks, which begin at index first: those under
// way, and those missing, in f as far as they are its next ones, and in a flight
// for each run of them. There must be room.
func (c *Cache) bringLocked(o *object, w *want, first int64, blocks []*block, f *flight) {
	for i, b := range blocks {
		if b != nil {
			if b.f != nil {
				w.add(b.f)
			}
			f = nil
			continue
		}
		if f == nil {
			f = c.launchLocked(o)
		}
		from, to := o.blockSpan(first + int64(i))
		c.addLocked(f, from, to).ahead = true
		w.add(f)
	}
}

// wholeLocked makes f, which has block 0 of a small object, bring all of it.
func (r *Reader) wholeLocked(f *flight) {
	c := r.c
	if c.readAhead == 0 || r.o.Size <= BlockSize || r.o.Size > smallObject {
		return
	}
	var buf [maxBlocks]*block
	blocks, need := c.gatherLocked(r.o, BlockSize, r.o.Size, BlockSize, buf[:0])
	if need > 0 && c.mayAskLocked(need) {
		c.bringLocked(r.o, &r.want, 1, blocks, f)
	}
	c.scatterLocked(blocks)
}

// mayAskLocked makes room for need bytes that nobody waits for, unless somebody
// waits for memory, or soon had to. What was asked ahead earlier is read sooner,
// and does not make way.
func (c *Cache) mayAskLocked(need int64) bool {
	return c.mem.mayTake(nil) && c.mem.busy()+need <= c.mem.limit/8*7 && c.mem.room()+c.mem.bytes[resident] >= need &&
		c.makeRoomLocked(need, c.passed, c.recent)
}

// aheadLimit is what read-ahead of all streams may take of the budget, so that
// there is always room for what somebody waits for.
func (c *Cache) aheadLimit() int64 { return c.mem.limit / 4 * 3 }

// squeezeLocked has the streams but for s, which may be nil, count for no more
// than their share. One that rests keeps what it has in memory, but what it
// might have kept is for those that read; it counts in full again with its next
// read.
func (c *Cache) squeezeLocked(s *stream) {
	share := c.evenLocked(s)
	for other := range c.streams {
		// While something is under way for it, it does not rest.
		if over := other.counted - share; other != s && over > 0 && len(other.want.flights) == 0 {
			other.counted -= over
			c.ahead -= over
		}
	}
}

// shareLocked is the widest window that s may have: an equal part of what there
// is for all streams that have one, and what others leave of theirs.
func (c *Cache) shareLocked(s *stream) int64 {
	even, rest := c.evenLocked(s), c.aheadLimit()
	for other := range c.streams {
		if other != s {
			rest -= min(other.win.size, even)
		}
	}
	return min(max(even, rest), c.aheadLimit(), c.readAhead) / BlockSize * BlockSize
}

// evenLocked is an equal part, but never less than a small object.
func (c *Cache) evenLocked(s *stream) int64 {
	n := len(c.streams)
	if s == nil || s.counted == 0 {
		n++
	}
	return max(c.aheadLimit()/int64(n), smallObject)
}

// countLocked brings Cache.ahead and Cache.streams up to date with the window
// of s.
func (c *Cache) countLocked(s *stream) {
	now := s.win.ahead(s.win.asked)
	if now > 0 {
		c.streams[s] = struct{}{}
	} else {
		delete(c.streams, s)
	}
	c.ahead += now - s.counted
	s.counted = now
}
