package cache

import (
	"math/bits"
	"time"
)

// A path is what is known of the way to the source: how long requests take, by
// their length, and how long they need not take. It tells a reader that waits
// because its window is narrow from one that waits because the way is full.
type path struct {
	best  [8]time.Duration // the shortest time of a request of 2^i blocks or more
	delay float64          // how many times as long as the best the latest took, smoothed
}

const (
	crowdedAt = 2.0      // times the best, from which on requests only slow one another down
	smoothing = 1.0 / 4  // the weight of one request
	forgetful = 1.0 / 64 // of the difference, by which the best becomes worse with each: ways change
)

// note enters a request that brought n bytes.
func (p *path) note(n int64, took time.Duration) {
	if n < smallObject || took <= 0 {
		return // mostly latency, and often from the server's first packets
	}
	best := &p.best[min(bits.Len64(uint64(n/BlockSize))-1, len(p.best)-1)]
	if *best == 0 || took < *best {
		*best = took
	}
	p.delay += (float64(took)/float64(*best) - p.delay) * smoothing
	*best += time.Duration(float64(took-*best) * forgetful)
}

func (p *path) crowded() bool { return p.delay > crowdedAt }
