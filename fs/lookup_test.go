package fs

import (
	"errors"
	"fmt"
	iofs "io/fs"
	"strings"
	"sync"
	"testing"
	"time"

	"s3mount/s3/s3test"
)

// look looks a name up and gives it as a listing shows it, "-" when it is not
// there.
func (r *rig) look(t testing.TB, prefix, name string) string {
	t.Helper()
	e, _, err := r.lookup(prefix, name)
	switch {
	case errors.Is(err, iofs.ErrNotExist):
		return "-"
	case err != nil:
		t.Errorf("lookup(%q, %q): %v", prefix, name, err)
		return "error"
	case e.name != name:
		t.Errorf("lookup(%q, %q) gives %q", prefix, name, e.name)
	}
	return shown(e)
}

func TestLookupCostsOneHeadAndOneList(t *testing.T) {
	r := newRig(t, text("d/f", "d/sub/x"))
	for _, tt := range []struct {
		name, want string
		asked      []string
	}{
		{"f", "f", []string{"HEAD d/f", "LIST d/f/ flat"}},
		{"sub", "sub/", []string{"HEAD d/sub", "LIST d/sub/ flat"}},
		{"none", "-", []string{"HEAD d/none", "LIST d/none/ flat"}},
		// By now all three are known.
		{"f", "f", nil},
		{"sub", "sub/", nil},
		{"none", "-", nil},
		// What cannot be there is not asked for.
		{".", "-", nil},
		{"..", "-", nil},
		{"", "-", nil},
		{"a\x00b", "-", nil},
	} {
		equal(t, "lookup of "+tt.name, r.look(t, "d/", tt.name), tt.want)
		r.asked(t, tt.asked...)
	}
	if _, _, err := r.lookup("d/", strings.Repeat("x", 256)); !errors.Is(err, errNameTooLong) {
		t.Errorf("a name of 256 bytes: %v", err)
	}
	equal(t, "a name of 255 bytes", r.look(t, "d/", strings.Repeat("x", 255)), "-")
}

// The LIST of a lookup is the first page of the directory's listing.
func TestLookupOfADirectoryListsIt(t *testing.T) {
	r := newRig(t, text("d/f", "d/g"))
	equal(t, "lookup", r.look(t, "", "d"), "d/")
	r.asked(t, "HEAD d", "LIST d/ flat")
	got, err := r.list(t, "d/")
	equalAll(t, "list", got, []string{"f", "g"})
	equal(t, "error", err, nil)
	equal(t, "lookup in it", r.look(t, "d/", "g"), "g")
	r.asked(t)
}

func TestListedDirectoryAnswersAll(t *testing.T) {
	r := newRig(t, text("d/f", "d/sub/x"))
	if _, err := r.list(t, "d/"); err != nil {
		t.Fatal(err)
	}
	r.asked(t, "LIST d/ flat")
	for name, want := range map[string]string{"f": "f", "sub": "sub/", "none": "-", "su": "-", "sub-": "-"} {
		equal(t, "lookup of "+name, r.look(t, "d/", name), want)
	}
	r.asked(t)
}

// Many who ask for one name at the same time ask once.
func TestLookupsOfOneNameAreJoined(t *testing.T) {
	for _, key := range []string{"d/f", "d/g"} { // one that is there, one that is not
		r := newRig(t, text("d/f"))
		release := make(chan struct{})
		r.AddRule(s3test.Rule{Action: s3test.Hold(s3test.BeforeHeaders, release)})
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() { r.look(t, "d/", strings.TrimPrefix(key, "d/")) })
		}
		if err := r.WaitRequests(t.Context(), 2); err != nil {
			t.Fatal(err)
		}
		close(release)
		wg.Wait()
		r.asked(t, "HEAD "+key, "LIST "+key+"/ flat")
	}
}

