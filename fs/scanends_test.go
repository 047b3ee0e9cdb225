package fs

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"s3mount/s3/s3test"
)

// A scan that fails fails nobody who walks: everyone asks by himself.
func TestScanInTrouble(t *testing.T) {
	for name, tt := range map[string]struct {
		skip   int
		action s3test.Action
	}{
		"from the start":    {0, s3test.Error(503, "SlowDown")},
		"after a page":      {1, s3test.Error(503, "SlowDown")},
		"after two":         {2, s3test.Error(500, "InternalError")},
		"refused":           {0, s3test.Error(403, "AccessDenied")},
		"a page of a proxy": {1, s3test.HTML()},
		"cut in the middle": {1, s3test.Reset(10_000)},
	} {
		t.Run(name, func(t *testing.T) {
			f := newForest(t, 6_050, dirsOf(110))
			scans := func(r s3test.Request) bool { return flatFrom(r) || r.Token != "" && r.Delimiter == "" }
			f.AddRule(s3test.Rule{Match: scans, Skip: tt.skip, Action: tt.action})
			f.find(t, "", nil)
			f.ClearRules()
			for _, s := range f.underWay() {
				s.stop()
			}
			f.find(t, "", nil)
		})
	}
}

// reversed answers with a page whose keys are not in order.
func reversed(keys []string) s3test.Action {
	return s3test.Func(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/xml")
		fmt.Fprint(w, `<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>t</NextContinuationToken>`)
		for _, key := range slices.Backward(keys) {
			fmt.Fprintf(w, `<Contents><Key>%s</Key><Size>10</Size><ETag>"e"</ETag></Contents>`, key)
		}
		fmt.Fprint(w, `</ListBucketResult>`)
	})
}

// Of a server that turns out not to sort nothing is believed that rests on order.
// Who reads just then may be told EIO, once.
func TestScanOfAnUnsortedServer(t *testing.T) {
	for skip := range 3 {
		f := newForest(t, 5_000, dirsOf(100))
		scans := func(r s3test.Request) bool { return flatFrom(r) || r.Token != "" && r.Delimiter == "" }
		f.AddRule(s3test.Rule{Match: scans, Skip: skip, Action: reversed(f.keys[2000:3000])})
		failed := 0
		visit := func(prefix string) []string {
			for range 2 {
				l := f.toRead(prefix)
				l.open()
				got, err := names(t, l)
				l.close()
				if err == nil {
					equalAll(t, prefix, got, f.want(prefix))
					return got
				}
				failed++
			}
			t.Fatalf("%q: an error twice", prefix)
			return nil
		}
		for _, name := range visit("") {
			visit(name)
		}
		if failed > 1 {
			t.Errorf("%d errors, want at most one", failed)
		}
		equal(t, "it is known", f.unsorted.Load(), true)
		equal(t, "said in the log", strings.Count(f.log.String(), "does not list keys in order"), 1)
	}
}

// Close ends a scan whose request hangs, and whoever waits for it.
func TestCloseEndsAScan(t *testing.T) {
	f := newForest(t, 3_000, dirsOf(100))
	f.AddRule(s3test.Rule{Match: flatFrom, Action: s3test.Stall(s3test.BeforeHeaders)})
	for i := range 9 {
		f.visit(t, "")
		f.visit(t, fmt.Sprintf("d%03d/", i))
	}
	var wg sync.WaitGroup
	for _, dir := range []string{"d009/", "d015/", "d029/"} {
		l := f.toRead(dir)
		l.open()
		wg.Go(func() {
			defer l.close()
			if _, err := names(t, l); err == nil {
				t.Errorf("%s was read without a server", dir)
			}
		})
	}
	f.Tree.Close()
	wg.Wait()
	equal(t, "scans", len(f.underWay()), 0)
	l := f.toRead("d020/")
	l.open()
	if _, err := names(t, l); err == nil {
		t.Error("a directory was read behind Close")
	}
}

