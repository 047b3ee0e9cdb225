package s3

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	iofs "io/fs"
	"net/http"
	"strconv"
	"sync"
	"time"

	"s3mount/sigv4"
)

// An Account is the buckets that one set of credentials reaches at one endpoint.
// They share a transport, a limit of requests under way and the counters. Its
// methods may be called from any number of goroutines.
type Account struct {
	service *Bucket // without a name: what is asked of no bucket

	mu      sync.Mutex // guards all below
	buckets map[string]*Bucket
}

// NewAccount gives the account that opts describe, without a name. It makes no
// request.
func NewAccount(opts Options) (*Account, error) {
	if opts.Name != "" {
		return nil, fmt.Errorf("s3: Options.Name: %q is one bucket", opts.Name)
	}
	service, err := newBucket(opts)
	if err != nil {
		return nil, err
	}
	return &Account{service: service, buckets: map[string]*Bucket{}}, nil
}

// Bucket gives the bucket of a name, the same one each time. A region that is not
// "" is where it is known to be when it is asked for first.
func (a *Account) Bucket(name, region string) (*Bucket, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if b, ok := a.buckets[name]; ok {
		return b, nil
	}
	opts := a.service.opts
	opts.Name, opts.Region, opts.Transport = name, a.service.Region(), a.service.transport
	if regionName(region) {
		opts.Region = region
	}
	if err := opts.checkName(); err != nil {
		return nil, err
	}
	b, err := newBucket(opts)
	if err != nil {
		return nil, err
	}
	b.transport, b.limit, b.stats = a.service.transport, a.service.limit, a.service.stats
	a.buckets[name] = b
	return b, nil
}

// Forget forgets a bucket: there is none of that name.
func (a *Account) Forget(name string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.buckets, name)
}

// Region is where requests go that are for no bucket.
func (a *Account) Region() string { return a.service.Region() }

// At is [Options.At].
func (a *Account) At() time.Time { return a.service.At() }

// Stats are the counts of all buckets together.
func (a *Account) Stats() Stats { return a.service.Stats() }

// CloseIdleConnections closes the connections that no request uses.
func (a *Account) CloseIdleConnections() { a.service.CloseIdleConnections() }

// A BucketEntry is one line of an account's listing.
type BucketEntry struct {
	Name   string
	Region string // "": the server did not say
}

// bucketsOfPage is how many are asked for at once: pages are what S3 wants of
// accounts with very many, and only then does it say where a bucket is.
const bucketsOfPage = 1000

// Buckets lists the buckets that are the account's own; who does not sign has
// none, which is [ErrForbidden]. Probing is for the first
// question to a server: with little patience.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListBuckets.html
func (a *Account) Buckets(ctx context.Context, probing bool) ([]BucketEntry, error) {
	var all []BucketEntry
	retry := a.service.opts.Retry
	if probing {
		retry = littlePatience
	}
	tokens := newSeen()
	for token := ""; ; {
		page, err := a.service.bucketsPage(ctx, token, retry)
		if err != nil {
			return nil, a.nobody(err)
		}
		for _, b := range page.Buckets.Bucket {
			all = append(all, BucketEntry{b.Name, b.BucketRegion})
		}
		if token = page.ContinuationToken; token == "" {
			return all, nil
		}
		if tokens.again(token) {
			return nil, a.service.listError(ListOptions{}, "the continuation token was given before")
		}
	}
}

// nobody makes it a refusal where who has not signed is sent elsewhere: nobody
// has no buckets, and S3 sends him to its product page.
func (a *Account) nobody(err error) error {
	var e *Error
	if a.service.opts.Credentials == nil && errors.As(err, &e) && e.Err == nil && e.Status >= 300 && e.Status < 400 {
		return fmt.Errorf("%w: %w: %w", iofs.ErrPermission, ErrForbidden, err)
	}
	return err
}

// bucketsBody is the XML of a page of buckets, or of an error that came as one.
type bucketsBody struct {
	XMLName xml.Name
	Buckets struct {
		Bucket []struct{ Name, BucketRegion string }
	}
	ContinuationToken string

	Code, Message string
}

// maxBucketsBody bounds a page: a bucket takes some 200 bytes, and servers that
// know no pages give all at once.
const maxBucketsBody = 64 << 20

func (b *Bucket) bucketsPage(ctx context.Context, token string, retry Retry) (bucketsBody, error) {
	query := "max-buckets=" + strconv.Itoa(bucketsOfPage)
	if token != "" {
		query = "continuation-token=" + sigv4.EscapeQuery(token) + "&" + query
	}
	var page bucketsBody
	r, err := b.do(ctx, call{
		op: opList, method: http.MethodGet, query: query, idle: 3 * b.opts.IdleTimeout, retry: retry,
		accept: func(r *reply) (err error) {
			page, err = decodeBuckets(r.Body)
			return err
		},
	})
	if err != nil {
		return bucketsBody{}, err
	}
	r.release()
	return page, nil
}

func decodeBuckets(r io.Reader) (page bucketsBody, err error) {
	err = xml.NewDecoder(io.LimitReader(r, maxBucketsBody)).Decode(&page)
	switch {
	case err != nil:
		return page, fmt.Errorf("%w: %w", errProtocol, err)
	case page.XMLName.Local == "Error":
		return page, &Error{Op: opList, Code: page.Code, Message: page.Message}
	case page.XMLName.Local != "ListAllMyBucketsResult":
		return page, fmt.Errorf("%w: <%s> in place of a list of buckets", errProtocol, printable(page.XMLName.Local, 64))
	}
	return page, nil
}
