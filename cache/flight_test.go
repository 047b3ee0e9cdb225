package cache

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// large is an object that no request fetches whole.
func large(blocks int64) Object { return Object{Key: "large", ETag: "e", Size: blocks * bs} }

func TestReaderThatLeavesDisturbsNobody(t *testing.T) {
	bubble(t, func(t *testing.T) {
		src := &testSource{accept: time.Second}
		c := newCache(t, Options{Source: src})
		r := openReader(t, c, large(100))
		var wg sync.WaitGroup
		wg.Go(func() {
			if err := read(t.Context(), r, 50*bs, 2*bs); err != nil {
				t.Errorf("patient reader: %v", err)
			}
		})
		synctest.Wait()
		hurried, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		if _, err := r.ReadAt(hurried, 50*bs, bs); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("hurried reader: %v, want deadline exceeded", err)
		}
		wg.Wait()
		if got, want := src.requests(), []get{{50 * bs, 52 * bs, ""}}; !slices.Equal(got, want) || src.cancelled() != 0 {
			t.Errorf("asked for %v, %d given up; want %v and none", got, src.cancelled(), want)
		}
	})
}

func TestFlightLingers(t *testing.T) {
	for _, tt := range []struct {
		name string
		back time.Duration // when the reader comes back after it left; 0: never
		gets int
		gone int // flights given up
	}{
		{"nobody comes back", 0, 1, 1},
		{"back in time", linger - time.Millisecond, 1, 0},
		{"back too late", linger + time.Millisecond, 2, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				src := &testSource{accept: 10 * time.Second}
				c := newCache(t, Options{Source: src})
				r := openReader(t, c, large(100))
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				if err := read(ctx, r, 50*bs, bs); !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("interrupted reader: %v", err)
				}
				if tt.back > 0 {
					time.Sleep(tt.back)
					if err := read(t.Context(), r, 50*bs, bs); err != nil {
						t.Errorf("retry: %v", err)
					}
				}
				time.Sleep(time.Minute)
				if got := len(src.requests()); got != tt.gets || src.cancelled() != tt.gone {
					t.Errorf("%d requests, %d given up; want %d and %d", got, src.cancelled(), tt.gets, tt.gone)
				}
			})
		})
	}
}

// Each time that somebody leaves, the second begins anew.
func TestLingerBeginsAnew(t *testing.T) {
	bubble(t, func(t *testing.T) {
		src := &testSource{accept: time.Hour}
		c := newCache(t, Options{Source: src})
		r := openReader(t, c, large(100))
		for range 10 {
			ctx, cancel := context.WithTimeout(t.Context(), linger/2)
			if err := read(ctx, r, 50*bs, bs); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("interrupted reader: %v", err)
			}
			cancel()
			time.Sleep(linger * 3 / 4)
		}
		if got := len(src.requests()); got != 1 || src.cancelled() != 0 {
			t.Errorf("%d requests, %d given up; want one that goes on", got, src.cancelled())
		}
		time.Sleep(linger)
		synctest.Wait()
		if got := src.cancelled(); got != 1 {
			t.Errorf("%d given up, want 1", got)
		}
	})
}

func TestFirstBlockDoesNotWaitForLast(t *testing.T) {
	bubble(t, func(t *testing.T) {
		src := &testSource{pause: time.Second, step: bs}
		c := newCache(t, Options{Source: src})
		r := openReader(t, c, large(100))
		began := time.Now()
		var wg sync.WaitGroup
		for i, want := range []time.Duration{8 * time.Second, time.Second, 5 * time.Second} {
			off, n := int64(40*bs), 8*bs
			if i > 0 {
				off, n = 40*bs+int64(want/time.Second-1)*bs, bs
			}
			wg.Go(func() {
				if err := read(t.Context(), r, off, n); err != nil {
					t.Error(err)
				}
				if got := time.Since(began); got != want {
					t.Errorf("read of %d bytes at block %d took %v, want %v", n, off/bs, got, want)
				}
			})
			synctest.Wait()
		}
		wg.Wait()
		if got, want := src.requests()[0], (get{40 * bs, 48 * bs, ""}); got != want {
			t.Errorf("first request %v, want %v", got, want)
		}
	})
}

