package s3

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"s3mount/sigv4"
)

func TestCancellationEndsAnOperationAtOnce(t *testing.T) {
	reason := errors.New("the reader has left")
	for name, answer := range map[string]answerFunc{
		"while the server is silent": silence,
		"while waiting to ask again": says(503, "", "Retry-After: 10"),
		"in the middle of a listing": stalled("<ListBucketResult>"),
	} {
		for _, cause := range []error{nil, reason} {
			t.Run(name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					b := scripted(t, &script{answers: []answerFunc{answer}})
					ctx, cancel := context.WithCancelCause(t.Context())
					time.AfterFunc(3*time.Second, func() { cancel(cause) })
					begin := time.Now()
					_, err := list(ctx, b, ListOptions{})
					if asError(t, err); !errors.Is(err, context.Canceled) {
						t.Errorf("%v, want context.Canceled", err)
					}
					if cause != nil && !errors.Is(err, cause) {
						t.Errorf("%v does not tell the cause, %q", err, cause)
					}
					if took := time.Since(begin); took != 3*time.Second {
						t.Errorf("took %v, want 3s", took)
					}
					if got := b.Stats().Failures; got != 1 {
						t.Errorf("%d failures counted, want 1", got)
					}
					free(t, b)
				})
			})
		}
	}
}

func TestDeadlineOfTheCallerIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := scripted(t, &script{answers: []answerFunc{silence}})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := b.Head(ctx, "k"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v, want context.DeadlineExceeded", err)
		}
	})
}

func TestACancelledContextSendsNothing(t *testing.T) {
	s := &script{answers: []answerFunc{func(r *http.Request) (*http.Response, error) { return nil, r.Context().Err() }}}
	b := scripted(t, s)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := b.Head(ctx, "k"); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want context.Canceled", err)
	}
	if s.count() > 1 { // net/http itself looks before it sends
		t.Errorf("%d requests", s.count())
	}
}

func TestConnectionsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		busy, most := 0, 0
		s := &script{}
		s.answers = []answerFunc{func(r *http.Request) (*http.Response, error) {
			s.mu.Lock()
			busy++
			most = max(most, busy)
			s.mu.Unlock()
			time.Sleep(time.Second) // by the bubble's clock
			s.mu.Lock()
			busy--
			s.mu.Unlock()
			return says(200, "", "Content-Length: 1")(r)
		}}
		b := scripted(t, s, func(o *Options) { o.Connections = 3 })
		begin := time.Now()
		done := make(chan error)
		for range 12 {
			go func() { _, err := b.Head(t.Context(), "k"); done <- err }()
		}
		for range 12 {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
		if took := time.Since(begin); most != 3 || took != 4*time.Second {
			t.Errorf("%d at once, %v in all; want 3 at once, 4s", most, took)
		}
		free(t, b)
	})
}

func TestWaitingForAConnectionEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		body := says(206, "x", `Etag: "e"`, "Content-Range: bytes 0-0/1")
		b := scripted(t, &script{answers: []answerFunc{body}}, func(o *Options) {
			o.Connections = 1
			o.Retry.Deadline = 20 * time.Second
		})
		held, err := b.OpenRange(t.Context(), Object{Key: "k", ETag: "e", Size: 1}, 0, 1)
		if err != nil {
			t.Fatal(err)
		}

		begin := time.Now()
		if _, err := b.Head(t.Context(), "k"); !errors.Is(err, context.DeadlineExceeded) || time.Since(begin) != 20*time.Second {
			t.Errorf("after %v: %v; want a deadline after 20s", time.Since(begin), err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		time.AfterFunc(time.Second/2, cancel)
		if _, err := b.Head(ctx, "k"); !errors.Is(err, context.Canceled) {
			t.Errorf("%v, want context.Canceled", err)
		}

		time.AfterFunc(time.Second, func() { held.Close() })
		if _, err := b.Head(t.Context(), "k"); err != nil {
			t.Errorf("after the connection was given back: %v", err)
		}
		free(t, b)
	})
}

func TestSlotsAreGivenBackAfterErrors(t *testing.T) {
	object := Object{Key: "k", ETag: "e", Size: 10}
	for name, answer := range map[string]answerFunc{
		"a network error":   fails(errors.New("broken")),
		"a refusal":         says(403, refusal("AccessDenied")),
		"another version":   says(206, "0123456789", `Etag: "f"`, "Content-Range: bytes 0-9/10"),
		"an unlikely reply": says(206, "0123456789", `Etag: "e"`),
		"a body cut short":  says(206, "01234", `Etag: "e"`, "Content-Range: bytes 0-9/10", "Content-Length: 10"),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := scripted(t, &script{answers: []answerFunc{answer}}, func(o *Options) { o.Connections = 1 })
				for range 3 {
					body, err := b.OpenRange(t.Context(), object, 0, 10)
					if err == nil {
						_, err = readAll(body)
					}
					if err == nil {
						t.Error("no error")
					}
				}
				free(t, b)
			})
		})
	}
	t.Run("no credentials", func(t *testing.T) {
		b := scripted(t, &script{}, func(o *Options) {
			o.Credentials = always(sigv4.Credentials{})
		})
		if _, err := b.Head(t.Context(), "k"); !errors.Is(err, ErrCredentials) {
			t.Errorf("%v, want ErrCredentials", err)
		}
		free(t, b)
	})
}
