package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"unicode"

	"s3mount/s3"
)

// complain says what went wrong and what to do about it: two lines, without
// capitals at the start or a stop at the end, each in one piece. command is the
// one whose help is of use.
func complain(w io.Writer, command string, err error) {
	fmt.Fprintf(w, "s3mount: error: %s\n", oneLine(err.Error()))
	fmt.Fprintf(w, "s3mount: hint: %s\n", oneLine(hintFor(command, err)))
}

// oneLine is s with every run of blanks and line ends as one blank, and without
// what a terminal would obey: names come from strangers.
func oneLine(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return unicode.ReplacementChar
	}, s)
}

// A hintError is an error that knows what to do about it.
type hintError struct {
	error
	hint string
}

func (e *hintError) Unwrap() error { return e.error }

// hintFor is what a user can do about an error.
func hintFor(command string, err error) string {
	var (
		own    *hintError
		misuse *usageError
		failed *s3.Error
	)
	switch {
	case notWritten(err):
		return "the output could not be written; see that there is room where it goes"
	case errors.As(err, &own):
		return own.hint
	case errors.As(err, &misuse):
		return "`" + command + " --help` shows what it takes"
	case errors.As(err, &failed) && failed.Err == nil:
		return hintForReply(failed)
	}
	hint := hintForNoReply(command, err)
	if command == "s3mount sign" { // it has the whole URL for an argument
		hint = strings.ReplaceAll(hint, "--endpoint-url", "the URL")
	}
	return hint
}

// notWritten says whether it is the program's own output that failed, and not
// what it is about.
func notWritten(err error) bool {
	var file *os.PathError
	return errors.As(err, &file) && file.Op == "write" && file.Path == os.Stdout.Name()
}

// sessionHint is about temporary credentials whose time is over.
const sessionHint = "the session has ended; log in again (`aws sso login`) or set a fresh AWS_SESSION_TOKEN"

// hintForReply is about a server that says no.
func hintForReply(e *s3.Error) string {
	switch e.Code {
	case "NoSuchBucket":
		return "check the spelling of the bucket, and that --endpoint-url and --region are those of its owner"
	case "InvalidBucketName":
		return "check the name of the bucket: 3 to 63 small letters, digits, dots and hyphens"
	case "InvalidAccessKeyId", "XAdminUserNotFound": // the latter is versitygw's, with status 404
		return "the server does not know this access key; check AWS_ACCESS_KEY_ID, --profile and --endpoint-url"
	case "SignatureDoesNotMatch":
		return "the secret key does not belong to the access key, or something on the way changes requests; check AWS_SECRET_ACCESS_KEY, and `s3mount sign --send URL` to see every step and what differs"
	case "ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired":
		return sessionHint
	case "InvalidToken":
		return "the session token is not one of this access key and server; set a fresh AWS_SESSION_TOKEN, or unset it where the key is long-lived"
	case "RequestTimeTooSkewed":
		return "the clock of this machine, or of the server, is wrong; compare `date -u` on both"
	case "AuthorizationHeaderMalformed", "PermanentRedirect", "TemporaryRedirect":
		return "the bucket is in another region or at another endpoint; set --region or --endpoint-url"
	case "AccessDenied", "AllAccessDisabled":
		return "the credentials are good but may not do this; a mount needs s3:ListBucket on the bucket and s3:GetObject on its objects"
	}
	switch {
	case e.Status == 401 || e.Status == 403:
		return "the server refuses these credentials; check which ones are used (`aws sts get-caller-identity`), or --no-sign-request for a public bucket"
	case e.Status >= 300 && e.Status < 400:
		return "redirects are not followed; set --region or --endpoint-url to where the bucket is"
	case e.Status >= 500 || e.Status == 429:
		return "the server is in trouble or overloaded; try again later"
	case e.Status == 400 && e.Code == "":
		return "check --endpoint-url: is that an S3 server, and does its URL begin with https:// instead?"
	}
	return "check --endpoint-url: is that an S3 server?"
}

// hintForCredentials is about the source that has failed, where one was chosen,
// and else about all of them.
func hintForCredentials(err error) string {
	switch said := err.Error(); {
	case strings.Contains(said, "credential_process"):
		return "run the credential_process of the profile by hand: it must end with 0 and print JSON with Version, AccessKeyId and SecretAccessKey"
	case strings.Contains(said, "SSO "):
		return "log in again: `aws sso login`, with --profile where it is not the default one"
	}
	return noCredentialsHint
}

// hintForNoReply is about the way to the server.
func hintForNoReply(command string, err error) string {
	var (
		dns      *net.DNSError
		dial     *net.OpError
		unknown  x509.UnknownAuthorityError
		hostname x509.HostnameError
		invalid  x509.CertificateInvalidError
		record   tls.RecordHeaderError
	)
	switch {
	case errors.Is(err, s3.ErrCredentials):
		return hintForCredentials(err)
	case errors.As(err, &dns):
		return "the name of the server cannot be resolved; check --endpoint-url, --region and the network; a server without names for buckets needs --path-style"
	case errors.As(err, &unknown):
		return "the server's certificate is from an authority that is not known here; give its certificate with --ca-bundle"
	case errors.As(err, &hostname):
		return "the server's certificate is for another name; check --endpoint-url, or try --path-style"
	case errors.As(err, &invalid):
		return "the server's certificate is not valid now, or not for this use; compare `date -u` here with its dates"
	case errors.As(err, &record):
		return "the server does not speak TLS there; does the endpoint begin with http:// instead?"
	case errors.Is(err, syscall.ECONNREFUSED):
		where := "there"
		if errors.As(err, &dial) && dial.Addr != nil {
			where = "at " + dial.Addr.String()
		}
		return "nothing listens " + where + "; check --endpoint-url and that the server runs"
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return "there is no way to the server from here; check --endpoint-url and the network"
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		return "the server did not answer in time; check --endpoint-url, the network and the firewall"
	case errors.As(err, new(*s3.Error)):
		return "check --endpoint-url and the network; -f --log-level debug shows every request"
	case command == "s3mount":
		return "-f --log-level debug shows more"
	case command == "s3mount doctor":
		return "check --endpoint-url, the network, and HTTP_PROXY and HTTPS_PROXY if they are set; --log-level debug shows every request"
	case command == "s3mount sign":
		return "check the URL and the network"
	}
	return "`" + command + " --help` shows what it takes"
}
