package cache

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// hold reads and keeps the view.
func hold(t *testing.T, r *Reader, off int64, n int) View {
	t.Helper()
	v, err := r.ReadAt(t.Context(), off, n)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestReadWaitsForMemory(t *testing.T) {
	bubble(t, func(t *testing.T) {
		src := &testSource{}
		c := newCache(t, Options{Source: src, MemoryBytes: MinMemoryBytes})
		r := openReader(t, c, large(100))
		views := []View{hold(t, r, 10*bs, 8*bs), hold(t, r, 30*bs, bs)} // one block is left
		var wg sync.WaitGroup
		for _, q := range []struct {
			name string
			off  int64
			n    int
		}{
			{"long", 50 * bs, 5 * bs},
			{"short", 60 * bs, bs}, // there is room for it, but it is not its turn
		} {
			wg.Go(func() {
				if err := read(t.Context(), r, q.off, q.n); err != nil {
					t.Errorf("%s: %v", q.name, err)
				}
			})
			synctest.Wait()
		}
		if s := c.Stats(); s.Waiting != 2 {
			t.Errorf("%d reads wait, want 2", s.Waiting)
		}
		// What is in memory needs none and does not wait.
		if err := read(t.Context(), r, 11*bs+5, bs); err != nil {
			t.Error(err)
		}
		views[1].Done()
		synctest.Wait()
		if s := c.Stats(); s.Waiting != 2 || s.HeldBytes != 8*bs {
			t.Errorf("with 8 blocks held %d reads wait, want 2: %+v", s.Waiting, s)
		}
		views[0].Done()
		wg.Wait()
		if err := verify(c); err != nil {
			t.Error(err)
		}
	})
}

func TestReadThatWaitsForMemoryMayLeave(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := newCache(t, Options{Source: &testSource{}, MemoryBytes: MinMemoryBytes})
		r := openReader(t, c, large(100))
		v := hold(t, r, 10*bs, 8*bs)
		var wg sync.WaitGroup
		wg.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			if err := read(ctx, r, 50*bs, 3*bs); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("hurried reader: %v, want deadline exceeded", err)
			}
		})
		synctest.Wait()
		wg.Go(func() { // there is room for this one once the other has left
			if err := read(t.Context(), r, 60*bs, 2*bs); err != nil {
				t.Error(err)
			}
		})
		wg.Wait()
		v.Done()
	})
}

func TestCloseEndsWaitForMemory(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := newCache(t, Options{Source: &testSource{}, MemoryBytes: MinMemoryBytes})
		r := openReader(t, c, large(100))
		v := hold(t, r, 10*bs, 8*bs)
		var wg sync.WaitGroup
		for range 3 {
			wg.Go(func() {
				if err := read(t.Context(), r, 50*bs, 3*bs); !errors.Is(err, ErrClosed) {
					t.Errorf("waiting reader: %v, want ErrClosed", err)
				}
			})
		}
		synctest.Wait()
		c.Close()
		wg.Wait()
		v.Done()
	})
}

// A reader that is closed while one of its reads waits for memory is still one
// of the same object as another that is opened meanwhile.
func TestReaderClosedWhileItWaits(t *testing.T) {
	bubble(t, func(t *testing.T) {
		src := &testSource{accept: time.Second}
		c := newCache(t, Options{Source: src, MemoryBytes: MinMemoryBytes})
		v := hold(t, openReader(t, c, large(100)), 10*bs, 8*bs)
		o := Object{Key: "other", Size: 100 * bs}
		r := c.Open(o)
		var wg sync.WaitGroup
		waits := func(r *Reader) {
			wg.Go(func() {
				if err := read(t.Context(), r, 50*bs, 3*bs); err != nil {
					t.Error(err)
				}
			})
			synctest.Wait()
		}
		waits(r)
		r.Close()
		waits(openReader(t, c, o))
		before := len(src.requests())
		v.Done()
		wg.Wait()
		if got := len(src.requests()) - before; got != 1 {
			t.Errorf("%d requests for the same blocks, want 1", got)
		}
		if err := verify(c); err != nil {
			t.Error(err)
		}
	})
}

