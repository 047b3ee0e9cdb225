package fs

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// What is put into a table comes out of it.
func TestTable(t *testing.T) {
	tag := rapid.OneOf(
		rapid.StringMatching(`[0-9a-f]{32}`), rapid.StringMatching(`[0-9a-f]{32}-[0-9]{1,3}`),
		rapid.StringMatching(`[0-9A-F]{32}`), rapid.StringMatching(`.{0,40}`), rapid.StringMatching(`[!-~]{32}`))
	one := rapid.Custom(func(t *rapid.T) entry {
		return entry{
			name:  rapid.StringN(1, 80, nameMax).Draw(t, "name"),
			tag:   tag.Draw(t, "tag"),
			size:  rapid.Int64Min(-1).Draw(t, "size"),
			mtime: rapid.Int64().Draw(t, "mtime"),
			dir:   rapid.Bool().Draw(t, "dir"),
			class: storageClass(rapid.IntRange(0, len(storageClasses)-1).Draw(t, "class")),
		}
	})
	rapid.Check(t, func(t *rapid.T) {
		all := rapid.SliceOfN(one, 1, 50).Draw(t, "entries")
		n := rapid.SampledFrom([]int{1, 50, 1024, 1025}).Draw(t, "n")
		var held table
		for i := range n {
			held.add(all[i%len(all)])
		}
		with := one.Draw(t, "replacement")
		at := rapid.IntRange(0, n-1).Draw(t, "at")
		if rapid.Bool().Draw(t, "sealed") {
			held.seal()
		}
		held.replace(at, with)
		if held.len() != n {
			t.Fatalf("%d entries, want %d", held.len(), n)
		}
		for i := range n {
			want := all[i%len(all)]
			if i == at {
				want = with
			}
			if got := held.at(i); got != want || string(held.name(i)) != want.name || held.isDir(i) != want.dir {
				t.Fatalf("entry %d is %+v, want %+v", i, got, want)
			}
		}
	})
}

// A tag that no server gives does not fit: then the object has to be asked for.
func TestTableWithAnAbsurdTag(t *testing.T) {
	var held table
	held.add(entry{name: "f", tag: strings.Repeat("x", tagMax), size: 5})
	held.add(entry{name: "g", tag: strings.Repeat("x", tagMax+1), size: 5})
	equal(t, "the longest", len(held.at(0).tag), tagMax)
	equal(t, "a longer one", held.at(1), entry{name: "g", size: -1})
}

func TestTableIsSearched(t *testing.T) {
	names := []string{"a", "a-", "a.", "b", "b0", "c"}
	slices.SortFunc(names, func(a, b string) int { return strings.Compare(a+"/", b+"/") })
	var held table
	for _, name := range names {
		held.add(entry{name: name})
	}
	for i, name := range names {
		if got, ok := held.find(name); got != i || !ok {
			t.Errorf("find(%q) = %d, %v", name, got, ok)
		}
	}
	if i, ok := held.find("a/"); ok || i != 2 {
		t.Errorf("what is not there: %d, %v", i, ok)
	}
}

// bytes is what a table takes.
func (t *table) bytes() (n int) {
	const header = 48
	for _, p := range t.pieces {
		n += header + cap(p.rows)*24 + cap(p.text)
	}
	return n
}

// A name of eleven bytes and an MD5 take about 51 bytes, whatever their number.
func TestBytesOfAName(t *testing.T) {
	for _, n := range []int{1, 100, 1024, 1500, 100_000} {
		var held table
		for i := range n {
			held.add(entry{name: fmt.Sprintf("file-%06d", i), tag: fmt.Sprintf("%032x", i), size: 5, mtime: 6})
		}
		held.seal()
		if got, want := held.bytes(), 51*n+48*(1+n/1024); got > want+n/8 {
			t.Errorf("%d names take %d bytes, want %d", n, got, want)
		}
	}
}
