package s3

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"s3mount/sigv4"
)

// A CredentialsFunc gives the credentials to sign with. It is called for every
// attempt and should remember what it gave. refused is the zero value, or
// credentials that the server has just refused as expired or unknown: the
// answer must then not come from a memory that holds these. An answer equal to
// refused says that there are no others.
type CredentialsFunc func(ctx context.Context, refused sigv4.Credentials) (sigv4.Credentials, error)

// Options say which bucket, where it is and how patient to be. Name is all
// that is needed.
type Options struct {
	Name         string            // of the bucket, or the ARN of an access point
	Region       string            // to sign for; "": us-east-1, or what the server says it is; an ARN has its own
	Endpoint     *url.URL          // scheme, host and perhaps a path; nil: AWS's for the region
	PathStyle    bool              // bucket in the path; also so wherever it cannot be in the host name
	RequestPayer bool              // agree to pay for the requests (x-amz-request-payer)
	Credentials  CredentialsFunc   // nil: requests are not signed
	Transport    http.RoundTripper // nil: NewTransport with its defaults
	Connections  int               // requests under way at the same time, at most; 0: 128
	Retry        Retry             // zero: the defaults that it names
	IdleTimeout  time.Duration     // without progress, a request is abandoned; 0: 10 s (a LIST: three times that)
	HedgeAfter   time.Duration     // a small request is sent again when it takes far longer than most, and longer than this; 0: 200 ms; below zero: never
	Log          *slog.Logger      // nil: nothing is logged

	// At, if not zero, has the bucket read as it was then, to the second: its
	// listings, and Head, tell of the version of each key that was the newest by
	// the end of that second, with its VersionID. They ask for the versions, which
	// takes a permission of its own (s3:ListBucketVersions); see [ErrNoVersions].
	At time.Time

	// Versions has listings tell of every version of a key: as many entries of one
	// Key, the newest first, the others marked as Noncurrent. A prefix is there if
	// any version is below it. With At those that came later are not.
	Versions bool
}

// Retry bounds the patience with one operation.
type Retry struct {
	Attempts int           // requests for one operation; 0: 10
	MinWait  time.Duration // before the second attempt, at most; doubles from there; 0: 100 ms
	MaxWait  time.Duration // between two attempts, at most; 0: 10 s
	Deadline time.Duration // for the answer, all attempts and waits included; 0: 60 s
}

func (r Retry) withDefaults() Retry {
	if r.Attempts == 0 {
		r.Attempts = 10
	}
	if r.MinWait == 0 {
		r.MinWait = 100 * time.Millisecond
	}
	if r.MaxWait == 0 {
		r.MaxWait = 10 * time.Second
	}
	if r.Deadline == 0 {
		r.Deadline = time.Minute
	}
	return r
}

func (o Options) withDefaults() Options {
	if isARN(o.Name) {
		if p, err := ParseAccessPoint(o.Name); err == nil {
			o.Region = p.Region
		}
	}
	if o.Region == "" {
		o.Region = "us-east-1"
	}
	if o.Connections == 0 {
		o.Connections = 128
	}
	if o.IdleTimeout == 0 {
		o.IdleTimeout = 10 * time.Second
	}
	if o.HedgeAfter == 0 {
		o.HedgeAfter = 200 * time.Millisecond
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	o.Retry = o.Retry.withDefaults()
	return o
}

func (o Options) check() error {
	switch {
	case !regionName(o.Region):
		return fmt.Errorf("s3: Options.Region: %q is not a region name", o.Region)
	case o.Connections < 0:
		return fmt.Errorf("s3: Options.Connections: %d is below zero", o.Connections)
	case o.IdleTimeout < 0:
		return fmt.Errorf("s3: Options.IdleTimeout: %v is below zero", o.IdleTimeout)
	case o.Retry.Attempts < 0 || o.Retry.MinWait < 0 || o.Retry.MaxWait < 0 || o.Retry.Deadline < 0:
		return fmt.Errorf("s3: Options.Retry: %+v has a value below zero", o.Retry)
	}
	return checkEndpoint(o.Endpoint)
}
