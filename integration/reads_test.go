//go:build linux

package integration

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"s3mount/s3/s3test"
)

// The rows F1 and F9 of docs/reliability.md: each way to read, and every byte
// of it.

func init() {
	children["preads"] = childPreads
	children["ways"] = childWays
}

// A generated file of an s3test server, as a child knows it: path, key, ETag, size.
type generated struct {
	path, key, etag string
	size            int64
}

func generatedArgs(m string, srv *s3test.Server, key string) []string {
	o, _ := srv.Object(key)
	return []string{filepath.Join(m, key), key, o.ETag, fmt.Sprint(o.Size)}
}

func generatedOf(args []string) (generated, error) {
	size, err := strconv.ParseInt(args[3], 10, 64)
	return generated{args[0], args[1], args[2], size}, err
}

// holds says that p is what the file holds at off, and all of n bytes that it has
// there.
func (g generated) holds(p []byte, off int64, n int) error {
	want := max(0, min(int64(n), g.size-off))
	if int64(len(p)) != want {
		return fmt.Errorf("%d bytes at %d, want %d", len(p), off, want)
	}
	return s3test.CheckContent(g.key, g.etag, p, off)
}

// childPreads reads the file around each place where a reader may go wrong, and
// prints how many reads there were.
func childPreads(args []string) error {
	g, err := generatedOf(args)
	if err != nil {
		return err
	}
	fd, err := unix.Open(g.path, unix.O_RDONLY, 0)
	if err != nil {
		return err
	}
	const block = 128 << 10
	n := 0
	for _, edge := range []int64{0, block, 2 * block, 1 << 20, 1 << 31, 1 << 32, g.size / 2, g.size &^ (block - 1), g.size} {
		for _, by := range []int64{-block - 1, -4097, -1, 0, 1, 4096, block} {
			for _, length := range []int{0, 1, 2, 4095, 4096, 4097, block, block + 1, 1<<20 + 3} {
				off := edge + by
				if off < 0 {
					continue
				}
				p := make([]byte, length)
				got, err := unix.Pread(fd, p, off)
				if err != nil {
					return fmt.Errorf("pread of %d at %d: %w", length, off, err)
				}
				if err := g.holds(p[:got], off, length); err != nil {
					return err
				}
				n++
			}
		}
	}
	for _, off := range []int64{math.MaxInt64 - 1<<20, math.MaxInt64 - 1} {
		if got, err := unix.Pread(fd, make([]byte, 1), off); got != 0 || err != nil {
			return fmt.Errorf("pread at %d: %d, %w", off, got, err)
		}
	}
	if _, err := unix.Pread(fd, make([]byte, 1), -1); err != unix.EINVAL {
		return fmt.Errorf("pread at -1: %w", err)
	}
	fmt.Println(n)
	return nil
}

// F1: reads of all sizes around the edges of blocks, of 2 and 4 GiB, and of the
// file.
func TestF1ReadsAroundEdges(t *testing.T) {
	srv := s3test.New(t, s3test.Options{Objects: map[string]s3test.Object{
		"huge": {Size: 5<<30 + 4321}, "small": {Size: 300_001}, "block": {Size: 128 << 10}, "one": {Size: 1}, "empty": {Size: 0, Body: []byte{}},
	}})
	for _, flags := range [][]string{nil, {"--read-ahead", "0", "--memory", "16MiB"}} {
		m := mountTest(t, srv, flags...)
		for _, key := range []string{"huge", "small", "block", "one", "empty"} {
			inChild(t, m, "preads", generatedArgs(m.Dir, srv, key)...)
		}
		wantSettled(t, m)
	}
}

// childWays reads the file in each way that the kernel offers and prints the names
// of those ways.
func childWays(args []string) error {
	g, err := generatedOf(args)
	if err != nil {
		return err
	}
	for _, way := range []struct {
		name string
		read func(fd int, to io.Writer) error
	}{
		{"read of 2 GiB at once", readAtOnce}, {"readv", readVectors}, {"preadv2 RWF_NOWAIT", readNoWait}, {"readahead", readAfter(func(fd int) error {
			_, _, errno := unix.Syscall(unix.SYS_READAHEAD, uintptr(fd), 1<<20, 1<<20)
			return nonZero(errno)
		})},
		{"fadvise WILLNEED", readAfter(func(fd int) error { return unix.Fadvise(fd, 0, 0, unix.FADV_WILLNEED) })},
		{"fadvise RANDOM", readAfter(func(fd int) error { return unix.Fadvise(fd, 0, 0, unix.FADV_RANDOM) })},
		{"fadvise DONTNEED", readAfter(func(fd int) error { return unix.Fadvise(fd, 0, 0, unix.FADV_DONTNEED) })},
		{"sendfile", sendFile}, {"splice", spliceAll}, {"copy_file_range", copyRange},
	} {
		fd, err := unix.Open(g.path, unix.O_RDONLY, 0)
		if err != nil {
			return err
		}
		if n, err := unix.Read(fd, nil); n != 0 || err != nil {
			return fmt.Errorf("a read of nothing: %d, %w", n, err)
		}
		var got bytes.Buffer
		if err := way.read(fd, &got); err != nil {
			return fmt.Errorf("%s: %w", way.name, err)
		}
		if err := g.holds(got.Bytes(), 0, int(g.size)+1); err != nil {
			return fmt.Errorf("%s: %w", way.name, err)
		}
		// The next one finds nothing in the page cache.
		if err := unix.Fadvise(fd, 0, 0, unix.FADV_DONTNEED); err != nil {
			return err
		}
		unix.Close(fd)
		fmt.Println(way.name)
	}
	return nil
}

