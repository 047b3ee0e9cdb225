//go:build linux

package integration

import (
	"fmt"
	"slices"
	"testing"

	"s3mount/s3/s3test"
)

// What each command costs. Requests are money, a LIST about twelve GETs: a step
// that asks more than written here is a defect, one that asks less is progress
// to be written down.
//
// The steps of a row run in one mount, one after the other.
func TestRequests(t *testing.T) {
	type step struct {
		script string
		want   []string // requests, in the order in which they arrive
	}
	none := []string{}
	tests := []struct {
		name  string
		steps []step
	}{
		{"listing", []step{
			// d may be a file or a directory: both are asked for at once, and the
			// second answer is the first page of the listing, and of what is below.
			{`ls d`, []string{"HEAD d", "LIST d/ flat"}},
			{`ls d`, none},
			{`ls -l d`, none},
			{`stat d/a`, none},
			{`ls d/absent 2>&1 || true`, none}, // the listing is whole, so it has no such key
			{`ls -l .`, []string{"LIST after=Many/\U0010ffff"}}, // mounting has told what comes before,
			{`cd top 2>&1 || true`, none},
			{`find d`, none},
			{`find . -maxdepth 1`, none},
		}},
		{"stat in a directory not listed", []step{
			{`stat d/a`, []string{"HEAD d", "LIST d/ flat"}},
			{`stat d/a d/b`, none},
		}},
		{"nothing of that name", []step{
			{`stat absent 2>&1 || true`, []string{"HEAD absent", "LIST absent/ flat"}},
			{`stat absent 2>&1 || true`, none},
		}},
		{"reading a small file", []step{
			{`ls -l d`, []string{"HEAD d", "LIST d/ flat"}},
			{`cat d/a`, []string{"GET d/a 0-5"}},
			{`cat d/a`, none},
			{`cat d/empty`, []string{"HEAD d/empty"}}, // open asks whether it is still empty
			{`head -c 1 d/b`, []string{"GET d/b 0-6"}},
			{`cat d/b`, none},
		}},
		{"a directory of three pages", []step{
			{`ls Many | wc -l`, []string{"LIST Many/ after=Many/0999", "LIST Many/ next"}},
			{`ls -l Many | wc -l`, none},
			{`cat Many/0000 Many/2499`, []string{"GET Many/0000 0-9", "GET Many/2499 0-9"}},
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			srv := countedServer(t)
			m := mountTest(t, srv)
			for _, s := range tt.steps {
				srv.ResetLog()
				sh(t, m, m.Dir, s.script+" >/dev/null")
				got := srv.Requests()
				slices.Sort(got) // two of one step may be under way at once
				want := slices.Sorted(slices.Values(s.want))
				if !slices.Equal(got, want) {
					t.Errorf("%s: requests %q, want %q", s.script, srv.Requests(), s.want)
				}
			}
		})
	}
}

func countedServer(t *testing.T) *s3test.Server {
	srv := s3test.New(t, s3test.Options{Text: map[string]string{
		"d/a": "small\n", "d/b": "small2\n", "d/empty": "", "d/sub/x": "x", "top": "t",
	}})
	srv.PutRange(2500, func(i int) string { return fmt.Sprintf("Many/%04d", i) }, s3test.Object{Size: 10})
	return srv
}

// With --metadata-ttl 0 the server is asked each time, and not without end: stat
// and open look the name up, the listing is one more.
func TestRequestsWithoutMemory(t *testing.T) {
	srv := countedServer(t)
	m := mountTest(t, srv, "--metadata-ttl", "0")
	for range 3 {
		srv.ResetLog()
		sh(t, m, m.Dir, `ls d >/dev/null`)
		if n, lists := srv.Count(""), srv.Count(s3test.List); lists == 0 || n > 5 {
			t.Errorf("ls d: requests %q, want a LIST and at most 5", srv.Requests())
		}
	}
}

// Mounting costs one page of the listing, and looking at the mount from outside
// nothing. Of a small bucket that is all there is to know.
func TestRequestsOfMounting(t *testing.T) {
	srv := s3test.New(t, s3test.Options{Text: map[string]string{"a": "a"}})
	m := mountTest(t, srv)
	if got, want := srv.Requests(), []string{"LIST flat"}; !slices.Equal(got, want) {
		t.Errorf("mounting asked %q, want %q", got, want)
	}
	srv.ResetLog()
	sh(t, m, m.Dir, `ls -lR . >/dev/null; stat b 2>/dev/null || true; stat -f . >/dev/null; stat . >/dev/null; cd .; test -d .; ls -d .`)
	if got := srv.Requests(); len(got) != 0 {
		t.Errorf("stat of the mount asked %q, want nothing", got)
	}
}

// Reading costs few GETs, and few bytes more than there are: read-ahead that is
// given up is asked for again.
func TestRequestsOfReading(t *testing.T) {
	const size = 64 << 20
	srv := s3test.New(t, s3test.Options{Objects: map[string]s3test.Object{"f": {Size: size}, "g": {Size: size}}})
	m := mountTest(t, srv)
	for _, tt := range []struct {
		name, script string
		bytes        int64 // the most that may be sent
		gets         int   // likewise
	}{
		// open asks for the first block, to be sure of the version.
		{"a byte in the middle", `dd if=f of=/dev/null iflag=skip_bytes,count_bytes skip=30000000 count=1 status=none`, 2 << 20, 2},
		{"from start to end", `cat g >/dev/null`, size * 3 / 2, 32},
	} {
		srv.ResetLog()
		sh(t, m, m.Dir, tt.script)
		if n, gets := srv.Bytes(), srv.Count(s3test.Get); n > tt.bytes || gets > tt.gets {
			t.Errorf("%s: %d bytes in %d GETs, want at most %d in %d", tt.name, n, gets, tt.bytes, tt.gets)
		}
		for _, r := range srv.Log() {
			if r.Op == s3test.Get && r.IfMatch == "" {
				t.Errorf("%s: %s without If-Match, which could be of another version", tt.name, r)
			}
		}
	}
	// The page cache has g now. Where the kernel takes pages back early (DAMON's
	// pageout does, within the second) what is missing is fetched again.
	var sent []int64
	for range 5 {
		srv.ResetLog()
		sh(t, m, m.Dir, `cat g >/dev/null`)
		if srv.Count("") == 0 {
			return
		}
		sent = append(sent, srv.Bytes())
	}
	t.Errorf("read again, five times: %d bytes sent, want none once", sent)
}
