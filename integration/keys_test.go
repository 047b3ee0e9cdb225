//go:build linux

package integration

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"s3mount/integration/rig"
	"s3mount/s3/s3test"
)

// The rows K of docs/reliability.md: which keys have which names.

func init() {
	children["show"] = childShow
	children["look"] = childLook
	children["descend"] = childDescend
}

// sideDoor holds, in each directory that has such keys, what the plain tree
// cannot show. Here the plain tree is looked at.
const sideDoor = ".s3mount-hidden"

// childShow prints all that is below args[0], as Go writes strings: a directory
// with a slash, a file with what it holds.
func childShow(args []string) error {
	return filepath.WalkDir(args[0], func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case path == args[0]:
			return nil
		case d.Name() == sideDoor:
			return fs.SkipDir
		case d.IsDir():
			fmt.Printf("%q\n", path[len(args[0])+1:]+"/")
			return nil
		}
		content, err := os.ReadFile(path)
		if info, serr := os.Stat(path); serr != nil || !info.Mode().IsRegular() || info.Size() != int64(len(content)) {
			return fmt.Errorf("stat %q: %v, %v", path, info, serr)
		}
		fmt.Printf("%q %q\n", path[len(args[0])+1:], content)
		return err
	})
}

// childLook prints what the names are that follow args[0]: a kind, or an errno. The
// names are as Go writes strings, and taken as they are.
func childLook(args []string) error {
	dir, err := unix.Open(args[0], unix.O_PATH|unix.O_DIRECTORY, 0)
	if err != nil {
		return err
	}
	for _, quoted := range args[1:] {
		name, err := strconv.Unquote(quoted)
		if err != nil {
			return err
		}
		var st unix.Stat_t
		switch err := unix.Fstatat(dir, name, &st, unix.AT_SYMLINK_NOFOLLOW); {
		case err != nil:
			fmt.Println(errnoName(err))
		case st.Mode&unix.S_IFMT == unix.S_IFDIR:
			fmt.Println("directory")
		default:
			fmt.Println("file of", st.Size)
		}
	}
	return nil
}

// keysServer is a server with an object for each key, which holds its own key; a key
// that ends in "/" is an empty marker, but for one that ends in "=/", which holds
// bytes and has no "=".
func keysServer(t testing.TB, o s3test.Options, keys ...string) *s3test.Server {
	o.Text = map[string]string{}
	for _, key := range keys {
		switch plain, full := strings.CutSuffix(key, "=/"); {
		case full:
			o.Text[plain+"/"] = "five!"
		case strings.HasSuffix(key, "/"):
			o.Text[key] = ""
		default:
			o.Text[key] = key
		}
	}
	return s3test.New(t, o)
}

// wantShown: the plain tree of the mount is the files of these keys, each holding
// its key, and the directories, which have a slash.
func wantShown(t testing.TB, m *rig.Mount, prefix string, want []string) {
	t.Helper()
	got := lines(inChild(t, m, "show", m.Dir))
	slices.Sort(got)
	var all []string
	for _, key := range want {
		if strings.HasSuffix(key, "/") {
			all = append(all, fmt.Sprintf("%q", key))
		} else {
			all = append(all, fmt.Sprintf("%q %q", key, prefix+key))
		}
	}
	slices.Sort(all)
	all = slices.Compact(all)
	if !slices.Equal(got, all) {
		t.Errorf("shown is\n%s\nwant\n%s", excerpt(strings.Join(got, "\n")), excerpt(strings.Join(all, "\n")))
	}
}

// wantNames looks names up.
func wantNames(t testing.TB, m *rig.Mount, want map[string]string) {
	t.Helper()
	args := []string{m.Dir}
	var names []string
	for name := range want {
		names = append(names, name)
		args = append(args, strconv.Quote(name))
	}
	for i, got := range lines(inChild(t, m, "look", args...)) {
		if got != want[names[i]] {
			t.Errorf("%q is %s, want %s", names[i], got, want[names[i]])
		}
	}
}

