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

// Long reads at random, cut into short ones by a kernel that reads ahead no more
// than 128 KiB: once two have been as long, the rest of each is one request.
func TestCostOfRunsOfOneLength(t *testing.T) {
	bubble(t, func(t *testing.T) {
		src := &testSource{accept: 30 * time.Millisecond, blank: true}
		c := newCache(t, Options{Source: src})
		r := openReader(t, c, Object{Key: "k", Size: 1 << 30})
		random := rand.New(rand.NewPCG(5, 6))
		const runs, length = 40, 10
		for range runs {
			at := random.Int64N(1<<13-length) * bs
			for i := range int64(length) {
				hold(t, r, at+i*bs, bs).Done()
			}
		}
		if gets := src.requests(); len(gets) > runs*2+15 || fetched(gets) > (runs+5)*length*bs {
			t.Errorf("%d requests for %d bytes, want two for each of %d runs of %d", len(gets), fetched(gets), runs, length*bs)
		}
	})
}

// A change of mind, either way: from runs to reads at random, which bring
// nothing else, and to one long run, which is asked for ahead again.
func TestCostOfAChangeOfMind(t *testing.T) {
	bubble(t, func(t *testing.T) {
		src := &testSource{accept: 30 * time.Millisecond, pause: bs * time.Second / 90e6, step: bs, blank: true}
		c := newCache(t, Options{Source: src})
		r := openReader(t, c, Object{Key: "k", Size: 1 << 30})
		for off := int64(0); off < 8<<20; off += bs {
			hold(t, r, off, bs).Done()
		}
		random := rand.New(rand.NewPCG(7, 8))
		seen := map[int64]bool{}
		hold(t, r, 1<<30-bs, bs).Done()
		synctest.Wait()
		before := src.requests()
		for range 100 {
			i := 4096 + random.Int64N(4000)
			seen[i] = true
			hold(t, r, i*bs+5, 4096).Done()
		}
		synctest.Wait()
		if gets := src.requests()[len(before):]; len(gets) != len(seen) || fetched(gets) != int64(len(seen))*bs {
			t.Errorf("%d requests for %d bytes at random, want %d for a block each", len(gets), fetched(gets), len(seen))
		}
		before = src.requests()
		for off := int64(100 << 20); off < 164<<20; off += bs {
			hold(t, r, off, bs).Done()
		}
		if gets := src.requests()[len(before):]; len(gets) > 40 {
			t.Errorf("%d requests for a run of 64 MiB, want at most 40", len(gets))
		}
	})
}

// What common formats make of it.
func TestCostOfFormats(t *testing.T) {
	const size = 1<<30 + 12345
	end := int64(size)
	blocks := func(from, to int64) get { return get{from / bs * bs, min(roundUp(to), end), ""} }
	pages := func(from, to int64) get {
		return get{from / pageSize * pageSize, min((to+pageSize-1)/pageSize*pageSize, end), ""}
	}
	for _, tt := range []struct {
		name  string
		reads [][2]int64
		want  []get
	}{
		{"Parquet: the footer's length, the footer, a column far away", [][2]int64{{end - 8, 8}, {end - 65536, 65536}, {512 << 20, 3 << 18}},
			[]get{blocks(end-8, end), pages(end-65536, end-12345), pages(512<<20, 512<<20+3<<18)}},
		{"zip: the end record, the directory in front of it, an entry", [][2]int64{{end - 22, 22}, {end - 1<<20, 1 << 20}, {1 << 28, 4096}},
			[]get{blocks(end-22, end), pages(end-1<<20, end-12345), blocks(1<<28, 1<<28+4096)}},
		{"mmap: page faults, each with the kernel's pages around it", [][2]int64{{700<<20 - 65536, 131072}, {300<<20 - 65536, 131072}, {900 << 20, 4096}},
			[]get{pages(700<<20-65536, 700<<20+65536), pages(300<<20-65536, 300<<20+65536), blocks(900<<20, 900<<20+4096)}},
		{"a header, and an index somewhere", [][2]int64{{0, 4096}, {600 << 20, 65536}},
			[]get{{0, bs, ""}, pages(600<<20, 600<<20+65536)}},
		{"a long look at the front: the rest of its block is likely to be next", [][2]int64{{0, 65536}},
			[]get{{0, bs, ""}}},
		{"one long read", [][2]int64{{77 << 20, MaxRead}}, []get{pages(77<<20, 78<<20)}},
	} {
		bubble(t, func(t *testing.T) {
			src := &testSource{accept: 30 * time.Millisecond, blank: true}
			c := newCache(t, Options{Source: src})
			r := openReader(t, c, Object{Key: "k", Size: size})
			for _, q := range tt.reads {
				hold(t, r, q[0], int(q[1])).Done()
			}
			synctest.Wait()
			if got := src.requests(); !slices.Equal(got, tt.want) {
				t.Errorf("%s: asked for %v, want %v", tt.name, got, tt.want)
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

// A place that was left and is read again is read ahead of at once, whatever of
// it had landed.
func TestComingBackToAPlace(t *testing.T) {
	bubble(t, func(t *testing.T) {
		src := &testSource{accept: 30 * time.Millisecond, pause: bs * time.Second / 90e6, step: bs, blank: true}
		c := newCache(t, Options{Source: src})
		r := openReader(t, c, Object{Key: "k", Size: 1 << 30})
		hold(t, r, 0, bs).Done()
		hold(t, r, bs, bs).Done()
		time.Sleep(5 * time.Millisecond) // a few blocks more have landed
		hold(t, r, 500<<20, bs).Done()   // the rest is given up
		before := len(src.requests())
		hold(t, r, 2*bs, bs).Done()
		synctest.Wait()
		if got := len(src.requests()) - before; got == 0 {
			t.Error("nothing was asked ahead")
		}
	})
}

// What a long read has passed does not fill the budget.
func TestBuffersAreUsedAgain(t *testing.T) {
	bubble(t, func(t *testing.T) {
		src := &testSource{accept: time.Millisecond, blank: true}
		c := newCache(t, Options{Source: src, MemoryBytes: 256 << 20})
		r := openReader(t, c, Object{Key: "k", Size: 512 << 20})
		for off := int64(0); off < r.o.Size; off += mb {
			hold(t, r, off, mb).Done()
			time.Sleep(10 * time.Millisecond)
		}
		if s := c.Stats(); s.ResidentBytes+s.FreeBytes > 64<<20 {
			t.Errorf("%d MiB are kept of what was read once, %d MiB free; want an eighth of the budget and a window", s.ResidentBytes>>20, s.FreeBytes>>20)
		}
	})
}
