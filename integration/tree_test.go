//go:build linux

package integration

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"s3mount/integration/rig"
)

const (
	treeBucket = "tree"
	bigSize    = 100 << 20
	manyFiles  = 3000
)

// sizes are the lengths at which a reader of 128 KiB blocks may go wrong.
var sizes = []int{0, 1, 4095, 4096, 131071, 131072, 131073, 262144, 262145}

// names are file names that must arrive as they are, byte for byte.
var names = []string{
	"a blank", " leading blank", "trailing blank ", "two  blanks",
	"plus+plus", "50%", "%41", "%2F", "a&b=c", "tilde~", "~", "it's", `say "so"`, "`tick`",
	"semi;colon", "a,b", "q?", "h#ash", "at@", "dollar$HOME", "brace{}", "[bracket]", "back\\slash", "co:lon", "pipe|", "<tag>", "star*", "!", "(paren)", "^",
	"-dash", "--", ".hidden", "...", "..two", "dot.", "=", "new\nline", "tab\there",
	"grüße", "gru\u0308ße", "日本語", "Ελληνικά", "emoji 🗻", "nbsp\u00a0", "zero\u200bwidth", "rtl\u202e",
	strings.Repeat("n", 255), strings.Repeat("ü", 127) + "x",
}

// A treeDir is what the shared bucket was filled with.
type treeDir struct {
	dir        string    // the same files on the local disk
	start, end time.Time // of the upload
}

// tree is the shared bucket's content. Nothing in it is ever changed.
func tree(t testing.TB) treeDir {
	t.Helper()
	d, err := makeTree()
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func newTree() (treeDir, error) {
	d := treeDir{dir: filepath.Join(workDir, "tree")}
	if err := writeTree(d.dir); err != nil {
		return d, err
	}
	g, err := startGateway()
	if err != nil {
		return d, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	if err := g.CreateBucket(ctx, treeBucket, false); err != nil {
		return d, err
	}
	d.start = time.Now().Truncate(time.Second)
	err = g.Upload(ctx, treeBucket, d.dir)
	d.end = time.Now()
	return d, err
}

func writeTree(dir string) error {
	files := map[string][]byte{
		"README":                        []byte("hello from the bucket\n"),
		"empty":                         nil,
		"a/b/c/deep.txt":                []byte("needle in a/b/c\n"),
		"a/b/one.txt":                   []byte("one\nneedle\n"),
		"a/b/two.txt":                   []byte("two\n"),
		"a/bc/not-below-b":              []byte("needle\n"),
		"a/bc.txt":                      []byte("beside\n"),
		"a-/sorts-between":              []byte("'-' is before '/' in keys, 'a' before 'a-' in a directory\n"),
		"a.txt":                         []byte("beside a\n"),
		"big":                           random(1, bigSize),
		"medium":                        random(2, 5<<20),
		"names/nested blank/in+it/f%20": []byte("nested\n"),
	}
	for i, size := range sizes {
		files[fmt.Sprintf("sizes/%d", size)] = random(10+i, size)
	}
	for i, name := range names {
		files["names/"+name] = fmt.Appendf(nil, "%d needle %q\n", i, name)
	}
	for i := range manyFiles {
		files[fmt.Sprintf("many/%04d.txt", i)] = fmt.Appendf(nil, "%d\n", i)
	}
	for name, content := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, content, 0o644); err != nil {
			return err
		}
	}
	for _, name := range []string{"vacant", "a/vacant too"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o755); err != nil {
			return err
		}
	}
	return nil
}

// random is n bytes, the same in every run.
func random(seed, n int) []byte {
	p := make([]byte, n)
	rand.NewChaCha8([32]byte{byte(seed)}).Read(p)
	return p
}

// shared is a mount of the whole tree with the program's default flags, for
// tests that only read.
func shared(t testing.TB) *rig.Mount {
	t.Helper()
	needMount(t)
	tree(t)
	m, err := mountTree()
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func newTreeMount() (*rig.Mount, error) {
	g, err := startGateway()
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(workDir, "shared")
	if err := os.Mkdir(dir, 0o755); err != nil {
		return nil, err
	}
	m, err := rig.StartMount(invocation(g, "s3://"+treeBucket, dir), dir)
	if err == nil {
		later(m.Close)
	}
	return m, err
}
