//go:build linux

package integration

import (
	"bufio"
	"fmt"
	"hash/fnv"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

func init() { children["calls"] = childCalls }

// A caller makes random calls in a directory and prints what they say.
type caller struct {
	*rand.Rand
	out   *bufio.Writer
	paths []string // of files
	dirs  []string
	open  []opened
}

type opened struct {
	fd   int
	size int64
	path bool // it is only a place, opened with O_PATH
}

// childCalls takes a seed, how many calls to make, and a directory.
func childCalls(args []string) error {
	seed, err := strconv.ParseUint(args[0], 10, 64)
	if err != nil {
		return err
	}
	n, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	c := &caller{Rand: rand.New(rand.NewPCG(seed, 1)), out: bufio.NewWriter(os.Stdout)}
	if err := os.Chdir(args[2]); err != nil {
		return err
	}
	err = filepath.WalkDir(".", func(path string, d os.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir():
			c.dirs = append(c.dirs, path)
		case !strings.HasPrefix(path, "many/"): // thousands of small ones, which say nothing new
			c.paths = append(c.paths, path)
		}
		return nil
	})
	if err != nil {
		return err
	}
	slices.Sort(c.paths) // one file system lists in another order than the other
	slices.Sort(c.dirs)
	kinds := slices.Sorted(maps.Keys(calls))
	for range n {
		kind := kinds[c.IntN(len(kinds))]
		fmt.Fprintf(c.out, "%s%s\n", kind, calls[kind](c))
	}
	return c.out.Flush()
}

// calls are the calls. Each draws the same, whatever was said before.
var calls = map[string]func(*caller) string{
	"open":      (*caller).openFile,
	"openagain": (*caller).openFile,
	"openat":    (*caller).openAt,
	"pread":     (*caller).pread, "preadagain": (*caller).pread, "preadmore": (*caller).pread,
	"read":  (*caller).read,
	"readv": (*caller).readv,
	"seek":  (*caller).seek, "seekagain": (*caller).seek,
	"mmap":      (*caller).mmap,
	"dup":       (*caller).dup,
	"close":     (*caller).close,
	"fstat":     (*caller).fstat,
	"sendfile":  (*caller).sendfile,
	"splice":    (*caller).splice,
	"advise":    (*caller).advise,
	"writing":   (*caller).writing,
	"names":     (*caller).names,
	"path":      (*caller).path,
	"directory": (*caller).directory,
}

func (c *caller) pick(of []string) string { return of[c.IntN(len(of))] }

// somePath draws a path: of a file, of a directory, or of nothing.
func (c *caller) somePath() string {
	file, dir := c.pick(c.paths), c.pick(c.dirs)
	above := dir + "/.."
	if dir == "." { // which is elsewhere
		above = "."
	}
	return []string{
		file, file, file, file, dir, dir + "/", dir + "/.", above, file + "/", file + "/below", file + "/.",
		file + "x", dir + "/no such", filepath.Dir(file) + "/../" + file, dir + "/" + strings.Repeat("n", 256), "",
	}[c.IntN(16)]
}

// some draws a descriptor that is open, or -1.
func (c *caller) some() (opened, int) {
	i := c.IntN(8)
	if i >= len(c.open) {
		return opened{fd: -1}, i
	}
	return c.open[i], i
}

// offset draws a place around what matters in a file.
func (c *caller) offset(size int64) int64 {
	around := []int64{0, 4096, 131072, size, size / 2, size - 4096, 1 << 31, -1}[c.IntN(8)]
	return around + int64(c.IntN(5)) - 2
}

func (c *caller) length() int {
	return []int{0, 1, 100, 4095, 4096, 70_000, 131072, 300_000}[c.IntN(8)]
}

func (c *caller) keep(fd int, path bool, err error) string {
	if err != nil {
		return fmt.Sprintf(" -> %v", err)
	}
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return fmt.Sprintf(" -> fstat: %v", err)
	}
	if st.Mode&unix.S_IFMT != unix.S_IFREG || len(c.open) >= 8 {
		unix.Close(fd)
		return fmt.Sprintf(" -> opened, type %o", st.Mode&unix.S_IFMT)
	}
	c.open = append(c.open, opened{fd, st.Size, path})
	return fmt.Sprintf(" -> opened, %d bytes", st.Size)
}

func (c *caller) openFile() string {
	path := c.somePath()
	flags := []int{
		0, 0, 0, unix.O_NOFOLLOW, unix.O_DIRECTORY, unix.O_WRONLY, unix.O_RDWR, unix.O_TRUNC, unix.O_RDWR | unix.O_TRUNC, unix.O_APPEND,
		unix.O_CREAT, unix.O_CREAT | unix.O_EXCL, unix.O_CREAT | unix.O_WRONLY, unix.O_PATH, unix.O_NONBLOCK, unix.O_NOATIME, unix.O_TMPFILE | unix.O_RDWR,
	}[c.IntN(17)]
	fd, err := unix.Open(path, flags|unix.O_CLOEXEC, 0o644)
	return fmt.Sprintf(" %.40q %#x", path, flags) + c.keep(fd, flags&unix.O_PATH != 0, err)
}

func (c *caller) openAt() string {
	file := c.pick(c.paths)
	dir, err := unix.Open(filepath.Dir(file), unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Sprintf(" directory -> %v", err)
	}
	defer unix.Close(dir)
	fd, err := unix.Openat(dir, filepath.Base(file), unix.O_RDONLY|unix.O_CLOEXEC, 0)
	return fmt.Sprintf(" %.40q", file) + c.keep(fd, false, err)
}

func sum(p []byte) uint64 {
	h := fnv.New64a()
	h.Write(p)
	return h.Sum64()
}

