package main

import (
	"context"
	"errors"
	"fmt"
	iofs "io/fs"
	"log/slog"
	"os"
	"time"

	"s3mount/s3"
)

// A present bucket has answered.
type present struct {
	*s3.Bucket
	first *s3.Page  // of all keys below the prefix; nil: it may not be asked for
	asked time.Time // when it was asked for
}

// noSuchKey is a name below what is mounted that is not likely to be one of
// somebody's: it is asked for where nothing may be listed.
const noSuchKey = ".s3mount-is-there"

// answering gives the bucket once it has answered.
func (s *settings) answering(ctx context.Context, what target, log *slog.Logger) (*present, error) {
	bucket, err := s.bucket(ctx, what, log)
	if err != nil {
		return nil, err
	}
	if s.noList {
		return &present{Bucket: bucket}, s.refusal(bucket.Greet(ctx, what.prefix+noSuchKey))
	}
	asked := time.Now()
	page, err := bucket.Probe(ctx, what.prefix)
	if errors.Is(err, s3.ErrForbidden) && mayList(ctx, bucket, what.prefix) {
		return &present{Bucket: bucket}, nil
	}
	switch {
	case err != nil:
		if hint := s.versionsHint(what, err); hint != "" {
			err = &hintError{err, hint}
		}
		return nil, s.refusal(err)
	case s.byVersion() && len(page.Entries) > 0 && !bucket.KeepsVersions():
		s.warn(log, what, "none of the first objects of %s has a version id: what was replaced or deleted while no versions were kept is not there")
	case len(page.Entries) == 0 && page.Last && !s.at.IsZero():
		s.warn(log, what, "there was no key below %s at "+s.at.String()+"; the mount is empty")
	case len(page.Entries) == 0 && page.Last && what.prefix != "":
		s.warn(log, what, "there is no key below %s; the mount is empty")
	}
	return &present{bucket, &page, asked}, nil
}

// mayList says whether a directory may be listed that may not with all that is
// below it: a policy may want a delimiter (its condition s3:delimiter).
func mayList(ctx context.Context, bucket *s3.Bucket, prefix string) bool {
	for _, err := range bucket.List(ctx, s3.ListOptions{Prefix: prefix, Delimiter: "/", PageSize: 1}) {
		return err == nil
	}
	return true
}

// warn says something of what is mounted to the log, and to who waits for the
// mount: in the background the log is elsewhere.
func (s *settings) warn(log *slog.Logger, what target, format string) {
	log.Warn(fmt.Sprintf(format, what), "source", what.String())
	if !s.foreground {
		fmt.Fprintf(os.Stderr, "s3mount: warning: "+format+"\n", quoted(what.String()))
	}
}

// refusal gives the error of the first question its hint.
func (s *settings) refusal(err error) error {
	switch {
	case errors.As(err, new(*hintError)):
	case s.unsigned && errors.Is(err, iofs.ErrPermission):
		return &hintError{err, notPublicHint}
	case !s.noList && errors.Is(err, s3.ErrForbidden):
		return &hintError{err, mayNotListHint}
	}
	return err
}

const (
	// notPublicHint is about an unsigned request that was refused.
	notPublicHint = "the bucket is not open to everybody; leave --no-sign-request away and use credentials, or with --no-list open what is at known paths"

	// mayNotListHint is about a listing that was refused.
	mayNotListHint = "the credentials are good but may not list; a mount needs s3:ListBucket on the bucket and s3:GetObject on its objects (`s3mount policy` prints the policy); with --no-list known paths open without s3:ListBucket"
)

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
