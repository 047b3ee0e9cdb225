package s3

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"math/rand/v2"
	"net/http"
	"time"

	"s3mount/sigv4"
)

// A verdict says what becomes of an operation after a failed attempt.
type verdict int

const (
	never         verdict = iota // the answer is the answer
	atOnce                       // what was wrong with the request is known and corrected
	waitThenAgain                // the server or the network is in trouble
)

// corrections are what one operation has learned from refusals. Each is made
// once: a server that refuses again means it.
type corrections struct {
	region, clock, token bool
	refused              sigv4.Credentials // by the server; not to be used again
}

// judge decides whether to ask again, and how long to wait at least.
func (b *Bucket) judge(ctx context.Context, c call, e *Error, used sigv4.Credentials, fix *corrections) (verdict, time.Duration) {
	if ctx.Err() != nil {
		e.Err = ended(ctx)
		return never, 0
	}
	switch {
	case !fix.region && wrongRegion(e):
		fix.region = true
		b.adopt(e.region)
		if b.Region() == e.region { // adopted now, or by another operation meanwhile
			return atOnce, 0
		}
	case !fix.clock && b.wrongClock(e):
		fix.clock = true
		if b.learnClock(e.date) {
			return atOnce, 0
		}
	case e.expired() && !fix.token && b.opts.Credentials != nil:
		fix.token = true
		fix.refused = used
		limited, cancel := context.WithDeadline(ctx, c.limit)
		fresh, err := b.credentials(limited, used)
		cancel()
		switch {
		case err == nil && fresh != used:
			return atOnce, 0
		case errors.Is(err, context.DeadlineExceeded):
			e.Err = err // whether there are others is not known
			return never, 0
		}
	}
	if passing(e) {
		return waitThenAgain, min(e.retryAfter, c.retry.MaxWait)
	}
	return never, 0
}

// wrongRegion says whether a region hint in the reply is the reason for it:
// S3 sends the hint with good replies and with plain refusals too.
func wrongRegion(e *Error) bool {
	if e.region == "" || e.region == e.signedFor {
		return false
	}
	switch e.Status {
	case http.StatusMovedPermanently, http.StatusTemporaryRedirect, http.StatusBadRequest:
		return true
	case http.StatusForbidden:
		return e.Code == "" || e.Code == "SignatureDoesNotMatch" || e.Code == "AuthorizationHeaderMalformed"
	}
	return false
}

// wrongClock says whether a refusal is for the time of the signature. The reply
// to a HEAD has no code that says so; its date does.
func (b *Bucket) wrongClock(e *Error) bool {
	if e.Op == opHead && e.Status == http.StatusForbidden {
		return e.date.Sub(e.signedAt).Abs() > 10*time.Minute // S3 allows 15
	}
	return e.Code == "RequestTimeTooSkewed"
}

// learnClock takes the server's clock for signing. A date that no server of
// today has is not believed.
func (b *Bucket) learnClock(date time.Time) bool {
	if y := date.Year(); y < 2024 || y > 2100 {
		return false
	}
	skew := time.Until(date)
	b.skew.Store(int64(skew))
	b.opts.Log.Warn("the clock here differs from the server's; signing with the server's", "difference", skew.Round(time.Second))
	return true
}

// passing says whether the trouble may be over soon.
func passing(e *Error) bool {
	if e.Err == nil {
		switch e.Status {
		case http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusInternalServerError,
			http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
			return true
		}
		return passingCode(e.Code)
	}
	switch {
	case errors.Is(e.Err, ErrCredentials), errors.Is(e.Err, ErrChanged), errors.Is(e.Err, ErrNoVersions):
		return false
	case e.Code != "": // an error inside a reply that began as a success
		return passingCode(e.Code)
	}
	return !badCertificate(e.Err)
}

func passingCode(code string) bool {
	switch code {
	case "InternalError", "SlowDown", "ServiceUnavailable", "RequestTimeout", "Throttling",
		"ThrottlingException", "TooManyRequests", "OperationAborted":
		return true
	}
	return false
}

// badCertificate says whether the other end is not who it should be, or does
// not speak TLS. Waiting does not mend that.
func badCertificate(err error) bool {
	var (
		verification *tls.CertificateVerificationError
		unknown      x509.UnknownAuthorityError
		name         x509.HostnameError
		record       tls.RecordHeaderError
	)
	return errors.As(err, &verification) || errors.As(err, &unknown) || errors.As(err, &name) || errors.As(err, &record)
}

// jitter is a wait anywhere up to the bound of this attempt ("full jitter":
// https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/).
func jitter(r Retry, attempt int) time.Duration {
	bound := r.MaxWait
	if shift := attempt - 1; shift < 20 {
		bound = min(bound, r.MinWait<<shift)
	}
	return rand.N(max(bound, 1))
}
