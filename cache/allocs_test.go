//go:build !race

// The race detector allocates, too, which is no cost of ours.

package cache

import (
	"fmt"
	"testing"
)

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

// What a guess costs that is in memory already, and one that is fetched: the
// reader, the object, its flight, block and buffer, what a context takes, and
// what the order of blocks does.
func TestAllocationsOfGuess(t *testing.T) {
	c := newCache(t, Options{Source: &testSource{}})
	guess := func(key string) {
		r := c.Open(Object{Key: key, Size: 1000})
		if !r.Ahead() {
			t.Fatal("refused")
		}
		if err := r.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		r.Close()
	}
	guess("k")
	if got := testing.AllocsPerRun(100, func() { guess("k") }); got != 2 {
		t.Errorf("a guess of what is in memory makes %v allocations, want 2: the reader, and what Start holds", got)
	}
	i := 0
	if got := testing.AllocsPerRun(100, func() { i++; guess(fmt.Sprint(i)) }); got > 24 {
		t.Errorf("a guess makes %v allocations, want at most 24", got)
	}
}
