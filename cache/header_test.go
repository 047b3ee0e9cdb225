package cache

import (
	"testing"
	"time"
)

// A look at a file's header that is in memory does not disturb whoever reads the
// file.
func TestHeaderAgain(t *testing.T) {
	bubble(t, func(t *testing.T) {
		src := &testSource{accept: 30 * time.Millisecond, pause: bs * time.Second / 90e6, step: bs}
		c := newCache(t, Options{Source: src})
		r := openReader(t, c, Object{Key: "k", Size: 256 << 20})
		for off := int64(0); off < 128*mb; off += bs {
			if err := read(t.Context(), r, off, bs); err != nil {
				t.Fatal(err)
			}
			if off == 16*mb {
				if err := read(t.Context(), r, 0, 4096); err != nil {
					t.Fatal(err)
				}
			}
		}
		if n := fetched(src.requests()); n > 256*mb || src.cancelled() > 0 {
			t.Errorf("%d MiB asked for, %d requests given up; want each byte once", n>>20, src.cancelled())
		}
	})
}
