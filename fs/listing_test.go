package fs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"s3mount/s3/s3test"
)

// threePages is a rig with 2,500 objects in "d/": three pages.
func threePages(t testing.TB, change ...func(*Options)) *rig {
	t.Helper()
	r := newRig(t, s3test.Options{}, change...)
	r.PutRange(2_500, func(i int) string { return fmt.Sprintf("d/%04d", i) }, s3test.Object{Size: 1})
	return r
}

// nextPage fits requests for a page that is not a listing's first.
func nextPage(q s3test.Request) bool {
	return q.Op == s3test.List && (q.Token != "" || q.StartAfter != "")
}

// checkAll: names are those of threePages.
func checkAll(t testing.TB, got []string, err error) {
	t.Helper()
	if err != nil || len(got) != 2500 || got[0] != "0000" || got[2499] != "2499" || !slices.IsSorted(got) {
		t.Errorf("%d names, error %v; want all 2500 in order", len(got), err)
	}
}

func TestListingSizes(t *testing.T) {
	for _, tt := range []struct{ objects, dirs, lists int }{
		{0, 0, 1}, {1, 0, 1}, {0, 1, 1}, {999, 0, 1}, {1000, 0, 1}, {1001, 0, 2}, {0, 1001, 2}, {700, 700, 2}, {3_000, 0, 3},
	} {
		r := newRig(t, s3test.Options{})
		var want []string
		name := func(kind string, i int) string { return fmt.Sprintf("%05d%s", i, kind) }
		r.PutRange(tt.objects, func(i int) string { return "d/" + name("f", i) }, s3test.Object{})
		r.PutRange(tt.dirs*2, func(i int) string { return fmt.Sprintf("d/%s/%d", name("d", i/2), i) }, s3test.Object{})
		for i := range max(tt.objects, tt.dirs) {
			if i < tt.dirs {
				want = append(want, name("d/", i))
			}
			if i < tt.objects {
				want = append(want, name("f", i))
			}
		}
		got, err := r.list(t, "d/")
		if !slices.Equal(got, want) || err != nil {
			t.Errorf("%d objects and %d directories are listed as %d names, error %v", tt.objects, tt.dirs, len(got), err)
		}
		equal(t, fmt.Sprintf("LISTs for %d objects and %d directories", tt.objects, tt.dirs), r.Count(""), tt.lists)
	}
}

// The first page is there while the second is under way.
func TestFirstPageComesBeforeTheLast(t *testing.T) {
	r := threePages(t)
	release := make(chan struct{})
	r.AddRule(s3test.Rule{Match: nextPage, Action: s3test.Hold(s3test.BeforeHeaders, release)})
	l := r.opened("d/")
	defer l.close()
	for i := range 999 { // the last name of the page may yet be a directory's
		if e, ok, err := l.at(t.Context(), i, true); !ok || err != nil || e.name != fmt.Sprintf("%04d", i) {
			t.Fatalf("entry %d is %v, %v, %v", i, e, ok, err)
		}
	}
	if err := r.WaitRequests(t.Context(), 2); err != nil {
		t.Fatal(err)
	}
	equal(t, "requests being served", r.Active(), 1)
	if _, _, err := l.at(t.Context(), 999, false); err != errNotYet {
		t.Errorf("an entry of the second page without waiting: %v", err)
	}
	impatient, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := l.at(impatient, 999, true); !errors.Is(err, context.Canceled) {
		t.Errorf("for a reader who was interrupted: %v", err)
	}
	close(release)
	got, err := names(t, l)
	checkAll(t, got, err)
	r.asked(t, "LIST d/ flat", "LIST d/ after=d/0999", "LIST d/ next")
}

// Readers of one directory share its pages.
func TestReadersShareAListing(t *testing.T) {
	r := threePages(t)
	var wg sync.WaitGroup
	for range 10 {
		wg.Go(func() {
			got, err := r.list(t, "d/")
			checkAll(t, got, err)
		})
	}
	wg.Wait()
	r.asked(t, "LIST d/ flat", "LIST d/ after=d/0999", "LIST d/ next")
}

// When the last reader leaves, the page under way is the last one. Who opens the
// directory next goes on from there.
func TestReaderLeavesAndComesBack(t *testing.T) {
	r := threePages(t)
	release := make(chan struct{})
	r.AddRule(s3test.Rule{Match: nextPage, Times: 1, Action: s3test.Hold(s3test.BeforeHeaders, release)})
	l := r.opened("d/")
	if err := r.WaitRequests(t.Context(), 2); err != nil {
		t.Fatal(err)
	}
	l.close()
	close(release)
	settle(l)
	r.asked(t, "LIST d/ flat", "LIST d/ after=d/0999")

	got, err := r.list(t, "d/")
	checkAll(t, got, err)
	r.asked(t, "LIST d/ after=d/1999")
}

// The page that a lookup has asked for is not asked for again by opendir.
func TestListingGoesOnFromALookup(t *testing.T) {
	r := threePages(t)
	equal(t, "lookup", r.look(t, "", "d"), "d/")
	r.asked(t, "HEAD d", "LIST d/ flat")
	got, err := r.list(t, "d/")
	checkAll(t, got, err)
	r.asked(t, "LIST d/ after=d/0999", "LIST d/ next")
}

// A page may end with a directory; what is resumed behind it begins with that
// directory again.
func TestListingGoesOnBehindADirectory(t *testing.T) {
	r := newRig(t, s3test.Options{})
	r.PutRange(1_500, func(i int) string { return fmt.Sprintf("d/%04d/x", i) }, s3test.Object{})
	equal(t, "lookup", r.look(t, "", "d"), "d/")
	got, err := r.list(t, "d/")
	if len(got) != 1500 || err != nil {
		t.Errorf("%d names, error %v", len(got), err)
	}
	r.asked(t, "HEAD d", "LIST d/ flat", "LIST d/ after=d/0999/"+lastRune)
}

