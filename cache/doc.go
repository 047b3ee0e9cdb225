// Package cache serves byte ranges of objects that do not change, from memory
// and ahead of the reader.
//
// # The promise
//
// A read returns exactly the bytes of one version of one object, all of those
// asked for up to the object's end, or an error. It never returns zeros for
// bytes that did not arrive, never a mix of versions, never less than was asked
// before the end. A block is under way at most once at a time, however many
// readers want it, but for a part of it that is wanted whole meanwhile. Memory has
// one bound for everything, and a read never fails because the bound is reached:
// it waits.
//
// # The words
//
// An object is a version: key, ETag and size. A changed object has another ETag
// and so is another object; the cache never asks whether one has changed. The
// source's own name for the version (S3's version id), learnt from the first
// body where it is not known before ([Object].Pin), is the object's pin and goes
// back with every later request.
//
// A block is [BlockSize] bytes of an object at a multiple of BlockSize, the last
// one shorter. It is the unit of keeping and of forgetting. Of a block there may
// be a part only, some of its pages of 4 KiB that one read wanted. Who needs more
// than the part has finds no block there: the whole block is fetched and takes
// the part's place, for all but those who hold the part or wait for it. So a byte
// may be fetched a second time, and not a third for that reason.
//
// A flight is one request for a run of neighbouring blocks. The cache owns it,
// not the reader that caused it. Its blocks are complete one by one as the bytes
// land: who waits for the first does not wait for the last. A reader that leaves
// disturbs no other; when nobody waits for a flight and no open reader reads
// ahead into it, it is given up after one second, so that a reader interrupted
// by a signal finds its fetch still under way. Blocks that have landed stay.
// Nothing is remembered of an error: the next read tries again.
//
// A reader is one open file. A view is what one read returns: slices that point
// into blocks, valid until Done.
//
// A stream is a cursor in an object: a place from which reads go on, whichever
// reader they come through. Programs that read one file at once share what the
// kernel has cached of it, so only their reads together are a sequence; and one
// reader may have several threads, each with a part of the file. A read belongs
// to the stream that it follows, a little early or late included. One that
// follows none and misses something begins a new one, of up to eight.
//
// A window is how far ahead of a stream the cache asks; see the next section.
//
// A guess is a small object asked for before anybody opens it ([Reader.Ahead]).
//
// The budget is the one bound on memory: blocks kept, blocks on their way,
// blocks that views hold, and buffers kept for use again.
//
// # Reading ahead
//
// A window opens when a stream begins at the front with a long read, or goes on
// where it stopped. It is as long as the run so far, up to 16 MiB: the longer a
// reader has gone on, the surer it is to go on. It becomes wider than that only
// while reads have to wait: twice as wide whenever an eighth of it was read, up
// to Options.ReadAheadBytes and what other streams leave of three quarters of
// the budget. It becomes no wider where requests take twice as long as the
// quickest of their length did, because then the way is full, and half as wide
// when the reader has long not waited. So nothing is set for a distance: a near
// source is read with a narrow window and a distant one with a wide one.
//
// Requests grow from 1 to 8.5 MiB with the run. 1 GiB takes at most 135.
//
// Reads at random fetch the blocks that they touch, neighbours with one request,
// and nothing else. Those of 64 KiB or more, but for one at the front, fetch only
// the pages that they touch: a program that asks for so much at once has asked for
// what it wants, while what lies around a short read is often read next. Where
// the last two runs in an object were about as long, the next is taken to be,
// too, and asked for whole as soon as it is seen to be one.
//
// A stream that begins is taken for the cursor having moved: what is under way
// at the place it left is given up, at once unless it is so short that to end it
// costs more, which is a connection. But where there are other readers of the
// object, or a cursor has come back before, there may be as many streams with
// windows as there are readers, and one more each time that a place was left and
// read again.
//
// # Memory
//
// When the budget is full, the block that was used least recently is forgotten,
// but first of all those that a sequential reader has read to their end, because
// the kernel's page cache has them, and last of all those that were asked for
// ahead and are still to be read. More than an eighth of the budget is never kept
// of what has passed, as long as something is being fetched: its buffers are used
// again. When what is left is all in use, read-ahead is
// not started, and reads wait in the order in which they came. A read takes the
// memory for all its blocks at once or none of it, so two half-served reads
// cannot block one another, and the smallest budget, [MinMemoryBytes], has room
// for the longest read, [MaxRead]. A caller must not hold a view while it waits
// for another read: that is the one way to wait for ever.
package cache
