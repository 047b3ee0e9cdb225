package cache

import "slices"

// A place is where a block's cost is counted; each block is in exactly one.
type place uint8

const (
	reserved  place = iota // under way, whether or not bytes have arrived
	resident               // complete, and could be forgotten at once
	unread                 // the same, but somebody is expected to read it
	held                   // complete, and somebody reads it
	forgotten              // the same, but nobody else finds it
	places
)

// A budget is the one account of memory: the bytes in all places and in the
// free list never exceed limit. It is guarded by Cache.mu.
//
// A buffer belongs to its block until nobody holds the block; then, if it is of
// full size, it goes to the free list. Its cost is counted throughout.
type budget struct {
	limit int64
	bytes [places]int64
	empty int64    // of bytes[reserved], those in blocks of full size without a buffer
	free  [][]byte // buffers of BlockSize each
	peak  int64    // the most that was ever counted
	queue []*waiter

	freed func([]byte) // tests overwrite what nobody may read any more; nil otherwise
}

// A waiter is a read that waits for memory. Only the first in the queue is
// woken, and only it may take memory.
type waiter struct {
	wake chan struct{} // holds one signal
}

// used is what blocks take.
func (m *budget) used() int64 {
	return m.bytes[resident] + m.bytes[unread] + m.busy()
}

// busy is what blocks take that cannot be forgotten.
func (m *budget) busy() int64 { return m.bytes[reserved] + m.bytes[held] + m.bytes[forgotten] }

// room is what could be reserved without forgetting a block.
func (m *budget) room() int64 { return m.limit - m.used() }

// spare is what the free list has beyond what blocks without a buffer will use.
func (m *budget) spare() int64 { return max(int64(len(m.free))*BlockSize-m.empty, 0) }

// total is everything counted.
func (m *budget) total() int64 { return m.used() + m.spare() }

// reserve counts a new block. It gets its buffer when its bytes arrive: memory
// that is promised is not taken yet, and the buffer that was let go of last is
// the one that the processor's caches have.
func (m *budget) reserve(b *block) {
	b.at = reserved
	m.bytes[reserved] += b.cost
	if b.size == BlockSize {
		m.empty += b.cost
	}
	if over := m.total() - m.limit; over > 0 {
		keep := len(m.free) - int((over+BlockSize-1)/BlockSize)
		clear(m.free[keep:])
		m.free = m.free[:keep]
	}
	m.peak = max(m.peak, m.total())
}

// buffer gives a block of full size that has none the buffer that was freed
// last; nil if there is none and the caller is to make one.
func (m *budget) buffer() []byte {
	m.empty -= BlockSize
	n := len(m.free)
	if n == 0 {
		return nil
	}
	buf := m.free[n-1]
	m.free[n-1] = nil
	m.free = m.free[:n-1]
	return buf
}

// move counts a block elsewhere.
func (m *budget) move(b *block, to place) {
	m.bytes[b.at] -= b.cost
	m.bytes[to] += b.cost
	b.at = to
}

// release stops counting a block that nobody holds and nobody can find. Its
// buffer goes to the free list unless that is of no more use.
func (m *budget) release(b *block, last bool) {
	m.bytes[b.at] -= b.cost
	if m.freed != nil {
		m.freed(b.buf)
	}
	if b.size == BlockSize && b.buf == nil {
		m.empty -= b.cost
	} else if b.size == BlockSize && !last {
		m.free = append(m.free, b.buf)
	}
	b.buf = nil
}

// mayTake says whether a read may take memory now: w is the first in the queue,
// or w is nil and the queue is empty.
func (m *budget) mayTake(w *waiter) bool {
	if len(m.queue) == 0 {
		return true
	}
	return m.queue[0] == w
}

// wait puts a read at the end of the queue, or leaves it at its place.
func (m *budget) wait(w *waiter) *waiter {
	if w == nil {
		w = &waiter{wake: make(chan struct{}, 1)}
		m.queue = append(m.queue, w)
	}
	return w
}

// leave takes a read out of the queue. The one behind it has its turn.
func (m *budget) leave(w *waiter) {
	if i := slices.Index(m.queue, w); i >= 0 {
		m.queue = slices.Delete(m.queue, i, i+1)
		m.wake()
	}
}

// wake tells the first in the queue that there may be room.
func (m *budget) wake() {
	if len(m.queue) > 0 {
		select {
		case m.queue[0].wake <- struct{}{}:
		default: // it has been told
		}
	}
}
