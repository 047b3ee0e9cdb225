package cache

import "slices"

// maxStreams is how many cursors of one object are told apart.
const maxStreams = 8

// A stream is a place in an object from which reads go on: the cursor of a
// program, whichever reader and thread its reads come through. Readers of the
// same file share what the kernel has cached of it, so that what each of them
// still asks for has holes, and only all of it together is a sequence.
//
// All of it is guarded by Cache.mu.
type stream struct {
	o       *object
	win     window
	counted int64                // this stream's part of Cache.ahead
	want    want                 // flights that it reads ahead into
	readers map[*Reader]struct{} // open ones that have read in it
	paused  bool                 // nothing is asked for ahead of it until it is read again
}

// streamLocked returns the stream that a read of [off, end) belongs to: the
// latest of those that it follows, or a new one if it begins at the front or
// missed something. Else there is none: what is in memory or on its way needs no
// reading ahead.
func (r *Reader) streamLocked(off, end int64, missed bool) *stream {
	o := r.o
	i := slices.IndexFunc(o.streams, func(s *stream) bool { return s.win.sequential && s.win.follows(off, end) })
	if i < 0 {
		i = slices.IndexFunc(o.streams, func(s *stream) bool { return s.win.follows(off, end) })
	}
	var s *stream
	switch {
	case i >= 0:
		s = o.streams[i]
		o.streams = slices.Delete(o.streams, i, i+1)
	case !missed && off > 0:
		return nil
	default:
		if missed { // else it may be a look at a header that is in memory
			r.c.pauseLocked(o)
		}
		s = r.c.replaceLocked(o)
	}
	o.streams = slices.Insert(o.streams, 0, s)
	s.readers[r] = struct{}{}
	if s.paused {
		s.paused = false
		s.win.asked = roundUp(s.win.next) // what was given up is to be asked for again
		o.cursors = min(o.cursors+1, maxStreams)
	}
	return s
}

// unitLocked is the unit in which a read of [off, end) fetches what is missing. A
// long one at random is taken for what somebody wants exactly. Around a short
// one, at the front and where reads go on, the rest of the block is likely to be
// read, too.
func (o *object) unitLocked(off, end int64) int64 {
	if end-off < longRandom || off == 0 {
		return BlockSize
	}
	if slices.ContainsFunc(o.streams, func(s *stream) bool { return s.win.goesOn(off, end) }) {
		return BlockSize
	}
	return pageSize
}

// leftLocked notes how long a run was that its cursor has left.
func (o *object) leftLocked(w *window) {
	if w.sequential {
		o.runs = [2]int64{w.next - w.start, o.runs[0]}
	}
}

// usualRunLocked is how long runs in this object are, 0 if the last two were not
// about equally long. Programs that read records, or a kernel that cuts long
// reads at random into short ones, have one length.
func (o *object) usualRunLocked() int64 {
	long, short := max(o.runs[0], o.runs[1]), min(o.runs[0], o.runs[1])
	if long > 2*short || long > 2*maxChunk {
		return 0
	}
	return long
}

// frontierLocked is where the asking ahead of s ends: at the object's end, or
// where another cursor began. What that has read is in the kernel's cache, and
// what it will read it asks for itself.
func (s *stream) frontierLocked() int64 {
	end := s.o.Size
	for _, other := range s.o.streams {
		if start := roundUp(other.win.start); other != s && other.win.sequential && start >= roundUp(s.win.next) {
			end = min(end, start)
		}
	}
	return end
}

// pauseLocked makes way for a new stream: a cursor that reads elsewhere has
// left its old place, and what is under way for that is of no more use. There
// may be as many cursors as there are readers, and one more for each time that
// a place was left and read again after all.
func (c *Cache) pauseLocked(o *object) {
	if o.Size <= smallObject {
		return
	}
	busy := 0
	for _, s := range o.streams { // the latest first
		if s.counted == 0 && len(s.want.flights) == 0 {
			continue
		}
		if busy++; busy >= max(o.cursors, o.readers) {
			s.paused = true
			o.leftLocked(&s.win)
			c.restLocked(s)
		}
	}
}

// replaceLocked returns an empty stream that is not in o.streams: a new one, or
// instead of too many the one that was used longest ago, of those at random if
// there is one.
func (c *Cache) replaceLocked(o *object) *stream {
	if len(o.streams) < maxStreams {
		return &stream{o: o, readers: make(map[*Reader]struct{})}
	}
	at := len(o.streams) - 1
	for i, s := range o.streams {
		if !s.win.sequential {
			at = i
		}
	}
	s := o.streams[at]
	o.streams = slices.Delete(o.streams, at, at+1)
	if !s.paused {
		o.leftLocked(&s.win)
	}
	c.restLocked(s)
	s.win, s.paused = window{}, false
	clear(s.readers)
	return s
}

// restLocked gives up what is under way for s, and counts it no more. What has
// landed is the first to be forgotten.
func (c *Cache) restLocked(s *stream) {
	c.unwantLocked(&s.want)
	if s.o.Size > smallObject {
		c.unexpectLocked(s.o, s.win.next/BlockSize, s.win.asked/BlockSize, c.passed)
	}
	delete(c.streams, s)
	c.ahead -= s.counted
	s.counted = 0
}

// leaveStreamsLocked takes r out of its object's streams. Those that no other
// open reader has read in end.
func (r *Reader) leaveStreamsLocked() {
	r.o.streams = slices.DeleteFunc(r.o.streams, func(s *stream) bool {
		delete(s.readers, r)
		if len(s.readers) > 0 {
			return false
		}
		r.c.restLocked(s)
		return true
	})
}
