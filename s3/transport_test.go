package s3

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"s3mount/s3/s3test"
)

// certificate is self-signed, for hosts (which may be addresses), until then.
func certificate(t *testing.T, until time.Time, host string) (tls.Certificate, []byte) {
	t.Helper()
	cert, bundle, err := selfSigned(until, host)
	if err != nil {
		t.Fatal(err)
	}
	return cert, bundle
}

func selfSigned(until time.Time, host string) (tls.Certificate, []byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, nil, err
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: host},
		NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: until, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign}
	if ip := net.ParseIP(host); ip != nil {
		c.IPAddresses = []net.IP{ip}
	} else {
		c.DNSNames = []string{host}
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	if err != nil {
		return tls.Certificate{}, nil, err
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key},
		pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), nil
}

func TestABadCertificateIsFinalAndGetsNoRequest(t *testing.T) {
	good, goodPEM := certificate(t, time.Now().Add(time.Hour), "127.0.0.1")
	expired, expiredPEM := certificate(t, time.Now().Add(-time.Hour), "127.0.0.1")
	elsewhere, elsewherePEM := certificate(t, time.Now().Add(time.Hour), "other.example")
	tests := []struct {
		name   string
		config *tls.Config // nil: plain HTTP
		bundle []byte
		ok     bool
	}{
		{"trusted", &tls.Config{Certificates: []tls.Certificate{good}}, goodPEM, true},
		{"of nobody known", &tls.Config{Certificates: []tls.Certificate{good}}, nil, false},
		{"expired", &tls.Config{Certificates: []tls.Certificate{expired}}, expiredPEM, false},
		{"of another host", &tls.Config{Certificates: []tls.Certificate{elsewhere}}, elsewherePEM, false},
		{"no TLS at all", nil, nil, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			srv := s3test.New(t, s3test.Options{TLS: tt.config, Text: map[string]string{"k": "v"}, Logf: func(string, ...any) {}})
			rt, err := NewTransport(TransportOptions{CABundle: tt.bundle})
			if err != nil {
				t.Fatal(err)
			}
			b := open(t, srv, func(o *Options) {
				o.Transport = rt
				o.Endpoint = &url.URL{Scheme: "https", Host: srv.Endpoint().Host}
			})
			_, err = b.Head(t.Context(), "k")
			if tt.ok {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if e := asError(t, err); e.Attempts != 1 || e.Status != 0 || srv.Count("") != 0 {
				t.Errorf("%d requests arrived; %v; want none and one attempt", srv.Count(""), err)
			}
		})
	}
}

func TestOldTLSIsNotSpoken(t *testing.T) {
	cert, bundle := certificate(t, time.Now().Add(time.Hour), "127.0.0.1")
	srv := s3test.New(t, s3test.Options{Logf: func(string, ...any) {},
		TLS: &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}})
	rt, err := NewTransport(TransportOptions{CABundle: bundle})
	if err != nil {
		t.Fatal(err)
	}
	b := open(t, srv, func(o *Options) { o.Transport = rt })
	if _, err := b.Head(t.Context(), "k"); asError(t, err).Status != 0 || srv.Count("") != 0 {
		t.Errorf("%d requests arrived; %v", srv.Count(""), err)
	}
}

// A raw is a server that answers each request with the same bytes, or does what
// it likes with the connection.
func raw(t *testing.T, serve func(n int64, c net.Conn, r *http.Request)) (*url.URL, *atomic.Int64) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	requests := new(atomic.Int64)
	done := make(chan struct{})
	go func() { // ends when the listener is closed
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			r := bufio.NewReader(c)
			for {
				req, err := http.ReadRequest(r)
				if err != nil {
					break
				}
				serve(requests.Add(1), c, req)
			}
			c.Close()
		}
	}()
	t.Cleanup(func() { l.Close(); <-done })
	return &url.URL{Scheme: "http", Host: l.Addr().String()}, requests
}

