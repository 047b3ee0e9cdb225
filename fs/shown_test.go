package fs

import (
	"errors"
	"iter"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"s3mount/s3"
)

func oneByOne(list []s3.Entry, err error) iter.Seq2[s3.Entry, error] {
	return func(yield func(s3.Entry, error) bool) {
		for _, e := range list {
			if !yield(e, nil) {
				return
			}
		}
		if err != nil {
			yield(s3.Entry{}, err)
		}
	}
}

// Paths says of each object what the definition says of all of them.
func TestPaths(t *testing.T) {
	key := rapid.StringOfN(rapid.SampledFrom([]rune("a-/.")), 1, 5, -1)
	rapid.Check(t, func(t *rapid.T) {
		objects := map[string]int64{}
		for _, k := range rapid.SliceOf(key).Draw(t, "keys") {
			objects[k] = rapid.Int64Range(0, 1).Draw(t, "size")
		}
		var list []s3.Entry
		for _, k := range slices.Sorted(maps.Keys(objects)) {
			list = append(list, s3.Entry{Key: "p/" + k, Size: objects[k]})
		}
		var all []Filter
		if rapid.Bool().Draw(t, "filtered") {
			all = drawFilters(t)
		}
		filter, _ := newFilters("", all)
		tree, behind := definition(objects, filter)
		maps.DeleteFunc(objects, func(key string, _ int64) bool { return !filter.shows(key) })
		seen := map[string]bool{}
		var hidden []string
		for s, err := range Paths("p/", all, oneByOne(list, nil)) {
			if err != nil {
				t.Fatal(err)
			}
			key := strings.TrimPrefix(s.Key, "p/")
			seen[key] = true
			if s.Hidden {
				hidden = append(hidden, key)
			}
			path, isDir := strings.CutSuffix(s.Path, "/")
			if p := tree[path]; p.dir != isDir || !isDir && p.key != key {
				t.Fatalf("%q is at %q; the definition has %+v there, of %v", key, s.Path, p, list)
			}
		}
		if slices.Sort(hidden); !slices.Equal(hidden, behind) {
			t.Fatalf("hidden are %q, want %q", hidden, behind)
		}
		if len(seen) != len(objects) {
			t.Fatalf("%d of %d objects came", len(seen), len(objects))
		}
	})
}

// With delimiter it says it of the directory's own entries.
func TestPathsOfADirectory(t *testing.T) {
	var got []string
	for s, err := range Paths("d/", nil, oneByOne(listS3([]string{"d/", "d/a", "d/a-", "d/a/x", "d//y", "d/."}, "d/"), nil)) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, s.Path)
	}
	slices.Sort(got)
	equalAll(t, "paths", got, []string{".s3mount-hidden/%2E", ".s3mount-hidden/%2F/", ".s3mount-hidden/%marker", ".s3mount-hidden/a", "a-", "a/"})
}

func TestPathsEnd(t *testing.T) {
	fault := errors.New("fault")
	for _, tt := range []struct {
		list []s3.Entry
		err  error
		want error
	}{
		{[]s3.Entry{{Key: "a"}, {Key: "b"}}, fault, fault},
		{[]s3.Entry{{Key: "b"}, {Key: "a"}}, nil, ErrUnsorted},
		{[]s3.Entry{{Key: "a"}, {Key: "a"}, {Key: "b"}}, nil, nil},
	} {
		var got error
		for _, err := range Paths("", nil, oneByOne(tt.list, tt.err)) {
			got = err
		}
		equal(t, "error", got, tt.want)
	}
	for range Paths("", nil, oneByOne([]s3.Entry{{Key: "a"}, {Key: "b"}, {Key: "c/"}}, nil)) {
		break
	}
}
