package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"

	"s3mount/s3"
	"s3mount/s3/s3test"
)

func TestHints(t *testing.T) {
	said := func(status int, code string) error {
		return &s3.Error{Op: "list", Bucket: "b", Status: status, Code: code}
	}
	failed := func(err error) error { return &s3.Error{Op: "list", Bucket: "b", Err: err} }
	refused := &net.OpError{Op: "dial", Net: "tcp", Addr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 9}, Err: syscall.ECONNREFUSED}
	tests := []struct {
		err  error
		hint string // a part of it
	}{
		{errors.New("anything"), "--log-level debug"},
		{misused("anything"), "`s3mount --help`"},
		{fmt.Errorf("wrapped: %w", misused("anything")), "`s3mount --help`"},
		{&hintError{errors.New("anything"), "do this"}, "do this"},
		{fmt.Errorf("wrapped: %w", &hintError{misused("anything"), "do this"}), "do this"},

		{said(404, "NoSuchBucket"), "spelling"},
		{said(400, "InvalidBucketName"), "name of the bucket"},
		{said(403, "InvalidAccessKeyId"), "AWS_ACCESS_KEY_ID"},
		{said(404, "XAdminUserNotFound"), "AWS_ACCESS_KEY_ID"},
		{said(403, "SignatureDoesNotMatch"), "AWS_SECRET_ACCESS_KEY"},
		{said(400, "ExpiredToken"), "AWS_SESSION_TOKEN"},
		{said(400, "InvalidToken"), "unset it"},
		{said(403, "RequestTimeTooSkewed"), "date -u"},
		{said(400, "AuthorizationHeaderMalformed"), "--region"},
		{said(301, "PermanentRedirect"), "--region"},
		{said(307, ""), "redirects are not followed"},
		{said(403, "AccessDenied"), "s3:ListBucket"},
		{said(403, ""), "--no-sign-request"},
		{said(401, "Unauthorized"), "--no-sign-request"},
		{said(503, "SlowDown"), "try again later"},
		{said(500, ""), "try again later"},
		{said(429, ""), "try again later"},
		{said(400, ""), "https://"},
		{said(404, ""), "is that an S3 server?"},
		{said(418, "Teapot"), "is that an S3 server?"},

		{failed(fmt.Errorf("%w: none", s3.ErrCredentials)), "looked in"},
		{fmt.Errorf("%w: none", s3.ErrCredentials), "looked in"},
		{failed(fmt.Errorf("%w: credential_process: exit status 3", s3.ErrCredentials)), "by hand"},
		{fmt.Errorf("%w: the SSO session has expired or is invalid", s3.ErrCredentials), "aws sso login"},
		{failed(&net.OpError{Op: "dial", Err: &net.DNSError{Name: "b.host", IsNotFound: true}}), "--path-style"},
		{failed(refused), "nothing listens at 127.0.0.1:9"},
		{failed(syscall.ECONNREFUSED), "nothing listens there"},
		{failed(syscall.EHOSTUNREACH), "no way to the server"},
		{failed(syscall.ENETUNREACH), "no way to the server"},
		{failed(syscall.ECONNRESET), "check --endpoint-url and the network"},
		{failed(x509.UnknownAuthorityError{}), "--ca-bundle"},
		{failed(&tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}}), "--ca-bundle"},
		{failed(x509.HostnameError{Certificate: new(x509.Certificate), Host: "h"}), "another name"},
		{failed(x509.CertificateInvalidError{Cert: new(x509.Certificate), Reason: x509.Expired}), "date -u"},
		{failed(tls.RecordHeaderError{Msg: "first record does not look like a TLS handshake"}), "http://"},
		{failed(context.DeadlineExceeded), "in time"},
		{failed(fmt.Errorf("no progress: %w", context.DeadlineExceeded)), "in time"},
		{failed(errors.New("unbelievable reply")), "check --endpoint-url"},
		{&s3.Error{Op: "list", Status: 200, Code: "Mystery", Err: errors.New("unbelievable reply")}, "check --endpoint-url"},
	}
	for _, tt := range tests {
		var out bytes.Buffer
		complain(&out, "s3mount", tt.err)
		if !isTwoLines(out.String()) {
			t.Errorf("%v: not two lines: %q", tt.err, out.String())
		}
		if hint := hintFor("s3mount", tt.err); !strings.Contains(hint, tt.hint) || strings.HasSuffix(hint, ".") {
			t.Errorf("%v: the hint is %q, want one with %q and without a stop", tt.err, hint, tt.hint)
		}
	}
	if hint := hintFor("s3mount sign", errors.New("anything")); !strings.Contains(hint, "the URL") {
		t.Errorf("the hint of sign is %q", hint)
	}
}