// readAtOnce asks for more than there is, and for more than one call gives.
func readAtOnce(fd int, to io.Writer) error {
	p, err := unix.Mmap(-1, 0, 2<<30, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS|unix.MAP_NORESERVE)
	if err != nil {
		return err
	}
	defer unix.Munmap(p)
	n, err := unix.Read(fd, p)
	if err == nil {
		_, err = to.Write(p[:n])
	}
	return err
}

func readVectors(fd int, to io.Writer) error {
	for off := int64(0); ; {
		v := [][]byte{make([]byte, 1), make([]byte, 4096), make([]byte, 100_003)}
		n, err := unix.Preadv(fd, v, off)
		if n <= 0 || err != nil {
			return err
		}
		all := bytes.Join(v, nil)
		to.Write(all[:n])
		off += int64(n)
	}
}

// readNoWait takes what is there at once, and waits where there is nothing: what
// RWF_NOWAIT gives may be short, but not wrong, and 0 only at the end.
func readNoWait(fd int, to io.Writer) error {
	buf := make([]byte, 50_001)
	for off := int64(0); ; {
		n, err := unix.Preadv2(fd, [][]byte{buf}, off, unix.RWF_NOWAIT)
		if errors.Is(err, unix.EAGAIN) {
			n, err = unix.Pread(fd, buf, off)
		}
		if errors.Is(err, unix.EOPNOTSUPP) {
			n, err = unix.Pread(fd, buf, off)
		}
		if n <= 0 || err != nil {
			return err
		}
		to.Write(buf[:n])
		off += int64(n)
	}
}

// readAfter reads in the usual way after some advice.
func readAfter(advise func(fd int) error) func(int, io.Writer) error {
	return func(fd int, to io.Writer) error {
		if err := advise(fd); err != nil {
			return err
		}
		buf := make([]byte, 70_001)
		for {
			n, err := unix.Read(fd, buf)
			if n <= 0 || err != nil {
				return err
			}
			to.Write(buf[:n])
		}
	}
}

// sendFile sends the file over a connection.
func sendFile(fd int, to io.Writer) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer l.Close()
	sent := make(chan error, 1)
	go func() { // ends when all is sent
		c, err := net.Dial("tcp", l.Addr().String())
		if err == nil {
			defer c.Close()
			var raw syscall.RawConn
			if raw, err = c.(*net.TCPConn).SyscallConn(); err == nil {
				werr := raw.Write(func(s uintptr) bool {
					for err == nil {
						var n int
						if n, err = unix.Sendfile(int(s), fd, nil, 1<<20); n == 0 && err == nil {
							return true
						}
					}
					if errors.Is(err, unix.EAGAIN) {
						err = nil
						return false
					}
					return true
				})
				err = errors.Join(err, werr)
			}
		}
		sent <- err
	}()
	c, err := l.Accept()
	if err != nil {
		return err
	}
	defer c.Close()
	_, err = io.Copy(to, c)
	return errors.Join(err, <-sent)
}

// spliceAll moves the file through a pipe.
func spliceAll(fd int, to io.Writer) error {
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	defer r.Close()
	done := make(chan error, 1)
	go func() { // ends when all is in the pipe
		defer w.Close()
		for {
			n, err := unix.Splice(fd, nil, int(w.Fd()), nil, 1<<20, unix.SPLICE_F_MOVE|unix.SPLICE_F_MORE)
			if n == 0 || err != nil {
				done <- err
				return
			}
		}
	}()
	_, err = io.Copy(to, r)
	return errors.Join(err, <-done)
}

// copyRange copies the file out of the mount.
func copyRange(fd int, to io.Writer) error {
	f, err := os.CreateTemp("", "s3mount-copy-")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	defer f.Close()
	for {
		n, err := unix.CopyFileRange(fd, nil, int(f.Fd()), nil, 1<<20, 0)
		if errors.Is(err, unix.EXDEV) || errors.Is(err, unix.EOPNOTSUPP) { // as cp does
			return readAfter(func(int) error { return nil })(fd, to)
		}
		if err != nil {
			return err
		}
		if n == 0 {
			break
		}
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	_, err = io.Copy(to, f)
	return err
}

// F9: each way to read gives the same bytes.
func TestF9WaysToRead(t *testing.T) {
	srv := s3test.New(t, s3test.Options{Objects: map[string]s3test.Object{"f": {Size: 5<<20 + 4321}, "small": {Size: 3}}})
	for _, flags := range [][]string{nil, {"--memory", "16MiB", "--read-ahead", "0"}} {
		m := mountTest(t, srv, flags...)
		for _, key := range []string{"f", "small"} {
			if got := lines(inChild(t, m, "ways", generatedArgs(m.Dir, srv, key)...)); len(got) != 10 {
				t.Errorf("tried %q", got)
			}
		}
		wantSettled(t, m)
	}
}
