package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"path"
	"strings"
	"sync"
	"time"
)

// A wire is the transport with what the last answer said.
type wire struct {
	next *http.Transport

	mu       sync.Mutex // guards all below
	requests int
	refused  int // of these, with 403
	status   int
	header   http.Header
}

func (w *wire) RoundTrip(req *http.Request) (*http.Response, error) {
	w.mu.Lock()
	w.requests++
	w.mu.Unlock()
	resp, err := w.next.RoundTrip(req)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.status, w.header = 0, nil; err == nil {
		w.status, w.header = resp.StatusCode, resp.Header
	}
	if w.status == http.StatusForbidden {
		w.refused++
	}
	return resp, err
}

// denials is how many answers were a 403.
func (w *wire) denials() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.refused
}

// last is the status of the last answer, 0 if there was none, and its headers.
func (w *wire) last() (int, http.Header) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.status, w.header
}

func (w *wire) CloseIdleConnections() { w.next.CloseIdleConnections() }

// where is the host that connections are made to: the bucket's, or a proxy's.
func (d *doctor) where() *url.URL {
	if d.proxy != nil {
		return d.proxy
	}
	return d.bucket.URL()
}

func portOf(u *url.URL) string {
	switch {
	case u.Port() != "":
		return u.Port()
	case u.Scheme == "http":
		return "80"
	case strings.HasPrefix(u.Scheme, "socks5"):
		return "1080"
	}
	return "443"
}

// manyAddresses is how many are tried.
const manyAddresses = 16

func (d *doctor) resolution(ctx context.Context) finding {
	proxy, err := d.transport.Proxy(&http.Request{URL: d.bucket.URL()})
	if err != nil {
		return failed("check HTTP_PROXY, HTTPS_PROXY and NO_PROXY", "the proxy of the environment: its URL cannot be read")
	}
	d.proxy = proxy
	host, about := d.where().Hostname(), ""
	if proxy != nil {
		about = "by the proxy of the environment: "
	}
	if ip, err := netip.ParseAddr(host); err == nil {
		d.addresses = []netip.Addr{ip}
		return passed("%s%s is an address", about, host)
	}
	d.addresses, err = d.machine.lookup(ctx, host)
	if err == nil && len(d.addresses) == 0 {
		err = &net.DNSError{Err: "no address", Name: host, IsNotFound: true}
	}
	if err != nil {
		return d.unresolved(ctx, host, err)
	}
	names := make([]string, 0, 4)
	for _, ip := range d.addresses[:min(3, len(d.addresses))] {
		names = append(names, ip.Unmap().String())
	}
	if more := len(d.addresses) - len(names); more > 0 {
		names = append(names, fmt.Sprintf("and %d more", more))
	}
	return passed("%s%s is %s", about, host, strings.Join(names, ", "))
}

// unresolved is about a name without address. Where the name of the server has
// one, it is the bucket in front of it that is too much.
func (d *doctor) unresolved(ctx context.Context, host string, err error) finding {
	f := failure(d.late(ctx, err))
	switch without, ok := strings.CutPrefix(host, d.what.bucket+"."); {
	case d.proxy != nil:
		f.hint = "the proxy of HTTPS_PROXY or HTTP_PROXY has no address; check its name"
	case d.bucketInEndpoint():
		f.hint = bucketTwice
	case ok:
		if addresses, err := d.machine.lookup(ctx, without); err == nil && len(addresses) > 0 {
			f.hint = without + " has an address: the server has no names for buckets; give --path-style"
			break
		}
		fallthrough
	default:
		f.hint = "the name of the server cannot be resolved; check --endpoint-url, --region and the network (`getent hosts " + quoted(host) + "`)"
	}
	return f
}

// bucketTwice is what to do about an endpoint that is the bucket's URL.
const bucketTwice = "the endpoint holds the bucket's name, as if it were the bucket's own URL; leave that out: --endpoint-url is the server's"

func (d *doctor) bucketInEndpoint() bool {
	u := d.found.endpoint
	return u != nil && (strings.HasPrefix(u.Hostname(), d.what.bucket+".") || path.Base(u.Path) == d.what.bucket)
}

