package s3

import (
	"errors"
	"net"
	"sync"
	"sync/atomic"
)

// errRetired: the connection takes no more requests. net/http sends a request
// on another connection when nothing of it has been written.
var errRetired = errors.New("s3: the connection was given up for being slow")

// A conn is a connection of a dialer. It has no buffer: net/http reads a body
// from the socket to its place, and crypto/tls some 30 KB at once by itself (Go
// 1.26); more at once, by a copy, has cost as much as it saved.
type conn struct {
	net.Conn
	closed  func() // called once
	once    sync.Once
	retired atomic.Bool
}

// retire has the connection take no more requests. What is under way on it goes
// on.
func (c *conn) retire() { c.retired.Store(true) }

func (c *conn) Write(p []byte) (int, error) {
	if c.retired.Load() {
		return 0, errRetired
	}
	return c.Conn.Write(p)
}

func (c *conn) Close() error {
	c.once.Do(c.closed)
	return c.Conn.Close()
}