// others are names of other scripts, and pairs that folding or decoding would make
// one of.
var others = []string{
	"gr\u00fc\u00dfe", "gru\u0308\u00dfe", "A", "a", "\uff21", "\u05d0\u05d1 \u202eabc", "\U0001f5fb", "\U0001f468\u200d\U0001f469", "zero\u200bwidth", "zerowidth", "\ufeffbom", "\u0130", "i\u0307", "\ufb01", "fi",
}

var escapes = []string{
	"%2F", "%00", "%20", "%", "%%", "%zz", "a%41", "aA", "a+b", "a b", "a%2Bb", "a%2Fb", "a%2fb", "c&amp;d", "c&d", "c<d", "c&lt;d", "&#10;", ";", "=", "#", "#?", "?", "?x=y", "~", "$", "$HOME", "@", ":", ",", "!", "'", "(x)", "*",
}

// oddBytes are names of each byte that a name may have, alone and in the midst, and
// of what is no text.
func oddBytes() (names []string) {
	for b := 1; b < 256; b++ {
		if b != '/' && b != '.' {
			names = append(names, string([]byte{byte(b)}))
		}
		if b != '/' {
			names = append(names, string([]byte{'x', byte(b), 'y'}))
		}
	}
	return append(names, "-", "-rf", "--help", " lead", "trail ", "  ", "a\nb", "\r\n", "\ttab", `"q"`, "'q'", `back\slash`, `\n`, "*", "?", "[a]",
		"\xed\xa0\x80", "\xc0\xaf", "\xc0\xae\xc0\xae", "\xf0\x9f", "\xff\xfe", "\xef\xbf\xbd") // a half of a surrogate, "/" and ".." in too many bytes, a part, a mark, U+FFFD
}

func below(dir string, names []string) (keys []string) {
	for _, name := range names {
		keys = append(keys, dir+name)
	}
	return keys
}