func TestCloseEndsReadAhead(t *testing.T) {
	for _, tt := range []struct {
		name string
		end  func(r *Reader) error
	}{
		{"close", func(r *Reader) error { r.Close(); return nil }},
		{"a read elsewhere", func(r *Reader) error { return read(context.Background(), r, 900*bs, 1) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				src := &testSource{pause: time.Second, step: bs}
				c := newCache(t, Options{Source: src})
				r := openReader(t, c, large(1000))
				if err := read(t.Context(), r, 0, bs); err != nil {
					t.Error(err)
				}
				synctest.Wait()
				ahead := len(src.requests())
				if s := c.Stats(); ahead < 2 || s.AheadBytes == 0 {
					t.Errorf("%d requests, %d bytes ahead: no read-ahead to end", ahead, s.AheadBytes)
				}
				began := time.Now()
				if err := tt.end(r); err != nil {
					t.Error(err)
				}
				synctest.Wait()
				if got := src.cancelled(); got != ahead || time.Since(began) > time.Second {
					t.Errorf("%d of %d requests given up after %v, want all at once", got, ahead, time.Since(began))
				}
				if s := c.Stats(); s.AheadBytes != 0 || s.ReservedBytes != 0 {
					t.Errorf("%d bytes ahead, %d reserved; want none", s.AheadBytes, s.ReservedBytes)
				}
			})
		})
	}
}

// A flight that one reader asked for ahead goes on while another wants it: as
// its own read-ahead, or because it waits.
func TestSharedReadAheadGoesOn(t *testing.T) {
	bubble(t, func(t *testing.T) {
		src := &testSource{pause: time.Second, step: bs}
		c := newCache(t, Options{Source: src})
		o := large(1000)
		first := c.Open(o)
		if err := read(t.Context(), first, 0, bs); err != nil {
			t.Error(err)
		}
		second := openReader(t, c, o)
		if err := read(t.Context(), second, 0, bs); err != nil {
			t.Error(err)
		}
		var wg sync.WaitGroup
		waiting := openReader(t, c, o)
		wg.Go(func() {
			if err := read(t.Context(), waiting, 10*bs, bs); err != nil {
				t.Errorf("waiting reader: %v", err)
			}
		})
		synctest.Wait()
		before := len(src.requests())
		first.Close()
		synctest.Wait()
		if got := src.cancelled(); got != 0 {
			t.Errorf("%d requests given up that another reader wants", got)
		}
		second.Close()
		synctest.Wait()
		if got := src.cancelled(); got != before-1 {
			t.Errorf("%d of %d requests given up, want all but the one that is waited for", got, before)
		}
		wg.Wait()
	})
}

// Bytes that still come after a flight was given up are dropped: by then another
// flight may bring the same blocks.
func TestGivenUpFlightLandsNothing(t *testing.T) {
	bubble(t, func(t *testing.T) {
		src := &testSource{pause: time.Second, step: bs, deaf: true}
		c := newCache(t, Options{Source: src})
		o := large(20)
		r := c.Open(o)
		if err := read(t.Context(), r, 0, bs); err != nil {
			t.Error(err)
		}
		synctest.Wait() // the first block of each of the three flights has landed
		r.Close()
		again := openReader(t, c, o)
		if err := read(t.Context(), again, 5*bs, bs); err != nil {
			t.Error(err)
		}
		time.Sleep(time.Minute)
		if err := verify(c); err != nil {
			t.Error(err)
		}
		if s := c.Stats(); s.ResidentBytes != 4*bs || s.ReservedBytes != 0 || s.BytesWasted != 3*bs {
			t.Errorf("%+v: want the two blocks that were read and two more, and three wasted", s)
		}
	})
}

// A read that waits for memory has it as soon as a flight ends without landing.
func TestEndedFlightMakesRoom(t *testing.T) {
	for _, tt := range []struct {
		name   string
		leaves time.Duration // after that the one reader of the flight leaves
		want   time.Duration
	}{
		{"failed", time.Hour, time.Minute},
		{"given up", time.Second, time.Second + linger},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				src := &testSource{fault: func(int, int64, int64) fault { return fault{refuse: errSource} }, accept: time.Minute}
				c := newCache(t, Options{Source: src, MemoryBytes: MinMemoryBytes})
				r := openReader(t, c, large(100))
				began := time.Now()
				var wg sync.WaitGroup
				wg.Go(func() {
					ctx, cancel := context.WithTimeout(t.Context(), tt.leaves)
					defer cancel()
					if err := read(ctx, r, 10*bs, 8*bs); err == nil {
						t.Error("read of a flight that fails succeeded")
					}
				})
				synctest.Wait()
				if err := read(t.Context(), r, 50*bs, 4*bs); !errors.Is(err, errSource) {
					t.Error(err)
				}
				if got, want := time.Since(began), tt.want+time.Minute; got != want {
					t.Errorf("the read that waited ended after %v, want %v", got, want)
				}
				wg.Wait()
			})
		})
	}
}

