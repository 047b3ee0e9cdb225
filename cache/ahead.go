package cache

// followLocked tells r's window what was read, [off, end), and asks ahead. born
// is the flight that the read needed, or nil: what is asked next goes into it if
// it reaches as far.
func (r *Reader) followLocked(off, end int64, born *flight) {
	if r.closed {
		return
	}
	if r.win.read(off, end, r.o.Size) {
		r.unwantLocked()
	}
	if born != nil {
		// What was asked ahead has not come, or was forgotten: ask again.
		r.win.asked = min(r.win.asked, roundUp(end))
	}
	r.countLocked()
	from, to, chunk := r.win.ask(r.o.Size, r.c.shareLocked(r))
	for from < to {
		next := min(from+chunk, to)
		if !r.askLocked(from, next, born) {
			break
		}
		from, born = next, nil
	}
}

// wholeLocked makes f, which has block 0 of a small object, bring all of it.
func (r *Reader) wholeLocked(f *flight) {
	if r.c.readAhead > 0 && BlockSize < r.o.Size && r.o.Size <= smallObject {
		r.askLocked(BlockSize, r.o.Size, f)
	}
}

// askLocked asks for what is missing of [from, to), from at a block's start, all
// of it or nothing. The first of it goes into extend if that ends at from.
// Read-ahead never waits: it says whether it was let.
func (r *Reader) askLocked(from, to int64, extend *flight) bool {
	c := r.c
	first, last := from/BlockSize, (to-1)/BlockSize
	blocks, need := c.gatherLocked(r.o, first, last, nil)
	defer func() { c.scatterLocked(blocks) }()

	more := r.win.ahead(to) - r.counted
	if c.ahead+c.guessed+more > c.aheadLimit() {
		c.squeezeLocked(r)
	}
	if need > 0 && (c.ahead+c.guessed+more > c.aheadLimit() || !c.mayAskLocked(need)) {
		c.count.refused++
		return false
	}
	var f *flight
	if extend != nil && extend.end() == from {
		f = extend
	}
	for i, b := range blocks {
		if b != nil {
			if b.f != nil {
				r.wantLocked(b.f)
			}
			f = nil
			continue
		}
		if f == nil {
			f = c.launchLocked(r.o)
		}
		c.addLocked(f, first+int64(i)).ahead = true
		r.wantLocked(f)
	}
	r.win.asked = max(r.win.asked, to)
	r.countLocked()
	return true
}

// mayAskLocked makes room for need bytes that nobody waits for, unless somebody
// waits for memory.
func (c *Cache) mayAskLocked(need int64) bool {
	return c.mem.mayTake(nil) && c.mem.room()+c.mem.bytes[resident] >= need && c.makeRoomLocked(need)
}

// aheadLimit is what read-ahead of all readers may take of the budget, so that
// there is always room for what somebody waits for.
func (c *Cache) aheadLimit() int64 { return c.mem.limit / 4 * 3 }

// squeezeLocked has the other readers count for no more than their share. One
// that rests keeps what it has in memory, but what it might have kept is for
// those that read; it counts in full again with its next read.
func (c *Cache) squeezeLocked(r *Reader) {
	share := c.shareLocked(r)
	for other := range c.streams {
		// While something is under way for it, it does not rest.
		if over := other.counted - share; other != r && over > 0 && len(other.wants) == 0 {
			other.counted -= over
			c.ahead -= over
		}
	}
}

// shareLocked is the widest window that r may have: an equal part of what there
// is for all readers that have one, but never less than a small object.
func (c *Cache) shareLocked(r *Reader) int64 {
	n := len(c.streams)
	if r.counted == 0 {
		n++
	}
	share := max(c.aheadLimit()/int64(n), smallObject)
	return min(share, c.aheadLimit(), c.readAhead) / BlockSize * BlockSize
}

// countLocked brings Cache.ahead and Cache.streams up to date with r's window.
func (r *Reader) countLocked() {
	now := r.win.ahead(r.win.asked)
	if now > 0 {
		r.c.streams[r] = struct{}{}
	} else {
		delete(r.c.streams, r)
	}
	r.c.ahead += now - r.counted
	r.counted = now
}
