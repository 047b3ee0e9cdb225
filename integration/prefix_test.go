//go:build linux

package integration

import "testing"

// A mount of a prefix shows what is below it and nothing else, with or without a
// slash at its end.
func TestPrefixShowsOnlyWhatIsBelow(t *testing.T) {
	d := tree(t)
	script := `find . -printf '%P %y\n' | sort; find . -type f -exec sha256sum {} + | sort`
	for _, tt := range []struct{ name, source, dir string }{
		{"plain", "s3://" + treeBucket + "/a/b", "a/b"},
		{"slash", "s3://" + treeBucket + "/a/b/", "a/b"},
		{"no scheme", treeBucket + "/a/b", "a/b"},
		{"blank and plus", "s3://" + treeBucket + "/names/nested blank/in+it", "names/nested blank/in+it"},

		{"empty directory", "s3://" + treeBucket + "/a/vacant too", "a/vacant too"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := mount(t, tt.source)
			want := sh(t, nil, d.local(tt.dir), script)
			if got := sh(t, m, m.Dir, script); got != want {
				t.Errorf("in the mount:\n%s\nin the tree:\n%s", got, want)
			}
			sh(t, m, m.Dir, `for p in README a b bc bc.txt a/b "$(basename "$PWD")"; do test ! -e "$p"; done`)
		})
	}
}
