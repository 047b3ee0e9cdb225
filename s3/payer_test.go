package s3

import (
	"errors"
	"fmt"
	iofs "io/fs"
	"net/http"
	"strings"
	"sync"
	"testing"

	"s3mount/s3/s3test"
)

// A watch looks at every request before it is sent.
type watch struct {
	http.RoundTripper
	mu  sync.Mutex // guards all
	all []*http.Request
}

func (w *watch) RoundTrip(r *http.Request) (*http.Response, error) {
	w.mu.Lock()
	w.all = append(w.all, r)
	w.mu.Unlock()
	return w.RoundTripper.RoundTrip(r)
}

// Every request says who pays, signed, whatever it asks for and however often.
// Without the option none does, and the bucket refuses all of them.
func TestEveryRequestSaysWhoPays(t *testing.T) {
	objects := map[string]s3test.Object{"big": {Size: size}}
	for i := range 5000 {
		objects[fmt.Sprintf("d/%05d", i)] = s3test.Object{Size: 1}
	}
	srv := s3test.New(t, s3test.Options{Objects: objects, Versioned: true, RequesterPays: true})
	for _, pays := range []bool{true, false} {
		w := &watch{RoundTripper: &http.Transport{DisableCompression: true}}
		b := open(t, srv, func(o *Options) { o.RequestPayer, o.Transport = pays, w })
		t.Cleanup(w.RoundTripper.(*http.Transport).CloseIdleConnections)
		o := object(t, srv, "big")
		did := func(what string, err error) {
			t.Helper()
			if pays && err != nil || !pays && !errors.Is(err, iofs.ErrPermission) {
				t.Errorf("%s, paying is %v: %v", what, pays, err)
			}
		}
		_, err := b.Probe(t.Context(), "")
		did("probe", err)
		all, err := list(t.Context(), b, ListOptions{}) // at several places at once
		did("list", err)
		if pays && len(all) != len(objects) {
			t.Errorf("%d entries", len(all))
		}
		_, err = list(t.Context(), b, ListOptions{Delimiter: "/", Parallel: 1})
		did("list a directory", err)
		o, err = b.Head(t.Context(), "big")
		did("head", err)
		o = object(t, srv, "big")
		_, err = b.Attributes(t.Context(), o)
		did("attributes", err)
		did("get", fetch(t, b, o, 0, block))
		o.VersionID = "v000000000000001"
		did("get of a version", fetch(t, b, o, 0, block))
		if err := b.Greet(t.Context(), "d/"); err != nil { // a refusal is a greeting
			t.Error(err)
		}
		if pays {
			srv.AddRule(s3test.Rule{Op: s3test.Get, Times: 1, Action: s3test.Close(block)}, s3test.Rule{Op: s3test.Head, Times: 2, Action: s3test.Error(500, "InternalError")})
			did("get that breaks", fetch(t, b, o, 0, 3*block))
			_, err = b.Head(t.Context(), "big")
			did("head again and again", err)
		}
		w.mu.Lock()
		for _, r := range w.all {
			said := r.Header.Get("X-Amz-Request-Payer") == "requester"
			signed := strings.Contains(r.Header.Get("Authorization"), "x-amz-request-payer")
			if said != pays || signed != pays {
				t.Errorf("paying is %v: %s %s says %v, signed %v", pays, r.Method, r.URL, said, signed)
			}
		}
		w.mu.Unlock()
	}
}