// A directory of ten thousand is not listed because one name in it is wanted.
func TestLookupInAHugeDirectory(t *testing.T) {
	r := newRig(t, s3test.Options{})
	r.PutRange(10_000, func(i int) string { return fmt.Sprintf("huge/%05d", i) }, s3test.Object{Size: 1})
	equal(t, "lookup", r.look(t, "huge/", "07777"), "07777")
	equal(t, "lookup of none", r.look(t, "huge/", "07777x"), "-")
	r.asked(t, "HEAD huge/07777", "LIST huge/07777/ flat", "HEAD huge/07777x", "LIST huge/07777x/ flat")

	// The lookup of the directory itself is one page, which answers for the
	// names on it. It proves no absence: not every server sorts.
	equal(t, "the directory", r.look(t, "", "huge"), "huge/")
	equal(t, "lookup of the first", r.look(t, "huge/", "00000"), "00000")
	equal(t, "lookup of none", r.look(t, "huge/", "00000x"), "-")
	equal(t, "of one that was asked for before", r.look(t, "huge/", "07777"), "07777")
	r.asked(t, "HEAD huge", "HEAD huge/00000x", "LIST huge/ flat", "LIST huge/00000x/ flat")
}

// What is found by a directory's listing is as old as that, not as the question.
func TestLookupSaysSinceWhenItIsKnown(t *testing.T) {
	r := newRig(t, text("d/sub/x"))
	if _, err := r.list(t, "d/sub/"); err != nil {
		t.Fatal(err)
	}
	r.age("d/sub/", 50*time.Minute)
	_, at, err := r.lookup("d/", "sub")
	if err != nil || time.Since(at) < 50*time.Minute {
		t.Errorf("known for %v, error %v; its listing is 50 minutes old", time.Since(at), err)
	}
}

func TestTTL(t *testing.T) {
	r := newRig(t, text("d/f"))
	look := func(want string, asked ...string) {
		t.Helper()
		equal(t, "lookup of f", r.look(t, "d/", "f"), want)
		r.asked(t, asked...)
	}
	pair := []string{"HEAD d/f", "LIST d/f/ flat"}
	look("f", pair...)
	r.Delete("d/f")
	r.age("d/", 59*time.Minute)
	look("f")
	r.age("d/", 2*time.Minute) // over the hour now
	look("-", pair...)
	r.Put("d/f", s3test.Object{Size: 1})
	look("-")
	r.age("d/", 61*time.Minute)
	look("f", pair...)

	if _, err := r.list(t, "d/"); err != nil {
		t.Fatal(err)
	}
	r.asked(t, "LIST d/ flat")
	r.Delete("d/f")
	look("f")
	r.age("d/", 61*time.Minute)
	look("-", pair...)
}

func TestTTLOfNothingAsksEveryTime(t *testing.T) {
	r := newRig(t, text("d/f"), ttl(0))
	for range 2 {
		equal(t, "lookup", r.look(t, "d/", "f"), "f")
		equal(t, "lookup of none", r.look(t, "d/", "g"), "-")
		r.asked(t, "HEAD d/f", "LIST d/f/", "HEAD d/g", "LIST d/g/")
		if _, err := r.list(t, "d/"); err != nil {
			t.Fatal(err)
		}
		r.asked(t, "LIST d/")
	}
	r.dirs.mu.Lock()
	defer r.dirs.mu.Unlock()
	if d, ok := r.dirs.byKey.Peek("d/"); !ok || d.facts != 0 {
		t.Error("facts are kept that will never be believed")
	}
}

// distrust is for what a GET has shown to be old: the next lookup asks, though a
// listing and an answer are fresh.
func TestDistrust(t *testing.T) {
	r := newRig(t, text("d/f", "d/g"))
	if _, err := r.list(t, "d/"); err != nil {
		t.Fatal(err)
	}
	r.ResetLog()
	r.Delete("d/f")
	r.distrust("d/", "f")
	equal(t, "lookup of f", r.look(t, "d/", "f"), "-")
	equal(t, "lookup of g", r.look(t, "d/", "g"), "g")
	r.asked(t, "HEAD d/f", "LIST d/f/ flat")
	equal(t, "lookup of f again", r.look(t, "d/", "f"), "-")
	r.asked(t)
}

