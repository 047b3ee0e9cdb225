package s3

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

// Whatever the keys, a listing that is read at several places at once is the one
// that is read page after page, and costs little more.
func TestScanAgainstItsModel(t *testing.T) {
	key := rapid.OneOf(
		rapid.StringOfN(rapid.RuneFrom([]rune("ab/")), 1, 6, -1),
		rapid.StringOfN(rapid.RuneFrom([]rune("0123/-")), 1, 7, -1),
		rapid.Map(rapid.IntRange(0, 999), func(i int) string { return fmt.Sprintf("file-%03d", i) }),
		rapid.Map(rapid.IntRange(0, 999), func(i int) string { return fmt.Sprintf("d%03d/x", i) }),
		rapid.Map(rapid.IntRange(0, 9999), func(i int) string { return fmt.Sprint(i) }),
		rapid.Map(rapid.SliceOfN(rapid.Byte(), 1, 4), func(b []byte) string { return string(b) }),
		rapid.StringOfN(rapid.RuneFrom([]rune("éя世\U0001F600\U0010FFFF")), 1, 3, -1),
	)
	rapid.Check(t, func(rt *rapid.T) {
		var keys []string
		for range rapid.IntRange(1, 4).Draw(rt, "sorts") {
			one := rapid.SliceOfN(rapid.OneOf(key), 0, 150).Draw(rt, "keys")
			keys = append(keys, one...)
		}
		if rapid.Bool().Draw(rt, "many") {
			keys = append(keys, numbered("file-%03d", rapid.IntRange(0, 800).Draw(rt, "numbered"))...)
		}
		slices.Sort(keys)
		keys = slices.Compact(keys)
		o := ListOptions{
			Prefix:     rapid.SampledFrom([]string{"", "", "file-", "d", "a"}).Draw(rt, "prefix"),
			Delimiter:  rapid.SampledFrom([]string{"", "", "/", "/", "-", "a/", "0"}).Draw(rt, "delimiter"),
			StartAfter: rapid.SampledFrom([]string{"", "", "a", "d5", "d500/a", "file-100", "0/"}).Draw(rt, "start after"),
			PageSize:   rapid.IntRange(1, 7).Draw(rt, "page size"),
			Parallel:   rapid.SampledFrom([]int{0, 2, 5}).Draw(rt, "parallel"),
		}
		s := &shelf{keys: keys, delay: time.Duration(rapid.IntRange(0, 1).Draw(rt, "delay")) * time.Millisecond}
		var got []Entry
		var err error
		synctest.Test(t, func(t *testing.T) {
			b := scripted(t, &script{answers: []answerFunc{s.RoundTrip}})
			got, err = list(t.Context(), b, o)
			if b.unsorted.Load() {
				t.Error("taken for a server that does not sort")
			}
			free(t, b)
		})
		want := model(keys, o)
		if err != nil || !slices.Equal(names(got), want) {
			rt.Fatalf("%+v of %q:\n got %q, %v\nwant %q", o, keys, names(got), err, want)
		}
		pages := max(1, (len(want)+o.PageSize-1)/o.PageSize)
		if most := pages + max(2, pages*8/100) + 4; s.asked > most {
			rt.Errorf("%d requests for %d pages, want at most %d", s.asked, pages, most)
		}
		if most := o.Parallel; most > 0 && s.top > most {
			rt.Errorf("%d requests at once, want at most %d", s.top, most)
		}
	})
}

// lists lists the shelf in a bubble, behind a server that is odd from a request
// on, counted from 1.
// The reader rests between two pages.
func (s *shelf) lists(t *testing.T, o ListOptions, rest time.Duration, odd func(n int, q url.Values) answerFunc) (entries []Entry, err error) {
	synctest.Test(t, func(t *testing.T) {
		n := 0
		b := scripted(t, &script{answers: []answerFunc{func(r *http.Request) (*http.Response, error) {
			s.mu.Lock()
			n++
			f := odd(n, r.URL.Query())
			s.mu.Unlock()
			if f != nil {
				return f(r)
			}
			return s.RoundTrip(r)
		}}}, func(o *Options) { o.Retry = quick })
		for p, e := range b.Pages(t.Context(), o) {
			entries, err = append(entries, p.Entries...), e
			time.Sleep(rest)
		}
		free(t, b)
	})
	return entries, err
}

