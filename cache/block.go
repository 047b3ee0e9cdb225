package cache

// A blockKey names a block: bytes from index*BlockSize on.
type blockKey struct {
	o     *object
	index int64
}

// A block is a piece of an object, complete or on its way: whole, or a part, the
// only one that there is of its block at a time.
//
// Its buffer is the flight's to write until the block is complete, and nobody's
// to write afterwards. It is used again only when refs is zero.
type block struct {
	key  blockKey
	off  int64  // where its bytes begin in the object
	size int    // of its bytes
	cost int64  // to the budget
	buf  []byte // nil until bytes arrive

	done chan struct{} // closed when the block is complete or has failed; nil while nobody waits
	err  error         // read after done; why the block failed

	// Guarded by Cache.mu.
	f       *flight // that brings it; nil when complete or failed
	refs    int     // views and waiting reads, and the flight
	at      place   // where the budget counts it
	indexed bool    // can be found in Cache.blocks
	order   *lru    // that it is in; nil until complete
	spared  bool    // was read again after it had passed: stays in recent
	ahead   bool    // was fetched before anybody asked for it
	guess   *Reader // whose guess it is; nil from the first read on
	read    int     // bytes handed out
}

// Bytes that bookkeeping of a block takes, about. Counted for small blocks, so
// that a million of one-byte objects cannot outgrow the budget; lost in the
// noise for full ones.
const overhead = 512

// costOf is what the budget is charged for a block of n bytes.
func costOf(n int) int64 {
	return min(BlockSize, (int64(n)+overhead+1023)&^1023)
}

// blockSpan is where the object's block i is.
func (o *object) blockSpan(i int64) (from, to int64) {
	return i * BlockSize, min((i+1)*BlockSize, o.Size)
}

// end is where the block's bytes end in the object.
func (b *block) end() int64 { return b.off + int64(b.size) }

// has says whether all that the block could have of [off, end) is in its part.
func (b *block) has(off, end int64) bool {
	from, to := b.key.o.blockSpan(b.key.index)
	return max(off, from) >= b.off && min(end, to) <= b.end()
}

// partLocked is what is to be fetched of block i for one who needs [off, end) and
// lacks some of what the block has of that: those units, BlockSize or less, that
// it touches. Where there is another part already it is the whole block, so that
// readers of two parts do not take them from one another by turns.
func (c *Cache) partLocked(o *object, i, off, end, unit int64) (from, to int64) {
	from, to = o.blockSpan(i)
	if c.blocks[blockKey{o, i}] == nil {
		from, to = max(from, off/unit*unit), min(to, (end+unit-1)/unit*unit)
	}
	return from, to
}

// gatherLocked appends to blocks one entry for each that [off, end) touches: the
// block, with one more reference, or nil where there is none or one without all
// that it could have of [off, end). It also says what the missing ones would
// cost, fetched in these units.
func (c *Cache) gatherLocked(o *object, off, end, unit int64, blocks []*block) (_ []*block, need int64) {
	for i := off / BlockSize; i <= (end-1)/BlockSize; i++ {
		b := c.blocks[blockKey{o, i}]
		if b == nil || !b.has(off, end) {
			b = nil
			from, to := c.partLocked(o, i, off, end, unit)
			need += costOf(int(to - from))
		} else {
			c.holdLocked(b)
		}
		blocks = append(blocks, b)
	}
	return blocks, need
}

// scatterLocked gives back what gatherLocked took.
func (c *Cache) scatterLocked(blocks []*block) {
	for _, b := range blocks {
		if b != nil {
			c.dropLocked(b)
		}
	}
}

// holdLocked adds a reference: the block cannot be forgotten.
func (c *Cache) holdLocked(b *block) {
	if b.refs++; b.at == resident || b.at == unread {
		c.mem.move(b, held)
	}
}

// dropLocked gives back a reference. The last one makes the block forgettable,
// or frees it if it is forgotten already. Unless the reference was taken under
// the same lock, the caller wakes who waits for memory.
func (c *Cache) dropLocked(b *block) {
	if b.refs--; b.refs > 0 {
		return
	}
	switch {
	case !b.indexed:
		c.mem.release(b, c.closed)
	case b.order == c.unread:
		c.mem.move(b, unread)
	default:
		c.mem.move(b, resident)
	}
}

