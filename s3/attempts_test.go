package s3

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// troubles are what may pass by itself.
var troubles = map[string]answerFunc{
	"500":                           says(500, refusal("InternalError")),
	"500 without a body":            says(500, ""),
	"502":                           says(502, "<html>Bad Gateway</html>"),
	"503 SlowDown":                  says(503, refusal("SlowDown")),
	"504":                           says(504, ""),
	"429":                           says(429, ""),
	"408":                           says(408, ""),
	"400 RequestTimeout":            says(400, refusal("RequestTimeout")),
	"200 that turns into an error":  says(200, refusal("InternalError")),
	"connection reset":              fails(&net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}),
	"connection refused":            fails(&net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}),
	"connection timed out":          fails(&net.OpError{Op: "dial", Net: "tcp", Err: os.ErrDeadlineExceeded}),
	"a dial that took too long":     fails(&net.OpError{Op: "dial", Net: "tcp", Err: context.DeadlineExceeded}),
	"no such host":                  fails(&net.DNSError{Err: "no such host", Name: "x", IsNotFound: true}),
	"end of file before the header": fails(io.EOF),
	"silence":                       silence,
	"a listing cut off":             says(200, `<ListBucketResult><IsTruncated>fal`),
	"a listing that stalls":         stalled(`<ListBucketResult>`),
	"a page of a proxy":             says(200, "<html><body>Sign in</body></html>"),
}

// stalled begins an answer and never goes on.
func stalled(begin string) answerFunc {
	return func(r *http.Request) (*http.Response, error) {
		pr, pw := io.Pipe()
		context.AfterFunc(r.Context(), func() { pw.CloseWithError(r.Context().Err()) })
		go pw.Write([]byte(begin))
		return &http.Response{StatusCode: 200, Header: http.Header{}, ContentLength: -1, Body: pr, Request: r}, nil
	}
}

func TestPassingTroubleIsOutlasted(t *testing.T) {
	for name, trouble := range troubles {
		for _, n := range []int{1, 9, 10} { // of ten attempts
			t.Run(fmt.Sprintf("%s, %d times", name, n), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					s := &script{answers: append(times(n, trouble), listed)}
					b := scripted(t, s, func(o *Options) { o.IdleTimeout = time.Second / 3; o.Retry.MaxWait = 3 * time.Second })
					_, err := list(t.Context(), b, ListOptions{})
					if n < 10 {
						if err != nil || s.count() != n+1 {
							t.Errorf("after %d requests: %v; want the listing after %d", s.count(), err, n+1)
						}
					} else if e := asError(t, err); s.count() != 10 || e.Attempts != 10 {
						t.Errorf("%d requests, error %v; want 10 and an error that says so", s.count(), err)
					} else if errors.Is(err, os.ErrNotExist) || errors.Is(err, os.ErrPermission) || errors.Is(err, ErrChanged) {
						t.Errorf("trouble is not an answer: %v", err)
					}
					free(t, b)
				})
			})
		}
	}
}

func TestAnswersAreNotAskedForAgain(t *testing.T) {
	for name, answer := range map[string]answerFunc{
		"403":             says(403, refusal("AccessDenied")),
		"403 bad key":     says(403, refusal("SignatureDoesNotMatch")),
		"404":             says(404, refusal("NoSuchBucket")),
		"400":             says(400, refusal("InvalidArgument")),
		"405":             says(405, refusal("MethodNotAllowed")),
		"501":             says(501, refusal("NotImplemented")),
		"204":             says(204, ""),
		"304":             says(304, ""),
		"200 with denial": says(200, refusal("AccessDenied")),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &script{answers: []answerFunc{answer}}
				b := scripted(t, s)
				_, err := list(t.Context(), b, ListOptions{})
				if asError(t, err); s.count() != 1 {
					t.Errorf("%d requests, want 1", s.count())
				}
				free(t, b)
			})
		})
	}
}

func TestWaitsGrowWithJitter(t *testing.T) {
	retry := Retry{Attempts: 9, MinWait: 100 * time.Millisecond, MaxWait: 3 * time.Second, Deadline: time.Hour}
	bounds := []time.Duration{100, 200, 400, 800, 1600, 3000, 3000, 3000} // milliseconds
	var sums [8]time.Duration
	const rounds = 200
	for range rounds {
		synctest.Test(t, func(t *testing.T) {
			s := &script{answers: []answerFunc{says(503, "")}}
			b := scripted(t, s, func(o *Options) { o.Retry = retry })
			if _, err := b.Head(t.Context(), "k"); err == nil {
				t.Fatal("no error")
			}
			if len(s.at) != 9 {
				t.Fatalf("%d attempts, want 9", len(s.at))
			}
			for i := range bounds {
				wait := s.at[i+1].Sub(s.at[i])
				if bound := bounds[i] * time.Millisecond; wait < 0 || wait > bound {
					t.Errorf("wait %d is %v, want at most %v", i+1, wait, bound)
				}
				sums[i] += wait
			}
		})
	}
	for i, bound := range bounds { // full jitter: the mean is half the bound
		if mean, want := sums[i]/rounds, bound*time.Millisecond/2; mean < want*3/4 || mean > want*5/4 {
			t.Errorf("wait %d is %v in the mean, want about %v", i+1, mean, want)
		}
	}
}

