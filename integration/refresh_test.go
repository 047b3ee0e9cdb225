//go:build linux

package integration

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"s3mount/integration/rig"
	"s3mount/s3/s3test"
)

// refresh runs s3mount refresh, which must succeed and be silent.
func refresh(t testing.TB, m *rig.Mount, paths ...string) {
	t.Helper()
	r := tryRefresh(t, m, "/", paths...)
	if r.Code != 0 || r.Stdout+r.Stderr != "" {
		t.Fatalf("refresh %q: exit code %d\n%s%s", paths, r.Code, r.Stdout, r.Stderr)
	}
}

// tryRefresh refreshes as from a directory. The command itself goes there: see try.
func tryRefresh(t testing.TB, m *rig.Mount, dir string, paths ...string) rig.Result {
	t.Helper()
	return try(t, m, "/", exec.Command("sh", append([]string{"-c", `cd "$1" && shift && exec "$0" refresh -- "$@"`, program, dir}, paths...)...))
}

// After a refresh the next call of any kind sees what is in the bucket, however
// long listings are believed.
func TestRefreshShowsTheBucket(t *testing.T) {
	look := `ls -lR . | grep -v total; cat $(find . -type f | sort)`
	for _, what := range []string{"", "d", "d/sub"} {
		t.Run("of "+what+"/", func(t *testing.T) {
			srv := s3test.New(t, s3test.Options{Text: map[string]string{
				"d/sub/same": "one", "d/sub/gone": "two", "d/sub/deep/x": "3", "d/sub/was/y": "4", "d/sub/file": "5", "top": "t",
			}})
			m := mountTest(t, srv, "--metadata-ttl", "1h")
			before := sh(t, m, m.Dir, look)
			srv.Put("d/sub/same", s3test.Object{Body: []byte("ONE")}) // of one size, perhaps of one second
			srv.Delete("d/sub/gone")
			srv.Delete("d/sub/was/y")
			srv.Put("d/sub/was", s3test.Object{Body: []byte("a file now")})
			srv.Delete("d/sub/file")
			srv.Put("d/sub/file/in", s3test.Object{Body: []byte("a directory now")})
			srv.Put("d/sub/new", s3test.Object{Body: []byte("new")})
			srv.Put("d/sub/deep/er/z", s3test.Object{Body: []byte("zz")})
			if again := sh(t, m, m.Dir, look); again != before {
				t.Fatalf("without a refresh it is another tree already; this test would show nothing:\n%s", again)
			}
			refresh(t, m, filepath.Join(m.Dir, what))
			fresh := mountTest(t, srv)
			at := m.Dir
			if got, want := sh(t, m, at, look), sh(t, fresh, fresh.Dir, look); got != want {
				t.Errorf("after a refresh:\n%s\na new mount shows:\n%s", got, want)
			}
		})
	}
}

// The very next call is enough, whichever it is.
func TestRefreshBeforeEachCall(t *testing.T) {
	srv := s3test.New(t, s3test.Options{})
	srv.Put("d/f", s3test.Object{Body: []byte("0")})
	m := mountTest(t, srv, "--metadata-ttl", "1h")
	for i, script := range []string{`stat -c %s d/f`, `wc -c <d/f`, `cat d/f | wc -c`, `ls -l d | awk '/ f$/ {print $5}'`, `find d -name f -printf '%s\n'`, `cd d; stat -c %s f`} {
		for _, path := range []string{"", "d", "d/f"} {
			sh(t, m, m.Dir, `ls -l d; cat d/f`)
			body := strings.Repeat("x", 10*i+len(path)+2)
			srv.Put("d/f", s3test.Object{Body: []byte(body)})
			refresh(t, m, filepath.Join(m.Dir, path))
			if got := strings.TrimSpace(sh(t, m, m.Dir, script)); got != fmt.Sprint(len(body)) {
				t.Errorf("refresh %q, and %s says %s, want %d", path, script, got, len(body))
			}
		}
	}
	for _, path := range []string{"", "d", "d/f"} {
		srv.Put("d/f", s3test.Object{Body: []byte("0")})
		refresh(t, m, filepath.Join(m.Dir, path))
		sh(t, m, m.Dir, `stat d; cat d/f`)
		srv.Delete("d/f")
		refresh(t, m, filepath.Join(m.Dir, path))
		if got := sh(t, m, m.Dir, `stat d/f 2>&1 || true`); !strings.Contains(got, "No such file") {
			t.Errorf("refresh %q, and the deleted file is there: %s", path, got)
		}
		if path != "d/f" { // the directory is not what was refreshed
			if got := sh(t, m, m.Dir, `stat d 2>&1 || true; ls`); !strings.Contains(got, "No such file") || strings.Contains(got, "d\n") {
				t.Errorf("refresh %q, and the directory without keys is there: %s", path, got)
			}
		}
	}
}

