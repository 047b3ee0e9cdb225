package cache

import (
	"testing"
	"time"
)

// How many requests at once a read from a distant source amounts to, by the
// clock of the bubble, where everything but the source is infinitely fast: 30 ms
// until it accepts, then 90 MB/s for each request, any number of requests. The
// least is about three quarters of what was seen, because the order in which the
// bubble's goroutines run is the scheduler's; times are shown with -v.
func TestTimeOfSequentialRead(t *testing.T) {
	for _, tt := range []struct {
		size, ahead int64
		atOnce      float64
	}{
		{1 << 30, 64 << 20, 4},
		{1 << 30, 128 << 20, 7},
		{1 << 30, 192 << 20, 8},
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
			alone := time.Duration(float64(tt.size) / 90e6 * float64(time.Second)) // by one request
			if atOnce := alone.Seconds() / took.Seconds(); atOnce < tt.atOnce {
				t.Errorf("%d MiB with %d MiB ahead took %v, as %.1f requests at once would; want %.0f", tt.size>>20, tt.ahead>>20, took, atOnce, tt.atOnce)
			}
		})
	}
}
