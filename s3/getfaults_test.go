package s3

import (
	"context"
	"errors"
	"fmt"
	"io"
	iofs "io/fs"
	"strings"
	"testing"
	"time"

	"s3mount/s3/s3test"
)

// impatient takes a third of a second for a stall.
func impatient(o *Options) { o.IdleTimeout = 300 * time.Millisecond }

// breaks are the ways in which a body ends too early, n bytes into it.
var breaks = map[string]func(n int64) s3test.Action{
	"reset":                   s3test.Reset,
	"closed":                  s3test.Close,
	"stalled":                 s3test.Stall,
	"dripping":                func(n int64) s3test.Action { return s3test.Drip(n, 30*time.Millisecond) },
	"closed, in chunks":       func(n int64) s3test.Action { return s3test.All(s3test.Chunked(), s3test.Close(n)) },
	"closed, without length":  func(n int64) s3test.Action { return s3test.All(s3test.Unframed(), s3test.Close(n)) },
	"stalled, in chunks":      func(n int64) s3test.Action { return s3test.All(s3test.Chunked(), s3test.Stall(n)) },
	"stalled, Range ignored":  func(n int64) s3test.Action { return s3test.All(s3test.Ignore("Range"), s3test.Stall(n)) },
	"closed, more than asked": func(n int64) s3test.Action { return s3test.All(s3test.Grow(1000), s3test.Close(n)) },
}

func TestABrokenBodyIsResumedWhereItBroke(t *testing.T) {
	const off, end = 1000, 1000 + 3*block
	for name, fault := range breaks {
		for _, n := range []int64{0, 1, 1000, 2 * block, end - off - 1} {
			t.Run(fmt.Sprintf("%s after %d", name, n), func(t *testing.T) {
				t.Parallel()
				srv := s3test.New(t, s3test.Options{Objects: map[string]s3test.Object{"big": {Size: size}}})
				b, o := open(t, srv), object(t, srv, "big")
				stalls := strings.Contains(name, "stalled") || strings.Contains(name, "dripping")
				if stalls {
					b = open(t, srv, impatient)
				}
				srv.AddRule(s3test.Rule{Op: s3test.Get, Times: 1, Action: fault(n)})
				begin := time.Now()
				if err := fetch(t, b, o, off, end); err != nil || time.Since(begin) > 2*time.Second {
					t.Errorf("after %v: %v", time.Since(begin), err)
				}
				log := srv.Log()
				if len(log) < 2 {
					if !strings.HasPrefix(name, "dripping") { // the last byte of it may arrive in time
						t.Errorf("asked %q, want a second GET", srv.Requests())
					}
					return
				}
				var from, last int64
				fmt.Sscanf(log[1].Range, "bytes=%d-%d", &from, &last)
				want := int64(off + n)
				switch {
				case strings.Contains(name, "ignored"):
					want = max(off, n) // n is from the object's beginning there
				case strings.HasPrefix(name, "dripping"):
					want += 20 // some drops more
				}
				// On a busy machine an impatient client finds more stalls than there are.
				if from > want || from < want && !stalls || last != end-1 || log[1].IfMatch != log[0].IfMatch || log[0].IfMatch == "" {
					t.Errorf("asked %q, want the rest from %d", srv.Requests(), want)
				}
				if s := b.Stats(); !stalls && (len(log) != 2 || s.Gets != 2 || s.Retries != 1) || s.Failures != 0 {
					t.Errorf("asked %q; counted %+v", srv.Requests(), s)
				}
				free(t, b)
			})
		}
	}
}

// Every reply brings something: then patience has no end but the body's.
func TestABodyThatBreaksAgainAndAgainComesToItsEnd(t *testing.T) {
	srv, b, o := serve(t)
	srv.AddRule(s3test.Rule{Op: s3test.Get, Action: s3test.Reset(minProgress)})
	const n = 20 * minProgress
	if err := fetch(t, b, o, 5, 5+n); err != nil {
		t.Error(err)
	}
	if got := srv.Count(s3test.Get); got != 20 {
		t.Errorf("%d GETs, want 20", got)
	}
}

func TestABodyThatAlwaysBreaksIsAnError(t *testing.T) {
	before := int64(s3test.BeforeHeaders)
	tests := []struct {
		name     string
		fault    s3test.Action
		deadline bool
	}{
		{"reset before the header", s3test.Reset(before), false},
		{"closed before the header", s3test.Close(before), false},
		{"silent before the header", s3test.Stall(before), true},
		{"reset at once", s3test.Reset(0), false},
		{"closed after a bit", s3test.Close(100), false},
		{"stalled after a bit", s3test.Stall(100), true},
		{"dripping", s3test.Drip(0, 20*time.Millisecond), true},
		{"dripping, Range ignored", s3test.All(s3test.Ignore("Range"), s3test.Drip(0, 20*time.Millisecond)), true},
		{"closed in chunks", s3test.All(s3test.Chunked(), s3test.Close(0)), false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			srv := s3test.New(t, s3test.Options{Objects: map[string]s3test.Object{"big": {Size: size}}})
			b, o := open(t, srv, impatient), object(t, srv, "big")
			srv.AddRule(s3test.Rule{Op: s3test.Get, Action: tt.fault})
			begin := time.Now()
			err := fetch(t, b, o, 1000, 1000+3*block)
			if asError(t, err); errors.Is(err, context.DeadlineExceeded) != tt.deadline || errors.Is(err, ErrChanged) || errors.Is(err, iofs.ErrNotExist) {
				t.Errorf("%v; want a deadline: %v", err, tt.deadline)
			}
			if got := srv.Count(""); got != quick.Attempts || time.Since(begin) > quick.Deadline {
				t.Errorf("%d GETs in %v, want %d", got, time.Since(begin), quick.Attempts)
			}
			if s := b.Stats(); s.Gets != int64(quick.Attempts) || s.Failures != 1 || s.Retries != int64(quick.Attempts)-1 {
				t.Errorf("counted %+v", s)
			}
			free(t, b)

			srv.ClearRules()
			if err := fetch(t, b, o, 1000, 1000+3*block); err != nil {
				t.Errorf("when the server is well again: %v", err)
			}
		})
	}
}

