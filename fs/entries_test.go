package fs

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sort"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"s3mount/s3"
)

// listS3 is what S3 answers to LIST with a prefix and delimiter "/".
func listS3(keys []string, prefix string) []s3.Entry {
	found := map[string]s3.Entry{}
	for _, k := range keys {
		rest, ok := strings.CutPrefix(k, prefix)
		if !ok {
			continue
		}
		if name, _, folded := strings.Cut(rest, "/"); folded {
			found[prefix+name+"/"] = s3.Entry{Key: prefix + name + "/", Prefix: true}
		}
		if !strings.Contains(rest, "/") {
			found[k] = s3.Entry{Key: k, Size: int64(len(k)), ETag: "tag of " + k}
		}
	}
	var list []s3.Entry
	for _, k := range slices.Sorted(maps.Keys(found)) {
		list = append(list, found[k])
	}
	return list
}

// checkTree reads the tree of keys as entries gives it, directory by directory,
// every listing cut into pages, and holds it against the reference. pageSize
// draws the size of each page.
func checkTree(t rapid.TB, keys []string, pageSize func() int) {
	t.Helper()
	want := reference(keys)
	got := map[string]bool{}
	var read func(prefix, path string)
	read = func(prefix, path string) {
		s := checkDirectory(t, keys, prefix, path, want, pageSize)
		for _, e := range settled(s) {
			got[path+e.name] = e.dir
			if e.dir {
				read(prefix+e.name+"/", path+e.name+"/")
			}
		}
		for e := range s.hidden.all() {
			at := path + doorName
			got[at] = true
			for _, part := range splitName(escapeName(e.name, e.dir)) {
				at += "/" + part
				got[at] = true
			}
			if got[at] = e.dir; e.dir {
				read(prefix+e.name+"/", at+"/")
			}
		}
	}
	read("", "")
	if !maps.Equal(got, want) {
		t.Fatalf("keys %q\n got %v\nwant %v", keys, got, want)
	}
}

// checkDirectory feeds one listing page by page and checks what may be relied on
// meanwhile.
func checkDirectory(t rapid.TB, keys []string, prefix, path string, tree map[string]bool, pageSize func() int) *entries {
	t.Helper()
	var s entries
	var early []entry // what was settled before the last page
	list := listS3(keys, prefix)
	for left := list; len(left) > 0; {
		n := min(pageSize(), len(left))
		for _, e := range left[:n] {
			s.add(prefix, e)
		}
		if again := n - 1; pageSize()%2 == 0 && left[again].Prefix {
			left = left[again:] // resumed inside a common prefix, which is given again
			s.add(prefix, left[0])
			left = left[1:]
		} else {
			left = left[n:]
		}
		now := settled(&s)
		if len(now) < len(early) || !slices.Equal(now[:len(early)], early) {
			t.Fatalf("keys %q below %q: settled %v became %v", keys, prefix, early, now)
		}
		early = now
		checkKinds(t, &s, path, tree)
	}
	s.finish()
	now := settled(&s)
	if !slices.Equal(now[:len(early)], early) {
		t.Fatalf("keys %q below %q: settled %v became %v at the end", keys, prefix, early, now)
	}
	checkOrder(t, &s)
	checkFind(t, &s)
	return &s
}

// settled gives what is settled so far.
func settled(s *entries) []entry {
	all := make([]entry, s.settled.len())
	for i := range all {
		all[i] = s.settled.at(i)
	}
	return all
}

// checkKinds: what is settled is settled as what it is.
func checkKinds(t rapid.TB, s *entries, prefix string, tree map[string]bool) {
	t.Helper()
	for path, dir := range tree {
		name, ok := strings.CutPrefix(path, prefix)
		if !ok || strings.Contains(name, "/") {
			continue
		}
		e, found := s.find(name)
		if found && e.dir != dir {
			t.Fatalf("%q is settled as directory %v, and is %v", path, e.dir, dir)
		}
	}
}

// checkOrder: each name once, in the order of the names as if with "/".
func checkOrder(t rapid.TB, s *entries) {
	t.Helper()
	all := settled(s)
	for i := 1; i < len(all); i++ {
		if a, b := all[i-1].name, all[i].name; a+"/" >= b+"/" {
			t.Fatalf("%q before %q", a, b)
		}
	}
}

// checkFind: each name is found, with what was settled of it, and no other.
func checkFind(t rapid.TB, s *entries) {
	t.Helper()
	there := map[string]bool{}
	for _, e := range settled(s) {
		if there[e.name] {
			t.Fatalf("%q is there twice", e.name)
		}
		there[e.name] = true
		if got, ok := s.find(e.name); !ok || got != e {
			t.Fatalf("find(%q) = %v, %v; want %v", e.name, got, ok, e)
		}
	}
	for _, e := range settled(s) {
		for _, other := range []string{e.name + "a", e.name + "-", e.name + "\xff", e.name[:len(e.name)-1]} {
			if _, ok := s.find(other); ok != there[other] {
				t.Fatalf("find(%q) says %v", other, ok)
			}
		}
	}
	hidden := map[string]bool{}
	for e := range s.hidden.all() {
		hidden[escapeName(e.name, e.dir)] = true
	}
	n := 0
	for e := range s.hidden.all() {
		n++
		if got, ok := s.hidden.find(e.name, e.dir); !ok || got != e {
			t.Fatalf("hidden.find(%q, %v) = %v, %v; want %v", e.name, e.dir, got, ok, e)
		}
		if showable(e.name) && !there[e.name] {
			t.Fatalf("%q is hidden, and by nothing", e.name)
		}
		other := e.name + "\x00"
		if _, ok := s.hidden.find(other, e.dir); ok != hidden[escapeName(other, e.dir)] {
			t.Fatalf("hidden.find(%q, %v) says %v", other, e.dir, ok)
		}
	}
	if n != s.hidden.len() {
		t.Fatalf("%d are hidden, counted as %d", n, s.hidden.len())
	}
}

