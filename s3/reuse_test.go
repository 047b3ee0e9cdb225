package s3

import (
	"bufio"
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"s3mount/s3/s3test"
)

// A keptListener keeps the connections that it accepts.
type keptListener struct {
	net.Listener
	mu    sync.Mutex // guards all below
	conns []*net.TCPConn
}

func (l *keptListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err == nil {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.conns = append(l.conns, c.(*net.TCPConn))
	}
	return c, err
}

// end ends all connections.
func (l *keptListener) end(reset bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range l.conns {
		if reset {
			c.SetLinger(0)
		}
		c.Close()
	}
	l.conns = nil
}

// A server may end what is idle at any time, also while the next request is on
// its way. That is no failure: it costs neither an attempt nor a wait.
func TestIdleConnectionsThatTheServerEndsAreNotNoticed(t *testing.T) {
	cert, bundle := certificate(t, time.Now().Add(time.Hour), "127.0.0.1")
	for name, config := range map[string]*tls.Config{"HTTP": nil, "HTTPS": {Certificates: []tls.Certificate{cert}}} {
		for _, reset := range []bool{false, true} {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			kept := &keptListener{Listener: l}
			srv := s3test.New(t, s3test.Options{Listener: kept, TLS: config, Text: map[string]string{"k": "v"}})
			transport, err := NewTransport(TransportOptions{CABundle: bundle})
			if err != nil {
				t.Fatal(err)
			}
			b := open(t, srv, func(o *Options) { o.Transport = transport; o.Retry.Attempts = 1 })
			for round := range 20 {
				var wg sync.WaitGroup
				for range 4 { // as many idle connections
					wg.Go(func() {
						if _, err := b.Head(t.Context(), "k"); err != nil {
							t.Errorf("%s, reset %v, round %d: %v", name, reset, round, err)
						}
					})
				}
				wg.Wait()
				kept.end(reset)
			}
			if s := b.Stats(); s.Retries != 0 || s.Failures != 0 || s.Heads != 80 {
				t.Errorf("%s, reset %v: %+v", name, reset, s)
			}
		}
	}
}

// A pipeListener is a network whose waiting synctest understands.
type pipeListener struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error   { l.once.Do(func() { close(l.closed) }); return nil }
func (l *pipeListener) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 80} }

func (l *pipeListener) connect(context.Context, string, string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	l.conns <- theirs
	return ours, nil
}

// piped gives a server and a bucket of it in a bubble.
func piped(t *testing.T, o s3test.Options, edits ...func(*Options)) (*s3test.Server, *Bucket) {
	t.Helper()
	l := &pipeListener{conns: make(chan net.Conn), closed: make(chan struct{})}
	o.Listener = l
	srv := s3test.New(t, o)
	d := newDialer()
	d.connect = l.connect
	transport := transportOf(d, nil)
	return srv, open(t, srv, append([]func(*Options){func(o *Options) { o.Transport = transport }}, edits...)...)
}

func TestIdleConnectionsAreClosedBeforeTheServerDoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, b := piped(t, s3test.Options{Text: map[string]string{"k": "v"}})
		for _, tt := range []struct {
			rest  time.Duration
			conns int
		}{{0, 1}, {3 * time.Second, 1}, {3 * time.Second, 1}, {5 * time.Second, 2}} {
			time.Sleep(tt.rest)
			if _, err := b.Head(t.Context(), "k"); err != nil {
				t.Fatal(err)
			}
			if n := srv.Conns(); n != tt.conns {
				t.Errorf("after %v: %d connections, want %d", tt.rest, n, tt.conns)
			}
		}
		b.CloseIdleConnections()
	})
}

// tunnel is a proxy that does nothing but CONNECT.
func tunnel(t *testing.T) *url.URL {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() { // ends when the listener is closed
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() { // ends when one of the ends is closed
				defer c.Close()
				r := bufio.NewReader(c)
				req, err := http.ReadRequest(r)
				if err != nil || req.Method != http.MethodConnect {
					return
				}
				there, err := net.Dial("tcp", req.Host)
				if err != nil {
					return
				}
				io.WriteString(c, "HTTP/1.1 200 OK\r\n\r\n")
				wg.Go(func() { io.Copy(c, there); c.Close() })
				io.Copy(there, r)
				there.Close()
			})
		}
	})
	t.Cleanup(func() { l.Close(); wg.Wait() })
	return &url.URL{Scheme: "http", Host: l.Addr().String()}
}

func TestTLSIsResumedAndSpeaksHTTP1(t *testing.T) {
	cert, bundle := certificate(t, time.Now().Add(time.Hour), "127.0.0.1")
	roots, err := trusted(bundle)
	if err != nil {
		t.Fatal(err)
	}
	for _, proxied := range []bool{false, true} {
		var states []tls.ConnectionState
		srv := s3test.New(t, s3test.Options{Text: map[string]string{"k": "v"},
			TLS: &tls.Config{Certificates: []tls.Certificate{cert}, NextProtos: []string{"h2", "http/1.1"}}})
		transport := transportOf(newDialer(), roots)
		transport.Proxy = nil
		if proxied {
			transport.Proxy = http.ProxyURL(tunnel(t))
		}
		b := open(t, srv, func(o *Options) {
			o.Transport = transportFunc(func(r *http.Request) (*http.Response, error) {
				resp, err := transport.RoundTrip(r)
				if err == nil {
					states = append(states, *resp.TLS)
				}
				return resp, err
			})
		})
		for range 2 {
			if _, err := b.Head(t.Context(), "k"); err != nil {
				t.Fatal(err)
			}
			transport.CloseIdleConnections()
		}
		for i, s := range states {
			if s.NegotiatedProtocol != "http/1.1" || s.DidResume != (i == 1) || len(s.VerifiedChains) == 0 {
				t.Errorf("by proxy %v: connection %d speaks %q, is resumed: %v, verified: %v", proxied, i, s.NegotiatedProtocol, s.DidResume, len(s.VerifiedChains) > 0)
			}
		}
		if srv.Conns() != 2 {
			t.Errorf("%d connections, want 2", srv.Conns())
		}
	}
}

type transportFunc func(*http.Request) (*http.Response, error)

func (f transportFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// A retired connection ends with its request; net/http sends the next one on
// another, without an error or a wait.
func TestARetiredConnectionTakesNoMoreRequests(t *testing.T) {
	srv, _, o := serve(t)
	d := newDialer()
	var conns []*conn
	transport := transportOf(d, nil)
	transport.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := d.DialContext(ctx, network, addr)
		if err == nil {
			conns = append(conns, c.(*conn))
		}
		return c, err
	}
	b := open(t, srv, func(o *Options) { o.Transport = transport })
	srv.ResetLog()
	body, err := b.OpenRange(t.Context(), o, 0, 2*block)
	if err != nil {
		t.Fatal(err)
	}
	conns[0].retire()
	if _, err := io.Copy(io.Discard, body); err != nil {
		t.Error(err)
	}
	for range 3 {
		if err := fetch(t, b, o, 0, block); err != nil {
			t.Error(err)
		}
	}
	if s := b.Stats(); srv.Conns() != 2 || srv.Count("") != 4 || s.Retries != 0 {
		t.Errorf("%d connections for %q, %+v; want 2 and no retry", srv.Conns(), srv.Requests(), s)
	}
}
