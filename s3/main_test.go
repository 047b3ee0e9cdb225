package s3

import (
	"context"
	"errors"
	"io"
	"log"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"s3mount/s3/s3test"
	"s3mount/sigv4"
)

func TestMain(m *testing.M) {
	if how := os.Getenv(benchServer); how != "" {
		serveBench(how)
		return
	}
	log.SetOutput(io.Discard) // net/http writes there what comes behind a reply
	goleak.VerifyTestMain(m)
}

// quick is little patience, for tests in real time.
var quick = Retry{Attempts: 4, MinWait: time.Millisecond, MaxWait: 10 * time.Millisecond, Deadline: 5 * time.Second}

var somebody = sigv4.Credentials{AccessKeyID: "AKIDTEST", SecretAccessKey: "a+secret/of/no+one"}

// always gives the same credentials.
func always(c sigv4.Credentials) CredentialsFunc {
	return func(context.Context, sigv4.Credentials) (sigv4.Credentials, error) { return c, nil }
}

// open gives a bucket of a server of this test.
func open(t testing.TB, srv *s3test.Server, edits ...func(*Options)) *Bucket {
	t.Helper()
	o := Options{
		Name: srv.Bucket(), Region: srv.Region(), Endpoint: srv.Endpoint(),
		Credentials: always(srv.Credentials()),
		Retry:       quick, IdleTimeout: 10 * time.Second,
		HedgeAfter: -1, // requests are counted, and a busy machine is slow enough for one more
	}
	for _, edit := range edits {
		edit(&o)
	}
	b, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.CloseIdleConnections)
	return b
}

// A script is a transport without a network: it answers with the nth of the
// functions, and with the last one ever after. It remembers the requests.
type script struct {
	answers []func(*http.Request) (*http.Response, error)

	mu   sync.Mutex // guards all below
	reqs []*http.Request
	at   []time.Time
}

func (s *script) RoundTrip(r *http.Request) (*http.Response, error) {
	s.mu.Lock()
	n := len(s.reqs)
	s.reqs, s.at = append(s.reqs, r), append(s.at, time.Now())
	s.mu.Unlock()
	return s.answers[min(n, len(s.answers)-1)](r)
}

func (s *script) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.reqs)
}

type answerFunc = func(*http.Request) (*http.Response, error)

// says answers with a status, a body and headers of the form "Name: value".
func says(status int, body string, headers ...string) answerFunc {
	return func(r *http.Request) (*http.Response, error) {
		h := http.Header{}
		for _, line := range headers {
			name, value, _ := strings.Cut(line, ": ")
			h.Add(name, value)
		}
		length := int64(len(body))
		if s := h.Get("Content-Length"); s != "" {
			length, _ = strconv.ParseInt(s, 10, 64)
		}
		return &http.Response{StatusCode: status, Header: h, ContentLength: length,
			Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
	}
}

// fails is a network that does not work.
func fails(err error) answerFunc {
	return func(*http.Request) (*http.Response, error) { return nil, err }
}

// silence is a server that never answers.
func silence(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

// times is n answers of one kind.
func times(n int, f answerFunc) []answerFunc {
	var all []answerFunc
	for range n {
		all = append(all, f)
	}
	return all
}

const emptyList = `<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>`

var listed = says(200, emptyList)

// refusal is the XML of an error.
func refusal(code string, more ...string) string {
	return "<Error><Code>" + code + "</Code><Message>words</Message>" + strings.Join(more, "") + "</Error>"
}

// scripted gives a bucket behind a script.
func scripted(t testing.TB, s *script, edits ...func(*Options)) *Bucket {
	t.Helper()
	o := Options{Name: "bucket", Endpoint: &url.URL{Scheme: "http", Host: "127.0.0.1:9"},
		Credentials: always(somebody), Transport: s}
	for _, edit := range edits {
		edit(&o)
	}
	b, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// list lists all that there is.
func list(ctx context.Context, b *Bucket, o ListOptions) ([]Entry, error) {
	var all []Entry
	for e, err := range b.List(ctx, o) {
		if err != nil {
			return all, err
		}
		all = append(all, e)
	}
	return all, nil
}

// asError is the *Error that every error has to be.
func asError(t testing.TB, err error) *Error {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("error %v (%T); want an *Error", err, err)
	}
	return e
}

// free says that no request holds a connection slot.
func free(t testing.TB, b *Bucket) {
	t.Helper()
	if _, busy := b.limit.now(); busy != 0 {
		t.Errorf("%d connection slots are still taken", busy)
	}
}

// object is what a client knows of a key of the server.
func object(t testing.TB, srv *s3test.Server, key string) Object {
	t.Helper()
	o, ok := srv.Object(key)
	if !ok {
		t.Fatalf("the server has no %q", key)
	}
	return Object{Key: key, ETag: versionTag(o.ETag, o.LastModified), Size: o.Size}
}

// readAll reads a body to its end and closes it.
func readAll(b *Body) ([]byte, error) {
	defer b.Close()
	return io.ReadAll(b)
}
