//go:build linux

package integration

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"s3mount/s3/s3test"
)

// The kernel takes a directory's lock for a refresh, and holds it while it looks
// up and reads in that directory, which asks the daemon. Walkers, readers and
// refreshes at the same time end all the same, and whoever replaces an object and
// refreshes sees it.
func TestRefreshUnderLoad(t *testing.T) {
	srv := s3test.New(t, s3test.Options{})
	for i := range 300 {
		srv.Put(fmt.Sprintf("d%d/sub%d/f%d", i%3, i%30, i), s3test.Object{Body: []byte("0")})
	}
	srv.SetLatency(s3test.Latency{List: 20 * time.Millisecond, Get: 3 * time.Millisecond, Head: 20 * time.Millisecond})
	m := mountTest(t, srv, "--metadata-ttl", "1h", "--memory", "32MiB")
	over := filepath.Join(t.TempDir(), "over")
	var walkers, refreshers sync.WaitGroup
	for _, script := range []string{
		`find . -type f -exec cat {} + >/dev/null`,
		`ls -lR >/dev/null`,
		`grep -r nothing . || true`,
		`stat d?/sub*/* d?/none 2>/dev/null >&2 || true`,
		// The names that are not there are looked up each time, under the lock.
		`for i in {1..99}; do for d in . d1 d1/sub1 d2/sub2; do [ ! -e $d/none$RANDOM$RANDOM ]; done; done`,
		`cd d1; find . -name 'f*' >/dev/null; cat sub1*/* >/dev/null; cd ..`,
	} {
		walkers.Go(func() {
			r := try(t, m, m.Dir, shell(`while [ ! -e `+over+` ]; do `+script+`; done`))
			if r.Code != 0 || r.Stderr != "" {
				t.Errorf("%s: exit code %d\n%s", script, r.Code, r.Stderr)
			}
		})
	}
	for n, path := range []string{"", "d1", "d1/sub1", "d1/sub1/watched", "d2/sub2/watched"} {
		refreshers.Go(func() {
			key := filepath.Join(path, "watched")
			if filepath.Base(path) == "watched" {
				key = path
			}
			for i := range 25 {
				body := fmt.Sprintf("%d of %d", i, n)
				if n == 3 { // d1/sub1/watched is put by another refresher
					body = ""
				} else {
					srv.Put(key, s3test.Object{Body: []byte(body)})
				}
				if r := tryRefresh(t, m, "/", filepath.Join(m.Dir, path)); r.Code != 0 && n != 3 {
					t.Errorf("refresh %q: %s", path, r.Stderr)
					return
				}
				if body == "" {
					continue
				}
				r := try(t, m, m.Dir, exec.Command("cat", key))
				if r.Stdout != body || r.Stderr != "" {
					t.Errorf("%s is %q after a refresh of %q, want %q\n%s", key, r.Stdout, path, body, r.Stderr)
					return
				}
			}
		})
	}
	refreshers.Wait()
	if err := os.WriteFile(over, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	walkers.Wait()
	if got := strings.TrimSpace(sh(t, m, m.Dir, `find . -type f | wc -l`)); got != "304" {
		t.Errorf("in the end there are %s files, want 304", got)
	}
}
