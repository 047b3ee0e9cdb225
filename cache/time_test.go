package cache

import (
	"testing"
	"time"
)

// The time that a read from a distant source takes by the clock of the bubble,
// where everything but the source is infinitely fast: 30 ms until it accepts,
// then 90 MB/s for each request, any number of requests.
func TestTimeOfSequentialRead(t *testing.T) {
	for _, tt := range []struct {
		size, ahead int64
		most        time.Duration
	}{
		{1 << 30, 64 << 20, 2300 * time.Millisecond},
		{1 << 30, 128 << 20, 1400 * time.Millisecond},
		{1 << 30, 192 << 20, 1150 * time.Millisecond},
		{1 << 20, 0, 45 * time.Millisecond},
	} {
		bubble(t, func(t *testing.T) {
			src := &testSource{accept: 30 * time.Millisecond, pause: bs * time.Second / 90e6, step: bs, blank: true}
			c := newCache(t, Options{Source: src, ReadAheadBytes: tt.ahead})
			r := openReader(t, c, Object{Key: "k", Size: tt.size})
			began := time.Now()
			for off := int64(0); off < tt.size; off += bs {
				v, err := r.ReadAt(t.Context(), off, bs)
				if err != nil {
					t.Fatal(err)
				}
				v.Done()
			}
			took := time.Since(began)
			t.Logf("%d MiB with %d MiB ahead: %v, %d requests, %d MiB of memory", tt.size>>20, tt.ahead>>20, took, len(src.requests()), c.Stats().PeakBytes>>20)
			if took > tt.most {
				t.Errorf("%d MiB with %d MiB ahead took %v, want at most %v", tt.size>>20, tt.ahead>>20, took, tt.most)
			}
		})
	}
}
