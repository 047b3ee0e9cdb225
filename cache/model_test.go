package cache

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

// A step of a random program. All steps run in one bubble; those that read run
// beside the later ones.
type step struct {
	kind   string
	reader int           // index of the reader, modulo those open
	object int           // for "open"
	off    int64         // for "read"
	n      int           // for "read"
	within time.Duration // the caller leaves after that; 0: never
	keep   time.Duration // how long the view is held
	then   time.Duration // pause before the next step
}

// context is that of the caller of this step.
func (s step) context(t *testing.T) (context.Context, context.CancelFunc) {
	if s.within == 0 {
		return t.Context(), func() {}
	}
	return context.WithTimeout(t.Context(), s.within)
}

func drawStep(t *rapid.T) step {
	ms := func(name string, most int) time.Duration {
		return time.Duration(rapid.IntRange(0, most).Draw(t, name)) * time.Millisecond
	}
	s := step{
		kind:   rapid.SampledFrom([]string{"read", "read", "read", "read", "follow", "follow", "follow", "start", "open", "close", "guess", "guess"}).Draw(t, "kind"),
		reader: rapid.IntRange(0, 7).Draw(t, "reader"),
		then:   ms("then", 30),
	}
	switch s.kind {
	case "open", "guess":
		s.object = rapid.IntRange(0, 6).Draw(t, "object")
	case "read", "follow", "start":
		if s.kind == "read" {
			s.off = rapid.Int64Range(0, 40).Draw(t, "block")*bs + rapid.Int64Range(-2, 2).Draw(t, "offset") +
				rapid.Int64Range(0, 7).Draw(t, "eighth")*bs/8
		}
		s.n = rapid.SampledFrom([]int{1, 4096, longRandom, longRandom + 4097, bs, bs + 1, 3 * bs, MaxRead}).Draw(t, "n")
		s.keep = ms("keep", 50)
		if rapid.IntRange(0, 3).Draw(t, "hurried") == 0 {
			s.within = time.Millisecond + ms("within", 40)
		}
	}
	return s
}

// A random program of opens, guesses, starts, reads at once, reads that leave, and
// closes, on tiny budgets, with a source that is slow, gives odd pieces and
// breaks. Every read that succeeds is right, every error is one that was caused,
// the books are right after every step, and in the end nothing is left.
func TestModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		opt := Options{
			MemoryBytes:    MinMemoryBytes + rapid.Int64Range(0, 40).Draw(rt, "memory")*bs/2,
			ReadAheadBytes: rapid.SampledFrom([]int64{-1, 0, bs, mb, 3*mb + 7}).Draw(rt, "read-ahead"),
		}
		faults := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) fault {
			switch rapid.IntRange(0, 9).Draw(t, "fault") {
			case 0:
				return fault{refuse: errSource}
			case 1:
				return fault{fail: errSource, after: rapid.Int64Range(0, 4*bs).Draw(t, "after")}
			case 2:
				return fault{fail: io.EOF, after: rapid.Int64Range(0, bs-1).Draw(t, "after")}
			case 3:
				return fault{more: 1}
			}
			return fault{}
		}), 1, 10).Draw(rt, "faults")
		src := &testSource{
			accept: time.Duration(rapid.IntRange(0, 20).Draw(rt, "accept")) * time.Millisecond,
			pause:  time.Duration(rapid.IntRange(0, 5).Draw(rt, "pause")) * time.Millisecond,
			step:   rapid.SampledFrom([]int{0, 60_001, bs, bs + 1}).Draw(rt, "piece"),
			pin:    "v",
			fault:  func(nth int, _, _ int64) fault { return faults[nth%len(faults)] },
		}
		opt.Source = src
		steps := rapid.SliceOfN(rapid.Custom(drawStep), 1, 40).Draw(rt, "steps")
		var failure error
		bubble(t, func(t *testing.T) { failure = runModel(t, src, opt, steps) })
		if failure != nil {
			rt.Fatal(failure)
		}
	})
}

// runModel runs a program and returns what was wrong first.
func runModel(t *testing.T, src *testSource, opt Options, steps []step) error {
	c, err := New(opt)
	if err != nil {
		return err
	}
	c.mem.freed = func(buf []byte) { copy(buf, poison) }
	objects := []Object{{"a", "1", 40*bs + 7, ""}, {"a", "2", 40 * bs, ""}, {"b", "1", 3*bs - 1, ""}, {"c", "1", 1, ""}, {"d", "1", 8 * bs, ""}, {"e", "1", 5*bs + 1, ""}, {"f", "1", bs, ""}}
	type open struct {
		*Reader
		next int64
	}
	readers := []*open{{Reader: c.Open(objects[0])}}

	var mu sync.Mutex
	var first error
	report := func(err error) {
		mu.Lock()
		defer mu.Unlock()
		if first == nil {
			first = err
		}
	}
	allowed := func(s step, err error) bool {
		return errors.Is(err, errSource) || errors.Is(err, io.ErrUnexpectedEOF) ||
			s.within > 0 && errors.Is(err, context.DeadlineExceeded)
	}
	var wg sync.WaitGroup
	for i, s := range steps {
		r := readers[s.reader%len(readers)]
		switch s.kind {
		case "open":
			readers = append(readers, &open{Reader: c.Open(objects[s.object])})
		case "guess": // and perhaps read it, as an open that follows would
			guess := &open{Reader: c.Open(objects[s.object])}
			guess.Ahead()
			readers = append(readers, guess)
		case "close":
			if len(readers) > 1 {
				r.Close()
				at := s.reader % len(readers)
				readers = append(readers[:at], readers[at+1:]...)
			}
		case "start":
			wg.Go(func() {
				ctx, cancel := s.context(t)
				defer cancel()
				if err := r.Start(ctx); err != nil && !allowed(s, err) && !errors.Is(err, ErrClosed) {
					report(fmt.Errorf("step %d, start: %w", i, err))
				}
			})
		case "read", "follow":
			off := max(s.off, 0)
			if s.kind == "follow" {
				off = r.next
				r.next += int64(s.n)
			}
			wg.Go(func() {
				ctx, cancel := s.context(t)
				defer cancel()
				v, err := r.ReadAt(ctx, off, s.n)
				if err != nil {
					if !allowed(s, err) && !errors.Is(err, ErrClosed) {
						report(fmt.Errorf("step %d, read: %w", i, err))
					}
					return
				}
				time.Sleep(s.keep)
				if err := check(r.o.Object, off, s.n, v); err != nil {
					report(fmt.Errorf("step %d: %w", i, err))
				}
				v.Done()
				if err := verify(c); err != nil {
					report(fmt.Errorf("after the read of step %d: %w", i, err))
				}
			})
		}
		time.Sleep(s.then)
		if err := verify(c); err != nil {
			report(fmt.Errorf("after step %d: %w", i, err))
		}
	}
	wg.Wait()
	for _, r := range readers {
		r.Close()
	}
	synctest.Wait()
	if s := c.Stats(); s.HeldBytes != 0 || s.AheadBytes != 0 || s.GuessBytes != 0 || s.Waiting != 0 || len(c.streams) != 0 {
		report(fmt.Errorf("all readers closed: %+v, %d streams", s, len(c.streams)))
	}
	closeEmpty(t, c)
	return first
}
