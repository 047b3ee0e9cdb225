package main

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"s3mount/cache"
	"s3mount/fs"
	"s3mount/s3"
)

// What each part is told: here a flag becomes a field of its options.

func (s *settings) s3Options(what target, found awsSettings, transport http.RoundTripper, log *slog.Logger) s3.Options {
	opts := s3.Options{
		Name: what.bucket, Region: found.region, Endpoint: found.endpoint, PathStyle: s.path,
		RequestPayer: s.requestPayer != "", Transport: transport, Connections: s.maxConnections,
		Retry: s3.Retry{
			Attempts: s.maxAttempts, MinWait: time.Duration(s.retryMinWait),
			MaxWait: time.Duration(s.retryMaxWait), Deadline: time.Duration(s.deadline),
		},
		IdleTimeout: time.Duration(s.idleTimeout), Log: log,
		At: s.at.Time, Versions: s.versions,
	}
	if !s.unsigned {
		opts.Credentials = found.keys.credentials
	}
	return opts
}

func (s *settings) cacheOptions(from cache.Source) cache.Options {
	opts := cache.Options{Source: from, MemoryBytes: int64(s.memory), ReadAheadBytes: int64(s.readAhead)}
	if s.readAhead == 0 {
		opts.ReadAheadBytes = -1 // the cache's word for none
	}
	return opts
}

func (s *settings) fsOptions(what target, bucket *s3.Bucket, blocks *cache.Cache, log *slog.Logger) fs.Options {
	return fs.Options{
		Bucket: bucket, Cache: blocks, Prefix: what.prefix, TTL: s.believed(),
		UID: uint32(s.uid), GID: uint32(s.gid), FileMode: uint32(s.fileMode), DirMode: uint32(s.dirMode),
		MaxEntries: s.maxEntries, PlainNames: s.names == "plain", Xattr: s.xattr, Posix: s.posixMetadata, Filters: s.filters, NoList: s.noList, Log: log,
	}
}

// believed is how long a listing is. What a bucket was does not change.
func (s *settings) believed() time.Duration {
	if _, given := s.from["metadata-ttl"]; !given && !s.at.IsZero() {
		return forGood
	}
	return time.Duration(s.ttl)
}

const forGood = 365 * 24 * time.Hour

// then is the time that is shown, for the log: an age says too little later.
func (s *settings) then() []any {
	if s.at.IsZero() {
		return nil
	}
	return []any{"at", s.at.String()}
}

// byVersion says whether the mount asks for versions.
func (s *settings) byVersion() bool { return s.versions || !s.at.IsZero() }

func (s *settings) fsMountOptions(what target, log *slog.Logger) fs.MountOptions {
	return fs.MountOptions{Source: what.String(), AllowOther: s.allowOther, NoExec: s.noExec, Log: log}
}

// connection gives what flags and AWS configuration say, and the transport to
// the server. With an error it gives what could be read.
func (s *settings) connection(ctx context.Context) (awsSettings, *http.Transport, error) {
	found, err := loadAWS(ctx, s.access, s.region)
	if err != nil {
		return awsSettings{}, nil, err
	}
	if found.endpoint, err = s.resolveEndpoint(ctx, found.keys.configured()); err != nil {
		return found, nil, err
	}
	transport, err := s3.NewTransport(s3.TransportOptions{CABundle: found.caBundle})
	if err != nil {
		return found, nil, &hintError{err, bundleHint}
	}
	return found, transport, nil
}

// bucketOf makes a bucket of options.
func bucketOf(opts s3.Options) (*s3.Bucket, error) {
	bucket, err := s3.New(opts)
	switch {
	case errors.Is(err, s3.ErrUnsupported):
		return nil, &hintError{err, unsupportedHint}
	case err != nil && strings.HasPrefix(opts.Name, "arn:"):
		return nil, &hintError{err, "an access point is in front of the server's host name: leave --path-style away, and --endpoint-url or give it one with a name"}
	case err != nil:
		return nil, &hintError{err, "check the name of the bucket, --region and AWS_REGION"}
	}
	return bucket, nil
}

// bucket gives the bucket that flags and AWS configuration describe.
func (s *settings) bucket(ctx context.Context, what target, log *slog.Logger) (*s3.Bucket, error) {
	found, transport, err := s.connection(ctx)
	if err != nil {
		return nil, err
	}
	return bucketOf(s.s3Options(what, found, transport, log))
}

// account gives the account that they describe.
func (s *settings) account(ctx context.Context, log *slog.Logger) (*s3.Account, error) {
	found, transport, err := s.connection(ctx)
	if err != nil {
		return nil, err
	}
	account, err := s3.NewAccount(s.s3Options(target{}, found, transport, log))
	if err != nil {
		return nil, &hintError{err, "check --region and AWS_REGION"}
	}
	return account, nil
}
