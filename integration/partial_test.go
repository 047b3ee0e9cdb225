//go:build linux

package integration

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"s3mount/integration/rig"
	"s3mount/s3/s3test"
)

// Rights that are there for some of a bucket. Each script is run in a mount of
// the prefix, with listings believed and not believed. What may not be seen is
// Permission denied; what may be is there; nothing else is said to be missing.
func TestPartialRights(t *testing.T) {
	denied := s3test.Error(403, "AccessDenied")
	below := func(prefix string) func(s3test.Request) bool {
		return func(r s3test.Request) bool { return !strings.HasPrefix(r.Key, prefix) }
	}
	flat := func(r s3test.Request) bool { return r.Delimiter != "/" }
	const all = "./a\n./secret\n./secret/k\n./sub\n./sub/b\n./sub/deep\n./sub/deep/c\n"
	for _, tt := range []struct {
		name   string
		rules  []s3test.Rule
		prefix string
		script string
		out    string
		denied []string // paths that are
	}{
		{"LIST for the prefix alone (s3:prefix)", []s3test.Rule{{Op: s3test.List, Match: below("d/"), Action: denied}},
			"d/", "find . -mindepth 1 | sort; cat a sub/b sub/deep/c; test ! -e nosuch; test ! -e sub/nosuch", all + "abc", nil},
		{"LIST for the prefix alone, mounted deeper", []s3test.Rule{{Op: s3test.List, Match: below("d/"), Action: denied}},
			"d/sub/", "find . -mindepth 1 | sort; cat b deep/c; test ! -e nosuch", "./b\n./deep\n./deep/c\nbc", nil},
		{"LIST with delimiter only (s3:delimiter)", []s3test.Rule{{Op: s3test.List, Match: flat, Action: denied}},
			"d/", "find . -mindepth 1 | sort; cat a sub/b sub/deep/c; test ! -e nosuch", all + "abc", nil},
		{"LIST refused for a directory", []s3test.Rule{{Op: s3test.List, Prefix: "d/secret/", Action: denied}, {Op: s3test.List, Match: flat, Action: denied}},
			"d/", "cat secret/k; find . -mindepth 1 | sort; ls secret; cat secret/nosuch",
			"k" + strings.Replace(all, "./secret/k\n", "", 1), []string{"./secret", "secret", "secret/nosuch"}},
		{"HEAD and GET refused for some keys", []s3test.Rule{{Op: s3test.Head, Glob: "d/secret/*", Action: denied}, {Op: s3test.Get, Glob: "d/secret/*", Action: denied}},
			"d/", "find . -mindepth 1 | sort; stat -c %s secret/k; grep -r . . | sort; cat secret/k", all + "1\n./a:a\n./sub/b:b\n./sub/deep/c:c\n", []string{"./secret/k", "secret/k"}},
		{"GET refused for some keys", []s3test.Rule{{Op: s3test.Get, Glob: "d/secret/*", Action: denied}},
			"d/", "stat -c %s secret/k; cat secret/k; cat a", "1\na", []string{"secret/k"}},
		{"HEAD refused, LIST and GET permitted", []s3test.Rule{{Op: s3test.Head, Action: denied}},
			"d/", "cat secret/k sub/deep/c; test ! -e nosuch; test ! -e sub/nosuch; find . -mindepth 1 | sort", "kc" + all, nil},
		{"HEAD and LIST refused", []s3test.Rule{{Op: s3test.Head, Action: denied}, {Op: s3test.List, Skip: 1, Action: denied}},
			"d/", "ls . > /dev/null; cat nosuch; cat a", "", []string{".", "nosuch", "a"}},
	} {
		for _, ttl := range []string{"1m", "0"} {
			t.Run(fmt.Sprintf("%s/ttl %s", tt.name, ttl), func(t *testing.T) {
				keys := map[string]string{"other": "o", "d/a": "a", "d/sub/b": "b", "d/sub/deep/c": "c", "d/secret/k": "k"}
				if strings.Contains(tt.name, "HEAD and LIST") { // more than the mount's first page tells
					for i := range 1000 {
						keys[fmt.Sprintf("d/%04d/x", i)] = "x"
					}
				}
				srv := s3test.New(t, s3test.Options{Rules: tt.rules, Text: keys})
				m := mountPrefix(t, srv, tt.prefix, "--metadata-ttl", ttl)
				r := script(t, m, tt.script)
				if r.Stdout != tt.out {
					t.Errorf("got\n%s%swant\n%s", r.Stdout, r.Stderr, tt.out)
				}
				var refused []string
				for _, line := range lines(r.Stderr) {
					what, ok := strings.CutSuffix(line, ": Permission denied")
					if !ok {
						t.Errorf("%s", line)
					}
					refused = append(refused, strings.Trim(what[strings.LastIndexByte(what, ' ')+1:], "'‘’"))
				}
				if !slices.Equal(refused, tt.denied) {
					t.Errorf("denied are %q, want %q", refused, tt.denied)
				}
				if t.Failed() {
					t.Logf("asked %q", srv.Requests())
				}
				srv.ClearRules() // and then nothing is remembered of it
				if after := script(t, m, tt.script); strings.Contains(after.Stderr, "Permission denied") {
					t.Errorf("when all is permitted: %s", after.Stderr)
				}
			})
		}
	}
}

// script runs one in a mount, command after command whether they fail or not.
func script(t *testing.T, m *rig.Mount, text string) rig.Result {
	t.Helper()
	return try(t, m, m.Dir, shell("set +e; "+text))
}
