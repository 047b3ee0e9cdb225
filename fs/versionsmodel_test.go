package fs

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"s3mount/cache"
	"s3mount/s3"
	"s3mount/s3/s3test"
	"s3mount/sigv4"
)

// A random bucket's past is, at each moment, what the definition says of the
// objects that there were; and with all versions each is there, by a name and with
// its bytes.
func TestThePastIsItsDefinition(t *testing.T) {
	keys := []string{"a", "a-", "a/", "a/b", "a/b/c", "a//x", "a.tar.gz", "b/", "b/c/d", "b/c/e", "b", "../x", "é/" + strings.Repeat("n", 250), "c d/e.txt"}
	rapid.Check(t, func(rt *rapid.T) {
		srv, err := s3test.Start(s3test.Options{Versioned: true, PageSize: rapid.SampledFrom([]int{2, 3, 150}).Draw(rt, "page")})
		if err != nil {
			rt.Fatal(err)
		}
		defer srv.Close()
		at := rapid.IntRange(-1, 30).Draw(rt, "at")
		then, ever := map[string]int64{}, map[string]int64{} // of keys; of texts, with the keys in front
		n := rapid.IntRange(1, 30).Draw(rt, "changes")
		present := map[string]bool{}
		for i := range n {
			key := rapid.SampledFrom(keys).Draw(rt, "key")
			if when := moment.Add(time.Duration(i) * time.Second); present[key] && rapid.IntRange(0, 2).Draw(rt, "delete") == 0 {
				srv.DeleteAt(key, when)
				present[key] = false
				if i <= at {
					delete(then, key)
				}
			} else {
				text := fmt.Sprint(i)
				if strings.HasSuffix(key, "/") {
					text = ""
				}
				srv.Put(key, s3test.Object{Body: []byte(text), LastModified: when})
				present[key] = true
				if i <= at {
					then[key] = int64(len(text))
				}
				if text != "" {
					ever[key+" "+text]++
				}
			}
		}
		in := func(at time.Time, all bool) (*Tree, func()) {
			b, err := s3.New(s3.Options{Name: srv.Bucket(), Region: srv.Region(), Endpoint: srv.Endpoint(), PathStyle: true, At: at, Versions: all, HedgeAfter: -1,
				Credentials: func(context.Context, sigv4.Credentials) (sigv4.Credentials, error) { return srv.Credentials(), nil }})
			if err != nil {
				rt.Fatal(err)
			}
			blocks, err := cache.New(cache.Options{Source: source{b}, MemoryBytes: cache.MinMemoryBytes})
			if err != nil {
				rt.Fatal(err)
			}
			tree, err := New(Options{Bucket: b, Cache: blocks, TTL: time.Hour})
			if err != nil {
				rt.Fatal(err)
			}
			return tree, func() { tree.Close(); blocks.Close(); b.CloseIdleConnections() }
		}
		tree, end := in(moment.Add(time.Duration(at)*time.Second), false)
		defer end()
		got := map[string]place{}
		entriesBelow(rt, tree, "", "", func(path, parent string, e entry) {
			p := place{dir: e.dir}
			if !e.dir {
				p.key, p.size = parent+e.object(), e.size
			}
			got[path] = p
		})
		want, _ := definition(then, nil)
		onTheWay := func(path string, p place) bool { return p.dir && strings.Contains(path, doorName) }
		maps.DeleteFunc(got, onTheWay)
		maps.DeleteFunc(want, onTheWay)
		if !maps.Equal(got, want) {
			rt.Fatalf("at %d there is %v, want %v", at, got, want)
		}
		maps.DeleteFunc(got, func(_ string, p place) bool { return p.dir })
		sameAsPaths(rt, tree, slices.Sorted(maps.Keys(got)))
		tree, end = in(time.Time{}, true)
		defer end()
		var paths []string
		entriesBelow(rt, tree, "", "", func(path, parent string, e entry) {
			if e.dir {
				return
			}
			paths = append(paths, path)
			key := parent + e.object()
			p := make([]byte, e.size)
			if e.size > 0 {
				r := tree.opts.Cache.Open(contentOf(parent, e))
				defer r.Close()
				v, err := r.ReadAt(rt.Context(), 0, len(p))
				if err != nil {
					rt.Fatalf("%s: %v", path, err)
				}
				p = slices.Concat(v.Slices()...)
				v.Done()
			}
			ever[key+" "+string(p)]--
		})
		slices.Sort(paths)
		sameAsPaths(rt, tree, paths)
		for version, missing := range ever {
			if missing != 0 {
				rt.Fatalf("of %q %d are missing", version, missing)
			}
		}
	})
}

// sameAsPaths says whether Paths gives these paths, for files.
func sameAsPaths(t *rapid.T, tree *Tree, want []string) {
	var got []string
	for s, err := range Paths("", nil, tree.bucket.List(t.Context(), s3.ListOptions{})) {
		switch {
		case err != nil:
			t.Fatal(err)
		case !strings.HasSuffix(s.Path, "/"):
			got = append(got, s.Path)
		}
	}
	if slices.Sort(got); !slices.Equal(got, want) {
		t.Fatalf("Paths has %q, the mount %q", got, want)
	}
}

// entriesBelow calls f with each entry below a prefix, those behind doors included,
// and its path and its directory's prefix.
func entriesBelow(t *rapid.T, tree *Tree, at, prefix string, f func(path, parent string, e entry)) {
	l := tree.dirs.get(prefix).current(tree)
	l.open()
	defer l.close()
	give := func(path string, e entry) {
		f(path, prefix, e)
		if e.dir {
			entriesBelow(t, tree, path+"/", prefix+e.name+"/", f)
		}
	}
	for i := 0; ; i++ {
		e, ok, err := l.at(t.Context(), i, true)
		if err != nil {
			t.Fatal(err)
		}
		if !ok {
			break
		}
		give(at+e.name, e)
	}
	for e := range l.names.hidden.all() {
		give(at+doorName+"/"+strings.Join(splitName(escapeName(e.name, e.dir)), "/"), e)
	}
}
