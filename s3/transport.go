package s3

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/http"
	"time"
)

// idleConnTimeout is shorter than the patience of servers: a request that
// meets the end of its connection has to be sent again. S3 closes after 5 to 20
// seconds without a request, as its users have measured.
// https://github.com/aws/aws-sdk-kotlin/issues/1214
const idleConnTimeout = 4 * time.Second

// TransportOptions say how connections are made.
type TransportOptions struct {
	CABundle []byte // PEM certificates to trust beside the system's
}

// NewTransport gives the transport that a bucket uses: HTTP/1.1 (one slow
// stream then never holds up the others) over connections to all addresses of
// the host, no compression of its own (lengths must stay those of the object),
// proxies as the environment says, TLS 1.2 or later, certificates always
// checked.
func NewTransport(opts TransportOptions) (*http.Transport, error) {
	roots, err := trusted(opts.CABundle)
	if err != nil {
		return nil, err
	}
	return transportOf(newDialer(), roots), nil
}

func transportOf(d *dialer, roots *x509.CertPool) *http.Transport {
	return &http.Transport{
		Proxy:       http.ProxyFromEnvironment,
		DialContext: d.DialContext,
		TLSClientConfig: &tls.Config{
			MinVersion: tls.VersionTLS12, RootCAs: roots, NextProtos: []string{"http/1.1"},
			ClientSessionCache: tls.NewLRUClientSessionCache(0), // a connection more costs one round trip less
		},
		TLSHandshakeTimeout:    10 * time.Second,
		TLSNextProto:           map[string]func(string, *tls.Conn) http.RoundTripper{}, // no HTTP/2
		DisableCompression:     true,
		MaxIdleConnsPerHost:    256,
		IdleConnTimeout:        idleConnTimeout,
		ReadBufferSize:         32 << 10, // head and small body in one read; larger reads bypass it
		WriteBufferSize:        4 << 10,
		MaxResponseHeaderBytes: 256 << 10,
	}
}

// trusted is nil, for the system's roots, or these with the bundle's.
func trusted(pem []byte) (*x509.CertPool, error) {
	if len(pem) == 0 {
		return nil, nil
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	if !pool.AppendCertsFromPEM(pem) {
		return nil, errors.New("s3: the CA bundle holds no PEM certificate")
	}
	return pool, nil
}
