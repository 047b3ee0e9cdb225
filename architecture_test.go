// Package s3mount_test holds the arrows between the packages: which may import
// which. A new arrow is a change of design: argue for it in the commit that
// adds it, and in docs/architecture.md.
package s3mount_test

import (
	"go/build"
	iofs "io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "s3mount"

// imports says what each directory with Go code may import of ours, tests left
// out. "*" is everything.
var imports = map[string][]string{
	"sigv4":              {},
	"sigv4/explain":      {"sigv4"},
	"cache":              {},
	"s3":                 {"sigv4"},
	"s3/s3test":          {"sigv4"},
	"fs":                 {"cache", "s3"},
	"cmd/s3mount":        {"cache", "fs", "s3", "sigv4", "sigv4/explain"},
	"integration":        {},
	"integration/bench":  {"integration/rig", "s3/s3test", "sigv4"},
	"integration/demo":   {"integration/rig"},
	"integration/report": {},
	"integration/rig":    {"sigv4"},
}

// foreign says what a directory must not import of the standard library: how
// its part of the design is kept.
var foreign = map[string][]string{
	"sigv4":         {"os", "net"},             // no clock, no environment, no network
	"sigv4/explain": {"os", "net", "net/http"}, // texts in, a report out
	"cache":         {"net/http", "os"},        // a source is all it knows
	"fs":            {"net/http"},              // the bucket is a package, not a protocol
}

func TestImports(t *testing.T) {
	dirs := goDirs(t)
	for dir := range imports {
		if !slices.Contains(dirs, dir) {
			t.Errorf("%s is in the table and not in the tree", dir)
		}
	}
	for _, dir := range dirs {
		allowed, known := imports[dir]
		if !known {
			t.Errorf("%s is not in the table: say what it may import", dir)
			continue
		}
		p, err := build.ImportDir(dir, 0)
		if _, testsOnly := err.(*build.NoGoError); testsOnly {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, imp := range p.Imports {
			ours, isOurs := strings.CutPrefix(imp, module+"/")
			if isOurs && !slices.Contains(allowed, ours) {
				t.Errorf("%s imports %s", dir, ours)
			}
			if slices.Contains(foreign[dir], imp) {
				t.Errorf("%s imports %s of the standard library", dir, imp)
			}
		}
	}
}

// goDirs are the directories that hold Go code, but for this one.
func goDirs(t *testing.T) []string {
	t.Helper()
	var dirs []string
	err := filepath.WalkDir(".", func(path string, d iofs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata" || d.Name() == "bin"):
			return iofs.SkipDir
		}
		dir := filepath.ToSlash(filepath.Dir(path))
		if strings.HasSuffix(path, ".go") && dir != "." && !slices.Contains(dirs, dir) {
			dirs = append(dirs, dir)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return dirs
}
