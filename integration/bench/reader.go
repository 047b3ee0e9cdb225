//go:build linux

package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"s3mount/s3/s3test"
)

// A mount that may hang is not touched by the process that measures. The reader
// is this program in a process of its own: it does the reads of a task, says on
// a line how long they took, waits for a line, and only then compares what it
// read.

const readerPart = "-read"

// A task is what a reader does: the reads in their order, taken by so many
// threads.
type task struct {
	Dir     string
	Data    string
	Reads   []span
	Threads int
	Check   bool // compare, only that: reads whole files in pieces, and is not timed
}

// A span is bytes [Off, Off+Len) of a file.
type span struct {
	Key      string
	Off, Len int64
}

func read() error {
	var t task
	stdin := bufio.NewReader(os.Stdin)
	line, err := stdin.ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, &t)
	}
	if err != nil {
		return err
	}
	d, ok := datasets[t.Data]
	if !ok {
		return fmt.Errorf("no dataset %q", t.Data)
	}
	if t.Check {
		return t.compareFiles(d)
	}
	start := time.Now()
	got, err := t.readAll()
	if err != nil {
		return err
	}
	fmt.Println(time.Since(start).Nanoseconds())
	if _, err := stdin.ReadBytes('\n'); err != nil && err != io.EOF {
		return err
	}
	for i, s := range t.Reads {
		if err := d.compare(s.Key, got[i], s.Off); err != nil {
			return err
		}
	}
	return nil
}

// readAll has what each span holds. Each thread opens the files that it reads, as
// programs of their own would.
func (t task) readAll() ([][]byte, error) {
	got := make([][]byte, len(t.Reads))
	var next atomic.Int64
	return got, parallel(t.Threads, t.Threads, func(int) error {
		open := map[string]*os.File{}
		defer func() {
			for _, f := range open {
				f.Close()
			}
		}()
		for {
			i := int(next.Add(1)) - 1
			if i >= len(t.Reads) {
				return nil
			}
			s := t.Reads[i]
			f := open[s.Key]
			if f == nil {
				var err error
				if f, err = os.Open(filepath.Join(t.Dir, s.Key)); err != nil {
					return err
				}
				open[s.Key] = f
			}
			got[i] = make([]byte, s.Len)
			if n, err := f.ReadAt(got[i], s.Off); n < len(got[i]) {
				return fmt.Errorf("%s: %d bytes at %d, want %d: %w", s.Key, n, s.Off, s.Len, err)
			}
		}
	})
}

// compareFiles reads the files of the spans from beginning to end, some at a time.
func (t task) compareFiles(d dataset) error {
	return parallel(t.Threads, len(t.Reads), func(i int) error {
		want := d.file(t.Reads[i].Key)
		f, err := os.Open(filepath.Join(t.Dir, want.key))
		if err != nil {
			return err
		}
		defer f.Close()
		buf := make([]byte, min(1<<20, want.size+1))
		for off := int64(0); ; {
			n, err := io.ReadFull(f, buf)
			if err := d.compare(want.key, buf[:n], off); err != nil {
				return err
			}
			if off += int64(n); err == io.EOF || err == io.ErrUnexpectedEOF {
				if off != want.size {
					return wrong{fmt.Errorf("%s has %d bytes, want %d", want.key, off, want.size)}
				}
				return nil
			} else if err != nil {
				return err
			}
		}
	})
}

// wrong is what a reader says of bytes that are not the server's, and of no other
// trouble.
type wrong struct{ error }

// compare is an error if p is not what the server has of key at off.
func (d dataset) compare(key string, p []byte, off int64) error {
	f := d.file(key)
	if f.body == nil {
		if err := s3test.CheckContent(key, f.etag(), p, off); err != nil {
			return wrong{err}
		}
		return nil
	}
	if end := off + int64(len(p)); end > f.size || !bytes.Equal(p, f.body[off:end]) {
		return wrong{fmt.Errorf("%s: bytes %d-%d are not those of the server", key, off, end)}
	}
	return nil
}

// parallel calls f(0) to f(n-1) from so many goroutines and has the first error.
func parallel(threads, n int, f func(i int) error) error {
	var next atomic.Int64
	var first atomic.Pointer[error]
	var wg sync.WaitGroup
	for range max(1, min(threads, n)) { // ends with the last i, or with an error
		wg.Go(func() {
			for first.Load() == nil {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				if err := f(i); err != nil {
					first.CompareAndSwap(nil, &err)
				}
			}
		})
	}
	wg.Wait()
	if err := first.Load(); err != nil {
		return *err
	}
	return nil
}