// walkTo opens the directories up to one that is not known yet, at which a scan
// begins.
func (f *forest) walkTo(t testing.TB, n int) {
	t.Helper()
	f.visit(t, "")
	for i := range n {
		f.visit(t, fmt.Sprintf("d%03d/", i))
	}
}

// A scan that ends early leaves beginnings behind. Their readers go on by
// themselves: no name is lost, none comes twice, and places stay what they were.
func TestScanEndsUnderItsReaders(t *testing.T) {
	f := newForest(t, 12_000, dirsOf(1_300))
	release := make(chan struct{})
	// The scan's third page is held until it has been told to stop.
	f.AddRule(s3test.Rule{Match: func(r s3test.Request) bool { return r.Delimiter == "" && r.Token != "" }, Skip: 1, Times: 1,
		Action: s3test.Hold(s3test.BeforeHeaders, release)})
	f.walkTo(t, 2)
	var waiting []*listing
	for _, dir := range []string{"d002/", "d003/", "d005/", "d007/"} {
		l := f.toRead(dir)
		l.open()
		waiting = append(waiting, l)
	}
	read := map[*listing][]string{}
	for _, l := range waiting {
		for i := 0; ; i++ {
			e, ok, err := l.at(t.Context(), i, false)
			if err != nil || !ok {
				break
			}
			read[l] = append(read[l], shown(e))
		}
	}
	for _, s := range f.underWay() {
		s.stop()
	}
	close(release)
	for _, l := range waiting {
		got, err := names(t, l)
		equal(t, "error", err, nil)
		equalAll(t, l.prefix, got, f.want(l.prefix))
		equalAll(t, l.prefix+", what came first", read[l], got[:len(read[l])])
		l.close()
	}
}

// More walks at once than there may be scans: the oldest scan ends, every walk
// sees what is there.
func TestManyScans(t *testing.T) {
	const walkers = 2 * maxScans
	f := newForest(t, walkers*3_000, func(i int) string {
		return fmt.Sprintf("%c/d%02d/%03d", 'a'+i/3000, i/100%30, i%100)
	})
	var wg sync.WaitGroup
	for i := range walkers {
		wg.Go(func() {
			f.find(t, string(rune('a'+i))+"/", nil)
			if n := len(f.underWay()); n > maxScans {
				t.Errorf("%d scans", n)
			}
		})
	}
	wg.Wait()
	if n := f.Count(s3test.List); n > walkers*(3*2+30) {
		t.Errorf("%d LISTs", n)
	}
}

// While the scan's request hangs, names below a directory that waits for it are
// looked up on their own.
func TestLookupBesideAScan(t *testing.T) {
	f := newForest(t, 3_000, dirsOf(100))
	release := make(chan struct{})
	f.AddRule(s3test.Rule{Match: flatFrom, Action: s3test.Hold(s3test.BeforeHeaders, release)})
	f.walkTo(t, 9)
	first, awaited := f.toRead("d009/"), f.toRead("d015/")
	first.open()
	awaited.open()
	if err := f.WaitRequests(t.Context(), 3); err != nil { // the scan's is the third
		t.Fatal(err)
	}
	f.ResetLog()
	equal(t, "lookup", f.look(t, "d015/", "0042"), "0042")
	equal(t, "lookup of none", f.look(t, "d015/", "none"), "-")
	equal(t, "lookup", f.look(t, "d009/", "0099"), "0099")
	f.asked(t, "HEAD d015/0042", "LIST d015/0042/ flat", "HEAD d015/none", "LIST d015/none/ flat",
		"HEAD d009/0099", "LIST d009/0099/ flat")
	close(release)
	for _, l := range []*listing{first, awaited} {
		got, err := names(t, l)
		equal(t, "error", err, nil)
		equalAll(t, l.prefix, got, f.want(l.prefix))
		l.close()
	}
}

