package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"s3mount/s3"
	"s3mount/sigv4"
)

// signing is what `s3mount sign` is asked for.
type signing struct {
	access
	method, region, service string
	headers                 []string
	at, payload             string
	presign                 patience
	json, send, curl        bool
}

func newSignCommand() *cobra.Command {
	s := &signing{method: http.MethodGet, service: "s3"}
	cmd := &cobra.Command{
		Use:   "sign [flags] URL",
		Short: "Sign one request and show every step",
		Long: `Sign one request with AWS Signature Version 4, as S3 has it, and show every step:
the canonical request, the string to sign, the signature, and the header or the
URL to send.

The URL's path and query are taken as they are written, escaped where they are
not, and never cleaned: a "%20" stays one, a blank becomes one, "//" and ".."
stay; "+" is a plus. The credentials are the AWS CLI's.`,
		Example: `  s3mount sign https://examplebucket.s3.amazonaws.com/test.txt
  s3mount sign --json --header 'Range: bytes=0-9' --time 20130524T000000Z --region us-east-1 https://examplebucket.s3.amazonaws.com/test.txt
  s3mount sign --presign 1h https://examplebucket.s3.amazonaws.com/test.txt
  s3mount sign --curl https://examplebucket.s3.amazonaws.com/test.txt | sh
  s3mount sign --send 'http://127.0.0.1:9000/photos?list-type=2'`,
		Args: func(_ *cobra.Command, args []string) error {
			switch len(args) {
			case 0:
				return misused("no URL given")
			case 1:
				return nil
			}
			return misused("%d arguments: one URL is needed; in quotes, if it holds blanks", len(args))
		},
		DisableFlagsInUseLine: true,
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVar(&s.method, "method", s.method, "`METHOD` of the request")
	f.StringArrayVar(&s.headers, "header", nil, "`HEADER` to send and sign, as 'Name: value'; may be given more than once")
	f.StringVar(&s.at, "time", "", "`WHEN` the request is signed, as 20130524T000000Z (default now)")
	f.StringVar(&s.region, "region", "", "region `NAME` to sign for (default $AWS_REGION, the profile's, or us-east-1)")
	f.StringVar(&s.service, "service", s.service, "`SERVICE` to sign for")
	f.StringVar(&s.payload, "payload-hash", "", "`HASH` of the body (SHA-256 in hexadecimal), UNSIGNED-PAYLOAD, or omit for no x-amz-content-sha256 (default that of no body; with --presign UNSIGNED-PAYLOAD)")
	f.Var(&s.presign, "presign", "make a URL that works by itself for so long, 1s to 168h")
	s.access.flags(f)
	f.BoolVar(&s.json, "json", false, "print one JSON object and nothing else")
	f.BoolVar(&s.curl, "curl", false, "print a command line of curl that sends the request, and nothing else")
	f.BoolVar(&s.send, "send", false, "send the request and show the answer (GET and HEAD only); refused, say why")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return s.run(cmd.Context(), args[0], f.Changed("presign"), cmd.OutOrStdout())
	}
	return cmd
}

// credentialPatience is how long credentials may take to come.
const credentialPatience = 30 * time.Second

func (s *signing) run(ctx context.Context, rawURL string, presign bool, out io.Writer) error {
	req, err := s.request(rawURL)
	if err != nil {
		return err
	}
	at, err := s.time()
	if err != nil {
		return err
	}
	payload, err := s.payloadHash(presign)
	if err != nil {
		return err
	}
	if err := s.goTogether(req.Method); err != nil {
		return err
	}
	found, creds, err := s.identity(ctx)
	if err != nil {
		return err
	}
	steps, err := s.sign(req, creds, found.region, payload, at, presign)
	if err != nil {
		return signError(err)
	}
	switch {
	case s.json:
		return writeJSON(out, steps)
	case s.curl:
		_, err := fmt.Fprintln(out, curlCommand(req, wireURL(req), s.access.caBundle))
		return err
	}
	if err := writeSteps(out, req, steps); err != nil || !s.send {
		return err
	}
	answer, err := send(ctx, out, req, found.caBundle)
	if err != nil || answer.status < 300 {
		return err
	}
	if err := explainAnswer(out, req, steps, creds, answer); err != nil {
		return err
	}
	return &exitError{exitFailed}
}

// goTogether refuses flags that contradict one another.
func (s *signing) goTogether(method string) error {
	switch {
	case s.json && s.send:
		return misused("--json prints the steps and nothing else; it does not go with --send")
	case s.curl && s.send:
		return misused("--curl prints a command line and nothing else; it does not go with --send")
	case s.curl && s.json:
		return misused("--curl and --json: each prints one thing and nothing else")
	case s.send && method != http.MethodGet && method != http.MethodHead:
		return &hintError{misused("--send: %s would change something; this program only reads", method), "leave --send away, and give the Authorization header or URL to another program, or use --curl"}
	}
	return nil
}

// wireURL is where a signed request goes, as it was signed.
func wireURL(req *http.Request) string {
	return strings.ToLower(req.URL.Scheme) + "://" + req.URL.Host + req.URL.RequestURI()
}