// A full disk has nothing to do with the server.
type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) {
	return 0, &os.PathError{Op: "write", Path: os.Stdout.Name(), Err: syscall.ENOSPC}
}

// What cannot be printed is not done, whichever command it is.
func TestOutputThatCannotBeWritten(t *testing.T) {
	capable(t)
	srv := s3test.New(t, s3test.Options{Bucket: "photos", Text: map[string]string{"a": "hello"}})
	credentialsOf(t, srv)
	object := srv.Endpoint().String() + "/photos/a"
	for _, args := range [][]string{
		{"sign", object}, {"sign", "--json", object}, {"sign", "--curl", object}, {"sign", "--presign", "1m", object}, {"sign", "--send", object},
		{"explain", "--string-to-sign", writeFile(t, "sts", "AWS4-HMAC-SHA256\n20130524T000000Z\n20130524/us-east-1/s3/aws4_request\n"+empty)},
		{"doctor", "--endpoint-url", srv.Endpoint().String(), "s3://photos"}, {"doctor", "--json", "--endpoint-url", srv.Endpoint().String(), "s3://photos"},
		{"policy", "s3://photos"}, {"version"},
	} {
		var stderr bytes.Buffer
		code := run(args, fullDisk{}, &stderr)
		if code != exitFailed || !isTwoLines(stderr.String()) || !strings.Contains(stderr.String(), "hint: the output could not be written") {
			t.Errorf("s3mount %q: exit code %d, %s", args, code, stderr.String())
		}
	}
}

// Every status has a hint, and every hint begins small and is one line.
func TestEveryStatusHasAHint(t *testing.T) {
	for status := 300; status < 600; status++ {
		hint := hintFor("s3mount", &s3.Error{Op: "list", Bucket: "b", Status: status, Code: http.StatusText(status)})
		if hint == "" || hint != oneLine(hint) || hint[0] >= 'A' && hint[0] <= 'Z' {
			t.Errorf("%d: the hint is %q", status, hint)
		}
	}
}

// Keys, names and messages come from strangers; none makes a third line or
// speaks to the terminal.
func TestComplainIsTwoLinesWhateverItIsAbout(t *testing.T) {
	if got := oneLine(" one\n\ttwo\r\nthree "); got != "one two three" {
		t.Errorf("one line of three: %q", got)
	}
	nasty := "a\nb\r\nc\td\x1b[31me\x00f\u2028g\u0085h\x7fi\u202ej\xffk"
	for _, err := range []error{
		errors.New(nasty),
		misused("%s", nasty),
		&hintError{errors.New(nasty), nasty},
		&s3.Error{Op: "list", Bucket: nasty, Key: nasty, Status: 404, Code: nasty, Message: nasty, RequestID: nasty},
		errors.Join(errors.New("one"), errors.New("two")),
		errors.New(""),
	} {
		var out bytes.Buffer
		complain(&out, "s3mount", err)
		if !isTwoLines(out.String()) {
			t.Errorf("%q: %q is not two lines", err, out.String())
		}
		for _, c := range []string{"\r", "\t", "\x1b", "\x00", "\u2028", "\u0085", "\x7f", "\u202e", "\xff"} {
			if strings.Contains(out.String(), c) {
				t.Errorf("%q is in %q", c, out.String())
			}
		}
	}
}
