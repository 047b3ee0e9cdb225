package s3

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"s3mount/s3/s3test"
)

func TestALimitIsHalvedOnceForARoundTrip(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLimit(64)
		fill := func(n int) {
			t.Helper()
			_, busy := l.now()
			for range n - busy {
				if !l.tryTake() {
					t.Fatalf("no place for %d", n)
				}
			}
		}
		want := func(what string, n int) {
			t.Helper()
			if allowed, _ := l.now(); allowed != n {
				t.Errorf("%s: %d allowed, want %d", what, allowed, n)
			}
		}
		fill(64)
		sent := time.Now()
		time.Sleep(time.Second)
		for range 10 { // of the same round trip
			l.answered(sent, true)
		}
		want("ten refusals at once", 32)
		if l.tryTake() {
			t.Error("a place beyond what is allowed")
		}
		time.Sleep(time.Second)
		for range 54 {
			l.give()
		}
		l.answered(time.Now(), true) // ten were enough for the server to refuse
		want("a refusal of ten", 5)
		for range 9 {
			l.answered(time.Now(), true)
			time.Sleep(time.Second)
		}
		want("refusals for ever", 4)
		for range 5 {
			l.answered(time.Now(), false)
		}
		want("as many answers as are allowed", 5)
		for range 5000 {
			l.answered(time.Now(), false)
		}
		want("answers for ever", 64)

		small := newLimit(2)
		small.answered(time.Now(), true)
		if allowed, _ := small.now(); allowed != 2 {
			t.Errorf("%d of 2 allowed after a refusal", allowed)
		}
	})
}

func TestWhoWaitsIsServedInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLimit(1)
		l.tryTake()
		var order []int
		for i := range 10 {
			go func() {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if i == 3 {
					time.AfterFunc(time.Second, cancel)
				}
				if err := l.take(ctx, false); err == nil {
					order = append(order, i)
				} else if i != 3 || !errors.Is(err, context.Canceled) {
					t.Error(err)
				}
			}()
			synctest.Wait()
		}
		time.Sleep(2 * time.Second)
		for range 10 {
			if l.tryTake() {
				t.Error("a place ahead of those who wait")
			}
			l.give()
			synctest.Wait()
		}
		if fmt.Sprint(order) != "[0 1 2 4 5 6 7 8 9]" {
			t.Errorf("served in the order %v", order)
		}
		if allowed, busy := l.now(); allowed != 1 || busy != 0 {
			t.Errorf("%d busy of %d", busy, allowed)
		}
	})
}

// A large request, which is mostly read-ahead, lets small ones pass, but not for
// ever.
func TestSmallRequestsPassLargeOnes(t *testing.T) {
	l := newLimit(1)
	l.tryTake()
	names := map[chan struct{}]string{}
	for i := range 3 {
		names[l.enter(true)] = fmt.Sprint("large ", i)
	}
	for i := range 20 {
		names[l.enter(false)] = fmt.Sprint("small ", i)
	}
	var order []string
	for range 23 {
		l.give()
		for c, name := range names {
			select {
			case <-c:
				order = append(order, name)
				delete(names, c)
			default:
			}
		}
	}
	at := func(name string) int { return slices.Index(order, name) }
	if at("small 0") != 0 || at("large 0") != maxSmallRun || at("large 1") != 2*maxSmallRun+1 || at("large 2") != 22 {
		t.Errorf("served: %q", order)
	}
}

// With a server that asked for less, a lookup does not wait for the read-ahead,
// and no read-ahead fails for having waited behind other read-ahead.
func TestALookupDoesNotWaitForReadAhead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const big = 2 << 20 // 8 s at that rate
		srv, b := piped(t, s3test.Options{
			Objects: map[string]s3test.Object{"big": {Size: 24 * big}}, BytesPerSecond: big / 8,
		}, func(o *Options) { o.Retry = Retry{Deadline: 20 * time.Second}.withDefaults() })
		for range 100 {
			b.limit.answered(time.Now(), true)
			time.Sleep(time.Second)
		}
		o := object(t, srv, "big")
		var wg sync.WaitGroup
		for i := range int64(24) {
			wg.Go(func() {
				if err := fetch(t, b, o, i*big, (i+1)*big); err != nil {
					t.Error(err)
				}
			})
		}
		time.Sleep(time.Second)
		begin := time.Now()
		if _, err := b.Head(t.Context(), "big"); err != nil {
			t.Error(err)
		}
		if took := time.Since(begin); took > 9*time.Second {
			t.Errorf("a lookup took %v", took)
		}
		wg.Wait()
		t.Logf("%d bytes read after %v", 24*big, time.Since(begin))
		free(t, b)
		b.CloseIdleConnections()
	})
}

