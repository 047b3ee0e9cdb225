//go:build linux

package integration

import (
	"fmt"
	iofs "io/fs"
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"
)

func init() { children["testfs"] = childTestFS }

// childTestFS holds the directory args[0] to what Go expects of a file system,
// and expects the files of the directory args[1] in it.
func childTestFS(args []string) error {
	var expected []string
	if err := iofs.WalkDir(os.DirFS(args[1]), ".", func(path string, d iofs.DirEntry, err error) error {
		if path != "." {
			expected = append(expected, path)
		}
		return err
	}); err != nil {
		return err
	}
	fmt.Println(len(expected))
	return fstest.TestFS(os.DirFS(args[0]), expected...)
}

func TestFS(t *testing.T) {
	m, d := shared(t), tree(t)
	for _, dir := range []string{"a", "names/nested blank", "sizes"} { // not names: Go's io/fs has no name with a backslash
		inChild(t, m, "testfs", filepath.Join(m.Dir, dir), d.local(dir))
	}
}
