package fs

import (
	"net/http"
	"net/url"
	"sync"
	"syscall"
	"testing"
	"time"

	"s3mount/s3"
	"s3mount/s3/s3test"
)

// lookErrno looks a name up as the kernel sees it.
func (r *rig) lookErrno(prefix, name string) syscall.Errno {
	_, _, err := r.lookup(prefix, name)
	return errno(err)
}

func TestLookupThatIsRefused(t *testing.T) {
	const none, denied = syscall.Errno(0), syscall.EACCES
	for _, tt := range []struct {
		name             string
		denyList         bool
		denyHead         bool
		file, dir, empty syscall.Errno // of a file, a directory, nothing
	}{
		{"nothing", false, false, none, none, syscall.ENOENT},
		{"LIST", true, false, none, denied, denied}, // a missing key is 403 to who may not list, and may be a directory
		{"HEAD", false, true, none, none, syscall.ENOENT},
		{"both", true, true, denied, denied, denied},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := text("d/f", "d/sub/x")
			o.DenyList, o.DenyHead = tt.denyList, tt.denyHead
			r := newRig(t, o)
			equal(t, "file", r.lookErrno("d/", "f"), tt.file)
			equal(t, "directory", r.lookErrno("d/", "sub"), tt.dir)
			equal(t, "nothing", r.lookErrno("d/", "none"), tt.empty)
			// What was refused is not remembered as missing.
			r.Deny(s3test.List, false)
			r.Deny(s3test.Head, false)
			equal(t, "file, when permitted", r.look(t, "d/", "f"), "f")
			equal(t, "directory, when permitted", r.look(t, "d/", "sub"), "sub/")
		})
	}
}

// Where HEAD is refused and LIST is not, the listing has the name and its size.
func TestFileFoundByListing(t *testing.T) {
	o := text("d/f", "d/f2", "d/full")
	o.DenyHead = true
	r := newRig(t, o)
	e, _, err := r.lookup("d/", "f")
	if err != nil || e.size != int64(len("bytes of d/f")) || e.tag == "" || e.mtime == 0 {
		t.Errorf("found %+v, %v", e, err)
	}
	r.asked(t, "HEAD d/f", "LIST d/f/ flat", "LIST d/f flat max=100")
	equal(t, "nothing", r.look(t, "d/", "f1"), "-")
	equal(t, "the start of a name", r.look(t, "d/", "fu"), "-")
	r.ResetLog()

	// That listing may fail, too: then nobody knows.
	r.AddRule(s3test.Rule{Op: s3test.List, Key: "d/g", Action: s3test.Error(503, "SlowDown")})
	equal(t, "when the second LIST fails", r.lookErrno("d/", "g"), syscall.EIO)
}

// A 404 for the object and a 403 for what may be below it do not make it absent.
func TestNotFoundAndNotListed(t *testing.T) {
	r := newRig(t, text("d/f"))
	r.AddRule(s3test.Rule{Op: s3test.List, Key: "d/x/", Action: s3test.Error(403, "AccessDenied")})
	equal(t, "lookup", r.lookErrno("d/", "x"), syscall.EACCES)
	r.ClearRules()
	equal(t, "lookup when it may be listed", r.lookErrno("d/", "x"), syscall.ENOENT)
}

// Where LIST is refused for a directory the one above tells that it is one, and
// the files in it open. What it does not tell of is not missing for that.
func TestDirectoryThatMayNotBeListed(t *testing.T) {
	for _, unsorted := range []bool{false, true} {
		for _, head := range []bool{false, true} { // refused
			o := text("d/secret/k", "d/secret-x", "d/secret.x/y", "d/a", "d/z")
			o.Unsorted = unsorted
			denied := s3test.Error(403, "AccessDenied")
			o.Rules = []s3test.Rule{{Op: s3test.List, Prefix: "d/secret/", Action: denied}, {Op: s3test.List, Key: "d/none/", Action: denied}}
			if head {
				o.Rules = append(o.Rules, s3test.Rule{Op: s3test.Head, Key: "d/secret", Action: denied})
			}
			r := newRig(t, o)
			equal(t, "the directory", r.look(t, "d/", "secret"), "secret/")
			r.asked(t, "HEAD d/secret", "LIST d/secret/ flat", "LIST d/secret/", "LIST d/ after=d/secret.\U0010ffff max=100")
			equal(t, "a file in it", r.look(t, "d/secret/", "k"), "k")
			_, err := r.list(t, "d/secret/")
			equal(t, "listing it", errno(err), syscall.EACCES)
			equal(t, "no file in it", r.lookErrno("d/secret/", "none"), syscall.EACCES)
			equal(t, "not told of", r.lookErrno("d/", "none"), syscall.EACCES)
		}
	}
}

