package cache

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"sync"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

const (
	// BlockSize is the length of every block but an object's last.
	BlockSize = 128 << 10

	// MaxRead is the longest read that ReadAt takes, the kernel's own limit.
	MaxRead = 1 << 20

	// MinMemoryBytes is the least Options.MemoryBytes: the longest read touches
	// nine blocks when it does not begin at the start of one.
	MinMemoryBytes = MaxRead + 2*BlockSize

	defaultMemoryBytes    = 256 << 20
	defaultReadAheadBytes = 192 << 20
)

// ErrClosed is the error of a read from a cache or reader that has been closed.
var ErrClosed = errors.New("cache: closed")

// An Object is one version of one object. Its bytes never change.
type Object struct {
	Key  string
	ETag string
	Size int64
	Pin  string // of the first request for it, where the source's own name is known; see Source
}

// A Source fetches bytes of objects. It must be safe for concurrent use.
type Source interface {
	// OpenRange returns the bytes [off, end) of o, 0 <= off < end <= o.Size. It
	// returns when the source has agreed to send them. pin is o.Pin, or what Pin
	// returned for an earlier body of the same object. The body's Read must
	// return soon after ctx ends.
	OpenRange(ctx context.Context, o Object, pin string, off, end int64) (Body, error)
}

// A Body is the bytes of one range: exactly as many as were asked for, then
// io.EOF.
type Body interface {
	io.ReadCloser

	// Pin is the source's own name for the exact version, "" if it has none.
	Pin() string
}

// Options say how a cache works. Only Source is required.
type Options struct {
	Source Source

	// MemoryBytes bounds all memory that holds or awaits bytes of objects. Zero
	// means 256 MiB; less than MinMemoryBytes is an error.
	MemoryBytes int64

	// ReadAheadBytes bounds how far ahead of one reader the cache asks. Zero
	// means 192 MiB; all readers together have three quarters of the budget at
	// most, and each only what it has to wait for otherwise. Negative turns
	// read-ahead off, so that only blocks that a read touches are fetched.
	ReadAheadBytes int64
}

// A Cache holds blocks of objects and fetches those it lacks. It is safe for
// concurrent use.
type Cache struct {
	src       Source
	readAhead int64 // the widest window; 0: no read-ahead

	ctx    context.Context // of every flight: the cache owns them and Close ends them
	cancel context.CancelFunc
	wg     sync.WaitGroup // the flights' goroutines

	mu      sync.Mutex // guards all below; never held over a request, a wait or a callback
	closed  bool
	objects map[Object]*object
	blocks  map[blockKey]*block // complete or under way
	recent  *lru                // complete blocks, but for those in passed and unread
	passed  *lru                // complete blocks that a sequential reader has read to the end
	unread  *lru                // complete blocks that were asked for ahead
	flights map[*flight]struct{}
	mem     budget
	ahead   int64                // bytes between the cursors of all streams and the ends of their windows
	guessed int64                // bytes in blocks that Ahead asked for and nobody has read
	streams map[*stream]struct{} // streams that have windows
	path    path
	count   counts
}

// An lru orders blocks by their last use. It is bounded by the budget, not by
// its own count, and holds no reference to what it forgets.
//
// Add on a key that is present would replace the value without a word; every
// key is added once and removed before it is added again.
type lru = simplelru.LRU[blockKey, *block]

// An object is an Object that somebody uses: interned, so that its blocks are
// found by pointer and its pin is kept once.
type object struct {
	Object
	pin  string // of the latest body that had one; guarded by Cache.mu
	refs int    // readers, reads, flights and blocks; guarded by Cache.mu

	// Guarded by Cache.mu.
	readers int       // open
	streams []*stream // of open readers, the one read last first
	cursors int       // that it has at least, as has turned out
	runs    [2]int64  // how long the last runs were that ended
}

// New returns an empty cache.
func New(opt Options) (*Cache, error) {
	if opt.Source == nil {
		return nil, errors.New("cache: Options.Source is nil")
	}
	if opt.MemoryBytes == 0 {
		opt.MemoryBytes = defaultMemoryBytes
	}
	if opt.MemoryBytes < MinMemoryBytes {
		return nil, fmt.Errorf("cache: Options.MemoryBytes is %d, must be at least %d", opt.MemoryBytes, MinMemoryBytes)
	}
	if opt.ReadAheadBytes == 0 {
		opt.ReadAheadBytes = defaultReadAheadBytes
	}
	var orders [3]*lru
	for i := range orders {
		var err error
		if orders[i], err = simplelru.NewLRU[blockKey, *block](math.MaxInt, nil); err != nil {
			return nil, err
		}
	}
	c := &Cache{
		src:       opt.Source,
		readAhead: max(opt.ReadAheadBytes, 0),
		objects:   make(map[Object]*object),
		blocks:    make(map[blockKey]*block),
		recent:    orders[0],
		passed:    orders[1],
		unread:    orders[2],
		flights:   make(map[*flight]struct{}),
		streams:   make(map[*stream]struct{}),
		mem:       budget{limit: opt.MemoryBytes},
	}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	return c, nil
}

// Open returns a reader of o, which must be closed. It asks nothing of the
// source.
func (c *Cache) Open(o Object) *Reader {
	c.mu.Lock()
	defer c.mu.Unlock()
	r := &Reader{c: c, o: c.internLocked(o)}
	r.o.readers++
	return r
}

// Close ends every flight and returns when their goroutines have ended. Reads
// under way and later ones fail with ErrClosed; views stay valid until Done.
func (c *Cache) Close() error {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	c.cancel()
	c.wg.Wait()

	c.mu.Lock()
	defer c.mu.Unlock()
	for _, b := range c.blocks {
		c.forgetLocked(b)
	}
	c.mem.free = nil
	return nil
}

// internLocked returns the one object for o, with one more reference.
func (c *Cache) internLocked(o Object) *object {
	p := c.objects[o]
	if p == nil {
		p = &object{Object: o, pin: o.Pin}
		c.objects[o] = p
	}
	p.refs++
	return p
}

// releaseLocked gives back one reference.
func (c *Cache) releaseLocked(o *object) {
	if o.refs--; o.refs == 0 {
		delete(c.objects, o.Object)
	}
}
