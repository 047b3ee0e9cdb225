package s3test_test

import (
	"encoding/xml"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"s3mount/s3/s3test"
	"s3mount/sigv4"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A client is net/http with a signature: it knows nothing of S3 and hides
// nothing of what the server does.
type client struct {
	*s3test.Server
	http   *http.Client
	signer sigv4.Signer
}

func newClient(t testing.TB, o s3test.Options) *client {
	t.Helper()
	return clientOf(t, s3test.New(t, o))
}

func clientOf(t testing.TB, s *s3test.Server) *client {
	transport := &http.Transport{DialContext: s.DialContext, DisableCompression: true}
	t.Cleanup(transport.CloseIdleConnections)
	return &client{Server: s, http: &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// request is signed. The target is what follows the endpoint; headers have the
// form "Name: value".
func (c *client) request(t testing.TB, method, target string, headers ...string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, c.Endpoint().String()+target, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Add(name, value)
		if name == "Host" {
			r.Host = value
		}
	}
	c.sign(t, r)
	return r
}

func (c *client) sign(t testing.TB, r *http.Request) {
	t.Helper()
	scope := sigv4.Scope{Region: c.Region(), Service: "s3"}
	if _, err := c.signer.Sign(r, c.Credentials(), scope, sigv4.EmptyPayload, time.Now()); err != nil {
		t.Fatal(err)
	}
}

// A reply is an answer that was read as far as it could be.
type reply struct {
	*http.Response
	body string
	err  error // of the request or of the body
}

func (c *client) do(t testing.TB, method, target string, headers ...string) reply {
	t.Helper()
	return c.send(c.request(t, method, target, headers...))
}

func (c *client) send(r *http.Request) reply {
	resp, err := c.http.Do(r)
	if err != nil {
		return reply{Response: &http.Response{Header: http.Header{}}, err: err}
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return reply{resp, string(body), err}
}

// get reads an object whose key needs no escaping.
func (c *client) get(t testing.TB, key string, headers ...string) reply {
	t.Helper()
	return c.do(t, "GET", "/bucket/"+key, headers...)
}

// code is that of an error's XML.
func (r reply) code(t testing.TB) string {
	t.Helper()
	var e struct {
		XMLName         xml.Name `xml:"Error"`
		Code, RequestId string
	}
	if err := xml.Unmarshal([]byte(r.body), &e); err != nil {
		t.Fatalf("status %d, body %q: %v", r.StatusCode, r.body, err)
	}
	if e.RequestId != r.Header.Get("X-Amz-Request-Id") || e.RequestId == "" {
		t.Errorf("request id %q in the XML, %q in the header", e.RequestId, r.Header.Get("X-Amz-Request-Id"))
	}
	return e.Code
}

func want[T comparable](t testing.TB, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}
