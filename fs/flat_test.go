package fs

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"s3mount/s3"
	"s3mount/s3/s3test"
)

// entriesOf gives all keys as a listing without delimiter has them.
func entriesOf(keys []string, prefix string) (all []s3.Entry) {
	for _, k := range keys {
		if strings.HasPrefix(k, prefix) {
			all = append(all, s3.Entry{Key: k, Size: int64(len(k)), ETag: "tag of " + k})
		}
	}
	return all
}

// What a listing without delimiter says of the directories is what their own
// listings say: of those that are whole all, and of those cut off a beginning.
func TestFlatIsTheDirectoriesListings(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		keys := rapid.SliceOfDistinct(keyGen, rapid.ID[string]).Draw(t, "keys")
		slices.Sort(keys)
		tree := &Tree{shared: &shared{}, opts: Options{TTL: time.Hour}, dirs: &directories{memory: newMemory(1000)}}
		tree.log = slog.New(slog.DiscardHandler)
		top := newListing(tree, tree.dirs.get(""))
		top.dir.offer(top)
		f := flat{tree: tree, began: time.Now(), open: []level{{"", top}}, fed: []*listing{top}}
		left := entriesOf(keys, "")
		for len(left) > 0 && rapid.IntRange(0, 9).Draw(t, "stop") > 0 {
			n := min(rapid.IntRange(1, 4).Draw(t, "page"), len(left))
			if !f.inOrder(left[:n]) {
				t.Fatalf("%v is in order behind %q", left[:n], f.last)
			}
			f.add(left[:n])
			f.tell()
			left = left[n:]
		}
		cut := len(left) > 0
		if cut {
			f.part(1)
		} else {
			f.end()
		}
		whole := 0
		for _, prefix := range tree.dirs.byKey.Keys() {
			d := tree.dirs.get(prefix)
			var want entries
			for _, e := range listS3(keys, prefix) {
				want.add(prefix, e)
			}
			want.finish()
			all, got := settled(&want), settled(&d.listing.names)
			if d.listing != nil && d.listing.complete {
				whole++
			} else if prefix != "" && d.listing.running {
				t.Fatalf("%q is still being read", prefix)
			} else if len(got) < len(all) {
				all = all[:len(got)]
			}
			if !slices.Equal(got, all) {
				t.Fatalf("keys %q: %q has %v, want %v", keys, prefix, got, all)
			}
		}
		if !cut && whole != tree.dirs.byKey.Len() {
			t.Fatalf("%d of %d directories are whole", whole, tree.dirs.byKey.Len())
		}
	})
}

// A small tree is known from one request, whatever its depth.
func TestSmallTreeCostsOneList(t *testing.T) {
	r := newRig(t, text("a/b/c/d/e/f/g/h/i/file", "a/b/x", "a/y/z"))
	equal(t, "lookup", r.look(t, "", "a"), "a/")
	at := "a/"
	for _, name := range strings.Split("bcdefghi", "") {
		equal(t, "lookup", r.look(t, at, name), name+"/")
		at += name + "/"
	}
	equal(t, "lookup", r.look(t, at, "file"), "file")
	equal(t, "lookup of none", r.look(t, at, "none"), "-")
	got, err := r.list(t, "a/y/")
	equalAll(t, "list", got, []string{"z"})
	equal(t, "error", err, nil)
	r.asked(t, "HEAD a", "LIST a/ flat")
}

// What the probe of a small bucket has told is not asked again.
func TestLearnedBucketCostsNothing(t *testing.T) {
	r := newRig(t, text("a/b/f", "g"))
	page, err := r.bucket.Probe(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	r.asked(t, "LIST flat")
	r.Learn(page, time.Now())
	equal(t, "lookup", r.look(t, "a/b/", "f"), "f")
	equal(t, "lookup of none", r.look(t, "a/", "none"), "-")
	got, err := r.list(t, "")
	equalAll(t, "list", got, []string{"a/", "g"})
	equal(t, "error", err, nil)
	r.asked(t)
}

// Of a large bucket the directories on the page are known, and the root is gone
// on with behind them.
func TestLearnedBucketIsGoneOnWith(t *testing.T) {
	r := newRig(t, s3test.Options{})
	r.PutRange(1_500, func(i int) string { return fmt.Sprintf("%02d/%04d", i/100, i) }, s3test.Object{Size: 1})
	page, err := r.bucket.Probe(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	r.Learn(page, time.Now())
	r.ResetLog()
	equal(t, "lookup", r.look(t, "03/", "0345"), "0345")
	equal(t, "lookup of none", r.look(t, "08/", "none"), "-")
	r.asked(t)
	got, err := r.list(t, "")
	if len(got) != 15 || err != nil {
		t.Errorf("listed %q, %v", got, err)
	}
	r.asked(t, "LIST after=09/"+lastRune)
	// The last directory on the page may have more.
	got, err = r.list(t, "09/")
	if len(got) != 100 || err != nil {
		t.Errorf("listed %q, %v", got, err)
	}
	r.asked(t, "LIST 09/ after=09/0999")
}

// Where a page is spent on one directory after the other that is too large for
// it, pages with delimiter come first again.
func TestFlatPagesThatDoNotPay(t *testing.T) {
	r := newRig(t, s3test.Options{})
	r.PutRange(6_000, func(i int) string { return fmt.Sprintf("%d/huge/%04d", i/1200, i) }, s3test.Object{Size: 1})
	for i := range 5 {
		got, err := r.list(t, fmt.Sprintf("%d/", i))
		equalAll(t, "list", got, []string{"huge/"})
		equal(t, "error", err, nil)
	}
	equal(t, "LISTs", r.Count(s3test.List), 3*2+2)
}

// A directory that was listed on its own is not replaced by an older view of it.
func TestFlatDoesNotReplaceWhatIsNewer(t *testing.T) {
	r := newRig(t, text("a/b/f"))
	began := time.Now()
	page, err := r.bucket.Probe(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	r.Put("a/b/g", s3test.Object{})
	if _, err := r.list(t, "a/b/"); err != nil {
		t.Fatal(err)
	}
	r.Learn(page, began)
	got, err := r.list(t, "a/b/")
	equalAll(t, "list", got, []string{"f", "g"})
	equal(t, "error", err, nil)
}

// A policy may permit listings with a delimiter alone.
func TestDelimiterRequired(t *testing.T) {
	r := newRig(t, text("d/f", "d/s/g"))
	r.AddRule(s3test.Rule{Op: s3test.List, Match: func(q s3test.Request) bool { return q.Delimiter == "" },
		Action: s3test.Error(403, "AccessDenied")})
	got, err := r.list(t, "d/")
	equalAll(t, "list", got, []string{"f", "s/"})
	equal(t, "error", err, nil)
	r.asked(t, "LIST d/ flat", "LIST d/")
}
