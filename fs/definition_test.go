package fs

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// A place is what a mount shows under a path.
type place struct {
	dir  bool
	key  string // of a file: the object whose bytes it has
	size int64  // of a file: theirs
}

// definition is what a bucket is shown as: a place for each path but the root. It
// is Path and nothing else, one key at a time; it knows of no listings, pages and
// orders.
//
// objects are keys, as they are below the prefix that is mounted, and their sizes.
// What is filtered out is as if it were not there, but that it may make a directory.
func definition(objects map[string]int64, f *filters) (tree map[string]place, behind []string) {
	tree = map[string]place{}
	below := map[string]bool{}
	directories := func(path string) {
		for i, c := range path {
			if c == '/' {
				tree[path[:i]] = place{dir: true}
			}
		}
	}
	for key := range objects {
		for i, c := range key {
			if dir := key[:i]; c == '/' && f.enters(dir+"/") {
				below[dir] = true
				path, _ := Path(dir+"/", 0, false)
				directories(path)
			}
		}
	}
	for key, size := range objects {
		if !f.shows(key) {
			continue
		}
		path, hidden := Path(key, size, below[key])
		directories(path)
		if !strings.HasSuffix(path, "/") {
			if _, twice := tree[path]; twice {
				panic(fmt.Sprintf("%q is shown twice, of %v", path, objects))
			}
			tree[path] = place{key: key, size: size}
		}
		if hidden {
			behind = append(behind, key)
		}
	}
	slices.Sort(behind)
	return tree, behind
}

// definitionTable is the table of docs/semantics.md and the corners of it: keys,
// and what is shown, a directory with "/" and the door as "*".
var definitionTable = []struct {
	keys, shown, behind string // separated by blanks
}{
	{"a/b.txt", "a/ a/b.txt", ""},
	{"a/", "a/", ""},
	{"a/ a/x", "a/ a/x", ""},
	{"a/=", "a/ a/*/ a/*/%marker", "a/="},
	{"a a/x", "a/ a/x */ */a", "a"},
	{"a a/", "a/ */ */a", "a"},
	{"a a/=", "a/ */ */a a/*/ a/*/%marker", "a a/="},
	{"a a- a. a/x a0", "a- a. a/ a/x a0 */ */a", "a"},
	{"dir/x dir-1/x dir.x dir!", "dir! dir-1/ dir-1/x dir.x dir/ dir/x", ""},
	{"/a", "*/ */%2F/ */%2F/a", "/a"},
	{"/", "*/ */%2F/", "/"},
	{"// a", "a */ */%2F/ */%2F/*/ */%2F/*/%2F/", "//"},
	{"a//b", "a/ a/*/ a/*/%2F/ a/*/%2F/b", "a//b"},
	{"a// a", "a/ a/*/ a/*/%2F/ */ */a", "a a//"},
	{"a//= a//b a///b", "a/ a/*/ a/*/%2F/ a/*/%2F/b a/*/%2F/*/ a/*/%2F/*/%marker a/*/%2F/*/%2F/ a/*/%2F/*/%2F/b", "a//= a///b a//b"},
	{"a/./b", "a/ a/*/ a/*/%2E%2F/ a/*/%2E%2F/b", "a/./b"},
	{"a/../b", "a/ a/*/ a/*/%2E%2E%2F/ a/*/%2E%2E%2F/b", "a/../b"},
	{". .. ./x ../x ... ..a .a a. a..", "... ..a .a a. a.. */ */%2E */%2E%2E */%2E%2F/ */%2E%2F/x */%2E%2E%2F/ */%2E%2E%2F/x", ". .. ../x ./x"},
	{"x/%255 x/%256 x/%256/y", "x/ x/%255 x/*/ x/*/%253%+/ x/*/%253%+/nnn x/*/%253%+/nnn%2F/ x/*/%253%+/nnn%2F/y", "x/%256 x/%256/y"},
	{"a\x00b a\x00/c", "*/ */a%00b */a%00%2F/ */a%00%2F/c", "a\x00/c a\x00b"},
	{"* */a */* b/*/c", "*/ */* */*%2F/ */*%2F/a */*%2F/*/ */*%2F/*/* b/ b/*/ b/*/*%2F/ b/*/*%2F/c", "* */* */a b/*/c"},
	{"a%41 aA a+b a%2Fb a%2fb A e\u0301 \u00e9", "A a%2Fb a%2fb a%41 aA a+b e\u0301 \u00e9", ""},
	{"\x01 \n \x7f \xff \xc3/\xa9", "\x01 \n \x7f \xc3/ \xc3/\xa9 \xff", ""},
}

func TestDefinition(t *testing.T) {
	for _, tt := range definitionTable {
		tree, behind := definition(tableObjects(tt.keys), nil)
		var got []string
		for path, p := range tree {
			if p.dir {
				path += "/"
			}
			got = append(got, path)
		}
		slices.Sort(got)
		want := tableWords(tt.shown)
		slices.Sort(want)
		equalAll(t, fmt.Sprintf("shown of %q", tt.keys), got, want)
		want = tableWords(strings.ReplaceAll(tt.behind, "=", ""))
		slices.Sort(want)
		equalAll(t, fmt.Sprintf("behind doors of %q", tt.keys), behind, want)
	}
}

// tableWords are the words of the table. %255, %256 and %253 stand for names of so
// many bytes, "*" for the door.
func tableWords(s string) []string {
	var words []string
	for word := range strings.SplitSeq(s, " ") {
		if word != "" {
			for _, n := range []int{253, 255, 256} {
				word = strings.ReplaceAll(word, fmt.Sprintf("%%%d", n), strings.Repeat("n", n))
			}
			words = append(words, strings.ReplaceAll(word, "*", doorName))
		}
	}
	return words
}

// tableObjects are those of the table: a "=" behind a key gives it a byte, and
// so do files have.
func tableObjects(keys string) map[string]int64 {
	objects := map[string]int64{}
	for _, key := range tableWords(keys) {
		key, bytes := strings.CutSuffix(key, "=")
		if objects[key] = 0; bytes || !strings.HasSuffix(key, "/") {
			objects[key] = 1
		}
	}
	return objects
}

// reference is the definition's tree as path to whether it is a directory.
func reference(keys []string) map[string]bool {
	objects := map[string]int64{}
	for _, key := range keys {
		objects[key] = 1
	}
	tree, _ := definition(objects, nil)
	dirs := map[string]bool{}
	for path, p := range tree {
		dirs[path] = p.dir
	}
	return dirs
}