// identity finds what to sign with, and for which region.
func (s *signing) identity(ctx context.Context) (awsSettings, sigv4.Credentials, error) {
	keepSecrets(slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithTimeout(ctx, credentialPatience)
	defer cancel()
	found, err := loadAWS(ctx, s.access, s.region)
	if err != nil {
		return found, sigv4.Credentials{}, err
	}
	if found.region == "" {
		found.region = "us-east-1"
	}
	creds, err := found.keys.credentials(ctx, sigv4.Credentials{})
	if err != nil {
		err = fmt.Errorf("%w: %w", s3.ErrCredentials, err)
	}
	return found, creds, err
}

func (s *signing) sign(req *http.Request, creds sigv4.Credentials, region, payload string, at time.Time, presign bool) (sigv4.Steps, error) {
	var signer sigv4.Signer
	scope := sigv4.Scope{Region: region, Service: s.service}
	if presign {
		return signer.Presign(req, creds, scope, payload, at, time.Duration(s.presign))
	}
	return signer.Sign(req, creds, scope, payload, at)
}

// request builds the request from what was typed.
func (s *signing) request(rawURL string) (*http.Request, error) {
	u, err := sigv4.ParseURL(rawURL)
	if err != nil {
		return nil, &hintError{&usageError{err}, "write the URL as https://HOST[:PORT]/PATH[?QUERY]"}
	}
	if !methodName.MatchString(s.method) {
		return nil, misused("--method %q: not a method", s.method)
	}
	req := &http.Request{Method: strings.ToUpper(s.method), URL: u, Host: u.Host, Header: http.Header{}}
	for _, h := range s.headers {
		name, value, ok := strings.Cut(h, ":")
		name, value = strings.TrimSpace(name), strings.TrimSpace(value)
		switch {
		case !ok || !headerName.MatchString(name):
			return nil, &hintError{misused("--header: %q is no header", name), "write it as --header 'Name: value'"}
		case strings.EqualFold(name, "Host"):
			req.Host = value
		default:
			req.Header.Add(name, value)
		}
	}
	return req, nil
}

var (
	methodName  = regexp.MustCompile(`^[A-Za-z]+$`)
	headerName  = regexp.MustCompile("^[-!#$%&'*+.^_`|~0-9A-Za-z]+$") // RFC 9110, 5.6.2
	payloadHash = regexp.MustCompile(`^[0-9a-f]{64}$`)
)

func (s *signing) time() (time.Time, error) {
	if s.at == "" {
		return time.Now(), nil
	}
	for _, layout := range []string{"20060102T150405Z", time.RFC3339} {
		if t, err := time.Parse(layout, s.at); err == nil {
			return t, nil
		}
	}
	return time.Time{}, misused("--time %q: write it as 20130524T000000Z", s.at)
}

func (s *signing) payloadHash(presign bool) (string, error) {
	switch h := s.payload; {
	case h == "" && presign, h == sigv4.UnsignedPayload:
		return sigv4.UnsignedPayload, nil
	case h == "":
		return sigv4.EmptyPayload, nil
	case h == "omit":
		return sigv4.OmitPayload, nil
	case payloadHash.MatchString(h):
		return h, nil
	}
	return "", misused("--payload-hash: it is 64 hexadecimal digits in lower case, UNSIGNED-PAYLOAD, or omit")
}

// signError says which flag an error of the signer is about.
func signError(err error) error {
	var input *sigv4.InputError
	if !errors.As(err, &input) {
		return err
	}
	switch input.Field {
	case "access key id", "secret access key", "session token":
		return &hintError{err, "check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN, or the profile, for blanks and line ends"}
	}
	return &usageError{err}
}

// stepsJSON is what --json prints.
type stepsJSON struct {
	CanonicalRequest string `json:"canonical_request"`
	StringToSign     string `json:"string_to_sign"`
	SignedHeaders    string `json:"signed_headers"`
	Signature        string `json:"signature"`
	Authorization    string `json:"authorization,omitempty"`
	URL              string `json:"url,omitempty"`
}

func writeJSON(out io.Writer, s sigv4.Steps) error {
	e := json.NewEncoder(out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(stepsJSON{s.CanonicalRequest, s.StringToSign, s.SignedHeaders, s.Signature, s.Authorization, s.URL})
}

// writeSteps shows the steps as a person reads them.
func writeSteps(out io.Writer, req *http.Request, s sigv4.Steps) error {
	var b strings.Builder
	show := func(title, text string) {
		fmt.Fprintf(&b, "%s\n  %s\n\n", title, strings.ReplaceAll(text, "\n", "\n  "))
	}
	show("Canonical request", s.CanonicalRequest)
	show("String to sign", s.StringToSign)
	show("Signed headers", s.SignedHeaders)
	show("Signature", s.Signature)
	if s.URL != "" {
		show("URL", s.URL)
	} else {
		show("Request", requestText(req))
	}
	_, err := io.WriteString(out, b.String())
	return err
}

// requestText is a request as it goes out.
func requestText(req *http.Request) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s HTTP/1.1\nHost: %s", req.Method, req.URL.RequestURI(), req.Host)
	for _, name := range sortedNames(req.Header) {
		for _, value := range req.Header[name] {
			fmt.Fprintf(&b, "\n%s: %s", name, value)
		}
	}
	return b.String()
}
