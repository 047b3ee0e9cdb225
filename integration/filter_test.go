//go:build linux

package integration

import (
	"testing"

	"s3mount/s3/s3test"
)

// What is filtered out is not there for any program, and costs nothing.
func TestFilters(t *testing.T) {
	srv := s3test.New(t, s3test.Options{Text: map[string]string{
		"in/a.jpg": "a", "in/a.tmp": "t", "in/raw/b.jpg": "b", "in/raw/2026/c.jpg": "c", "in/only/x.tmp": "x", "in/raw2": "r",
	}})
	m := mountPrefix(t, srv, "in/", "--exclude", "*", "--include", "*.jpg", "--exclude", "raw/*", "--include", "raw/2026/?.[a-j]pg")
	if got, want := sh(t, m, m.Dir, `find . | sort; cat raw/2026/c.jpg`), ".\n./a.jpg\n./only\n./raw\n./raw/2026\n./raw/2026/c.jpg\nc"; got != want {
		t.Errorf("shown is %q, want %q", got, want)
	}
	srv.ResetLog()
	want := "cat: a.tmp: No such file or directory\ncat: raw/b.jpg: No such file or directory\ncat: raw2: No such file or directory\n"
	if got := sh(t, m, m.Dir, `cat a.tmp raw/b.jpg raw2 2>&1 || true`); got != want {
		t.Errorf("cat of what is filtered out says %q", got)
	}
	if n := srv.Count(""); n != 0 {
		t.Errorf("requests %q, want none", srv.Requests())
	}
}
