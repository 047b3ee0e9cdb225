//go:build linux

package integration

import (
	"errors"
	"fmt"
	"path/filepath"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"s3mount/integration/rig"
	"s3mount/s3/s3test"
)

// The rows F12 and F13 of docs/reliability.md: objects that change.

func init() { children["keep"] = childKeep }

// childKeep opens and maps the file, reads its beginning, waits until it has been
// changed, and reads all of it in both ways: each piece must be the old one, or
// ESTALE, or SIGBUS. It prints how many there were of each.
func childKeep(args []string) error {
	g, err := generatedOf(args)
	if err != nil {
		return err
	}
	debug.SetPanicOnFault(true)
	fd, err := unix.Open(g.path, unix.O_RDONLY, 0)
	if err != nil {
		return err
	}
	p, err := unix.Mmap(fd, 0, int(g.size), unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return err
	}
	if err := g.holds(p[:4096], 0, 4096); err != nil {
		return err
	}
	fmt.Println("holding")
	if err := listen(); err != nil {
		return err
	}
	touch := func(off int64) (page []byte, err error) {
		defer func() {
			if recover() != nil {
				err = unix.EFAULT
			}
		}()
		return append(page, p[off:off+4096]...), nil
	}
	count := map[string]int{}
	const piece = 64 << 10
	for off := int64(0); off < g.size+piece; off += piece {
		buf := make([]byte, piece)
		n, err := unix.Pread(fd, buf, off)
		switch {
		case errors.Is(err, unix.ESTALE):
			count["ESTALE"]++
		case err != nil:
			return fmt.Errorf("pread at %d: %w", off, err)
		default:
			if err := g.holds(buf[:n], off, piece); err != nil {
				return err
			}
			count["old"]++
		}
		if off+4096 > g.size {
			continue
		}
		page, err := touch(off)
		if err != nil {
			count["SIGBUS"]++
		} else if err := g.holds(page, off, 4096); err != nil {
			return fmt.Errorf("mapped: %w", err)
		}
	}
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil || st.Size != g.size {
		return fmt.Errorf("fstat: %d bytes, %w", st.Size, err)
	}
	fmt.Println(count["old"] > 0, count["ESTALE"] > 0 == (count["SIGBUS"] > 0), count["ESTALE"] > 0)
	return nil
}

// F12: whatever becomes of an object that is open and mapped, its reader sees old
// bytes or an error, and who comes to the path sees at once what is there now.
func TestF12ReplacedWhileOpen(t *testing.T) {
	t.Setenv("GODEBUG", "asyncpreemptoff=1") // see TestF7PageFaultWhileTheServerFails
	const size = 8<<20 + 4321
	for _, versioned := range []bool{false, true} {
		for name, tt := range map[string]struct {
			change func(*s3test.Server)
			kind   string // as stat says, of the path afterwards
			size   int64
		}{
			"same size": {func(s *s3test.Server) { s.Put("f", s3test.Object{Size: size}) }, "regular file", size},
			"larger":    {func(s *s3test.Server) { s.Put("f", s3test.Object{Size: 2 * size}) }, "regular file", 2 * size},
			"smaller":   {func(s *s3test.Server) { s.Put("f", s3test.Object{Size: 5000}) }, "regular file", 5000},
			"empty":     {func(s *s3test.Server) { s.Put("f", s3test.Object{Body: []byte{}}) }, "regular empty file", 0},
			"a directory": {func(s *s3test.Server) {
				s.Delete("f")
				s.Put("f/x", s3test.Object{Size: 1})
			}, "directory", 0},
			"deleted": {func(s *s3test.Server) { s.Delete("f") }, "", 0},
		} {
			t.Run(fmt.Sprintf("%s, versions %v", name, versioned), func(t *testing.T) {
				srv := s3test.New(t, s3test.Options{Versioned: versioned, Objects: map[string]s3test.Object{"f": {Size: size}}})
				m := mountTest(t, srv, append(quick, "--metadata-ttl", "0", "--read-ahead", "1MiB")...)
				child := converse(t, "keep", generatedArgs(m.Dir, srv, "f")...)
				if got := child.hear(); got != "holding" {
					t.Fatal(got)
				}
				tt.change(srv)
				look := `stat -c '%F %s' f 2>&1 || true; [ ! -f f ] || sha256sum f`
				got := lines(sh(t, m, m.Dir, look))
				switch {
				case tt.kind == "" && !strings.Contains(got[0], "No such file"), tt.kind != "" && got[0] != fmt.Sprint(tt.kind, " ", tt.size):
					t.Errorf("the path is %q", got)
				case tt.size > 0 && got[1] != contentSum(srv, "f")+"  f":
					t.Errorf("the path holds %s", got[1])
				}
				child.say()
				// Where versions are kept, all of the old one can be read.
				same(t, "old bytes, as many errors in one way as in the other, and any", child.hear(), fmt.Sprint("true true ", !versioned))
				again := lines(sh(t, m, m.Dir, look))
				same(t, "the path afterwards", fmt.Sprint(again), fmt.Sprint(got))
				wantSettled(t, m)
			})
		}
	}
}

// F13: a file that changes again and again, at the same size and the same second,
// is never older than the TTL. Who follows an open file sees what it was opened as.
func TestF13ChangesWithinTheTTL(t *testing.T) {
	const ttl = 400 * time.Millisecond
	at := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	put := func(s *s3test.Server, i int) string {
		text := fmt.Sprintf("version %04d\n", i)
		s.Put("d/f", s3test.Object{Body: []byte(text), LastModified: at})
		return text
	}
	srv := s3test.New(t, s3test.Options{})
	first := put(srv, 0)
	m := mountTest(t, srv, "--metadata-ttl", fmt.Sprint(ttl))
	follow, err := rig.Start(shell("exec tail -f -n +1 -s 0.1 " + filepath.Join(m.Dir, "d/f")))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { follow.Stop(0) })
	if !rig.Eventually(patience, func() bool { return follow.Stdout() == first }) {
		t.Fatalf("tail says %q %s", follow.Stdout(), follow.Stderr())
	}
	stamp := sh(t, m, m.Dir, `stat -c '%i %s %Y' d/f`)
	for i := range 4 {
		text := put(srv, i+1)
		time.Sleep(ttl) // there is nothing else to wait for
		same(t, "the file after its TTL", sh(t, m, m.Dir, `cat d/f`), text)
		same(t, "its number, size and time", sh(t, m, m.Dir, `stat -c '%i %s %Y' d/f`), stamp)
	}
	srv.Put("d/f", s3test.Object{Body: []byte(strings.Repeat("longer\n", 1000)), LastModified: at})
	time.Sleep(ttl)
	same(t, "the size after its TTL", sh(t, m, m.Dir, `stat -c %s d/f; wc -c <d/f`), "7000\n7000\n")
	same(t, "what tail -f has said", follow.Stdout(), first)
}
