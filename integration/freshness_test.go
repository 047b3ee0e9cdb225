//go:build linux

package integration

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"s3mount/integration/rig"
	"s3mount/s3/s3test"
)

// sameSecond is when all objects of these tests were written, so that only their
// ETags tell versions of one size apart.
var sameSecond = time.Unix(1_700_000_000, 0)

func version(body string) s3test.Object {
	return s3test.Object{Body: []byte(body), LastModified: sameSecond}
}

// What is put, replaced and deleted is seen within the TTL, by whatever call, and
// a version of the same size and second is told by its ETag.
func TestChangesAreSeenWithinTheTTL(t *testing.T) {
	const ttl = time.Second
	steps := []struct {
		name   string
		change func(*s3test.Server)
		body   string // of d/f afterwards; "": it is gone
	}{
		{"added", func(s *s3test.Server) { s.Put("d/f", version("first")) }, "first"},
		{"replaced in the same second by as many bytes", func(s *s3test.Server) { s.Put("d/f", version("other")) }, "other"},
		{"replaced", func(s *s3test.Server) { s.Put("d/f", version("longer than before")) }, "longer than before"},
		{"deleted", func(s *s3test.Server) { s.Delete("d/f") }, ""},
		{"added again", func(s *s3test.Server) { s.Put("d/f", version("again")) }, "again"},
	}
	for _, look := range []struct {
		name, script string
		shows        func(body string) string
	}{
		{"cat", `cat d/f 2>/dev/null || true`, func(body string) string { return body }},
		{"stat", `stat -c %s d/f 2>/dev/null || true`, func(body string) string {
			if body == "" {
				return ""
			}
			return fmt.Sprintf("%d\n", len(body))
		}},
		{"ls", `ls -l d | awk '/ f$/ { print $5 }'`, func(body string) string {
			if body == "" {
				return ""
			}
			return fmt.Sprintf("%d\n", len(body))
		}},
		{"a glob", `cd d; for f in [f]; do [ ! -e $f ] || cat $f; done`, func(body string) string { return body }},
	} {
		t.Run(look.name, func(t *testing.T) {
			t.Parallel()
			srv := s3test.New(t, s3test.Options{Text: map[string]string{"d/other": ""}})
			m := mountTest(t, srv, "--metadata-ttl", ttl.String())
			for _, s := range steps {
				sh(t, m, m.Dir, look.script)
				s.change(srv)
				changed, want := time.Now(), look.shows(s.body)
				var got string
				if !rig.Eventually(limit, func() bool {
					got = sh(t, m, m.Dir, look.script)
					return got == want
				}) {
					t.Fatalf("%s: %s shows %q long after, want %q", s.name, look.name, got, want)
				}
				// A machine that has other things to do is no defect of the mount.
				if took := time.Since(changed); took > ttl+10*time.Second {
					t.Errorf("%s: seen after %v, with a TTL of %v", s.name, took, ttl)
				}
			}
		})
	}
}

// A file that is opened for the first time, or for the first time after the TTL,
// is what is in the bucket then.
func TestOpenSeesAtOnceWhatWasReplacedInTheSameSecond(t *testing.T) {
	srv := s3test.New(t, s3test.Options{})
	srv.Put("d/f", version("first"))
	m := mountTest(t, srv, "--metadata-ttl", "1h")
	sh(t, m, m.Dir, `ls -l d`)
	srv.Put("d/f", version("other"))
	if got := sh(t, m, m.Dir, `cat d/f`); got != "other" {
		t.Errorf("cat says %q", got)
	}
}

// tail -f stays with the file that it has opened. (tail -F does, too: it looks
// whether the name has another inode number by now, and that comes from the key.)
func TestTailStaysWithItsVersion(t *testing.T) {
	srv := s3test.New(t, s3test.Options{})
	srv.Put("log", version("one\n"))
	m := mountTest(t, srv, "--metadata-ttl", "1h")
	said := filepath.Join(t.TempDir(), "said")
	out, err := os.Create(said)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	cmd := exec.Command("tail", "-f", "-s", "0.01", "-n", "+1", filepath.Join(m.Dir, "log"))
	cmd.Stdout, cmd.Stderr = out, out
	p, err := rig.Start(cmd)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Stop(0) })
	read := func() string { b, _ := os.ReadFile(said); return string(b) }
	if !rig.Eventually(limit, func() bool { return read() == "one\n" }) {
		t.Fatalf("at first tail says %q", read())
	}
	srv.Put("log", version("one\ntwo\n"))
	refresh(t, m, filepath.Join(m.Dir, "log"))
	if got := sh(t, m, m.Dir, `tail -n +1 log`); got != "one\ntwo\n" {
		t.Errorf("another tail says %q", got)
	}
	if got := read(); got != "one\n" {
		t.Errorf("tail -f says %q; the file that it has open is not the new one", got)
	}
}

// No change in the bucket is an event.
func TestInotifySeesNoChange(t *testing.T) {
	needTool(t, "inotifywait")
	srv := s3test.New(t, s3test.Options{})
	srv.Put("d/f", version("one"))
	m := mountTest(t, srv, "--metadata-ttl", "1h")
	events := filepath.Join(t.TempDir(), "events")
	p, err := rig.Start(exec.Command("inotifywait", "-q", "-m", "-r", "-e", "modify,attrib,create,delete,move,delete_self,move_self,open", "-o", events, m.Dir))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Stop(0) })
	read := func() string { b, _ := os.ReadFile(events); return string(b) }
	opened := func(name string) func() bool {
		return func() bool {
			sh(t, m, m.Dir, `cat `+name)
			return strings.Contains(read(), "OPEN "+filepath.Base(name)+"\n")
		}
	}
	if !rig.Eventually(limit, opened("d/f")) {
		t.Fatalf("the watch does not see what is done on this machine: %q", read())
	}
	srv.Put("d/f", version("two"))
	srv.Put("d/new", version("new"))
	srv.Put("d/gone", version("gone"))
	refresh(t, m, m.Dir)
	sh(t, m, m.Dir, `ls -l d; cat d/f`)
	srv.Delete("d/gone")
	refresh(t, m, m.Dir)
	if !rig.Eventually(limit, opened("d/new")) {
		t.Fatalf("after a refresh the watch sees nothing: %q", read())
	}
	for line := range strings.Lines(read()) {
		if !strings.Contains(line, "OPEN") {
			t.Errorf("an event: %s", line)
		}
	}
}
