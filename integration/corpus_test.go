//go:build linux

package integration

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"s3mount/integration/rig"
	"s3mount/s3/s3test"
)

// A corpusDir is what real programs work on: a directory as people have it, on
// the local disk and as a bucket. The objects' times are those of the files, as
// no upload can have them, so that programs that look at times can be compared.
// Files are 0444 and directories 0555, as the mount shows them.
type corpusDir struct {
	dir     string // on the local disk
	archive string // a tar of it, beside it
	srv     *s3test.Server
	mount   *rig.Mount // with the program's default flags
}

var makeCorpus = sync.OnceValues(newCorpus)

// corpus is shared by all tests of programs. Nothing in it is ever changed.
func corpus(t testing.TB) corpusDir {
	t.Helper()
	needMount(t)
	c, err := makeCorpus()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func newCorpus() (c corpusDir, err error) {
	c = corpusDir{dir: filepath.Join(workDir, "corpus"), archive: filepath.Join(workDir, "corpus.tar")}
	if err := writeCorpus(c.dir); err != nil {
		return c, err
	}
	objects, err := settle(c.dir)
	later(func() error { return exec.Command("chmod", "-R", "u+w", c.dir).Run() }) // to be removed by its owner
	if err != nil {
		return c, err
	}
	if out, err := exec.Command("tar", "-C", c.dir, "-cf", c.archive, ".").CombinedOutput(); err != nil {
		return c, fmt.Errorf("tar: %w\n%s", err, out)
	}
	if c.srv, err = s3test.Start(s3test.Options{Objects: objects}); err != nil {
		return c, err
	}
	later(func() error { c.srv.Close(); return nil })
	dir := filepath.Join(workDir, "corpus-mount")
	if err := os.Mkdir(dir, 0o755); err != nil {
		return c, err
	}
	c.mount, err = rig.StartMount(serverInvocation(c.srv, "", dir), dir)
	if err == nil {
		later(c.mount.Close)
	}
	return c, err
}

// settle gives everything below dir its mode and files their times, a minute
// from one to the next, and returns the objects that an upload of it makes:
// empty directories are markers.
func settle(dir string) (map[string]s3test.Object, error) {
	objects := map[string]s3test.Object{}
	at := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	var dirs []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		key, _ := filepath.Rel(dir, path)
		if d.IsDir() {
			dirs = append(dirs, path)
			if inside, err := os.ReadDir(path); err != nil || len(inside) > 0 {
				return err
			}
			objects[key+"/"] = s3test.Object{Body: []byte{}, LastModified: at}
			return nil
		}
		if !d.Type().IsRegular() {
			return fmt.Errorf("%s is a %v, which a bucket cannot hold", path, d.Type())
		}
		at = at.Add(time.Minute)
		stamp := at
		switch key {
		case "text/before-1980":
			stamp = time.Date(1979, 2, 3, 4, 5, 6, 0, time.UTC)
		case "text/after-2038":
			stamp = time.Date(2040, 2, 3, 4, 5, 6, 0, time.UTC)
		}
		body, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		objects[key] = s3test.Object{Body: append([]byte{}, body...), LastModified: stamp}
		if err := os.Chtimes(path, stamp, stamp); err != nil {
			return err
		}
		return os.Chmod(path, 0o444)
	})
	if err != nil {
		return nil, err
	}
	for _, path := range dirs {
		if err := os.Chmod(path, 0o555); err != nil {
			return nil, err
		}
	}
	return objects, nil
}

const thousands = 12_000 // names in many/

// writeCorpus makes the files, by the programs whose formats they have. What a
// program that is not installed would make is left out; its test is skipped.
func writeCorpus(dir string) error {
	files := map[string]string{
		"text/empty":        "",
		"text/one":          "1",
		"text/no-line-end":  "first\nlast, without its line end",
		"text/dos":          strings.Repeat("a line as DOS has it\r\n", 100),
		"text/long":         strings.Repeat("one long line ", 40_000) + "\n",
		"text/utf-8":        strings.Repeat("Grüße, 日本語, Ελληνικά, \U0001f5fb\n", 500),
		"text/zeros":        strings.Repeat("\x00", 3<<20) + "not only",
		"text/random":       string(random(70, 5<<20+4321)),
		"text/before-1980":  "old\n",
		"text/after-2038":   "new\n",
		"text/deep/er/file": "deep\n",
	}
	var words strings.Builder
	for i := range 20_000 {
		fmt.Fprintf(&words, "%05d word%d %x\n", i, i*7919%20_000, i*i)
	}
	files["text/words"] = words.String()
	for i := range thousands {
		files[fmt.Sprintf("many/%d%s", i*7919%thousands, strings.Repeat("-n", i%40))] = fmt.Sprintln(i)
	}
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			return err
		}
	}
	for _, name := range []string{"text/vacant", "text/deep/vacant"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o755); err != nil {
			return err
		}
	}
	source, err := filepath.Abs("testdata/programs")
	if err != nil {
		return err
	}
	cmd := exec.Command("bash", filepath.Join(source, "corpus.sh"))
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), programEnvironment...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("corpus.sh: %w\n%s", err, out)
	}
	return nil
}

// programEnvironment keeps what the caller has set up for himself away from the
// programs.
var programEnvironment = []string{
	"LC_ALL=C.UTF-8", "TZ=UTC",
	"GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1", "GIT_PAGER=cat", "GIT_OPTIONAL_LOCKS=0",
	"GIT_AUTHOR_NAME=A", "GIT_AUTHOR_EMAIL=a@example.com", "GIT_COMMITTER_NAME=C", "GIT_COMMITTER_EMAIL=c@example.com",
	"PYTHONDONTWRITEBYTECODE=", "PYTHONPATH=", "LESSHISTFILE=-", "LESSOPEN=", "MAKEFLAGS=", "TAR_OPTIONS=",
}
