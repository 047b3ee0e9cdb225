package explain_test

import (
	"strings"
	"testing"

	"s3mount/sigv4"
	"s3mount/sigv4/explain"
)

// An answer that sends the client elsewhere says nothing of the signature.
func TestRedirects(t *testing.T) {
	tests := []struct{ name, response, want, yours, server string }{
		{"another endpoint", errorXML("PermanentRedirect", "x", "Endpoint", "photos.s3-eu-west-1.amazonaws.com"), "[shown wrong-endpoint ]", "photos.s3.eu-north-1.amazonaws.com", "photos.s3-eu-west-1.amazonaws.com"},
		{"for a time", errorXML("TemporaryRedirect", "x", "Endpoint", "photos.s3-eu-west-1.amazonaws.com"), "[shown wrong-endpoint ]", "photos.s3.eu-north-1.amazonaws.com", "photos.s3-eu-west-1.amazonaws.com"},
		{"no endpoint told", errorXML("PermanentRedirect", "x"), "[shown wrong-endpoint ]", "", ""},
		{"a region too", "HTTP/1.1 301 Moved\r\nx-amz-bucket-region: eu-west-1\r\n\r\n" + errorXML("PermanentRedirect", "x", "Endpoint", "e"), "[shown wrong-region ][shown wrong-endpoint ]", "eu-north-1", "eu-west-1"},
		{"no body", "HTTP/1.1 301 Moved\r\nx-amz-bucket-region: eu-west-1\r\n\r\n", "[shown wrong-region ]", "eu-north-1", "eu-west-1"},
		{"HEAD, 400", "< HTTP/2 400 \n< x-amz-bucket-region: eu-west-1\n< \n", "[shown wrong-region ]", "eu-north-1", "eu-west-1"},
		{"the region that was signed for", "HTTP/1.1 403 Forbidden\r\nx-amz-bucket-region: eu-north-1\r\n\r\n", "", "", ""},
	}
	for _, tt := range tests {
		r := explained(t, explain.Evidence{Request: sentRequest, Response: tt.response})
		if got := summary(r); got != tt.want {
			t.Errorf("%s: found %s, want %s", tt.name, got, tt.want)
		} else if got != "" && (r.Findings[0].Yours != tt.yours || r.Findings[0].Server != tt.server) {
			t.Errorf("%s: yours %q, the server's %q", tt.name, r.Findings[0].Yours, r.Findings[0].Server)
		}
	}
}

// A body that is not S3's is not no body.
func TestAnswerOfAProxy(t *testing.T) {
	r := explained(t, explain.Evidence{Response: "HTTP/1.1 403 Forbidden\r\nContent-Type: text/html\r\n\r\n<html>Forbidden</html>"})
	if got := strings.Join(r.Missing, " "); strings.Contains(got, "no body") || !strings.Contains(got, "proxy") {
		t.Errorf("missing: %s", got)
	}
}

// An Authorization of another kind is no signature, and not one of version 2.
func TestOtherAuthorization(t *testing.T) {
	const refused = "Unsupported Authorization Type"
	for _, auth := range []string{"Basic Zm9vOmJhcg==", "Bearer abc"} {
		request := sentRequest[:strings.Index(sentRequest, "AWS4-")] + auth + "\r\n\r\n"
		r := explained(t, explain.Evidence{Request: request, Response: errorXML("InvalidArgument", refused)})
		if got := summary(r); got != "[shown unsigned ]" || !strings.Contains(r.Findings[0].Why, "another kind") {
			t.Errorf("%s: found %s: %s", auth, got, r.Findings[0].Why)
		}
	}
	if got := summary(explained(t, explain.Evidence{Response: errorXML("InvalidArgument", refused)})); got != "[likely signature-v2 ]" {
		t.Errorf("without the request: found %s", got)
	}
}

// The server accepted the signature: that other credentials do not make it, or
// that no mistake does, says nothing of the refusal.
func TestAcceptedSignature(t *testing.T) {
	for _, key := range []string{exampleKey, "AKIDOTHER"} {
		for _, code := range []string{"AccessDenied", "NoSuchKey"} {
			r := explained(t, explain.Evidence{Request: sentRequest, Response: errorXML(code, "x"), Credentials: &sigv4.Credentials{AccessKeyID: key, SecretAccessKey: "another"}})
			if len(r.Findings) != 1 || r.Findings[0].Part != explain.PartServer {
				t.Errorf("%s with %s: found %s", code, key, summary(r))
			}
		}
	}
}

// Credentials that are here are not asked for, and two key ids that look alike
// where they are shown are not shown as different.
func TestGivenCredentials(t *testing.T) {
	r := explained(t, explain.Evidence{Request: sentRequest, Response: errorXML("SignatureDoesNotMatch", "x"), Credentials: &sigv4.Credentials{AccessKeyID: "AKIAOTHER", SecretAccessKey: "another"}})
	if got := strings.Join(r.Missing, " "); strings.Contains(strings.ToLower(got), "give the credentials") {
		t.Errorf("missing: %s", got)
	}
	if f := r.Findings[0]; f.Cause != explain.CauseOtherKey || f.Yours != "" || f.Server != "" {
		t.Errorf("%s: yours %q, the server's %q", f.Cause, f.Yours, f.Server)
	}
}
