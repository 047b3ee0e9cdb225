package s3

import (
	"context"
	"net/http"
	"slices"
	"sync"
	"time"
)

const (
	// A request for more is not hedged: it is no small cost to send it twice.
	maxHedged = 1 << 20

	// hedgeEvidence is how many answers must have come before anything is said
	// to take long; it is decided by the last of them.
	hedgeEvidence = 64

	// After a server has said to slow down, nothing is sent twice for so long.
	hedgeRest = 10 * time.Second
)

// A pace is what the answers to one operation take, and how often a request may
// be sent a second time: one in fifty, and a LIST, which costs twelve GETs, one
// in two hundred and fifty.
type pace struct {
	share, patience float64

	mu    sync.Mutex // guards all below
	took  [hedgeEvidence]time.Duration
	n     int           // answers so far
	usual time.Duration // what 95 of 100 take at most; 0: not known yet
	spare float64       // requests that may be sent a second time
}

func newPaces() map[string]*pace {
	return map[string]*pace{
		opGet:  {share: 1. / 50, patience: 4},
		opHead: {share: 1. / 50, patience: 4},
		opList: {share: 1. / 250, patience: 8},
	}
}

func (p *pace) learn(took time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.took[p.n%hedgeEvidence] = took
	p.n++
	p.spare = min(p.spare+p.share, 2)
	if p.n%16 == 0 && p.n >= hedgeEvidence {
		sorted := p.took
		slices.Sort(sorted[:])
		p.usual = sorted[hedgeEvidence*95/100]
	}
}

// after is when a request should be sent again that is not answered; 0: never.
func (p *pace) after(least time.Duration) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.usual == 0 {
		return 0
	}
	return max(least, time.Duration(float64(p.usual)*p.patience))
}

// spend takes one of the requests that may be sent a second time.
func (p *pace) spend() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.spare < 1 {
		return false
	}
	p.spare--
	return true
}

// roundTrip sends a request, and a second time when the answer takes far longer
// than most do: one connection in a thousand leads to a machine in trouble. The
// first good answer counts. p is the progress of the request, and what is
// returned that of the answer.
func (b *Bucket) roundTrip(ctx context.Context, c call, req *http.Request, p *progress) (*http.Response, *progress, error) {
	pace, begin := b.paces[c.op], time.Now()
	after := time.Duration(0)
	if c.size <= maxHedged && b.opts.HedgeAfter > 0 {
		after = pace.after(b.opts.HedgeAfter)
	}
	var resp *http.Response
	var err error
	if after == 0 {
		resp, err = b.transport.RoundTrip(req)
	} else {
		h := &hedge{bucket: b, ctx: ctx, call: c, req: req, begin: begin, after: after, first: p, done: make(chan struct{})}
		resp, p, err = h.roundTrip()
	}
	if good(resp, err) && c.size <= maxHedged {
		pace.learn(time.Since(begin))
	}
	return resp, p, err
}

// good says that an answer is worth taking while another may come.
func good(resp *http.Response, err error) bool {
	return err == nil && resp.StatusCode < 500 && resp.StatusCode != http.StatusTooManyRequests
}

// A hedge is a request that may be sent twice. Each of the two has a progress
// and a place in the limit of its own; those of the loser it gives back.
type hedge struct {
	bucket *Bucket
	ctx    context.Context
	call   call
	req    *http.Request
	begin  time.Time
	after  time.Duration
	first  *progress
	done   chan struct{} // closed when the second one has ended

	mu     sync.Mutex     // guards all below
	over   bool           // one of the two is taken
	second *progress      // nil: not sent
	resp   *http.Response // of the second, if that is taken
}

func (h *hedge) roundTrip() (*http.Response, *progress, error) {
	timer := time.AfterFunc(h.after, h.again)
	resp, err := h.bucket.transport.RoundTrip(h.req)
	if timer.Stop() {
		return resp, h.first, err
	}
	if !good(resp, err) {
		<-h.done // it may do better
	}
	if h.take(nil) {
		return resp, h.first, err
	}
	h.drop(h.first, resp)
	return h.resp, h.second, nil
}

// take takes one of the two, unless the other is: the second with its answer,
// the first without.
func (h *hedge) take(second *http.Response) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.over {
		return false
	}
	h.over, h.resp = true, second
	if second != nil {
		h.first.cancel(nil)
	} else if h.second != nil {
		h.second.cancel(nil)
	}
	return true
}

// drop ends the one that is not taken.
func (h *hedge) drop(p *progress, resp *http.Response) {
	if resp != nil {
		if resp.StatusCode == http.StatusServiceUnavailable || resp.StatusCode == http.StatusTooManyRequests {
			h.bucket.stats.slowDowns.Add(1)
			h.bucket.limit.answered(h.begin, true)
		}
		resp.Body.Close()
	}
	p.stop()
	h.bucket.limit.give()
}

// again is the second request, in a goroutine of the timer's. It ends with the
// request, which the first one's answer ends.
func (h *hedge) again() {
	defer close(h.done)
	if !h.start() {
		return
	}
	resp, err := h.bucket.transport.RoundTrip(h.req.WithContext(h.second.ctx))
	if !good(resp, err) || !h.take(resp) {
		h.drop(h.second, resp)
	}
}

// start says whether to send the request again now. When the timer itself was
// late it is this machine that is slow.
func (h *hedge) start() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	b, now := h.bucket, time.Now()
	if h.over || now.Sub(h.begin) > h.after+h.after/4 || b.limit.cutSince(now.Add(-hedgeRest)) || !b.limit.tryTake() {
		return false
	}
	if !b.paces[h.call.op].spend() {
		b.limit.give()
		return false
	}
	h.second = newProgress(h.ctx, h.call.limit)
	h.second.begin(h.call.idle)
	b.stats.sent(h.call.op)
	b.stats.hedges.Add(1)
	b.opts.Log.Debug("asking a second time", "op", h.call.op, "key", h.call.key, "after", h.after)
	return true
}
