package fs

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"s3mount/s3/s3test"
)

// A forest is the keys of directories side by side, and what a walk sees of them.
type forest struct {
	*rig
	keys []string // in order
}

// newForest gives a tree on a server with so many keys, named by a function, in
// any order.
func newForest(t testing.TB, n int, name func(i int) string, change ...func(*Options)) *forest {
	t.Helper()
	f := &forest{rig: newRig(t, s3test.Options{}, change...)}
	f.PutRange(n, name, s3test.Object{Size: 10})
	for i := range n {
		f.keys = append(f.keys, name(i))
	}
	slices.Sort(f.keys)
	return f
}

// dirsOf is so many directories with so many files each.
func dirsOf(files int) func(i int) string {
	return func(i int) string { return fmt.Sprintf("d%03d/%04d", i/files, i%files) }
}

// want is what a directory has.
func (f *forest) want(prefix string) (names []string) {
	lo, _ := slices.BinarySearch(f.keys, prefix)
	hi, _ := slices.BinarySearch(f.keys, prefix+lastRune)
	var all entries
	for _, e := range listS3(f.keys[lo:hi], prefix) {
		all.add(prefix, e)
	}
	all.finish()
	for i := range all.settled.len() {
		names = append(names, shown(all.settled.at(i)))
	}
	return names
}

// visit opens a directory as somebody on a walk does, reads it, and holds its
// names to the keys.
func (f *forest) visit(t testing.TB, prefix string) []string {
	t.Helper()
	l := f.toRead(prefix)
	l.open()
	defer l.close()
	got, err := names(t, l)
	if err != nil {
		t.Errorf("%q: %v", prefix, err)
	}
	if want := f.want(prefix); !slices.Equal(got, want) {
		t.Errorf("%q has %d names %.200q, want %d", prefix, len(got), got, len(want))
	}
	return got
}

// find goes through all directories below one, in the order in which they are
// listed, as find does. With enter it goes only where that says.
func (f *forest) find(t testing.TB, prefix string, enter func(prefix string) bool) {
	t.Helper()
	for _, name := range f.visit(t, prefix) {
		if below := prefix + name; strings.HasSuffix(name, "/") && (enter == nil || enter(below)) {
			f.find(t, below, enter)
		}
	}
}

// lists are the LISTs so far, without delimiter and with.
func (f *forest) lists() (flat, other int) {
	for _, r := range f.Log() {
		switch {
		case r.Op == s3test.List && r.Delimiter == "":
			flat++
		case r.Op == s3test.List:
			other++
		}
	}
	return flat, other
}

// depthOf is how many directories a prefix is below the root.
func depthOf(prefix string) int { return strings.Count(prefix, "/") }

// rested waits until no listing and no scan is under way.
func (f *forest) rested(t testing.TB) {
	t.Helper()
	for _, s := range f.underWay() {
		s.stop()
	}
	if err := f.WaitIdle(t.Context()); err != nil {
		t.Error(err)
	}
}

// underWay are the scans.
func (f *forest) underWay() []*scan {
	f.scans.mu.Lock()
	defer f.scans.mu.Unlock()
	return slices.Clone(f.scans.all)
}

// A walk over directories is listed by pages of keys, not by directories.
func TestWalkIsScanned(t *testing.T) {
	for name, tt := range map[string]struct {
		keys  int
		name  func(i int) string
		other int // pages of directories that the first page, or a scan, has cut off
	}{
		"small directories": {5_000, dirsOf(20), 1},
		"large directories": {7_000, dirsOf(1_400), 2},
		"huge directories":  {40_000, dirsOf(8_000), 8},
		"one file in each":  {3_000, func(i int) string { return fmt.Sprintf("d%04d/f", i) }, 2},
		"nested": {4_000, func(i int) string {
			return fmt.Sprintf("%d/%d/%d/%d", i/1000, i/100%10, i/10%10, i%10)
		}, 2},
		"deep": {3_000, func(i int) string {
			return strings.Repeat("sub/", i%7) + fmt.Sprintf("d%02d/f%d", i/40, i)
		}, 1},
		"files before, between and behind": {4_000, func(i int) string {
			return fmt.Sprintf("d%02d/%s%03d", i/100, []string{"", "mid/", "z"}[i%3], i)
		}, 1},
		"names in front of a slash": {3_000, func(i int) string {
			return fmt.Sprintf("d%02d%s/f%03d", i/100, []string{"", "-", "."}[i%3], i)
		}, 1},
		"huge directories below": {40_000, func(i int) string {
			return fmt.Sprintf("d%03d/sub/%04d", i/8_000, i%8_000)
		}, 7},
		"large trees below": {60_000, func(i int) string {
			return fmt.Sprintf("d%03d/sub%02d/%04d", i/12_000, i%12_000/500, i%500)
		}, 7},
	} {
		t.Run(name, func(t *testing.T) {
			f := newForest(t, tt.keys, tt.name)
			f.find(t, "", nil)
			flat, other := f.lists()
			pages := (len(f.keys) + 999) / 1000
			most := pages + 1
			if pages > 3 { // then some are asked for at guessed places (ListOptions.Parallel)
				most += max(3, pages*8/100)
			}
			if flat > most || other > tt.other {
				t.Errorf("%d flat LISTs and %d others, %.3000q; want at most %d and %d", flat, other, f.Requests(), most, tt.other)
			}
			f.ResetLog()
			f.find(t, "", nil)
			f.asked(t)
		})
	}
}

// The requests of a walk, one by one.
func TestRequestsOfAScan(t *testing.T) {
	f := newForest(t, 2_950, dirsOf(100))
	f.find(t, "", nil)
	f.asked(t, "LIST flat", "LIST after=d009/"+lastRune, // the root, of which a page tells ten directories; the last one may have more
		"LIST flat after=d009.\U0010ffff", "LIST flat next", "LIST flat next")
}