func TestRetryAfterIsRespectedAndCapped(t *testing.T) {
	tests := []struct {
		header   string
		min, max time.Duration
	}{
		{"", 0, 100 * time.Millisecond},
		{"2", 2 * time.Second, 2 * time.Second},
		{"0", 0, 100 * time.Millisecond},
		{"3600", 5 * time.Second, 5 * time.Second},
		{"99999999999999999999", 0, 100 * time.Millisecond},
		{"-1", 0, 100 * time.Millisecond},
		{"soon", 0, 100 * time.Millisecond},
		{"Sat, 01 Jan 2000 00:00:03 GMT", 3 * time.Second, 3 * time.Second}, // a bubble's clock begins then
		{"Fri, 31 Dec 1999 00:00:00 GMT", 0, 100 * time.Millisecond},
		{"Fri, 31 Dec 9999 23:59:59 GMT", 5 * time.Second, 5 * time.Second},
	}
	for _, tt := range tests {
		synctest.Test(t, func(t *testing.T) {
			s := &script{answers: []answerFunc{says(503, "", "Retry-After: "+tt.header), says(200, "", "Content-Length: 3")}}
			b := scripted(t, s, func(o *Options) { o.Retry.MaxWait = 5 * time.Second })
			if _, err := b.Head(t.Context(), "k"); err != nil {
				t.Fatal(err)
			}
			if wait := s.at[1].Sub(s.at[0]); wait < tt.min || wait > tt.max {
				t.Errorf("Retry-After %q: waited %v, want %v to %v", tt.header, wait, tt.min, tt.max)
			}
		})
	}
}

func TestDeadlineEndsAnOperation(t *testing.T) {
	tests := []struct {
		name    string
		answer  answerFunc
		timeout bool // the error is a deadline
	}{
		{"refusals", says(503, ""), false},
		{"a wish to wait for longer than there is", says(503, "", "Retry-After: 600"), false},
		{"silence", silence, true},
		{"a listing that drips", drip(3 * time.Second), true},
		{"an error that drips", func(r *http.Request) (*http.Response, error) {
			resp, err := drip(3 * time.Second)(r)
			resp.StatusCode = 503
			return resp, err
		}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &script{answers: []answerFunc{tt.answer}}
				b := scripted(t, s, func(o *Options) {
					o.Retry = Retry{Attempts: 1000, MaxWait: time.Hour, Deadline: 20 * time.Second}
				})
				begin := time.Now()
				_, err := list(t.Context(), b, ListOptions{})
				if asError(t, err); errors.Is(err, context.DeadlineExceeded) != tt.timeout {
					t.Errorf("%v; want a deadline: %v", err, tt.timeout)
				}
				if took := time.Since(begin); took > 20*time.Second {
					t.Errorf("took %v, want at most the deadline", took)
				}
				free(t, b)
			})
		})
	}
}

// drip sends enough not to be taken for stalled, and never ends.
func drip(every time.Duration) answerFunc {
	return func(r *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 200, Header: http.Header{}, ContentLength: -1, Body: &dripping{r.Context(), every}, Request: r}, nil
	}
}

type dripping struct {
	ctx   context.Context
	every time.Duration
}

func (d *dripping) Read(p []byte) (int, error) {
	t := time.NewTimer(d.every)
	defer t.Stop()
	select {
	case <-t.C:
	case <-d.ctx.Done():
		return 0, d.ctx.Err()
	}
	n := min(len(p), minProgress)
	for i := range p[:n] {
		p[i] = ' '
	}
	return n, nil
}

func (d *dripping) Close() error { return nil }

// The deadline is for the answer. A body that keeps coming may take its time.
func TestASteadyBodyMayTakeLongerThanTheDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n = 50 * minProgress
		s := &script{answers: []answerFunc{func(r *http.Request) (*http.Response, error) {
			resp, err := drip(3 * time.Second)(r)
			resp.StatusCode, resp.ContentLength = 206, n
			resp.Header.Set("Etag", `"e"`)
			resp.Header.Set("Content-Range", span{0, n}.contentRange(n))
			return resp, err
		}}}
		b := scripted(t, s, func(o *Options) { o.Retry.Deadline = 20 * time.Second })
		begin := time.Now()
		body, err := b.OpenRange(t.Context(), Object{Key: "k", ETag: "e", Size: n}, 0, n)
		if err != nil {
			t.Fatal(err)
		}
		defer body.Close()
		if _, err := io.ReadFull(body, make([]byte, n)); err != nil || s.count() != 1 || time.Since(begin) != 150*time.Second {
			t.Errorf("after %d requests and %v: %v; want all of it after one", s.count(), time.Since(begin), err)
		}
	})
}

func TestEachAttemptIsSignedAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{answers: append(times(3, says(503, "", "Retry-After: 2")), listed)}
		b := scripted(t, s)
		if _, err := list(t.Context(), b, ListOptions{}); err != nil {
			t.Fatal(err)
		}
		signatures := map[string]bool{}
		for i, r := range s.reqs {
			if got, want := r.Header.Get("X-Amz-Date"), s.at[i].UTC().Format("20060102T150405Z"); got != want {
				t.Errorf("attempt %d is dated %s, want %s", i+1, got, want)
			}
			signatures[r.Header.Get("Authorization")] = true
		}
		if len(signatures) != 4 {
			t.Errorf("%d different signatures in 4 attempts", len(signatures))
		}
	})
}
