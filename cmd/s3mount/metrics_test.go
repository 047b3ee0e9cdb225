package main

import (
	"io"
	"log/slog"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"s3mount/cache"
	"s3mount/fs"
	"s3mount/s3"
	"s3mount/s3/s3test"
)

// parts are what a mount is made of, without the mount.
func parts(t *testing.T, srv *s3test.Server) (*s3.Bucket, *cache.Cache, *fs.Tree) {
	t.Helper()
	credentialsOf(t, srv)
	s, _ := parsed(t, "--endpoint-url", srv.Endpoint().String(), "--memory", "8MiB")
	what := target{bucket: srv.Bucket()}
	bucket, err := s.bucket(t.Context(), what, nil)
	if err != nil {
		t.Fatal(err)
	}
	blocks, err := cache.New(s.cacheOptions(source{bucket}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { blocks.Close() })
	tree, err := fs.New(s.fsOptions(what, bucket, blocks, nil))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tree.Close)
	return bucket, blocks, tree
}

// scraped is what Prometheus gets.
func scraped(t *testing.T, url string) (body string) {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s, %v", url, resp.Status, err)
	}
	return string(text)
}

// serving gives the URL at which parts are served.
func serving(t *testing.T, b *s3.Bucket, c *cache.Cache, tree *fs.Tree) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	s, _ := parsed(t, "--metrics", addr)
	stop, err := s.serveMetrics(b, c, tree, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stop()
		if again, err := net.Listen("tcp", addr); err != nil {
			t.Errorf("the address is not free again: %v", err)
		} else {
			again.Close()
		}
	})
	return "http://" + addr + "/metrics"
}

func TestMetrics(t *testing.T) {
	const key = "d/a"
	srv := s3test.New(t, s3test.Options{Objects: map[string]s3test.Object{key: {Size: 1000, ETag: `"v"`}}})
	bucket, blocks, tree := parts(t, srv)
	url := serving(t, bucket, blocks, tree)

	if _, err := bucket.Probe(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	if _, err := bucket.Head(t.Context(), "nosuch"); err == nil {
		t.Fatal("there is an object nosuch")
	}
	r := blocks.Open(cache.Object{Key: key, ETag: "v", Size: 1000})
	defer r.Close()
	for range 2 {
		view, err := r.ReadAt(t.Context(), 0, 1000)
		if err != nil {
			t.Fatal(err)
		}
		view.Done()
	}

	body := scraped(t, url)
	for line, want := range map[string]string{
		`s3mount_requests_total{op="list"}`: "1",
		`s3mount_requests_total{op="head"}`: "1",
		`s3mount_requests_total{op="get"}`:  "1",
		`s3mount_retries_total`:             "0",
		`s3mount_failures_total`:            "1",
		`s3mount_hedges_total`:              "0",
		`s3mount_slow_downs_total`:          "0",
		`s3mount_requests_allowed`:          "128",
		`s3mount_guesses_total`:             "0",
		`s3mount_guesses_missed_total`:      "0",
		`s3mount_received_bytes_total`:      `[1-9]\S*`, // those of the listing are among them
		`s3mount_cache_hits_total`:          "1",
		`s3mount_cache_misses_total`:        "1",
		`s3mount_wasted_bytes_total`:        "0",
		`s3mount_memory_limit_bytes`:        "8.388608e[+]06",
		`s3mount_memory_bytes`:              `[1-9][0-9]{3}`, // a block of 1000 bytes and what it costs to keep
		`s3mount_flights`:                   "0",
		`s3mount_entries`:                   "[01]",
	} {
		if found := regexp.MustCompile("(?m)^"+regexp.QuoteMeta(line)+" "+want+"$").FindAllString(body, -1); len(found) != 1 {
			t.Errorf("%s %s is there %d times in\n%s", line, want, len(found), body)
		}
	}
	// Nothing is there that this test does not know of.
	if n := len(regexp.MustCompile("(?m)^s3mount_").FindAllString(body, -1)); n != 18 {
		t.Errorf("%d values, want 18:\n%s", n, body)
	}

	problems, err := promlint.New(strings.NewReader(body)).Lint()
	if err != nil || len(problems) > 0 {
		t.Errorf("promlint: %v, %v", problems, err)
	}
	for _, secret := range []string{srv.Credentials().SecretAccessKey, srv.Credentials().AccessKeyID} {
		if strings.Contains(body, secret) {
			t.Errorf("%q is in a metric", secret)
		}
	}
}

func TestMetricsAnswersNothingElse(t *testing.T) {
	srv := s3test.New(t, s3test.Options{})
	bucket, blocks, tree := parts(t, srv)
	url := serving(t, bucket, blocks, tree)
	for _, tt := range []struct{ method, path string }{{"GET", ""}, {"GET", "/debug/pprof/"}, {"POST", "/metrics"}, {"GET", "/metrics/"}} {
		req, _ := http.NewRequest(tt.method, strings.TrimSuffix(url, "/metrics")+tt.path, nil)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if !slices.Contains([]int{http.StatusNotFound, http.StatusMethodNotAllowed}, resp.StatusCode) {
			t.Errorf("%s %s: %s", tt.method, tt.path, resp.Status)
		}
	}
	if n := srv.Count(""); n != 0 {
		t.Errorf("being asked for metrics cost %d requests", n)
	}
}

func TestNoMetrics(t *testing.T) {
	s, _ := parsed(t)
	stop, err := s.serveMetrics(nil, nil, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	stop()
}
