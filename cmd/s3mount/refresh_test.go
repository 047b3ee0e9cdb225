package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Paths are found in the table of mounts; nothing in a mount is looked at.
func TestLocate(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"mnt", "plain", "a/b"} {
		if err := os.MkdirAll(filepath.Join(dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for name, to := range map[string]string{"link": "mnt", "a/b/up": "../../mnt", "round": "round", "out": "a/b/up/x", "abs": dir + "/mnt/d"} {
		if err := os.Symlink(to, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	types := map[string]string{"/": "ext4", dir + "/mnt": mountType, dir + "/mnt/d/tmp": "tmpfs", dir + "/mnt/d/tmp/mnt": mountType}
	for _, tt := range []struct{ path, mount, below, err string }{
		{"mnt", "mnt", "", ""},
		{"mnt/", "mnt", "", ""},
		{"mnt//x/./y", "mnt", "x/y", ""},
		{"mnt/x/../../mnt/z", "mnt", "z", ""},
		{"plain/../mnt/x\ny", "mnt", "x\ny", ""},
		{"link/x", "mnt", "x", ""},
		{"a/b/up/x", "mnt", "x", ""},
		{"out/y", "mnt", "x/y", ""},
		{"abs", "mnt", "d", ""},
		{"mnt/d/tmp/mnt/x", "mnt/d/tmp/mnt", "x", ""},
		{"mnt/d/tmp", "", "", "not in a mount of s3mount"},
		{"mnt/..", "", "", "not in a mount of s3mount"},
		{"plain", "", "", "not in a mount of s3mount"},
		{"mnt2/x", "", "", "no such file"},
		{"round/x", "", "", "symbolic links"},
	} {
		for _, path := range []string{filepath.Join(dir, "") + "/" + tt.path, tt.path} {
			t.Chdir(dir)
			got, err := locate(path, types)
			switch {
			case tt.err != "":
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Errorf("locate(%q) = %+v, %v; want an error: %s", path, got, err, tt.err)
				}
			case err != nil || got != place{dir + "/" + tt.mount, tt.below}:
				t.Errorf("locate(%q) = %+v, %v; want %q and %q", path, got, err, tt.mount, tt.below)
			}
		}
	}
}
