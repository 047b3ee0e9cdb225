//go:build linux

package integration

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"s3mount/s3/s3test"
)

// What is different on a mount, as docs/semantics.md has it: programs that would
// write beside what they read do without, or say so in words of their own, and
// find sees some numbers that a local copy has otherwise.
func TestProgramsDifferent(t *testing.T) {
	c := corpus(t)
	for _, run := range []struct {
		name, script string
		fails        bool
		want         string // in what it says; "": nothing
		needs        string
	}{
		{"git status and git diff", `cd repo; unset GIT_OPTIONAL_LOCKS; git -c core.fileMode=false status --short; git -c core.fileMode=false diff`, false, "", "git"},
		{"git commit", `git -C repo commit -q --allow-empty -m x`, true, "Read-only file system", "git"},
		{"git gc", `git -C repo gc -q`, true, "Read-only file system", "git"},
		{"git fetch", `git init -q "$OUT/new"; git -C "$OUT/new" fetch -q "$PWD/repo" main; git -C "$OUT/new" log --format=%s -n 1 FETCH_HEAD`, false, "a merge", "git"},
		{"python3 without a cache", `cd py; python3 -m calc`, false, "42 data beside the code", "python3"},
		{"python3 -m compileall", `python3 -m compileall -q py/calc/ops.py`, true, "Read-only file system: 'py/calc/__pycache__'", "python3"},
		{"sqlite3, insert", `sqlite3 db/plain.sqlite "insert into t (word) values ('x')"`, true, "attempt to write a readonly database", "sqlite3"},
		{"sqlite3, WAL without immutable", `sqlite3 db/wal.sqlite 'select count(*) from t'`, true, "unable to open database file", "sqlite3"},
		{"make", `make -s -C c`, true, "Read-only file system", "gcc make"},
		{"vim, a swap file elsewhere", `vim -es -u NONE -i NONE text/no-line-end -c '1print' -c 'qa!'`, false, "first", "vim"},
		{"vim :w", `vim -es -u NONE -i NONE text/one -c 's/1/2/' -c 'w!' -c 'qa!' || [ "$(cat text/one)" != 1 ]`, true, "", "vim"},
		{"unzip", `cd pack; unzip -qo text.zip`, true, "Read-only file system", "zip unzip"},
		{"sed -i", `sed -i s/1/2/ text/one`, true, "Read-only file system", ""},
		{"find -delete", `find text -name one -delete`, true, "Read-only file system", ""},
		{"a program", `./c/bin/calc`, true, "Permission denied", "gcc"},
		{"find -writable", `find . -writable`, false, "", ""}, // root, too
		{"find -type d -links", `find . -type d ! -links 1`, false, "", ""},
		{"find -type d -size", `find . -type d ! -size 0`, false, "", ""},
		{"ctime", `find . -printf '%T@ %C@ %p\n' | awk '$1 != $2'`, false, "", ""},
		{"times of directories", `find . -type d ! -newermt '1 hour ago'`, false, "", ""},
	} {
		t.Run(run.name, func(t *testing.T) {
			t.Parallel()
			for _, name := range strings.Fields(run.needs) {
				needTool(t, name)
			}
			r := c.run(t, c.mount, c.mount.Dir, run.script)
			got := r.Stdout + r.Stderr
			if r.Code != 0 != run.fails || !strings.Contains(got, run.want) || run.want == "" && got != "" {
				t.Errorf("exit code %d, and said\n%swant in it\n%s", r.Code, got, run.want)
			}
		})
	}
}

// With --file-mode 0555 what is in the bucket can be run, and a configure script
// finds itself executable.
func TestProgramsRunFromTheMount(t *testing.T) {
	needTool(t, "gcc")
	c := corpus(t)
	m := mountTest(t, c.srv, "--file-mode", "0555")
	r := c.run(t, m, m.Dir, `./c/bin/calc; cp c/bin/calc "$OUT"; "$OUT/calc"`)
	same(t, "result", r.Stdout+r.Stderr, "42\n42\n")
}

// git refuses the repository of another owner, as it does everywhere, until it is
// told that it may be trusted.
func TestProgramsGitOwner(t *testing.T) {
	needTool(t, "git")
	c := corpus(t)
	m := mountTest(t, c.srv, "--uid", "54321")
	r := c.run(t, m, m.Dir, `git -C repo log --oneline 2>&1 | head -n 1 || true
		git config --file "$OUT/gitconfig" safe.directory '*'
		GIT_CONFIG_GLOBAL="$OUT/gitconfig" git -C repo log --format=%s -n 1`)
	if !strings.Contains(r.Stdout, "dubious ownership") || !strings.HasSuffix(r.Stdout, "\na merge\n") {
		t.Errorf("git said\n%s%s", r.Stdout, r.Stderr)
	}
}

// An upload without markers for empty directories loses them, and a repository
// whose refs are packed is none without refs/.
func TestProgramsGitWithoutMarkers(t *testing.T) {
	needTool(t, "git")
	c := corpus(t)
	text := map[string]string{}
	bare := filepath.Join(c.dir, "bare.git")
	for _, name := range lines(sh(t, nil, bare, `find . -type f -printf '%P\n'`)) {
		body, err := os.ReadFile(filepath.Join(bare, name))
		if err != nil {
			t.Fatal(err)
		}
		text[name] = string(body)
	}
	without := mountTest(t, s3test.New(t, s3test.Options{Text: text}))
	r := c.run(t, without, without.Dir, `git --git-dir=. log --format=%s -n 1`)
	if r.Code != 128 || !strings.Contains(r.Stderr, "not a git repository") {
		t.Errorf("git said %d %s%s", r.Code, r.Stdout, r.Stderr)
	}
	text["refs/"] = ""
	with := mountTest(t, s3test.New(t, s3test.Options{Text: text}))
	r = c.run(t, with, with.Dir, `git --git-dir=. log --format=%s -n 1; git --git-dir=. fsck`)
	same(t, "git", r.Stdout+r.Stderr, "a merge\n")
}
