package cache

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// pattern has a length that shares no factor with BlockSize, so that a byte at
// the wrong place is a wrong byte.
var pattern = func() []byte {
	p := make([]byte, 65521)
	r := rand.NewChaCha8([32]byte{1})
	r.Read(p)
	return p
}()

// poison is what is written over buffers that nobody may read any more.
var poison = bytes.Repeat([]byte{0xdb}, BlockSize)

// content sets p to the bytes of o from off on.
func content(o Object, off int64, p []byte) {
	h := fnv.New32()
	io.WriteString(h, o.Key+"\x00"+o.ETag)
	at := int((off + int64(h.Sum32())) % int64(len(pattern)))
	for n := 0; n < len(p); at = 0 {
		n += copy(p[n:], pattern[at:])
	}
}

// A get is one request that a testSource saw.
type get struct {
	off, end int64
	pin      string
}

// A testSource serves content, as slowly and badly as its fields say.
type testSource struct {
	accept time.Duration                       // before OpenRange returns
	pause  time.Duration                       // before each read of a body
	deaf   bool                                // bodies do not notice that their context ends
	step   int                                 // most bytes of one read of a body; 0: as many as asked
	blank  bool                                // bodies leave the bytes as they are, which is faster
	pin    string                              // of every body
	fault  func(nth int, off, end int64) fault // of the nth request, from 0; nil: none

	mu    sync.Mutex
	gets  []get
	open  int // bodies not closed
	ended int // requests whose context ended before the body did
}

// A fault is what goes wrong with one request.
type fault struct {
	refuse error // OpenRange returns it
	fail   error // the body returns it after some bytes
	after  int64 // how many
	more   int64 // bytes beyond the end
}

var errSource = errors.New("source is broken")

func (s *testSource) OpenRange(ctx context.Context, o Object, pin string, off, end int64) (Body, error) {
	if off < 0 || off >= end || end > o.Size {
		panic(fmt.Sprintf("OpenRange of [%d, %d) of %d bytes", off, end, o.Size))
	}
	s.mu.Lock()
	var bad fault
	if s.fault != nil {
		bad = s.fault(len(s.gets), off, end)
	}
	s.gets = append(s.gets, get{off, end, pin})
	s.mu.Unlock()
	if !sleep(ctx, s.accept) {
		s.mu.Lock()
		s.ended++
		s.mu.Unlock()
		return nil, ctx.Err()
	}
	if bad.refuse != nil {
		return nil, bad.refuse
	}
	s.mu.Lock()
	s.open++
	s.mu.Unlock()
	return &testBody{s: s, ctx: ctx, o: o, start: off, off: off, end: end + bad.more, bad: bad}, nil
}

// requests returns what the source was asked for so far.
func (s *testSource) requests() []get {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]get(nil), s.gets...)
}

// cancelled returns how many requests were given up.
func (s *testSource) cancelled() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ended
}

type testBody struct {
	s               *testSource
	ctx             context.Context
	o               Object
	start, off, end int64
	bad             fault
	dead            bool
}

func (b *testBody) Read(p []byte) (int, error) {
	if b.off == b.end {
		return 0, io.EOF
	}
	ctx := b.ctx
	if b.s.deaf {
		ctx = context.Background()
	}
	if !sleep(ctx, b.s.pause) || ctx.Err() != nil {
		if !b.dead {
			b.dead = true
			b.s.mu.Lock()
			b.s.ended++
			b.s.mu.Unlock()
		}
		return 0, ctx.Err()
	}
	n := min(int64(len(p)), b.end-b.off)
	if b.s.step > 0 {
		n = min(n, int64(b.s.step))
	}
	if b.bad.fail != nil {
		if n = min(n, b.start+b.bad.after-b.off); n <= 0 {
			return 0, b.bad.fail
		}
	}
	if !b.s.blank {
		content(b.o, b.off, p[:n])
	}
	b.off += n
	return int(n), nil
}

func (b *testBody) Pin() string { return b.s.pin }

func (b *testBody) Close() error {
	b.s.mu.Lock()
	defer b.s.mu.Unlock()
	b.s.open--
	return nil
}