// A directory of which the kernel knows no more than that it is there is seen to
// be gone, too, and one that is there is not taken for gone.
func TestRefreshOfDirectories(t *testing.T) {
	srv := s3test.New(t, s3test.Options{Text: map[string]string{"a/sub/f": "f", "b/sub/f": "f", "c/sub/f": "f"}})
	m := mountTest(t, srv, "--metadata-ttl", "1h")
	sh(t, m, m.Dir, `stat a b b/sub c c/sub c/sub/f`)
	for _, key := range []string{"a/sub/f", "b/sub/f", "c/sub/f"} {
		refresh(t, m, m.Dir)
		sh(t, m, m.Dir, `stat `+key[:1]+` `+key[:1]+`/sub`)
		srv.Delete(key)
		refresh(t, m, m.Dir)
		if got := sh(t, m, m.Dir, `stat `+key[:1]+` 2>&1 || true`); !strings.Contains(got, "No such file") {
			t.Errorf("the directory of the deleted %s is there: %s", key, got)
		}
	}
}

// A refresh asks nothing, and what follows asks as if nothing were known; what is
// not below the path is still known.
func TestRequestsOfRefresh(t *testing.T) {
	srv := countedServer(t)
	m := mountTest(t, srv, "--read-ahead", "0") // no guesses: they would be requests, too
	sh(t, m, m.Dir, `ls -lR d >/dev/null; cat d/a d/b d/sub/x >/dev/null; ls -l .; ls Many >/dev/null`)
	for _, s := range []struct {
		path, script string
		want         []string
	}{
		{"d/a", `stat d/b d/sub/x; ls`, nil},
		{"d/a", `stat d/a; cat d/a`, []string{"HEAD d/a", "LIST d/a/ flat"}}, // its bytes are in memory, and still those of that version
		{"d/sub", `cat d/sub/x`, []string{"HEAD d/sub", "LIST d/sub/ flat"}},
		{"d/sub", `stat d/sub; cat d/a d/b`, []string{"HEAD d/sub", "LIST d/sub/ flat"}},
		{"d", `cat d/a d/sub/x`, []string{"HEAD d", "LIST d/ flat"}},
		{"Many", `cat d/a d/sub/x; stat Many/0000`, []string{"HEAD Many", "LIST Many/ flat"}},
		{"", `stat d/a`, []string{"HEAD d", "LIST d/ flat"}},
		{"", `ls`, []string{"LIST flat", "LIST after=Many/\U0010ffff"}},
	} {
		srv.ResetLog()
		refresh(t, m, filepath.Join(m.Dir, s.path))
		if n := srv.Count(""); n > 0 {
			t.Errorf("refresh %q: requests %q, want none", s.path, srv.Requests())
		}
		sh(t, m, m.Dir, s.script+" >/dev/null")
		got := srv.Requests()
		equalSorted(t, fmt.Sprintf("refresh %q and %s", s.path, s.script), got, s.want)
	}
}

func equalSorted(t *testing.T, what string, got, want []string) {
	t.Helper()
	count := map[string]int{}
	for _, r := range got {
		count[r]++
	}
	for _, r := range want {
		count[r]--
	}
	for _, n := range count {
		if n != 0 {
			t.Errorf("%s: requests %q, want %q", what, got, want)
			return
		}
	}
}

