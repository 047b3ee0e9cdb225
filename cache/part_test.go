package cache

import (
	"context"
	"io"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

const kb = 1 << 10

// A long read at random asks for its pages, once, and for nothing else.
func TestCostOfLongRandomReads(t *testing.T) {
	for _, tt := range []struct {
		name  string
		n     int
		align int64
		more  int64 // bytes at most, beside what is read
	}{
		{"64 KiB at a page", 64 * kb, pageSize, 0},
		{"64 KiB anywhere", 64 * kb, 1, 2 * pageSize},
		{"1 MiB at a page", MaxRead, pageSize, 0},
		{"1 MiB anywhere", MaxRead, 1, 2 * pageSize},
		{"an odd length at a page", 100_000, pageSize, pageSize},
	} {
		src := &testSource{}
		c := newCache(t, Options{Source: src})
		r := openReader(t, c, Object{Key: "k", Size: 10<<30 + 5})
		for _, off := range apart(100, 10<<30, tt.align) {
			before := src.requests()
			for range 2 { // again costs nothing
				if err := read(t.Context(), r, off, tt.n); err != nil {
					t.Fatal(err)
				}
			}
			if err := read(t.Context(), r, off+int64(tt.n)/3, tt.n/2); err != nil { // nor does what is inside
				t.Fatal(err)
			}
			gets := src.requests()[len(before):]
			if len(gets) != 1 || gets[0].off%pageSize != 0 || fetched(gets) > int64(tt.n)+tt.more {
				t.Fatalf("%s: asked for %v for %d bytes at %d, want %d more at most", tt.name, gets, tt.n, off, tt.more)
			}
		}
		if err := verify(c); err != nil {
			t.Error(err)
		}
		gets := src.requests()
		if tt.n == 64*kb && tt.more == 0 && (len(gets) != 100 || fetched(gets) != 6_553_600) {
			t.Errorf("%d requests for %d bytes, want 100 for 6553600", len(gets), fetched(gets))
		}
		if s := c.Stats(); s.ReservedBytes != 0 || s.ResidentBytes > fetched(gets)+100*9*kb*2 {
			t.Errorf("%s: %d bytes fetched take %d", tt.name, fetched(gets), s.ResidentBytes)
		}
	}
}

// apart returns n places in random order, none of them near another.
func apart(n int, size, align int64) []int64 {
	random := rand.New(rand.NewPCG(9, 10))
	var places []int64
	for i := range n {
		slot := size / int64(n)
		places = append(places, (int64(i)*slot+random.Int64N(slot/4)+bs)/align*align)
	}
	random.Shuffle(n, func(i, j int) { places[i], places[j] = places[j], places[i] })
	return places
}

// What a part of a block is good for, and what not.
func TestCostOfParts(t *testing.T) {
	const at = 500 * bs
	part := [2]int64{at + 32*kb, 64 * kb}
	first := get{at + 32*kb, at + 96*kb, ""}
	whole := get{at, at + bs, ""}
	for _, tt := range []struct {
		name  string
		reads [][2]int64
		want  []get // after the first
	}{
		{"the same", [][2]int64{part}, nil},
		{"inside, short", [][2]int64{{at + 33*kb, 5}}, nil},
		{"the rest of a page", [][2]int64{{at + 32*kb, 1}, {at + 96*kb - 1, 1}}, nil},
		{"a byte in front", [][2]int64{{at + 32*kb - 1, 5}}, []get{whole}},
		{"a byte behind", [][2]int64{{at + 96*kb - 4, 5}}, []get{whole}},
		{"beside it, short, and the part again", [][2]int64{{at + 10, 5}, part}, []get{whole}},
		{"the front of the block, long", [][2]int64{{at, 64 * kb}, part, {at, bs}}, []get{whole}},
		{"the block before, and into this one", [][2]int64{{at - 32*kb, 96 * kb}, part}, []get{{at - 32*kb, at + bs, ""}}},
		{"the block before, up to this one", [][2]int64{{at - 64*kb, 64 * kb}}, []get{{at - 64*kb, at, ""}}},
	} {
		bubble(t, func(t *testing.T) {
			src := &testSource{accept: time.Millisecond}
			c := newCache(t, Options{Source: src, ReadAheadBytes: -1})
			r := openReader(t, c, large(1000))
			for _, q := range append([][2]int64{part}, tt.reads...) {
				if err := read(t.Context(), r, q[0], int(q[1])); err != nil {
					t.Error(err)
				}
				if err := verify(c); err != nil {
					t.Error(err)
				}
			}
			if got, want := src.requests(), append([]get{first}, tt.want...); !slices.Equal(got, want) {
				t.Errorf("%s: asked for %v, want %v", tt.name, got, want)
			}
		})
	}
}

// A part that is on its way is joined by who needs what is in it, and by nobody
// else; who waits for it has it though the whole block has taken its place.
func TestPartUnderWay(t *testing.T) {
	bubble(t, func(t *testing.T) {
		src := &testSource{accept: time.Second}
		c := newCache(t, Options{Source: src, ReadAheadBytes: -1})
		const at = 500 * bs
		r := openReader(t, c, large(1000))
		began := time.Now()
		var wg sync.WaitGroup
		reads := func(off int64, n int, want time.Duration) {
			wg.Go(func() {
				v, err := r.ReadAt(t.Context(), off, n)
				if err != nil {
					t.Error(err)
					return
				}
				if got := time.Since(began); got != want {
					t.Errorf("%d bytes at %d came after %v, want %v", n, off-at, got, want)
				}
				time.Sleep(10 * time.Second)
				if err := check(r.o.Object, off, n, v); err != nil {
					t.Error(err)
				}
				v.Done()
				if err := verify(c); err != nil {
					t.Error(err)
				}
			})
			synctest.Wait()
			time.Sleep(100 * time.Millisecond)
		}
		reads(at+32*kb, 64*kb, time.Second)
		reads(at+40*kb, 8*kb, time.Second)
		reads(at, 64*kb, 1200*time.Millisecond)
		reads(at+32*kb, 64*kb, 1200*time.Millisecond)
		reads(at+100*kb, 10, 1200*time.Millisecond)
		time.Sleep(time.Second)
		c.mu.Lock()
		used := c.mem.used()
		c.mu.Unlock()
		if s := c.Stats(); s.HeldBytes != bs+costOf(64*kb) || used != s.HeldBytes {
			t.Errorf("%d bytes are held, %d used; want the block and the part", s.HeldBytes, used)
		}
		wg.Wait()
		if got, want := src.requests(), []get{{at + 32*kb, at + 96*kb, ""}, {at, at + bs, ""}}; !slices.Equal(got, want) {
			t.Errorf("asked for %v, want %v", got, want)
		}
		if s := c.Stats(); s.HeldBytes != 0 || s.ResidentBytes != bs {
			t.Errorf("%d bytes held, %d kept; want the one block", s.HeldBytes, s.ResidentBytes)
		}
	})
}

// Nobody has to wait for a part that another took the place of: it may fail, or
// be given up, and the whole block is there.
func TestReplacedPartFails(t *testing.T) {
	for _, leaves := range []bool{false, true} {
		bubble(t, func(t *testing.T) {
			src := &testSource{accept: 10 * time.Second, fault: func(nth int, _, _ int64) fault {
				if nth == 0 {
					return fault{fail: errSource, after: 5}
				}
				return fault{}
			}}
			c := newCache(t, Options{Source: src, ReadAheadBytes: -1})
			const at = 500 * bs
			r := openReader(t, c, large(1000))
			var wg sync.WaitGroup
			wg.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				if !leaves {
					cancel()
					ctx, cancel = context.WithTimeout(t.Context(), time.Hour)
				}
				defer cancel()
				if err := read(ctx, r, at+32*kb, 64*kb); err == nil {
					t.Error("read of a flight that fails succeeded")
				}
			})
			time.Sleep(100 * time.Millisecond)
			wg.Go(func() {
				if err := read(t.Context(), r, at, bs); err != nil {
					t.Error(err)
				}
			})
			wg.Wait()
			time.Sleep(time.Minute)
			if err := read(t.Context(), r, at, bs); err != nil {
				t.Error(err)
			}
			if err := verify(c); err != nil {
				t.Error(err)
			}
			if s := c.Stats(); len(src.requests()) != 2 || s.ReservedBytes != 0 || s.HeldBytes != 0 || s.ResidentBytes != bs {
				t.Errorf("%d requests, %+v; want two and one block", len(src.requests()), s)
			}
		})
	}
}

