package s3test

import (
	"net"
	"time"

	"golang.org/x/sys/unix"
)

// drain waits until the client's host has all that was written: a reset throws
// away what has not been sent, and a test could not say what the client saw.
func (x *exchange) drain(c *net.TCPConn) {
	raw, err := c.SyscallConn()
	if err != nil {
		return
	}
	for {
		left := 0
		raw.Control(func(fd uintptr) { left, _ = unix.IoctlGetInt(int(fd), unix.TIOCOUTQ) })
		if left == 0 || !x.s.pause(x.ctx, time.Millisecond) {
			return
		}
	}
}
