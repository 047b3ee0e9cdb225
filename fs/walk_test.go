package fs

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/hanwen/go-fuse/v2/fuse"

	"s3mount/cache"
	"s3mount/s3/s3test"
)

// A reading is a forest whose files are read as programs do.
type reading struct {
	*forest
	k kernel
}

func newReading(t testing.TB, n int, name func(i int) string, change ...func(*Options)) *reading {
	t.Helper()
	f := newForest(t, n, name, change...)
	return &reading{f, f.kernel(t)}
}

// know has directories listed, as an earlier ls would.
func (r *reading) know(t testing.TB, prefixes ...string) {
	t.Helper()
	for _, p := range append(prefixes, "") {
		if _, err := r.list(t, p); err != nil {
			t.Fatal(err)
		}
	}
	r.ResetLog()
}

// open opens a file.
func (r *reading) open(t testing.TB, key string) (node, fh uint64, status fuse.Status) {
	t.Helper()
	node = r.k.walk(strings.Split(key, "/")...).NodeId
	var out fuse.OpenOut
	status = r.k.raw.Open(nil, &fuse.OpenIn{InHeader: header(node)}, &out)
	return node, out.Fh, status
}

func (r *reading) release(node, fh uint64) {
	r.k.raw.Release(nil, &fuse.ReleaseIn{InHeader: header(node), Fh: fh})
}

// cat reads a file, which must hold what the server has.
func (r *reading) cat(t testing.TB, key string) {
	t.Helper()
	node, fh, status := r.open(t, key)
	if !status.Ok() {
		t.Errorf("open %s: %v", key, status)
		return
	}
	defer r.release(node, fh)
	o, _ := r.Object(key)
	const most = cache.MaxRead
	p, status := r.k.read(node, fh, 0, most)
	if !status.Ok() || int64(len(p)) != min(o.Size, most) {
		t.Errorf("read %s: %d bytes of %d, %v", key, len(p), o.Size, status)
		return
	}
	if err := s3test.CheckContent(key, o.ETag, p, 0); err != nil {
		t.Error(err)
	}
}

// gets gives the keys of the GETs since the last ResetLog or gets, sorted, once
// all that have been decided on have arrived. There may be no other requests.
func (r *reading) gets(t testing.TB, before int64) (keys []string) {
	t.Helper()
	// One that was given up at once may never have been sent.
	for len(r.Log()) < int(r.flights()-before) && r.opts.Cache.Stats().FlightsNow > 0 {
		runtime.Gosched()
	}
	for _, q := range r.Log() {
		if q.Op != s3test.Get {
			t.Errorf("asked %s", q)
		}
		keys = append(keys, q.Key)
	}
	r.ResetLog()
	slices.Sort(keys)
	return keys
}

// flights is how many GETs there have been, those included that are about to be
// sent.
func (r *reading) flights() int64 { return r.opts.Cache.Stats().Flights }

// guessed is how many files are asked for that nobody has opened.
func (r *reading) guessed() (n int) {
	r.walks.mu.Lock()
	defer r.walks.mu.Unlock()
	for _, k := range r.walks.all {
		n += len(k.pending)
	}
	return n
}

// inOneDirectory names files of one directory by number.
func inOneDirectory(i int) string { return fmt.Sprintf("d/%04d.txt", i) }

// upTo are the numbers from one to another, by a step.
func upTo(from, to, step int) (all []int) {
	for i := from; i < to; i += step {
		all = append(all, i)
	}
	return all
}

