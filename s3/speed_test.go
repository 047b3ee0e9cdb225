package s3

import (
	"context"
	"io"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"s3mount/s3/s3test"
)

// A slowConn takes its time with each byte.
type slowConn struct {
	net.Conn
	perSecond float64
}

func (c slowConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	time.Sleep(time.Duration(float64(n) / c.perSecond * float64(time.Second)))
	return n, err
}

func TestASlowConnectionIsGivenUp(t *testing.T) {
	tests := []struct {
		name  string
		slow  float64       // bytes per second of the first connection, of which the others have 100 M
		size  int64         // of each reply
		rest  time.Duration // of the reader, between two pieces
		conns int           // at the end
	}{
		{"a tenth of the speed", 10e6, judged, 0, 3},
		{"a third of it", 33e6, judged, 0, 2},
		{"a tenth, of short replies", 10e6, judged - 1, 0, 2},
		{"a tenth, of a reader that rests", 10e6, judged, 100 * time.Millisecond, 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := &pipeListener{conns: make(chan net.Conn), closed: make(chan struct{})}
				srv := s3test.New(t, s3test.Options{Listener: l, Objects: map[string]s3test.Object{"big": {Size: judged}}})
				var mu sync.Mutex
				dialled := 0
				d := newDialer()
				d.connect = func(ctx context.Context, network, addr string) (net.Conn, error) {
					c, err := l.connect(ctx, network, addr)
					mu.Lock()
					defer mu.Unlock()
					if dialled++; dialled == 1 {
						return slowConn{c, tt.slow}, err
					}
					return slowConn{c, 100e6}, err
				}
				transport := transportOf(d, nil)
				b, o := open(t, srv, func(o *Options) { o.Transport = transport }), object(t, srv, "big")
				for range 12 {
					var wg sync.WaitGroup
					for range 2 {
						wg.Go(func() {
							body, err := b.OpenRange(t.Context(), o, 0, tt.size)
							if err != nil {
								t.Error(err)
								return
							}
							p := make([]byte, 128<<10)
							for err == nil {
								_, err = io.ReadFull(body, p)
								time.Sleep(tt.rest)
							}
							if err != io.EOF && err != io.ErrUnexpectedEOF {
								t.Error(err)
							}
						})
					}
					wg.Wait()
				}
				if s := b.Stats(); dialled != tt.conns || s.Gets != 24 || s.Retries != 0 {
					t.Errorf("%d connections, %+v; want %d", dialled, s, tt.conns)
				}
				b.CloseIdleConnections()
			})
		})
	}
}

func TestWhichSpeedIsSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s speeds
		step := func(speed float64, want bool) {
			t.Helper()
			if got := s.slow(speed); got != want {
				t.Errorf("%v after %d: slow %v", speed, s.n, got)
			}
		}
		for range speedEvidence - 1 {
			step(100, false)
		}
		step(1, false) // of too few
		step(26, false)
		step(24, true)
		step(1, false) // one at a time
		time.Sleep(retireEvery)
		step(1, true)
		for range speedEvidence { // when all are slow, none is
			time.Sleep(retireEvery)
			s.slow(1)
		}
		step(1, false)
	})
}

// The first reply of a connection, one that was left, and one over a transport
// of somebody else's say nothing.
func TestWhatIsNotJudged(t *testing.T) {
	fast := speeds{n: speedEvidence}
	for i := range fast.last {
		fast.last[i] = 1e12
	}
	for _, m := range []*meter{
		{conn: &conn{}, n: judged, waited: time.Hour, begin: time.Now().Add(-time.Hour)},
		{conn: &conn{}, reused: true, n: judged - 1, waited: time.Hour, begin: time.Now().Add(-time.Hour)},
		{reused: true, n: judged, waited: time.Hour, begin: time.Now().Add(-time.Hour)},
	} {
		if fast.judge(m); m.conn != nil && m.conn.retired.Load() {
			t.Errorf("%+v is judged", m)
		}
	}
	m := &meter{conn: &conn{}, reused: true, n: judged, waited: time.Hour, begin: time.Now().Add(-time.Hour)}
	if fast.judge(m); !m.conn.retired.Load() {
		t.Error("a slow connection is kept")
	}
	a, b := net.Pipe()
	defer a.Close()
	defer b.Close()
	if beneath(a) != nil {
		t.Error("a connection of somebody else's is taken for ours")
	}
}
