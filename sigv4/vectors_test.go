package sigv4_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"s3mount/sigv4"
)

// Vectors of others, kept beside the project and not part of it. What must not
// be lost of them is in testdata.
const vectors = "../../shared/sigv4-vectors"

// readJSON reads a file of vectors into v, or skips the test.
func readJSON(t *testing.T, name string, v any) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(vectors, name))
	if err != nil {
		t.Skipf("the vectors are not here, and need not be: %v", err)
	}
	if err := json.Unmarshal(text, v); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

func parseTime(t *testing.T, layout, s string) time.Time {
	t.Helper()
	at, err := time.Parse(layout, s)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func TestDerivedVectors(t *testing.T) {
	var file struct {
		Cases []struct {
			Name, Method, Scheme, Host, Bucket, Style, Timestamp, Region, Service, Signature string
			KeyB64                                                                           string `json:"key_b64"`
			Query                                                                            [][2]string
			ExtraHeaders                                                                     map[string]string `json:"extra_headers"`
			AccessKeyID                                                                      string            `json:"access_key_id"`
			SecretAccessKey                                                                  string            `json:"secret_access_key"`
			SessionToken                                                                     string            `json:"session_token"`
			PayloadHash                                                                      string            `json:"payload_hash"`
			PresignExpires                                                                   int               `json:"presign_expires"`
			CanonicalRequest                                                                 string            `json:"canonical_request"`
			StringToSign                                                                     string            `json:"string_to_sign"`
			SignedHeaders                                                                    string            `json:"signed_headers"`
			Authorization                                                                    string
			PresignedURL                                                                     string `json:"presigned_url"`
		}
	}
	readJSON(t, "s3-derived/s3-derived.json", &file)
	if len(file.Cases) < 36 {
		t.Errorf("%d cases, want 36", len(file.Cases))
	}
	for _, c := range file.Cases {
		t.Run(c.Name, func(t *testing.T) {
			key, err := base64.StdEncoding.DecodeString(c.KeyB64)
			if err != nil {
				t.Fatal(err)
			}
			path := "/" + string(key)
			if c.Style == "path" {
				if path = "/" + c.Bucket; len(key) > 0 {
					path += "/" + string(key)
				}
			}
			var query []string
			for _, p := range c.Query {
				query = append(query, sigv4.EscapeQuery(p[0])+"="+sigv4.EscapeQuery(p[1]))
			}
			r := &http.Request{
				Method: c.Method,
				URL:    &url.URL{Scheme: c.Scheme, Host: c.Host, Path: path, RawQuery: strings.Join(query, "&")},
				Header: http.Header{},
			}
			for name, value := range c.ExtraHeaders {
				r.Header.Set(name, value)
			}
			creds := sigv4.Credentials{AccessKeyID: c.AccessKeyID, SecretAccessKey: c.SecretAccessKey, SessionToken: c.SessionToken}
			sc := sigv4.Scope{Region: c.Region, Service: c.Service}
			at := parseTime(t, "20060102T150405Z", c.Timestamp)
			want := sigv4.Steps{
				CanonicalRequest: c.CanonicalRequest, StringToSign: c.StringToSign, SignedHeaders: c.SignedHeaders,
				Signature: c.Signature, Authorization: c.Authorization, URL: c.PresignedURL,
			}
			var s sigv4.Signer
			var got sigv4.Steps
			if c.PresignExpires > 0 {
				got, err = s.Presign(r, creds, sc, c.PayloadHash, at, time.Duration(c.PresignExpires)*time.Second)
			} else {
				got, err = s.Sign(r, creds, sc, c.PayloadHash, at)
			}
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(c.SignedHeaders, "accept-encoding") {
				// Ours leaves this header out, which is a choice: compare
				// what is left of the canonical request.
				want.CanonicalRequest = strings.Replace(want.CanonicalRequest, "accept-encoding:identity\n", "", 1)
				want.CanonicalRequest = strings.Replace(want.CanonicalRequest, "accept-encoding;", "", 1)
				if got.CanonicalRequest != want.CanonicalRequest {
					t.Errorf("canonical request\n got: %q\nwant: %q", got.CanonicalRequest, want.CanonicalRequest)
				}
				return
			}
			diffSteps(t, got, want)
			if got.URL != want.URL {
				t.Errorf("url\n got: %s\nwant: %s", got.URL, want.URL)
			}
		})
	}
}

func TestS3DocumentationVectors(t *testing.T) {
	var file struct {
		Examples []struct {
			Name, Method, Signature string
			Target                  string `json:"request_target"`
			URI                     string `json:"canonical_uri"`
			Query                   string `json:"canonical_query"`
			Headers                 [][2]string
			PayloadHash             string `json:"payload_hash"`
			CanonicalRequest        string `json:"canonical_request"`
			StringToSign            string `json:"string_to_sign"`
			SignedHeaders           string `json:"signed_headers"`
			Expires                 int
		}
	}
	readJSON(t, "s3-doc-examples/s3-doc-examples.json", &file)
	at := time.Date(2013, 5, 24, 0, 0, 0, 0, time.UTC)
	signed := 0
	for _, e := range file.Examples {
		if e.Method == "" {
			continue // a chunk of a streamed upload, which is not implemented
		}
		signed++
		t.Run(e.Name, func(t *testing.T) {
			target := e.Target
			if target == "" && e.Expires == 0 {
				target = e.URI + "?" + e.Query
			} else if target == "" {
				target = e.URI
			}
			r := &http.Request{Method: e.Method, Header: http.Header{}}
			for _, h := range e.Headers {
				if h[0] == "host" {
					r.Host = h[1]
				} else {
					r.Header.Set(h[0], h[1])
				}
			}
			var err error
			if r.URL, err = sigv4.ParseURL("https://" + r.Host + target); err != nil {
				t.Fatal(err)
			}
			var s sigv4.Signer
			var got sigv4.Steps
			if e.Expires > 0 {
				got, err = s.Presign(r, example, scope, e.PayloadHash, at, time.Duration(e.Expires)*time.Second)
			} else {
				got, err = s.Sign(r, example, scope, e.PayloadHash, at)
			}
			if err != nil {
				t.Fatal(err)
			}
			diffSteps(t, got, sigv4.Steps{
				CanonicalRequest: e.CanonicalRequest, StringToSign: e.StringToSign, SignedHeaders: e.SignedHeaders,
				Signature: e.Signature, Authorization: got.Authorization, URL: got.URL,
			})
		})
	}
	if signed < 7 {
		t.Errorf("%d of the examples are requests, want 7", signed)
	}
}
