package main

import (
	"crypto/tls"
	"encoding/pem"
	"net/http/httptest"
	"strings"
	"testing"

	"s3mount/s3/s3test"
)

// A server whose authority only the bundle knows, and the bundle.
func tlsServer(t *testing.T) (srv *s3test.Server, bundle string) {
	t.Helper()
	made := httptest.NewTLSServer(nil) // for its certificate
	certificate := made.TLS.Certificates[0]
	made.Close()
	srv = s3test.New(t, s3test.Options{TLS: &tls.Config{Certificates: []tls.Certificate{certificate}}})
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Certificate[0]})
	return srv, writeFile(t, "ca.pem", string(block))
}

// probe asks a server as a mount does at its start.
func probe(t *testing.T, srv *s3test.Server, args ...string) error {
	t.Helper()
	s, _ := parsed(t, append(args, "--endpoint-url", srv.Endpoint().String(), "--log-level", "error")...)
	_, err := s.answering(t.Context(), target{bucket: srv.Bucket()}, loggerOf(t, s))
	return err
}

func TestCABundle(t *testing.T) {
	srv, bundle := tlsServer(t)
	credentialsOf(t, srv)

	err := probe(t, srv)
	if err == nil || !strings.Contains(hintFor("s3mount", err), "--ca-bundle") {
		t.Errorf("without a bundle: %v; want an error whose hint names --ca-bundle", err)
	}
	if err := probe(t, srv, "--ca-bundle", bundle); err != nil {
		t.Errorf("--ca-bundle: %v", err)
	}
	t.Run("AWS_CA_BUNDLE", func(t *testing.T) {
		t.Setenv("AWS_CA_BUNDLE", bundle)
		if err := probe(t, srv); err != nil {
			t.Error(err)
		}
	})
	t.Run("the flag before AWS_CA_BUNDLE", func(t *testing.T) {
		t.Setenv("AWS_CA_BUNDLE", "/no/such/file")
		if err := probe(t, srv, "--ca-bundle", bundle); err != nil {
			t.Error(err)
		}
	})
	t.Run("ca_bundle of the profile", func(t *testing.T) {
		configFile(t, "[default]\nca_bundle = "+bundle+"\n")
		if err := probe(t, srv); err != nil {
			t.Error(err)
		}
	})
	for name, path := range map[string]string{
		"missing": "/no/such/file", "empty": "/dev/null", "no certificate": writeFile(t, "ca.pem", "certificate"), "a directory": t.TempDir(),
	} {
		t.Run(name, func(t *testing.T) {
			err := probe(t, srv, "--ca-bundle", path)
			if err == nil || !strings.Contains(err.Error()+hintFor("s3mount", err), "PEM") {
				t.Errorf("%v; want an error about PEM certificates", err)
			}
			if err != nil && !strings.Contains(strings.ToLower(hintFor("s3mount", err)), "certificate") {
				t.Errorf("%v: the hint is %q", err, hintFor("s3mount", err))
			}
		})
	}
	t.Run("sign --send", func(t *testing.T) {
		url := srv.Endpoint().String() + "/" + srv.Bucket() + "?list-type=2"
		if code, _, stderr := runs("sign", "--send", url); code != exitFailed || !strings.Contains(stderr, "--ca-bundle") {
			t.Errorf("without a bundle: exit code %d, %s", code, stderr)
		}
		if code, stdout, stderr := runs("sign", "--send", "--ca-bundle", bundle, url); code != 0 || !strings.Contains(stdout, "200 OK") {
			t.Errorf("with it: exit code %d, %s%s", code, stdout, stderr)
		}
	})
}

// https where http is spoken, and the other way.
func TestWrongScheme(t *testing.T) {
	plain := s3test.New(t, s3test.Options{})
	credentialsOf(t, plain)
	s, _ := parsed(t, "--endpoint-url", "https://"+plain.Endpoint().Host, "--log-level", "error")
	_, err := s.answering(t.Context(), target{bucket: "b"}, loggerOf(t, s))
	if err == nil || !strings.Contains(hintFor("s3mount", err), "http://") {
		t.Errorf("https to a plain server: %v, hint %q", err, hintFor("s3mount", err))
	}
}