func TestKeysAndNames(t *testing.T) {
	long := strings.Repeat("n", 255)
	wide := strings.Repeat("日", 85)                               // 255 bytes
	far := strings.Repeat(strings.Repeat("q", 200)+"/", 19) + "f" // with the mount's own path, nearly as long as one may be
	rows := []struct {
		name   string
		keys   []string
		shown  []string // nil: the keys
		looked map[string]string
	}{
		{"K1 dots", []string{".", "..", "a/..", "a/../b", "../../etc/passwd", "/..", "a/./b", "a/.", "a/good", "top", "...", ".x", "..x"},
			[]string{"a/", "a/good", "top", "...", ".x", "..x"},
			map[string]string{"etc": "ENOENT", "etc/passwd": "ENOENT", "b": "ENOENT", "a/b": "ENOENT", "../etc": "ENOENT", "a/../top": "file of 3", "a/../b": "ENOENT"}},
		{"K2 empty components", []string{"a//b", "a//", "/lead", "//", "/", "a///", "a/rest", "c//d"},
			[]string{"a/", "a/rest", "c/"},
			map[string]string{"lead": "ENOENT", "b": "ENOENT", "a/b": "ENOENT", "c/d": "ENOENT", "a//rest": "file of 6"}},
		{"K3 markers", []string{"d/", "e=/", "f/", "f/x", "g=/", "g/x"},
			[]string{"d/", "e/", "f/", "f/x", "g/", "g/x"},
			map[string]string{"d": "directory", "e": "directory", "e/x": "ENOENT", "d/d": "ENOENT"}},
		{"K5 what sorts before a slash", []string{"dir/x", "dir-1/x", "dir.x", "dir!", "dir0", "dirx/y", "di"},
			[]string{"dir/", "dir/x", "dir-1/", "dir-1/x", "dir.x", "dir!", "dir0", "dirx/", "dirx/y", "di"},
			map[string]string{"dir": "directory", "dir-": "ENOENT", "di": "file of 2", "dir-1/y": "ENOENT", "dir/y": "ENOENT", "d": "ENOENT"}},
		{"K6 every byte", oddBytes(), nil, map[string]string{"\x01": "file of 1", "a\nb": "file of 3", "\xff": "file of 1", "xzy/": "ENOTDIR"}},
		{"K6 every byte in a directory's name", below("s/", below("p", append([]string{}, below("", slices.DeleteFunc(oddBytes(), func(s string) bool { return len(s) == 1 }))...))), nil, nil},
		{"K7 NUL", []string{"a\x00b", "\x00", "d/\x00/x", "d/y", "a"}, []string{"d/", "d/y", "a"}, map[string]string{"d": "directory", "a": "file of 1"}},
		{"K8 other scripts", others, nil, map[string]string{"gr\u00fc\u00dfe": "file of 7", "GRU\u0308SSE": "ENOENT", "FI": "ENOENT"}},
		{"K9 long", []string{"k/" + long, "k/" + long + "x", "k/" + strings.Repeat("y", 1020), strings.Repeat("z", 1023), strings.Repeat("z", 1024), "k/" + long + "x/below", "k/ok",
			wide + "/" + wide + "/" + wide + "/" + wide, wide + "x", far},
			nil, map[string]string{"k/" + long: "file of 257", "k/" + long + "x": "ENAMETOOLONG", strings.Repeat("z", 1023): "ENAMETOOLONG", strings.Repeat("z", 1024): "ENAMETOOLONG",
				"k/" + long + "x/below": "ENAMETOOLONG", wide + "/" + wide + "/" + wide + "/" + wide: "file of 1023", wide + "x": "ENAMETOOLONG", far: fmt.Sprint("file of ", len(far))}},
		{"K11 escapes", append(below("k/", escapes), "a%2Fb", "a/b", "k%2Fa", "%2e%2e/x"), nil,
			map[string]string{"k/a%41": "file of 6", "k/aA": "file of 4", "a%2Fb": "file of 5", "a/b": "file of 3", "k/a%42": "ENOENT", "k/%2f": "ENOENT"}},
	}
	for _, row := range rows {
		if row.shown == nil {
			row.shown = withDirectories(row.keys)
		}
		// Seen by listing first, by look-up first, and on a server that does not sort.
		for i, o := range []s3test.Options{{}, {PageSize: 3}, {PageSize: 7, Unsorted: true}} {
			t.Run(row.name, func(t *testing.T) {
				t.Parallel()
				m := mountTest(t, keysServer(t, o, row.keys...), append(quick, "--metadata-ttl", []string{"1m", "0", "0"}[i])...)
				if i == 1 {
					wantNames(t, m, row.looked)
				}
				wantShown(t, m, "", row.shown)
				wantNames(t, m, row.looked)
				for _, key := range row.shown {
					if strings.HasPrefix(row.name, "K11") && !strings.HasSuffix(key, "/") {
						wantNames(t, m, map[string]string{key: fmt.Sprint("file of ", len(key))})
					}
				}
				if got := failures(m); len(got) > 0 {
					t.Errorf("logged %s", got)
				}
				wantSettled(t, m)
			})
		}
	}
}

// withDirectories adds to keys whose components all are names the directories that
// they make. Keys with a component of over 255 bytes show those in front of it.
func withDirectories(keys []string) (shown []string) {
	dirs := map[string]bool{}
	for _, key := range keys {
		at := ""
		for rest := key; ; {
			name, more, inside := strings.Cut(rest, "/")
			if len(name) > 255 {
				break
			}
			if !inside {
				shown = append(shown, key)
				break
			}
			at += name + "/"
			dirs[at], rest = true, more
		}
	}
	for dir := range dirs {
		shown = append(shown, dir)
	}
	return shown
}

// K6: a key cannot write a line of its own into the log.
func TestK6KeysInTheLog(t *testing.T) {
	const key = "a\n2026-01-01 level=ERROR msg=\"not so\" \x1b[31m"
	srv := keysServer(t, s3test.Options{}, key)
	m := mountTest(t, srv, quick...)
	srv.AddRule(s3test.Rule{Op: s3test.Get, Action: s3test.Error(403, "AccessDenied")})
	r := try(t, m, m.Dir, shell(`cat a*`))
	if !strings.HasSuffix(strings.TrimSpace(r.Stderr), "Permission denied") {
		t.Errorf("cat said %q", r.Stderr)
	}
	wantFailures(t, m, 0, 1)
	if log := m.Process.Stderr(); strings.Contains(log, "\x1b") || !strings.Contains(log, `\n2026`) {
		t.Errorf("logged %q", log)
	}
}

