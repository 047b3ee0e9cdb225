package explain_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"s3mount/sigv4"
	"s3mount/sigv4/explain"
)

// Corners of reading and comparing, each with all that is found.
func TestCorners(t *testing.T) {
	payload := "x-amz-content-sha256:" + emptyHash + "\n"
	bodied := strings.NewReplacer("GET", "PUT", emptyHash, sum("body")).Replace(sentRequest) + "body"
	dots := newTrial("GET\n/a//b/./c\n\nhost:h\n"+payload+"x-amz-date:20260102T030405Z\n\nhost;x-amz-content-sha256;x-amz-date\n"+emptyHash, "20260102T030405Z", "us-east-1")
	dots.client.path = "/a/b/./c"
	moved := listing()
	moved.arrived.path = "/prefix" + moved.arrived.path
	added := listing()
	added.arrived.query += "&z=1"
	small := "GET\n/cat.jpg\n\nhost:photos.s3.eu-north-1.amazonaws.com\n" + payload + "x-amz-date:20260102T030405Z\n\nhost;x-amz-content-sha256;x-amz-date\n" + emptyHash
	tests := []struct {
		name string
		e    explain.Evidence
		want string
	}{
		{"a folded header", explain.Evidence{
			Request:          strings.NewReplacer("X-Amz-Date:", "Range: bytes=0-1,\r\n   2-3\r\nX-Amz-Date:", "=host;", "=host;range;").Replace(sentRequest),
			CanonicalRequest: "GET\n/cat.jpg\n\nhost:photos.s3.eu-north-1.amazonaws.com\nrange:bytes=0-1, 2-3\n" + payload + "x-amz-date:20260102T030405Z\n\nhost;range;x-amz-content-sha256;x-amz-date\n" + emptyHash,
		}, "[likely secret-or-key ]"},
		{"the scheme's port in a URL", explain.Evidence{
			Request: strings.Replace(sentURL, ".com/", ".com:443/", 1), CanonicalRequest: presigned().canonical(),
		}, "[likely secret-or-key ]"},
		{"names in capitals, sent only", explain.Evidence{
			Request: strings.Replace(sentRequest, "=host;x-amz-content", "=Host;X-Amz-Content", 1), CanonicalRequest: small,
		}, "[rule signed-headers-case ]"},
		{"a request that is not signed yet", explain.Evidence{
			Request:          "GET /cat.jpg HTTP/1.1\nHost: h\nx-amz-content-sha256: UNSIGNED-PAYLOAD\n\n",
			CanonicalRequest: "GET\n/cat.jpg\n\nhost:h\n\nhost\n" + emptyHash,
		}, "[rule unsigned ][rule payload-hash-mismatch ]"},
		{"the lines of the headers in another order", explain.Evidence{
			CanonicalRequest: strings.Replace(small, payload+"x-amz-date:20260102T030405Z\n", "x-amz-date:20260102T030405Z\n"+payload, 1),
		}, "[rule headers-unsorted ]"},
		{"a header missing among signed ones", explain.Evidence{
			CanonicalRequest: strings.NewReplacer("host:photos.s3.eu-north-1.amazonaws.com\n", "", "host;", "").Replace(small),
		}, "[rule host-not-signed host]"},
		{"no payload header in a canonical request", explain.Evidence{
			CanonicalRequest: strings.NewReplacer(payload, "", "x-amz-content-sha256;", "").Replace(small),
		}, "[rule payload-header-not-signed ]"},
		{"a body and an editor's line end", explain.Evidence{Request: bodied + "\n"}, ""},
		{"another body", explain.Evidence{Request: bodied + "x"}, "[rule payload-differs ]"},
		{"slashes cleaned, dots not", dots.evidence("request+credentials"), "[shown path-cleaned ]"},
		{"a prefix added on the way", moved.evidence("request+server"), "[shown path-changed ]"},
		{"a parameter added on the way", added.evidence("request+server"), "[shown query-changed ]"},
		{"a string to sign in CRLF", explain.Evidence{StringToSign: strings.ReplaceAll(listing().stringToSign(), "\n", "\r\n"), Response: listing().refusal()}, "[shown secret-or-key ]"},
		{"credentials and the answer alone", explain.Evidence{
			Credentials: &sigv4.Credentials{AccessKeyID: exampleKey, SecretAccessKey: exampleSecret}, Response: func() string {
				c := listing()
				c.client.query = ""
				return c.refusal()
			}(),
		}, "[shown query-dropped ]"},
	}
	for _, tt := range tests {
		if got := summary(explained(t, tt.e)); got != tt.want {
			t.Errorf("%s: found %s, want %s", tt.name, got, tt.want)
		}
	}
}

