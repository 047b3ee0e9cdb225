package s3test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"s3mount/sigv4"
)

// Options say what a Server serves. The zero value is an empty bucket.
type Options struct {
	Bucket string // "": "bucket"
	Region string // "": "us-east-1"

	// Credentials are those whose signatures are accepted; zero: a made-up pair,
	// which Server.Credentials returns.
	Credentials sigv4.Credentials
	Anonymous   bool // unsigned requests are served too; signed ones are still verified

	Objects   map[string]Object // by key
	Text      map[string]string // more objects, with their content
	Versioned bool              // old versions are kept, and answers carry a version id

	// ListV1 has it answer ListObjects, too, the older form of ListObjectsV2; without
	// it that is 501.
	ListV1 bool

	PageSize int  // the most entries on a page of a listing, whatever is asked for; 0: 1000
	Apart    bool // listings of versions have the delete markers in front of all versions, and not each at its place
	Unsorted bool // listings come in no order of keys, but always in the same one; start-after counts as in a sorted one

	Rules                       []Rule // as by AddRule
	DenyList, DenyGet, DenyHead bool   // 403 AccessDenied, whoever asks

	// RequesterPays has it refuse, with 403 AccessDenied, whoever does not agree
	// to pay (x-amz-request-payer).
	RequesterPays bool

	Latency        Latency
	BytesPerSecond int64         // of body, on each connection; 0: no limit
	ClockOffset    time.Duration // how far the server's clock is ahead

	Listener net.Listener // nil: a free port of 127.0.0.1
	TLS      *tls.Config  // nil: plain HTTP

	Logf func(format string, args ...any) // is told of refused signatures; nil: nobody is
}

// Latency is how long the first byte of an answer takes.
type Latency struct{ List, Get, Head time.Duration }

// A Server is a running S3 server. Its methods are safe for concurrent use.
type Server struct {
	bucket, region string
	scheme         string
	anonymous      bool
	requesterPays  bool
	listV1         bool
	pageSize       int
	unsorted       bool
	apart          bool
	logf           func(string, ...any)

	store store
	keys  keyring
	rules rules
	log   record

	latency atomic.Pointer[Latency]
	rate    atomic.Int64 // bytes per second on a connection, 0: no limit
	offset  atomic.Int64 // of the clock, a time.Duration
	serial  atomic.Int64 // of request ids

	listener net.Listener
	http     http.Server
	closing  chan struct{}
	closed   sync.Once

	// Close waits for these in this order; each can only grow while the one
	// before it has not ended.
	serving, conns, handlers sync.WaitGroup

	mu       sync.Mutex
	hijacked map[net.Conn]struct{} // out of http's hands, so Close ends them
	denied   map[Op]bool
	others   []neighbour
}

