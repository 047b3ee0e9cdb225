package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"s3mount/s3"
)

// maxShown is how much of an answer's body is shown.
const maxShown = 1 << 20

// sendPatience is how long an answer may take.
const sendPatience = 30 * time.Second

func sortedNames(h http.Header) []string { return slices.Sorted(maps.Keys(h)) }

// send sends a signed request as it is, once, and shows the answer: status,
// headers and body. An answer that is no success is exit code 1.
func send(ctx context.Context, out io.Writer, req *http.Request, caBundle []byte) error {
	transport, err := s3.NewTransport(s3.TransportOptions{CABundle: caBundle})
	if err != nil {
		return &hintError{err, bundleHint}
	}
	defer transport.CloseIdleConnections()
	ctx, cancel := context.WithTimeout(ctx, sendPatience)
	defer cancel()
	resp, err := transport.RoundTrip(req.WithContext(ctx)) // follows no redirect
	var wrapped *url.Error
	switch {
	case errors.As(err, &wrapped):
		return fmt.Errorf("send to %s: %w", req.URL.Host, wrapped.Err)
	case err != nil:
		return fmt.Errorf("send to %s: %w", req.URL.Host, err)
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
	n, err := io.Copy(out, io.LimitReader(resp.Body, maxShown))
	if n > 0 {
		fmt.Fprintln(out)
	}
	if n == maxShown {
		fmt.Fprintf(out, "(no more than %d bytes are shown)\n", maxShown)
	}
	switch {
	case err != nil:
		return fmt.Errorf("the answer's body broke after %d bytes: %w", n, err)
	case resp.StatusCode >= 300:
		return &exitError{exitFailed}
	}
	return nil
}
