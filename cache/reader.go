package cache

import (
	"context"
	"fmt"
)

// A Reader reads one object. It is safe for concurrent use: the kernel sends
// neighbouring reads at once and not always in order.
type Reader struct {
	c *Cache
	o *object

	// Guarded by Cache.mu.
	closed bool
	want   want // flights that Start and Ahead asked for
}

// ReadAt returns the bytes [off, min(off+n, Size)): all of them or an error. At
// or past the end the view is empty. n may be at most MaxRead.
//
// When ctx ends first, its error is returned and the fetch goes on for whoever
// else waits. ReadAt waits while memory is short, in the order of the calls.
func (r *Reader) ReadAt(ctx context.Context, off int64, n int) (View, error) {
	if off < 0 || n < 0 || n > MaxRead {
		return View{}, fmt.Errorf("read %s: %d bytes at %d: out of bounds", r.o.Key, n, off)
	}
	if n == 0 || off >= r.o.Size {
		return View{}, nil
	}
	end := off + min(int64(n), r.o.Size-off)
	c, v := r.c, &view{c: r.c}
	joined, inSequence, err := r.begin(ctx, v, off, end)
	if err != nil {
		return View{}, err
	}
	if joined != nil {
		err = c.await(ctx, joined)
		c.mu.Lock()
		for _, w := range joined {
			c.leaveLocked(w.f)
		}
		if err != nil {
			c.scatterLocked(v.blocks)
			c.mem.wake()
			c.mu.Unlock()
			return View{}, err
		}
		c.readLocked(v.blocks, off, end, inSequence)
		c.mu.Unlock()
	}
	v.cut(off, end)
	return View{v}, nil
}

// begin gives v its blocks, starts the flights they need and those ahead of
// them, and returns what to wait for. It says whether the read is one of
// a sequence.
func (r *Reader) begin(ctx context.Context, v *view, off, end int64) (joined []wait, inSequence bool, err error) {
	c := r.c
	c.mu.Lock()
	defer c.mu.Unlock()
	r.o.refs++ // r may be closed while this waits for memory
	defer c.releaseLocked(r.o)

	var born *flight
	v.blocks, born, err = c.admitLocked(ctx, r, off, end, v.blocksBuf[:0])
	if err != nil {
		return nil, false, err
	}
	for _, b := range v.blocks {
		if b.f == nil {
			c.count.hits++
		} else {
			c.count.misses++
		}
	}
	joined = c.joinLocked(v.blocks)
	inSequence = r.followLocked(off, end, joined != nil, born)
	if joined == nil {
		c.readLocked(v.blocks, off, end, inSequence)
	}
	return joined, inSequence, nil
}

// readLocked notes that the bytes [off, end) of complete blocks are read.
func (c *Cache) readLocked(blocks []*block, off, end int64, inSequence bool) {
	for _, b := range blocks {
		from, to := b.within(off, end)
		c.touchLocked(b, int(to-from), inSequence)
	}
}

// admitLocked appends to blocks those that together have [off, end), each with
// a reference. The missing ones are under way then; born is the flight of the
// last of them, nil if none was missing.
//
// It takes the memory for all of them or none, and lets go of Cache.mu while it
// waits for it. A read that waits holds no block, so it keeps no other waiting.
func (c *Cache) admitLocked(ctx context.Context, r *Reader, off, end int64, blocks []*block) (_ []*block, born *flight, err error) {
	if r.closed {
		return nil, nil, ErrClosed
	}
	var w *waiter
	defer func() { c.mem.leave(w) }()
	for {
		if c.closed {
			return nil, nil, ErrClosed
		}
		var need int64
		unit := r.o.unitLocked(off, end)
		blocks, need = c.gatherLocked(r.o, off, end, unit, blocks[:0])
		if need == 0 || c.mem.mayTake(w) && c.makeRoomLocked(need, c.passed, c.recent, c.unread) {
			return blocks, c.missingLocked(r.o, off, end, unit, blocks), nil
		}
		c.scatterLocked(blocks)
		w = c.mem.wait(w)
		c.mu.Unlock()
		select {
		case <-w.wake:
		case <-c.ctx.Done():
		case <-ctx.Done():
		}
		c.mu.Lock()
		if ctx.Err() != nil {
			return nil, nil, ctx.Err()
		}
	}
}

// await returns when all is complete that was to be waited for, one block has
// failed, or ctx ends.
func (c *Cache) await(ctx context.Context, joined []wait) error {
	for _, w := range joined {
		b := w.last
		select {
		case <-b.done:
		case <-c.ctx.Done():
			return ErrClosed
		case <-ctx.Done():
			return ctx.Err()
		}
		if b.err != nil {
			if c.ctx.Err() != nil {
				return ErrClosed
			}
			return b.err
		}
	}
	return nil
}

// Start is what opening a file does: when it returns nil, the object's first
// block is in memory or the source has agreed to send it. The error is that of
// this first fetch, so an object that has changed or gone is noticed here.
//
// It asks for what a reader from the front needs first: all of an object of up
// to 1 MiB, one block of a larger one.
func (r *Reader) Start(ctx context.Context) error {
	if r.o.Size <= 0 {
		return nil
	}
	c := r.c
	f, err := r.start(ctx)
	if f == nil {
		return err
	}
	select {
	case <-f.accepted:
		err = f.refused
	case <-c.ctx.Done():
	case <-ctx.Done():
		err = ctx.Err()
	}
	if c.ctx.Err() != nil {
		err = ErrClosed
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.leaveLocked(f)
	return err
}

// start returns the flight of block 0 with one more waiter, nil if the block is
// complete.
func (r *Reader) start(ctx context.Context) (*flight, error) {
	c := r.c
	c.mu.Lock()
	defer c.mu.Unlock()
	r.o.refs++
	defer c.releaseLocked(r.o)

	blocks, born, err := c.admitLocked(ctx, r, 0, min(BlockSize, r.o.Size), nil)
	if err != nil {
		return nil, err
	}
	b := blocks[0]
	c.dropLocked(b) // if it is under way its flight holds it
	f := b.f
	if f == nil {
		return nil, nil
	}
	f.waiters++
	if r.closed {
		return f, nil
	}
	r.want.add(f)
	if f == born {
		r.wholeLocked(f)
	}
	return f, nil
}

// Close ends the read-ahead of this reader. Reads under way go on; later ones
// fail. Views stay valid.
func (r *Reader) Close() {
	c := r.c
	c.mu.Lock()
	defer c.mu.Unlock()
	if r.closed {
		return
	}
	r.closed = true
	r.o.readers--
	r.leaveStreamsLocked()
	c.unwantLocked(&r.want)
	if r.o.Size <= smallObject { // larger ones are asked for ahead by streams
		r.unguessLocked()
		c.unexpectLocked(r.o, 0, (r.o.Size-1)/BlockSize, c.recent)
	}
	c.releaseLocked(r.o)
}