// A sequential read through what was read at random before asks for no byte more
// than twice, and for what follows a random read with as few requests as ever.
func TestCostOfRunOverParts(t *testing.T) {
	for _, ahead := range []int64{-1, 0} {
		bubble(t, func(t *testing.T) {
			src := &testSource{accept: 30 * time.Millisecond, pause: time.Millisecond, step: bs}
			c := newCache(t, Options{Source: src, ReadAheadBytes: ahead})
			r := openReader(t, c, large(256))
			random := rand.New(rand.NewPCG(11, 12))
			for range 60 {
				off := random.Int64N(256*bs-MaxRead)/pageSize*pageSize + bs/2
				if err := read(t.Context(), r, off, longRandom<<random.IntN(4)); err != nil {
					t.Fatal(err)
				}
			}
			for off := int64(0); off < r.o.Size; off += bs {
				if err := read(t.Context(), r, off, bs); err != nil {
					t.Fatal(err)
				}
			}
			times := make([]int, r.o.Size/pageSize)
			for _, g := range src.requests() {
				for at := g.off; at < g.end; at += pageSize {
					times[at/pageSize]++
				}
			}
			if least, most := slices.Min(times), slices.Max(times); least != 1 || most > 2 {
				t.Errorf("read-ahead %d: pages were asked for %d to %d times, want once or twice", ahead, least, most)
			}
		})
	}
}