// Whoever works in a directory, or has a file open, keeps them.
func TestRefreshKeepsWhatIsInUse(t *testing.T) {
	srv := s3test.New(t, s3test.Options{Text: map[string]string{"d/sub/f": "the old", "d/sub/g": "g"}})
	m := mountTest(t, srv, "--metadata-ttl", "1h")
	inside := filepath.Join(m.Dir, "d/sub")
	child := converse(t, "work-in", inside, "f")
	if got := child.hear(); got != "the old "+inside {
		t.Fatal(got)
	}
	srv.Put("d/sub/f", s3test.Object{Body: []byte("the new one")})
	refresh(t, m, m.Dir)
	child.say()
	if got := child.hear(); got != "the old "+inside {
		t.Errorf("after a refresh: %q", got)
	}
	if got := sh(t, m, m.Dir, `cd d/sub; cat f; pwd -P`); got != "the new one"+inside+"\n" {
		t.Errorf("whoever comes afterwards sees %q", got)
	}
}

func init() { children["work-in"] = childWorkIn }

// childWorkIn has args[0] for its directory and the file args[1] open. Twice it
// says what it reads there and where it is.
func childWorkIn(args []string) error {
	if err := os.Chdir(args[0]); err != nil {
		return err
	}
	f, err := os.Open(args[1])
	if err != nil {
		return err
	}
	for i := 0; ; i++ {
		at, err := os.Readlink("/proc/self/cwd") // a directory that has lost its name says so
		if err != nil {
			return err
		}
		b := make([]byte, 100)
		n, _ := f.ReadAt(b, 0)
		if info, err := f.Stat(); err != nil || info.Size() != int64(n) {
			return fmt.Errorf("fstat: %v, %v", info, err)
		}
		if _, err := os.ReadDir("."); err != nil {
			return err
		}
		fmt.Println(string(b[:n]), at)
		if i == 1 {
			return nil
		}
		if err := listen(); err != nil {
			return err
		}
	}
}

// A directory that something is mounted on stays so.
func TestRefreshKeepsMountsInTheMount(t *testing.T) {
	needRoot(t)
	srv := s3test.New(t, s3test.Options{Text: map[string]string{"d/f": "f"}})
	m := mountTest(t, srv)
	sh(t, m, m.Dir, `mount -t tmpfs none d; touch d/in`)
	refresh(t, m, m.Dir)
	defer sh(t, m, m.Dir, `umount d`)
	if got := sh(t, m, m.Dir, `ls d`); got != "in\n" {
		t.Errorf("the directory on top shows %q", got)
	}
	r := tryRefresh(t, m, "/", filepath.Join(m.Dir, "d/in"))
	if r.Code != 1 || !strings.Contains(r.Stderr, "not in a mount of s3mount") {
		t.Errorf("refresh of what another file system has: exit code %d, %s", r.Code, r.Stderr)
	}
}

// A path is taken as the shell gives it.
func TestRefreshPaths(t *testing.T) {
	srv := s3test.New(t, s3test.Options{})
	const key = "d/line\nend/f"
	srv.Put(key, s3test.Object{Body: []byte("0")})
	srv.Put("e/x", s3test.Object{Body: []byte("x")})
	m := mountTest(t, srv, "--metadata-ttl", "1h")
	links := t.TempDir()
	for name, to := range map[string]string{"mnt": m.Dir, "rel": "../" + filepath.Base(links) + "/mnt", "deep": m.Dir + "/d/line\nend"} {
		if err := os.Symlink(to, filepath.Join(links, name)); err != nil {
			t.Fatal(err)
		}
	}
	for i, p := range []struct{ dir, path string }{
		{"/", m.Dir}, {"/", m.Dir + "/"}, {"/", m.Dir + "/d/"}, {"/", m.Dir + "//d/./../d/line\nend"}, {"/", m.Dir + "/" + key},
		{m.Dir, "."}, {m.Dir, "d"}, {m.Dir, key}, {m.Dir + "/d", ".."}, {m.Dir + "/d/line\nend", "f"}, {m.Dir + "/e", "../" + key},
		{links, "mnt"}, {links, "mnt/d"}, {links, "rel/d"}, {links, "deep/f"}, {links, "deep/../line\nend/f"}, {filepath.Dir(m.Dir), filepath.Base(m.Dir)},
	} {
		sh(t, m, m.Dir, `cat $'d/line\nend/f'`)
		body := fmt.Sprint("content ", i)
		srv.Put(key, s3test.Object{Body: []byte(body)})
		if r := tryRefresh(t, m, p.dir, p.path); r.Code != 0 || r.Stderr != "" {
			t.Errorf("in %s refresh %q: exit code %d\n%s", p.dir, p.path, r.Code, r.Stderr)
		}
		if got := sh(t, m, m.Dir, `cat $'d/line\nend/f'`); got != body {
			t.Errorf("in %s refresh %q, and the file has %q, want %q", p.dir, p.path, got, body)
		}
	}
}

