//go:build !race

// The race detector makes sync.Pool forget at random, which is no cost of ours.

package sigv4_test

import (
	"testing"
	"time"

	"s3mount/sigv4"
)

// What signing costs, exactly. A change here is a decision.
func TestAllocations(t *testing.T) {
	var s sigv4.Signer
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	r := rangedGet(t)
	sign := func() {
		if _, err := s.Sign(r, example, scope, sigv4.EmptyPayload, at); err != nil {
			t.Error(err)
		}
	}
	for _, tt := range []struct {
		name string
		run  func()
		want float64
	}{
		// The date, the header values, the work space, the text of all
		// steps, and net/url's check that RawPath belongs to Path.
		{"Sign", sign, 5},
		{"EscapePath of a plain key", func() { sigv4.EscapePath("/2026/cat.jpg") }, 0},
		{"EscapePath", func() { sigv4.EscapePath("/2026/Sommer & Küste/cat and dog (1).jpg") }, 1},
		{"CanonicalQuery of its like", func() { sigv4.CanonicalQuery("delimiter=%2F&list-type=2&prefix=a%20b") }, 0},
	} {
		if got := testing.AllocsPerRun(200, tt.run); got != tt.want {
			t.Errorf("%s allocates %v times, want %v", tt.name, got, tt.want)
		}
	}
}
