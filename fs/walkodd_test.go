package fs

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/hanwen/go-fuse/v2/fuse"
	"pgregory.net/rapid"

	"s3mount/cache"
	"s3mount/s3/s3test"
)

// Programs that share a walk in batches, as xargs -n 25 -P 8 has them, in every
// order in which they may take turns.
func TestWalkOfManyProcesses(t *testing.T) {
	const files, batch, processes = 2000, 25, 8
	for seed := range uint64(5) {
		r := newReading(t, files, func(i int) string { return fmt.Sprintf("d%02d/%03d.c", i/100, i%100) })
		r.find(t, "", nil)
		r.ResetLog()
		rng := rand.New(rand.NewPCG(seed, 1))
		left := r.keys
		var at [processes][]string
		for busy := true; busy; {
			busy = false
			p := rng.IntN(processes)
			if len(at[p]) == 0 {
				n := min(batch, len(left))
				at[p], left = left[:n], left[n:]
			}
			if len(at[p]) > 0 {
				r.cat(t, at[p][0])
				at[p] = at[p][1:]
			}
			for _, b := range at {
				busy = busy || len(b) > 0
			}
			busy = busy || len(left) > 0
		}
		if n := r.flights(); n > files+files/50 {
			t.Errorf("seed %d: %d GETs for %d files", seed, n, files)
		}
	}
}

// Processes that begin in the midst of the same directories are told apart: each
// is recognised as soon as it would be alone.
func TestProcessesSideBySideAreToldApart(t *testing.T) {
	const batch = 25
	r := newReading(t, 200, func(i int) string { return fmt.Sprintf("d%d/%03d.c", i/100, i%100) })
	r.find(t, "", nil)
	r.ResetLog()
	for i := range 3 {
		for first := 0; first < len(r.keys); first += batch {
			r.cat(t, r.keys[first+i])
		}
	}
	ahead := map[int]int{} // by process
	for _, key := range r.gets(t, 0) {
		i := slices.Index(r.keys, key)
		ahead[i/batch] = max(ahead[i/batch], i%batch)
	}
	for p := range len(r.keys) / batch {
		if n := ahead[p] - 2; n < fewGuesses || n > 2*fewGuesses { // find went there before, and counts for one
			t.Errorf("%d files ahead of process %d", n, p)
		}
	}
}

// The same, all at once.
func TestWalkOfManyThreads(t *testing.T) {
	const files, batch, threads = 2000, 25, 8
	r := newReading(t, files, func(i int) string { return fmt.Sprintf("d%02d/%03d.c", i/100, i%100) })
	r.find(t, "", nil)
	r.ResetLog()
	batches := make(chan []string, files/batch)
	for b := range slices.Chunk(r.keys, batch) {
		batches <- b
	}
	close(batches)
	var wg sync.WaitGroup
	for range threads {
		wg.Go(func() {
			for b := range batches {
				for _, key := range b {
					r.cat(t, key)
				}
			}
		})
	}
	wg.Wait()
	if n := r.flights(); n > files+files/50 {
		t.Errorf("%d GETs for %d files", n, files)
	}
}

// A file that was replaced when it was guessed: the guess gets nothing, open says
// ESTALE, and what is opened then is the new version.
func TestGuessOfAReplacedFile(t *testing.T) {
	r := newReading(t, 100, inOneDirectory)
	r.know(t, "d/")
	key := inOneDirectory(5)
	r.Put(key, s3test.Object{Size: 20})
	for i := range 4 { // 3, 4, 5, ... are guessed with 2
		r.cat(t, inOneDirectory(i))
	}
	_, _, status := r.open(t, key)
	equal(t, "open", status, estale)
	r.cat(t, key)
	for i := 6; i < 20; i++ {
		r.cat(t, inOneDirectory(i))
	}
}