func TestFailedReadAheadIsSilent(t *testing.T) {
	src := &testSource{fault: func(nth int, off, _ int64) fault {
		if nth < 2 {
			return fault{fail: errSource, after: max(2*bs-off, 0)} // all beyond block 1
		}
		return fault{}
	}}
	bubble(t, func(t *testing.T) {
		c := newCache(t, Options{Source: src})
		r := openReader(t, c, large(30))
		if err := read(t.Context(), r, 0, bs); err != nil {
			t.Errorf("the block that was asked for arrived: %v", err)
		}
		synctest.Wait()
		if s := c.Stats(); s.FailedAhead != 2 || s.FailedFlights != 2 || s.ReservedBytes != 0 {
			t.Errorf("%d failed, %d of them ahead, %d bytes reserved; want 2, 2, 0", s.FailedFlights, s.FailedAhead, s.ReservedBytes)
		}
		for off := int64(bs); off < 30*bs; off += bs {
			if err := read(t.Context(), r, off, bs); err != nil {
				t.Errorf("read at block %d: %v", off/bs, err)
			}
		}
		// The hole is asked for ahead again, not block by block.
		if got := len(src.requests()); got > 7 {
			t.Errorf("%d requests, want at most 7", got)
		}
	})
}

func TestStart(t *testing.T) {
	for _, tt := range []struct {
		name  string
		size  int64
		ahead int64
		want  []get
	}{
		{"empty", 0, 0, nil},
		{"one byte", 1, 0, []get{{0, 1, ""}}},
		{"small", smallObject, 0, []get{{0, smallObject, ""}}},
		{"large", smallObject + 1, 0, []get{{0, bs, ""}}},
		{"small without read-ahead", smallObject, -1, []get{{0, bs, ""}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				src := &testSource{accept: time.Second, pause: time.Minute}
				c := newCache(t, Options{Source: src, ReadAheadBytes: tt.ahead})
				o := Object{Key: "k", Size: tt.size}
				r := openReader(t, c, o)
				began := time.Now()
				for range 2 {
					if err := r.Start(t.Context()); err != nil {
						t.Error(err)
					}
				}
				if got, want := time.Since(began), time.Duration(len(tt.want))*time.Second; got != want {
					t.Errorf("took %v, want %v: until the source accepts, not until bytes arrive", got, want)
				}
				time.Sleep(time.Hour) // the body comes though nobody waits for it
				if err := r.Start(t.Context()); err != nil {
					t.Error(err)
				}
				if got := src.requests(); !slices.Equal(got, tt.want) || src.cancelled() > 0 {
					t.Errorf("asked for %v, %d given up; want %v and none", got, src.cancelled(), tt.want)
				}
			})
		})
	}
}

func TestStartReturnsTheFirstError(t *testing.T) {
	bubble(t, func(t *testing.T) {
		src := &testSource{fault: func(nth int, _, _ int64) fault {
			if nth == 0 {
				return fault{refuse: errSource}
			}
			return fault{}
		}, accept: time.Second}
		c := newCache(t, Options{Source: src})
		r := openReader(t, c, large(10))
		var wg sync.WaitGroup
		for range 3 { // all that open at once are told
			wg.Go(func() {
				if err := r.Start(t.Context()); !errors.Is(err, errSource) {
					t.Errorf("first start: %v, want the source's error", err)
				}
			})
		}
		wg.Wait()
		if err := r.Start(t.Context()); err != nil {
			t.Errorf("second start: %v", err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		other := openReader(t, c, Object{Key: "other", Size: 1})
		if err := other.Start(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("start of a caller that has left: %v", err)
		}
	})
}

func TestCloseFailsThoseWhoWait(t *testing.T) {
	bubble(t, func(t *testing.T) {
		src := &testSource{pause: time.Hour}
		c := newCache(t, Options{Source: src})
		r := openReader(t, c, large(100))
		var wg sync.WaitGroup
		wg.Go(func() {
			if err := read(t.Context(), r, 0, bs); !errors.Is(err, ErrClosed) {
				t.Errorf("read when the cache closes: %v, want ErrClosed", err)
			}
		})
		synctest.Wait()
		c.Close()
		if s := c.Stats(); s.FlightsNow != 0 || s.ReservedBytes+s.HeldBytes > 2*bs {
			t.Errorf("Close returned with %+v", s)
		}
		wg.Wait()
	})
}
