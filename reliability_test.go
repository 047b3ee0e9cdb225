package s3mount_test

import (
	"fmt"
	iofs "io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// docs/reliability.md has a row for each of these, and each row a test that exists.
var rows = map[string]int{"L": 12, "K": 14, "F": 18}

func TestEveryRowIsShown(t *testing.T) {
	text, err := os.ReadFile("docs/reliability.md")
	if err != nil {
		t.Fatal(err)
	}
	tests := testNames(t)
	row := regexp.MustCompile(`(?m)^\| ([A-Z][0-9]+) \|.*\| ([^|]*) \|$`)
	named := regexp.MustCompile(`^(Test|Fuzz)[A-Z]\w*$`)
	var seen, want []string
	for _, m := range row.FindAllStringSubmatch(string(text), -1) {
		seen = append(seen, m[1])
		for name := range strings.SplitSeq(m[2], ", ") {
			if !named.MatchString(name) || !tests[name] {
				t.Errorf("%s is shown by %q, which is no test of this project", m[1], name)
			}
		}
	}
	for kind, n := range rows {
		for i := range n {
			want = append(want, fmt.Sprint(kind, i+1))
		}
	}
	slices.Sort(seen)
	slices.Sort(want)
	if !slices.Equal(seen, want) {
		t.Errorf("rows are\n%q\nwant\n%q", seen, want)
	}
	// The other way round: a test that is named after a row is named in it.
	for name := range tests {
		if id := regexp.MustCompile(`^Test([LKF][0-9]+)[A-Z]`).FindStringSubmatch(name); id != nil && slices.Contains(want, id[1]) &&
			!regexp.MustCompile(`(?m)^\| `+id[1]+` \|.*\b`+name+`\b`).Match(text) {
			t.Errorf("%s is not in row %s", name, id[1])
		}
	}
}

// testNames are the tests and fuzz targets of all packages.
func testNames(t *testing.T) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	declared := regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`)
	err := filepath.WalkDir(".", func(path string, d iofs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != "." && strings.HasPrefix(d.Name(), "."):
			return iofs.SkipDir
		case !strings.HasSuffix(path, "_test.go"):
			return nil
		}
		text, err := os.ReadFile(path)
		for _, m := range declared.FindAllStringSubmatch(string(text), -1) {
			names[m[1]] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}
