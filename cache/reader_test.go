package cache

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
)

const bs = BlockSize

var sizes = []int64{0, 1, bs - 1, bs, bs + 1, 2 * bs, 2*bs + 1, 10*bs + 7}

func TestEveryReadIsExact(t *testing.T) {
	for _, size := range sizes {
		for _, ahead := range []int64{-1, 0} {
			src := &testSource{step: 100_003}
			c := newCache(t, Options{Source: src, ReadAheadBytes: ahead})
			o := Object{Key: "k", ETag: fmt.Sprint(size), Size: size}
			r := openReader(t, c, o)
			for _, off := range []int64{0, 1, bs - 1, bs, bs + 1, 2 * bs, size - 1, size, size + 1, 1 << 62} {
				for _, n := range []int{0, 1, bs - 1, bs, bs + 1, 2*bs + 1, MaxRead} {
					if off < 0 {
						continue
					}
					if err := read(t.Context(), r, off, n); err != nil {
						t.Errorf("size %d, read-ahead %d: %v", size, ahead, err)
					}
					if err := verify(c); err != nil {
						t.Fatalf("size %d: %v", size, err)
					}
				}
			}
			seen := map[int64]bool{}
			for _, g := range src.requests() {
				for at := g.off; at < g.end; at += bs {
					if seen[at] || at%bs != 0 {
						t.Errorf("size %d: the block at %d was asked for twice, or in part", size, at)
					}
					seen[at] = true
				}
			}
		}
	}
}

func TestReadOutOfBounds(t *testing.T) {
	c := newCache(t, Options{Source: &testSource{}})
	r := openReader(t, c, Object{Key: "k", Size: 10 << 20})
	for _, tt := range []struct {
		off int64
		n   int
	}{{-1, 1}, {0, -1}, {0, MaxRead + 1}} {
		if v, err := r.ReadAt(t.Context(), tt.off, tt.n); err == nil {
			t.Errorf("ReadAt(%d, %d) returned %d bytes, want an error", tt.off, tt.n, v.Len())
		}
	}
}

func TestNewNamesTheField(t *testing.T) {
	for _, tt := range []struct {
		opt  Options
		want string // in the error; "": none
	}{
		{Options{}, "Options.Source"},
		{Options{Source: &testSource{}, MemoryBytes: MinMemoryBytes - 1}, "Options.MemoryBytes"},
		{Options{Source: &testSource{}, MemoryBytes: -1}, "Options.MemoryBytes"},
		{Options{Source: &testSource{}, MemoryBytes: MinMemoryBytes}, ""},
	} {
		c, err := New(tt.opt)
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("New(%+v): %v, want %q", tt.opt, err, tt.want)
		}
		if c != nil {
			c.Close()
		}
	}
}

// A slice of a view cannot be made to reach bytes that are not its own.
func TestViewSlicesEndWhereTheyEnd(t *testing.T) {
	c := newCache(t, Options{Source: &testSource{}})
	r := openReader(t, c, Object{Key: "k", Size: 4 * bs})
	v, err := r.ReadAt(t.Context(), bs/2, bs)
	if err != nil {
		t.Fatal(err)
	}
	defer v.Done()
	if got, want := len(v.Slices()), 2; got != want {
		t.Fatalf("%d slices, want %d", got, want)
	}
	for i, s := range v.Slices() {
		if cap(s) != len(s) {
			t.Errorf("slice %d has %d bytes of room behind it", i, cap(s)-len(s))
		}
	}
}

func TestBadBodiesAreErrors(t *testing.T) {
	const size = 3*bs + 5
	for _, tt := range []struct {
		name string
		bad  fault
		want error
	}{
		{"refused", fault{refuse: errSource}, errSource},
		{"fails at once", fault{fail: errSource}, errSource},
		{"fails in a block", fault{fail: errSource, after: bs + 3}, errSource},
		{"fails before its last byte", fault{fail: errSource, after: size - 1}, errSource},
		{"fails after its last byte", fault{fail: errSource, after: size, more: 1}, errSource},
		{"is empty", fault{fail: io.EOF}, io.ErrUnexpectedEOF},
		{"ends between blocks", fault{fail: io.EOF, after: bs}, io.ErrUnexpectedEOF},
		{"ends in a block", fault{fail: io.EOF, after: 2*bs + 1}, io.ErrUnexpectedEOF},
		{"ends one byte early", fault{fail: io.EOF, after: size - 1}, io.ErrUnexpectedEOF},
		{"goes on", fault{more: 1}, io.ErrUnexpectedEOF},
	} {
		t.Run(tt.name, func(t *testing.T) {
			src := &testSource{fault: func(nth int, _, _ int64) fault {
				if nth == 0 {
					return tt.bad
				}
				return fault{}
			}}
			c := newCache(t, Options{Source: src, ReadAheadBytes: -1})
			r := openReader(t, c, Object{Key: "k", Size: size})
			if err := read(t.Context(), r, 0, size); !errors.Is(err, tt.want) {
				t.Errorf("first read: %v, want %v", err, tt.want)
			}
			if err := verify(c); err != nil {
				t.Error(err)
			}
			if err := read(t.Context(), r, 0, size); err != nil {
				t.Errorf("second read: %v, want it tried again", err)
			}
			// What had arrived whole was kept, so only the rest was asked for.
			again := src.requests()[1]
			kept := min(tt.bad.after/bs*bs, 3*bs)
			if tt.bad.more == 1 && tt.bad.fail == nil {
				kept = 3 * bs
			}
			if want := (get{off: kept, end: size}); again != want {
				t.Errorf("asked again for %v, want %v", again, want)
			}
		})
	}
}