// A file that is replaced when its guess has come is the version that was listed,
// all of it, for as long as the listing is believed.
func TestFileReplacedBehindItsGuess(t *testing.T) {
	r := newReading(t, 100, inOneDirectory)
	r.know(t, "d/")
	for i := range 4 {
		r.cat(t, inOneDirectory(i))
	}
	r.gets(t, 0)
	if err := r.WaitIdle(t.Context()); err != nil {
		t.Fatal(err)
	}
	key := inOneDirectory(5)
	node, fh, status := r.open(t, key)
	equal(t, "open", status, fuse.OK)
	defer r.release(node, fh)
	old, _ := r.Object(key)
	r.Put(key, s3test.Object{Size: 20})
	p, status := r.k.read(node, fh, 0, 100)
	equal(t, "read", status, fuse.OK)
	equal(t, "bytes", len(p), 10)
	if err := s3test.CheckContent(key, old.ETag, p, 0); err != nil {
		t.Error(err)
	}
	r.age("d/", r.opts.TTL)
	r.cat(t, key)
}

// A guess that fails fails nobody: open asks again.
func TestGuessThatFails(t *testing.T) {
	for name, action := range map[string]s3test.Action{
		"503":      s3test.Error(503, "SlowDown"),
		"an error": s3test.Error(500, "InternalError"),
		"HTML":     s3test.HTML(),
	} {
		r := newReading(t, 100, inOneDirectory)
		r.know(t, "d/")
		const tries = 2 // of a request, in this rig
		r.AddRule(s3test.Rule{Op: s3test.Get, Key: inOneDirectory(5), Times: tries, Action: action})
		for i := range 3 {
			r.cat(t, inOneDirectory(i))
		}
		if err := r.WaitRequests(t.Context(), 3+fewGuesses+tries-1); err != nil {
			t.Fatal(name, err)
		}
		for r.opts.Cache.Stats().FlightsNow > 0 {
			if err := r.WaitIdle(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		equal(t, name+": guesses that failed", r.opts.Cache.Stats().FailedAhead, 1)
		for i := range 100 {
			r.cat(t, inOneDirectory(i))
		}
	}
}

// Close ends the guesses, and there are none behind it.
func TestCloseEndsGuesses(t *testing.T) {
	r := newReading(t, 100, inOneDirectory)
	r.know(t, "d/")
	late := func(q s3test.Request) bool { return q.Key > inOneDirectory(12) }
	r.AddRule(s3test.Rule{Op: s3test.Get, Match: late, Action: s3test.Stall(s3test.BeforeHeaders)})
	for i := range 12 {
		r.cat(t, inOneDirectory(i))
	}
	if r.guessed() == 0 {
		t.Fatal("no guesses")
	}
	r.Tree.Close()
	equal(t, "guesses", r.guessed(), 0)
	equal(t, "bytes of them", r.opts.Cache.Stats().GuessBytes, 0)
	before := r.flights()
	for i := 1; i < 12; i++ {
		e, what := r.dirs.get("d/").listing.find(fmt.Sprintf("%04d.txt", i))
		equal(t, "known", what, there)
		if g := r.walks.opened("d/", e); g != nil {
			t.Error("a guess behind Close")
			g.end()
		}
	}
	equal(t, "guesses", r.guessed(), 0)
	equal(t, "GETs behind Close", r.flights()-before, 0)
}

// Where nothing is believed nothing is guessed.
func TestNoGuessesWithoutMemory(t *testing.T) {
	r := newReading(t, 40, inOneDirectory, ttl(0))
	r.visit(t, "d/")
	for i := range 40 {
		r.cat(t, inOneDirectory(i))
	}
	equal(t, "GETs", r.flights(), 40)
}

// Large files are not guessed, and they and empty ones do not end a walk.
func TestWalkOverLargeAndEmptyFiles(t *testing.T) {
	r := newReading(t, 0, nil)
	var small []string
	for i := range 120 {
		key := inOneDirectory(i)
		size := []int64{100, 0, cache.MaxAhead, cache.MaxAhead + 1}[i%4]
		r.Put(key, s3test.Object{Size: size})
		r.keys = append(r.keys, key)
		if size > 0 && size <= cache.MaxAhead {
			small = append(small, key)
		}
	}
	r.know(t, "d/")
	for i, key := range r.keys[:9] {
		r.cat(t, key)
		r.walks.mu.Lock()
		for _, k := range r.walks.all {
			for o := range k.pending {
				if o.Size > 0 && !slices.Contains(small, o.Key) {
					t.Errorf("guessed %s, of %d bytes", o.Key, o.Size)
				}
			}
		}
		r.walks.mu.Unlock()
		if i > 3 && r.guessed() == 0 {
			t.Errorf("no guesses behind %s", key)
		}
	}
	for _, key := range r.keys[9:] {
		r.cat(t, key)
	}
	count := map[string]int{}
	for _, q := range r.Log() {
		if q.Op == s3test.Get {
			count[q.Key]++
		}
	}
	for _, key := range small {
		if size, _ := r.Object(key); size.Size < cache.MaxAhead && count[key] != 1 {
			t.Errorf("%s was asked for %d times", key, count[key])
		}
	}
}

// Whatever programs do, each byte is the file's; and a program that goes through
// a tree in some order, alone or in batches, pays for what it opens, for what it
// leaves out on its way and for little else.
func TestProgramsReadWhatIsThere(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		perDir := rapid.IntRange(1, 120).Draw(rt, "files in a directory")
		n := rapid.IntRange(1, 400).Draw(rt, "files")
		kinds := rapid.IntRange(1, 3).Draw(rt, "kinds")
		r := newReading(t, n, func(i int) string {
			sub := ""
			if i/perDir%3 == 1 {
				sub = "m/"
			}
			return fmt.Sprintf("d%03d/%s%04d.%d", i/perDir, sub, i, i%kinds)
		})
		r.find(t, "", nil)
		r.ResetLog()
		way := r.keys
		if rapid.Bool().Draw(rt, "by inode") {
			way = nil
			for i := 0; i < len(r.keys); {
				dir, _ := dirOf(r.keys[i])
				end := i
				for in := dir; in == dir && end < len(r.keys); {
					if end++; end < len(r.keys) {
						in, _ = dirOf(r.keys[end])
					}
				}
				way = append(way, r.byInode(r.keys[i:end])...)
				i = end
			}
		}
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 2))
		skip := rapid.SampledFrom([]float64{0, 0, 0.02, 0.3}).Draw(rt, "left out")
		jump := rapid.SampledFrom([]float64{0, 0, 0.02}).Draw(rt, "jumps")
		processes := rapid.SampledFrom([]int{1, 1, 2, 8}).Draw(rt, "processes")
		batch := rapid.IntRange(1, 30).Draw(rt, "batch")
		opened, vain, jumps := map[string]bool{}, 0, 0
		open := func(key string) {
			r.cat(t, key)
			opened[key] = true
		}
		at := make([][]string, processes)
		for len(way) > 0 {
			for p := range at {
				if len(at[p]) == 0 {
					b := min(batch, len(way))
					at[p], way = way[:b], way[b:]
				}
			}
			p := rng.IntN(processes)
			for range 1 + rng.IntN(4) {
				switch {
				case len(at[p]) == 0:
				case rng.Float64() < skip:
					vain++
					at[p] = at[p][1:]
				default:
					open(at[p][0])
					at[p] = at[p][1:]
				}
			}
			if rng.Float64() < jump {
				jumps++
				open(r.keys[rng.IntN(n)])
			}
		}
		for _, b := range at {
			for _, key := range b {
				open(key)
			}
		}
		if most := len(opened)*105/100 + vain + jumps*fewGuesses + 12; int(r.flights()) > most {
			rt.Errorf("%d GETs for %d files opened, %d left out and %d jumps: more than %d", r.flights(), len(opened), vain, jumps, most)
		}
		r.gets(t, 0)
		before := r.flights()
		for _, key := range r.keys {
			if opened[key] {
				r.cat(t, key)
			}
		}
		for _, key := range r.gets(t, before) {
			if opened[key] {
				rt.Errorf("%s was asked for again", key)
			}
		}
		if err := r.WaitIdle(t.Context()); err != nil {
			rt.Error(err)
		}
		r.Tree.Close()
		r.Server.Close()
		if t.Failed() {
			rt.Fatal("as above")
		}
	})
}