// connection tries all the addresses, as a mount will use all of them.
func (d *doctor) connection(ctx context.Context) finding {
	port := portOf(d.where())
	tried := d.addresses[:min(manyAddresses, len(d.addresses))]
	errs := make([]error, len(tried))
	var wait sync.WaitGroup
	for i, ip := range tried {
		wait.Go(func() { // ends with the check's time
			c, err := d.machine.dial(ctx, "tcp", net.JoinHostPort(ip.String(), port))
			if errs[i] = err; err == nil {
				c.Close()
			}
		})
	}
	wait.Wait()
	var bad []string
	var first error
	for i, ip := range tried {
		switch {
		case errs[i] == nil && d.reached == "":
			d.reached = net.JoinHostPort(ip.String(), port)
		case errs[i] != nil:
			bad = append(bad, ip.String())
			first = cmpErr(first, errs[i])
		}
	}
	switch {
	case d.reached == "":
		f := failure(d.late(ctx, first))
		if d.proxy != nil {
			f.hint = "this is the proxy of HTTPS_PROXY or HTTP_PROXY; check these, or name the server in NO_PROXY"
		} else if len(tried) > 1 {
			f.text = fmt.Sprintf("none of %d addresses: %s", len(tried), f.text)
		}
		return f
	case len(bad) > 0:
		return warned("a mount uses the others; if these are all of one family, IPv4 or IPv6, that does not work from here",
			"%d of %d addresses answer; not %s: %v", len(tried)-len(bad), len(tried), strings.Join(bad, ", "), first)
	case len(tried) > 1:
		return passed("all of %d addresses answer, at port %s", len(tried), port)
	}
	return passed("%s answers", d.reached)
}

func cmpErr(first, second error) error {
	if first != nil {
		return first
	}
	return second
}

// soon is when a certificate that ends is worth a word.
const soon = 14 * 24 * time.Hour

func (d *doctor) encryption(ctx context.Context) finding {
	u := d.bucket.URL()
	switch {
	case u.Scheme == "http" && loopback(u.Hostname()):
		return passed("plain http, on this machine")
	case u.Scheme == "http":
		return warned("where the server has https, say so in --endpoint-url", "plain http: who is on the way can read all but the secret key")
	case d.proxy != nil:
		return skipped("made through the proxy, with the first request")
	}
	conn, err := d.machine.dial(ctx, "tcp", d.reached)
	if err != nil {
		return failure(d.late(ctx, err))
	}
	defer conn.Close()
	config := d.transport.TLSClientConfig.Clone()
	config.ServerName, config.ClientSessionCache = u.Hostname(), nil
	c := tls.Client(conn, config)
	if err := c.HandshakeContext(ctx); err != nil {
		return d.notTrusted(ctx, u.Hostname(), err)
	}
	state := c.ConnectionState()
	leaf := state.PeerCertificates[0]
	text := fmt.Sprintf("%s, certificate of %s until %s", tls.VersionName(state.Version), leaf.Issuer, leaf.NotAfter.UTC().Format(time.DateOnly))
	if left := time.Until(leaf.NotAfter); left < soon {
		days := int(left.Hours() / 24)
		return warned("the server needs a new certificate; tell its operator", "%s: %d %s left", text, days, plural(days, "day"))
	}
	return passed("%s", text)
}

func loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || err == nil && ip.IsLoopback()
}