// Of a file that nobody has asked for, or that was not there, refresh looks
// whether it is.
func TestRefreshOfWhatIsNotKnown(t *testing.T) {
	srv := s3test.New(t, s3test.Options{Text: map[string]string{"d/f": "f"}})
	m := mountTest(t, srv, "--metadata-ttl", "1h")
	sh(t, m, m.Dir, `ls d; ls d/new 2>&1 || true`)
	r := tryRefresh(t, m, m.Dir, "d/new")
	if want := "s3mount: error: d/new: no such file or directory\ns3mount: hint: "; r.Code != 1 || !strings.HasPrefix(r.Stderr, want) {
		t.Errorf("refresh of what is not there: exit code %d, %q", r.Code, r.Stderr)
	}
	srv.Put("d/new", s3test.Object{Body: []byte("new")})
	refresh(t, m, m.Dir+"/d/new")
	if got := sh(t, m, m.Dir, `cat d/new`); got != "new" {
		t.Errorf("the new file has %q", got)
	}
	srv.Delete("d/new")
	refresh(t, m, m.Dir+"/d/new") // it was known: no error
	sh(t, m, m.Dir, `stat new new/dir 2>&1 || true`)
	srv.Put("new/dir/f", s3test.Object{Body: []byte("in new directories")})
	refresh(t, m, m.Dir+"/new/dir/f")
	if got := sh(t, m, m.Dir, `cat new/dir/f`); got != "in new directories" {
		t.Errorf("the file in new directories has %q", got)
	}
	r = tryRefresh(t, m, m.Dir, "d/f", "none", "d/f/below", strings.Repeat("n", 256))
	if r.Code != 1 || strings.Count(r.Stderr, "s3mount: error: ") != 3 || strings.Count(r.Stderr, "s3mount: hint: ") != 3 {
		t.Errorf("refresh of several: exit code %d, %s", r.Code, r.Stderr)
	}
}

func TestRefreshRefused(t *testing.T) {
	srv := s3test.New(t, s3test.Options{Text: map[string]string{"f": "f"}})
	m := mountTest(t, srv)
	gone := mountTest(t, srv)
	for _, tt := range []struct {
		path, says string
		code       int
	}{
		{t.TempDir(), "not in a mount of s3mount", 1},
		{"/proc/self", "not in a mount of s3mount", 1},
		{"", "no such file or directory", 1},
		{"/nonexistent/x", "no such file or directory", 1},
		{"/dev/null/x", "no such file or directory", 1},
		{m.Dir + "/f/../../x", "no such file or directory", 1},
		{m.Dir + "/" + strings.Repeat("n/", 2500), "file name too long", 1},
	} {
		r := tryRefresh(t, m, "/", tt.path)
		if r.Code != tt.code || !strings.Contains(r.Stderr, tt.says) || strings.Count(r.Stderr, "\n") != 2 {
			t.Errorf("refresh %.99q: exit code %d, %s; want %d, %q", tt.path, r.Code, r.Stderr, tt.code, tt.says)
		}
	}
	gone.Process.Signal(syscall.SIGKILL)
	gone.Process.Wait(limit)
	r := tryRefresh(t, nil, "/", gone.Dir+"/f")
	if r.Code != 1 || !strings.Contains(r.Stderr, "umount") || !strings.Contains(r.Stderr, "program is gone") {
		t.Errorf("refresh of a mount whose daemon is gone: exit code %d, %s", r.Code, r.Stderr)
	}
	if err := rig.Detach(gone.Dir); err != nil {
		t.Error(err)
	}
}
