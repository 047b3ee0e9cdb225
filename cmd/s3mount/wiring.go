package main

import (
	"context"
	"errors"
	"fmt"
	iofs "io/fs"
	"log/slog"
	"net/http"
	"os"
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
		MaxEntries: s.maxEntries, PlainNames: s.names == "plain", Xattr: s.xattr, Posix: s.posixMetadata, Filters: s.filters, Log: log,
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
	if err != nil {
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

// notPublicHint is about an unsigned request that was refused.
const notPublicHint = "the bucket is not open to everybody; leave --no-sign-request away and use credentials"

// A present bucket has answered.
type present struct {
	*s3.Bucket
	first s3.Page   // of all keys below the prefix
	asked time.Time // when it was asked for
}

// answering gives the bucket once it has answered.
func (s *settings) answering(ctx context.Context, what target, log *slog.Logger) (*present, error) {
	bucket, err := s.bucket(ctx, what, log)
	if err != nil {
		return nil, err
	}
	asked := time.Now()
	page, err := bucket.Probe(ctx, what.prefix)
	switch {
	case s.unsigned && errors.Is(err, iofs.ErrPermission):
		return nil, &hintError{err, notPublicHint}
	case err != nil:
		if hint := s.versionsHint(what, err); hint != "" {
			return nil, &hintError{err, hint}
		}
		return nil, err
	case s.byVersion() && len(page.Entries) > 0 && !bucket.KeepsVersions():
		s.warn(log, what, "none of the first objects of %s has a version id: what was replaced or deleted while no versions were kept is not there")
	case len(page.Entries) == 0 && page.Last && !s.at.IsZero():
		s.warn(log, what, "there was no key below %s at "+s.at.String()+"; the mount is empty")
	case len(page.Entries) == 0 && page.Last && what.prefix != "":
		s.warn(log, what, "there is no key below %s; the mount is empty")
	}
	return &present{bucket, page, asked}, nil
}

// warn says something of the bucket before it is mounted.
func (s *settings) warn(log *slog.Logger, what target, format string) {
	log.Warn(fmt.Sprintf(format, what), "source", what.String())
	if !s.foreground { // in the background the log is elsewhere
		fmt.Fprintf(os.Stderr, "s3mount: warning: "+format+"\n", quoted(what.String()))
	}
}

// versionsHint is what to do where a listing of versions is refused; "": that is
// not what has failed.
func (s *settings) versionsHint(what target, err error) string {
	var e *s3.Error
	switch {
	case !s.byVersion():
	case errors.Is(err, s3.ErrNoVersions):
		return "--at and --versions need a server that has ListObjectVersions; without them the mount shows what is there now"
	case errors.As(err, &e) && denied(e):
		return "the credentials are good but may not list versions; they need s3:ListBucketVersions on the bucket and s3:GetObjectVersion on its objects: " + s.policyHint(what)
	}
	return ""
}

// policyHint says how to have the policy printed.
func (s *settings) policyHint(what target) string {
	words := "`s3mount policy "
	if !s.at.IsZero() {
		words += "--at " + s.at.String() + " "
	}
	if s.versions {
		words += "--versions "
	}
	return words + quoted(what.String()) + "` prints the policy"
}
