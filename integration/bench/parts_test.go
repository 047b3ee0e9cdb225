//go:build linux

package main

import (
	"archive/tar"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"s3mount/s3/s3test"
)

func TestParseStat(t *testing.T) {
	const stat = "7 (a (b) c) S 1 7 7 0 -1 4194560 1 2 3 4 150 25 0 0 20 0 8 0 100 1 2"
	if d, err := parseStat(stat); err != nil || d != 1750*time.Millisecond {
		t.Errorf("got %v, %v, want 1.75s", d, err)
	}
	for _, bad := range []string{"", "7 (a) S 1", strings.Replace(stat, "150", "x", 1)} {
		if d, err := parseStat(bad); err == nil {
			t.Errorf("%q: got %v, want an error", bad, d)
		}
	}
}

func TestParseStatus(t *testing.T) {
	const status = "Name:\tx\nVmPeak:\t  99 kB\nVmHWM:\t    2048 kB\nVmRSS:\t    1024 kB\nThreads:\t3\n"
	if m, err := parseStatus(status); err != nil || m != (memory{now: 1 << 20, peak: 2 << 20}) {
		t.Errorf("got %+v, %v", m, err)
	}
	for _, bad := range []string{"", "VmRSS:\t1 kB\n", strings.Replace(status, "1024", "-", 1)} {
		if m, err := parseStatus(bad); err == nil {
			t.Errorf("%q: got %+v, want an error", bad, m)
		}
	}
}

func TestOwnProcess(t *testing.T) {
	m, err := memoryOf(os.Getpid())
	if err != nil || m.now < 1<<20 || m.peak < m.now/2 {
		t.Errorf("got %+v, %v", m, err)
	}
	if _, err := cpuTime(os.Getpid()); err != nil {
		t.Error(err)
	}
	if _, err := cpuTime(-1); err == nil {
		t.Error("a process -1 has used processor time")
	}
}

func TestMedian(t *testing.T) {
	trial := func(wall, cpu time.Duration, peak int64, get int) figures {
		return figures{Wall: wall, CPU: cpu, Peak: peak, Counts: counts{Get: get}}
	}
	got := median([]figures{trial(30, 1, 7, 300), trial(10, 3, 8, 100), trial(20, 2, 9, 200)})
	if want := trial(20, 2, 8, 200); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got := median([]figures{trial(2, 0, 0, 0), trial(1, 0, 0, 0)}); got.Wall != 1 {
		t.Errorf("of two: got %v, want the lower", got.Wall)
	}
	if got := median([]figures{trial(1, 1, 1, 1), {Failed: "why"}}); got != (figures{Failed: "why"}) {
		t.Errorf("with a failure: got %+v", got)
	}
}

func TestResults(t *testing.T) {
	r := row{name: "work", steps: []step{{}, {what: ", again"}}}
	cells := newCells(near, r, []program{{name: ours}, {name: "other"}})
	cells[0].add([]figures{{Wall: time.Second}})
	cells[1].add([]figures{{Wall: 2 * time.Second, CPU: time.Second, Peak: 5 << 20, Counts: counts{Get: 1, Head: 2, List: 3, Bytes: 4_500_000}}, {Wall: time.Second}})
	cells[2].add([]figures{{Wall: 8 * time.Second}, {Failed: "it hung"}})
	var b strings.Builder
	table := table{w: &b, work: 12}
	table.print(results(r, cells))
	want := `
near (GET 0s, LIST 0s)
                         wall s   cpu s  peak MB     GET    HEAD   LIST  MB read   / raw s3mount/
work          raw HTTP    1.000    0.00                0       0      0      0.0    1.00     2.00
              s3mount     2.000    1.00        5       1       2      3      4.5    2.00
              other       8.000    0.00        0       0       0      0      0.0    8.00     0.25
work, again   s3mount     1.000    0.00        0       0       0      0      0.0
              other      failed  it hung
`
	if got := b.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if cells[1].done() || !cells[2].done() {
		t.Error("a cell is done when a trial failed, and not before")
	}
	cells[1].add([]figures{{Wall: enough}})
	if !cells[1].done() {
		t.Error("a cell is done when a trial was long")
	}
}

func TestCounts(t *testing.T) {
	log := []s3test.Request{{Op: s3test.Get, Bytes: 5}, {Op: s3test.List, Bytes: 100}, {Op: s3test.Head}, {Op: s3test.Get, Bytes: 7}, {Op: s3test.Location}, {Op: s3test.Head}}
	all := countsOf(log)
	if want := (counts{Get: 2, Head: 2, List: 1, Other: 1, Bytes: 12}); all != want {
		t.Errorf("got %+v, want %+v", all, want)
	}
	if got, want := all.since(countsOf(log[:2])), (counts{Get: 1, Head: 2, Other: 1, Bytes: 7}); got != want {
		t.Errorf("since: got %+v, want %+v", got, want)
	}
}

func TestSameLines(t *testing.T) {
	tests := []struct {
		got  string
		want []string
		same bool
	}{
		{"b\na\n", []string{"a", "b"}, true},
		{"", nil, true},
		{"a\n", []string{"a", "b"}, false},
		{"a\nb\nc\n", []string{"a", "b"}, false},
		{"a\na\n", []string{"a", "b"}, false},
		{"a\na\nb\n", []string{"a", "b"}, false},
	}
	for _, tt := range tests {
		if err := sameLines("x", []byte(tt.got), tt.want); (err == nil) != tt.same {
			t.Errorf("%q, %q: %v", tt.got, tt.want, err)
		}
	}
}

