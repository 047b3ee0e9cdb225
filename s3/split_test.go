package s3

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// rulerOf measures a page of these keys.
func rulerOf(base string, keys ...string) ruler {
	entries := make([]Entry, len(keys))
	for i, key := range keys {
		entries[i].Key = key
	}
	return newRuler(base, newSample(entries))
}

func TestGuesses(t *testing.T) {
	tests := []struct {
		name    string
		base    string
		keys    []string
		n       float64
		want    string // the key that is n keys behind the last one; "": none can be said
		regular bool
	}{
		{"numbers", "", numbered("file-%06d", 1000), 1000, "file-001999", true},
		{"over the next power", "", numbered("file-%06d", 1000), 12000, "file-012999", true},
		{"to the end of the digits", "", numbered("file-%06d", 1000), 999_000, "file-999999", true},
		{"beyond it", "", numbered("file-%06d", 1000), 999_001, "", true},
		{"with an end", "", numbered("f%05d.jpg", 1000), 500, "f01499.jpg", true},
		{"a page of 999", "", numbered("f%05d/", 1000)[1:], 999, "f01998/", true},
		{"not of the prefix", "file-00", numbered("file-%06d", 1000), 9000, "file-009999", true},
		{"not of the prefix, beyond", "file-00", numbered("file-%06d", 1000), 9001, "", true},
		{"hex", "", strings.Fields("00a 01f 02c 03b 04a 05f"), 5, "0b4", false},
		{"letters", "", strings.Fields("aab aac aad aae"), 30, "abi", true},
		{"UTF-8", "", strings.Fields("при-01 при-02 при-03 при-04"), 10, "при-14", true},
		{"one key", "", []string{"a"}, 5, "", false},
		{"one key, and the longer", "", []string{"a", "ab"}, 5, "", false},
		{"no characters", "", []string{"\xff\x01", "\xff\x02", "\xff\x03"}, 1, "", false},
		{"many places", "", numbered("f%040d", 1000), 1000, "f" + strings.Repeat("0", 36) + "1999", true},
	}
	for _, tt := range tests {
		r := rulerOf(tt.base, tt.keys...)
		got, ok := r.behind(tt.keys[len(tt.keys)-1], tt.n)
		if got != tt.want || ok != (tt.want != "") {
			t.Errorf("%s: %q, %v; want %q", tt.name, got, ok, tt.want)
		}
		if r.regular != tt.regular && tt.want != "" {
			t.Errorf("%s: regular: %v", tt.name, r.regular)
		}
	}
}

// A ruler never turns the order of keys around, and knows how many are between
// those that are evenly spread.
func TestRuler(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		keys := rapid.SliceOfNDistinct(rapid.StringOfN(rapid.RuneFrom([]rune("abyz01789-/é")), 1, 8, -1), 2, 60, rapid.ID).Draw(t, "keys")
		slices.Sort(keys)
		r := rulerOf("", keys...)
		for i, key := range keys {
			if at := r.at(key); at < 0 || at > r.whole {
				t.Errorf("%q is at %v of %v", key, at, r.whole)
			} else if i%7 == 0 && i > 0 && at < r.at(keys[0]) {
				t.Errorf("%q is before %q", key, keys[0])
			}
		}
		for _, n := range []float64{0, 1, 10, 1e6} {
			if guess, ok := r.behind(keys[len(keys)-1], n); ok && !strings.HasPrefix(guess, r.root) {
				t.Errorf("%q does not begin with %q", guess, r.root)
			}
		}

		step, width := rapid.IntRange(1, 50).Draw(t, "step"), rapid.IntRange(6, 12).Draw(t, "width")
		number := func(i int) string { return fmt.Sprintf("x%0*d", width, i*step) }
		var page []string
		for i := range rapid.IntRange(2, 500).Draw(t, "page") {
			page = append(page, number(i))
		}
		r = rulerOf("", page...)
		n := rapid.IntRange(1, 10_000).Draw(t, "n")
		if got, ok := r.behind(page[len(page)-1], float64(n)); !ok || got != number(len(page)-1+n) {
			t.Errorf("%d behind %q: %q, %v; want %q", n, page[len(page)-1], got, ok, number(len(page)-1+n))
		}
		if got := r.between(page[0], number(n)); got != float64(n) {
			t.Errorf("%v keys up to %q, want %d", got, number(n), n)
		}
	})
}
