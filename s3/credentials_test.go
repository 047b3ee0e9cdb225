package s3

import (
	"context"
	"errors"
	"fmt"
	iofs "io/fs"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"s3mount/s3/s3test"
	"s3mount/sigv4"
)

// A purse is a CredentialsFunc with a memory, as the program has one.
type purse struct {
	mu      sync.Mutex
	held    sigv4.Credentials
	fetched int
	fetch   func(ctx context.Context) (sigv4.Credentials, error)
}

func (p *purse) credentials(ctx context.Context, refused sigv4.Credentials) (sigv4.Credentials, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.held != (sigv4.Credentials{}) && p.held != refused {
		return p.held, nil
	}
	p.fetched++
	c, err := p.fetch(ctx)
	if err == nil {
		p.held = c
	}
	return c, err
}

func token(n int) sigv4.Credentials {
	return sigv4.Credentials{AccessKeyID: "AKIDTEST", SecretAccessKey: "secret", SessionToken: fmt.Sprint("token-", n)}
}

func TestExpiredCredentialsAreRefreshedOnceForAll(t *testing.T) {
	for _, code := range []string{"ExpiredToken", "InvalidToken", "TokenRefreshRequired", "InvalidAccessKeyId"} {
		t.Run(code, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := &purse{held: token(1), fetch: func(context.Context) (sigv4.Credentials, error) { return token(2), nil }}
				s := &script{answers: []answerFunc{func(r *http.Request) (*http.Response, error) {
					time.Sleep(time.Second) // so that all are under way
					if r.Header.Get("X-Amz-Security-Token") == "token-1" {
						return says(400, refusal(code), "X-Amz-Bucket-Region: us-east-1")(r)
					}
					return listed(r)
				}}}
				b := scripted(t, s, func(o *Options) { o.Credentials = p.credentials })
				var all sync.WaitGroup
				for range 20 {
					all.Go(func() {
						if _, err := list(t.Context(), b, ListOptions{}); err != nil {
							t.Error(err)
						}
					})
				}
				all.Wait()
				if p.fetched != 1 || s.count() != 40 {
					t.Errorf("fetched %d times in %d requests, want 1 in 40", p.fetched, s.count())
				}
			})
		})
	}
}

func TestExpiredCredentialsThatCannotBeRefreshed(t *testing.T) {
	answer := says(400, refusal("ExpiredToken"))
	tests := []struct {
		name     string
		fetch    func(context.Context) (sigv4.Credentials, error)
		requests int
		want     error
		after    time.Duration
	}{
		{"the same again", func(context.Context) (sigv4.Credentials, error) { return token(1), nil }, 1, iofs.ErrPermission, 0},
		{"an error", func(context.Context) (sigv4.Credentials, error) { return sigv4.Credentials{}, errors.New("no") }, 1, iofs.ErrPermission, 0},
		{"others, refused as well", func(context.Context) (sigv4.Credentials, error) { return token(2), nil }, 2, iofs.ErrPermission, 0},
		{"nothing for ever", func(ctx context.Context) (sigv4.Credentials, error) {
			<-ctx.Done()
			return sigv4.Credentials{}, ctx.Err()
		}, 1, context.DeadlineExceeded, time.Minute},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := &purse{held: token(1), fetch: tt.fetch}
				s := &script{answers: []answerFunc{answer}}
				b := scripted(t, s, func(o *Options) { o.Credentials = p.credentials })
				begin := time.Now()
				_, err := list(t.Context(), b, ListOptions{})
				if !errors.Is(err, tt.want) || s.count() != tt.requests || time.Since(begin) != tt.after {
					t.Errorf("after %d requests and %v: %v; want %d, %v, %v", s.count(), time.Since(begin), err, tt.requests, tt.after, tt.want)
				}
				if p.fetched != 1 {
					t.Errorf("fetched %d times, want 1", p.fetched)
				}
			})
		})
	}
}

func TestATokenThatExpiresBetweenTwoRequests(t *testing.T) {
	srv := s3test.New(t, s3test.Options{Credentials: token(1), Text: map[string]string{"k": "hello"}})
	p := &purse{held: token(1), fetch: func(context.Context) (sigv4.Credentials, error) { return token(2), nil }}
	b := open(t, srv, func(o *Options) { o.Credentials = p.credentials })
	for i := range 2 {
		for _, ask := range []func() error{
			func() error { _, err := b.Head(t.Context(), "k"); return err }, // refused with a bare 400
			func() error { _, err := list(t.Context(), b, ListOptions{}); return err },
		} {
			if err := ask(); err != nil {
				t.Errorf("token %d: %v", i+1, err)
			}
		}
		srv.Accept(token(2))
		srv.Expire("token-1")
	}
	if p.fetched != 1 {
		t.Errorf("fetched %d times, want 1", p.fetched)
	}
}

