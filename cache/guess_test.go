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

func TestGuessIsOneRequest(t *testing.T) {
	for _, size := range []int64{1, bs, bs + 1, MaxAhead} {
		bubble(t, func(t *testing.T) {
			src := &testSource{accept: time.Second, pause: time.Second, step: bs}
			c := newCache(t, Options{Source: src})
			r := openReader(t, c, Object{Key: "k", Size: size})
			began := time.Now()
			for range 3 {
				if !r.Ahead() {
					t.Error("refused")
				}
			}
			if d := time.Since(began); d != 0 {
				t.Errorf("Ahead took %v", d)
			}
			if got, least := c.Stats().GuessBytes, size; got < least || got > least+2*overhead+1024 {
				t.Errorf("%d bytes of guesses for %d", got, size)
			}
			if err := r.Start(t.Context()); err != nil {
				t.Error(err)
			}
			if d := time.Since(began); d != time.Second {
				t.Errorf("Start returned after %v, want when the source has accepted the guess", d)
			}
			synctest.Wait()
			time.Sleep(time.Minute)
			began = time.Now()
			if err := r.Start(t.Context()); err != nil {
				t.Error(err)
			}
			for off := int64(0); off < size; off += bs {
				if err := read(t.Context(), r, off, bs); err != nil {
					t.Error(err)
				}
			}
			if d := time.Since(began); d != 0 {
				t.Errorf("what was guessed took %v", d)
			}
			if got, want := src.requests(), []get{{0, size, ""}}; !slices.Equal(got, want) {
				t.Errorf("%d bytes: asked for %v, want %v", size, got, want)
			}
			if s := c.Stats(); s.GuessBytes != 0 || s.BytesWasted != 0 || s.AheadBytes != 0 {
				t.Errorf("after all was read: %+v", s)
			}
		})
	}
}

func TestGuessIsRefused(t *testing.T) {
	small := Object{Key: "k", Size: 100}
	for _, tt := range []struct {
		name  string
		o     Object
		ahead int64
		end   func(c *Cache, r *Reader)
	}{
		{"too long", Object{Key: "k", Size: MaxAhead + 1}, 0, nil},
		{"no read-ahead", small, -1, nil},
		{"closed reader", small, 0, func(_ *Cache, r *Reader) { r.Close() }},
		{"closed cache", small, 0, func(c *Cache, _ *Reader) { c.Close() }},
	} {
		src := &testSource{}
		c := newCache(t, Options{Source: src, ReadAheadBytes: tt.ahead})
		r := openReader(t, c, tt.o)
		if tt.end != nil {
			tt.end(c, r)
		}
		if r.Ahead() || len(src.requests()) != 0 {
			t.Errorf("%s: %v was asked for", tt.name, src.requests())
		}
	}
	src := &testSource{}
	if !openReader(t, newCache(t, Options{Source: src}), Object{Key: "k"}).Ahead() || len(src.requests()) != 0 {
		t.Errorf("empty: not in memory, or asked for: %v", src.requests())
	}
}

func TestGuessIsWantedUntilItsReaderIsClosed(t *testing.T) {
	bubble(t, func(t *testing.T) {
		src := &testSource{accept: time.Hour}
		c := newCache(t, Options{Source: src})
		o := Object{Key: "k", Size: 3 * bs}
		first, second := c.Open(o), c.Open(o)
		for _, r := range []*Reader{first, second} {
			if !r.Ahead() {
				t.Error("refused")
			}
		}
		time.Sleep(time.Minute)
		first.Close()
		synctest.Wait()
		if got := src.cancelled(); got != 0 {
			t.Error("given up though another reader wants it")
		}
		second.Close()
		synctest.Wait()
		if s := c.Stats(); src.cancelled() != 1 || s.ReservedBytes != 0 || s.GuessBytes != 0 {
			t.Errorf("%d given up, want 1; %+v", src.cancelled(), s)
		}
	})
}

// An error that nobody saw is nobody's: the open that follows asks for itself.
func TestFailedGuess(t *testing.T) {
	for _, late := range []bool{false, true} {
		bubble(t, func(t *testing.T) {
			src := &testSource{accept: time.Second, fault: func(nth int, _, _ int64) fault {
				if nth == 0 {
					return fault{refuse: errSource}
				}
				return fault{}
			}}
			c := newCache(t, Options{Source: src})
			r := openReader(t, c, Object{Key: "k", Size: 2*bs + 1})
			if !r.Ahead() {
				t.Error("refused")
			}
			var want error
			if late {
				time.Sleep(time.Minute)
				if s := c.Stats(); s.FailedAhead != 1 || s.GuessBytes != 0 {
					t.Errorf("a guess failed: %+v", s)
				}
			} else {
				want = errSource // of the fetch that it waited for
			}
			if err := r.Start(t.Context()); !errors.Is(err, want) {
				t.Errorf("started late %v: %v, want %v", late, err, want)
			}
			if err := read(t.Context(), r, 0, 3*bs); err != nil {
				t.Error(err)
			}
			if got, want := src.requests(), []get{{0, r.o.Size, ""}, {0, r.o.Size, ""}}; !slices.Equal(got, want) {
				t.Errorf("asked for %v, want %v", got, want)
			}
		})
	}
}

