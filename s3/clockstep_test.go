package s3

import (
	"sync"
	"testing"
	"time"

	"s3mount/s3/s3test"
)

// The clock steps under many requests at once: each learns of it, not only the
// first, whose lesson makes the others look like plain refusals.
func TestAClockThatStepsUnderManyHeads(t *testing.T) {
	srv := s3test.New(t, s3test.Options{Text: map[string]string{"k": "x"}, ClockOffset: 20 * time.Minute})
	srv.SetLatency(s3test.Latency{Head: 50 * time.Millisecond}) // all are sent before any is answered
	b := open(t, srv)
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if _, err := b.Head(t.Context(), "k"); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}