// notTrusted is about a handshake that has failed.
func (d *doctor) notTrusted(ctx context.Context, host string, err error) finding {
	f := failure(d.late(ctx, err))
	var (
		unknown  x509.UnknownAuthorityError
		hostname x509.HostnameError
		invalid  x509.CertificateInvalidError
	)
	switch {
	case errors.As(err, &unknown) && unknown.Cert != nil:
		f.text = fmt.Sprintf("the certificate of %s is from an authority that is not known here: %s", host, unknown.Cert.Issuer)
		f.hint = "if that is the one it should be, give the authority's certificate with --ca-bundle FILE"
	case errors.As(err, &hostname):
		f.text = fmt.Sprintf("the certificate is not for %s; it is for %s", host, namesOf(hostname.Certificate))
		f.hint = "write --endpoint-url with the name that the certificate has"
		if without, ok := strings.CutPrefix(host, d.what.bucket+"."); d.bucketInEndpoint() {
			f.hint = bucketTwice
		} else if ok && hostname.Certificate.VerifyHostname(without) == nil {
			f.hint = "it is for the server without the bucket's name in front; give --path-style"
		}
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired && invalid.Cert != nil:
		f.text = fmt.Sprintf("the certificate of %s is valid from %s until %s, and here it is %s", host,
			invalid.Cert.NotBefore.UTC().Format(time.DateOnly), invalid.Cert.NotAfter.UTC().Format(time.DateOnly), time.Now().UTC().Format(time.DateOnly))
		f.hint = "if this machine's date is right, the server needs a new certificate; tell its operator"
	}
	return f
}

func namesOf(c *x509.Certificate) string {
	names := append([]string(nil), c.DNSNames...)
	for _, ip := range c.IPAddresses {
		names = append(names, ip.String())
	}
	if len(names) == 0 {
		return "no name"
	}
	if len(names) > 4 {
		names = append(names[:4], "others")
	}
	return strings.Join(names, ", ")
}

// S3 refuses what is signed with a clock that differs by more than maxSkew.
const (
	maxSkew   = 15 * time.Minute
	worthTime = 5 * time.Minute
)

// clock sends the first request, unsigned: whoever answers says what time it is,
// and S3 the region of the bucket.
func (d *doctor) clock(ctx context.Context) finding {
	u := d.bucket.URL()
	req := &http.Request{Method: http.MethodHead, URL: u, Host: u.Host, Header: http.Header{"User-Agent": {"s3mount"}}}
	begin := time.Now()
	resp, err := d.wire.RoundTrip(req.WithContext(ctx))
	if err != nil {
		return d.unanswered(ctx, err)
	}
	resp.Body.Close()
	d.hinted = resp.Header.Get("X-Amz-Bucket-Region")
	at, err := http.ParseTime(resp.Header.Get("Date"))
	if err != nil {
		return warned("an S3 server says its time with each answer; check --endpoint-url", "the server does not say what time it has")
	}
	// The header has whole seconds, cut off, and was written on the way.
	ahead := begin.Add(time.Since(begin) / 2).Sub(at.Add(time.Second / 2)).Round(time.Second)
	const hint = "set the clock: `timedatectl set-ntp true`, or `date -u` on both machines to see whose it is"
	off := fmt.Sprintf("this clock is %v ahead of the server's", ahead)
	if ahead < 0 {
		off = fmt.Sprintf("this clock is %v behind the server's", -ahead)
	}
	switch {
	case ahead.Abs() > maxSkew:
		return warned(hint, "%s; S3 refuses more than 15m, and a mount signs with the server's time then", off)
	case ahead.Abs() > worthTime:
		return warned(hint, "%s; S3 refuses more than 15m", off)
	case ahead.Abs() <= time.Second:
		return passed("as the server's")
	}
	return passed("%s", off)
}

// unanswered is about a server that takes a connection and says nothing, or
// nothing that is HTTP.
func (d *doctor) unanswered(ctx context.Context, err error) finding {
	f := failure(d.late(ctx, err))
	f.text = "the first request: " + f.text
	if d.bucket.URL().Scheme == "http" && d.proxy == nil && ctx.Err() == nil && d.speaksTLS(ctx) {
		f.hint = "the server speaks TLS there; write --endpoint-url with https://"
	}
	return f
}

// speaksTLS tries a handshake, whatever the certificate.
func (d *doctor) speaksTLS(ctx context.Context) bool {
	conn, err := d.machine.dial(ctx, "tcp", d.reached)
	if err != nil {
		return false
	}
	defer conn.Close()
	return tls.Client(conn, &tls.Config{InsecureSkipVerify: true}).HandshakeContext(ctx) == nil // nothing is sent over it
}
