//go:build linux

package fs

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What unmounts for a user is another program: credentials in the environment
// are not its business.
func TestFusermountInheritsNoSecret(t *testing.T) {
	dir := t.TempDir()
	script := "#!/bin/sh\nenv > '" + dir + "/env'\necho \"$@\" > '" + dir + "/args'\n"
	if err := os.WriteFile(filepath.Join(dir, "fusermount3"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir)
	t.Setenv("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI")
	if err := fusermount("-u", "/mnt/x"); err != nil {
		t.Fatal(err)
	}
	env, err := os.ReadFile(filepath.Join(dir, "env"))
	if err != nil || strings.Contains(string(env), "AWS_") {
		t.Errorf("it was given %q, %v", env, err)
	}
	if args, err := os.ReadFile(filepath.Join(dir, "args")); string(args) != "-u /mnt/x\n" {
		t.Errorf("it was called with %q, %v", args, err)
	}
}
