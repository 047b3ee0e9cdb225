package cache

import (
	"fmt"
	"testing"
	"testing/synctest"
)

// Readers that rest keep what they have, and not the right to read ahead: one
// that reads now is not refused for their sake.
func TestRestingReadersGiveWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCache(t, Options{Source: &testSource{}, MemoryBytes: 64 * mb})
		run := func(key string, upTo int64) {
			r := openReader(t, c, Object{Key: key, Size: 256 * mb})
			for off := int64(0); off < upTo; off += mb {
				if err := read(t.Context(), r, off, mb); err != nil {
					t.Fatal(err)
				}
				synctest.Wait()
			}
		}
		for i := range 3 {
			run(fmt.Sprint("rests ", i), 64*mb)
		}
		before := c.Stats()
		run("reads", 64*mb)
		after := c.Stats()
		if gets := after.Flights - before.Flights; gets > 40 {
			t.Errorf("64 MiB beside three readers that rest took %d GETs, %d refused ahead; want at most 40", gets, after.AheadRefused-before.AheadRefused)
		}
	})
}
