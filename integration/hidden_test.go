//go:build linux

package integration

import (
	"fmt"
	"maps"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"s3mount/s3/s3test"
)

// oddKeys are what a plain tree cannot show, with where it is all the same. "*" is
// the door.
var oddKeys = map[string]string{
	"plain":                                "plain",
	"d/f":                                  "d/f",
	"d":                                    "*/d",
	"d/":                                   "d/*/%marker",
	"d//x":                                 "d/*/%2F/x",
	"d///x":                                "d/*/%2F/*/%2F/x",
	"d/./x":                                "d/*/%2E%2F/x",
	"../../etc/passwd":                     "*/%2E%2E%2F/*/%2E%2E%2F/etc/passwd",
	".":                                    "*/%2E",
	"/lead":                                "*/%2F/lead",
	".s3mount-hidden/key":                  "*/.s3mount-hidden%2F/key",
	"100%/%2F":                             "100%/%2F",
	"100%//%2F":                            "100%/*/%2F/%2F",
	"new\nline//\n":                        "new\nline/*/%2F/\n",
	"caf\xe9/\xff":                         "caf\xe9/\xff",
	"nul\x00nul":                           "*/nul%00nul",
	"l/" + strings.Repeat("n", 300) + "/x": "l/*/" + strings.Repeat("n", 253) + "%+/" + strings.Repeat("n", 47) + "%2F/x",
	"l/" + strings.Repeat("%", 255):        "l/" + strings.Repeat("%", 255),
	"l/" + strings.Repeat("%", 256): "l/*/" + strings.Repeat("%25", 84) + "%+/" + strings.Repeat("%25", 84) + "%+/" +
		strings.Repeat("%25", 84) + "%+/" + strings.Repeat("%25", 4),
}

// Every object is found by find, copied by cp -r, archived by tar, and opened by
// its path on a mount that has not listed anything.
func TestNoObjectIsLost(t *testing.T) {
	srv, want := oddBucket(t)
	m := mountTest(t, srv)
	found := strings.Split(strings.TrimSuffix(sh(t, m, m.Dir, `find . -type f -print0`), "\x00"), "\x00")
	slices.Sort(found)
	if paths := slices.Sorted(maps.Keys(want)); !slices.Equal(found, paths) {
		t.Fatalf("find says\n%q, want\n%q", found, paths)
	}
	copied := t.TempDir()
	sh(t, m, m.Dir, `cp -r . `+copied+` && diff -r . `+copied+` && tar cf - . | tar df -`)
	sums := sh(t, m, copied, `find . -type f -exec sha256sum -z {} +`)
	if got := sh(t, m, m.Dir, `find . -type f -exec sha256sum -z {} +`); sortedRecords(got) != sortedRecords(sums) {
		t.Errorf("the copy has other bytes:\n%s\n%s", got, sums)
	}
	fresh := mountTest(t, srv)
	for path, bytes := range want {
		if got := try(t, fresh, fresh.Dir, exec.Command("cat", path)).Stdout; got != bytes {
			t.Errorf("%q is %q, want %q", path, got, bytes)
		}
	}
	out := sh(t, fresh, fresh.Dir, `ls; stat -c %F .s3mount-hidden l/.s3mount-hidden plain/.s3mount-hidden 2>&1 || true`)
	if strings.Contains(out, "s3mount-hidden\n") || strings.Count(out, "\ndirectory") != 2 {
		t.Errorf("ls and stat say\n%s", out)
	}
}

// With plain names nothing of it is listed, and all of it can be opened.
func TestNamesPlain(t *testing.T) {
	srv, want := oddBucket(t)
	m := mountTest(t, srv, "--names", "plain")
	if out := sh(t, m, m.Dir, `find . -name .s3mount-hidden; ls -a d`); out != ".\n..\nf\n" {
		t.Errorf("find and ls -a say\n%s", out)
	}
	for path, bytes := range want {
		if got := try(t, m, m.Dir, exec.Command("cat", path)).Stdout; got != bytes {
			t.Errorf("%q is %q, want %q", path, got, bytes)
		}
	}
}

// oddBucket is a server with these objects, and their bytes by path.
func oddBucket(t *testing.T) (srv *s3test.Server, want map[string]string) {
	t.Helper()
	o := s3test.Options{Text: map[string]string{}}
	want = map[string]string{}
	for key, path := range oddKeys {
		o.Text[key] = fmt.Sprintf("bytes of %q", key)
		want["./"+strings.ReplaceAll("/"+path, "/*/", "/.s3mount-hidden/")[1:]] = o.Text[key]
	}
	return s3test.New(t, o), want
}

func sortedRecords(s string) string {
	records := strings.Split(s, "\x00")
	slices.Sort(records)
	return strings.Join(records, "\x00")
}