func TestNoCredentialsIsFinal(t *testing.T) {
	for name, f := range map[string]CredentialsFunc{
		"an error": func(context.Context, sigv4.Credentials) (sigv4.Credentials, error) {
			return sigv4.Credentials{}, errors.New("nobody home")
		},
		"nothing":       always(sigv4.Credentials{}),
		"not an id":     always(sigv4.Credentials{AccessKeyID: "a/b", SecretAccessKey: "x"}),
		"half of a one": always(sigv4.Credentials{AccessKeyID: "ab"}),
	} {
		synctest.Test(t, func(t *testing.T) {
			s := &script{answers: []answerFunc{listed}}
			b := scripted(t, s, func(o *Options) { o.Credentials = f })
			begin := time.Now()
			_, err := list(t.Context(), b, ListOptions{})
			if asError(t, err); !errors.Is(err, ErrCredentials) || s.count() != 0 || time.Since(begin) != 0 {
				t.Errorf("%s: %d requests, %v, error %v; want none, at once, ErrCredentials", name, s.count(), time.Since(begin), err)
			}
		})
	}
}

func TestTheServersClockIsLearned(t *testing.T) {
	const skewed = "RequestTimeTooSkewed"
	ago := func(d time.Duration) string { return "Date: " + time.Now().Add(d).UTC().Format(http.TimeFormat) }
	tests := []struct {
		name   string
		date   string // of the server
		learns time.Duration
	}{
		{"20 minutes ahead", ago(20 * time.Minute), 20 * time.Minute},
		{"20 minutes behind", ago(-20 * time.Minute), -20 * time.Minute},
		{"a year ahead", ago(365 * 24 * time.Hour), 365 * 24 * time.Hour},
		{"1970", "Date: Thu, 01 Jan 1970 00:00:00 GMT", 0},
		{"9999", "Date: Fri, 31 Dec 9999 23:59:59 GMT", 0},
		{"garbage", "Date: half past nine", 0},
		{"none", "X-None: ", 0},
	}
	for _, tt := range tests {
		for _, op := range []string{"list", "head"} {
			t.Run(tt.name+", "+op, func(t *testing.T) {
				s := &script{answers: []answerFunc{
					says(403, refusal(skewed), tt.date),
					says(200, emptyList),
				}}
				if op == "head" {
					s.answers[0] = says(403, "", tt.date)
				}
				b := scripted(t, s)
				ask := func() (err error) {
					if op == "head" {
						_, err = b.Head(t.Context(), "k")
					} else {
						_, err = list(t.Context(), b, ListOptions{})
					}
					return err
				}
				err := ask()
				if tt.learns == 0 {
					if !errors.Is(err, iofs.ErrPermission) || s.count() != 1 || b.skew.Load() != 0 {
						t.Errorf("after %d requests: %v; want one refusal", s.count(), err)
					}
					return
				}
				if err != nil || s.count() != 2 {
					t.Fatalf("after %d requests: %v; want the answer to the second", s.count(), err)
				}
				at, _ := time.Parse("20060102T150405Z", s.reqs[1].Header.Get("X-Amz-Date"))
				if off := time.Until(at) - tt.learns; off.Abs() > 3*time.Second {
					t.Errorf("signed for a time %v off the server's", off)
				}
				if ask(); s.count() != 3 {
					t.Errorf("%d requests after another operation, want 3: the clock is remembered", s.count())
				}
			})
		}
	}
}

func TestAClockThatIsWrongAgainIsNotLearnedTwice(t *testing.T) {
	s := &script{answers: []answerFunc{says(403, refusal("RequestTimeTooSkewed"), "Date: "+time.Now().Add(time.Hour).UTC().Format(http.TimeFormat))}}
	b := scripted(t, s)
	if _, err := list(t.Context(), b, ListOptions{}); !errors.Is(err, iofs.ErrPermission) || s.count() != 2 {
		t.Errorf("after %d requests: %v; want a refusal after 2", s.count(), err)
	}
}

func TestAServerWithAnotherTime(t *testing.T) {
	for _, off := range []time.Duration{20 * time.Minute, -20 * time.Minute, 10 * time.Minute} {
		srv := s3test.New(t, s3test.Options{ClockOffset: off, Text: map[string]string{"k": "v"}})
		b := open(t, srv)
		if _, err := b.Head(t.Context(), "k"); err != nil {
			t.Errorf("head, %v off: %v", off, err)
		}
		if _, err := b.OpenRange(t.Context(), object(t, srv, "k"), 0, 1); err != nil {
			t.Errorf("get, %v off: %v", off, err)
		}
	}
}

func TestAPlainDenialDoesNotMoveTheClock(t *testing.T) {
	srv := s3test.New(t, s3test.Options{DenyHead: true, Text: map[string]string{"k": "v"}})
	b := open(t, srv)
	if _, err := b.Head(t.Context(), "k"); !errors.Is(err, iofs.ErrPermission) || srv.Count("") != 1 || b.skew.Load() != 0 {
		t.Errorf("after %d requests: %v; want one refusal and the clock as it was", srv.Count(""), err)
	}
}
