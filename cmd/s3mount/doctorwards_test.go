package main

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/netip"
	"path/filepath"
	"testing"
	"time"

	"s3mount/s3/s3test"
)

const (
	hush  = "hush/hush+hush/hush/hush+hush/hush/hush+h"
	token = "IQoJb3JpZ2luX2VjEHsaCXVzLWVhc3QtMSJHMEUCIQ=="
)

// A ward is a broken setup.
type ward struct {
	name   string
	o      s3test.Options
	setup  func(t *testing.T, srv *s3test.Server) []string // further arguments
	source string                                          // "": s3://photos
	status string                                          // "": failed
	check  string
	finds  string
	hint   string
	works  bool // at the mount's first request, which is a LIST
}

// wards are the broken setups that doctor is for.
func wards() []ward {
	object := map[string]string{"a/b": "hello, world\n"}
	rule := func(r ...s3test.Rule) s3test.Options { return s3test.Options{Text: object, Rules: r} }
	fine := s3test.Options{Text: object}
	setenv := func(name, value string) func(*testing.T, *s3test.Server) []string {
		return func(t *testing.T, _ *s3test.Server) []string { t.Setenv(name, value); return nil }
	}
	flags := func(args ...string) func(*testing.T, *s3test.Server) []string {
		return func(*testing.T, *s3test.Server) []string { return args }
	}
	return []ward{
		{name: "nobody listens", o: fine, setup: flags("--endpoint-url", "http://127.0.0.1:1"),
			check: "connection", finds: "connection refused", hint: "nothing listens at 127.0.0.1:1"},
		{name: "a name without address", o: fine, setup: func(t *testing.T, _ *s3test.Server) []string {
			on(t, func(m *machine) { m.lookup = noAddress })
			return []string{"--endpoint-url", "http://s3.invalid"}
		}, check: "name resolution", finds: "no such host", hint: "check --endpoint-url"},
		{name: "an unknown authority", o: s3test.Options{Text: object, TLS: certified(time.Hour, "127.0.0.1")},
			check: "TLS", finds: "authority", hint: "--ca-bundle"},
		{name: "the server's clock 20 minutes ahead", o: s3test.Options{Text: object, ClockOffset: 20 * time.Minute},
			status: "warning", check: "clock", finds: "20m0s behind the server's; S3 refuses more than 15m, and a mount signs", hint: "timedatectl", works: true},
		{name: "the server's clock 20 minutes behind", o: s3test.Options{Text: object, ClockOffset: -20 * time.Minute},
			status: "warning", check: "clock", finds: "20m0s ahead of the server's; S3 refuses more than 15m, and a mount signs", hint: "timedatectl", works: true},
		{name: "another region, which the server names", o: s3test.Options{Text: object, Region: "eu-north-1"}, setup: setenv("AWS_REGION", "us-west-2"),
			status: "warning", check: "region", finds: "us-west-2, and the server says eu-north-1", hint: "--region eu-north-1", works: true},
		{name: "another region, which the server does not name", o: rule(s3test.Rule{Op: s3test.List, Action: s3test.Error(400, "AuthorizationHeaderMalformed")}),
			check: "region", finds: "AuthorizationHeaderMalformed", hint: "set --region"},
		{name: "a redirect", o: rule(s3test.Rule{Op: s3test.List, Action: s3test.Redirect(301, "http://elsewhere.invalid/", "")}),
			check: "region", finds: "PermanentRedirect", hint: "--endpoint-url"},
		{name: "another's secret", o: fine, setup: setenv("AWS_SECRET_ACCESS_KEY", hush+"x"),
			check: "LIST", finds: "SignatureDoesNotMatch", hint: "`s3mount sign --send --region us-east-1 'http://127.0.0.1:"},
		{name: "an unknown key", o: fine, setup: setenv("AWS_ACCESS_KEY_ID", "AKIANOBODY"),
			check: "LIST", finds: "InvalidAccessKeyId", hint: "AWS_ACCESS_KEY_ID"},
		{name: "no s3:ListBucket", o: s3test.Options{Text: object, DenyList: true}, source: "s3://photos/a",
			check: "LIST", finds: "AccessDenied", hint: "s3:ListBucket: `s3mount policy s3://photos/a/`"},
		{name: "no s3:GetObject", o: s3test.Options{Text: object, DenyGet: true, DenyHead: true},
			check: "HEAD", finds: "403", hint: "s3:GetObject", works: true},
		{name: "no kms:Decrypt", o: s3test.Options{Text: object, DenyGet: true},
			check: "GET", finds: "AccessDenied", hint: "kms:Decrypt", works: true},
		{name: "no such bucket", o: fine, source: "s3://fotos",
			check: "LIST", finds: "NoSuchBucket", hint: "spelling"},
		{name: "Range ignored", o: rule(s3test.Rule{Op: s3test.Get, Action: s3test.Ignore("Range")}),
			check: "ranged GET", finds: "200 in place of 206", hint: "--endpoint-url", works: true},
		{name: "another range than was asked for", o: rule(s3test.Rule{Match: func(r s3test.Request) bool { return r.Range == "bytes=6-12" }, Action: s3test.FlipBit(3)}),
			check: "ranged GET", finds: "bytes 6 to 12 are others", hint: "--endpoint-url", works: true},
		{name: "If-Match ignored", o: rule(s3test.Rule{Op: s3test.Get, Action: s3test.Ignore("If-Match")}),
			check: "If-Match", finds: "206 in place of 412", hint: "--endpoint-url", works: true},
		{name: "no s3:GetObjectVersion", o: s3test.Options{Text: object, Versioned: true, Rules: []s3test.Rule{
			{Match: func(r s3test.Request) bool { return r.VersionID != "" }, Action: s3test.Error(403, "AccessDenied")},
		}}, status: "warning", check: "ranged GET", finds: "206, Content-Range: bytes 6-12/13; reading by version id is not permitted", hint: "s3:GetObjectVersion", works: true},
		{name: "no /dev/fuse", o: fine, setup: func(t *testing.T, _ *s3test.Server) []string {
			on(t, func(m *machine) { m.fuseDevice = filepath.Join(t.TempDir(), "fuse") })
			return nil
		}, check: "/dev/fuse", finds: "there is no ", hint: "modprobe fuse", works: true},
		{name: "a mount point in use", o: fine, setup: func(*testing.T, *s3test.Server) []string { return []string{"s3://photos", "/proc"} },
			check: "mount point", finds: "proc (proc) is mounted there already", hint: "`umount /proc`", works: true},

		{name: "nobody may list without a signature", o: fine, setup: flags("--no-sign-request"),
			check: "LIST", finds: "AccessDenied", hint: "--no-sign-request"},
		{name: "half a key pair", o: fine, setup: setenv("AWS_ACCESS_KEY_ID", ""),
			check: "configuration", finds: "AWS_ACCESS_KEY_ID is not", hint: "both, or neither"},
		{name: "no such profile", o: fine, setup: flags("--profile", "nosuch"),
			check: "configuration", finds: "nosuch", hint: "--profile"},
		{name: "a password in the endpoint", o: fine, setup: setenv("AWS_ENDPOINT_URL_S3", "http://user:"+hush[5:9]+"@127.0.0.1"),
			check: "configuration", finds: "no place", hint: "credentials come from"},
		{name: "a line end in the secret", o: fine, setup: setenv("AWS_SECRET_ACCESS_KEY", hush+"\n"),
			check: "credentials", finds: "secret access key", hint: "line ends"},
		{name: "a session that has ended", o: fine, setup: func(t *testing.T, srv *s3test.Server) []string { srv.Expire(token); return nil },
			check: "LIST", finds: "ExpiredToken", hint: "AWS_SESSION_TOKEN"},
		{name: "TLS where there is none", o: fine, setup: func(_ *testing.T, srv *s3test.Server) []string {
			return []string{"--endpoint-url", "https://" + srv.Endpoint().Host}
		}, check: "TLS", finds: "tls", hint: "http://"},
		{name: "no TLS where there is", o: fine, setup: func(t *testing.T, _ *s3test.Server) []string {
			return []string{"--endpoint-url", "http://" + handshakes(t)}
		}, check: "clock", finds: "the first request: ", hint: "https://"},
		{name: "another protocol", o: fine, setup: func(t *testing.T, _ *s3test.Server) []string {
			return []string{"--endpoint-url", "http://" + greets(t, "SSH-2.0-x\r\n")}
		}, check: "clock", finds: "malformed", hint: "check --endpoint-url"},
		{name: "the bucket in the endpoint", o: rule(s3test.Rule{Op: s3test.List, Action: s3test.Error(404, "NoSuchKey")}), setup: func(_ *testing.T, srv *s3test.Server) []string {
			return []string{"--endpoint-url", srv.Endpoint().String() + "/photos"}
		}, check: "LIST", finds: "404", hint: "leave that out"},
		{name: "a page in the place of a listing", o: rule(s3test.Rule{Op: s3test.List, Action: s3test.HTML()}),
			check: "LIST", finds: "unbelievable reply", hint: "--endpoint-url"},
		{name: "a server that does not answer", o: rule(s3test.Rule{Op: s3test.List, Action: s3test.Stall(s3test.BeforeHeaders)}), setup: flags("--timeout", "300ms"),
			check: "LIST", finds: "no answer within 300ms", hint: "firewall"},
	}
}

func noAddress(_ context.Context, host string) ([]netip.Addr, error) {
	return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
}

// handshakes is the address of a server that speaks TLS and nothing else: it
// says nothing to who does not.
func handshakes(t *testing.T) string {
	config := certified(time.Hour, "127.0.0.1")
	return accepts(t, func(c net.Conn) { tls.Server(c, config).Handshake() })
}

// greets is the address of a server that speaks first.
func greets(t *testing.T, text string) string {
	return accepts(t, func(c net.Conn) {
		c.Read(make([]byte, 1))
		io.WriteString(c, text)
	})
}

// accepts serves connections, one after the other, until the test ends.
func accepts(t *testing.T, serve func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { // ends with the listener
		defer close(ended)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			serve(c)
			c.Close()
		}
	}()
	t.Cleanup(func() { l.Close(); <-ended })
	return l.Addr().String()
}
