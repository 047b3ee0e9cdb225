//go:build !race

// The race detector makes sync.Pool forget at random, which is no cost of ours.

package s3

import (
	"bytes"
	"io"
	"net/http"
	"testing"
)

// What a GET costs beside net/http, exactly. A change here is a decision.
func TestAllocationsOfAGet(t *testing.T) {
	const n = 16 << 10
	text, p := make([]byte, n), make([]byte, n)
	head := http.Header{"Etag": {`"e"`}, "Content-Range": {span{0, n}.contentRange(n)}}
	var resp http.Response
	var reader bytes.Reader
	body := io.NopCloser(&reader)
	b := scripted(t, &script{}, func(o *Options) {
		o.Transport = transportFunc(func(r *http.Request) (*http.Response, error) {
			reader.Reset(text)
			resp = http.Response{StatusCode: 206, Header: head, ContentLength: n, Body: body, Request: r}
			return &resp, nil
		})
	})
	o := Object{Key: "k", ETag: "e", Size: n}
	get := func() {
		body, err := b.OpenRange(t.Context(), o, 0, n)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(body, p); err != nil {
			t.Error(err)
		}
		body.Close()
	}
	for range 2 * hedgeEvidence {
		get()
	}
	got := testing.AllocsPerRun(200, get)
	// Body, range, condition, what is accepted; the error that may become of it;
	// context and timer; address, header and request; reply; five to sign;
	// four to be able to send it again.
	if want := 28.0; got != want {
		t.Errorf("a GET allocates %v times, want %v", got, want)
	}
}
