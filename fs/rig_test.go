package fs

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"s3mount/cache"
	"s3mount/s3"
	"s3mount/s3/s3test"
	"s3mount/sigv4"
)

// A rig is a tree on a server that remembers what it was asked.
type rig struct {
	*s3test.Server
	*Tree
	bucket *s3.Bucket
	log    *logLines
}

// newRig gives the tree of a new server's bucket. Requests are tried twice and
// soon, so that failing for ever takes no time.
func newRig(t testing.TB, o s3test.Options, change ...func(*Options)) *rig {
	t.Helper()
	return rigOf(t, s3test.New(t, o), change...)
}

func rigOf(t testing.TB, srv *s3test.Server, change ...func(*Options)) *rig {
	t.Helper()
	transport, err := s3.NewTransport(s3.TransportOptions{})
	if err != nil {
		t.Fatal(err)
	}
	b, err := s3.New(s3.Options{
		Name: srv.Bucket(), Region: srv.Region(), Endpoint: srv.Endpoint(), PathStyle: true,
		Transport: transport,
		Credentials: func(context.Context, sigv4.Credentials) (sigv4.Credentials, error) {
			return srv.Credentials(), nil
		},
		HedgeAfter: -1, // requests are counted
		Retry:      s3.Retry{Attempts: 2, MinWait: time.Millisecond, MaxWait: time.Millisecond},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.CloseIdleConnections)
	return rigOn(t, srv, b, change...)
}

func rigOn(t testing.TB, srv *s3test.Server, b *s3.Bucket, change ...func(*Options)) *rig {
	t.Helper()
	blocks, err := cache.New(cache.Options{Source: source{b}, MemoryBytes: 16 << 20})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { blocks.Close() })
	log := &logLines{}
	opts := Options{Bucket: b, Cache: blocks, TTL: time.Hour, Log: slog.New(slog.NewTextHandler(log, nil))}
	for _, c := range change {
		c(&opts)
	}
	tree, err := New(opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tree.Close)
	return &rig{Server: srv, Tree: tree, bucket: b, log: log}
}

// ttl is an option for newRig.
func ttl(d time.Duration) func(*Options) { return func(o *Options) { o.TTL = d } }

// source is the bucket as the cache sees it.
type source struct{ bucket *s3.Bucket }

func (s source) OpenRange(ctx context.Context, o cache.Object, pin string, off, end int64) (cache.Body, error) {
	b, err := s.bucket.OpenRange(ctx, s3.Object{Key: o.Key, ETag: o.ETag, Size: o.Size, VersionID: pin, Pinned: o.Pin != ""}, off, end)
	if err != nil {
		return nil, err
	}
	return body{b}, nil
}

type body struct{ *s3.Body }

func (b body) Pin() string { return b.VersionID() }

// asked compares the requests since the last call with those wanted. Requests
// that go out together arrive in any order, so both are sorted.
func (r *rig) asked(t testing.TB, want ...string) {
	t.Helper()
	got := r.Requests()
	r.ResetLog()
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("asked %q, want %q", got, want)
	}
}

// list reads a directory to its end and gives its names, a directory's with a
// "/". The listing may be any that is current.
func (r *rig) list(t testing.TB, prefix string) ([]string, error) {
	t.Helper()
	l := r.opened(prefix)
	defer l.close()
	return names(t, l)
}

// opened gives the current listing, opened.
func (r *rig) opened(prefix string) *listing {
	l := r.dirs.get(prefix).current(r.Tree)
	l.open()
	return l
}

// names reads a listing to its end.
func names(t testing.TB, l *listing) (all []string, err error) {
	t.Helper()
	for i := 0; ; i++ {
		e, ok, err := l.at(t.Context(), i, true)
		if err != nil || !ok {
			return all, err
		}
		all = append(all, shown(e))
	}
}

func shown(e entry) string {
	if e.dir {
		return e.name + "/"
	}
	return e.name
}

// settle waits until no page of the listing is under way.
func settle(l *listing) {
	for {
		l.mu.Lock()
		running, changed := l.running, l.changed
		l.mu.Unlock()
		if !running {
			return
		}
		<-changed
	}
}

// age makes what is known of a directory older.
func (r *rig) age(prefix string, by time.Duration) {
	d := r.dirs.get(prefix)
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.listing != nil {
		d.listing.began = d.listing.began.Add(-by)
	}
	for name, f := range d.facts {
		f.at = f.at.Add(-by)
		d.facts[name] = f
	}
}

// A logLines is what was logged.
type logLines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *logLines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logLines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// text is a bucket with keys that hold a few bytes each.
func text(keys ...string) s3test.Options {
	o := s3test.Options{Text: map[string]string{}}
	for _, k := range keys {
		o.Text[k] = "bytes of " + k
	}
	return o
}

func equal[T comparable](t testing.TB, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

func equalAll[T comparable](t testing.TB, what string, got, want []T) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}