func TestThirdPageFails(t *testing.T) {
	r := threePages(t)
	r.AddRule(s3test.Rule{Match: nextPage, Skip: 1, Action: s3test.Error(503, "SlowDown")})
	got, err := r.list(t, "d/")
	equal(t, "error", errno(err), syscall.EIO)
	if len(got) != 1999 {
		t.Errorf("%d names before the error, want those of two pages but the last", len(got))
	}
	// Nothing behind the pages that came is known; what they say is.
	equal(t, "lookup of listed", r.look(t, "d/", "0001"), "0001")
	equal(t, "lookup of passed", r.look(t, "d/", "0001x"), "-")
	r.ResetLog()
	equal(t, "lookup of the unlisted", r.look(t, "d/", "2400"), "2400")
	r.asked(t, "HEAD d/2400", "LIST d/2400/ flat")

	_, err = r.list(t, "d/")
	equal(t, "error of the next reader", errno(err), syscall.EIO)
	r.ClearRules()
	r.ResetLog()
	got, err = r.list(t, "d/")
	checkAll(t, got, err)
	r.asked(t, "LIST d/ flat", "LIST d/ after=d/0999", "LIST d/ next")
}

func TestListingThatIsRefused(t *testing.T) {
	for name, tt := range map[string]struct {
		action s3test.Action
		want   syscall.Errno
	}{
		"403":                {s3test.Error(403, "AccessDenied"), syscall.EACCES},
		"no such bucket":     {s3test.Error(404, "NoSuchBucket"), syscall.EIO},
		"503":                {s3test.Error(503, "SlowDown"), syscall.EIO},
		"an error in a 200":  {s3test.Error(200, "InternalError"), syscall.EIO},
		"a page of a proxy":  {s3test.HTML(), syscall.EIO},
		"half of the answer": {s3test.Close(200), syscall.EIO},
	} {
		r := newRig(t, text("d/f"))
		r.AddRule(s3test.Rule{Op: s3test.List, Action: tt.action})
		got, err := r.list(t, "d/")
		if errno(err) != tt.want || len(got) > 0 {
			t.Errorf("%s: %q, %v", name, got, err)
		}
		r.ClearRules()
		got, err = r.list(t, "d/")
		if err != nil || len(got) != 1 {
			t.Errorf("%s, afterwards: %q, %v", name, got, err)
		}
	}
}

func TestListingExpires(t *testing.T) {
	r := newRig(t, text("d/f"))
	list := func(want string, asked ...string) {
		t.Helper()
		got, err := r.list(t, "d/")
		equal(t, "names", strings.Join(got, " "), want)
		equal(t, "error", err, nil)
		r.asked(t, asked...)
	}
	list("f", "LIST d/ flat")
	r.Put("d/g", s3test.Object{})
	list("f")
	r.age("d/", 59*time.Minute)
	list("f")
	r.age("d/", time.Minute)
	list("f g", "LIST d/ flat")
}

// Nothing is shown of a directory beside the one asked for, and nothing of what
// a server adds that does not belong.
func TestListingHoldsOnlyItsPrefix(t *testing.T) {
	r := newRig(t, text("a/b", "a/b/c", "a/bc", "a/c", "ab"), func(o *Options) { o.Prefix = "a/b/" })
	got, err := r.list(t, "a/b/")
	equalAll(t, "names", got, []string{"c"})
	equal(t, "error", err, nil)

	// Without delimiter the last of these is one of many below.
	r = newRig(t, text("a/b", "a/b/c", "a/bc", "a/c", "ab"), ttl(0))
	strange := `<Contents><Key>elsewhere</Key></Contents><Contents><Key>a/x/y</Key></Contents></ListBucketResult>`
	r.AddRule(s3test.Rule{Op: s3test.List, Action: s3test.Edit(func(b []byte) []byte {
		return []byte(strings.Replace(string(b), "</ListBucketResult>", strange, 1))
	})})
	got, err = r.list(t, "a/")
	equalAll(t, "names", got, []string{"b/", "bc", "c"})
	equal(t, "error", err, nil)
}

func TestHiddenKeysAreLogged(t *testing.T) {
	r := newRig(t, text("d/a", "d//x", "d/../y", "d/"+strings.Repeat("x", 256)))
	if _, err := r.list(t, "d/"); err != nil {
		t.Fatal(err)
	}
	r.Tree.Close() // which the line is written before
	if log := r.log.String(); !strings.Contains(log, "prefix=d/ keys=3") || strings.Count(log, "\n") != 1 {
		t.Errorf("logged %q", log)
	}
}

// Close ends the pages under way, and there are no others behind it.
func TestCloseEndsListings(t *testing.T) {
	r := threePages(t)
	r.AddRule(s3test.Rule{Match: nextPage, Action: s3test.Stall(s3test.BeforeHeaders)})
	l := r.opened("d/")
	defer l.close()
	if err := r.WaitRequests(t.Context(), 2); err != nil {
		t.Fatal(err)
	}
	r.Tree.Close()
	got, err := names(t, l)
	if len(got) != 999 || !errors.Is(err, context.Canceled) {
		t.Errorf("%d names, error %v", len(got), err)
	}
	if _, err = r.list(t, "d/"); !errors.Is(err, context.Canceled) {
		t.Errorf("behind Close: %v", err)
	}
	if r.background(func() { t.Error("it runs") }) {
		t.Error("something runs behind Close")
	}
}