// Trouble is EIO, never ENOENT, and nothing is remembered of it.
func TestLookupWithAServerInTrouble(t *testing.T) {
	for name, rule := range map[string]s3test.Rule{
		"503 for everything": {Action: s3test.Error(503, "SlowDown")},
		"503 for LIST":       {Op: s3test.List, Action: s3test.Error(503, "SlowDown")},
		"503 for HEAD":       {Op: s3test.Head, Action: s3test.Error(503, "SlowDown")},
		"no such bucket":     {Action: s3test.Error(404, "NoSuchBucket")},
		"an error in a 200":  {Op: s3test.List, Action: s3test.Error(200, "InternalError")},
		"a page of a proxy":  {Op: s3test.List, Action: s3test.HTML()},
		"a reset connection": {Action: s3test.Reset(s3test.BeforeHeaders)},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, text("d/f"))
			r.AddRule(rule)
			for range 2 {
				equal(t, "a file", r.lookErrno("d/", "f"), syscall.EIO)
				equal(t, "nothing", r.lookErrno("d/", "none"), syscall.EIO)
			}
			r.ClearRules()
			equal(t, "a file afterwards", r.lookErrno("d/", "f"), 0)
			equal(t, "nothing afterwards", r.lookErrno("d/", "none"), syscall.ENOENT)
		})
	}
}

// A directory is known to be one by its LIST alone.
func TestDirectoryWithHeadInTrouble(t *testing.T) {
	r := newRig(t, text("d/f"))
	r.AddRule(s3test.Rule{Op: s3test.Head, Action: s3test.Error(503, "SlowDown")})
	equal(t, "lookup", r.look(t, "", "d"), "d/")
}

func TestRefusedConnection(t *testing.T) {
	srv, err := s3test.Start(text("d/f"))
	if err != nil {
		t.Fatal(err)
	}
	r := rigOf(t, srv)
	equal(t, "while the server runs", r.look(t, "d/", "f"), "f")
	srv.Close()
	equal(t, "what is known", r.look(t, "d/", "f"), "f")
	equal(t, "what is not", r.lookErrno("d/", "g"), syscall.EIO)
	equal(t, "again", r.lookErrno("d/", "g"), syscall.EIO)
	_, err = r.list(t, "d/")
	equal(t, "listing", errno(err), syscall.EIO)
}

// A trip is a transport that panics over the requests that it is told to.
type trip struct {
	http.RoundTripper
	panics func(*http.Request) bool
}

func (p *trip) RoundTrip(r *http.Request) (*http.Response, error) {
	if p.panics(r) {
		panic("told to")
	}
	return p.RoundTripper.RoundTrip(r)
}

// rigThatPanics has the requests panic that the function chooses.
func rigThatPanics(t *testing.T, o s3test.Options, panics func(*http.Request) bool) *rig {
	t.Helper()
	srv := s3test.New(t, o)
	u := *srv.Endpoint()
	transport := &http.Transport{DialContext: srv.DialContext, Proxy: func(*http.Request) (*url.URL, error) { return nil, nil }}
	b, err := s3.New(s3.Options{Name: srv.Bucket(), Endpoint: &u, PathStyle: true, Transport: &trip{transport, panics}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(transport.CloseIdleConnections)
	return rigOn(t, srv, b)
}

// A panic in a lookup is its caller's alone. Those who have joined it get an
// error instead of waiting for ever, and the next one asks anew.
func TestPanicInALookup(t *testing.T) {
	joined := make(chan struct{})
	var once sync.Once
	o := text("f")
	o.Anonymous = true
	r := rigThatPanics(t, o, func(r *http.Request) (first bool) {
		if r.Method == http.MethodHead {
			once.Do(func() { <-joined; first = true })
		}
		return first
	})
	var wg sync.WaitGroup
	wg.Go(func() {
		defer func() {
			if recover() == nil {
				t.Error("the first lookup did not panic")
			}
		}()
		r.lookup("", "f")
	})
	d := r.dirs.get("")
	var q *question
	for deadline := time.Now().Add(10 * time.Second); q == nil && time.Now().Before(deadline); {
		d.mu.Lock()
		q = d.asking["f"]
		d.mu.Unlock()
	}
	if q == nil {
		t.Fatal("nobody asks")
	}
	close(joined)
	<-q.done
	equal(t, "for who has joined", errno(q.err), syscall.EIO)
	wg.Wait()
	equal(t, "the next", r.look(t, "", "f"), "f")
}
