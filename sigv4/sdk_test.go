package sigv4_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/smithy-go/logging"

	"s3mount/sigv4"
)

// sdkSteps is what the AWS SDK's signer makes of a request. It is the second
// opinion of these tests; where it does not follow S3's own rules, or signs more
// than is wise, the request is brought to what S3 wants before the SDK sees it:
//
//   - The SDK takes the path as it finds it: it gets the path that ours wrote,
//     and FuzzAgainstSDK compares that path with one escaped byte by byte.
//   - It signs hop-by-hop headers and Accept-Encoding, which proxies rewrite:
//     those are removed.
//   - It signs Request.ContentLength instead of the header.
//   - It keeps the case of the host, and loses the brackets of an IPv6 address
//     when it drops a port: it gets the host that ours wrote.
//   - It does not set X-Amz-Content-Sha256, and leaves a stale security token.
//   - An empty method is not GET to it.
func sdkSteps(t testing.TB, r *http.Request, host, path string, c sigv4.Credentials, sc sigv4.Scope, payload string, at time.Time, expires time.Duration) sigv4.Steps {
	t.Helper()
	r = r.Clone(t.Context())
	if r.Header == nil {
		r.Header = http.Header{}
	}
	for key := range r.Header {
		switch k := http.CanonicalHeaderKey(key); k {
		case "Accept-Encoding", "Connection", "Keep-Alive", "Te", "Trailer", "Upgrade", "Host", "X-Amz-Security-Token":
			delete(r.Header, key)
		case "Content-Length":
			fmt.Sscan(r.Header.Get(key), &r.ContentLength)
		default:
			if strings.HasPrefix(k, "Proxy-") || len(r.Header[key]) == 0 {
				delete(r.Header, key)
			}
		}
	}
	if r.Method == "" {
		r.Method = "GET"
	}
	r.Host, r.URL.RawPath = host, path
	if r.URL.Path == "" {
		r.URL.Path = "/"
	}
	var log logLines
	signer := v4.NewSigner(func(o *v4.SignerOptions) {
		o.DisableURIPathEscaping = true // S3 escapes once
		o.DisableHeaderHoisting = true
		o.LogSigning = true
		o.Logger = &log
	})
	creds := aws.Credentials{AccessKeyID: c.AccessKeyID, SecretAccessKey: c.SecretAccessKey, SessionToken: c.SessionToken}
	hash := payload
	if payload == sigv4.OmitPayload {
		if hash = r.Header.Get("X-Amz-Content-Sha256"); hash == "" {
			hash = sigv4.EmptyPayload
		}
	} else if expires == 0 {
		r.Header.Set("X-Amz-Content-Sha256", payload)
	}
	var steps sigv4.Steps
	if expires > 0 {
		q := "X-Amz-Expires=" + fmt.Sprint(int(expires.Seconds()))
		if r.URL.RawQuery != "" {
			q = r.URL.RawQuery + "&" + q
		}
		r.URL.RawQuery = q
		signed, _, err := signer.PresignHTTP(t.Context(), creds, r, hash, sc.Service, sc.Region, at)
		if err != nil {
			t.Fatal(err)
		}
		_, query, _ := strings.Cut(signed, "?")
		steps.URL = r.URL.Scheme + "://" + host + path + "?" + query
		_, steps.Signature, _ = strings.Cut(query, "X-Amz-Signature=")
	} else {
		if err := signer.SignHTTP(t.Context(), creds, r, hash, sc.Service, sc.Region, at); err != nil {
			t.Fatal(err)
		}
		steps.Authorization = r.Header.Get("Authorization")
		_, steps.Signature, _ = strings.Cut(steps.Authorization, "Signature=")
	}
	text := log.String()
	_, text, _ = strings.Cut(text, "CANONICAL STRING  ]-----------------------------\n")
	steps.CanonicalRequest, text, _ = strings.Cut(text, "\n---[ STRING TO SIGN ]--------------------------------\n")
	steps.StringToSign, _, _ = strings.Cut(text, "\n---")
	lines := strings.Split(steps.CanonicalRequest, "\n")
	steps.SignedHeaders = lines[len(lines)-2]
	return steps
}

// logLines keeps what the SDK logs, which is how it shows its steps.
type logLines struct{ strings.Builder }

func (l *logLines) Logf(_ logging.Classification, format string, v ...any) {
	fmt.Fprintf(&l.Builder, format, v...)
}

// diffSteps reports each step of got that is not that of want.
func diffSteps(t testing.TB, got, want sigv4.Steps) {
	t.Helper()
	for _, step := range []struct{ name, got, want string }{
		{"canonical request", got.CanonicalRequest, want.CanonicalRequest},
		{"string to sign", got.StringToSign, want.StringToSign},
		{"signed headers", got.SignedHeaders, want.SignedHeaders},
		{"signature", got.Signature, want.Signature},
		{"authorization", got.Authorization, want.Authorization},
		{"url", sorted(got.URL), sorted(want.URL)},
	} {
		if step.got != step.want {
			t.Errorf("%s differs\n got: %q\nwant: %q", step.name, step.got, step.want)
		}
	}
}

// sorted sorts a URL's query: in which order the parameters travel is free.
func sorted(u string) string {
	target, query, _ := strings.Cut(u, "?")
	parts := strings.Split(query, "&")
	slices.Sort(parts)
	return target + "?" + strings.Join(parts, "&")
}
