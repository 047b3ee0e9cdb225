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

// Requests are money and bytes are time: these are exact.

// fetched is how many bytes a source was asked for.
func fetched(gets []get) (n int64) {
	for _, g := range gets {
		n += g.end - g.off
	}
	return n
}

func TestCostOfSequentialRead(t *testing.T) {
	for _, tt := range []struct {
		size int64
		n    int // of one read
		gets int
	}{
		{1 << 30, bs, 135},
		{1 << 30, MaxRead, 135},
		{100 << 20, bs, 21}, // one more or less, as the body and its reader take turns
		{10 << 20, bs, 8},
		{2 << 20, bs, 3},
	} {
		for _, accept := range []time.Duration{0, 30 * time.Millisecond} {
			bubble(t, func(t *testing.T) { // the way may be short or long: the requests are as many
				src := &testSource{blank: true, accept: accept, pause: accept / 30, step: bs}
				c := newCache(t, Options{Source: src})
				r := openReader(t, c, Object{Key: "k", Size: tt.size})
				if err := r.Start(t.Context()); err != nil {
					t.Fatal(err)
				}
				for off := int64(0); off < tt.size; off += int64(tt.n) {
					v, err := r.ReadAt(t.Context(), off, tt.n)
					if err != nil {
						t.Fatal(err)
					}
					v.Done()
				}
				gets := src.requests()
				if len(gets) > tt.gets || fetched(gets) != tt.size {
					t.Errorf("%d MiB by %d KiB: %d requests for %d bytes, want %d at most for %d", tt.size>>20, tt.n>>10, len(gets), fetched(gets), tt.gets, tt.size)
				}
				if s := c.Stats(); s.BytesWasted != 0 {
					t.Errorf("%d bytes wasted", s.BytesWasted)
				}
			})
		}
	}
}

func TestCostOfRandomReads(t *testing.T) {
	src := &testSource{}
	c := newCache(t, Options{Source: src})
	r := openReader(t, c, Object{Key: "k", Size: 1 << 30})
	seen := map[int64]bool{}
	random := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		i := random.Int64N(1 << 30 / bs)
		seen[i] = true
		if err := read(t.Context(), r, i*bs+random.Int64N(bs-4096), 4096); err != nil {
			t.Fatal(err)
		}
	}
	gets := src.requests()
	if got, want := fetched(gets), int64(len(seen))*bs; got != want || len(gets) != len(seen) {
		t.Errorf("%d requests for %d bytes, want %d for one block each", len(gets), got, len(seen))
	}
}

func TestCostOfSmallObjects(t *testing.T) {
	for _, size := range []int64{1, bs, bs + 1, smallObject} {
		for _, start := range []bool{true, false} {
			for _, n := range []int{1, 4096, bs, MaxRead} {
				src := &testSource{}
				c := newCache(t, Options{Source: src})
				r := openReader(t, c, Object{Key: "k", Size: size})
				if start {
					if err := r.Start(t.Context()); err != nil {
						t.Fatal(err)
					}
				}
				for _, off := range []int64{0, size - 1, size / 2, 0} {
					if err := read(t.Context(), r, off, n); err != nil {
						t.Fatal(err)
					}
				}
				if got, want := src.requests(), []get{{0, size, ""}}; !slices.Equal(got, want) {
					t.Errorf("%d bytes, started %v, read by %d: asked for %v, want %v", size, start, n, got, want)
				}
			}
		}
	}
}

func TestCostOfManyReadersOfOneObject(t *testing.T) {
	bubble(t, func(t *testing.T) {
		src := &testSource{accept: 30 * time.Millisecond, pause: time.Millisecond}
		c := newCache(t, Options{Source: src})
		o := Object{Key: "k", Size: 20<<20 + 1}
		var wg sync.WaitGroup
		for range 64 {
			wg.Go(func() {
				r := c.Open(o)
				defer r.Close()
				if err := r.Start(t.Context()); err != nil {
					t.Error(err)
				}
				for off := int64(0); off < o.Size; off += bs {
					v, err := r.ReadAt(t.Context(), off, bs)
					if err != nil {
						t.Error(err)
						return
					}
					v.Done()
				}
			})
		}
		wg.Wait()
		if got := fetched(src.requests()); got != o.Size {
			t.Errorf("64 readers fetched %d bytes, want each of the %d once", got, o.Size)
		}
	})
}

// Many small files at once are one request each, however narrow the windows.
func TestCostOfManySmallObjects(t *testing.T) {
	bubble(t, func(t *testing.T) {
		src := &testSource{accept: 30 * time.Millisecond, pause: time.Hour}
		c := newCache(t, Options{Source: src})
		const n = 500
		var readers []*Reader
		for i := range n {
			r := c.Open(Object{Key: fmt.Sprint(i), Size: 200_000})
			if err := r.Start(t.Context()); err != nil {
				t.Error(err)
			}
			readers = append(readers, r)
		}
		synctest.Wait()
		for _, r := range readers {
			if err := read(t.Context(), r, 0, bs); err != nil {
				t.Error(err)
			}
			r.Close()
		}
		if got := len(src.requests()); got != n {
			t.Errorf("%d requests for %d objects", got, n)
		}
	})
	bubble(t, func(t *testing.T) { // read without Start, and too many to fit
		src := &testSource{}
		c := newCache(t, Options{Source: src})
		const n = 250
		for i := range n {
			r := openReader(t, c, Object{Key: fmt.Sprint(i), Size: 900_000})
			if err := read(t.Context(), r, 0, 1); err != nil {
				t.Error(err)
			}
		}
		if got := src.requests(); len(got) != n || fetched(got) != n*900_000 {
			t.Errorf("%d requests for %d bytes of %d objects, want each whole", len(got), fetched(got), n)
		}
	})
}
