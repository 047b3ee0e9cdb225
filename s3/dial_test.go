package s3

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// A fakeNet is a network of addresses that answer at once, but for those that
// refuse and those that swallow everything.
type fakeNet struct {
	mu      sync.Mutex // guards all below
	ips     []string   // of the one name
	err     error      // of the resolver
	delay   time.Duration
	refuse  map[string]bool
	silent  map[string]bool
	lookups int
	dials   []string // in order
	closed  int      // connections
}

type fakeConn struct {
	net.Conn
	n    *fakeNet
	addr string
}

func (c fakeConn) Close() error {
	c.n.mu.Lock()
	defer c.n.mu.Unlock()
	c.n.closed++
	return nil
}

func (n *fakeNet) lookup(ctx context.Context, host string) ([]netip.Addr, error) {
	n.mu.Lock()
	n.lookups++
	delay := n.delay
	n.mu.Unlock()
	select {
	case <-time.After(delay):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	var all []netip.Addr
	for _, ip := range n.ips {
		all = append(all, netip.MustParseAddr(ip))
	}
	return all, n.err
}

func (n *fakeNet) connect(ctx context.Context, _, addr string) (net.Conn, error) {
	host, _, _ := net.SplitHostPort(addr)
	n.mu.Lock()
	n.dials = append(n.dials, host)
	refuse, silent := n.refuse[host], n.silent[host]
	n.mu.Unlock()
	switch {
	case refuse:
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
	case silent:
		<-ctx.Done()
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: ctx.Err()}
	}
	return fakeConn{n: n, addr: host}, nil
}

func (n *fakeNet) dialer() *dialer {
	d := newDialer()
	d.lookup, d.connect = n.lookup, n.connect
	return d
}

// set changes what the network does.
func (n *fakeNet) set(f func()) {
	n.mu.Lock()
	defer n.mu.Unlock()
	f()
}

// dialled are the addresses that were tried since the last call.
func (n *fakeNet) dialled() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	all := n.dials
	n.dials = nil
	return all
}

// dial connects, and says where to.
func dial(t *testing.T, d *dialer) (net.Conn, string) {
	t.Helper()
	c, err := d.DialContext(t.Context(), "tcp", "bucket.example:443")
	if err != nil {
		t.Fatal(err)
	}
	return c, c.(*conn).Conn.(fakeConn).addr
}

// each counts where n connections go.
func each(t *testing.T, d *dialer, n int) map[string]int {
	t.Helper()
	where := map[string]int{}
	for range n {
		_, addr := dial(t, d)
		where[addr]++
	}
	return where
}

// opened is how many connections the dialer takes for open.
func opened(d *dialer) (n int) {
	for _, h := range d.hosts {
		h.mu.Lock()
		defer h.mu.Unlock()
		for _, r := range h.routes {
			n += r.open
		}
	}
	return n
}

func TestConnectionsAreSpreadOverAllAddresses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &fakeNet{ips: []string{"10.0.0.1", "10.0.0.2", "::ffff:10.0.0.3", "2001:db8::4", "10.0.0.1"}}
		d := n.dialer()
		var firsts []net.Conn
		for range 8 {
			c, addr := dial(t, d)
			if addr == "10.0.0.1" {
				firsts = append(firsts, c)
			}
		}
		if got := each(t, d, 4); len(firsts) != 2 || fmt.Sprint(got) != "map[10.0.0.1:1 10.0.0.2:1 10.0.0.3:1 2001:db8::4:1]" {
			t.Errorf("%d to the first address of 8, then %v of 4; want the same for each", len(firsts), got)
		}
		for _, c := range firsts {
			c.Close()
			c.Close() // counts once
		}
		if got := each(t, d, 2); got["10.0.0.1"] != 2 {
			t.Errorf("%v; want both to the address that has the fewest", got)
		}
		if opened(d) != 12 || n.lookups != 1 {
			t.Errorf("%d connections counted, %d lookups; want 12 and 1", opened(d), n.lookups)
		}
	})
}