// A walk below a directory lists nothing that is beside it.
func TestScanStaysBelow(t *testing.T) {
	f := newForest(t, 12_000, func(i int) string { return fmt.Sprintf("%c/d%02d/%03d", 'a'+i/4000, i/100%40, i%100) })
	f.find(t, "b/", nil)
	for _, q := range f.Requests() {
		if !strings.HasPrefix(q, "LIST b/ ") {
			t.Errorf("asked %q", q)
		}
	}
	if n := f.Count(s3test.List); n > 7 { // six, and one for a guess
		t.Errorf("%d LISTs: %q", n, f.Requests())
	}
}

// Whatever the tree, and however much of it a walk enters, it sees what is there.
func TestScansAreRight(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		sizes := rapid.SliceOfN(rapid.SampledFrom([]int{1, 3, 40, 300, 1100}), 5, 30).Draw(rt, "files in each directory")
		nested := rapid.IntRange(1, 5).Draw(rt, "nested")
		var keys []string
		for d, n := range sizes {
			for i := range n {
				sub := ""
				if i%nested > 0 {
					sub = fmt.Sprintf("%d/", i%nested)
				}
				keys = append(keys, fmt.Sprintf("%d/%02d/%s%04d", d/10, d%10, sub, i))
			}
		}
		f := newForest(t, len(keys), func(i int) string { return keys[i] })
		skip := rapid.SampledFrom([]float64{0, 0.1, 0.5, 0.9}).Draw(rt, "skipped")
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 0))
		f.find(t, "", func(string) bool { return rng.Float64() >= skip })
		f.find(t, "", nil)
		f.rested(t)
		f.Tree.Close()
		f.Server.Close()
		if t.Failed() {
			rt.Fatal("as above")
		}
	})
}

// A walk that stops has listed a few pages ahead, no more.
func TestWalkStops(t *testing.T) {
	f := newForest(t, 100_000, dirsOf(100))
	for i := range 12 {
		f.visit(t, fmt.Sprintf("d%03d/", i))
		f.visit(t, "") // d000 is not the root's next without the root's listing
	}
	scans := f.underWay()
	if len(scans) != 1 {
		t.Fatalf("%d scans, want one", len(scans))
	}
	f.rested(t)
	if flat, _ := f.lists(); flat > 16 {
		t.Errorf("%d flat LISTs, %q", flat, f.Requests())
	}
	f.ResetLog()
	f.visit(t, "d011/")
	f.asked(t)
}

// A scan is ahead of its walk by so many pages, and rests when the walk does.
func TestScanRests(t *testing.T) {
	newScan := func(t *testing.T, ttl time.Duration) *scan {
		tree := &Tree{shared: &shared{ctx: t.Context()}, opts: Options{TTL: ttl}}
		return &scan{tree: tree, began: time.Now(), lead: scanLead, awaited: map[string]*listing{}, wake: make(chan struct{}, 1)}
	}
	pages := func(s *scan, n int) (more bool) {
		for i := range n {
			last := fmt.Sprintf("d%03d/x", len(s.ends)+1)
			s.letPast(last)
			if more = s.more(&flat{last: last}); !more {
				return i == -1
			}
		}
		return more
	}
	synctest.Test(t, func(t *testing.T) {
		s := newScan(t, time.Hour)
		began := time.Now()
		equal(t, "the lead at first", pages(s, scanLead-1), true)
		equal(t, "time for that", time.Since(began), 0)
		equal(t, "one page more, and nobody comes", pages(s, 1), false)
		equal(t, "time until it ends", time.Since(began), scanRest)
		equal(t, "it covers nothing any more", s.willReach("z/"), false)
	})
	synctest.Test(t, func(t *testing.T) {
		s := newScan(t, time.Hour)
		pages(s, scanLead-1)
		s.reached = "d004/"
		go func() {
			time.Sleep(scanRest / 2)
			s.passed("d002/x/")
		}()
		began := time.Now()
		equal(t, "the walk comes nearer", pages(s, 1), true)
		equal(t, "time until it does", time.Since(began), scanRest/2)
		equal(t, "the lead grows", pages(s, 2*scanLead-3), true)
	})
	synctest.Test(t, func(t *testing.T) {
		s := newScan(t, time.Hour)
		pages(s, scanLead-1)
		equal(t, "awaited", s.await(&listing{prefix: "far/"}), true)
		equal(t, "goes farther for it", pages(s, scanAstray), true)
		began := time.Now()
		equal(t, "not without end", pages(s, 1), false)
		equal(t, "does not wait", time.Since(began), 0)
	})
	synctest.Test(t, func(t *testing.T) {
		s := newScan(t, time.Minute)
		equal(t, "fresh", pages(s, 1), true)
		time.Sleep(31 * time.Second)
		equal(t, "too old for another page", pages(s, 1), false)
	})
}

// Most of the keys are in subtrees that the walk does not enter: pages of them
// are in vain, and that is noticed.
func TestWalkThatSkipsSubtrees(t *testing.T) {
	const dirs = 60
	f := newForest(t, dirs*3_000, func(i int) string { return fmt.Sprintf("d%03d/sub/%04d", i/3000, i%3000) })
	f.find(t, "", func(prefix string) bool { return depthOf(prefix) < 2 })
	f.rested(t)
	if flat, other := f.lists(); flat > 30 || other > dirs+4 {
		t.Errorf("%d flat LISTs and %d others for %d directories: %.2000q", flat, other, dirs, f.Requests())
	}
}

// flatFrom says that a LIST is a scan's.
func flatFrom(r s3test.Request) bool {
	return r.Op == s3test.List && r.Delimiter == "" && r.StartAfter != ""
}
