//go:build !race

// The race detector allocates, too, and makes pools forget: no cost of ours.

package s3

import (
	"bytes"
	"testing"
)

// What a page of a listing costs, exactly: its entries, the string that theirs
// are cut from, and the token.
func TestAllocationsOfAPage(t *testing.T) {
	raw := fullPage()
	body := bytes.NewReader(raw)
	decode := func() {
		body.Reset(raw)
		if p, err := decodePage(body, ListOptions{Prefix: "photos/"}); err != nil || len(p.entries) != 1000 {
			t.Fatal(len(p.entries), err)
		}
	}
	decode()
	if got := testing.AllocsPerRun(100, decode); got != 3 {
		t.Errorf("a page of 1000 keys makes %v allocations, want 3", got)
	}
}