// Which files are asked for when which have been opened.
func TestWalksAreRecognised(t *testing.T) {
	for name, tt := range map[string]struct {
		name  func(i int) string
		read  bool // the directory is read by who opens the files
		opens []int
		ahead []int // asked for besides
	}{
		"one file":                         {opens: []int{500}},
		"the first file":                   {opens: []int{0}, read: true},
		"the first two":                    {opens: []int{0, 1}, read: true, ahead: []int{2, 3, 4, 5}},
		"the first two, without a readdir": {opens: []int{0, 1}},
		"two in the middle":                {opens: []int{500, 501}},
		"three in the middle":              {opens: []int{500, 501, 502}, ahead: []int{503, 504, 505, 506}},
		"four":                             {opens: []int{500, 501, 502, 503}, ahead: []int{504, 505, 506, 507}},
		"with two left out":                {opens: []int{500, 501, 504, 505}, ahead: []int{506, 507, 508, 509}},
		"with nine left out":               {opens: []int{500, 501, 511, 512}},
		"every fifth":                      {opens: upTo(500, 520, 5)},
		"every fifth, five times":          {opens: upTo(500, 525, 5), ahead: []int{521, 522, 523, 524}},
		"every tenth":                      {opens: upTo(0, 1000, 10), read: true},
		"backwards":                        {opens: []int{9, 8, 7, 6, 5, 4, 3, 2, 1, 0}, read: true},
		"the same again":                   {opens: []int{7, 7, 7, 7, 8}},
		"two at a time in turn":            {opens: []int{100, 500, 101, 501, 102, 502, 103}, ahead: []int{104, 105, 106, 107, 503, 504, 505, 506}},
		"up to the last":                   {opens: []int{995, 996, 997}, ahead: []int{998, 999}},
		"the last three":                   {opens: []int{997, 998, 999}},
	} {
		t.Run(name, func(t *testing.T) {
			r := newReading(t, 1000, inOneDirectory)
			if r.know(t, "d/"); tt.read {
				r.visit(t, "d/")
			}
			var want []string
			for _, i := range tt.opens {
				r.cat(t, inOneDirectory(i))
			}
			for _, i := range append(slices.Clone(tt.opens), tt.ahead...) {
				want = append(want, inOneDirectory(i))
			}
			slices.Sort(want)
			equalAll(t, "asked for", r.gets(t, 0), slices.Compact(want))
		})
	}
}

// As guesses come true there are more of them; all are for the walk's next files,
// and each file is asked for once.
func TestGuessesGrow(t *testing.T) {
	r := newReading(t, 1000, inOneDirectory)
	r.know(t, "d/")
	widest := 0
	for i := range 1000 {
		r.cat(t, inOneDirectory(i))
		n := r.guessed()
		widest = max(widest, n)
		if left := 1000 - i - 1; n > min(max(fewGuesses, 2*i), mostGuesses, left) {
			t.Fatalf("%d guesses behind the file %d", n, i)
		}
		equal(t, "asked for", r.flights(), int64(i+1+n))
	}
	equal(t, "the most guesses at a time", widest, mostGuesses)
	r.gets(t, 0)
	for i := range 1000 { // again: nothing is asked for
		r.cat(t, inOneDirectory(i))
	}
	equal(t, "all that was asked for", r.flights(), 1000)
	equal(t, "guesses", r.guessed(), 0)
	equal(t, "guessed bytes", r.opts.Cache.Stats().GuessBytes, 0)
}

// Who opens files in any order pays for these and next to nothing else.
func TestRandomOpensAreNoWalk(t *testing.T) {
	for seed := range uint64(10) {
		r := newReading(t, 1000, inOneDirectory)
		r.know(t, "d/")
		rng := rand.New(rand.NewPCG(seed, 0))
		for _, i := range rng.Perm(1000)[:200] {
			r.cat(t, inOneDirectory(i))
		}
		if n := r.flights(); n > 206 {
			t.Errorf("seed %d: %d GETs for 200 files", seed, n)
		}
	}
}

// Nor who opens files all over a tree.
func TestRandomOpensInATreeAreNoWalk(t *testing.T) {
	for seed := range uint64(10) {
		r := newReading(t, 1000, func(i int) string { return fmt.Sprintf("d%02d/%d.c", i/10, i%10) })
		r.find(t, "", nil)
		rng := rand.New(rand.NewPCG(seed, 0))
		for _, i := range rng.Perm(1000)[:200] {
			r.cat(t, r.keys[i])
		}
		if n := r.flights(); n > 206 {
			t.Errorf("seed %d: %d GETs for 200 files", seed, n)
		}
	}
}

// Walks side by side, by turns, are seen for what they are.
func TestWalksByTurns(t *testing.T) {
	for _, walkers := range []int{2, 4, 8} {
		r := newReading(t, walkers*300, func(i int) string { return fmt.Sprintf("w%d/d%d/%02d.c", i/300, i/30%10, i%30) })
		r.find(t, "", nil)
		for i := range 300 {
			for w := range walkers {
				r.cat(t, r.keys[w*300+i])
			}
		}
		equal(t, "GETs", r.flights(), int64(len(r.keys)))
	}
}

// Of files in pairs, of which only one kind is wanted (grep --include), the other
// kind is not asked for after a few.
func TestOtherKindsAreLeftOut(t *testing.T) {
	for _, others := range []int{1, 3} {
		r := newReading(t, 1000, func(i int) string {
			return fmt.Sprintf("d/%04d.%s", i, []string{"jpg", "xml", "raw", "txt"}[i%(others+1)])
		})
		r.know(t, "d/")
		opened := 0
		for _, key := range r.keys {
			if strings.HasSuffix(key, ".jpg") {
				opened++
				r.cat(t, key)
			}
		}
		if n := r.flights(); n > int64(opened+30) {
			t.Errorf("%d GETs for %d files of one kind among %d others", n, opened, others)
		}
	}
}