// The client's own texts make the signature that was sent: what is wrong in them
// is certain.
func TestProven(t *testing.T) {
	for name, make := range map[string]func(*trial){
		"alone":         func(*trial) {},
		"and in secret": func(c *trial) { c.secret += "\n" },
	} {
		c := listing()
		make(c)
		c.client.path = "/elsewhere"
		if f := explained(t, c.evidence("canonical+request")).Findings[0]; f.Basis != explain.Rule {
			t.Errorf("%s: without credentials the basis is %s", name, f.Basis)
		}
		if f := explained(t, c.evidence("canonical+request+credentials")).Findings[0]; f.Basis != explain.Shown || f.Part != explain.PartPath {
			t.Errorf("%s: with credentials the basis is %s for %s", name, f.Basis, f.Part)
		}
	}
}

// The last answer counts, not that to Expect.
func TestClockAfterContinue(t *testing.T) {
	c := listing()
	c.secret = "another"
	text := strings.NewReplacer("< HTTP/1.1 403", "< HTTP/1.1 100 Continue\n< Date: Fri, 02 Jan 2026 03:04:06 GMT\n< \n< HTTP/1.1 403", "Date: Fri, 02 Jan 2026 03:04:06", "Date: Fri, 02 Jan 2026 05:04:06").Replace(captured(curlCapture, c))
	if got := summary(explained(t, explain.Evidence{Request: text})); !strings.Contains(got, "[shown clock-skew ]") {
		t.Errorf("found %s", got)
	}
}

// A part about which something was found is not one that agrees.
func TestAgreed(t *testing.T) {
	c := listing()
	c.sent.lines = append(c.sent.lines, "x-amz-meta-a:b")
	r := explained(t, c.evidence("canonical+request"))
	if summary(r) != "[rule header-not-signed x-amz-meta-a]" || slices.Contains(r.Agreed, explain.PartSignedHeaders) || !slices.Contains(r.Agreed, explain.PartHeader) {
		t.Errorf("found %s, agreed %q", summary(r), r.Agreed)
	}
}

// A canonical request alone is compared with nothing.
func TestAgreedAlone(t *testing.T) {
	r := explained(t, listing().evidence("canonical"))
	for _, p := range []explain.Part{explain.PartMethod, explain.PartPath, explain.PartQuery, explain.PartHeader} {
		if slices.Contains(r.Agreed, p) {
			t.Errorf("%s agrees, with nothing to agree with", p)
		}
	}
}

// What is too long is said to be.
func TestTooLong(t *testing.T) {
	_, err := explain.Explain(explain.Evidence{Request: sentRequest + strings.Repeat("x", 1<<20)})
	var bad *explain.InputError
	if !errors.As(err, &bad) || !strings.Contains(bad.Problem, "mebibyte") {
		t.Errorf("error %v", err)
	}
}

// What is looked for in vain ends, however long the texts.
func TestManyHeaders(t *testing.T) {
	var lines, names strings.Builder
	for i := range 500 {
		name := "x-amz-meta-" + strings.Repeat("a", i%20) + string(rune('a'+i%26)) + time.Duration(i).String()
		lines.WriteString(name + ": v\r\n")
		names.WriteString(";" + name)
	}
	text := strings.NewReplacer("X-Amz-Date:", lines.String()+"X-Amz-Date:", ";x-amz-date", ";x-amz-date"+names.String()).Replace(sentRequest)
	r := explained(t, explain.Evidence{Request: text, Credentials: &sigv4.Credentials{AccessKeyID: exampleKey, SecretAccessKey: "x"}})
	if !strings.Contains(summary(r), explain.CauseNotReproduced) {
		t.Errorf("found %s", summary(r))
	}
}
