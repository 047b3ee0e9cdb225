package cache

// MaxAhead is the size of the largest object that Ahead asks for.
const MaxAhead = smallObject

// Ahead asks for all of r's object without waiting, in one request, for a reader
// that will probably come: r itself, or another one of the same object. It says
// whether the object is in memory or on its way.
//
// What is asked for is wanted until r is closed. It yields to everything else:
// when memory is short nothing is asked for, and what has landed may be forgotten
// before it is read, and is not asked for again. An error of the source goes to
// whoever waits for the bytes by then, or to nobody.
//
// Objects longer than MaxAhead are not asked for, nor is any where there is no
// read-ahead. Of an empty one there is nothing to ask for.
func (r *Reader) Ahead() bool {
	c := r.c
	if r.o.Size > MaxAhead || c.readAhead == 0 {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if r.closed || c.closed {
		return false
	}
	if r.o.Size <= 0 {
		return true
	}
	var buf [maxBlocks]*block
	blocks, need := c.gatherLocked(r.o, 0, r.o.Size, BlockSize, buf[:0])
	defer func() { c.scatterLocked(blocks) }()
	if need > 0 && !c.mayGuessLocked(need) {
		c.count.refused++
		return false
	}
	c.bringLocked(r.o, &r.want, 0, blocks, nil)
	for i, b := range blocks {
		if b == nil { // it is on its way now
			b = c.blocks[blockKey{r.o, int64(i)}]
			b.guess = r
			c.guessed += b.cost
		}
	}
	return true
}

// mayGuessLocked makes room for a guess of need bytes, if there may be one.
// Guesses have a quarter of the budget to themselves, and an eighth that windows
// leave: a long read at full width does not keep them out, nor they what
// somebody waits for.
func (c *Cache) mayGuessLocked(need int64) bool {
	limit := c.mem.limit / 8 * 7
	if c.ahead+c.guessed+need > limit {
		c.squeezeLocked(nil)
	}
	return c.guessed+need <= c.mem.limit/4 && c.ahead+c.guessed+need <= limit && c.mayAskLocked(need)
}

// guessedLocked notes that a guess of the block is over: it was read, or will
// not be.
func (c *Cache) guessedLocked(b *block) {
	if b.guess != nil {
		b.guess = nil
		c.guessed -= b.cost
	}
}

// unguessLocked ends the guesses of r. Blocks that have landed stay like any
// others.
func (r *Reader) unguessLocked() {
	for i := range (r.o.Size + BlockSize - 1) / BlockSize {
		if b := r.c.blocks[blockKey{r.o, i}]; b != nil && b.guess == r {
			r.c.guessedLocked(b)
		}
	}
}
