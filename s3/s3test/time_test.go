package s3test_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"s3mount/s3/s3test"
)

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

func (l *pipeListener) dial(context.Context, string, string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	l.conns <- theirs
	return ours, nil
}

// All waiting is exact by the bubble's clock.
func TestTimes(t *testing.T) {
	tests := []struct {
		name    string
		options s3test.Options
		rule    s3test.Rule
		method  string
		target  string
		headers time.Duration // until they arrive
		body    time.Duration // from then on
	}{
		{name: "GET", options: s3test.Options{Latency: s3test.Latency{Get: 30 * time.Millisecond}}, method: "GET", target: "/bucket/k", headers: 30 * time.Millisecond},
		{name: "HEAD", options: s3test.Options{Latency: s3test.Latency{Head: 20 * time.Millisecond}}, method: "HEAD", target: "/bucket/k", headers: 20 * time.Millisecond},
		{name: "LIST", options: s3test.Options{Latency: s3test.Latency{List: 50 * time.Millisecond}}, method: "GET", target: "/bucket?list-type=2", headers: 50 * time.Millisecond},
		{name: "not LIST", options: s3test.Options{Latency: s3test.Latency{List: 50 * time.Millisecond}}, method: "GET", target: "/bucket/k"},
		{name: "delay", rule: s3test.Rule{Action: s3test.Delay(time.Hour)}, method: "GET", target: "/bucket/k", headers: time.Hour},
		{name: "rate", options: s3test.Options{BytesPerSecond: size / 4}, method: "GET", target: "/bucket/k", body: 4 * time.Second},
		{name: "low rate", options: s3test.Options{BytesPerSecond: size / 64}, method: "GET", target: "/bucket/k", body: 64 * time.Second},
		{name: "drip", rule: s3test.Rule{Action: s3test.Drip(size-100, time.Second)}, method: "GET", target: "/bucket/k", body: 100 * time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := &pipeListener{conns: make(chan net.Conn), closed: make(chan struct{})}
				tt.options.Listener = l
				tt.options.Objects = map[string]s3test.Object{"k": {Size: size}}
				tt.options.Rules = []s3test.Rule{tt.rule}
				c := newClient(t, tt.options)
				c.http.Transport = &http.Transport{DialContext: l.dial}
				defer c.http.CloseIdleConnections()
				start := time.Now()
				resp, err := c.http.Do(c.request(t, tt.method, tt.target))
				if err != nil {
					t.Fatal(err)
				}
				headers := time.Now()
				n, err := io.Copy(io.Discard, resp.Body)
				if err != nil {
					t.Fatal(err)
				}
				// A body that is paced begins with the first step, not with the headers.
				total := time.Since(start)
				if got := headers.Sub(start); tt.body == 0 && got != tt.headers {
					t.Errorf("headers after %v, want %v", got, tt.headers)
				}
				if d := total - tt.headers - tt.body; d < -time.Millisecond || d > time.Millisecond {
					t.Errorf("%d bytes after %v, want %v", n, total, tt.headers+tt.body)
				}
				resp.Body.Close()
			})
		})
	}
}
