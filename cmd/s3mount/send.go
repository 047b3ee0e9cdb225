package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	stdlog "log"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"s3mount/s3"
	"s3mount/sigv4"
	"s3mount/sigv4/explain"
)

// maxShown is how much of an answer's body is shown.
const maxShown = 1 << 20

// sendPatience is how long an answer may take.
const sendPatience = 30 * time.Second

func sortedNames(h http.Header) []string { return slices.Sorted(maps.Keys(h)) }

// An answer is what a server said.
type answer struct {
	status     int
	head, body string
}

// send sends a signed request as it is, once, and shows the answer: status,
// headers and body.
func send(ctx context.Context, out io.Writer, req *http.Request, caBundle []byte) (answer, error) {
	stdlog.SetOutput(io.Discard) // as doctor does
	transport, err := s3.NewTransport(s3.TransportOptions{CABundle: caBundle})
	if err != nil {
		return answer{}, &hintError{err, bundleHint}
	}
	defer transport.CloseIdleConnections()
	ctx, cancel := context.WithTimeout(ctx, sendPatience)
	defer cancel()
	resp, err := transport.RoundTrip(req.WithContext(ctx)) // follows no redirect
	var wrapped *url.Error
	switch {
	case errors.As(err, &wrapped):
		return answer{}, fmt.Errorf("send to %s: %w", req.URL.Host, wrapped.Err)
	case err != nil:
		return answer{}, fmt.Errorf("send to %s: %w", req.URL.Host, err)
	}
	defer resp.Body.Close()
	var head strings.Builder
	fmt.Fprintf(&head, "%s %s", resp.Proto, resp.Status)
	for _, name := range sortedNames(resp.Header) {
		for _, value := range resp.Header[name] {
			fmt.Fprintf(&head, "\n%s: %s", name, value)
		}
	}
	fmt.Fprintf(out, "Answer\n  %s\n\n", strings.ReplaceAll(head.String(), "\n", "\n  "))
	var body strings.Builder
	n, err := io.Copy(io.MultiWriter(out, &body), io.LimitReader(resp.Body, maxShown))
	if n > 0 {
		fmt.Fprintln(out)
	}
	if n == maxShown {
		fmt.Fprintf(out, "(no more than %d bytes are shown)\n", maxShown)
	}
	if err != nil {
		err = fmt.Errorf("the answer's body broke after %d bytes: %w", n, err)
	}
	return answer{resp.StatusCode, head.String(), body.String()}, err
}

// explainAnswer says why a request was refused, if its signature has to do with
// that.
func explainAnswer(out io.Writer, req *http.Request, steps sigv4.Steps, creds sigv4.Credentials, a answer) error {
	switch a.status {
	case http.StatusMovedPermanently, http.StatusTemporaryRedirect, http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden:
	default:
		return nil
	}
	report, err := explain.Explain(explain.Evidence{
		Request:          strings.ReplaceAll(requestText(req)+"\n\n", "\n", "\r\n"),
		CanonicalRequest: steps.CanonicalRequest,
		StringToSign:     steps.StringToSign,
		Response:         strings.ReplaceAll(a.head+"\n\n", "\n", "\r\n") + a.body,
		Credentials:      &creds,
		Now:              time.Now(),
	})
	if err != nil || len(report.Findings) == 0 {
		return err
	}
	fmt.Fprint(out, "\nWhy\n")
	return report.Text(out)
}