func TestTheFirstAddressIsAnyOfThem(t *testing.T) {
	firsts := map[string]int{}
	for range 200 {
		n := &fakeNet{ips: []string{"10.0.0.1", "10.0.0.2", "10.0.0.3"}}
		_, addr := dial(t, n.dialer())
		firsts[addr]++
	}
	for _, ip := range []string{"10.0.0.1", "10.0.0.2", "10.0.0.3"} {
		if firsts[ip] < 30 { // one time in 10^7 by chance
			t.Errorf("%v", firsts)
		}
	}
}

func TestAnAddressThatRefusesIsShunnedForAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &fakeNet{ips: []string{"10.0.0.1", "10.0.0.2"}, refuse: map[string]bool{"10.0.0.1": true}}
		d := n.dialer()
		begin := time.Now()
		if got := each(t, d, 20); got["10.0.0.2"] != 20 || time.Since(begin) != 0 {
			t.Errorf("%v after %v; want all to the other, at once", got, time.Since(begin))
		}
		if got := n.dialled(); len(got) != 21 {
			t.Errorf("dialled %v; want the one that refuses once", got)
		}
		time.Sleep(shunned + time.Second)
		each(t, d, 5)
		time.Sleep(shunned + time.Second) // not enough the second time
		each(t, d, 5)
		if got := n.dialled(); len(got) != 11 || got[0] != "10.0.0.1" {
			t.Errorf("dialled %v; want the one that refuses once, and first", got)
		}
		n.set(func() { n.refuse = nil })
		time.Sleep(2 * shunned)
		if got := each(t, d, 5); got["10.0.0.1"] != 5 {
			t.Errorf("%v; want all to the one that works again and has none", got)
		}

		n.set(func() { n.refuse = map[string]bool{"10.0.0.1": true}; n.dials = nil })
		each(t, d, 1)
		time.Sleep(shunned + time.Second)
		each(t, d, 1)
		if got := n.dialled(); len(got) != 4 {
			t.Errorf("dialled %v; want the one that refuses twice, as if for the first time", got)
		}
	})
}

func TestAnAddressThatIsSilentIsOvertaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &fakeNet{ips: []string{"10.0.0.1", "10.0.0.2", "10.0.0.3"}, silent: map[string]bool{"10.0.0.1": true, "10.0.0.2": true}}
		d := n.dialer()
		begin := time.Now()
		each(t, d, 10)
		if took := time.Since(begin); took > 2*headStart {
			t.Errorf("ten connections took %v, want no more than a head start for each silent address", took)
		}
		synctest.Wait()
		if opened(d) != 10 {
			t.Errorf("%d connections counted, want 10", opened(d))
		}
	})
}

// A network that drops one family would otherwise cost a head start for each
// of its addresses.
func TestABrokenFamilyCostsOneHeadStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &fakeNet{silent: map[string]bool{}}
		for i := range 8 {
			ip := fmt.Sprintf("2001:db8::%d", i+1)
			n.silent[ip] = true
			n.ips = append(n.ips, ip, fmt.Sprintf("10.0.0.%d", i+1))
		}
		d := n.dialer()
		begin := time.Now()
		each(t, d, 40)
		if took := time.Since(begin); took > headStart {
			t.Errorf("took %v, want %v at most", took, headStart)
		}
	})
}

