package fs

import (
	"context"
	"fmt"
	"hash/maphash"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
)

// shared is what the trees of an account have together, and a tree alone for
// itself: bounds, a clock, and an end.
type shared struct {
	memory  *memory                      // of directories
	answers *lru.Cache[subject, *answer] // of metadata; nil without Options.Posix
	assumed *assumed                     // directories, with Options.NoList
	seed    maphash.Seed                 // of generations
	born    time.Time

	ctx    context.Context // ends with the mount: no request outlives it
	cancel context.CancelFunc
	ending sync.Mutex     // guards that nothing is added to loads once ctx has ended
	loads  sync.WaitGroup // what no call waits for
}

func newShared(opts Options) *shared {
	s := &shared{memory: newMemory(opts.MaxEntries), assumed: newAssumed(mostAssumed), seed: maphash.MakeSeed(), born: time.Now()}
	if opts.Posix {
		s.answers = newAnswers(opts.MaxEntries)
	}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	return s
}

// end ends the requests that are under way; nothing is begun in the background
// any more.
func (s *shared) end() {
	s.ending.Lock()
	defer s.ending.Unlock()
	s.cancel()
}

// background runs f in a goroutine that Close waits for. Behind Close it does
// not, and says so.
func (s *shared) background(f func()) bool {
	s.ending.Lock()
	defer s.ending.Unlock()
	if s.ctx.Err() != nil {
		return false
	}
	s.loads.Go(f)
	return true
}

// errClosed is what becomes of a listing that is asked for behind Close.
var errClosed = fmt.Errorf("fs: the tree is closed: %w", context.Canceled)

// clock is the time on the mount's own clock, which no one sets: a file must not
// count as just confirmed because the system's clock was put back. It is never 0.
func (s *shared) clock() time.Duration { return time.Since(s.born) + 1 }
