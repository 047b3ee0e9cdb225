package fs

import (
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// As the AWS CLI's documentation and Python's fnmatch, which it uses, have it.
func TestPattern(t *testing.T) {
	for _, tt := range []struct{ pattern, yes, no string }{ // separated by blanks
		{"*", "a a/b .a a/.b/", ""},
		{"*.tmp", "a.tmp a/b.tmp .tmp", "a.tmpx a.TMP tmp"},
		{"a*", "a ab a/b", "ba"},
		{"a/*", "a/ a/b a/b/c", "a b/a/c"},
		{"a/*/c", "a/b/c a//c a/b/b/c", "a/c a/b/c/d"},
		{"**", "a a/b", ""},
		{"a**b**", "ab axb a/bx", "a b"},
		{"?", "a / ü \xff", "ab \xc3\xbc\xff"},
		{"a?c", "abc a/c aüc", "ac abbc"},
		{"[abc]", "a b c", "d ab -"},
		{"[a-c]x", "ax cx", "dx -x"},
		{"[!a-c]x", "dx -x /x", "ax x"},
		{"[^a]", "^ a", "b"},
		{"[]]", "]", "["},
		{"[!]]", "[ a", "]"},
		{"[]a-c]", "] b", "- d"},
		{"[a-]", "a -", "b"},
		{"[-a]", "a -", "b"},
		{"[--0]", "- . / 0", "1 ,"},
		{"[!-a]", "b", "a -"},
		{"[ä-ü]", "ä ö ü", "a z \xfc"},
		{"[abc", "[abc", "a b [ab"},
		{"[", "[", "a"},
		{"[]", "[]", "] a"},
		{"[!", "[!", "a"},
		{"[!]", "[!]", "a !"},
		{"a]", "a]", "a"},
		{`a\*`, `a\ a\b`, "a* ab"},
		{"a.b+(c)$|{d}", "a.b+(c)$|{d}", "axb"},
		{"*a*b*c*", "abc xaxbxcx abcabc", "acb ab cba"},
		{"*aab", "aaab aab xaab", "aaba ab"},
		{"a\xffb", "a\xffb", "a\xfeb a\ufffdb"},
		{"a\ufffdb", "a\ufffdb", "a\xffb"},
	} {
		p, err := parsePattern(tt.pattern)
		if err != nil {
			t.Errorf("%q: %v", tt.pattern, err)
			continue
		}
		for _, s := range strings.Fields(tt.yes) {
			equal(t, tt.pattern+" matches "+s, p.matches(s), true)
		}
		for _, s := range strings.Fields(tt.no) {
			equal(t, tt.pattern+" matches "+s, p.matches(s), false)
		}
	}
	long := strings.Repeat("a", 1000)
	p, _ := parsePattern(strings.Repeat("*a", 20) + "*b")
	equal(t, "a pattern that is hard for some", p.matches(long), false)
}

func TestBadPatterns(t *testing.T) {
	for pattern, says := range map[string]string{
		"": "empty", "/a": "slash", "/": "slash", "[z-a]": "nothing", "a[b-az]": "nothing",
	} {
		err := Filter{Pattern: pattern}.Check()
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v, want an error: %s", pattern, err, says)
		}
		if _, err := newFilters("", []Filter{{Pattern: "*"}, {Pattern: pattern}}); err == nil {
			t.Errorf("%q is taken", pattern)
		}
	}
}

// The last that matches counts.
func TestFilterOrder(t *testing.T) {
	for _, tt := range []struct {
		filters string // separated by blanks, with - or + in front
		yes, no string
	}{
		{"", "a", ""},
		{"+*.txt", "a a.txt", ""},
		{"-*.tmp", "a tmp/a", "a.tmp d/a.tmp"},
		{"-* +*.txt", "a.txt d/a.txt", "a d/ .txt/"},
		{"+*.txt -*", "", "a.txt a"},
		{"-* +d/* -d/*.tmp +d/keep.tmp", "d/ d/x d/keep.tmp", "a d/y.tmp e/keep.tmp"},
	} {
		f := mustFilters(t, "in/", tt.filters)
		for _, key := range strings.Fields(tt.yes) {
			equal(t, tt.filters+" shows "+key, f.shows("in/"+key), true)
		}
		for _, key := range strings.Fields(tt.no) {
			equal(t, tt.filters+" shows "+key, f.shows("in/"+key), false)
		}
	}
}