// Start runs a server until Close.
func Start(o Options) (*Server, error) {
	s := &Server{
		bucket:        o.Bucket,
		region:        o.Region,
		scheme:        "http",
		anonymous:     o.Anonymous,
		requesterPays: o.RequesterPays,
		listV1:        o.ListV1,
		pageSize:      o.PageSize,
		unsorted:      o.Unsorted,
		apart:         o.Apart,
		logf:          o.Logf,
		closing:       make(chan struct{}),
		hijacked:      make(map[net.Conn]struct{}),
		denied:        map[Op]bool{List: o.DenyList, Get: o.DenyGet, Head: o.DenyHead},
		listener:      o.Listener,
	}
	if s.bucket == "" {
		s.bucket = "bucket"
	}
	if s.region == "" {
		s.region = "us-east-1"
	}
	if s.pageSize == 0 {
		s.pageSize = 1000
	}
	if s.logf == nil {
		s.logf = func(string, ...any) {}
	}
	if o.Credentials.AccessKeyID == "" {
		o.Credentials = sigv4.Credentials{AccessKeyID: "AKIDS3TEST", SecretAccessKey: "s3test/secret+for/no+one"}
	}
	s.keys.accept(o.Credentials)
	s.latency.Store(&o.Latency)
	s.rate.Store(o.BytesPerSecond)
	s.offset.Store(int64(o.ClockOffset))
	s.rules.add(o.Rules...)
	s.store.versioned = o.Versioned
	s.store.fill(o.Objects, o.Text, s.now())

	if s.listener == nil {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, fmt.Errorf("s3test: %w", err)
		}
		s.listener = l
	}
	serveOn := s.listener
	if o.TLS != nil {
		s.scheme = "https"
		serveOn = tls.NewListener(serveOn, o.TLS)
	}
	s.http = http.Server{
		Handler:                      http.HandlerFunc(s.handle), // a ServeMux would clean the paths
		DisableGeneralOptionsHandler: true,
		ErrorLog:                     log.New(logWriter(s.logf), "", 0),
		ConnContext:                  s.connContext,
		ConnState: func(_ net.Conn, state http.ConnState) {
			switch state {
			case http.StateNew:
				s.conns.Add(1)
				s.log.conns.Add(1)
			case http.StateClosed, http.StateHijacked:
				s.conns.Done()
			}
		},
	}
	s.serving.Go(func() { // ends when Close closes the listener
		if err := s.http.Serve(serveOn); !errors.Is(err, http.ErrServerClosed) {
			s.logf("s3test: %v", err)
		}
	})
	return s, nil
}

// Close ends all connections and returns when nothing of the server runs any
// more. It may be called twice.
func (s *Server) Close() {
	s.closed.Do(func() {
		close(s.closing)
		s.http.Close()
		s.serving.Wait()
		s.mu.Lock()
		for c := range s.hijacked {
			c.Close()
		}
		s.mu.Unlock()
		s.conns.Wait()
		s.handlers.Wait()
	})
}

// Endpoint is the server's address as a client's endpoint: scheme, host, port.
func (s *Server) Endpoint() *url.URL {
	return &url.URL{Scheme: s.scheme, Host: s.listener.Addr().String()}
}

// DialContext reaches the server whatever address is asked for. A transport
// with it can use virtual-host names, which have no address.
func (s *Server) DialContext(ctx context.Context, _, _ string) (net.Conn, error) {
	var d net.Dialer
	return d.DialContext(ctx, s.listener.Addr().Network(), s.listener.Addr().String())
}

// Bucket is the name of the one bucket.
func (s *Server) Bucket() string { return s.bucket }

// Region is the one whose signatures are accepted.
func (s *Server) Region() string { return s.region }

// SetLatency is for the requests that arrive from now on.
func (s *Server) SetLatency(l Latency) { s.latency.Store(&l) }

// SetBytesPerSecond limits the bodies on each connection; 0 ends the limit.
func (s *Server) SetBytesPerSecond(n int64) { s.rate.Store(n) }

// SetClockOffset puts the server's clock ahead of the real one: the time
// against which signatures are held, and the Date of its answers.
func (s *Server) SetClockOffset(d time.Duration) { s.offset.Store(int64(d)) }

// Deny sets whether an operation is refused with 403 AccessDenied.
func (s *Server) Deny(op Op, denied bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.denied[op] = denied
}

func (s *Server) isDenied(op Op) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.denied[op]
}

func (s *Server) now() time.Time { return time.Now().Add(time.Duration(s.offset.Load())).UTC() }

type connKey struct{}

// A conn is what is known of a client's connection. One request at a time is on
// it, so it needs no lock.
type conn struct {
	id   int64
	pace pacer
}

func (s *Server) connContext(ctx context.Context, _ net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, &conn{id: s.log.lastConn.Add(1)})
}

// A logWriter is what net/http complains to.
type logWriter func(string, ...any)

func (w logWriter) Write(p []byte) (int, error) {
	w("s3test: %s", p)
	return len(p), nil
}
