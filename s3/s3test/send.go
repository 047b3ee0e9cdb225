package s3test

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"strconv"
	"sync"
	"time"
)

var buffers = sync.Pool{New: func() any { return new([chunk]byte) }}

// send sends an answer as the plan has it. net/http does the framing unless the
// plan is something that it would not do.
func (x *exchange) send(a *answer) {
	x.finish(a)
	if x.plan.needsConn(a) {
		x.sendByHand(a)
		return
	}
	h := x.w.Header()
	for name, values := range a.header {
		h[name] = values
	}
	if a.status != http.StatusNotModified {
		h.Set("Content-Length", strconv.FormatInt(a.n, 10))
	}
	x.sent(func(e *Request) { e.Status = a.status })
	x.w.WriteHeader(a.status)
	if x.bodyless(a) {
		return
	}
	flush := http.NewResponseController(x.w).Flush
	if err := x.body(x.w, flush, a, a.n); err != nil {
		panic(http.ErrAbortHandler) // or net/http would say the rest is there
	}
}

func (x *exchange) bodyless(a *answer) bool {
	return x.r.Method == http.MethodHead || a.status == http.StatusNotModified
}

func (x *exchange) sent(f func(*Request)) { x.s.log.update(x.entry, f) }

var errGone = errors.New("the client or the server has gone")

// body writes the first n bytes of the answer's body, at the pace and with the
// stops that are due.
func (x *exchange) body(w io.Writer, flush func() error, a *answer, n int64) error {
	buf := buffers.Get().(*[chunk]byte)
	defer buffers.Put(buf)
	p := x.plan
	held := false
	for pos := int64(0); ; {
		if pos == p.holdAt && !held {
			held = true
			if flush() != nil || !await(x.ctx, x.s.closing, p.hold) {
				return errGone
			}
		}
		if pos == n {
			return nil
		}
		rate := x.s.rate.Load()
		end := min(n, pos+stepAt(rate))
		for _, stop := range []int64{p.holdAt, p.dripAt} {
			if stop > pos {
				end = min(end, stop)
			}
		}
		if p.dripAt >= 0 && pos >= p.dripAt {
			end = pos + 1
			if flush() != nil || !x.s.pause(x.ctx, p.drip) {
				return errGone
			}
		}
		b := buf[:end-pos]
		if rate > 0 && !x.s.pause(x.ctx, x.conn.pace.book(len(b), rate, time.Now())) {
			return errGone
		}
		a.src.at(b, a.off+pos)
		// Counted before it is written, so that a client that has it all finds
		// it counted.
		x.sent(func(e *Request) { e.Bytes += int64(len(b)) })
		wrote, err := w.Write(b)
		if err != nil {
			x.sent(func(e *Request) { e.Bytes -= int64(len(b) - wrote) })
			return err
		}
		pos = end
	}
}

// sendByHand sends an answer that net/http would refuse to, and ends the
// connection.
func (x *exchange) sendByHand(a *answer) {
	x.onConn(func(c net.Conn) {
		p := x.plan
		w := bufio.NewWriter(c)
		fmt.Fprintf(w, "HTTP/1.1 %d %s\r\n", a.status, http.StatusText(a.status))
		if _, set := a.header["Content-Length"]; !set && p.framing == framedByLength {
			a.header.Set("Content-Length", strconv.FormatInt(a.n, 10))
		}
		if p.framing == framedInChunks {
			a.header.Set("Transfer-Encoding", "chunked")
		}
		if p.end == endsWell && p.surplus == 0 || p.framing == framedByClose {
			a.header.Set("Connection", "close")
		}
		for name, values := range a.header {
			for _, v := range values {
				fmt.Fprintf(w, "%s: %s\r\n", name, v)
			}
		}
		w.WriteString("\r\n")
		x.sent(func(e *Request) { e.Status = a.status })
		if x.bodyless(a) {
			w.Flush()
			return
		}
		n := p.limit(a.n)
		if p.end == endsWell {
			n += p.surplus
		}
		if p.framing != framedInChunks {
			if x.body(w, w.Flush, a, n) == nil {
				w.Flush()
			}
			return
		}
		chunks := httputil.NewChunkedWriter(w)
		if x.body(chunks, w.Flush, a, n) != nil {
			return
		}
		if p.end == endsWell {
			chunks.Close()
			w.WriteString("\r\n")
		}
		w.Flush()
	})
}

// sendRaw sends s and ends the connection.
func (x *exchange) sendRaw(s string) {
	x.onConn(func(c net.Conn) { io.WriteString(c, s) })
}

// onConn calls f with the connection, taken from net/http, and ends it in the
// way that is planned. x.ctx ends when the client closes it.
func (x *exchange) onConn(f func(net.Conn)) {
	c, _, err := http.NewResponseController(x.w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if !x.s.adopt(c) {
		return
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(x.ctx))
	x.ctx = ctx
	gone := make(chan struct{})
	go func() { // ends when the connection does, below or in Server.Close
		defer close(gone)
		io.Copy(io.Discard, c)
		cancel()
	}()
	f(c)
	if x.plan.end == endsWithReset {
		plain := c
		if t, ok := c.(*tls.Conn); ok {
			plain = t.NetConn()
		}
		if tcp, ok := plain.(*net.TCPConn); ok {
			x.drain(tcp)
			tcp.SetLinger(0)
		}
		plain.Close() // not through TLS, which would say goodbye
	} else {
		c.Close()
	}
	<-gone
	cancel()
	x.s.mu.Lock()
	delete(x.s.hijacked, c)
	x.s.mu.Unlock()
}

// adopt has Close end a connection that is not net/http's any more. It is false
// if Close has come first.
func (s *Server) adopt(c net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-s.closing:
		c.Close()
		return false
	default:
		s.hijacked[c] = struct{}{}
		return true
	}
}