// A pin that is known is given with the first request.
func TestPinIsGivenAtOnce(t *testing.T) {
	src := &testSource{pin: "v1"}
	c := newCache(t, Options{Source: src})
	r := openReader(t, c, Object{Key: "k", ETag: "1", Size: bs, Pin: "v1"})
	if err := read(t.Context(), r, 0, bs); err != nil {
		t.Fatal(err)
	}
	if pin := src.requests()[0].pin; pin != "v1" {
		t.Errorf("asked with the pin %q", pin)
	}
}

func TestPinIsGivenBack(t *testing.T) {
	src := &testSource{pin: "v1"}
	c := newCache(t, Options{Source: src, ReadAheadBytes: -1})
	o := Object{Key: "k", Size: 10 * bs}
	r := openReader(t, c, o)
	for _, off := range []int64{0, 5 * bs} {
		if err := read(t.Context(), r, off, 1); err != nil {
			t.Fatal(err)
		}
	}
	src.pin = "v2" // a version that was the same took the place of the first
	other := openReader(t, c, o)
	if err := read(t.Context(), other, 7*bs, 1); err != nil {
		t.Fatal(err)
	}
	if err := read(t.Context(), other, 9*bs, 1); err != nil {
		t.Fatal(err)
	}
	var pins []string
	for _, g := range src.requests() {
		pins = append(pins, g.pin)
	}
	if want := []string{"", "v1", "v1", "v2"}; !slices.Equal(pins, want) {
		t.Errorf("asked with the pins %q, want %q", pins, want)
	}
}

func TestVersionsAreNotMixed(t *testing.T) {
	c := newCache(t, Options{Source: &testSource{}})
	for _, o := range []Object{
		{Key: "k", ETag: "1", Size: 3 * bs},
		{Key: "k", ETag: "2", Size: 3 * bs},
		{Key: "k", ETag: "2", Size: 2*bs + 1},
		{Key: "l", ETag: "1", Size: 3 * bs},
	} {
		r := openReader(t, c, o)
		for range 2 {
			if err := read(t.Context(), r, 0, 3*bs); err != nil {
				t.Errorf("%+v: %v", o, err)
			}
		}
	}
}

func TestClosedReaderAndCache(t *testing.T) {
	c := newCache(t, Options{Source: &testSource{}})
	o := Object{Key: "k", Size: 2 * bs}
	r := c.Open(o)
	v, err := r.ReadAt(t.Context(), 0, 2*bs)
	if err != nil {
		t.Fatal(err)
	}
	r.Close()
	r.Close()
	if _, err := r.ReadAt(t.Context(), 0, 1); !errors.Is(err, ErrClosed) {
		t.Errorf("read of a closed reader: %v, want ErrClosed", err)
	}
	open := openReader(t, c, o)
	c.Close()
	if _, err := open.ReadAt(t.Context(), 0, 1); !errors.Is(err, ErrClosed) {
		t.Errorf("read of a closed cache: %v, want ErrClosed", err)
	}
	if err := open.Start(t.Context()); !errors.Is(err, ErrClosed) {
		t.Errorf("start on a closed cache: %v, want ErrClosed", err)
	}
	if err := check(o, 0, 2*bs, v); err != nil {
		t.Errorf("a view of before: %v", err)
	}
	v.Done()
}

func TestParallelReads(t *testing.T) {
	src := &testSource{step: 50_000}
	c := newCache(t, Options{Source: src, MemoryBytes: 8 << 20})
	o := Object{Key: "k", Size: 20<<20 + 9}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			r := c.Open(o)
			defer r.Close()
			if err := r.Start(context.Background()); err != nil {
				t.Error(err)
			}
			for off := int64(0); off < o.Size; off += 300_000 {
				if err := read(context.Background(), r, off, 300_000); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	if err := verify(c); err != nil {
		t.Error(err)
	}
}
