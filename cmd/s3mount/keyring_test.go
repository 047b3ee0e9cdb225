package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"s3mount/s3/s3test"
	"s3mount/sigv4"
)

// rotating is a configuration whose credentials change with every reading, up
// to a last one.
type rotating struct {
	loads atomic.Int64
	last  int64
}

func (r *rotating) load(context.Context) (aws.Config, error) {
	n := min(r.loads.Add(1), r.last)
	return aws.Config{Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: fmt.Sprint("K", n), SecretAccessKey: "s"}, nil
	})}, nil
}

func newKeyring(t *testing.T, r *rotating) *keyring {
	t.Helper()
	cfg, err := r.load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return &keyring{load: r.load, config: &cfg}
}

func TestKeyring(t *testing.T) {
	r := &rotating{last: 2}
	k := newKeyring(t, r)
	ask := func(refused sigv4.Credentials, want string, loads int64) sigv4.Credentials {
		t.Helper()
		c, err := k.credentials(t.Context(), refused)
		if err != nil || c.AccessKeyID != want || r.loads.Load() != loads {
			t.Errorf("after %v: %v, %v, read %d times; want %s, %d times", refused, c, err, r.loads.Load(), want, loads)
		}
		return c
	}
	first := ask(sigv4.Credentials{}, "K1", 1)
	ask(sigv4.Credentials{}, "K1", 1)
	second := ask(first, "K2", 2)
	ask(first, "K2", 2) // refused are the old ones; the new ones were not tried
	ask(sigv4.Credentials{}, "K2", 2)
	ask(second, "K2", 3) // the same again: there are no others
}

// However many requests were refused at the same time, files are read once.
func TestKeyringReadsOnceForAll(t *testing.T) {
	const requests = 64
	old := sigv4.Credentials{AccessKeyID: "OLD", SecretAccessKey: "s"}
	var all sync.WaitGroup // all have the old ones before any learns of others
	all.Add(requests)
	r := &rotating{last: 1000}
	k := &keyring{load: r.load, config: &aws.Config{Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		all.Done()
		all.Wait()
		return aws.Credentials{AccessKeyID: old.AccessKeyID, SecretAccessKey: old.SecretAccessKey}, nil
	})}}
	var wg sync.WaitGroup
	for range requests {
		wg.Go(func() {
			if c, err := k.credentials(t.Context(), old); err != nil || c.AccessKeyID != "K1" {
				t.Errorf("%v, %v; want K1", c, err)
			}
		})
	}
	wg.Wait()
	if n := r.loads.Load(); n != 1 {
		t.Errorf("the configuration was read %d times, want once", n)
	}
}

// A configuration that cannot be read any more leaves what there was.
func TestKeyringReloadFails(t *testing.T) {
	r := &rotating{last: 1}
	k := newKeyring(t, r)
	broken := errors.New("broken")
	k.load = func(context.Context) (aws.Config, error) { return aws.Config{}, broken }
	old, _ := k.credentials(t.Context(), sigv4.Credentials{})
	if _, err := k.credentials(t.Context(), old); !errors.Is(err, broken) {
		t.Errorf("%v, want what is wrong with the configuration", err)
	}
	if c, err := k.credentials(t.Context(), sigv4.Credentials{}); err != nil || c != old {
		t.Errorf("afterwards: %v, %v; want %v", c, err, old)
	}
}

// Keys that are exchanged in the shared file are used without a new start.
func TestSharedFileIsReadAgain(t *testing.T) {
	good := sigv4.Credentials{AccessKeyID: "AKIANEW", SecretAccessKey: "new"}
	srv := s3test.New(t, s3test.Options{Credentials: good, Text: map[string]string{"a": "1"}})
	entry := func(c sigv4.Credentials) string {
		return "[default]\naws_access_key_id = " + c.AccessKeyID + "\naws_secret_access_key = " + c.SecretAccessKey + "\n"
	}
	path := writeFile(t, "credentials", entry(sigv4.Credentials{AccessKeyID: "AKIAOLD", SecretAccessKey: "old"}))
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", path)
	s, _ := parsed(t, "--endpoint-url", srv.Endpoint().String(), "--log-level", "error")
	bucket, err := s.bucket(t.Context(), target{bucket: srv.Bucket()}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := bucket.Probe(t.Context(), ""); err == nil {
		t.Fatal("the old keys are taken")
	}
	if err := os.WriteFile(path, []byte(entry(good)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := bucket.Probe(t.Context(), ""); err != nil {
		t.Errorf("with new keys in the file: %v", err)
	}
}
