package s3

import (
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"s3mount/sigv4"
)

// A Bucket reads one bucket. Its methods may be called from any number of
// goroutines.
type Bucket struct {
	opts      Options
	pathStyle bool
	label     string // in a host name
	service   string // of AWS, in a host name
	transport http.RoundTripper
	signer    sigv4.Signer
	limit     *limit           // of requests under way
	paces     map[string]*pace // by operation; not changed
	speeds    speeds
	stats     *counters

	region   atomic.Pointer[string] // to sign for: Options.Region until the server says otherwise
	skew     atomic.Int64           // nanoseconds the server's clock is ahead of ours, learned from a refusal
	unpinned atomic.Bool            // GETs by version id are not permitted here; If-Match has to do
	unsorted atomic.Bool            // listings do not come in the order of keys, or cannot begin anywhere
	keeps    atomic.Bool            // a listing has told of a version with an id of its own
	warnOnce sync.Once              // about versions that only a date tells apart
}

// New gives the bucket that opts describe. It makes no request; [Bucket.Probe]
// does.
func New(opts Options) (*Bucket, error) {
	if err := opts.checkName(); err != nil {
		return nil, err
	}
	return newBucket(opts)
}

// newBucket is New without a look at the name.
func newBucket(opts Options) (*Bucket, error) {
	opts = opts.withDefaults()
	if err := opts.check(); err != nil {
		return nil, err
	}
	rt := opts.Transport
	if rt == nil {
		t, err := NewTransport(TransportOptions{})
		if err != nil {
			return nil, err
		}
		rt = t
	}
	b := &Bucket{
		opts:      opts,
		pathStyle: pathStyle(opts),
		label:     opts.Name,
		service:   "s3",
		transport: readOnly{rt},
		limit:     newLimit(opts.Connections),
		paces:     newPaces(),
		stats:     &counters{},
	}
	if p, err := ParseAccessPoint(opts.Name); err == nil {
		b.label, b.service = p.label(), "s3-accesspoint"
	}
	b.region.Store(&opts.Region)
	return b, nil
}

// Name is the bucket's name, or the access point's ARN.
func (b *Bucket) Name() string { return b.opts.Name }

// Region is the region that requests are signed for now.
func (b *Bucket) Region() string { return *b.region.Load() }

// URL is where requests for the bucket itself go now. It is the caller's.
func (b *Bucket) URL() *url.URL { return b.address(b.Region(), "", "") }

// PathStyle says whether the bucket is in the path of requests, and not in the
// host name.
func (b *Bucket) PathStyle() bool { return b.pathStyle }

// adopt signs for region from now on, if that can be one.
func (b *Bucket) adopt(region string) {
	if !regionName(region) || isARN(b.opts.Name) { // which says where it is
		return
	}
	if was := *b.region.Swap(&region); was != region {
		b.opts.Log.Info("the server names another region; signing for it", "bucket", b.opts.Name, "was", was, "now", region)
	}
}

// now is the time as the server has it.
func (b *Bucket) now() time.Time { return time.Now().Add(time.Duration(b.skew.Load())) }

// CloseIdleConnections closes the connections that no request uses.
func (b *Bucket) CloseIdleConnections() {
	if c, ok := b.transport.(readOnly).next.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

// readOnly lets nothing pass but GET and HEAD without a body: the promise that
// this program never writes, kept at the last place before the network.
type readOnly struct{ next http.RoundTripper }

func (r readOnly) RoundTrip(req *http.Request) (*http.Response, error) {
	if (req.Method != http.MethodGet && req.Method != http.MethodHead) || req.Body != nil {
		return nil, fmt.Errorf("s3: refused to send %s: this program only reads", req.Method)
	}
	return r.next.RoundTrip(req)
}
