package cache

// The constants of read-ahead.
const (
	// An object of at most this size that is read from the front is fetched
	// whole, with one request.
	smallObject = 1 << 20

	// A first read of at least this length at 0 is taken for the start of a
	// sequential read: cat, cp and dd begin so, a look at a header does not.
	longRead = BlockSize

	// A read of at least this length that is part of no run fetches its pages
	// alone, without the rest of their blocks.
	longRandom = 64 << 10
	pageSize   = 4 << 10

	frontWindow  = 4 << 20       // of a reader that begins at the front
	middleWindow = 2 * BlockSize // of one that is found to go on elsewhere
	maxChunk     = 17 << 19      // of a request ahead: longer ones give too few connections for a window, shorter ones make it more than 135 for a GiB
	tooEarly     = 2             // reads that the kernel may send before their turn
	tooLate      = 8             // and after it: the thread that has a READ may be held up while others go on
	restful      = 4             // windows read without a wait, after which half of one is enough
)

// A window is what is known of one cursor's pattern. It decides, and asks for
// nothing itself.
type window struct {
	begun      bool  // there has been a read
	sequential bool  // the last read went on where the one before ended, or began a run
	start      int64 // of this run
	next       int64 // the furthest end of a read in this run
	longest    int64 // read of this run
	size       int64 // bytes to keep ahead of next
	grown      int64 // next when size was last changed
	waited     int64 // next when a read last had to wait
	asked      int64 // the end of what has been asked for; block by block
	expected   int64 // where the run will end, if that is to be expected
}

// follows says whether a read of [off, end) is one of this run: where it goes
// on, or a little off that.
func (w *window) follows(off, end int64) bool {
	unit := max(end-off, w.longest)
	return w.begun && off <= w.next+tooEarly*unit && end+tooLate*unit >= w.next
}

// goesOn says whether a read of [off, end) is one of a sequence, or makes the run
// one.
func (w *window) goesOn(off, end int64) bool {
	return w.follows(off, end) && (w.sequential || end > w.next)
}

// read notes a read of [off, end) of an object of the given size, which had to
// wait for its bytes or had not. crowded says that requests have begun to slow
// one another down.
func (w *window) read(off, end, size int64, wait, crowded bool) {
	n := end - off
	follows := w.follows(off, end)
	front := off == 0 && (n >= longRead || size <= smallObject)
	switch {
	case w.sequential && follows:
		w.longest = max(w.longest, n)
		w.next = max(w.next, end)
		w.resize(wait, crowded)
	case front:
		w.open(frontWindow, off, end)
	case follows && end > w.next:
		w.open(middleWindow, min(off, w.start), end)
	case follows: // backwards: nothing learnt
	default:
		*w = window{begun: true, start: off, next: end, longest: n, asked: roundUp(end)}
	}
}

// expect has a run that has just been found out to be one be as long as others
// were: all of that is asked for now, and no more until it has been read.
func (w *window) expect(length int64) {
	if w.sequential && w.next-w.start < length {
		w.size = max(w.size, 2*length)
		w.expected = w.start + length
	}
}

// open begins a run with the read [off, end).
func (w *window) open(size, off, end int64) {
	*w = window{
		begun:      true,
		sequential: true,
		start:      off,
		next:       end,
		longest:    max(end-off, w.longest),
		size:       size,
		grown:      off,
		waited:     end,
		asked:      roundUp(end),
	}
}

// resize has the window be as long as the run, until it has room for requests of
// full length: the longer a reader has gone on, the surer it is to go on. From
// there on only waiting widens it, and more steeply: whenever an eighth of it
// has been read. Not if that would only put more requests on a path that is
// full: then they all take longer, and memory is all that a wider window takes.
// A reader that has long not waited needs less.
func (w *window) resize(wait, crowded bool) {
	if wait {
		w.waited = w.next
	}
	w.size = max(w.size, min(w.next-w.start, 2*maxChunk))
	switch {
	case w.next <= w.expected: // all of it has been asked for
		w.grown = w.next
	case wait && !crowded && w.next-w.grown >= w.size/8:
		w.size, w.grown = w.size*2, w.next
	case w.next-max(w.grown, w.waited) >= restful*w.size && w.size > 2*maxChunk:
		w.size, w.grown = w.size/2, w.next
	}
}

// ask says what to ask for now of an object, or a part of it, that ends at size:
// [from, to), in requests of chunk bytes, so that the window is full; nothing if
// from >= to. limit bounds the window.
//
// A request is made when all of its chunk is due, and so is never small, but
// for the one that reaches the object's end.
func (w *window) ask(size, limit int64) (from, to, chunk int64) {
	w.size = min(w.size, limit)
	if w.next <= w.expected {
		size = min(size, roundUp(w.expected))
	}
	if !w.sequential || w.size < BlockSize {
		return 0, 0, 0
	}
	from = max(w.asked, roundUp(w.next))
	chunk = smallObject
	for chunk < maxChunk && chunk <= (from-w.start)/2 {
		chunk = min(2*chunk, maxChunk)
	}
	chunk = max(min(w.size/2, chunk)/BlockSize*BlockSize, BlockSize)
	if size <= min(smallObject, w.size) {
		chunk = smallObject // all of it
	}
	to = w.next + w.size
	if to >= size {
		return from, size, chunk
	}
	return from, from + (to-from)/chunk*chunk, chunk
}

// ahead is how many bytes there are in blocks that have been asked for and that
// the reader has not come to, if asked is where the asking ends.
func (w *window) ahead(asked int64) int64 { return max(asked-roundUp(w.next), 0) }

// roundUp is the first block boundary at or after off.
func roundUp(off int64) int64 { return (off + BlockSize - 1) / BlockSize * BlockSize }
