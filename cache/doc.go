// Package cache serves byte ranges of objects that do not change, from memory
// and ahead of the reader.
//
// # The promise
//
// A read returns exactly the bytes of one version of one object, all of those
// asked for up to the object's end, or an error. It never returns zeros for
// bytes that did not arrive, never a mix of versions, never less than was asked
// before the end. A byte is under way at most once at a time, however many
// readers want it. Memory has one bound for everything, and a read never fails
// because the bound is reached: it waits.
//
// # The words
//
// An object is a version: key, ETag and size. A changed object has another ETag
// and so is another object; the cache never asks whether one has changed. The
// source's own name for the version (S3's version id), learnt from the first
// body, is the object's pin and goes back with every later request.
//
// A block is [BlockSize] bytes of an object at a multiple of BlockSize, the last
// one shorter. It is the unit of keeping and of forgetting.
//
// A flight is one request for a run of neighbouring blocks. The cache owns it,
// not the reader that caused it. Its blocks are complete one by one as the bytes
// land: who waits for the first does not wait for the last. A reader that leaves
// disturbs no other; when nobody waits for a flight and no open reader reads
// ahead into it, it is given up after one second, so that a reader interrupted
// by a signal finds its fetch still under way. Blocks that have landed stay.
// Nothing is remembered of an error: the next read tries again.
//
// A reader is one open file's cursor. A view is what one read returns: slices
// that point into blocks, valid until Done.
//
// A window is how far ahead of a sequential reader the cache asks. It opens when
// a reader begins at the front with a long read or goes on where it stopped,
// doubles while it does so, and closes when it reads elsewhere.
//
// A guess is a small object asked for before anybody opens it ([Reader.Ahead]).
//
// The budget is the one bound on memory: blocks kept, blocks on their way,
// blocks that views hold, and buffers kept for use again.
//
// # Memory
//
// When the budget is full, the block that was used least recently is forgotten,
// but first of all those that a sequential reader has read to their end: the
// kernel's page cache has them. When what is left is all in use, read-ahead is
// not started, and reads wait in the order in which they came. A read takes the
// memory for all its blocks at once or none of it, so two half-served reads
// cannot block one another, and the smallest budget, [MinMemoryBytes], has room
// for the longest read, [MaxRead]. A caller must not hold a view while it waits
// for another read: that is the one way to wait for ever.
package cache
