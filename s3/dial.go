package s3

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"
)

const (
	dialTimeout = 5 * time.Second

	// headStart is what an attempt has before another address is tried beside
	// it, as RFC 8305, 5 has it.
	headStart = 250 * time.Millisecond
)

// A dialer makes connections to all the addresses of a host alike: behind the
// name of a large service are many machines, and with the first address alone
// all connections share what one of them gives. A new connection goes to the
// address with the fewest. One that refuses or does not answer costs the next
// connection a head start, now and then.
type dialer struct {
	lookup  func(ctx context.Context, host string) ([]netip.Addr, error)
	connect func(ctx context.Context, network, addr string) (net.Conn, error)

	mu    sync.Mutex // guards all below
	hosts map[string]*host
}

func newDialer() *dialer {
	d := net.Dialer{KeepAlive: 30 * time.Second}
	return &dialer{
		connect: d.DialContext,
		lookup: func(ctx context.Context, host string) ([]netip.Addr, error) {
			return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
		},
		hosts: make(map[string]*host),
	}
}

// DialContext connects to a host, which may be an address.
func (d *dialer) DialContext(ctx context.Context, network, addr string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	name, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, &net.OpError{Op: "dial", Net: network, Err: err}
	}
	if _, err := netip.ParseAddr(name); err == nil {
		c, err := d.connect(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		return &conn{Conn: c, closed: func() {}}, nil
	}
	h := d.host(name)
	routes, err := h.resolve(ctx)
	if err != nil {
		return nil, &net.OpError{Op: "dial", Net: network, Err: err}
	}
	r := race{host: h, left: routes, ended: make(chan attempt), over: make(chan struct{})}
	r.connect = func(ctx context.Context, ip netip.Addr) (net.Conn, error) {
		return d.connect(ctx, network, net.JoinHostPort(ip.String(), port))
	}
	return r.run(ctx)
}

func (d *dialer) host(name string) *host {
	d.mu.Lock()
	defer d.mu.Unlock()
	h := d.hosts[name]
	if h == nil {
		h = &host{lookup: func(ctx context.Context) ([]netip.Addr, error) { return d.lookup(ctx, name) }}
		d.hosts[name] = h
	}
	return h
}

// A race is one dial: attempts at one address after the other, each with a head
// start, until one succeeds or all have failed.
type race struct {
	host    *host
	connect func(context.Context, netip.Addr) (net.Conn, error)
	left    []*route // not tried yet
	running []*route // under way, the first one first
	ended   chan attempt
	over    chan struct{} // closed behind the race: nobody receives from ended any more
}

// An attempt that has ended.
type attempt struct {
	at  *route
	c   net.Conn
	err error
}

func (r *race) run(ctx context.Context) (net.Conn, error) {
	attempts, cancel := context.WithCancel(ctx)
	defer cancel()
	defer close(r.over)
	next := time.NewTimer(headStart)
	defer next.Stop()
	r.start(attempts, nil)
	if len(r.running) == 0 {
		return nil, context.Cause(ctx)
	}
	for {
		select {
		case <-next.C:
			if n := len(r.running); n > 0 {
				r.start(attempts, r.running[n-1])
			}
		case a := <-r.ended:
			r.running = without(r.running, a.at)
			if a.err == nil {
				r.host.won(a.at, r.running)
				return &conn{Conn: a.c, closed: func() { r.host.left(a.at) }}, nil
			}
			if ctx.Err() != context.Canceled { // else it says nothing of the address
				r.host.failed(a.at)
			}
			r.start(attempts, a.at)
			if len(r.running) == 0 {
				return nil, a.err
			}
		}
		next.Reset(headStart)
	}
}

// start tries the best address that is left, if there is time and one.
func (r *race) start(ctx context.Context, after *route) {
	if len(r.left) == 0 || ctx.Err() != nil {
		return
	}
	at := r.host.enter(r.left, after)
	r.left = without(r.left, at)
	r.running = append(r.running, at)
	go func() { // ends with connect, which ends with the race
		c, err := r.connect(ctx, at.ip)
		if err != nil {
			r.host.left(at)
		}
		select {
		case r.ended <- attempt{at, c, err}:
		case <-r.over:
			if err == nil {
				c.Close()
				r.host.left(at)
			}
		}
	}()
}

// without gives routes without one of them; the slice that there was stays as
// it is.
func without(routes []*route, one *route) []*route {
	return slices.DeleteFunc(slices.Clone(routes), func(r *route) bool { return r == one })
}