// K4: an object behind a directory of its name appears when the directory is gone.
func TestK4FileAndDirectoryOfOneName(t *testing.T) {
	for _, ttl := range []string{"0", "200ms"} {
		srv := keysServer(t, s3test.Options{}, "n", "n/x")
		m := mountTest(t, srv, "--metadata-ttl", ttl)
		see := func(script, want string) {
			t.Helper()
			var r rig.Result
			if !rig.Eventually(patience, func() bool {
				r = try(t, m, m.Dir, shell(script))
				return r.Code == 0 && r.Stdout == want
			}) {
				t.Errorf("TTL %s: %s says %q %s, want %q", ttl, script, r.Stdout, r.Stderr, want)
			}
		}
		see(`stat -c %F n; cat n/x; ls`, "directory\nn/xn\n")
		ino := sh(t, m, m.Dir, `stat -c %i n`)
		srv.Delete("n/x")
		see(`stat -c %F n; cat n; ls; ls n; find . -name .s3mount-hidden -prune -o -type f -print`, "regular file\nnn\nn\n./n\n")
		if now := sh(t, m, m.Dir, `stat -c %i n`); now == ino {
			t.Errorf("TTL %s: the file has the directory's number %s", ttl, ino)
		}
		srv.Put("n/y", s3test.Object{Body: []byte("y")})
		see(`stat -c %F n; cat n/y; ls n; find . -name .s3mount-hidden -prune -o -type f -print`, "directory\nyy\n./n/y\n")
		same(t, "number of the directory", sh(t, m, m.Dir, `stat -c %i n`), ino)
		wantSettled(t, m)
	}
}

// childDescend goes down args[1] steps of the name args[2] from args[0], and prints
// what the file "f" holds there and where it is.
func childDescend(args []string) error {
	steps, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	if err := os.Chdir(args[0]); err != nil {
		return err
	}
	for i := range steps {
		if err := syscall.Chdir(args[2]); err != nil {
			return fmt.Errorf("step %d: %w", i, err)
		}
	}
	content, err := os.ReadFile("f")
	fmt.Println(len(content), string(content[max(0, len(content)-3):]))
	return err
}

// K10: 512 levels, and a path that is longer than any call takes.
func TestK10Deep(t *testing.T) {
	for _, tt := range []struct {
		steps int
		name  string
	}{{511, "a"}, {30, strings.Repeat("d", 200)}} {
		key := strings.Repeat(tt.name+"/", tt.steps) + "f"
		for _, flags := range [][]string{nil, {"--metadata-ttl", "0"}} {
			m := mountTest(t, keysServer(t, s3test.Options{}, key), flags...)
			want := fmt.Sprintf("%d %s\n", len(key), key[len(key)-3:])
			same(t, fmt.Sprintf("with %q, %d steps down", flags, tt.steps), inChild(t, m, "descend", m.Dir, fmt.Sprint(tt.steps), tt.name), want)
			same(t, "find", sh(t, m, m.Dir, `find . | wc -l`), fmt.Sprintln(tt.steps+2))
			wantSettled(t, m)
		}
	}
}

// K14: a mount of a prefix shows what is below it, and nothing of its neighbours.
func TestK14Prefix(t *testing.T) {
	keys := []string{"a/b", "a/b/", "a/bc", "a/b/../c", "a/b/x", "a/b/y/z", "a/b.x", "a/c", "b/x", "a/b//w"}
	for _, prefix := range []string{"a/b", "a/b/"} {
		m := mountPrefix(t, keysServer(t, s3test.Options{}, keys...), prefix)
		wantShown(t, m, "a/b/", []string{"x", "y/", "y/z"})
		wantNames(t, m, map[string]string{"c": "ENOENT", "bc": "ENOENT", "b": "ENOENT", "a": "ENOENT", "w": "ENOENT", "../c": "ENOENT", "x": "file of 5"})
	}
}