// Who opens every second file, for a reason that is not in the names, is not
// followed for long.
func TestWrongGuessesEndTheGuessing(t *testing.T) {
	for _, step := range []int{2, 3, 5, 8} {
		r := newReading(t, 4000, inOneDirectory)
		r.know(t, "d/")
		opens := upTo(0, 4000, step)
		for _, i := range opens {
			r.cat(t, inOneDirectory(i))
		}
		if n, vain := len(opens), int(r.flights())-len(opens); vain > n/4+16 {
			t.Errorf("every file of %d: %d GETs in vain, for %d", step, vain, n)
		}
	}
}

// cp -r opens files by inode number.
func TestWalkByInode(t *testing.T) {
	r := newReading(t, 500, inOneDirectory)
	r.know(t, "d/")
	keys := r.byInode(r.keys)
	for i, key := range keys {
		r.cat(t, key)
		if i == 2 {
			want := slices.Clone(keys[:7])
			slices.Sort(want)
			equalAll(t, "asked for with the third", r.gets(t, 0), want)
		}
	}
	equal(t, "GETs", r.flights(), 500)
}

// byInode sorts keys as somebody does who sorts by inode number.
func (r *reading) byInode(keys []string) []string {
	keys = slices.Clone(keys)
	slices.SortFunc(keys, func(a, b string) int {
		if inode(r.bucket.Name(), a) < inode(r.bucket.Name(), b) {
			return -1
		}
		return 1
	})
	return keys
}

// A walk through a tree goes on in the next directory, and so do the guesses.
func TestWalkGoesOnInTheNextDirectory(t *testing.T) {
	r := newReading(t, 900, func(i int) string { return fmt.Sprintf("d%02d/%d.c", i/9, i%9) })
	r.find(t, "", nil) // an ls -R before
	r.ResetLog()
	for i, key := range r.keys {
		if i%9 == 0 {
			r.visit(t, key[:4])
		}
		r.cat(t, key)
		if i >= 300 && i < 700 && r.guessed() < 2*9 {
			t.Fatalf("%d guesses behind %s: not into the next directories", r.guessed(), key)
		}
	}
	equalAll(t, "asked for", r.gets(t, 0), r.keys)
}

// Files of one directory, of which there are more below, are not all a walk
// through the tree: md5sum *.
func TestWalkStaysInItsDirectory(t *testing.T) {
	r := newReading(t, 600, func(i int) string {
		return fmt.Sprintf("d/%02d%s/%d.c", i/10, []string{"-sub", "", ".x"}[i%3], i%10)
	})
	for i := range 40 {
		key := fmt.Sprintf("d/%02d-file", i)
		r.Put(key, s3test.Object{Size: 10})
		r.keys = append(r.keys, key)
	}
	slices.Sort(r.keys)
	r.know(t, "d/")
	r.visit(t, "d/")
	var opened []string
	for i := range 40 {
		opened = append(opened, fmt.Sprintf("d/%02d-file", i))
		r.cat(t, opened[i])
	}
	equalAll(t, "asked for", r.gets(t, 0), opened)
}

// A walk that ends in the middle has asked for no more in vain than it had read;
// when it has rested, what was asked for is not held.
func TestInterruptedWalk(t *testing.T) {
	for _, opened := range []int{3, 10, 50, 400} {
		r := newReading(t, 1000, inOneDirectory)
		r.know(t, "d/")
		for i := range opened {
			r.cat(t, inOneDirectory(i))
		}
		if vain := int(r.flights()) - opened; vain > min(max(2*opened, fewGuesses), mostGuesses) {
			t.Errorf("%d GETs in vain behind %d", vain, opened)
		}
		r.gets(t, 0)
		r.walks.mu.Lock()
		for _, k := range r.walks.all {
			k.when -= walkRest
		}
		r.walks.mu.Unlock()
		r.walks.rest()
		equal(t, "guesses of a walk that rests", r.guessed(), 0)
		equal(t, "bytes of them", r.opts.Cache.Stats().GuessBytes, 0)
		before := r.flights()
		r.cat(t, inOneDirectory(opened+300)) // elsewhere
		equal(t, "GETs for one file more", r.flights()-before, 1)
	}
}
