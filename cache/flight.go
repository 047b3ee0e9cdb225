package cache

import (
	"context"
	"fmt"
	"io"
	"slices"
	"time"
)

// How long a flight goes on that nobody waits for: as long as a reader takes
// that a signal interrupted to come back.
const linger = time.Second

// cheap is the length of a flight that is not given up at once either when no
// reader wants it any more: that would cost its connection, and a new one costs
// more than these bytes.
const cheap = 128 << 10

// A flight is one request for a run of neighbouring blocks. The cache owns it;
// its goroutine ends with the body, when nobody wants it, or with Cache.Close.
type flight struct {
	o      *object
	blocks []*block // at least one; complete in this order
	began  time.Time

	ctx    context.Context // this flight's alone, so that it can be given up
	cancel context.CancelFunc

	accepted chan struct{} // closed when OpenRange has returned
	refused  error         // read after accepted; what OpenRange returned

	// Guarded by Cache.mu.
	landed  int         // blocks that are complete, the first ones
	waiters int         // reads and starts under way that want a block of it
	wants   []*want     // those that it is in
	over    bool        // ended or given up: its blocks cannot be found
	idle    *time.Timer // gives it up; nil until it was first left alone
}

// A want is why flights go on though nobody waits for them: an open reader has
// asked for them, or a stream reads ahead into them.
type want struct{ flights []*flight }

// launchLocked sends off a flight without blocks. Its goroutine waits for
// Cache.mu first, so the caller adds blocks, at least one, before it lets go.
func (c *Cache) launchLocked(o *object) *flight {
	f := &flight{o: o, began: time.Now(), accepted: make(chan struct{})}
	f.ctx, f.cancel = context.WithCancel(c.ctx)
	o.refs++
	c.flights[f] = struct{}{}
	c.count.flights++
	c.wg.Add(1)
	go c.fly(f)
	return f
}

// addLocked reserves the block, or part of one, [from, to), the next after what f
// has. Only for a flight launched since Cache.mu was taken.
func (c *Cache) addLocked(f *flight, from, to int64) *block {
	b := c.createLocked(blockKey{f.o, from / BlockSize}, from, to, f)
	f.blocks = append(f.blocks, b)
	return b
}

// missingLocked fills the gaps that gatherLocked has left in blocks with new ones,
// and launches a flight for each run of them; it returns the last. There must be
// room.
func (c *Cache) missingLocked(o *object, off, end, unit int64, blocks []*block) (born *flight) {
	var f *flight
	for i, b := range blocks {
		if b != nil {
			f = nil
			continue
		}
		if f == nil {
			f = c.launchLocked(o)
			born = f
		}
		from, to := c.partLocked(o, off/BlockSize+int64(i), off, end, unit)
		blocks[i] = c.addLocked(f, from, to)
		c.holdLocked(blocks[i])
	}
	return born
}

func (f *flight) off() int64 { return f.blocks[0].off }

func (f *flight) end() int64 { return f.blocks[len(f.blocks)-1].end() }

// fly is the flight's goroutine.
func (c *Cache) fly(f *flight) {
	defer c.wg.Done()
	defer f.cancel()
	c.mu.Lock()
	pin := f.o.pin
	c.mu.Unlock()

	body, err := c.src.OpenRange(f.ctx, f.o.Object, pin, f.off(), f.end())
	if err != nil {
		f.refused = fmt.Errorf("fetch %s, bytes %d to %d: %w", f.o.Key, f.off(), f.end(), err)
		c.finish(f, f.refused) // first: who is told and asks again is not to find this flight
		close(f.accepted)
		return
	}
	defer body.Close()
	c.mu.Lock()
	if p := body.Pin(); p != "" {
		f.o.pin = p // the latest: an older one may be gone from the source
	}
	c.mu.Unlock()
	close(f.accepted)

	if err = c.fill(f, body); err != nil {
		err = fmt.Errorf("fetch %s, bytes %d to %d: %w", f.o.Key, f.off(), f.end(), err)
	}
	c.finish(f, err)
}

// fill reads the body into the blocks. The last block is complete only when the
// body has said that it is at its end: that is where a source reports that the
// bytes are not what they should be.
func (c *Cache) fill(f *flight, body io.Reader) error {
	for i, b := range f.blocks {
		c.fit(b)
		if _, err := io.ReadFull(body, b.buf); err == io.EOF {
			return io.ErrUnexpectedEOF
		} else if err != nil {
			return err
		}
		if i == len(f.blocks)-1 {
			var more [1]byte
			if n, err := io.ReadFull(body, more[:]); n > 0 {
				return fmt.Errorf("more bytes than were asked for: %w", io.ErrUnexpectedEOF)
			} else if err != io.EOF {
				return err
			}
		}
		if !c.land(f, b) {
			return context.Canceled
		}
	}
	return nil
}

