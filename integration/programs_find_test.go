//go:build linux

package integration

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"s3mount/integration/rig"
	"s3mount/s3/s3test"
)

// What find asks for. Left out is what
// docs/semantics.md says to be different: times, sizes and links of directories,
// ctime, and what root may write.
var findPredicates = []string{
	`-name '*.c'`, `-iname 'M*'`, `-path '*/deep/*'`, `-regex '.*/[0-9]+'`, `-wholename 'c/src/*'`,
	`-type f`, `-type d`, `-type l`, `-type f,d -not -type d`, `-xtype f`, `-lname '*'`,
	`-empty`, `-type d -empty`, `-type f -empty`,
	`-type f -size 0`, `-type f -size -2`, `-type f -size +1M`, `-type f -size 4c`, `-type f -size +100k -size -600k`,
	`-type f -newer text/one`, `-type f ! -newer text/one`, `-type f -newermt 2024-01-03`, `-type f -newermt '2030-01-01'`, `-type f ! -newermt 1980-01-01`,
	`-type f -mtime +1000`, `-type f -mmin -1`, `-type f -mmin +1 -mtime +10000`,
	`-perm 0444`, `-perm -0200`, `-perm /0222`, `-perm -a=r`, `-type d -perm 0555`,
	`-readable`, `! -readable`, `-type f -executable`, `-type d -executable`,
	`-type f -links 1`, `-type f -links +1`, `-samefile text/words`, `-inum $(stat -c %i text/words)`,
	`-user $(id -u)`, `-group $(id -g)`, `-uid $(id -u) -gid $(id -g)`, `-nouser`, `-nogroup`,
	`-maxdepth 1`, `-maxdepth 2 -mindepth 2`, `-depth -path '*/er*'`, `-path text/deep -prune -o -type f`, `-xdev -name one`, `-mount -name one`,
	`-noleaf -type d`, `-path repo/.git -prune -o -name words -o -name dos`, `-true -name x -o -false`,
	`-name one -execdir cat {} ;`, `-name 'words' -exec wc {} +`, `-type f -path 'text/*' -printf '%y %m %s %T@ %TY-%Tm-%Td %u %g %n %d %f %h %P\n'`,
	`-name words -fprintf /dev/stdout '%p\n'`, `-name words -ls -quit -false`,
}

// In the directory of 12,000 some of them.
var manyPredicates = []string{`-type f -size -2`, `-newer text/words -type f`, `-perm 0444 -links 1`, `-name '*99-n'`, `-type f -printf '%s %T@ %p\n'`}

func TestProgramsFind(t *testing.T) {
	c := corpus(t)
	const script = `while IFS= read -r predicate; do
		eval "find ${predicate//;/\\;}" >"$OUT/found" 2>&1 || echo "exit code $?" >>"$OUT/found"
		printf '%s: %s %s\n' "$predicate" "$(wc -l <"$OUT/found")" "$(sort "$OUT/found" | sed -E 's/^ *[0-9]+ +[0-9]+ -r/-r/' | sha256sum)"
	done <<'END'
`
	var all []string
	for _, p := range findPredicates {
		all = append(all, "text py c repo db pack -mindepth 1 "+p)
	}
	for _, p := range manyPredicates {
		all = append(all, "many "+p)
	}
	text := "set -f\n" + script + strings.Join(all, "\n") + "\nEND\n"
	want, got := c.run(t, nil, c.dir, text), c.run(t, c.mount, c.mount.Dir, text)
	same(t, "exit code", got.Code, want.Code)
	same(t, "errors", got.Stderr, want.Stderr)
	g, w := lines(got.Stdout), lines(want.Stdout)
	if len(g) != len(w) || len(w) != len(all) {
		t.Fatalf("%d answers, %d in the local copy, want %d: %s", len(g), len(w), len(all), want.Stdout)
	}
	for i := range w {
		if g[i] != w[i] {
			t.Errorf("find says %s; in the local copy %s", g[i], w[i])
		}
	}
}

// Numbers of a mount that programs rest on, in two mounts of one bucket at once:
// inode numbers are no two files', are those of readdir and of stat, and the same
// in both.
func TestProgramsInodes(t *testing.T) {
	c := corpus(t)
	other := mountTest(t, c.srv)
	const script = `find . -printf '%i %p\n' | sort -k2 >"$OUT/found"
		cut -d' ' -f1 "$OUT/found" | sort | uniq -d
		find . -print0 | xargs -0 stat -c '%i %n' | sort -k2 | cmp - "$OUT/found"
		(cd many; ls -iU1 | awk '{print $1, "./many/" $2}' | sort -k2) | cmp - <(grep -F ' ./many/' "$OUT/found")
		wc -l <"$OUT/found"; sha256sum <"$OUT/found"`
	want, got := c.run(t, c.mount, c.mount.Dir, script), c.run(t, other, other.Dir, script)
	if want.Code != 0 || want.Stderr != "" || len(lines(want.Stdout)) != 2 {
		t.Errorf("exit code %d: %s%s", want.Code, want.Stdout, want.Stderr)
	}
	same(t, "numbers", got, want)
}

// An incremental backup stores what has changed and no more, after a remount, too:
// the inode numbers stay. The device's number does not, and tar has an option.
func TestProgramsBackUpIncrementally(t *testing.T) {
	old := time.Now().Add(-time.Hour)
	file := func(text string) s3test.Object { return s3test.Object{Body: []byte(text), LastModified: old} }
	srv := s3test.New(t, s3test.Options{Objects: map[string]s3test.Object{"d/a": file("1"), "d/b": file("2"), "e/c": file("3")}})
	state := filepath.Join(t.TempDir(), "state")
	backup := func(m *rig.Mount) string {
		return sh(t, m, m.Dir, `tar -g '`+state+`' --no-check-device -cf - . | tar -t | sed '/\/$/d' | sort`)
	}
	m := mountTest(t, srv, "--metadata-ttl", "0")
	same(t, "the first backup", backup(m), "./d/a\n./d/b\n./e/c\n")
	same(t, "the second", backup(m), "")
	srv.Put("d/b", s3test.Object{Body: []byte("new"), LastModified: time.Now().Add(time.Minute)})
	same(t, "the one after a change", backup(m), "./d/b\n")
	srv.Put("d/b", file("as old as the others"))
	same(t, "the one after a remount", backup(mountTest(t, srv)), "")
}