// sleep returns after d, false if ctx ends first.
func sleep(ctx context.Context, d time.Duration) bool {
	if d == 0 {
		return true
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// newCache returns a cache that is closed with the test, and then found empty:
// every byte counted has been given back, and what views and buffers hold was
// never used again too early.
func newCache(t testing.TB, opt Options) *Cache {
	c, err := New(opt)
	if err != nil {
		t.Fatal(err)
	}
	c.mem.freed = func(buf []byte) { copy(buf, poison) }
	t.Cleanup(func() { closeEmpty(t, c) })
	return c
}

// closeEmpty closes a cache whose views are all done and readers closed.
func closeEmpty(t testing.TB, c *Cache) {
	c.Close()
	s := c.Stats()
	if s.ResidentBytes+s.ReservedBytes+s.HeldBytes+s.FreeBytes+s.AheadBytes+s.GuessBytes != 0 || s.Waiting+s.FlightsNow+s.Objects+len(c.streams) != 0 {
		t.Errorf("closed cache is not empty: %+v, %d streams", s, len(c.streams))
	}
	if src, ok := c.src.(*testSource); ok && src.open != 0 {
		t.Errorf("%d bodies were not closed", src.open)
	}
	if s.PeakBytes > s.LimitBytes {
		t.Errorf("held %d bytes, more than the limit of %d", s.PeakBytes, s.LimitBytes)
	}
}

// openReader returns a reader that is closed with the test.
func openReader(t testing.TB, c *Cache, o Object) *Reader {
	r := c.Open(o)
	t.Cleanup(r.Close)
	return r
}

// read is ReadAt with a copy of the bytes, checked against the content.
func read(ctx context.Context, r *Reader, off int64, n int) error {
	v, err := r.ReadAt(ctx, off, n)
	if err != nil {
		return err
	}
	defer v.Done()
	return check(r.o.Object, off, n, v)
}

// check compares a view with the content.
func check(o Object, off int64, n int, v View) error {
	want := make([]byte, max(min(int64(n), o.Size-off), 0))
	content(o, off, want)
	got := bytes.Join(v.Slices(), nil)
	if v.Len() != len(want) || !bytes.Equal(got, want) {
		return fmt.Errorf("%d bytes at %d: got %d (Len %d) that differ from the %d wanted at %d", n, off, len(got), v.Len(), len(want), firstDifference(got, want))
	}
	return nil
}

func firstDifference(a, b []byte) int {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return i
		}
	}
	return min(len(a), len(b))
}

// verify recomputes what a cache counts.
func verify(c *Cache) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	var sum [places]int64
	complete := 0
	guessed := int64(0)
	for key, b := range c.blocks {
		sum[b.at] += b.cost
		if b.guess != nil {
			guessed += b.cost
			if b.guess.closed || b.read > 0 {
				return fmt.Errorf("block %d of %s is a guess that is over", key.index, key.o.Key)
			}
		}
		if b.key != key || !b.indexed || c.objects[key.o.Object] != key.o {
			return fmt.Errorf("block %d of %s is not where it is found", key.index, key.o.Key)
		}
		if from, to := key.o.blockSpan(key.index); b.off < from || b.end() > to || b.size <= 0 ||
			(b.ahead || b.guess != nil) && (b.off != from || b.end() != to) {
			return fmt.Errorf("block %d of %s is [%d, %d)", key.index, key.o.Key, b.off, b.end())
		}
		if b.f != nil {
			if _, ok := c.flights[b.f]; !ok || b.at != reserved || b.order != nil {
				return fmt.Errorf("block %d of %s under way is misplaced", key.index, key.o.Key)
			}
			continue
		}
		complete++
		if (b.refs > 0) != (b.at == held) || !b.order.Contains(key) || len(b.buf) != b.size {
			return fmt.Errorf("complete block %d of %s is misplaced", key.index, key.o.Key)
		}
	}
	// Blocks that were given up are reserved until their flights let go of them.
	if n := c.recent.Len() + c.passed.Len() + c.unread.Len(); n != complete || sum[resident] != c.mem.bytes[resident] || sum[unread] != c.mem.bytes[unread] || sum[held] != c.mem.bytes[held] || sum[reserved] > c.mem.bytes[reserved] {
		return fmt.Errorf("counted %v and %d in order, found %v and %d", c.mem.bytes, n, sum, complete)
	}
	if guessed != c.guessed || guessed > c.mem.limit/4 {
		return fmt.Errorf("counted %d bytes of guesses, found %d; limit %d", c.guessed, guessed, c.mem.limit)
	}
	if t := c.mem.total(); t > c.mem.limit || c.mem.peak > c.mem.limit || t > c.mem.peak {
		return fmt.Errorf("total %d, peak %d, limit %d", t, c.mem.peak, c.mem.limit)
	}
	return nil
}

// bubble runs f where time is ours.
func bubble(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, f)
}