// Whatever happens, no place is lost or given twice, and nobody waits while
// there is one.
func TestLimitAgainstItsModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := newLimit(rapid.IntRange(1, 12).Draw(t, "most"))
		held, at := 0, time.Unix(0, 0)
		var waiting []chan struct{}
		t.Repeat(map[string]func(*rapid.T){
			"enter": func(t *rapid.T) {
				if c := l.enter(rapid.Bool().Draw(t, "large")); c == nil {
					held++
				} else {
					waiting = append(waiting, c)
				}
			},
			"leave": func(t *rapid.T) {
				if len(waiting) == 0 {
					return
				}
				i := rapid.IntRange(0, len(waiting)-1).Draw(t, "who")
				l.leave(waiting[i])
				waiting = slices.Delete(waiting, i, i+1)
			},
			"see": func(t *rapid.T) {
				waiting = slices.DeleteFunc(waiting, func(c chan struct{}) bool {
					select {
					case <-c:
						held++
						return true
					default:
						return false
					}
				})
			},
			"give": func(t *rapid.T) {
				if held > 0 {
					held--
					l.give()
				}
			},
			"answered": func(t *rapid.T) {
				at = time.Now()
				l.answered(at, rapid.Bool().Draw(t, "slow down"))
			},
			"": func(t *rapid.T) {
				served := 0 // and do not know it yet
				for _, c := range waiting {
					select {
					case <-c:
						served++
					default:
					}
				}
				allowed, busy := l.now()
				if busy != held+served || len(l.small)+len(l.large) != len(waiting)-served {
					t.Fatalf("%d busy and %d waiting; the model has %d and %d", busy, len(l.small)+len(l.large), held+served, len(waiting)-served)
				}
				if len(l.small)+len(l.large) > 0 && busy < allowed {
					t.Fatalf("%d wait while %d of %d are busy", len(waiting), busy, allowed)
				}
				if allowed < 1 || allowed > l.most {
					t.Fatalf("%d allowed of %d", allowed, l.most)
				}
			},
		})
	})
}

// A server that bears eight requests at once is found out, and kept at that.
func TestAServerThatSaysSlowDownIsHeeded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, b := piped(t, s3test.Options{Objects: map[string]s3test.Object{"big": {Size: size}}, Latency: s3test.Latency{Get: 30 * time.Millisecond}},
			func(o *Options) { o.Retry = Retry{}.withDefaults() })
		srv.AddRule(s3test.Rule{Match: func(s3test.Request) bool { return srv.Active() > 8 }, Action: s3test.Error(503, "SlowDown")})
		const reads = 2000
		o := object(t, srv, "big")
		next := make(chan int64)
		var wg sync.WaitGroup
		for range 64 {
			wg.Go(func() {
				for i := range next {
					if err := fetch(t, b, o, i, i+1000); err != nil {
						t.Error(err)
					}
				}
			})
		}
		begin := time.Now()
		for i := range int64(reads) {
			next <- i
		}
		close(next)
		wg.Wait()
		s := b.Stats()
		t.Logf("%d GETs, %d refused, limit %d, %v", s.Gets, s.SlowDowns, s.Limit, time.Since(begin))
		if s.SlowDowns != s.Gets-reads || s.SlowDowns > reads/6 {
			t.Errorf("%d of %d GETs refused", s.SlowDowns, s.Gets)
		}
		if s.Limit > 10 {
			t.Errorf("%d allowed in the end", s.Limit)
		}
		free(t, b)
		b.CloseIdleConnections()
	})
}