// However a server is odd, each key is listed, and once.
func TestServersThatCannotBeginAnywhere(t *testing.T) {
	even, rough := numbered("file-%06d", 3000), kinds(3000)["hex"]
	without := func(q url.Values) url.Values { q.Del("start-after"); return q }
	reversed := func(body string) string {
		parts := strings.SplitAfter(body, "</Contents>")
		if n := len(parts) - 1; n > 1 {
			head := parts[0][:strings.Index(parts[0], "<Contents>")]
			parts[0] = parts[0][len(head):]
			slices.Reverse(parts[:n])
			parts[0] = head + parts[0]
		}
		return strings.Join(parts, "")
	}
	for name, tt := range map[string]func(s *shelf) func(int, url.Values) answerFunc{
		"start-after is not heard": func(s *shelf) func(int, url.Values) answerFunc {
			return func(n int, q url.Values) answerFunc { return says(200, s.answer(without(q))) }
		},
		"start-after is refused": func(s *shelf) func(int, url.Values) answerFunc {
			return func(n int, q url.Values) answerFunc {
				if q.Has("start-after") {
					return says(501, refusal("NotImplemented"))
				}
				return nil
			}
		},
		"start-after is refused, late": func(s *shelf) func(int, url.Values) answerFunc {
			return func(n int, q url.Values) answerFunc {
				if !q.Has("start-after") {
					return nil
				}
				return func(r *http.Request) (*http.Response, error) {
					sleep(r.Context(), time.Second)
					return says(400, refusal("InvalidArgument"))(r)
				}
			}
		},
		"nothing is behind start-after": func(s *shelf) func(int, url.Values) answerFunc {
			return func(n int, q url.Values) answerFunc {
				if q.Has("start-after") {
					return says(200, emptyList)
				}
				return nil
			}
		},
		"what is behind start-after is not all": func(s *shelf) func(int, url.Values) answerFunc {
			return func(n int, q url.Values) answerFunc {
				if q.Has("start-after") {
					_, next, _ := strings.Cut(s.answer(q), "<Key>") // but for the first
					next, _, _ = strings.Cut(next, "</Key>")
					q.Set("start-after", next)
					return says(200, s.answer(q))
				}
				return nil
			}
		},
		"pages are not sorted": func(s *shelf) func(int, url.Values) answerFunc {
			return func(n int, q url.Values) answerFunc { return says(200, reversed(s.answer(q))) }
		},
		"pages are not sorted, later": func(s *shelf) func(int, url.Values) answerFunc {
			return func(n int, q url.Values) answerFunc {
				if n < 40 {
					return nil
				}
				return says(200, reversed(s.answer(q)))
			}
		},
		"pages are not sorted, late": func(s *shelf) func(int, url.Values) answerFunc {
			return func(n int, q url.Values) answerFunc {
				if n < 200 {
					return nil
				}
				return says(200, reversed(s.answer(q)))
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			for _, keys := range [][]string{even, rough} {
				if name == "what is behind start-after is not all" {
					keys = rough // where guesses are exact, nobody else sees these keys
				}
				for _, rest := range []time.Duration{0, time.Second} {
					s := &shelf{keys: keys, delay: time.Millisecond}
					entries, err := s.lists(t, ListOptions{PageSize: 10}, rest, tt(s))
					got := names(entries)
					slices.Sort(got)
					if want := model(keys, ListOptions{}); err != nil || !slices.Equal(got, want) {
						t.Errorf("%d entries, %v; want %d", len(got), err, len(want))
					}
				}
			}
		})
	}
}

// An error ends a listing where it would have ended page after page: what was
// given before is its beginning.
func TestAScanThatFails(t *testing.T) {
	keys := numbered("file-%06d", 3000)
	s := &shelf{keys: keys, delay: time.Millisecond}
	entries, err := s.lists(t, ListOptions{PageSize: 10}, 0, func(n int, q url.Values) answerFunc {
		if p := s.answer(q); strings.Contains(p, "file-001500") {
			return says(403, refusal("AccessDenied"))
		}
		return nil
	})
	got, want := names(entries), model(keys, ListOptions{})
	if asError(t, err).Status != 403 || len(got) > 1500 || !slices.Equal(got, want[:len(got)]) {
		t.Errorf("%d entries, %v", len(got), err)
	}
}

