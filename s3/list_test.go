package s3

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"s3mount/s3/s3test"
)

func TestListingsOfManySizes(t *testing.T) {
	tests := []struct {
		keys, dirs int // dirs of three keys each
		requests   int
	}{
		{0, 0, 1}, {1, 0, 1}, {999, 0, 1}, {1000, 0, 1}, {1001, 0, 2}, {5000, 0, 5},
		{0, 1, 1}, {0, 1001, 2}, {500, 500, 1}, {501, 500, 2}, {2000, 1500, 4},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprintf("%d keys and %d prefixes", tt.keys, tt.dirs), func(t *testing.T) {
			srv := s3test.New(t, s3test.Options{})
			srv.PutRange(tt.keys, func(i int) string { return fmt.Sprintf("d/%05d", i) }, s3test.Object{Size: 7})
			srv.PutRange(3*tt.dirs, func(i int) string { return fmt.Sprintf("d/%05d x/%d", i/3, i%3) }, s3test.Object{Size: 8})
			srv.PutRange(10, func(i int) string { return fmt.Sprintf("c/%d", i) }, s3test.Object{}) // beside it
			got, err := list(t.Context(), open(t, srv), ListOptions{Prefix: "d/", Delimiter: "/", Parallel: 1})
			if err != nil {
				t.Fatal(err)
			}
			dirs, sorted := 0, slices.IsSortedFunc(got, func(a, b Entry) int { return strings.Compare(a.Key, b.Key) })
			for _, e := range got {
				if e.Prefix {
					dirs++
				}
				if e.Prefix != strings.HasSuffix(e.Key, "/") || !e.Prefix && e.Size != 7 {
					t.Fatalf("%+v", e)
				}
			}
			if len(got) != tt.keys+tt.dirs || dirs != tt.dirs || !sorted {
				t.Errorf("%d entries, %d of them prefixes, sorted: %v", len(got), dirs, sorted)
			}
			if n := srv.Count(s3test.List); n != tt.requests || srv.Count("") != n {
				t.Errorf("%d requests, want %d", n, tt.requests)
			}
		})
	}
}

func TestWhatAListingTellsOfAnObject(t *testing.T) {
	at := time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC)
	srv := s3test.New(t, s3test.Options{Objects: map[string]s3test.Object{
		"d/k":   {Size: 5, ETag: `"abc-2"`, LastModified: at, StorageClass: "GLACIER"},
		"d/l":   {Size: 0, ETag: `W/"x"`, LastModified: at},
		"d/m/n": {},
	}})
	want := []Entry{
		{Key: "d/k", Size: 5, ETag: "abc-2", LastModified: at, StorageClass: "GLACIER"},
		{Key: "d/l", ETag: "last modified 2026-02-03T04:05:06Z x", LastModified: at, StorageClass: "STANDARD"},
		{Key: "d/m/", Prefix: true},
	}
	got, err := list(t.Context(), open(t, srv), ListOptions{Prefix: "d/", Delimiter: "/"})
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%+v, %v; want %+v", got, err, want)
	}
}

// model is what a listing should be, by the definition: the keys that begin
// with the prefix and are above StartAfter, folded at the first delimiter.
func model(keys []string, o ListOptions) []string {
	var want []string
	for _, key := range slices.Compact(slices.Sorted(slices.Values(keys))) {
		rest, ok := strings.CutPrefix(key, o.Prefix)
		if !ok || key <= o.StartAfter {
			continue
		}
		shown := "key " + key
		if dir, _, found := strings.Cut(rest, o.Delimiter); found && o.Delimiter != "" {
			shown = "dir " + o.Prefix + dir + o.Delimiter
		}
		if len(want) == 0 || want[len(want)-1] != shown {
			want = append(want, shown)
		}
	}
	return want
}