func filtersOf(words string) (all []Filter) {
	for _, w := range strings.Fields(words) {
		all = append(all, Filter{Include: w[0] == '+', Pattern: w[1:]})
	}
	return all
}

func mustFilters(t testing.TB, prefix, words string) *filters {
	t.Helper()
	f, err := newFilters(prefix, filtersOf(words))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// A directory is entered unless nothing in it could be shown.
func TestFilterOfDirectories(t *testing.T) {
	for _, tt := range []struct{ filters, yes, no string }{
		{"", "d/", ""},
		{"-*.tmp", "d/ d.tmp/", ""},
		{"-d/*", "e/ dd/", "d/ d/e/"},
		{"-d/?*", "d/", "d/e/"},
		{"-*", "", "d/"},
		{"-* +*.txt", "d/ d/e/", ""},
		{"-* +d/*.txt", "d/ d/e/", "e/ c/d/"},
		{"-* +d/x.txt", "d/", "d/e/ d/x.txt/"},
		{"-* +d/", "d/", "d/e/ e/"},
		{"-* +*/d/*", "d/ e/ e/d/ e/f/g/", ""}, // e/d/x could come below each
		{"-* +*.txt -*.txt", "", "d/"},
		{"-* +*.txt -a*", "d/", "a/ ab/"},
		{"-d/[!x]* -d/x* -d/", "e/", "d/"},
		{"-d/[!x]* -d/x*", "d/", "d/x/ d/y/"},
	} {
		f := mustFilters(t, "in/", tt.filters)
		for range 2 { // the answers are remembered
			for _, prefix := range strings.Fields(tt.yes) {
				equal(t, tt.filters+" enters "+prefix, f.enters("in/"+prefix), true)
			}
			for _, prefix := range strings.Fields(tt.no) {
				equal(t, tt.filters+" enters "+prefix, f.enters("in/"+prefix), false)
			}
		}
	}
}

// drawFilters draws patterns of few letters, so that they meet.
func drawFilters(t *rapid.T) (all []Filter) {
	word := rapid.SliceOfN(rapid.SampledFrom([]string{"*", "*", "?", "a", "b", "/", "[a]", "[!a]", "[a-b]", "[!/]"}), 1, 5)
	for range rapid.IntRange(1, 4).Draw(t, "filters") {
		p := strings.TrimLeft(strings.Join(word.Draw(t, "pattern"), ""), "/")
		if p != "" {
			all = append(all, Filter{Include: rapid.Bool().Draw(t, "include"), Pattern: p})
		}
	}
	return all
}

// Matching is held against regular expressions, and what is said of directories
// against all the strings that could come below, up to a length.
func TestFiltersAgainstBruteForce(t *testing.T) {
	const letters = "ab/x"
	var words []string
	for level, n := []string{""}, 0; n <= 5; n++ {
		words = append(words, level...)
		var longer []string
		for _, w := range level {
			for _, c := range letters {
				longer = append(longer, w+string(c))
			}
		}
		level = longer
	}
	rapid.Check(t, func(t *rapid.T) {
		all := drawFilters(t)
		f, err := newFilters("", all)
		if err != nil {
			t.Fatal(err)
		}
		shows := func(key string) bool {
			shown := true
			for _, one := range all {
				if expression(one.Pattern).MatchString(key) {
					shown = one.Include
				}
			}
			return shown
		}
		prefix := rapid.SampledFrom([]string{"a/", "b/", "ab/", "x/", "a/b/", "a/a/", "/"}).Draw(t, "prefix")
		any := false
		for _, w := range words {
			key := prefix + w
			got := shows(key)
			if want := f.shows(key); got != want {
				t.Fatalf("%+v: %q is shown: %v, want %v", all, key, want, got)
			}
			any = any || got
		}
		if got := f.enters(prefix); got != any {
			// Patterns of five tokens may need more letters than five.
			if !got || !anyLonger(prefix, shows) {
				t.Fatalf("%+v: %q may have something below: %v, want %v", all, prefix, got, any)
			}
		}
	})
}

// anyLonger looks for longer strings below a prefix that are shown.
func anyLonger(prefix string, shows func(string) bool) bool {
	for n := range 12 {
		for _, middle := range []string{"x", "a", "b", "/"} {
			for _, end := range []string{"", "a", "b", "/", "x", "ab", "ba", "aa", "bb"} {
				if shows(prefix + strings.Repeat(middle, n) + end) {
					return true
				}
			}
		}
	}
	return false
}

var expressions = map[string]*regexp.Regexp{}

// expression is a pattern as a regular expression: for sets that are the same in
// both but for the "!".
func expression(pattern string) *regexp.Regexp {
	if e, ok := expressions[pattern]; ok {
		return e
	}
	e := regexp.MustCompile("(?s)^" + strings.NewReplacer("*", ".*", "?", ".", "[!", "[^").Replace(pattern) + "$")
	expressions[pattern] = e
	return e
}

// Patterns and keys are any bytes. A directory that has something to show is
// entered, and a pattern without magic is what it says.
func TestFiltersOfAnyBytes(t *testing.T) {
	piece := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"*", "?", "[", "]", "[!", "-", "\xff", "\xc3", "ü", "/"}))
	words := rapid.Custom(func(t *rapid.T) string { return strings.Join(rapid.SliceOfN(piece, 0, 6).Draw(t, "pieces"), "") })
	rapid.Check(t, func(t *rapid.T) {
		var all []Filter
		for range rapid.IntRange(1, 3).Draw(t, "filters") {
			one := Filter{Include: rapid.Bool().Draw(t, "include"), Pattern: words.Draw(t, "pattern")}
			if one.Check() == nil {
				all = append(all, one)
			}
		}
		f, err := newFilters("", all)
		if err != nil {
			t.Fatal(err)
		}
		above, name := words.Draw(t, "above")+"/", words.Draw(t, "name")
		if f.shows(above+name) && !f.enters(above) {
			t.Fatalf("%+v: %q is shown, and %q is not entered", all, above+name, above)
		}
		plain := Filter{Pattern: strings.NewReplacer("*", "", "?", "", "[", "").Replace(name)}
		if plain.Check() == nil {
			only, _ := newFilters("", []Filter{plain})
			if only.shows(plain.Pattern) || !only.shows(plain.Pattern+"x") {
				t.Fatalf("%q hides not itself alone", plain.Pattern)
			}
		}
	})
}

// Neither keys nor directories that were met before cost an allocation.
func TestFilterAllocs(t *testing.T) {
	f := mustFilters(t, "in/", "-* +*.txt +*/[a-m]*.jpg -tmp/*")
	keys := []string{"in/d/e/f.txt", "in/d/a.jpg", "in/tmp/x.txt", "in/ü"}
	f.enters("in/d/e/")
	if n := testing.AllocsPerRun(100, func() {
		for _, key := range keys {
			f.shows(key)
		}
		f.enters("in/d/e/")
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkFilter(b *testing.B) {
	f := mustFilters(b, "", "-* +*.txt +*.csv -tmp/*")
	b.Run("key", func(b *testing.B) {
		for b.Loop() {
			f.shows("data/2026/11/26/some-name-of-a-file-0001234.parquet")
		}
	})
	b.Run("directory", func(b *testing.B) {
		for b.Loop() {
			f.enters("data/2026/11/26/")
		}
	})
}
