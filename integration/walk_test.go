//go:build linux

package integration

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"s3mount/s3/s3test"
)

// A walkTool is a command that goes through the whole mount, which it is started
// in. $OUT is an empty directory.
type walkTool struct {
	name, script string
	reads        bool // every file, to its end
	needs        string
}

var walkTools = []walkTool{
	{name: "grep -r", script: `! grep -r absent .`, reads: true},
	{name: "tar", script: `tar cf - . | wc -c`, reads: true},
	{name: "tar and unpack", script: `tar cf - . | tar xf - -C "$OUT"; diff -r "$LOCAL" "$OUT"`, reads: true},
	{name: "cp -r", script: `cp -r . "$OUT"; diff -r "$LOCAL" "$OUT"`, reads: true},
	{name: "rsync -a", script: `rsync -a ./ "$OUT"; diff -r "$LOCAL" "$OUT"`, reads: true, needs: "rsync"},
	{name: "md5sum *", script: `for d in */; do (cd "$d" && md5sum *); done | md5sum >"$OUT/here"
		cd "$LOCAL"; for d in */; do (cd "$d" && md5sum *); done | md5sum | cmp - "$OUT/here"`, reads: true},
	{name: "diff -r", script: `diff -r . "$LOCAL"`, reads: true},
	{name: "xargs -P", script: `find . -type f -print0 | xargs -0 -n 25 -P 8 cat | wc -c`, reads: true},
	{name: "find -type f", script: `find . -type f | wc -l`},
	{name: "find -size", script: `find . -size +1k | wc -l`},
	{name: "du -s", script: `du -s .`},
	{name: "ls -lR", script: `ls -lR . | wc -l`},
}

const walkDirs, walkFiles = 20, 100

// walkTree is a server with directories of files of 1 KiB, and the same on disk.
func walkTree(t *testing.T) (srv *s3test.Server, local string) {
	t.Helper()
	text := map[string]string{}
	local = t.TempDir()
	for d := range walkDirs {
		dir := fmt.Sprintf("d%02d", d)
		if err := os.Mkdir(filepath.Join(local, dir), 0o755); err != nil {
			t.Fatal(err)
		}
		for f := range walkFiles {
			name := fmt.Sprintf("%s/f%03d.txt", dir, f)
			content := random(d*walkFiles+f, 1024)
			text[name] = string(content)
			if err := os.WriteFile(filepath.Join(local, name), content, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	return s3test.New(t, s3test.Options{Text: text}), local
}

// What it costs to go through a tree: a GET for each file that is read, asked for
// once, and a few LISTs for all of it. Going through it again costs nothing.
func TestRequestsOfWalks(t *testing.T) {
	for _, tool := range walkTools {
		t.Run(tool.name, func(t *testing.T) {
			if tool.needs != "" {
				needTool(t, tool.needs)
			}
			srv, local := walkTree(t)
			m := mountTest(t, srv)
			srv.ResetLog()
			t.Setenv("LOCAL", local)
			t.Setenv("OUT", t.TempDir())
			first := sh(t, m, m.Dir, tool.script)
			gets := 0
			if tool.reads {
				gets = walkDirs * walkFiles
			}
			if n := srv.Count(s3test.Get); n < gets || n > gets+gets/50 {
				t.Errorf("%d GETs, want %d", n, gets)
			}
			lists := slices.DeleteFunc(srv.Requests(), func(r string) bool { return r[:4] == "GET " })
			t.Logf("%d GETs, %q", srv.Count(s3test.Get), lists)

			srv.ResetLog()
			t.Setenv("OUT", t.TempDir())
			if again := sh(t, m, m.Dir, tool.script); again != first {
				t.Errorf("said %q, and then %q", first, again)
			}
			if got := srv.Requests(); len(got) != 0 {
				t.Errorf("the second time: %d requests, %q", len(got), got[:min(len(got), 20)])
			}
		})
	}
}
