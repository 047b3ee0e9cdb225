//go:build linux

package integration

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func init() { children["seekdir"] = childSeekdir }

// A dirStream is a directory as the C library's DIR has it: getdents(2) into a
// buffer, and lseek(2) to a place that an entry gave.
type dirStream struct {
	fd        int
	buf, rest []byte
	place     int64 // telldir: behind the entry given last
}

func openStream(path string, size int) (*dirStream, error) {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_DIRECTORY, 0)
	return &dirStream{fd: fd, buf: make([]byte, size)}, err
}

// read gives the next name, "" at the end.
func (s *dirStream) read() (string, error) {
	if len(s.rest) == 0 {
		n, err := unix.Getdents(s.fd, s.buf)
		if n <= 0 || err != nil {
			return "", err
		}
		s.rest = s.buf[:n]
	}
	e := s.rest // d_ino, d_off, d_reclen, d_type, d_name
	s.place = int64(binary.NativeEndian.Uint64(e[8:]))
	length := binary.NativeEndian.Uint16(e[16:])
	s.rest = e[length:]
	name, _, _ := strings.Cut(string(e[19:length]), "\x00")
	return name, nil
}

func (s *dirStream) seek(place int64) error {
	s.rest, s.place = nil, place
	_, err := unix.Seek(s.fd, place, 0)
	return err
}

// all reads to the end: the names, and the place before each and at the end.
func (s *dirStream) all() (names []string, places []int64, err error) {
	for {
		places = append(places, s.place)
		name, err := s.read()
		if name == "" || err != nil {
			return names, places, err
		}
		names = append(names, name)
	}
}

// childSeekdir holds the directory args[0] to what POSIX says of seekdir, telldir
// and rewinddir, with a small buffer and a large one, and prints what is in it.
func childSeekdir(args []string) error {
	var names []string
	for _, size := range []int{512, 32 << 10} { // the C library's is the larger one
		s, err := openStream(args[0], size)
		if err != nil {
			return err
		}
		defer unix.Close(s.fd)
		now, places, err := s.all()
		if err != nil {
			return err
		}
		if names == nil {
			names = now
		}
		if !slices.Equal(now, names) {
			return fmt.Errorf("with a buffer of %d bytes: %d names, not the %d in their order", size, len(now), len(names))
		}
		if err := s.jump(names, places); err != nil {
			return fmt.Errorf("with a buffer of %d bytes: %w", size, err)
		}
	}
	slices.Sort(names)
	if len(slices.Compact(slices.Clone(names))) != len(names) {
		return fmt.Errorf("a name comes twice")
	}
	fmt.Printf("%d %x\n", len(names), sha256.Sum256([]byte(strings.Join(names, "\n"))))
	return nil
}

// jump seeks to places in any order, the first and the last among them, reads on
// for a while from each, and rewinds in between.
func (s *dirStream) jump(names []string, places []int64) error {
	r := rand.New(rand.NewPCG(1, uint64(len(s.buf))))
	order := append(r.Perm(len(places))[:min(len(places), 60)], 0, len(names)-1, len(names), len(names), 1, 0)
	for n, i := range order {
		if err := s.seek(places[i]); err != nil {
			return fmt.Errorf("seekdir to %d: %w", i, err)
		}
		for k := i; k < min(i+1+n%5*40, len(names)+1); k++ {
			want := append(names, "")[k]
			if got, err := s.read(); err != nil || got != want {
				return fmt.Errorf("after seekdir to %d, entry %d is %q, %v; want %q", i, k, got, err, want)
			}
		}
		if n%40 > 0 {
			continue
		}
		if err := s.seek(0); err != nil {
			return fmt.Errorf("rewinddir: %w", err)
		}
		if again, _, err := s.all(); err != nil || !slices.Equal(again, names) {
			return fmt.Errorf("after rewinddir: %d names, %v; want the same %d", len(again), err, len(names))
		}
	}
	return nil
}

func TestProgramsSeekdir(t *testing.T) {
	c := corpus(t)
	want := inChild(t, nil, "seekdir", filepath.Join(c.dir, "many"))
	if !strings.HasPrefix(want, fmt.Sprint(thousands+2, " ")) {
		t.Fatalf("the local copy has %s", want)
	}
	// A listing that nobody has read before, and one that is never believed.
	for _, flags := range [][]string{nil, {"--metadata-ttl", "0"}} {
		m := mountTest(t, c.srv, flags...)
		same(t, fmt.Sprintf("with %q, entries", flags), inChild(t, m, "seekdir", filepath.Join(m.Dir, "many")), want)
	}
}
