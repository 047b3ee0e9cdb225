//go:build linux

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"s3mount/integration/rig"
)

func TestMain(m *testing.M) {
	if len(os.Args) > 1 {
		if _, ok := parts[os.Args[1]]; ok { // the program starts itself again, and this is it
			os.Exit(run(os.Args[1:]))
		}
	}
	os.Exit(m.Run())
}

// The smallest rows, from the flags to the table, on real mounts.
func TestSmallRows(t *testing.T) {
	if err := rig.CanMount(); err != nil {
		t.Skip(err)
	}
	dir := t.TempDir()
	program, err := rig.BuildProgram(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	o := options{out: &out, keepCaches: true}
	figuresFile := filepath.Join(dir, "figures")
	err = o.parse([]string{"-program", program, "-peers", "nosuchprogram", "-rows", "^(first byte|cat, nine directories|100 x 4|open|name)",
		"-first-byte", "1ms", "-list", "2ms", "-rate", "0", "-n", "1", "-json", figuresFile})
	if err != nil {
		t.Fatal(err)
	}
	if err := measureAll(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"nosuchprogram is not on PATH",
		"GET 1ms, LIST 2ms",
		"first byte of 1 GiB ",
		"open of one of 1,000, another ",
		"raw HTTP",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the table lacks %q:\n%s", want, out.String())
		}
	}
	text, err := os.ReadFile(figuresFile)
	if err != nil {
		t.Fatal(err)
	}
	var results []result
	if err := json.Unmarshal(text, &results); err != nil {
		t.Fatal(err)
	}
	for _, r := range results {
		if r.Failed != "" || r.Wall <= 0 || len(r.Trials) != 1 {
			t.Errorf("%s, %s: %s, wall %v, trials %v", r.Row, r.Program, r.Failed, r.Wall, r.Trials)
		}
		if r.Program == rawName && r.Row == "100 x 4 KiB random" && (r.Counts.Get != 100 || r.Counts.Bytes != 100*4096 || r.Wall < 100*time.Millisecond) {
			t.Errorf("raw requests for 100 x 4 KiB: %+v in %v", r.Counts, r.Wall)
		}
		if r.Program == ours && r.Row == "open of one of 1,000, another" && (r.Counts.Get != 1 || r.Counts.Head+r.Counts.List != 0) {
			t.Errorf("%s: %+v, want one GET", r.Row, r.Counts)
		}
	}
}

// A program that does not mount costs its row; of s3mount the run says so at its
// end.
func TestProgramThatFails(t *testing.T) {
	if err := rig.CanMount(); err != nil {
		t.Skip(err)
	}
	var out strings.Builder
	o := options{out: &out, keepCaches: true, program: "/bin/false", rows: regexp.MustCompile("^open"), profiles: []profile{distant}, trials: 1, limit: time.Minute}
	if err := measureAll(t.Context(), o); err == nil || !strings.Contains(err.Error(), "distant, s3mount: ") {
		t.Errorf("got %v, want what failed", err)
	}
	if !strings.Contains(out.String(), "failed") {
		t.Errorf("the table does not say that the program failed:\n%s", out.String())
	}
}

// A command that does not end is ended, and that is the program's failure.
func TestLimit(t *testing.T) {
	s := &session{ctx: t.Context(), dir: t.TempDir(), out: t.TempDir(), limit: time.Millisecond}
	if _, err := s.sh("sleep 1000 & wait"); !errors.As(err, new(failure)) {
		t.Errorf("got %v, want a failure", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s.ctx, s.limit = ctx, time.Minute
	if _, err := s.sh("sleep 1000"); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want the context's error", err)
	}
}

func TestFlags(t *testing.T) {
	tests := []struct{ args, want string }{
		{"", "[near (GET 0s, LIST 0s) distant (GET 30ms, LIST 50ms, 90 MB/s)]"},
		{"-profiles distant", "[distant (GET 30ms, LIST 50ms, 90 MB/s)]"},
		{"-first-byte 10ms -list 10ms", "[GET 10ms, LIST 10ms, 90 MB/s (GET 10ms, LIST 10ms, 90 MB/s)]"},
		{"-rate 0", "[GET 30ms, LIST 50ms (GET 30ms, LIST 50ms)]"},
		{"-profiles moon", "error"},
		{"-rows (", "error"},
		{"-n 0", "error"},
		{"near", "error"},
	}
	stderr := os.Stderr
	defer func() { os.Stderr = stderr }()
	os.Stderr, _ = os.Open(os.DevNull)
	for _, tt := range tests {
		var o options
		got := "error"
		if err := o.parse(strings.Fields(tt.args)); err == nil {
			var all []string
			for _, p := range o.profiles {
				all = append(all, fmt.Sprintf("%s (%s)", p.Name, p.title()))
			}
			got = fmt.Sprint(all)
		}
		if got != tt.want {
			t.Errorf("%q: got %s, want %s", tt.args, got, tt.want)
		}
	}
}
