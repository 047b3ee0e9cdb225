package fs

import (
	"context"
	"errors"
	"fmt"
	iofs "io/fs"
	"strings"
	"syscall"
	"testing"

	"s3mount/cache"
	"s3mount/s3"
)

func TestErrno(t *testing.T) {
	status := func(op string, status int, code string) error {
		return &s3.Error{Op: op, Status: status, Code: code}
	}
	because := func(err error) error { return &s3.Error{Op: "get", Err: err} }
	for _, tt := range []struct {
		err  error
		want syscall.Errno
	}{
		{nil, 0},

		{status("head", 404, ""), syscall.ENOENT},
		{status("head", 404, "NoSuchKey"), syscall.ENOENT},
		{iofs.ErrNotExist, syscall.ENOENT},
		{status("list", 404, "NoSuchBucket"), syscall.EIO},
		{status("head", 404, "NoSuchBucket"), syscall.EIO},
		{status("list", 404, ""), syscall.EIO}, // a prefix cannot be missing

		{status("get", 401, ""), syscall.EACCES},
		{status("get", 403, "AccessDenied"), syscall.EACCES},
		{status("get", 403, "SignatureDoesNotMatch"), syscall.EACCES},
		{status("list", 400, "ExpiredToken"), syscall.EACCES},
		{status("get", 403, "InvalidObjectState"), syscall.EACCES},
		{s3.ErrArchived, syscall.EACCES},
		{because(s3.ErrCredentials), syscall.EACCES},
		{iofs.ErrPermission, syscall.EACCES},

		{status("get", 412, "PreconditionFailed"), syscall.ESTALE},
		{status("get", 404, "NoSuchKey"), syscall.ESTALE},
		{status("get", 416, "InvalidRange"), syscall.ESTALE},
		{because(fmt.Errorf("%w: another ETag", s3.ErrChanged)), syscall.ESTALE},
		{fmt.Errorf("%w: %w", s3.ErrChanged, status("head", 404, "")), syscall.ESTALE}, // an empty file that is gone

		{status("get", 500, "InternalError"), syscall.EIO},
		{status("list", 503, "SlowDown"), syscall.EIO},
		{status("get", 429, ""), syscall.EIO},
		{status("get", 301, "PermanentRedirect"), syscall.EIO},
		{status("get", 400, "InvalidRequest"), syscall.EIO},
		{because(syscall.ECONNREFUSED), syscall.EIO},
		{because(syscall.ECONNRESET), syscall.EIO},
		{because(errors.New("unbelievable reply")), syscall.EIO},
		{errors.New("anything else"), syscall.EIO},
		{cache.ErrClosed, syscall.EIO},
		{errUnanswered, syscall.EIO},
		{syscall.ENOENT, syscall.ENOENT}, // is iofs.ErrNotExist by errors.Is

		{context.DeadlineExceeded, syscall.ETIMEDOUT},
		{because(context.DeadlineExceeded), syscall.ETIMEDOUT},
		{context.Canceled, syscall.EINTR},
		{because(context.Canceled), syscall.EINTR},
		{errClosed, syscall.EINTR},
		{errNameTooLong, syscall.ENAMETOOLONG},
	} {
		for _, err := range []error{tt.err, wrapped(tt.err)} {
			if got := errno(err); got != tt.want {
				t.Errorf("errno(%v) = %v, want %v", err, got, tt.want)
			}
		}
	}
}

func wrapped(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("one: %w", errors.Join(errors.New("two"), fmt.Errorf("three: %w", err)))
}

// One line for what a user cannot find out from the errno, none for what is plain.
func TestReport(t *testing.T) {
	for _, tt := range []struct {
		err   error
		level string // "": no line
	}{
		{iofs.ErrNotExist, ""},
		{context.Canceled, ""},
		{errNameTooLong, ""},
		{s3.ErrChanged, "level=INFO"},
		{&s3.Error{Op: "get", Status: 403, Code: "AccessDenied", RequestID: "7F2A"}, "level=ERROR"},
		{&s3.Error{Op: "get", Status: 503, RequestID: "7F2A"}, "level=ERROR"},
		{context.DeadlineExceeded, "level=ERROR"},
		{fmt.Errorf("read: %w", cache.ErrClosed), ""},
	} {
		r := newRig(t, text())
		equal(t, "errno", r.report("read", "d/a\nb", tt.err), errno(tt.err))
		log := r.log.String()
		switch {
		case tt.level == "" && log != "":
			t.Errorf("%v: logged %q", tt.err, log)
		case tt.level != "" && (!strings.Contains(log, tt.level) || !strings.Contains(log, `key="d/a\nb"`) || strings.Count(log, "\n") != 1):
			t.Errorf("%v: logged %q", tt.err, log)
		}
		if e, ok := tt.err.(*s3.Error); ok && !strings.Contains(log, e.RequestID) {
			t.Errorf("%v: no request id in %q", tt.err, log)
		}
	}
}