// keepPassed is the part of the budget, as a divisor, that blocks may have which
// a sequential reader has passed before their buffers are used again. The
// kernel has their bytes; and memory that was just read from is in the
// processor's caches, which new memory is not.
const keepPassed = 8

// fit gives a block its buffer if it has none.
func (c *Cache) fit(b *block) {
	if b.buf != nil {
		return
	}
	if b.size == BlockSize {
		c.mu.Lock()
		if len(c.mem.free) == 0 && int64(c.passed.Len())*BlockSize > c.mem.limit/keepPassed {
			if old := oldest(c.passed); old != nil {
				c.forgetLocked(old)
			}
		}
		b.buf = c.mem.buffer()
		c.mu.Unlock()
	}
	if b.buf == nil {
		b.buf = make([]byte, b.size)
	}
}

// land makes the flight's next block complete, unless it has been given up.
func (c *Cache) land(f *flight, b *block) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.count.fetched += int64(b.size)
	if f.over {
		c.count.wasted += int64(b.size)
		return false
	}
	f.landed++
	c.landLocked(b)
	return true
}

// finish ends a flight whose goroutine needs its blocks no more. Those that are
// not complete fail with err; nothing else is remembered of it.
func (c *Cache) finish(f *flight, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err != nil && !f.over && c.ctx.Err() == nil {
		c.count.failed++
		if !slices.ContainsFunc(f.blocks[f.landed:], func(b *block) bool { return b.refs > 1 }) {
			c.count.aheadFailed++ // nobody waits for what is missing
		}
	}
	if err == nil {
		c.path.note(f.end()-f.off(), time.Since(f.began))
	}
	c.endLocked(f)
	for _, b := range f.blocks[f.landed:] {
		b.f = nil
		b.err = err
		if b.done != nil {
			close(b.done)
		}
		c.dropLocked(b)
	}
	c.mem.wake()
	delete(c.flights, f)
	c.releaseLocked(f.o)
}

// endLocked gives a flight up. Who asks for one of its blocks from now on
// starts afresh, not on a fetch that is being cancelled.
func (c *Cache) endLocked(f *flight) {
	if f.over {
		return
	}
	f.over = true
	if f.landed < len(f.blocks) {
		f.cancel() // otherwise the body is at its end, and closes in peace
	}
	if f.idle != nil {
		f.idle.Stop()
	}
	for _, w := range f.wants {
		w.remove(f)
	}
	f.wants = nil
	for _, b := range f.blocks[f.landed:] {
		if b.indexed {
			c.forgetLocked(b)
		}
	}
}

// A wait is what a read needs of a flight: all up to a block. A flight's blocks
// land in order, so who has the last has all.
type wait struct {
	f    *flight
	last *block // its done is set
}

// joinLocked makes the caller a waiter of every flight that brings one of
// blocks, and returns what to wait for: nil if all blocks are complete.
func (c *Cache) joinLocked(blocks []*block) (joined []wait) {
	for _, b := range blocks {
		if b.f == nil {
			continue
		}
		if n := len(joined); n == 0 || joined[n-1].f != b.f {
			b.f.waiters++
			joined = append(joined, wait{f: b.f})
		}
		joined[len(joined)-1].last = b
	}
	for _, w := range joined {
		if w.last.done == nil {
			w.last.done = make(chan struct{})
		}
	}
	return joined
}

// leaveLocked ends a wait. A flight that nobody waits for and nobody wants has a
// second to be wanted again.
func (c *Cache) leaveLocked(f *flight) {
	f.waiters--
	if !f.over && f.landed < len(f.blocks) && !f.wantedLocked() {
		c.lingerLocked(f)
	}
}

// lingerLocked gives a flight up in a second, unless it is wanted again.
func (c *Cache) lingerLocked(f *flight) {
	if f.idle != nil {
		f.idle.Reset(linger)
		return
	}
	f.idle = time.AfterFunc(linger, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if !f.wantedLocked() {
			c.endLocked(f)
		}
	})
}

func (f *flight) wantedLocked() bool { return f.waiters > 0 || len(f.wants) > 0 }

// add has a flight go on.
func (w *want) add(f *flight) {
	if !f.over && !slices.Contains(f.wants, w) {
		w.flights = append(w.flights, f)
		f.wants = append(f.wants, w)
	}
}

// remove takes a flight out that has ended or is not wanted any more.
func (w *want) remove(f *flight) {
	i := slices.Index(w.flights, f)
	w.flights = slices.Delete(w.flights, i, i+1)
}

// unwantLocked empties w. The flights that nobody else wants end at once, but for
// cheap ones.
func (c *Cache) unwantLocked(w *want) {
	for len(w.flights) > 0 {
		f := w.flights[0]
		w.remove(f)
		i := slices.Index(f.wants, w)
		f.wants = slices.Delete(f.wants, i, i+1)
		switch {
		case f.wantedLocked():
		case f.end()-f.off() <= cheap:
			c.lingerLocked(f)
		default:
			c.endLocked(f)
		}
	}
}