// A question that was under way when its answer came to be distrusted is no
// answer to those who ask afterwards, however late it comes.
func TestDistrustOfAQuestionUnderWay(t *testing.T) {
	r := newRig(t, text("d/f"))
	release, arrived := make(chan struct{}), make(chan struct{})
	var once sync.Once
	r.AddRule(s3test.Rule{Op: s3test.Head, Times: 1,
		Match:  func(s3test.Request) bool { once.Do(func() { close(arrived) }); return true },
		Action: s3test.All(s3test.SetHeader("ETag", `"old"`), s3test.Hold(s3test.BeforeHeaders, release))})
	tag := func() string {
		e, _, err := r.lookup("d/", "f")
		if err != nil {
			t.Error(err)
		}
		return e.tag
	}
	var wg sync.WaitGroup
	wg.Go(func() { equal(t, "the early one", tag(), "old") })
	<-arrived
	r.distrust("d/", "f")
	o, _ := r.Object("d/f")
	now := strings.Trim(o.ETag, `"`)
	equal(t, "the late one", tag(), now)
	close(release)
	wg.Wait()
	r.ResetLog()
	equal(t, "when both are answered", tag(), now)
	r.asked(t)
}

// An answer that has come in stays known when a partial listing, begun later,
// does not reach as far.
func TestPartialListingHidesNoAnswer(t *testing.T) {
	r := newRig(t, s3test.Options{})
	r.PutRange(3_000, func(i int) string { return fmt.Sprintf("d/%04d", i) }, s3test.Object{Size: 1})
	equal(t, "lookup", r.look(t, "d/", "2500"), "2500")
	equal(t, "the directory", r.look(t, "", "d"), "d/")
	r.ResetLog()
	equal(t, "lookup again", r.look(t, "d/", "2500"), "2500")
	r.asked(t)
}

// Rows K1 to K5 of what keys there may be.
func TestKeysAsNames(t *testing.T) {
	for _, tt := range []struct {
		name  string
		keys  []string
		dir   string
		want  []string
		looks map[string]string // more names, and what lookup finds
	}{
		{"dots", []string{".", "..", "a/..", "a/../b", "../../etc/passwd", "/..", "a/./b", "a/f", "g"}, "", []string{"a/", "g"},
			map[string]string{".": "-", "..": "-"}},
		{"dots below", []string{"a/..", "a/../b", "a/./b", "a/f"}, "a/", []string{"f"}, nil},
		{"empty components", []string{"a//b", "/lead", "//", "/", "a///", "a/f"}, "", []string{"a/"}, map[string]string{"": "-"}},
		{"empty components below", []string{"a//b", "a///", "a/f"}, "a/", []string{"f"}, nil},
		{"a marker alone", []string{"d/"}, "", []string{"d/"}, nil},
		{"an empty directory", []string{"d/"}, "d/", nil, map[string]string{"x": "-"}},
		{"a marker and a key", []string{"d/", "d/x"}, "d/", []string{"x"}, nil},
		{"an object and a directory", []string{"n", "n/x"}, "", []string{"n/"}, nil},
		{"an object and a marker", []string{"n", "n/"}, "", []string{"n/"}, nil},
		{"names that sort around the slash", []string{"dir/x", "dir-1/x", "dir.x", "dir!", "dir0"}, "",
			[]string{"dir!", "dir-1/", "dir.x", "dir/", "dir0"}, map[string]string{"di": "-", "dir-": "-"}},
		{"other bytes", []string{"a\nb", "a b", "a+b", "a%2Fb", "-rf", "\x01"}, "", []string{"\x01", "-rf", "a\nb", "a b", "a%2Fb", "a+b"}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t, text(tt.keys...))
			for name, want := range tt.looks {
				equal(t, "lookup of "+name, r.look(t, tt.dir, name), want)
			}
			for _, w := range tt.want { // by HEAD and LIST first, by the listing then
				equal(t, "lookup", r.look(t, tt.dir, strings.TrimSuffix(w, "/")), w)
			}
			got, err := r.list(t, tt.dir)
			equalAll(t, "listed", got, tt.want)
			equal(t, "error", err, nil)
			for _, w := range tt.want {
				equal(t, "lookup of listed", r.look(t, tt.dir, strings.TrimSuffix(w, "/")), w)
			}
		})
	}
}

// K4: what hid the object goes, and the object appears.
func TestObjectBehindADirectoryAppears(t *testing.T) {
	r := newRig(t, text("n", "n/x"))
	equal(t, "with n/x", r.look(t, "", "n"), "n/")
	r.Delete("n/x")
	r.age("", 2*time.Hour)
	r.age("n/", 2*time.Hour)
	equal(t, "without", r.look(t, "", "n"), "n")
	r.Put("n/y", s3test.Object{Size: 1})
	r.age("", 2*time.Hour)
	equal(t, "with n/y", r.look(t, "", "n"), "n/")
}