// The alphabet holds what matters: bytes below and above "/", "/" itself, and
// what makes "." and "..".
var keyGen = rapid.StringOfN(rapid.SampledFrom([]rune("a-/.\x01\n")), 1, 6, -1)

func TestKeysToTree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		keys := rapid.SliceOfDistinct(keyGen, rapid.ID[string]).Draw(t, "keys")
		size := rapid.IntRange(1, 4)
		checkTree(t, keys, func() int { return size.Draw(t, "page") })
	})
}

// FuzzKeysToTree does that with any bytes. Keys are separated by 0xfe, which no
// text has.
func FuzzKeysToTree(f *testing.F) {
	const separator = "\xfe"
	f.Add(strings.Join([]string{"a", "a-", "a-/x", "a.", "a/", "a/x", "a0"}, separator), uint64(1))
	f.Add(strings.Join([]string{".", "..", "a/..", "a/../b", "/..", "a/./b", "a//b", "/lead", "//", "/"}, separator), uint64(2))
	f.Add(strings.Join([]string{"d/", "n", "n/x", "dir/x", "dir-1/x", "dir.x", "dir!"}, separator), uint64(3))
	f.Add(strings.Join([]string{strings.Repeat("x", 255), strings.Repeat("x", 256), strings.Repeat("x", 256) + "/y", "a\x00b"}, separator), uint64(4))
	f.Add("\x00/"+separator+"/", uint64(135)) // two directories behind the door, one's name the other's and a NUL
	f.Fuzz(func(t *testing.T, joined string, seed uint64) {
		keys := strings.Split(joined, separator)
		sort.Strings(keys)
		keys = slices.DeleteFunc(slices.Compact(keys), func(k string) bool { return k == "" || len(k) > 1024 })
		if len(keys) > 100 || strings.Count(joined, "/") > 300 {
			t.Skip("takes long and shows no more")
		}
		r := rand.New(rand.NewPCG(seed, 0))
		checkTree(t, keys, func() int { return 1 + r.IntN(5) })
	})
}

// Servers that do not sort, repeat entries over pages, and give an object and a
// directory of one name in any order: every name is there once, a directory wins,
// and no entry changes its place (offsets of an open directory count them).
func TestUnsortedListing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		keys := rapid.SliceOfDistinct(keyGen, rapid.ID[string]).Draw(t, "keys")
		list := listS3(keys, "")
		if len(list) > 0 {
			list = append(list, rapid.SliceOf(rapid.SampledFrom(list)).Draw(t, "repeated")...)
		}
		list = rapid.Permutation(list).Draw(t, "order")
		var s entries
		var early []string
		for _, e := range list {
			s.add("", e)
			early = early[:0]
			for _, e := range settled(&s) {
				early = append(early, e.name)
			}
		}
		s.finish()
		got := map[string]bool{}
		for i, e := range settled(&s) {
			if i < len(early) && early[i] != e.name {
				t.Fatalf("entry %d was %q and is %q", i, early[i], e.name)
			}
			got[e.name] = e.dir
		}
		checkFind(t, &s)
		for e := range s.hidden.all() {
			got[doorName] = true
			got[doorName+"/"+escapeName(e.name, e.dir)] = e.dir
		}
		want := reference(keys)
		maps.DeleteFunc(want, func(path string, _ bool) bool {
			return strings.Contains(strings.TrimPrefix(path, doorName+"/"), "/")
		})
		if !maps.Equal(got, want) {
			t.Fatalf("listed %v\n got %v\nwant %v", list, got, want)
		}
	})
}

// What cannot be shown is counted, once, and so is what a directory hides.
func TestHiddenKeysAreCounted(t *testing.T) {
	for _, tt := range []struct {
		keys   []string
		hidden int
	}{
		{[]string{"a", "b/c"}, 0},
		{[]string{"d/", "d/x"}, 0},
		{[]string{".", "..", "./x", "../x"}, 4},
		{[]string{"/x", "//"}, 1}, // one entry of the listing
		{[]string{"n", "n/x"}, 1},
		{[]string{"n", "n/"}, 1},
		{[]string{strings.Repeat("x", 255), strings.Repeat("x", 256), "nul\x00"}, 2},
	} {
		var s entries
		list := listS3(tt.keys, "")
		for _, e := range list {
			s.add("", e)
			s.add("", e) // as where a page begins with the end of the last one
		}
		s.finish()
		equal(t, fmt.Sprintf("hidden of %q", tt.keys), s.hidden.len(), tt.hidden)
	}
	var s entries
	s.add("d/", s3.Entry{Key: "d/", Size: 5})
	equal(t, "hidden with a marker that holds bytes", s.hidden.len(), 1)
}
