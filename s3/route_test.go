package s3

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestNamesAreResolvedNowAndThen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &fakeNet{ips: []string{"10.0.0.1"}, delay: time.Second}
		d := n.dialer()
		var wg sync.WaitGroup
		for range 50 { // at once
			wg.Go(func() { dial(t, d) })
		}
		wg.Wait()
		if n.lookups != 1 {
			t.Errorf("%d lookups, want 1", n.lookups)
		}
		n.set(func() { n.ips = []string{"10.0.0.2"} })
		time.Sleep(resolved - 2*time.Second)
		if got := each(t, d, 2); got["10.0.0.1"] != 2 {
			t.Errorf("%v before the time; want the old address", got)
		}
		time.Sleep(2 * time.Second)
		wg.Go(func() { dial(t, d) }) // asks
		synctest.Wait()
		begin := time.Now()
		if got := each(t, d, 2); got["10.0.0.1"] != 2 || time.Since(begin) != 0 {
			t.Errorf("%v after %v while the new one is asked for; want the old address at once", got, time.Since(begin))
		}
		wg.Wait()
		if got := each(t, d, 2); got["10.0.0.2"] != 2 || n.lookups != 2 {
			t.Errorf("%v after %d lookups; want the new address after 2", got, n.lookups)
		}

		n.set(func() { n.err = errors.New("the resolver is out of order"); n.ips = nil })
		time.Sleep(resolved)
		if got := each(t, d, 2); got["10.0.0.2"] != 2 || n.lookups != 3 {
			t.Errorf("%v after %d lookups; want the old address after 3", got, n.lookups)
		}
		n.set(func() { n.delay = time.Hour })
		time.Sleep(staleFor)
		begin = time.Now()
		if each(t, d, 2); time.Since(begin) != staleLookup || n.lookups != 4 {
			t.Errorf("took %v and %d lookups; want %v and 4", time.Since(begin), n.lookups, staleLookup)
		}
	})
}

// Those who wait for a lookup do not lose it with the one who began it.
func TestALookupOutlivesWhoBeganIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &fakeNet{ips: []string{"10.0.0.1"}, delay: time.Second}
		d := n.dialer()
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() {
			_, err := d.DialContext(ctx, "tcp", "bucket.example:443")
			ended <- err
		}()
		synctest.Wait()
		go func() {
			_, err := d.DialContext(t.Context(), "tcp", "bucket.example:443")
			ended <- err
		}()
		synctest.Wait()
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("%v, want context.Canceled", err)
		}
		if err := <-ended; err != nil || n.lookups != 1 {
			t.Errorf("%v after %d lookups", err, n.lookups)
		}
	})
}
