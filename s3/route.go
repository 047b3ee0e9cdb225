package s3

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/netip"
	"slices"
	"sync"
	"time"
)

const (
	// resolved is for how long the addresses of a name are used before they are
	// asked for again. Large services give a few of many, others each time.
	resolved = 30 * time.Second

	// Where the resolver fails, the addresses that there are will do: it is
	// waited for that long, and asked again after that.
	staleLookup = 2 * time.Second
	staleFor    = 5 * time.Second

	// For that long an address that failed comes after the others; each time in
	// a row for twice as long.
	shunned    = 10 * time.Second
	maxShunned = 5 * time.Minute
)

// A host is a name and its addresses.
type host struct {
	lookup func(context.Context) ([]netip.Addr, error)

	mu     sync.Mutex    // guards all below and the routes, never held over a lookup
	routes []*route      // never changed in place
	until  time.Time     // then they are asked for again
	err    error         // of the last lookup
	asking chan struct{} // closed with the end of the lookup under way; nil: there is none
}

// A route is one address of a host. It is guarded by the host's mu.
type route struct {
	ip     netip.Addr
	open   int       // connections, attempts included
	failed int       // attempts in a row
	shun   time.Time // until then the others come first
}

// resolve gives the host's addresses, at least one. Old ones do while new ones
// are asked for.
func (h *host) resolve(ctx context.Context) ([]*route, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if time.Now().Before(h.until) || h.asking != nil && len(h.routes) > 0 {
		return h.routes, nil
	}
	asking := h.asking
	if asking == nil {
		asking = make(chan struct{})
		h.asking = asking
		limit := dialTimeout
		if len(h.routes) > 0 {
			limit = staleLookup
		}
		// The lookup is for all who wait, and not the first one's to end.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), limit)
		go func() { // ends with the lookup, that is with the limit
			defer cancel()
			ips, err := h.lookup(ctx)
			h.learn(ips, err)
			close(asking)
		}()
	}
	h.mu.Unlock()
	select {
	case <-asking:
	case <-ctx.Done():
	}
	h.mu.Lock()
	switch {
	case len(h.routes) > 0:
		return h.routes, nil
	case ctx.Err() != nil:
		return nil, ctx.Err()
	}
	return nil, h.err
}

// learn takes what a lookup gave. What is known of an address stays.
func (h *host) learn(ips []netip.Addr, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.asking = nil
	if len(ips) == 0 {
		if h.err = err; err == nil {
			h.err = errors.New("no address")
		}
		if len(h.routes) > 0 {
			h.until = time.Now().Add(staleFor)
		}
		return
	}
	var routes []*route
	for _, ip := range ips {
		ip = ip.Unmap()
		same := func(r *route) bool { return r.ip == ip }
		switch i := slices.IndexFunc(h.routes, same); {
		case slices.ContainsFunc(routes, same):
		case i >= 0:
			routes = append(routes, h.routes[i])
		default:
			routes = append(routes, &route{ip: ip})
		}
	}
	h.routes, h.until = routes, time.Now().Add(resolved)
}

// enter chooses one of the routes, at least one, and counts a connection on it.
// After a failure the other family comes first: often one of them does not work
// as a whole.
func (h *host) enter(among []*route, after *route) *route {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := time.Now()
	cost := func(r *route) (c int) {
		if now.Before(r.shun) {
			c += 2 << 20
		}
		if after != nil && r.ip.Is4() == after.ip.Is4() {
			c += 1 << 20
		}
		return c + r.open
	}
	var best *route
	equal := 0
	for _, r := range among {
		if best == nil || cost(r) < cost(best) {
			best, equal = r, 0
		}
		if cost(r) == cost(best) {
			if equal++; rand.N(equal) == 0 {
				best = r
			}
		}
	}
	best.open++
	return best
}

// left says that a connection, or an attempt to make one, has ended.
func (h *host) left(r *route) {
	h.mu.Lock()
	defer h.mu.Unlock()
	r.open--
}

func (h *host) failed(r *route) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.shunLocked(r)
}

// won says that an attempt has succeeded, and overtaken others. Where these are
// of the other family, all of it is shunned: a network that drops one family
// would cost each of its addresses' first attempts a head start.
func (h *host) won(winner *route, overtaken []*route) {
	h.mu.Lock()
	defer h.mu.Unlock()
	winner.failed, winner.shun = 0, time.Time{}
	for _, late := range overtaken {
		h.shunLocked(late)
		for _, r := range h.routes {
			if r != late && late.ip.Is4() != winner.ip.Is4() && late.ip.Is4() == r.ip.Is4() {
				h.shunLocked(r)
			}
		}
	}
}

func (h *host) shunLocked(r *route) {
	r.shun = time.Now().Add(min(shunned<<min(r.failed, 10), maxShunned))
	r.failed++
}