// The forms of what tools print, for a dataset of two files in two directories.
func TestForms(t *testing.T) {
	d := dataset{"x", func() []file { return []file{{key: "d/a", size: 100}, {key: "d/e/b", size: 5000}} }}
	tests := []struct {
		name, out string
		form      func(dataset, []byte) []byte
		want      string
	}{
		{"ls -R", ".:\nd\n\n./d:\na\ne\n\n./d/e:\nb\n", recursiveListing, "./d/a\n./d/e/b\n"},
		{"du -ab", "100\t./d/a\n5000\t./d/e/b\n9096\t./d/e\n4096\t./d\n1\t.\n", withoutDirs, "100\t./d/a\n5000\t./d/e/b\n"},
		{"ls -l", "total 8\n-r--r--r-- 1 root root 100 Jan  1 00:00 a\n", longListing, "100 a\n"},
	}
	for _, tt := range tests {
		if got := string(tt.form(d, []byte(tt.out))); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
	if got := strings.Join(sizesAndPaths(d), "|"); got != "100\t./d/a|5000\t./d/e/b" {
		t.Errorf("sizes and paths: %q", got)
	}
	if got := largePaths(d); !slices.Equal(got, []string{"./d/e/b"}) {
		t.Errorf("large paths: %q", got)
	}
	if got := d.keys(); !slices.Equal(got, []string{"d/a", "d/e/b"}) {
		t.Errorf("keys: %q", got)
	}
}

// Wrong bytes are found wherever they come from.
func TestWrongBytes(t *testing.T) {
	d := dataset{"x", func() []file { return []file{{key: "made", size: 100}, {key: "text", size: 4, body: []byte("text")}} }}
	for _, key := range []string{"made", "text"} {
		good := d.file(key).content()
		bad := slices.Clone(good)
		bad[3] ^= 1
		if err := d.compareWhole(key, good); err != nil {
			t.Error(err)
		}
		for _, p := range [][]byte{bad, good[1:], append(slices.Clone(good), 0)} {
			if d.compareWhole(key, p) == nil {
				t.Errorf("%s: %q is taken for %q", key, p, good)
			}
		}
		if d.compare(key, bad[2:4], 2) == nil {
			t.Errorf("%s: a wrong byte is not seen in a part", key)
		}
		for name, change := range map[string][]byte{"good": good, "wrong": bad, "short": good[1:]} {
			other := map[string]string{"made": "text", "text": "made"}[key]
			files := map[string][]byte{key: change, other: d.file(other).content()}
			if err := d.compareCopy(copyOf(t, files)); (err == nil) != (name == "good") {
				t.Errorf("copy, %s: %v", name, err)
			}
			if err := d.compareTar(tarOf(t, files)); (err == nil) != (name == "good") {
				t.Errorf("tar, %s: %v", name, err)
			}
			if d.compareCopy(copyOf(t, map[string][]byte{key: change})) == nil {
				t.Error("a file that is missing is not missed")
			}
		}
	}
}

func copyOf(t *testing.T, files map[string][]byte) string {
	dir := t.TempDir()
	for name, p := range files {
		if err := os.WriteFile(filepath.Join(dir, name), p, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func tarOf(t *testing.T, files map[string][]byte) string {
	f, err := os.Create(filepath.Join(t.TempDir(), "tar"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	w := tar.NewWriter(f)
	for name, p := range files {
		if err := w.WriteHeader(&tar.Header{Name: "./" + name, Size: int64(len(p)), Mode: 0o600}); err != nil {
			t.Fatal(err)
		}
		w.Write(p)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return f.Name()
}

// What the rows say of themselves is what the datasets hold.
func TestDatasets(t *testing.T) {
	tests := []struct {
		data        string
		files, dirs int
	}{
		{"small", 2000, 20},
		{"tree", 20_000, 2100},
		{"wide", 100_000, 1},
		{"thousand", 1000, 1},
		{"deep", 11, 9 + 10},
		{"deepmany", 20_001, 9 + 100},
	}
	for _, tt := range tests {
		d := datasets[tt.data]
		if files, dirs := len(d.files()), len(d.dirs()); files != tt.files || dirs != tt.dirs {
			t.Errorf("%s: %d files in %d directories, want %d in %d", tt.data, files, dirs, tt.files, tt.dirs)
		}
	}
	for _, f := range datasets["small"].files() {
		if len(f.body) != smallSize || strings.Count(string(f.body), "needle") != 1 {
			t.Fatalf("%s has %d bytes, %d needles", f.key, len(f.body), strings.Count(string(f.body), "needle"))
		}
	}
	names := map[string]bool{}
	for _, r := range rows() {
		if _, ok := datasets[r.data]; !ok || names[r.name] {
			t.Errorf("row %q: dataset %q, or its name came before", r.name, r.data)
		}
		names[r.name] = true
	}
}

func TestPieces(t *testing.T) {
	got := pieces("k", 10, 4)
	if want := []span{{"k", 0, 4}, {"k", 4, 4}, {"k", 8, 2}}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	for _, s := range randomSpans(100, 4096) {
		if s.Off%4096 != 0 || s.Off < 0 || s.Off+s.Len > bigSize {
			t.Fatalf("%+v", s)
		}
	}
}
