package s3

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// delayed answers after a while, unless the request ends first.
func delayed(d time.Duration, answer answerFunc) answerFunc {
	return func(r *http.Request) (*http.Response, error) {
		if !sleep(r.Context(), d) {
			return nil, r.Context().Err()
		}
		return answer(r)
	}
}

const tenth = 10 * time.Millisecond

var (
	partAnswer = says(206, "0123456789", `Etag: "e"`, "Content-Range: bytes 0-9/10")
	headAnswer = says(200, "", "Content-Length: 10")
	answers    = map[string]answerFunc{opGet: partAnswer, opHead: headAnswer, opList: listed}
)

// ask makes one operation of that kind.
func ask(ctx context.Context, b *Bucket, op string) error {
	switch op {
	case opHead:
		_, err := b.Head(ctx, "k")
		return err
	case opList:
		_, err := list(ctx, b, ListOptions{})
		return err
	}
	body, err := b.OpenRange(ctx, Object{Key: "k", ETag: "e", Size: 10}, 0, 10)
	if err != nil {
		return err
	}
	_, err = readAll(body)
	return err
}

// A hedging is a bucket whose server has answered n times in ten milliseconds,
// and goes on as then says.
func hedging(t *testing.T, op string, n int, then []answerFunc, edits ...func(*Options)) (*Bucket, *script) {
	t.Helper()
	s := &script{answers: append(times(n, delayed(tenth, answers[op])), then...)}
	b := scripted(t, s, edits...)
	for range n {
		if err := ask(t.Context(), b, op); err != nil {
			t.Fatal(err)
		}
	}
	return b, s
}

func TestARequestThatTakesLongIsSentAgain(t *testing.T) {
	down := fails(errors.New("broken"))
	tests := []struct {
		name   string
		before int // answers
		then   func(good answerFunc) []answerFunc
		took   map[string]time.Duration // by operation; the time of the answer
		again  bool
		fails  int64 // attempts that count as such
		edit   func(*Options)
	}{
		{name: "silence", before: 256, again: true,
			then: func(good answerFunc) []answerFunc { return []answerFunc{silence, delayed(tenth, good)} },
			took: map[string]time.Duration{opGet: 210 * time.Millisecond, opHead: 210 * time.Millisecond, opList: 210 * time.Millisecond}},
		{name: "the first answers before the second", before: 256, again: true,
			then: func(good answerFunc) []answerFunc { return []answerFunc{delayed(time.Second, good), silence} },
			took: map[string]time.Duration{opGet: time.Second, opHead: time.Second, opList: time.Second}},
		{name: "the first breaks meanwhile", before: 256, again: true,
			then: func(good answerFunc) []answerFunc {
				return []answerFunc{delayed(time.Second/4, down), delayed(time.Second, good)}
			},
			took: map[string]time.Duration{opGet: 1200 * time.Millisecond, opHead: 1200 * time.Millisecond, opList: 1200 * time.Millisecond}},
		{name: "the second is refused", before: 256, again: true,
			then: func(good answerFunc) []answerFunc { return []answerFunc{delayed(time.Second, good), says(503, "")} },
			took: map[string]time.Duration{opGet: time.Second, opHead: time.Second, opList: time.Second}},
		{name: "both break", before: 256, again: true, fails: 1,
			then: func(good answerFunc) []answerFunc { return []answerFunc{delayed(time.Second/4, down), down, good} }},
		{name: "too few answers before", before: hedgeEvidence - 1,
			then: func(good answerFunc) []answerFunc { return []answerFunc{delayed(time.Second, good)} },
			took: map[string]time.Duration{opGet: time.Second, opHead: time.Second, opList: time.Second}},
		{name: "soon enough", before: 256,
			then: func(good answerFunc) []answerFunc { return []answerFunc{delayed(199*time.Millisecond, good)} }},
		{name: "never wanted", before: 256, edit: func(o *Options) { o.HedgeAfter = -1 },
			then: func(good answerFunc) []answerFunc { return []answerFunc{delayed(time.Second, good)} }},
		{name: "no place", before: 256, edit: func(o *Options) { o.Connections = 1 },
			then: func(good answerFunc) []answerFunc { return []answerFunc{delayed(time.Second, good)} }},
		{name: "sooner", before: 256, again: true, edit: func(o *Options) { o.HedgeAfter = time.Millisecond },
			then: func(good answerFunc) []answerFunc { return []answerFunc{silence, delayed(tenth, good)} },
			took: map[string]time.Duration{opGet: 50 * time.Millisecond, opHead: 50 * time.Millisecond, opList: 90 * time.Millisecond}},
	}
	for _, tt := range tests {
		for op, good := range answers {
			t.Run(tt.name+", "+op, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					var edits []func(*Options)
					if tt.edit != nil {
						edits = append(edits, tt.edit)
					}
					b, s := hedging(t, op, tt.before, tt.then(good), edits...)
					begin := time.Now()
					if err := ask(t.Context(), b, op); err != nil {
						t.Error(err)
					}
					if took, want := time.Since(begin), tt.took[op]; want != 0 && took != want {
						t.Errorf("took %v, want %v", took, want)
					}
					synctest.Wait()
					st := b.Stats()
					sent, hedges := int64(tt.before)+1+tt.fails, int64(0)
					if tt.again {
						sent, hedges = sent+1, 1
					}
					if st.Hedges != hedges || st.Gets+st.Heads+st.Lists != sent || int64(s.count()) != sent || st.Retries != tt.fails || st.Failures != 0 {
						t.Errorf("%d requests, counted %+v; want %d sent, %d of them again", s.count(), st, sent, hedges)
					}
					if again := s.reqs[len(s.reqs)-1]; tt.again && tt.fails == 0 && (again.URL.String() != s.reqs[tt.before].URL.String() || again.Header.Get("Authorization") != s.reqs[tt.before].Header.Get("Authorization")) {
						t.Error("the second request is another one")
					}
					free(t, b)
				})
			})
		}
	}
}

func TestALargeRequestIsNotSentAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n = maxHedged + 1
		large := says(206, string(make([]byte, n)), `Etag: "e"`, "Content-Range: "+span{0, n}.contentRange(n))
		b, _ := hedging(t, opGet, 256, []answerFunc{delayed(time.Second, large)})
		body, err := b.OpenRange(t.Context(), Object{Key: "k", ETag: "e", Size: n}, 0, n)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, body); err != nil || b.Stats().Hedges != 0 {
			t.Errorf("%v, %+v", err, b.Stats())
		}
		free(t, b)
	})
}

func TestNothingIsSentAgainAfterSlowDown(t *testing.T) {
	for rest, want := range map[time.Duration]int64{0: 0, hedgeRest - 2*time.Second: 0, hedgeRest: 1} {
		synctest.Test(t, func(t *testing.T) {
			then := []answerFunc{says(503, refusal("SlowDown")), headAnswer, delayed(time.Second, headAnswer)}
			b, _ := hedging(t, opHead, 256, then)
			for range 2 {
				if err := ask(t.Context(), b, opHead); err != nil {
					t.Error(err)
				}
				time.Sleep(rest)
			}
			if got := b.Stats().Hedges; got != want {
				t.Errorf("%v later: %d sent again, want %d", rest, got, want)
			}
		})
	}
}

// A server that becomes slow gets two of a hundred twice, no more; and when it
// always is, that is how it is.
func TestFewRequestsAreSentAgain(t *testing.T) {
	for op, most := range map[string]int64{opGet: 2 + 1000/50, opHead: 2 + 1000/50, opList: 2 + 1000/250} {
		synctest.Test(t, func(t *testing.T) {
			// One in twenty-five is slow: too few to become what is usual.
			s := &script{}
			n := 0
			s.answers = []answerFunc{func(r *http.Request) (*http.Response, error) {
				s.mu.Lock()
				n++
				slow := n%25 == 0
				s.mu.Unlock()
				if slow {
					return delayed(time.Second, answers[op])(r)
				}
				return delayed(tenth, answers[op])(r)
			}}
			b := scripted(t, s)
			for range 1000 {
				if err := ask(t.Context(), b, op); err != nil {
					t.Fatal(err)
				}
			}
			if got := b.Stats().Hedges; got > most || got < most/2 {
				t.Errorf("%s: %d of 1000 sent again, want up to %d", op, got, most)
			}
			s.mu.Lock()
			s.answers = []answerFunc{delayed(time.Second, answers[op])}
			s.mu.Unlock()
			for range 2 * hedgeEvidence {
				ask(t.Context(), b, op)
			}
			before := b.Stats().Hedges
			for range 500 {
				ask(t.Context(), b, op)
			}
			if got := b.Stats().Hedges - before; got != 0 {
				t.Errorf("%s: %d sent again of requests that all take as long", op, got)
			}
			free(t, b)
		})
	}
}

