package fs

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestEscapeName(t *testing.T) {
	for _, tt := range []struct {
		name string
		dir  bool
		want string
	}{
		{"a.txt", false, "a.txt"},
		{"a.txt", true, "a.txt%2F"},
		{"", false, "%marker"},
		{"", true, "%2F"},
		{".", false, "%2E"},
		{".", true, "%2E%2F"},
		{"..", false, "%2E%2E"},
		{"...", false, "..."},
		{"a\x00b", false, "a%00b"},
		{"100%", false, "100%25"},
		{"%2F", false, "%252F"},
		{"%marker", false, "%25marker"},
		{doorName, true, doorName + "%2F"},
		{"\xff\n", false, "\xff\n"},
	} {
		equal(t, "of "+tt.name, escapeName(tt.name, tt.dir), tt.want)
	}
	for _, none := range []string{"", ".", "..", "%", "%2", "%2f", "%41", "%zz", "a%", "%marke", "%markers", "%2E.", "a%2Fb", "a%2F%2F", "%+"} {
		if name, _, ok := unescapeName(none); ok {
			t.Errorf("%q is the escaped name of %q", none, name)
		}
	}
}

// Every name has an escaped one of its own, that can be turned back, and whose
// parts can be names.
func TestEscapedNamesAreReversible(t *testing.T) {
	letters := rapid.SampledFrom([]string{"a", "%", "2", "F", "E", ".", "\x00", "+", "m", "\xff", "é", strings.Repeat("x", 120), strings.Repeat("%", 80)})
	rapid.Check(t, func(t *rapid.T) {
		name := strings.Join(rapid.SliceOfN(letters, 0, 12).Draw(t, "name"), "")
		dir := rapid.Bool().Draw(t, "dir")
		escaped := escapeName(name, dir)
		if n, d, ok := unescapeName(escaped); !ok || n != name || d != dir {
			t.Fatalf("%q, directory %v, is %q, and that is %q, directory %v, %v", name, dir, escaped, n, d, ok)
		}
		parts := splitName(escaped)
		for i, p := range parts {
			if len(p) > nameMax || p == "" || isDot(p) || strings.ContainsAny(p, "/\x00") {
				t.Fatalf("%q has the part %q", escaped, p)
			}
			if last := i == len(parts)-1; strings.HasSuffix(p, partMark) == last {
				t.Fatalf("%q has the parts %q", escaped, parts)
			}
			parts[i] = strings.TrimSuffix(p, partMark)
		}
		if got := strings.Join(parts, ""); got != escaped {
			t.Fatalf("%q is split into %q", escaped, got)
		}
		if slices.Contains(parts, "") {
			t.Fatalf("%q has an empty part", escaped)
		}
	})
}
