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

// definition is what a bucket is shown as: a place for each path but the root,
// and the objects that have none. It is the rules of docs/semantics.md and
// nothing else, one key at a time; it knows of no listings, pages and orders.
//
// objects are keys, as they are below the prefix that is mounted, and their sizes.
func definition(objects map[string]int64) (tree map[string]place, lost []string) {
	tree = map[string]place{}
	for key := range objects { // directories first: they hide objects
		above, _ := way(key)
		for _, dir := range above {
			tree[dir] = place{dir: true}
		}
	}
	for key, size := range objects {
		above, file := way(key)
		switch {
		case file != "" && !tree[file].dir:
			tree[file] = place{key: key, size: size}
		case strings.HasSuffix(key, "/") && size == 0 && len(above) == strings.Count(key, "/"):
			// The marker of a directory that is shown: it says no more than that.
		default:
			lost = append(lost, key)
		}
	}
	slices.Sort(lost)
	return tree, lost
}

// way is where a key would be: the directories that it is in, and the file that
// it is. They end in front of the first component that cannot be a name; then, and
// if the key ends in "/", it is no file.
func way(key string) (above []string, file string) {
	components := strings.Split(key, "/")
	for i, c := range components {
		if c == "" || c == "." || c == ".." || len(c) > 255 || strings.Contains(c, "\x00") {
			return above, ""
		}
		if at := strings.Join(components[:i+1], "/"); i < len(components)-1 {
			above = append(above, at)
		} else {
			file = at
		}
	}
	return above, file
}

// definitionTable is the table of docs/semantics.md and the corners of it: keys,
// and what is shown, a directory with "/".
var definitionTable = []struct {
	keys, shown, lost string // separated by blanks
}{
	{"a/b.txt", "a/ a/b.txt", ""},
	{"a/", "a/", ""},
	{"a/ a/x", "a/ a/x", ""},
	{"a/=", "a/", "a/="},
	{"a a/x", "a/ a/x", "a"},
	{"a a/", "a/", "a"},
	{"a a/=", "a/", "a a/="},
	{"a a- a. a/x a0", "a- a. a/ a/x a0", "a"},
	{"dir/x dir-1/x dir.x dir!", "dir! dir-1/ dir-1/x dir.x dir/ dir/x", ""},
	{"/a", "", "/a"},
	{"/", "", "/"},
	{"// a", "a", "//"},
	{"a//b", "a/", "a//b"},
	{"a// a", "a/", "a a//"},
	{"a/./b", "a/", "a/./b"},
	{"a/../b", "a/", "a/../b"},
	{"../../etc/passwd", "", "../../etc/passwd"},
	{". .. ./x ../x ... ..a .a a. a..", "... ..a .a a. a..", ". .. ../x ./x"},
	{"x/%255 x/%256 x/%256/y", "x/ x/%255", "x/%256 x/%256/y"},
	{"a\x00b a\x00/c", "", "a\x00/c a\x00b"},
	{"a%41 aA a+b a%2Fb a%2fb A e\u0301 \u00e9", "A a%2Fb a%2fb a%41 aA a+b e\u0301 \u00e9", ""},
	{"\x01 \n \x7f \xff \xc3/\xa9", "\x01 \n \x7f \xc3/ \xc3/\xa9 \xff", ""},
}

func TestDefinition(t *testing.T) {
	for _, tt := range definitionTable {
		tree, lost := definition(tableObjects(tt.keys))
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
		want = tableWords(strings.ReplaceAll(tt.lost, "=", ""))
		slices.Sort(want)
		equalAll(t, fmt.Sprintf("lost of %q", tt.keys), lost, want)
	}
}

// tableWords are the words of the table. %255 stands for a name of so many bytes.
func tableWords(s string) []string {
	var words []string
	for word := range strings.SplitSeq(s, " ") {
		if word != "" {
			word = strings.ReplaceAll(word, "%255", strings.Repeat("n", 255))
			words = append(words, strings.ReplaceAll(word, "%256", strings.Repeat("n", 256)))
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
	tree, _ := definition(objects)
	dirs := map[string]bool{}
	for path, p := range tree {
		dirs[path] = p.dir
	}
	return dirs
}