// A directory that is gone when the scan comes to its place is empty, and the
// reader is told so when the scan is past it, not when it ends.
func TestScanOfADeletedDirectory(t *testing.T) {
	f := newForest(t, 100_000, dirsOf(100))
	release := make(chan struct{})
	f.AddRule(s3test.Rule{Match: flatFrom, Action: s3test.Hold(s3test.BeforeHeaders, release)})
	f.walkTo(t, 9)
	first, gone, next := f.toRead("d009/"), f.toRead("d012/"), f.toRead("d013/")
	for _, l := range []*listing{first, gone, next} {
		l.open()
		defer l.close()
	}
	for i := range 100 {
		f.Delete(fmt.Sprintf("d012/%04d", i))
	}
	if err := f.WaitRequests(t.Context(), 3); err != nil { // the scan's is the third
		t.Fatal(err)
	}
	f.ResetLog()
	close(release)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	_, ok, err := gone.at(ctx, 0, true)
	if ok || err != nil {
		t.Errorf("a directory without keys has an entry (%v), %v", ok, err)
	}
	got, err := names(t, next)
	equal(t, "error", err, nil)
	equalAll(t, next.prefix, got, f.want(next.prefix))
	if n := f.Count(s3test.List); n > 2+scanLead {
		t.Errorf("%d LISTs, %q", n, f.Requests())
	}
}

// Listings that are believed only for as long as a few requests take: what a walk
// sees is right all the same.
func TestScanOutlivesItsTime(t *testing.T) {
	for _, believed := range []time.Duration{time.Millisecond, 5 * time.Millisecond, 30 * time.Millisecond} {
		f := newForest(t, 5_000, dirsOf(50), ttl(believed))
		f.find(t, "", nil)
	}
	f := newForest(t, 3_000, dirsOf(100), ttl(0))
	f.find(t, "", nil)
	equal(t, "scans", len(f.underWay()), 0)
	for _, r := range f.Log() {
		if flatFrom(r) {
			t.Errorf("a scan where nothing is remembered: %s", r)
		}
	}
}

// cp -r goes through directories by inode number, which is no order of keys.
func TestWalkByInodeIsListed(t *testing.T) {
	const dirs = 300
	f := newForest(t, dirs*100, dirsOf(100))
	names := f.visit(t, "")
	slices.SortFunc(names, func(a, b string) int {
		if inode(f.bucket.Name(), a) < inode(f.bucket.Name(), b) {
			return -1
		}
		return 1
	})
	for _, name := range names {
		f.visit(t, name)
	}
	f.rested(t)
	t.Logf("%d LISTs %.900q", f.Count(s3test.List), f.Requests())
	if n := f.Count(s3test.List); n > dirs/2 {
		t.Errorf("%d LISTs for %d directories of 100 keys", n, dirs)
	}
}

// A scan that rests keeps the listing of the directory that it is in; who comes
// when that is old gets a new one.
func TestListingAtRestIsNotBelievedForLong(t *testing.T) {
	r := newRig(t, text("d/f"))
	l := newListing(r.Tree, r.dirs.get("d/"))
	l.running, l.fed = true, make(chan struct{}, 1)
	l.take(entriesOf([]string{"d/gone"}, "d/"))
	l.dir.offer(l)
	r.age("d/", 2*time.Hour)
	got, err := r.list(t, "d/")
	equalAll(t, "list", got, []string{"f"})
	equal(t, "error", err, nil)
}

// Where a listing of all is refused, a walk asks for that once, and then for one
// directory after the other.
func TestScanIsRefused(t *testing.T) {
	f := newForest(t, 10_000, dirsOf(100))
	f.find(t, "", nil)
	f.age("", 2*time.Hour)
	f.dirs.forgetAll()
	f.AddRule(s3test.Rule{Op: s3test.List, Match: func(q s3test.Request) bool { return q.Key == "" && q.Delimiter == "" },
		Action: s3test.Error(403, "AccessDenied")})
	f.ResetLog()
	f.find(t, "", nil)
	denied := 0
	for _, q := range f.Requests() {
		if strings.HasPrefix(q, "LIST flat") {
			denied++
		}
	}
	if n := f.Count(s3test.List); denied > 2 || n > 104 {
		t.Errorf("%d LISTs, %d of them refused", n, denied)
	}
}