func TestDifferentTroublesShareTheAttempts(t *testing.T) {
	srv, b, o := serve(t)
	// Good headers and a body that breaks, between refusals: without an end, were
	// each body to have attempts of its own.
	srv.AddRule(s3test.Rule{Op: s3test.Get, Times: 1, Action: s3test.Error(503, "SlowDown")},
		s3test.Rule{Op: s3test.Get, Times: 1, Action: s3test.Reset(10)},
		s3test.Rule{Op: s3test.Get, Times: 1, Action: s3test.Error(503, "SlowDown")},
		s3test.Rule{Op: s3test.Get, Action: s3test.Reset(10)})
	if err := fetch(t, b, o, 0, block); err == nil || srv.Count("") != quick.Attempts {
		t.Errorf("after %d GETs: %v; want an error after %d", srv.Count(""), err, quick.Attempts)
	}
}

func TestARefusalWhileResumingEndsTheBody(t *testing.T) {
	for _, tt := range []struct {
		action s3test.Action
		want   error
	}{
		{s3test.Error(412, "PreconditionFailed"), ErrChanged},
		{s3test.Error(404, "NoSuchKey"), ErrChanged},
		{s3test.Error(403, "AccessDenied"), iofs.ErrPermission},
		{s3test.SetHeader("ETag", `"another"`), ErrChanged},
	} {
		srv, b, o := serve(t)
		srv.AddRule(s3test.Rule{Op: s3test.Get, Times: 1, Action: s3test.Reset(2 * block)}, s3test.Rule{Op: s3test.Get, Action: tt.action})
		body, err := b.OpenRange(t.Context(), o, 0, size)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(body)
		if !errors.Is(err, tt.want) || len(got) != 2*block || srv.Count("") != 2 {
			t.Errorf("%d bytes, then %v after %d GETs; want %d, %v, 2", len(got), err, srv.Count(""), 2*block, tt.want)
		}
		if n, err := body.Read(make([]byte, 1)); n != 0 || err == nil || err == io.EOF {
			t.Errorf("after the error, Read gives %d, %v", n, err)
		}
		if err := errors.Join(body.Close(), body.Close()); err != nil {
			t.Error(err)
		}
		free(t, b)
	}
}

func TestCancellingAReadThatWaits(t *testing.T) {
	for name, fault := range map[string]s3test.Action{"a stall": s3test.Stall(block), "silence": s3test.Stall(s3test.BeforeHeaders)} {
		srv, b, o := serve(t)
		srv.AddRule(s3test.Rule{Op: s3test.Get, Action: fault})
		ctx, cancel := context.WithCancel(t.Context())
		go func() { // ends with the request
			srv.WaitRequests(t.Context(), 1)
			cancel()
		}()
		body, err := b.OpenRange(ctx, o, 0, 2*block)
		if err == nil {
			_, err = readAll(body)
		}
		if asError(t, err); !errors.Is(err, context.Canceled) || srv.Count("") != 1 {
			t.Errorf("%s: %v after %d GETs", name, err, srv.Count(""))
		}
		if err := srv.WaitIdle(t.Context()); err != nil { // the connection was closed
			t.Error(err)
		}
		free(t, b)
	}
}

func TestABodyClosedEarlyEndsItsRequest(t *testing.T) {
	srv, b, o := serve(t)
	srv.AddRule(s3test.Rule{Op: s3test.Get, Action: s3test.Stall(block)})
	body, err := b.OpenRange(t.Context(), o, 0, 2*block)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(body, make([]byte, 100)); err != nil {
		t.Error(err)
	}
	body.Close()
	free(t, b)
	if err := srv.WaitIdle(t.Context()); err != nil {
		t.Error(err)
	}
	if n, err := body.Read(make([]byte, 1)); n != 0 || err == nil || err == io.EOF {
		t.Errorf("Read of a closed body gives %d, %v", n, err)
	}
}

func TestAReadOfNothing(t *testing.T) {
	_, b, o := serve(t)
	body, err := b.OpenRange(t.Context(), o, 0, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer body.Close()
	for _, want := range []struct {
		size, n int
		err     error
	}{{0, 0, nil}, {10, 1, nil}, {10, 0, io.EOF}, {0, 0, io.EOF}} {
		if n, err := body.Read(make([]byte, want.size)); n != want.n || err != want.err {
			t.Errorf("Read of %d gives %d, %v; want %d, %v", want.size, n, err, want.n, want.err)
		}
	}
}
