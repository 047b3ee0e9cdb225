package cache

// The constants of read-ahead.
const (
	// An object of at most this size that is read from the front is fetched
	// whole, with one request.
	smallObject = 1 << 20

	// A first read of at least this length at 0 is taken for the start of a
	// sequential read: cat, cp and dd begin so, a look at a header does not.
	longRead = BlockSize

	frontWindow  = 4 << 20       // of a reader that begins at the front
	middleWindow = 2 * BlockSize // of one that is found to go on elsewhere
	maxChunk     = 8 << 20       // of a request ahead; longer ones give too few connections for a window
	tooEarly     = 2             // reads that the kernel may send before their turn
	tooLate      = 8             // and after it: the thread that has a READ may be held up while others go on
)

// A window is what is known of one reader's pattern. It decides, and asks for
// nothing itself.
type window struct {
	begun      bool  // there has been a read
	sequential bool  // the last read went on where the one before ended, or began a run
	next       int64 // the furthest end of a read in this run
	longest    int64 // read of this run
	size       int64 // bytes to keep ahead of next
	grown      int64 // next when size was last doubled
	asked      int64 // the end of what has been asked for; block by block
}

// read notes a read of [off, end) of an object of the given size. It says
// whether that ended a run, so that what was asked ahead is of no more use.
func (w *window) read(off, end, size int64) (ended bool) {
	n := end - off
	unit := max(n, w.longest)
	follows := w.begun && off <= w.next+tooEarly*unit && end+tooLate*unit >= w.next
	front := off == 0 && (n >= longRead || size <= smallObject)
	switch {
	case w.sequential && follows:
		w.longest = max(w.longest, n)
		w.next = max(w.next, end)
		if w.next-w.grown >= w.size/2 {
			w.size, w.grown = w.size*2, w.next
		}
	case front:
		ended = w.sequential
		w.open(frontWindow, off, end)
	case follows && end > w.next:
		w.open(middleWindow, off, end)
	case follows: // backwards: nothing learnt
	default:
		ended = w.sequential
		*w = window{begun: true, next: end, longest: n, asked: roundUp(end)}
	}
	return ended && size > smallObject
}

// open begins a run with the read [off, end).
func (w *window) open(size, off, end int64) {
	*w = window{
		begun:      true,
		sequential: true,
		next:       end,
		longest:    max(end-off, w.longest),
		size:       size,
		grown:      off,
		asked:      roundUp(end),
	}
}

// ask says what to ask for now, [from, to), in requests of chunk bytes, so that
// the window is full: nothing if from >= to. limit bounds the window.
//
// A request is made when all of its chunk is due, and so is never small, but
// for the one that reaches the object's end.
func (w *window) ask(size, limit int64) (from, to, chunk int64) {
	w.size = min(w.size, limit)
	if !w.sequential || w.size < BlockSize {
		return 0, 0, 0
	}
	chunk = max(min(w.size/2, maxChunk)/BlockSize*BlockSize, BlockSize)
	if size <= min(smallObject, w.size) {
		chunk = smallObject // all of it
	}
	from = max(w.asked, roundUp(w.next))
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
