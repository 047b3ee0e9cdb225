//go:build !race

// The race detector allocates, too, which is no cost of ours.

package cache

import "testing"

// What a warm read costs, exactly.
func TestAllocationsOfWarmRead(t *testing.T) {
	c := newCache(t, Options{Source: &testSource{}})
	r := openReader(t, c, Object{Key: "k", Size: 8 << 20})
	for _, n := range []int{4096, bs, MaxRead} {
		warm := func() {
			v, err := r.ReadAt(t.Context(), 5, n)
			if err != nil {
				t.Fatal(err)
			}
			v.Done()
		}
		warm()
		warm() // after it has passed, once
		if got := testing.AllocsPerRun(100, warm); got != 1 {
			t.Errorf("a warm read of %d bytes makes %v allocations, want 1", n, got)
		}
	}
}