func TestCancellationEndsBoth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, s := hedging(t, opGet, 256, []answerFunc{silence, silence})
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		begin := time.Now()
		if err := ask(ctx, b, opGet); !errors.Is(err, context.Canceled) || time.Since(begin) != time.Second || s.count() != 258 {
			t.Errorf("%v after %v and %d requests", err, time.Since(begin), s.count())
		}
		synctest.Wait()
		free(t, b)
	})
}

// A closing counts what is closed.
type closing struct {
	io.Reader
	closed *atomic.Int64
}

func (c closing) Close() error { c.closed.Add(1); return nil }

// Both may come at the same time, and to a transport that looks at no context.
func TestTheOneThatIsNotTakenIsClosed(t *testing.T) {
	for _, first := range []time.Duration{209, 210, 211} {
		synctest.Test(t, func(t *testing.T) {
			var closed atomic.Int64
			comes := func(d time.Duration) answerFunc {
				return func(r *http.Request) (*http.Response, error) {
					time.Sleep(d)
					resp, err := partAnswer(r)
					resp.Body = closing{resp.Body, &closed}
					return resp, err
				}
			}
			b, _ := hedging(t, opGet, 256, []answerFunc{comes(first * time.Millisecond), comes(tenth)})
			if err := ask(t.Context(), b, opGet); err != nil {
				t.Error(err)
			}
			time.Sleep(time.Second)
			synctest.Wait()
			if closed.Load() != 2 || b.Stats().Hedges != 1 {
				t.Errorf("the first after %v: %d of 2 bodies closed", first, closed.Load())
			}
			free(t, b)
		})
	}
}

// A timer that goes off late says that this machine is slow, not the server.
func TestASlowMachineSendsNothingAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, _ := hedging(t, opGet, 256, []answerFunc{partAnswer})
		for late, want := range map[time.Duration]bool{50 * time.Millisecond: true, 51 * time.Millisecond: false} {
			h := &hedge{bucket: b, ctx: t.Context(), call: call{op: opGet, limit: time.Now().Add(time.Minute), idle: time.Second},
				begin: time.Now().Add(-200*time.Millisecond - late), after: 200 * time.Millisecond}
			if got := h.start(); got != want {
				t.Errorf("%v late: sent again: %v", late, got)
			} else if got {
				h.drop(h.second, nil)
			}
		}
		free(t, b)
	})
}

func TestABurstOfSlowAnswersIsNotDoubled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, _ := hedging(t, opGet, 1000, []answerFunc{delayed(time.Second, partAnswer)})
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() {
				if err := ask(t.Context(), b, opGet); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if got := b.Stats().Hedges; got != 2 {
			t.Errorf("%d of 50 sent again, want 2", got)
		}
		synctest.Wait() // the losers give their places back
		free(t, b)
	})
}

func TestFailuresSayNothingOfHowLongAnswersTake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, _ := hedging(t, opGet, hedgeEvidence-1, append(times(100, delayed(tenth, fails(errors.New("broken")))), delayed(time.Second, partAnswer)),
			func(o *Options) { o.Retry.Attempts = 1 })
		for range 100 {
			ask(t.Context(), b, opGet)
		}
		if err := ask(t.Context(), b, opGet); err != nil || b.Stats().Hedges != 0 {
			t.Errorf("%v, %+v", err, b.Stats())
		}
	})
}

// The one of the two that is not taken may have been told to slow down.
func TestHedgeHearsSlowDown(t *testing.T) {
	slow := says(503, refusal("SlowDown"))
	for name, answers := range map[string][]answerFunc{
		"the first":  {delayed(time.Second/4, slow), delayed(time.Second/2, partAnswer)},
		"the second": {delayed(time.Second, partAnswer), slow},
	} {
		synctest.Test(t, func(t *testing.T) {
			b, _ := hedging(t, opGet, 256, answers)
			if err := ask(t.Context(), b, opGet); err != nil {
				t.Error(err)
			}
			if st := b.Stats(); st.SlowDowns != 1 {
				t.Errorf("%s: %d SlowDowns counted, want 1", name, st.SlowDowns)
			}
		})
	}
}