func TestADialThatFailsEverywhere(t *testing.T) {
	tests := []struct {
		name string
		n    *fakeNet
		took time.Duration
		want error
	}{
		{"all refuse", &fakeNet{ips: []string{"10.0.0.1", "::1"}, refuse: map[string]bool{"10.0.0.1": true, "::1": true}}, 0, syscall.ECONNREFUSED},
		{"all are silent", &fakeNet{ips: []string{"10.0.0.1", "::1"}, silent: map[string]bool{"10.0.0.1": true, "::1": true}}, dialTimeout, context.DeadlineExceeded},
		{"no address", &fakeNet{}, 0, nil},
		{"no such name", &fakeNet{err: &net.DNSError{Err: "no such host", Name: "x", IsNotFound: true}}, 0, nil},
		{"the resolver is silent", &fakeNet{delay: time.Hour}, dialTimeout, context.DeadlineExceeded},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d, begin := tt.n.dialer(), time.Now()
				_, err := d.DialContext(t.Context(), "tcp", "bucket.example:443")
				var op *net.OpError
				if !errors.As(err, &op) || tt.want != nil && !errors.Is(err, tt.want) || time.Since(begin) != tt.took {
					t.Errorf("%v after %v; want %v after %v", err, time.Since(begin), tt.want, tt.took)
				}
				if got := tt.n.dialled(); len(got) != len(tt.n.ips) {
					t.Errorf("dialled %v, want each of %v", got, tt.n.ips)
				}
				synctest.Wait()
				if opened(d) != 0 {
					t.Errorf("%d connections counted", opened(d))
				}
			})
		})
	}
}

func TestADialThatIsGivenUpSaysNothingOfAnAddress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &fakeNet{ips: []string{"10.0.0.1", "10.0.0.2"}, silent: map[string]bool{"10.0.0.1": true, "10.0.0.2": true}}
		d := n.dialer()
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second/10, cancel)
		if _, err := d.DialContext(ctx, "tcp", "bucket.example:443"); !errors.Is(err, context.Canceled) {
			t.Errorf("%v, want context.Canceled", err)
		}
		n.set(func() { n.silent = nil })
		if got := each(t, d, 2); len(got) != 2 {
			t.Errorf("%v; want one to each", got)
		}
	})
}

// A connection that comes too late for its race is closed.
func TestALateConnectionIsClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &fakeNet{ips: []string{"10.0.0.1", "10.0.0.2"}}
		d := n.dialer()
		var attempts atomic.Int64
		d.connect = func(ctx context.Context, network, addr string) (net.Conn, error) {
			if attempts.Add(1) == 1 {
				time.Sleep(2 * headStart) // and does not look at ctx
			}
			return n.connect(context.Background(), network, addr)
		}
		dial(t, d)
		time.Sleep(time.Second)
		synctest.Wait()
		if n.closed != 1 || opened(d) != 1 {
			t.Errorf("%d connections closed, %d counted; want 1 and 1", n.closed, opened(d))
		}
	})
}

func TestAnAddressIsNotLookedUp(t *testing.T) {
	n := &fakeNet{}
	d := n.dialer()
	for _, addr := range []string{"10.0.0.1:80", "[2001:db8::1]:443", "[fe80::1%eth0]:80"} {
		c, err := d.DialContext(t.Context(), "tcp", addr)
		if err != nil || c.Close() != nil {
			t.Error(err)
		}
	}
	if got := n.dialled(); fmt.Sprint(got) != "[10.0.0.1 2001:db8::1 fe80::1%eth0]" || n.lookups != 0 || n.closed != 3 {
		t.Errorf("dialled %v after %d lookups", got, n.lookups)
	}
	if _, err := d.DialContext(t.Context(), "tcp", "no port"); err == nil {
		t.Error("an address without a port is dialled")
	}
}

// A dial whose context ended while old addresses were asked for again ends, too.
func TestDialEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &fakeNet{ips: []string{"10.0.0.1"}}
		d := n.dialer()
		c, err := d.DialContext(t.Context(), "tcp", "s3.example:443")
		if err != nil {
			t.Fatal(err)
		}
		c.Close()
		time.Sleep(time.Minute)
		n.mu.Lock()
		n.delay = 10 * time.Second
		n.mu.Unlock()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		done := make(chan error, 1)
		go func() {
			_, err := d.DialContext(ctx, "tcp", "s3.example:443")
			done <- err
		}()
		select {
		case err := <-done:
			if err == nil {
				t.Error("it has a connection")
			}
			time.Sleep(time.Minute) // the lookup ends
		case <-time.After(10 * time.Minute):
			t.Fatal("ten minutes later it has not returned")
		}
	})
}