// createLocked makes the block at key, or its part [from, to), reserved, for f to
// fill. There must be room for it. It takes the place of another part, which
// those who hold it or wait for it have all the same.
func (c *Cache) createLocked(key blockKey, from, to int64, f *flight) *block {
	if old := c.blocks[key]; old != nil {
		c.forgetLocked(old)
	}
	b := &block{key: key, off: from, size: int(to - from), f: f, refs: 1, indexed: true}
	b.cost = costOf(b.size)
	c.mem.reserve(b)
	c.blocks[key] = b
	key.o.refs++
	return b
}

// landLocked makes a block complete: its bytes are in its buffer.
func (c *Cache) landLocked(b *block) {
	expected := b.ahead && b.f.wantedLocked()
	b.f = nil
	if b.indexed {
		b.order = c.recent
		if expected {
			b.order = c.unread
		}
		b.order.Add(b.key, b)
		c.mem.move(b, held)
	} else {
		c.mem.move(b, forgotten) // another took its place
	}
	c.dropLocked(b) // the flight's reference
	c.mem.wake()
	if b.done != nil {
		close(b.done)
	}
}

// touchLocked notes that n bytes of a complete block are read, in sequence or
// not. The last of them, if in sequence, makes the block one that has passed;
// read again, it proves that it is worth keeping.
func (c *Cache) touchLocked(b *block, n int, inSequence bool) {
	b.read += n
	c.guessedLocked(b)
	if b.order == nil {
		return // forgotten: another took its place, or the cache is closed
	}
	if b.order == c.unread {
		c.orderLocked(b, c.recent)
	}
	if b.order == c.passed {
		b.spared = true
		c.orderLocked(b, c.recent)
		return
	}
	if inSequence && !b.spared && b.read >= b.size {
		c.orderLocked(b, c.passed)
		return
	}
	c.recent.Get(b.key)
}

// orderLocked moves a block to the young end of an order.
func (c *Cache) orderLocked(b *block, to *lru) {
	b.order.Remove(b.key)
	to.Add(b.key, b)
	b.order = to
	if b.at == unread {
		c.mem.move(b, resident)
	}
}

// unexpectLocked notes that nobody is expected any more to read the blocks
// [first, last] of o that have landed and are unread. They go where to says.
func (c *Cache) unexpectLocked(o *object, first, last int64, to *lru) {
	for i := first; i <= last; i++ {
		if b := c.blocks[blockKey{o, i}]; b != nil && b.order == c.unread {
			c.orderLocked(b, to)
		}
	}
}

// forgetLocked makes a block one that nobody finds. Its memory is freed when
// nobody holds it.
func (c *Cache) forgetLocked(b *block) {
	delete(c.blocks, b.key)
	b.indexed = false
	c.guessedLocked(b)
	if b.order != nil {
		b.order.Remove(b.key)
		b.order = nil
		if b.ahead && b.read == 0 {
			c.count.wasted += int64(b.size)
		}
	}
	if b.at == held {
		c.mem.move(b, forgotten)
	}
	c.releaseLocked(b.key.o)
	if b.refs == 0 {
		c.mem.release(b, c.closed)
	}
}

// makeRoomLocked forgets blocks, of the given orders one after the other, until
// there is room for need bytes, and says whether there is. What nobody holds is forgotten even if it is not enough:
// then no other reader can take hold of it again, and whoever waits for memory
// gets it in the end.
func (c *Cache) makeRoomLocked(need int64, orders ...*lru) bool {
	for _, order := range orders {
		for c.mem.room() < need {
			b := oldest(order)
			if b == nil {
				break
			}
			c.forgetLocked(b)
		}
	}
	return c.mem.room() >= need
}

// oldest returns the block that nobody holds whose last use is longest ago, or
// nil. Those that it passes over are in use and so become the youngest.
func oldest(order *lru) *block {
	for range order.Len() {
		key, b, _ := order.GetOldest()
		if b.refs == 0 {
			return b
		}
		order.Get(key)
	}
	return nil
}
