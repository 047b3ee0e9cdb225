package s3

import (
	"crypto/tls"
	"net"
	"net/http/httptrace"
	"slices"
	"sync"
	"time"
)

const (
	// judged is how much a reply must bring for its speed to say something of
	// the connection.
	judged = 4 << 20

	// speedEvidence is with how many others a connection is compared.
	speedEvidence = 16

	// A connection is given up at most as often: the next one may be no better.
	retireEvery = time.Second
)

// A meter takes the speed of one reply.
type meter struct {
	conn   *conn // nil: not one of our dialer
	reused bool
	begin  time.Time     // of the first Read
	waited time.Duration // in Read
	n      int64         // bytes
}

func (m *meter) trace() *httptrace.ClientTrace {
	return &httptrace.ClientTrace{GotConn: func(got httptrace.GotConnInfo) {
		m.conn, m.reused = beneath(got.Conn), got.Reused
	}}
}

// beneath is the dialer's connection below TLS.
func beneath(c net.Conn) *conn {
	for {
		switch at := c.(type) {
		case *conn:
			return at
		case *tls.Conn:
			c = at.NetConn()
		default:
			return nil
		}
	}
}

func (m *meter) read(n int, begin time.Time) {
	if m.begin.IsZero() {
		m.begin = begin
	}
	m.n += int64(n)
	m.waited += time.Since(begin)
}

// speed is in bytes per second. It is not known of a reader that mostly did
// something else: what it read had come before.
func (m *meter) speed() (float64, bool) {
	known := m.n >= judged && m.waited > time.Since(m.begin)/2 && m.conn != nil
	return float64(m.n) / m.waited.Seconds(), known
}

// speeds are those of the last large replies of a bucket. A connection with less
// than a quarter of what most have is given up: it may lead to a machine in
// trouble, or over a path that loses packets, and would be used for as long as
// there is something to read.
type speeds struct {
	mu      sync.Mutex // guards all below
	last    [speedEvidence]float64
	n       int       // so far
	retired time.Time // when a connection last was
}

// judge gives the connection of a reply up if it was slow. The first reply of a
// connection says little: TCP begins slowly.
func (s *speeds) judge(m *meter) {
	if speed, known := m.speed(); known && m.reused && s.slow(speed) {
		m.conn.retire()
	}
}

func (s *speeds) slow(speed float64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	sorted := s.last
	slices.Sort(sorted[:])
	slow := s.n >= speedEvidence && speed < sorted[speedEvidence/2]/4 && time.Since(s.retired) >= retireEvery
	if slow {
		s.retired = time.Now()
	}
	s.last[s.n%speedEvidence] = speed
	s.n++
	return slow
}