// Whoever stops, or goes, leaves no request behind.
func TestAScanThatNobodyReadsOnEnds(t *testing.T) {
	for _, how := range []string{"stops", "cancels"} {
		synctest.Test(t, func(t *testing.T) {
			s := &shelf{keys: numbered("file-%06d", 3000), delay: time.Second}
			b := scripted(t, &script{answers: []answerFunc{s.RoundTrip}})
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			begin, n := time.Now(), 0
			for _, err := range b.Pages(ctx, ListOptions{PageSize: 10}) {
				if n++; n == 50 && how == "stops" {
					break
				} else if n == 50 {
					cancel()
					begin = time.Now()
				} else if err != nil && !errors.Is(err, context.Canceled) {
					t.Error(err)
				}
			}
			if took := time.Since(begin); how == "cancels" && took != 0 {
				t.Errorf("it took %v to end", took)
			}
			s.mu.Lock()
			if s.now != 0 {
				t.Errorf("%d requests are still under way", s.now)
			}
			s.mu.Unlock()
			free(t, b)
		})
	}
}

// What has come and was not taken is bounded, however slow the reader.
func TestAScanIsNotFarAhead(t *testing.T) {
	all := kinds(20_000)
	for i := range 20_000 { // looks sparse, and is not
		all["dense"] = append(all["dense"], fmt.Sprintf("%06d", min(100*i, 99_000+i)))
	}
	slices.Sort(all["dense"])
	all["dense"] = slices.Compact(all["dense"])
	for name, keys := range all {
		synctest.Test(t, func(t *testing.T) {
			s := &shelf{keys: keys, delay: time.Millisecond}
			b := scripted(t, &script{answers: []answerFunc{s.RoundTrip}})
			wasted, n := len(keys)/200*8/100+2, 0
			for _, err := range b.Pages(t.Context(), ListOptions{PageSize: 200}) {
				if err != nil {
					t.Fatal(err)
				}
				n++
				time.Sleep(time.Second)
				s.mu.Lock()
				ahead := s.asked - n
				s.mu.Unlock()
				if ahead > maxAhead+wasted {
					t.Errorf("%s: %d pages ahead", name, ahead)
				}
			}
		})
	}
}

// A server that asks for less is asked less.
func TestAScanSlowsDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &shelf{keys: numbered("file-%06d", 5000), delay: 50 * time.Millisecond}
		refused := 0
		b := scripted(t, &script{answers: []answerFunc{func(r *http.Request) (*http.Response, error) {
			s.mu.Lock()
			full := s.now >= 4
			if full {
				refused++
			}
			s.mu.Unlock()
			if full {
				return says(503, refusal("SlowDown"))(r)
			}
			return s.RoundTrip(r)
		}}})
		got, err := list(t.Context(), b, ListOptions{PageSize: 10})
		if err != nil || !slices.Equal(names(got), model(s.keys, ListOptions{})) {
			t.Errorf("%d entries, %v", len(got), err)
		}
		if refused > 100 {
			t.Errorf("%d requests were refused, of %d", refused, s.asked+refused)
		}
		t.Logf("%d requests refused of %d", refused, s.asked+refused)
	})
}

// Keys that come and go do not disturb the others.
func TestAScanOfKeysThatChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := numbered("file-%05d", 6000)
		s := &shelf{keys: all, delay: time.Millisecond}
		n := 0
		b := scripted(t, &script{answers: []answerFunc{func(r *http.Request) (*http.Response, error) {
			s.mu.Lock()
			n++
			even := n%2 == 0
			s.mu.Unlock()
			if !sleep(r.Context(), s.delay) {
				return nil, r.Context().Err()
			}
			now := &shelf{} // of the keys that end in 3 some are there, and others the next time
			for i, key := range all {
				if !strings.HasSuffix(key, "3") || (i/10%2 == 0) == even {
					now.keys = append(now.keys, key)
				}
			}
			return says(200, now.answer(r.URL.Query()))(r)
		}}})
		got, err := list(t.Context(), b, ListOptions{PageSize: 20})
		if err != nil {
			t.Fatal(err)
		}
		stable := func(s []string) (kept []string) {
			for _, name := range s {
				if !strings.HasSuffix(name, "3") {
					kept = append(kept, name)
				}
			}
			return kept
		}
		if !slices.Equal(stable(names(got)), stable(model(all, ListOptions{}))) {
			t.Error("a key that was there all the time is missing, or comes twice")
		}
		for i := 1; i < len(got); i++ {
			if got[i].Key <= got[i-1].Key {
				t.Fatalf("%q behind %q", got[i].Key, got[i-1].Key)
			}
		}
	})
}
