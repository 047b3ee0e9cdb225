package fs

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"s3mount/s3/s3test"
)

// unsorted answers every LIST of "d/" with these pages of names, a directory's
// with "/", in this order. It keeps to start-after as S3 does.
func unsorted(pages [][]string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		i, _ := strconv.Atoi(r.URL.Query().Get("continuation-token"))
		after := r.URL.Query().Get("start-after")
		w.Header().Set("Content-Type", "application/xml")
		fmt.Fprint(w, `<ListBucketResult>`)
		for _, name := range pages[i] {
			switch key := "d/" + name; {
			case key <= after:
			case strings.HasSuffix(key, "/"):
				fmt.Fprintf(w, `<CommonPrefixes><Prefix>%s</Prefix></CommonPrefixes>`, key)
			default:
				fmt.Fprintf(w, `<Contents><Key>%s</Key><Size>1</Size><ETag>"e"</ETag></Contents>`, key)
			}
		}
		if last := i == len(pages)-1; last {
			fmt.Fprint(w, `<IsTruncated>false</IsTruncated></ListBucketResult>`)
		} else {
			fmt.Fprintf(w, `<IsTruncated>true</IsTruncated><NextContinuationToken>%d</NextContinuationToken></ListBucketResult>`, i+1)
		}
	}
}

var unsortedPages = [][]string{{"m", "n", "q"}, {"b", "n", "a"}, {"z", "m/", "c"}, {"a/", "m", "y"}}

func TestUnsortedServer(t *testing.T) {
	r := newRig(t, s3test.Options{Rules: []s3test.Rule{{Op: s3test.List, Key: "d/", Action: s3test.Func(unsorted(unsortedPages))}}})
	var wg sync.WaitGroup
	l := r.opened("d/")
	defer l.close()
	for range 2 { // for the race detector: m is read while it turns out to be a directory
		wg.Go(func() {
			for m := (entry{}); !m.dir; {
				var err error
				if m, _, err = l.at(t.Context(), 0, true); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for range 4 {
		wg.Go(func() {
			got, err := r.list(t, "d/")
			for i, name := range got {
				got[i] = strings.TrimSuffix(name, "/")
			}
			slices.Sort(got)
			equalAll(t, "names", got, []string{"a", "b", "c", "m", "n", "q", "y", "z"})
			equal(t, "error", err, nil)
		})
	}
	wg.Wait()
	equal(t, "LISTs", r.Count(s3test.List), 5) // one of them without delimiter, and not enough to go by
	for _, want := range []string{"a/", "b", "c", "m/", "n", "q", "y", "z"} {
		equal(t, "lookup", r.look(t, "d/", strings.TrimSuffix(want, "/")), want)
	}
	equal(t, "lookup of none", r.look(t, "d/", "x"), "-")
	equal(t, "requests", r.Count(""), 5)
}

// Behind the highest key there is no going on where keys come in any order: what
// was left unfinished begins anew, and no key is lost.
func TestUnsortedListingIsResumed(t *testing.T) {
	r := newRig(t, s3test.Options{})
	release := make(chan struct{})
	third := func(q s3test.Request) bool { return q.Token == "2" }
	list := unsorted(unsortedPages)
	held := func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-release:
			list(w, r)
		case <-r.Context().Done():
		}
	}
	r.AddRule(s3test.Rule{Match: third, Times: 1, Action: s3test.Func(held)},
		s3test.Rule{Op: s3test.List, Key: "d/", Action: s3test.Func(list)})
	l := r.opened("d/")
	if err := r.WaitRequests(t.Context(), 4); err != nil {
		t.Fatal(err)
	}
	l.close()
	close(release)
	settle(l)
	r.asked(t, "LIST d/ flat", "LIST d/", "LIST d/ next", "LIST d/ next")
	got, err := r.list(t, "d/")
	slices.Sort(got)
	equalAll(t, "names", got, []string{"a/", "b", "c", "m/", "n", "q", "y", "z"}) // m is given when it has turned out to be a directory
	equal(t, "error", err, nil)
	equal(t, "lookup of m", r.look(t, "d/", "m"), "m/")
	r.asked(t, "LIST d/ flat", "LIST d/", "LIST d/ next", "LIST d/ next", "LIST d/ next")
}
