package s3test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// An Op is what a request asks for. Other methods than GET and HEAD are their
// own Op: "PUT".
type Op string

const (
	List     Op = "LIST"     // GET of the bucket
	Get      Op = "GET"      // of an object
	Head     Op = "HEAD"     // of an object, or of the bucket if the key is ""
	Location Op = "LOCATION" // GET of the bucket with ?location
	Versions Op = "VERSIONS" // GET of the bucket with ?versions
	Buckets  Op = "BUCKETS"  // GET of no bucket: the list of them
)

// A Request is one that arrived, whether it was served or refused.
type Request struct {
	Method  string
	Op      Op
	Host    string
	Key     string // of LIST and VERSIONS the prefix
	Range   string // as sent: "bytes=0-131071"
	IfMatch string
	Query   string // raw, without what could be used to sign in

	// Of LIST, and of VERSIONS: its markers are StartAfter and VersionID. Of BUCKETS
	// the token and the most entries.
	Delimiter, StartAfter, Token, MaxKeys string
	// Of GET and HEAD.
	VersionID string

	At   time.Time
	Conn int64 // the connection's number; those with the same one came over the same connection

	// As far as it has got.
	Status int   // 0: nothing sent yet, or an answer that the server did not frame itself
	Bytes  int64 // of body, handed to the connection
	Done   bool  // the server has ended with it
}

// String is the short form that Server.Requests has.
func (r Request) String() string {
	var b strings.Builder
	b.WriteString(string(r.Op))
	if r.Key != "" {
		b.WriteString(" " + r.Key)
	}
	if r.Range != "" {
		b.WriteString(" " + strings.TrimPrefix(r.Range, "bytes="))
	}
	if r.VersionID != "" {
		b.WriteString(" version=" + r.VersionID)
	}
	if r.Op == List || r.Op == Versions {
		if r.Delimiter == "" && r.Op == List {
			b.WriteString(" flat")
		}
		if r.StartAfter != "" {
			fmt.Fprintf(&b, " after=%s", r.StartAfter)
		}
		if r.MaxKeys != "" && r.MaxKeys != "1000" {
			b.WriteString(" max=" + r.MaxKeys)
		}
	}
	if r.Token != "" {
		b.WriteString(" next")
	}
	return b.String()
}

// A record remembers the requests.
type record struct {
	conns    atomic.Int64 // accepted since the last reset
	lastConn atomic.Int64 // the number given last

	mu       sync.Mutex
	requests []*Request    // in the order in which they arrived
	active   int           // requests being served
	changed  chan struct{} // closed when one arrives or is done with; nil: nobody waits
}

func (l *record) begin(r *Request) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.requests = append(l.requests, r)
	l.active++
	l.changedLocked()
}

func (l *record) end(r *Request) {
	l.mu.Lock()
	defer l.mu.Unlock()
	r.Done = true
	l.active--
	l.changedLocked()
}

func (l *record) changedLocked() {
	if l.changed != nil {
		close(l.changed)
		l.changed = nil
	}
}

// wait returns when ok is true, which is called with the lock held.
func (l *record) wait(ctx context.Context, ok func() bool) error {
	for {
		l.mu.Lock()
		if ok() {
			l.mu.Unlock()
			return nil
		}
		if l.changed == nil {
			l.changed = make(chan struct{})
		}
		changed := l.changed
		l.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// update changes r, which may have been dropped from the log meanwhile.
func (l *record) update(r *Request, f func(*Request)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f(r)
}

// Log has the requests since the last ResetLog, in the order of their arrival.
func (s *Server) Log() []Request {
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	out := make([]Request, len(s.log.requests))
	for i, r := range s.log.requests {
		out[i] = *r
	}
	return out
}

// Requests has the short forms of Log: "LIST d/", "HEAD d/a", "GET d/a 0-131071".
func (s *Server) Requests() []string {
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	out := make([]string, len(s.log.requests))
	for i, r := range s.log.requests {
		out[i] = r.String()
	}
	return out
}

// Count is the number of requests of that kind since the last ResetLog; "" is
// any kind.
func (s *Server) Count(op Op) int {
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	n := 0
	for _, r := range s.log.requests {
		if op == "" || r.Op == op {
			n++
		}
	}
	return n
}

// Bytes is how much of bodies was sent for the requests since the last ResetLog.
func (s *Server) Bytes() int64 {
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	var n int64
	for _, r := range s.log.requests {
		n += r.Bytes
	}
	return n
}

// Conns is the number of connections accepted since the last ResetLog.
func (s *Server) Conns() int { return int(s.log.conns.Load()) }

// ResetLog forgets all requests and the number of connections.
func (s *Server) ResetLog() {
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	s.log.requests = nil
	s.log.conns.Store(0)
}

// WaitRequests returns when n requests have arrived since the last ResetLog, or
// with ctx's error.
func (s *Server) WaitRequests(ctx context.Context, n int) error {
	if err := s.log.wait(ctx, func() bool { return len(s.log.requests) >= n }); err != nil {
		return fmt.Errorf("s3test: waiting for %d requests, have %d: %w", n, s.Count(""), err)
	}
	return nil
}

// WaitIdle returns when no request is being served, or with ctx's error. A
// stalled one ends when its client closes the connection.
func (s *Server) WaitIdle(ctx context.Context) error {
	if err := s.log.wait(ctx, func() bool { return s.log.active == 0 }); err != nil {
		return fmt.Errorf("s3test: waiting for the end of %d requests: %w", s.Active(), err)
	}
	return nil
}

// Active is the number of requests that are being served.
func (s *Server) Active() int {
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	return s.log.active
}

// withoutSecrets drops the parameters of a presigned URL that let others in.
func withoutSecrets(rawQuery string) string {
	parts := strings.Split(rawQuery, "&")
	parts = slices.DeleteFunc(parts, func(p string) bool {
		name, _, _ := strings.Cut(p, "=")
		return name == "X-Amz-Signature" || name == "X-Amz-Security-Token"
	})
	return strings.Join(parts, "&")
}