// Memory is there for others as blocks land, not only at the end of the flight
// that brought them.
func TestLandedBlocksMakeRoom(t *testing.T) {
	bubble(t, func(t *testing.T) {
		src := &testSource{pause: time.Minute, step: bs}
		c := newCache(t, Options{Source: src, MemoryBytes: MinMemoryBytes})
		r := openReader(t, c, large(100))
		began := time.Now()
		var wg sync.WaitGroup
		reads := func(off int64, n int, within, want time.Duration) {
			wg.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), within)
				defer cancel()
				if err := read(ctx, r, off, n); err != nil && within != want {
					t.Error(err)
				}
				if got := time.Since(began); got != want {
					t.Errorf("read of %d blocks at %d ended after %v, want %v", n/bs, off/bs, got, want)
				}
			})
			synctest.Wait()
		}
		reads(10*bs, 8*bs, time.Second, time.Second)     // starts the flight and leaves
		reads(17*bs, bs, time.Hour, 8*time.Minute)       // wants its last block
		reads(50*bs, 4*bs, time.Hour, (2+4)*time.Minute) // has its memory after two have landed
		wg.Wait()
	})
}

// The longest reads, each as long as the whole budget allows, all at once and
// overlapping: none may wait for what another holds for ever.
func TestSmallestBudgetServesLongestReads(t *testing.T) {
	bubble(t, func(t *testing.T) {
		src := &testSource{accept: 10 * time.Millisecond, pause: time.Millisecond, step: 70_000}
		c := newCache(t, Options{Source: src, MemoryBytes: MinMemoryBytes})
		var wg sync.WaitGroup
		for i := range 16 {
			wg.Go(func() {
				r := c.Open(large(40))
				defer r.Close()
				for j := range 10 {
					off := int64((i*7+j*3)%31)*bs + int64(i)
					v, err := r.ReadAt(t.Context(), off, MaxRead)
					if err != nil {
						t.Error(err)
						return
					}
					time.Sleep(time.Millisecond)
					if err := check(r.o.Object, off, MaxRead, v); err != nil {
						t.Error(err)
					}
					v.Done()
					if err := verify(c); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
	})
}

// A reader of blocks that others keep reading gets its memory all the same: what
// is forgotten for it stays forgotten.
func TestHitsDoNotStarveAMiss(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := newCache(t, Options{Source: &testSource{}, MemoryBytes: MinMemoryBytes, ReadAheadBytes: -1})
		r := openReader(t, c, large(100))
		stop := make(chan struct{})
		var wg sync.WaitGroup
		for i := range 9 {
			if err := read(t.Context(), r, int64(i)*bs, bs); err != nil {
				t.Error(err)
			}
		}
		for i := range 9 { // at any time most of the blocks are held
			wg.Go(func() {
				time.Sleep(time.Duration(i) * time.Millisecond)
				for {
					select {
					case <-stop:
						return
					default:
					}
					v, err := r.ReadAt(t.Context(), int64(i)*bs, bs)
					if err != nil {
						t.Error(err)
						return
					}
					time.Sleep(8 * time.Millisecond)
					v.Done()
					time.Sleep(time.Millisecond)
				}
			})
		}
		time.Sleep(20 * time.Millisecond)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := read(ctx, r, 50*bs, MaxRead); err != nil {
			t.Errorf("read that needs nearly all memory: %v", err)
		}
		close(stop)
		wg.Wait()
	})
}

func TestReadAheadLeavesRoomForReads(t *testing.T) {
	bubble(t, func(t *testing.T) {
		src := &testSource{pause: time.Hour, step: bs}
		c := newCache(t, Options{Source: src, MemoryBytes: 8 << 20})
		for i := range 8 {
			r := openReader(t, c, Object{Key: fmt.Sprint(i), Size: 1 << 30})
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			if err := read(ctx, r, 0, bs); !errors.Is(err, context.DeadlineExceeded) {
				t.Error(err)
			}
		}
		s := c.Stats()
		if s.AheadBytes > 6<<20 || s.AheadRefused == 0 {
			t.Errorf("%d bytes ahead, %d refused; want at most 6 MiB and some refused", s.AheadBytes, s.AheadRefused)
		}
		if s.ReservedBytes > 7<<20 || s.Waiting != 0 {
			t.Errorf("%d bytes reserved, %d waiting; want room for reads", s.ReservedBytes, s.Waiting)
		}
	})
}

func TestReadAheadStandsBackForWaitingReads(t *testing.T) {
	bubble(t, func(t *testing.T) {
		src := &testSource{}
		c := newCache(t, Options{Source: src, MemoryBytes: 16 * bs})
		r := openReader(t, c, Object{Key: "k", Size: 29 * bs})
		holder := c.Open(r.o.Object)
		view := hold(t, holder, 20*bs, 8*bs)
		holder.Close()
		hold(t, r, 19*bs, bs).Done() // begins a run
		other := openReader(t, c, large(100))
		views := hold(t, other, 40*bs, 7*bs)
		var wg sync.WaitGroup
		wg.Go(func() {
			if err := read(t.Context(), other, 90*bs, 2*bs); err != nil {
				t.Error(err)
			}
		})
		synctest.Wait()
		// One block is free and would do to read ahead; but a read waits.
		asked := len(src.requests())
		for i := int64(20); i < 25; i++ {
			if err := read(t.Context(), r, i*bs, bs); err != nil {
				t.Error(err)
			}
		}
		synctest.Wait()
		if s := c.Stats(); s.Waiting != 1 || s.AheadRefused == 0 || len(src.requests()) != asked {
			t.Errorf("%d waiting, %d refused, %d requests ahead; want 1, some and none", s.Waiting, s.AheadRefused, len(src.requests())-asked)
		}
		views.Done()
		wg.Wait()
		hold(t, r, 25*bs, bs).Done()
		synctest.Wait()
		if got, want := src.requests()[asked+1:], []get{{28 * bs, 29 * bs, ""}}; !slices.Equal(got, want) {
			t.Errorf("with memory again asked for %v, want %v", got, want)
		}
		view.Done()
	})
}

// Small objects take what they need: 10,000 of 1 KB must not take 1.3 GB, nor
// may a million of one byte take more than they are counted for.
func TestSmallObjectsAreSmall(t *testing.T) {
	for _, tt := range []struct {
		size int64
		cost int64 // of one such object
	}{{1, 1024}, {512, 1024}, {513, 2048}, {16 << 10, 17 << 10}, {bs - 1, bs}, {bs, bs}} {
		c := newCache(t, Options{Source: &testSource{}})
		const n = 200
		for i := range n {
			r := c.Open(Object{Key: fmt.Sprint(i), Size: tt.size})
			if err := read(t.Context(), r, 0, int(tt.size)); err != nil {
				t.Error(err)
			}
			r.Close()
		}
		s := c.Stats()
		if s.PeakBytes != n*tt.cost || s.ResidentBytes != n*tt.cost || s.Objects != n {
			t.Errorf("%d objects of %d bytes take %d, at the most %d; want %d each", s.Objects, tt.size, s.ResidentBytes, s.PeakBytes, tt.cost)
		}
	}
}

// What a sequential reader has read is forgotten before what was read at random
// earlier; what is read again after it passed is kept like that.
func TestPassedBlocksAreForgottenFirst(t *testing.T) {
	src := &testSource{}
	c := newCache(t, Options{Source: src, MemoryBytes: 20 * bs, ReadAheadBytes: -1})
	o := large(1000)
	random := openReader(t, c, o)
	for _, i := range []int64{900, 300, 600} {
		if err := read(t.Context(), random, i*bs, bs); err != nil {
			t.Fatal(err)
		}
	}
	again := openReader(t, c, o)
	r := openReader(t, c, o)
	for off := int64(0); off < 100*bs; off += bs / 2 {
		if err := read(t.Context(), r, off, bs/2); err != nil {
			t.Fatal(err)
		}
		if off == 5*bs {
			if err := read(t.Context(), again, 2*bs, 1); err != nil {
				t.Fatal(err)
			}
		}
	}
	before := len(src.requests())
	for _, i := range []int64{900, 300, 600, 2} {
		if err := read(t.Context(), random, i*bs, bs); err != nil {
			t.Fatal(err)
		}
	}
	if got := len(src.requests()) - before; got != 0 {
		t.Errorf("%d blocks were forgotten that should have been kept", got)
	}
	if err := verify(c); err != nil {
		t.Error(err)
	}
}

// A view's bytes stay what they are however much is read meanwhile. (Buffers are
// overwritten the moment they may be used again: see newCache.)
func TestViewsKeepTheirBytes(t *testing.T) {
	c := newCache(t, Options{Source: &testSource{}, MemoryBytes: MinMemoryBytes + 4*bs})
	o := large(200)
	r := openReader(t, c, o)
	v := hold(t, r, 3*bs+1, 3*bs)
	for off := int64(0); off < o.Size; off += bs {
		if err := read(t.Context(), r, off, bs); err != nil {
			t.Fatal(err)
		}
	}
	if err := check(o, 3*bs+1, 3*bs, v); err != nil {
		t.Error(err)
	}
	bytes := v.Slices()[1]
	v.Done()
	for i := range int64(100) { // at random, so that nothing passes
		if err := read(t.Context(), r, (7+i*37)%200*bs, bs); err != nil {
			t.Fatal(err)
		}
	}
	want := make([]byte, len(bytes))
	content(o, 4*bs, want)
	if string(bytes) == string(want) {
		t.Error("the buffer was never used again: the test proves nothing")
	}
}
