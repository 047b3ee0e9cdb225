package cache

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// Several programs read one file at the same time. The kernel has what each of
// them has read for all of them, so each of them asks for pieces only.
func TestCostOfReadersThatShareAPageCache(t *testing.T) {
	bubble(t, func(t *testing.T) {
		src := &testSource{accept: 30 * time.Millisecond, pause: bs * time.Second / 90e6, step: bs, blank: true}
		c := newCache(t, Options{Source: src})
		o := Object{Key: "k", Size: 256 << 20}
		var mu sync.Mutex
		cached := map[int64]chan struct{}{}
		var wg sync.WaitGroup
		for i := range 4 {
			wg.Go(func() {
				r := c.Open(o)
				defer r.Close()
				time.Sleep(time.Duration(i) * 7 * time.Millisecond)
				for off := int64(0); off < o.Size; off += mb {
					mu.Lock()
					page, ok := cached[off]
					if !ok {
						page = make(chan struct{})
						cached[off] = page
					}
					mu.Unlock()
					if ok {
						<-page
						continue
					}
					v, err := r.ReadAt(t.Context(), off, mb)
					if err != nil {
						t.Error(err)
						return
					}
					close(page)
					v.Done()
					time.Sleep(time.Millisecond)
				}
			})
		}
		wg.Wait()
		if gets := src.requests(); fetched(gets) != o.Size || len(gets) > 45 {
			t.Errorf("%d requests for %d bytes, want at most 45 for %d", len(gets), fetched(gets), o.Size)
		}
	})
}

// Threads that each read a part of one file through one reader have a window
// each, after a moment in which it looks as if one cursor jumped.
func TestCostOfCursorsInOneFile(t *testing.T) {
	for _, cursors := range []int64{2, 4, maxStreams} {
		bubble(t, func(t *testing.T) {
			src := &testSource{accept: 30 * time.Millisecond, pause: bs * time.Second / 90e6, step: bs, blank: true}
			c := newCache(t, Options{Source: src})
			part := int64(32 << 20)
			r := openReader(t, c, Object{Key: "k", Size: cursors * part})
			began := time.Now()
			for off := int64(0); off < part; off += bs {
				for i := range cursors {
					v, err := r.ReadAt(t.Context(), i*part+off, bs)
					if err != nil {
						t.Fatal(err)
					}
					v.Done()
				}
			}
			gets := src.requests()
			t.Logf("%d cursors: %d requests, %d MiB in %v", cursors, len(gets), fetched(gets)>>20, time.Since(began))
			if n := fetched(gets); n > cursors*(part+4*mb) || int64(len(gets)) > cursors*18 {
				t.Errorf("%d cursors: %d requests for %d MiB, want %d and 4 MiB more for each at most", cursors, len(gets), n>>20, cursors*18)
			}
		})
	}
}

// A run beside reads at random in the same file stays a run, and costs the reads
// at random nothing.
func TestCostOfARunBesideRandomReads(t *testing.T) {
	bubble(t, func(t *testing.T) {
		src := &testSource{accept: 30 * time.Millisecond, blank: true}
		c := newCache(t, Options{Source: src})
		r := openReader(t, c, Object{Key: "k", Size: 1 << 30})
		random := rand.New(rand.NewPCG(3, 4))
		n := int64(0)
		for off := int64(0); off < 64<<20; off += bs {
			for _, at := range []int64{off, 512<<20 + random.Int64N(4000)*bs} {
				v, err := r.ReadAt(t.Context(), at, 4096+int(min(at, bs-4096)))
				if err != nil {
					t.Fatal(err)
				}
				v.Done()
			}
			n++
		}
		synctest.Wait()
		var run, rest []get
		for _, g := range src.requests() {
			if g.off < 512<<20 {
				run = append(run, g)
			} else {
				rest = append(rest, g)
			}
		}
		if len(run) > 30 || fetched(rest) > n*bs*11/10 {
			t.Errorf("%d requests for the run and %d bytes at random, want 30 and %d", len(run), fetched(rest), n*bs)
		}
	})
}

// A cursor that leaves its place for good gives up what is under way there, and
// what has landed there makes way for what others have.
func TestLeavingAPlace(t *testing.T) {
	bubble(t, func(t *testing.T) {
		src := &testSource{accept: 30 * time.Millisecond, blank: true}
		c := newCache(t, Options{Source: src, MemoryBytes: 16 << 20})
		r := openReader(t, c, Object{Key: "k", Size: 1 << 30})
		for _, off := range []int64{0, bs, 2 * bs} {
			hold(t, r, off, bs).Done()
		}
		time.Sleep(time.Minute)
		c.mu.Lock()
		landed := c.mem.bytes[unread]
		c.mu.Unlock()
		hold(t, r, 500<<20, 1).Done()
		c.mu.Lock()
		defer c.mu.Unlock()
		if landed == 0 || c.mem.bytes[unread] != 0 || int64(c.passed.Len())*bs < landed {
			t.Errorf("%d bytes had landed; %d are kept, %d blocks are the first to go", landed, c.mem.bytes[unread], c.passed.Len())
		}
	})
}

// What was asked ahead is not forgotten for what is asked ahead later, nor while
// there is anything else to forget.
func TestUnreadBlocksAreForgottenLast(t *testing.T) {
	bubble(t, func(t *testing.T) {
		src := &testSource{accept: time.Millisecond, blank: true}
		c := newCache(t, Options{Source: src, MemoryBytes: 16 << 20})
		var readers []*Reader
		for i := range 8 {
			r := openReader(t, c, Object{Key: fmt.Sprint(i), Size: 64 << 20})
			readers = append(readers, r)
		}
		for off := int64(0); off < 32<<20; off += bs {
			for _, r := range readers {
				v, err := r.ReadAt(t.Context(), off, bs)
				if err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Millisecond)
				v.Done()
			}
		}
		if s := c.Stats(); s.BytesWasted != 0 {
			t.Errorf("%d bytes were asked for ahead and forgotten", s.BytesWasted)
		}
	})
}

// The path to the source is full when requests take twice as long as they need.
func TestPath(t *testing.T) {
	ms := func(ms ...int) []time.Duration {
		var ds []time.Duration
		for _, n := range ms {
			ds = append(ds, time.Duration(n)*time.Millisecond)
		}
		return ds
	}
	for _, tt := range []struct {
		name string
		n    int64
		took []time.Duration
		want bool
	}{
		{"nothing known", 8 * mb, nil, false},
		{"always the same", 8 * mb, ms(120, 120, 120, 120, 120, 120), false},
		{"somewhat slower", 8 * mb, ms(120, 180, 180, 180, 180, 180, 180), false},
		{"once much slower", 8 * mb, ms(120, 120, 120, 400, 120, 120), false},
		{"slower and slower", 8 * mb, ms(10, 20, 30, 40, 50, 60), true},
		{"slower, and quick again", 8 * mb, ms(10, 40, 40, 40, 40, 10, 10, 10, 10, 10), false},
		{"short ones do not count", bs, ms(1, 100, 100, 100, 100), false},
		{"the way is a longer one now", 8 * mb, slices.Concat(ms(50), slices.Repeat(ms(125), 64)), false},
	} {
		var p path
		for _, d := range tt.took {
			p.note(tt.n, d)
		}
		if p.crowded() != tt.want {
			t.Errorf("%s: crowded is %v, %+v", tt.name, p.crowded(), p)
		}
	}
}
