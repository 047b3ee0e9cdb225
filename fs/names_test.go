package fs

import (
	"cmp"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"s3mount/s3/s3test"
)

func TestShowable(t *testing.T) {
	for _, tt := range []struct {
		name string
		want bool
	}{
		{"a", true},
		{"...", true},
		{".a", true},
		{" ", true},
		{"-rf", true},
		{"a\nb", true},
		{"caf\xe9", true}, // names are bytes, not UTF-8
		{`a\b`, true},
		{strings.Repeat("x", 255), true},
		{strings.Repeat("é", 127) + "x", true}, // bytes are counted
		{strings.Repeat("é", 128), false},
		{strings.Repeat("x", 256), false},
		{"", false},
		{".", false},
		{"..", false},
		{"\x00", false},
		{"a\x00b", false},
	} {
		equal(t, "showable("+tt.name+")", showable(tt.name), tt.want)
	}
}

func TestCompareNames(t *testing.T) {
	name := rapid.StringOfN(rapid.SampledFrom([]rune("a-.0\x01é")), 0, 4, -1)
	rapid.Check(t, func(t *rapid.T) {
		a, b := name.Draw(t, "a"), name.Draw(t, "b")
		if got, want := compareNames([]byte(a), []byte(b)), cmp.Compare(a+"/", b+"/"); got != want {
			t.Fatalf("compareNames(%q, %q) = %d, want %d", a, b, got, want)
		}
	})
}

// The figures are FNV-1a of bucket, NUL and key, computed apart from this code:
// a file has the same inode number on every mount, of every release.
func TestInodeIsTheSameForEver(t *testing.T) {
	for _, tt := range []struct {
		bucket, key string
		want        uint64
	}{
		{"bucket", "f", 0x52e51a81f750ace9},
		{"bucket", "f/", 0x2bf8d0d73e159472},
		{"bucket", "d/f", 0xbd0e7fbe75b676c6},
		{"tekcub", "d/f", 0xd815c05bcaaba59e},
		{"b", "ucket\x00f", 0x7dda228812d1891b},
	} {
		equal(t, tt.bucket+" "+tt.key, inode(tt.bucket, tt.key), tt.want)
	}
}

// FNV-1a of these eight bytes is 0, and stays so under the NUL behind them. No
// bucket is called so, but the numbers that mean something else must not occur.
func TestInodeIsNeverReserved(t *testing.T) {
	const zero = "\xd5\x6b\xb9\x53\x42\x87\x08\x36"
	equal(t, "inode of hash 0", inode(zero, ""), 1<<32)
	rapid.Check(t, func(t *rapid.T) {
		n := inode(rapid.String().Draw(t, "bucket"), rapid.String().Draw(t, "key"))
		if n < 2 || n == ^uint64(0) {
			t.Fatalf("inode %d", n)
		}
	})
}

func TestGeneration(t *testing.T) {
	r := newRig(t, s3test.Options{})
	e := entry{name: "f", tag: "t", size: 1, mtime: 2}
	g := r.generation("d/", e)
	equal(t, "of the same", r.generation("d/", e), g)
	for what, change := range map[string]func(*entry){
		"name": func(e *entry) { e.name = "g" },
		"tag":  func(e *entry) { e.tag = "u" },
		"size": func(e *entry) { e.size = 2 },
		"time": func(e *entry) { e.mtime = 3 },
		// What one field loses the next must not win back.
		"a byte moved": func(e *entry) { e.name, e.tag = "", "ft" },
	} {
		other := e
		change(&other)
		if r.generation("d/", other) == g {
			t.Errorf("another %s has the same generation", what)
		}
	}
	if r.generation("e/", e) == g {
		t.Error("another directory has the same generation")
	}
	if rigOf(t, r.Server).generation("d/", e) == g {
		t.Error("another mount has the same generation")
	}
}