func TestListAgainstItsModel(t *testing.T) {
	transport, err := NewTransport(TransportOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer transport.CloseIdleConnections()
	// Few characters, so that keys collide; and those that go wrong on their way.
	word := func(least, most int) *rapid.Generator[string] {
		return rapid.StringOfN(rapid.RuneFrom([]rune("a-/.\x01 +%é\n")), least, most, -1)
	}
	rapid.Check(t, func(t *rapid.T) {
		keys := rapid.SliceOfN(word(1, 8), 0, 40).Draw(t, "keys")
		o := ListOptions{
			Prefix:     word(0, 2).Draw(t, "prefix"),
			Delimiter:  rapid.SampledFrom([]string{"", "/", "/", "-", "a/", "//"}).Draw(t, "delimiter"),
			StartAfter: rapid.OneOf(rapid.Just(""), word(0, 4)).Draw(t, "start after"),
			PageSize:   rapid.SampledFrom([]int{0, 1, 2, 3, 7, 1000}).Draw(t, "page size"),
			Parallel:   rapid.SampledFrom([]int{1, 2, 0}).Draw(t, "parallel"),
		}
		objects := map[string]s3test.Object{}
		for _, key := range keys {
			objects[key] = s3test.Object{Size: int64(len(key))}
		}
		srv, err := s3test.Start(s3test.Options{Objects: objects})
		if err != nil {
			t.Fatal(err)
		}
		defer srv.Close()
		b, err := New(Options{Name: "bucket", Endpoint: srv.Endpoint(), Transport: transport, Credentials: always(srv.Credentials())})
		if err != nil {
			t.Fatal(err)
		}

		var got []string
		pages, last := 0, false
		for p, err := range b.Pages(t.Context(), o) {
			if err != nil {
				t.Fatal(err)
			}
			if last {
				t.Fatal("a page behind the last")
			}
			pages, last = pages+1, p.Last
			for _, e := range p.Entries {
				if e.Prefix {
					got = append(got, "dir "+e.Key)
				} else if got = append(got, "key "+e.Key); e.Size != int64(len(e.Key)) {
					t.Errorf("%q has size %d", e.Key, e.Size)
				}
			}
		}
		want := model(keys, o)
		if !slices.Equal(got, want) {
			t.Fatalf("\n got %q\nwant %q", got, want)
		}
		per := o.PageSize
		if per == 0 {
			per = 1000
		}
		n := max(1, (len(want)+per-1)/per)
		if n <= 3 || o.Parallel == 1 {
			if pages != n || srv.Count("") != n || !last {
				t.Fatalf("%d pages, %d requests, last: %v; want %d", pages, srv.Count(""), last, n)
			}
		} else if srv.Count("") > n+max(2, n*8/100) || !last {
			t.Fatalf("%d requests, last: %v; want at most some more than %d", srv.Count(""), last, n)
		}
	})
}

func TestAListingThatNobodyReadsOnEnds(t *testing.T) {
	srv := s3test.New(t, s3test.Options{})
	srv.PutRange(50, func(i int) string { return fmt.Sprint(i) }, s3test.Object{})
	b := open(t, srv)
	for range b.List(t.Context(), ListOptions{PageSize: 10}) {
		break
	}
	for range b.Pages(t.Context(), ListOptions{PageSize: 10}) {
		break
	}
	if srv.Count("") != 2 {
		t.Errorf("%d requests, want one each", srv.Count(""))
	}
	free(t, b)
}

func TestAListingThatFailsIsNoListing(t *testing.T) {
	for name, fault := range map[string]s3test.Action{
		"500":              s3test.Error(500, "InternalError"),
		"reset":            s3test.Reset(100),
		"cut":              s3test.Close(300),
		"cut without word": s3test.All(s3test.Unframed(), s3test.Close(300)),
		"error as 200":     s3test.Error(200, "InternalError"),
		"page as 200":      s3test.HTML(),
		"empty":            s3test.Reply(200, ""),
		"two listings":     s3test.Reply(200, emptyList+emptyList),
		"another document": s3test.Reply(200, "<ListAllMyBucketsResult></ListAllMyBucketsResult>"),
		"a part of it":     s3test.Cut(400),
		"no answer":        s3test.Close(s3test.BeforeHeaders),
	} {
		for _, parallel := range []int{1, 0} {
			t.Run(fmt.Sprintf("%s/%d", name, parallel), func(t *testing.T) { listWithFault(t, parallel, fault) })
		}
	}
}

// listWithFault has a fault meet the third request of a listing: one at a time,
// that is the third page.
func listWithFault(t *testing.T, parallel int, fault s3test.Action) {
	opts := ListOptions{PageSize: 10, Parallel: parallel}
	faulty := func(times int) (*s3test.Server, *Bucket) {
		srv := s3test.New(t, s3test.Options{})
		srv.PutRange(50, func(i int) string { return fmt.Sprintf("%02d", i) }, s3test.Object{})
		srv.AddRule(s3test.Rule{Op: s3test.List, Skip: 2, Times: times, Action: fault})
		return srv, open(t, srv)
	}
	_, b := faulty(1)
	if got, err := list(t.Context(), b, opts); err != nil || len(got) != 50 {
		t.Errorf("once: %d entries, %v", len(got), err)
	}
	free(t, b)

	srv, b := faulty(0)
	var complete bool
	var err error
	n := 0
	for p, e := range b.Pages(t.Context(), opts) {
		n, err = n+len(p.Entries), e
		complete = complete || p.Last
	}
	if e := asError(t, err); n > 20 || parallel == 1 && n != 20 || complete || e.Attempts != quick.Attempts {
		t.Errorf("always: %d entries, complete: %v, %v", n, complete, err)
	}
	free(t, b)
	srv.ClearRules()
	if got, err := list(t.Context(), b, opts); err != nil || len(got) != 50 {
		t.Errorf("when the server is well again: %d entries, %v", len(got), err)
	}
	free(t, b)
}

func TestAListingThatIsNotPermitted(t *testing.T) {
	srv := s3test.New(t, s3test.Options{DenyList: true, Text: map[string]string{"k": "v"}})
	b := open(t, srv)
	if _, err := list(t.Context(), b, ListOptions{}); asError(t, err).Code != "AccessDenied" || srv.Count("") != 1 {
		t.Errorf("%v after %d requests", err, srv.Count(""))
	}
	if _, err := b.Head(t.Context(), "k"); err != nil {
		t.Errorf("a head all the same: %v", err)
	}
}