func TestOddHeads(t *testing.T) {
	const good = "Content-Length: 5\r\nEtag: \"e\"\r\n"
	tests := []struct {
		name   string
		answer string // to a HEAD
		ok     bool
	}{
		{"as usual", "HTTP/1.1 200 OK\r\n" + good + "\r\n", true},
		{"HTTP/1.0", "HTTP/1.0 200 OK\r\n" + good + "\r\n", true},
		{"103 first", "HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\nHTTP/1.1 200 OK\r\n" + good + "\r\n", true},
		{"100 for ever", strings.Repeat("HTTP/1.1 100 Continue\r\n\r\n", 100_000), false},
		{"a header of a megabyte", "HTTP/1.1 200 OK\r\n" + good + "X: " + strings.Repeat("x", 1<<20) + "\r\n\r\n", false},
		{"ten thousand headers", "HTTP/1.1 200 OK\r\n" + good + strings.Repeat("X-Very-Long-Name: and a long value\r\n", 10_000) + "\r\n", false},
		{"NUL in a header", "HTTP/1.1 200 OK\r\n" + good + "X: a\x00b\r\n\r\n", false},
		{"a negative length", "HTTP/1.1 200 OK\r\nContent-Length: -5\r\nEtag: \"e\"\r\n\r\n", false},
		{"two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n", false},
		{"a length beyond counting", "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n", false},
		{"no length", "HTTP/1.1 200 OK\r\nEtag: \"e\"\r\n\r\n", false},
		{"not HTTP", "SSH-2.0-OpenSSH_9\r\n", false},
		{"nothing", "", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			where, n := raw(t, func(_ int64, c net.Conn, _ *http.Request) { io.WriteString(c, tt.answer); c.Close() })
			b, err := New(Options{Name: "b", Endpoint: where, Retry: quick, IdleTimeout: 200 * time.Millisecond})
			if err != nil {
				t.Fatal(err)
			}
			defer b.CloseIdleConnections()
			o, err := b.Head(t.Context(), "k")
			switch {
			case tt.ok && (err != nil || o.Size != 5 || o.ETag != "e"):
				t.Errorf("%+v, %v", o, err)
			case !tt.ok && (err == nil || asError(t, err).Attempts != quick.Attempts):
				t.Errorf("%+v, %v after %d requests; want an error after %d", o, err, n.Load(), quick.Attempts)
			}
			free(t, b)
		})
	}
}

// A server may close a connection just when the next request is on its way.
func TestAConnectionClosedBetweenRequestsIsNotNoticed(t *testing.T) {
	where, _ := raw(t, func(_ int64, c net.Conn, _ *http.Request) {
		io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nEtag: \"e\"\r\n\r\n")
		c.Close() // without a word of it
	})
	b, err := New(Options{Name: "b", Endpoint: where, Retry: quick})
	if err != nil {
		t.Fatal(err)
	}
	defer b.CloseIdleConnections()
	for i := range 50 {
		if _, err := b.Head(t.Context(), "k"); err != nil {
			t.Fatalf("request %d: %v", i, err)
		}
	}
}

func TestNobodyThere(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close() // refuses now
	for _, host := range []string{l.Addr().String(), "no-such-host.invalid"} {
		b, err := New(Options{Name: "b", PathStyle: true, Endpoint: &url.URL{Scheme: "http", Host: host}, Retry: quick})
		if err != nil {
			t.Fatal(err)
		}
		_, headErr := b.Head(t.Context(), "k")
		_, listErr := list(t.Context(), b, ListOptions{})
		_, getErr := b.OpenRange(t.Context(), Object{Key: "k", ETag: "e", Size: 1}, 0, 1)
		for _, err := range []error{headErr, listErr, getErr} {
			if e := asError(t, err); e.Status != 0 || e.Attempts != quick.Attempts {
				t.Errorf("%s: %v; want no answer in %d attempts", host, err, quick.Attempts)
			}
		}
	}
}

// S3 sends its refusals in chunks; those of a proxy are not XML to their end.
func TestARefusalDoesNotCostTheConnection(t *testing.T) {
	for name, body := range map[string]string{
		"S3's":    refusal("AccessDenied"),
		"a page":  "<html><hr></html>" + strings.Repeat("<p>No!</p>\n", 2000),
		"nothing": "",
	} {
		srv := s3test.New(t, s3test.Options{Text: map[string]string{"k": "v"}})
		srv.AddRule(s3test.Rule{Op: s3test.List, Action: s3test.Func(func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusForbidden)
			io.WriteString(w, body)
			http.NewResponseController(w).Flush()
		})})
		b := open(t, srv)
		for range 5 {
			if _, err := list(t.Context(), b, ListOptions{}); asError(t, err).Status != 403 {
				t.Error(err)
			}
			if _, err := b.Head(t.Context(), "k"); err != nil {
				t.Error(err)
			}
		}
		if n := srv.Conns(); n != 1 {
			t.Errorf("%s: %d connections, want 1", name, n)
		}
	}
}
