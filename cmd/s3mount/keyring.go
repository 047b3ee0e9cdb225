package main

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials/ec2rolecreds"
	"github.com/aws/aws-sdk-go-v2/credentials/processcreds"

	"s3mount/s3"
	"s3mount/sigv4"
)

// A keyring gives credentials, and new ones when the server has refused those
// it gave: files are read anew then, tokens exchanged.
type keyring struct {
	load func(context.Context) (aws.Config, error)

	loading sync.Mutex // held by whoever reads the configuration anew; the others want what comes of it

	mu     sync.Mutex  // guards config
	config *aws.Config // replaced, never changed
}

var _ s3.CredentialsFunc = (*keyring)(nil).credentials

// credentials is an s3.CredentialsFunc. However many requests were refused with
// the same credentials at the same time, the configuration is read once.
func (k *keyring) credentials(ctx context.Context, refused sigv4.Credentials) (sigv4.Credentials, error) {
	now := k.configured()
	c, err := retrieve(ctx, now)
	if err != nil || c != refused || refused == (sigv4.Credentials{}) {
		return c, err
	}
	fresh, err := k.reload(ctx, now)
	if err != nil {
		return c, err
	}
	return retrieve(ctx, fresh)
}

func (k *keyring) configured() *aws.Config {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.config
}

// reload reads the configuration again, unless somebody has since old.
func (k *keyring) reload(ctx context.Context, old *aws.Config) (*aws.Config, error) {
	k.loading.Lock()
	defer k.loading.Unlock()
	if now := k.configured(); now != old {
		return now, nil
	}
	fresh, err := k.load(ctx)
	if err != nil {
		return nil, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.config = &fresh
	return k.config, nil
}

func retrieve(ctx context.Context, cfg *aws.Config) (sigv4.Credentials, error) {
	c, err := retrieveAWS(ctx, cfg)
	if err != nil {
		return sigv4.Credentials{}, err
	}
	return sigv4.Credentials{AccessKeyID: c.AccessKeyID, SecretAccessKey: c.SecretAccessKey, SessionToken: c.SessionToken}, nil
}

// retrieveAWS gives them as the SDK does: with where they came from, and when
// they end.
func retrieveAWS(ctx context.Context, cfg *aws.Config) (aws.Credentials, error) {
	if cfg.Credentials == nil {
		return aws.Credentials{}, errors.New("none configured")
	}
	c, err := cfg.Credentials.Retrieve(ctx)
	var process *processcreds.ProviderError
	switch {
	case errors.As(err, &process):
		// The SDK would repeat what the process printed, secrets included.
		return aws.Credentials{}, fmt.Errorf("credential_process: %w", innermost(err))
	case err != nil && aws.IsCredentialsProvider(cfg.Credentials, (*ec2rolecreds.Provider)(nil)):
		// The last resort of the chain: nothing else was configured, and what
		// the SDK has to say is about EC2.
		return aws.Credentials{}, fmt.Errorf("none are configured, and EC2's metadata service gave none: %w", innermost(err))
	}
	return c, err
}

// innermost is where an error began.
func innermost(err error) error {
	for {
		next := errors.Unwrap(err)
		if next == nil {
			return err
		}
		err = next
	}
}
