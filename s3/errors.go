package s3

import (
	"cmp"
	"errors"
	"fmt"
	iofs "io/fs"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"
)

var (
	// ErrChanged: the object is not the version that was asked for any more;
	// it was replaced or deleted.
	ErrChanged = errors.New("the object has changed")

	// ErrArchived: the object is in an archive and must be restored before it
	// can be read (InvalidObjectState).
	ErrArchived = errors.New("the object is archived")

	// ErrForbidden: the server knows who asks, as far as it says, and it may not
	// be. To who may not list, S3 says so of a key that is not there as well, and
	// the reply to a HEAD never says more.
	ErrForbidden = errors.New("forbidden")

	// ErrNoBucket: there is no bucket of that name, and perhaps cannot be.
	ErrNoBucket = errors.New("no such bucket")

	// ErrCredentials: there are no credentials to sign with, or they could not
	// be fetched.
	ErrCredentials = errors.New("no usable credentials")

	// errProtocol: a reply that does not fit what was asked. It is asked again.
	errProtocol = errors.New("unbelievable reply")
)

// An Error is what became of one operation.
type Error struct {
	Op           string // "list", "head" or "get"
	Bucket       string
	Key          string // of the object, or the prefix listed
	Status       int    // of the last reply; 0: there was none
	Code         string // S3's, as "NoSuchKey"; "" when the reply had none (HEAD never has)
	Message      string // the server's words
	RequestID    string // the server's, for its operator
	StorageClass string // of what is archived, if the server says it
	Attempts     int    // how many requests were made
	Err          error  // why there is no believable reply; nil when the reply itself says no

	signedFor  string        // the region that the request was signed for
	signedAt   time.Time     // as its signature says
	region     string        // the server's hint
	date       time.Time     // the server's clock
	retryAfter time.Duration // the server's wish
}

func (e *Error) Error() string {
	var s strings.Builder
	name := "s3://" // what is asked of no bucket
	if e.Bucket != "" {
		name += e.Bucket + "/" + e.Key
	}
	fmt.Fprintf(&s, "%s %s: ", e.Op, printable(name, 2048))
	switch {
	case e.Status != 0 && e.Err == nil:
		s.WriteString(strconv.Itoa(e.Status))
		if code := cmp.Or(e.Code, http.StatusText(e.Status)); code != "" {
			s.WriteString(" " + printable(code, 64))
		}
		if e.Message != "" {
			s.WriteString(": " + printable(e.Message, 256))
		}
	case e.Err != nil:
		s.WriteString(printable(e.Err.Error(), 512))
	}
	var notes []string
	if e.RequestID != "" {
		notes = append(notes, "request "+printable(e.RequestID, 128))
	}
	if e.Attempts > 1 {
		notes = append(notes, strconv.Itoa(e.Attempts)+" attempts")
	}
	if len(notes) > 0 {
		s.WriteString(" (" + strings.Join(notes, ", ") + ")")
	}
	return s.String()
}

func (e *Error) Unwrap() error { return e.Err }

// Is lets callers ask by meaning. The mapping is from what S3 documents and
// from what compatible servers were seen to send: some give only the status,
// and HEAD never gives a code.
// https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
func (e *Error) Is(target error) bool {
	if e.Err != nil {
		return false // there was no believable reply; Err speaks
	}
	gone := e.gone()
	switch target {
	case iofs.ErrNotExist:
		return gone
	case iofs.ErrPermission:
		denied := e.Status == http.StatusUnauthorized || e.Status == http.StatusForbidden || e.expired()
		return denied && e.Code != "InvalidObjectState"
	case ErrNoBucket:
		return e.Status == http.StatusNotFound && e.Code == "NoSuchBucket" || e.Status == http.StatusBadRequest && e.Code == "InvalidBucketName"
	case ErrForbidden:
		return e.forbidden()
	case ErrArchived:
		return e.Code == "InvalidObjectState"
	case ErrNoVersions:
		return e.Op == opList && (e.Status == http.StatusNotImplemented || e.Code == "NotImplemented")
	case ErrChanged:
		// A get is of an object that was there: gone, or shorter, is changed.
		return e.Status == http.StatusPreconditionFailed ||
			e.Op == opGet && (gone || e.Status == http.StatusRequestedRangeNotSatisfiable)
	}
	return false
}

// gone says that there is no such object. Nothing else is absence: a missing
// bucket is not, nor is what a LIST does not find (a prefix without keys is an
// empty listing), nor a code that is about something else. Versitygw answers an
// access key that it does not know with 404 XAdminUserNotFound (seen 2026-11,
// v1.8.0).
func (e *Error) gone() bool {
	if e.Status != http.StatusNotFound || e.Op == opList {
		return false
	}
	switch e.Code {
	case "", "NoSuchKey", "NoSuchVersion", "NotFound":
		return true
	}
	return false
}

// forbidden says that a refusal is about the object and not about who asks.
func (e *Error) forbidden() bool {
	if e.Status != http.StatusForbidden {
		return false
	}
	switch e.Code {
	case "", "AccessDenied", "AllAccessDisabled":
		return true
	}
	return false
}

// expired says that the server does not take these credentials any more, and
// may take others.
func (e *Error) expired() bool {
	switch e.Code {
	case "ExpiredToken", "ExpiredTokenException", "InvalidToken", "TokenRefreshRequired", "InvalidAccessKeyId", "XAdminUserNotFound":
		return true
	case "": // HEAD: an expired token is a bare 400 there
		return e.Op == opHead && e.Status == http.StatusBadRequest || e.Status == http.StatusUnauthorized
	}
	return false
}

// printable is s fit for one line of a log or a terminal: quoted when it holds
// anything but plain characters, cut when it is long. Keys and messages come
// from strangers.
func printable(s string, limit int) string {
	cut := ""
	if len(s) > limit {
		s, cut = s[:limit], "..."
	}
	for _, r := range s {
		if r == unicode.ReplacementChar || !unicode.IsPrint(r) {
			return strconv.Quote(s) + cut
		}
	}
	return s + cut
}