func said(p []byte, n int, err error) string {
	if err != nil {
		return fmt.Sprintf(" -> %v", err)
	}
	return fmt.Sprintf(" -> %d bytes %x", n, sum(p[:n]))
}

func (c *caller) pread() string {
	f, i := c.some()
	n, off := c.length(), c.offset(f.size)
	p := make([]byte, n)
	got, err := unix.Pread(f.fd, p, off)
	return fmt.Sprintf(" %d, %d at %d", i, n, off) + said(p, got, err)
}

func (c *caller) read() string {
	f, i := c.some()
	p := make([]byte, c.length())
	got, err := unix.Read(f.fd, p)
	return fmt.Sprintf(" %d, %d", i, len(p)) + said(p, got, err)
}

func (c *caller) readv() string {
	f, i := c.some()
	p := make([]byte, 10_000)
	cut := c.IntN(len(p))
	got, err := unix.Preadv(f.fd, [][]byte{p[:cut], p[cut:]}, c.offset(f.size))
	return fmt.Sprintf(" %d", i) + said(p, got, err)
}

func (c *caller) seek() string {
	f, i := c.some()
	off, whence := c.offset(f.size), []int{unix.SEEK_SET, unix.SEEK_CUR, unix.SEEK_END, unix.SEEK_DATA, unix.SEEK_HOLE, 9}[c.IntN(6)]
	at, err := unix.Seek(f.fd, off, whence)
	return fmt.Sprintf(" %d, %d from %d -> %d %v", i, off, whence, at, err)
}

func (c *caller) mmap() string {
	f, i := c.some()
	page := int64(c.IntN(40))
	flags := []int{unix.MAP_SHARED, unix.MAP_PRIVATE}[c.IntN(2)]
	prot := []int{unix.PROT_READ, unix.PROT_READ, unix.PROT_READ | unix.PROT_WRITE}[c.IntN(3)]
	length := min(f.size-page*4096, 70_000)
	how := fmt.Sprintf(" %d, page %d, %d, %d", i, page, flags, prot)
	if length <= 0 { // behind the end a mapping can be made, and not touched
		length = 1
		p, err := unix.Mmap(f.fd, page*4096, 1, prot, flags)
		if err == nil {
			unix.Munmap(p)
		}
		return fmt.Sprintf("%s -> %v", how, err)
	}
	p, err := unix.Mmap(f.fd, page*4096, int(length), prot, flags)
	if err != nil {
		return fmt.Sprintf("%s -> %v", how, err)
	}
	defer unix.Munmap(p)
	return how + said(p, len(p), nil)
}

func (c *caller) dup() string {
	f, i := c.some()
	fd, err := unix.FcntlInt(uintptr(f.fd), unix.F_DUPFD_CLOEXEC, 0)
	if f.path {
		unix.Close(fd)
		return " of a place"
	}
	return fmt.Sprintf(" %d", i) + c.keep(fd, false, err)
}

func (c *caller) close() string {
	f, i := c.some()
	if f.fd < 0 {
		return fmt.Sprintf(" %d -> %v", i, unix.Close(f.fd))
	}
	c.open = slices.Delete(c.open, i, i+1)
	return fmt.Sprintf(" %d -> %v", i, unix.Close(f.fd))
}

func (c *caller) fstat() string {
	f, i := c.some()
	var st unix.Stat_t
	err := unix.Fstat(f.fd, &st)
	return fmt.Sprintf(" %d -> %d %o %v", i, st.Size, st.Mode&unix.S_IFMT, err)
}

// sink is where copies go: a file in memory.
func sink() (int, error) { return unix.MemfdCreate("sink", unix.MFD_CLOEXEC) }

func (c *caller) sendfile() string {
	f, i := c.some()
	off, n := c.offset(f.size), c.length()
	ranged := c.IntN(2) == 0
	to, err := sink()
	if err != nil {
		return err.Error()
	}
	defer unix.Close(to)
	var got int
	if ranged {
		got, err = unix.CopyFileRange(f.fd, &off, to, nil, n, 0)
	} else {
		got, err = unix.Sendfile(to, f.fd, &off, n)
	}
	if err != nil {
		if ranged && err == unix.EXDEV { // for file systems that only copy within
			return fmt.Sprintf(" %d, ranged", i)
		}
		return fmt.Sprintf(" %d, %d at %d, %v -> %v", i, n, off, ranged, err)
	}
	p := make([]byte, got)
	unix.Pread(to, p, 0)
	if ranged {
		return fmt.Sprintf(" %d, ranged", i)
	}
	return fmt.Sprintf(" %d, %d at %d", i, n, off) + said(p, got, nil)
}

func (c *caller) splice() string {
	f, i := c.some()
	off := c.offset(f.size)
	var pipe [2]int
	if err := unix.Pipe2(pipe[:], unix.O_CLOEXEC); err != nil {
		return err.Error()
	}
	defer unix.Close(pipe[0])
	defer unix.Close(pipe[1])
	n, err := unix.Splice(f.fd, &off, pipe[1], nil, 30_000, 0)
	if err != nil || n == 0 {
		return fmt.Sprintf(" %d, at %d -> %d %v", i, off, n, err)
	}
	p := make([]byte, n)
	got, err := unix.Read(pipe[0], p)
	return fmt.Sprintf(" %d, at %d", i, off) + said(p, got, err)
}

func (c *caller) advise() string {
	f, i := c.some()
	off, n, advice := c.offset(f.size), c.length(), c.IntN(7)
	err := unix.Fadvise(f.fd, off, int64(n), advice)
	return fmt.Sprintf(" %d, %d at %d, %d -> %v", i, n, off, advice, err)
}
