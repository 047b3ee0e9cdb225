package main

import (
	"context"
	"errors"
	"fmt"
	iofs "io/fs"
	"log/slog"
	"os"
	"time"

	"s3mount/cache"
	"s3mount/fs"
	"s3mount/s3"
)

// A present is what is to be mounted, once it has answered.
type present interface {
	source() cache.Source
	show(fs.Options) (shown, error) // with what the answer has told
	Region() string
	Stats() s3.Stats
}

// A shown is what is mounted.
type shown interface {
	MountAt(dir string, opts fs.MountOptions) (*fs.Mount, error)
	Stats() fs.Stats
	Close()
}

// answering gives what was named once it has answered.
func (s *settings) answering(ctx context.Context, what target, log *slog.Logger) (present, error) {
	if what.all() {
		return s.answeringAccount(ctx, log)
	}
	return s.answeringBucket(ctx, what, log)
}

// A presentBucket has answered.
type presentBucket struct {
	*s3.Bucket
	first *s3.Page  // of all keys below the prefix; nil: it may not be asked for
	asked time.Time // when it was asked for
}

func (p *presentBucket) source() cache.Source { return source{p.Bucket} }

func (p *presentBucket) show(opts fs.Options) (shown, error) {
	opts.Bucket = p.Bucket
	tree, err := fs.New(opts)
	if err != nil {
		return nil, err
	}
	if p.first != nil {
		tree.Learn(*p.first, p.asked)
	}
	return tree, nil
}

func (s *settings) answeringBucket(ctx context.Context, what target, log *slog.Logger) (*presentBucket, error) {
	bucket, err := s.bucket(ctx, what, log)
	if err != nil {
		return nil, err
	}
	p := &presentBucket{Bucket: bucket, asked: time.Now()}
	if s.noList {
		return p, s.refusal(bucket.Greet(ctx, what.prefix))
	}
	page, err := bucket.Probe(ctx, what.prefix)
	if errors.Is(err, s3.ErrForbidden) && mayList(ctx, bucket, what.prefix) {
		return p, nil
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
	p.first = &page
	return p, nil
}

// A presentAccount has answered, or its endpoint has.
type presentAccount struct {
	*s3.Account
	buckets []s3.BucketEntry
	refused error     // why they are not known
	asked   time.Time // when they were asked for
}

func (p *presentAccount) source() cache.Source { return sources{p.Account} }

func (p *presentAccount) show(opts fs.Options) (shown, error) {
	account, err := fs.NewAccount(p.Account, opts)
	if err != nil {
		return nil, err
	}
	account.Learn(p.buckets, p.refused, p.asked)
	return account, nil
}

// answeringAccount asks for the list of the buckets. Whose it is not may enter
// buckets by their names, and is told so; who is not known may not.
func (s *settings) answeringAccount(ctx context.Context, log *slog.Logger) (*presentAccount, error) {
	account, err := s.account(ctx, log)
	if err != nil {
		return nil, err
	}
	p := &presentAccount{Account: account, asked: time.Now()}
	p.buckets, p.refused = account.Buckets(ctx, true)
	switch {
	case p.refused == nil:
	case errors.Is(p.refused, s3.ErrForbidden):
		if !s.noList {
			s.warn(log, target{}, "%s: the buckets may not be listed (s3:ListAllMyBuckets); they can be entered by their names")
		}
	default:
		return nil, s.refusal(p.refused)
	}
	return p, nil
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