// A run that begins with a long read in the middle of its block costs no more
// requests, and at most a block more, than where blocks begin.
func TestCostOfRunFromAPart(t *testing.T) {
	bubble(t, func(t *testing.T) {
		cost := func(from int64) (int, int64) {
			src := &testSource{accept: 30 * time.Millisecond, pause: time.Millisecond, step: bs, blank: true}
			c := newCache(t, Options{Source: src})
			r := openReader(t, c, large(500))
			for off := from; off < from+128*bs; off += bs {
				hold(t, r, off, bs).Done()
			}
			synctest.Wait()
			return len(src.requests()), fetched(src.requests())
		}
		gets, bytes := cost(100 * bs)
		if g, b := cost(100*bs + 20*kb); g > gets || b > bytes+bs {
			t.Errorf("%d requests for %d bytes, want %d for %d and at most a block more", g, b, gets, bytes)
		}
	})
}

// drawPartStep is a step of a program that reads the same few blocks in many
// ways.
func drawPartStep(t *rapid.T) step {
	s := drawStep(t)
	if s.kind == "close" || s.kind == "start" {
		s.kind = "read"
	}
	if s.kind == "read" {
		s.off = rapid.Int64Range(0, 40*bs/pageSize).Draw(t, "page")*pageSize + rapid.SampledFrom([]int64{0, 0, 0, 1, -1, 700}).Draw(t, "in page")
		s.n = rapid.SampledFrom([]int{1, pageSize, longRandom - 1, longRandom, longRandom + 1, 3 * bs / 4, bs, 3 * bs / 2, 5 * bs, MaxRead}).Draw(t, "n")
		s.keep = time.Duration(rapid.IntRange(0, 50).Draw(t, "keep")) * time.Millisecond
	}
	return s
}

// As TestModel, with parts of blocks all the time: long reads at random among
// short ones, runs and guesses, on objects that many readers have open.
func TestModelOfParts(t *testing.T) {
	parts, replaced := 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		src := &testSource{
			accept: time.Duration(rapid.IntRange(0, 20).Draw(rt, "accept")) * time.Millisecond,
			pause:  time.Duration(rapid.IntRange(0, 3).Draw(rt, "pause")) * time.Millisecond,
			step:   rapid.SampledFrom([]int{0, 60_001, bs}).Draw(rt, "piece"),
		}
		broken := rapid.IntRange(3, 40).Draw(rt, "broken")
		src.fault = func(nth int, off, end int64) fault {
			if nth%broken == 2 {
				return fault{fail: io.EOF, after: (end - off) / 2}
			}
			return fault{}
		}
		opt := Options{
			Source:         src,
			MemoryBytes:    MinMemoryBytes + rapid.Int64Range(0, 80).Draw(rt, "memory")*bs/2,
			ReadAheadBytes: rapid.SampledFrom([]int64{-1, 0, mb}).Draw(rt, "read-ahead"),
		}
		steps := rapid.SliceOfN(rapid.Custom(drawPartStep), 20, 80).Draw(rt, "steps")
		var failure error
		bubble(t, func(t *testing.T) { failure = runModel(t, src, opt, steps) })
		if failure != nil {
			rt.Fatal(failure)
		}
		now, again := partsOf(src.requests())
		parts, replaced = parts+now, replaced+again
	})
	t.Logf("%d requests for parts of blocks, %d of them near later ones", parts, replaced)
	if parts < 100 || replaced < 50 {
		t.Error("too few for the test to prove anything")
	}
}

// partsOf counts the requests that begin in a block, and of these the ones that
// a later one touches a block of.
func partsOf(gets []get) (parts, again int) {
	for i, g := range gets {
		if g.off%bs == 0 {
			continue
		}
		parts++
		if slices.ContainsFunc(gets[i+1:], func(h get) bool { return h.off/bs*bs < g.end && g.off/bs*bs < h.end }) {
			again++
		}
	}
	return parts, again
}