// To give up a request costs its connection: a short one is left to land, for
// another reader perhaps, unless that takes long.
func TestShortGuessesLand(t *testing.T) {
	for _, tt := range []struct {
		size  int64
		takes time.Duration
		lands bool
	}{
		{cheap, linger / 2, true},
		{cheap, 2 * linger, false},
		{cheap + 1, linger / 2, false},
	} {
		bubble(t, func(t *testing.T) {
			src := &testSource{accept: tt.takes}
			c := newCache(t, Options{Source: src})
			o := Object{Key: "k", Size: tt.size}
			r := openReader(t, c, o)
			r.Ahead()
			synctest.Wait()
			r.Close()
			time.Sleep(3 * linger)
			if landed := c.Stats().BytesFetched == tt.size; landed != tt.lands {
				t.Errorf("%d bytes that take %v: landed: %v", tt.size, tt.takes, landed)
			}
			if err := read(t.Context(), openReader(t, c, o), 0, int(tt.size)); err != nil {
				t.Error(err)
			}
			want := 1
			if !tt.lands {
				want = 2
			}
			if n := len(src.requests()); n != want {
				t.Errorf("%d bytes that take %v: asked for %d times", tt.size, tt.takes, n)
			}
		})
	}
}

// However many guesses nobody reads: they take their share and leave nothing.
func TestUnreadGuessesAreBounded(t *testing.T) {
	bubble(t, func(t *testing.T) {
		src := &testSource{accept: time.Millisecond}
		c := newCache(t, Options{Source: src, MemoryBytes: 16 << 20})
		var readers []*Reader
		for i := range 1000 { // beside one another
			r := c.Open(Object{Key: fmt.Sprint(i), Size: 16 << 10})
			if r.Ahead() != (i < 4<<20/(17<<10)) {
				t.Fatalf("guess %d: %+v", i, c.Stats())
			}
			readers = append(readers, r)
		}
		for _, r := range readers {
			r.Close()
		}
		for i := range 10_000 { // in turn
			r := c.Open(Object{Key: fmt.Sprint("turn", i), Size: 16 << 10})
			if !r.Ahead() {
				t.Fatalf("guess %d: %+v", i, c.Stats())
			}
			if i%2 == 0 {
				time.Sleep(time.Millisecond)
				synctest.Wait()
			}
			r.Close()
		}
		time.Sleep(time.Millisecond) // the last one is cheap, and lands
		synctest.Wait()
		s := c.Stats()
		if s.GuessBytes != 0 || s.ReservedBytes != 0 || s.FlightsNow != 0 || s.ResidentBytes > 16<<20 || s.Objects > 16<<20/(17<<10) {
			t.Errorf("left: %+v", s)
		}
		if s.BytesWasted == 0 {
			t.Error("nothing counts as wasted")
		}
		if err := verify(c); err != nil {
			t.Error(err)
		}
	})
}

// Guesses leave sequential readers their windows, and what somebody waits for
// its memory; a long read leaves guesses theirs.
func TestGuessesAndWindows(t *testing.T) {
	bubble(t, func(t *testing.T) {
		src := &testSource{accept: time.Second, pause: time.Hour, step: bs}
		c := newCache(t, Options{Source: src, MemoryBytes: 16 << 20})
		share := func() int64 {
			c.mu.Lock()
			defer c.mu.Unlock()
			return c.shareLocked(&stream{})
		}
		before := share()
		for i := range 4 {
			if !openReader(t, c, Object{Key: fmt.Sprint(i), Size: MaxAhead}).Ahead() {
				t.Error("refused")
			}
		}
		if got := share(); got != before {
			t.Errorf("beside guesses a reader has %d, alone %d", got, before)
		}
		if openReader(t, c, Object{Key: "one more", Size: MaxAhead}).Ahead() {
			t.Error("more than a quarter of the budget is guesses")
		}
		long := c.Open(large(100))
		defer long.Close()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		var wg sync.WaitGroup
		wg.Go(func() { read(ctx, long, 30*bs, MaxRead) })
		synctest.Wait()
		if s := c.Stats(); s.Waiting != 0 {
			t.Error("a read waits for memory that guesses have")
		}
		cancel()
		wg.Wait()
	})
}
