package main

import (
	"context"
	"net"
	"net/netip"
	"os"
	"os/exec"
)

// A machine is what doctor looks at beside the bucket. Tests have others.
type machine struct {
	lookup   func(ctx context.Context, host string) ([]netip.Addr, error)
	dial     func(ctx context.Context, network, addr string) (net.Conn, error)
	uid      func() int
	lookPath func(file string) (string, error)

	fuseDevice, fuseConf, status string // files
}

var thisMachine = machine{
	lookup: func(ctx context.Context, host string) ([]netip.Addr, error) {
		return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	},
	dial:       new(net.Dialer).DialContext,
	uid:        os.Geteuid,
	lookPath:   exec.LookPath,
	fuseDevice: "/dev/fuse",
	fuseConf:   "/etc/fuse.conf",
	status:     "/proc/self/status",
}
