package explain_test

import (
	"strings"
	"testing"

	"s3mount/sigv4"
	"s3mount/sigv4/explain"
)

// Whatever is given, nothing panics, and neither the secret nor the token nor a
// signature is shown.
func FuzzExplain(f *testing.F) {
	c := withToken()
	f.Add("GET", "/a?b=c", "Range", "bytes=0-9", c.canonical(), c.stringToSign(), c.refusal(), 0)
	c.client.query, c.client.path = "", "/"+exampleSecret
	f.Add("HEAD", "//a/../b%20+?x&y=/", "X-Amz-Meta-A", exampleToken, c.canonical(), c.stringToSign(), captured(curlCapture, c), 5)
	f.Add("get", sentURL, "Accept-Encoding", "gzip", firstCanonical, "a\nb\nc\nd", captured(pythonCapture, c), 2)
	f.Add("GET", "/?X-Amz-Signature="+anySignature, "Authorization", "AWS a:"+anySignature, "GET\n/\nhost:h\n\nhost\n", "", errorXML("AuthorizationHeaderMalformed", "expecting 'eu-west-1'", "Region", "x"), 3)
	f.Add("GET", "/", "X", "", "", "", "HTTP/1.1 403 Forbidden\r\nDate: x\r\n\r\n<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>", 11)
	f.Fuzz(func(t *testing.T, method, target, name, value, canonical, toSign, response string, flags int) {
		creds := sigv4.Credentials{AccessKeyID: exampleKey, SecretAccessKey: exampleSecret, SessionToken: exampleToken}
		request := method + " " + target + " HTTP/1.1\nHost: h\nX-Amz-Date: 20260102T030405Z\nX-Amz-Security-Token: " + exampleToken + "\n" + name + ": " + value +
			"\nAuthorization: AWS4-HMAC-SHA256 Credential=" + exampleKey + "/20260102/us-east-1/s3/aws4_request, SignedHeaders=host;" + strings.ToLower(name) + ";x-amz-date, Signature=" + anySignature + "\n\n"
		e := explain.Evidence{Request: request, CanonicalRequest: canonical, StringToSign: toSign, Response: response, Credentials: &creds, Now: signedAt}
		if flags&1 != 0 {
			e.CanonicalRequest = ""
		}
		if flags&2 != 0 {
			e.StringToSign = ""
		}
		if flags&4 != 0 {
			e.Response = ""
		}
		all := []explain.Evidence{e, {Request: response, Credentials: &creds}, {Request: target, Response: canonical, Credentials: &creds}}
		if flags&8 != 0 {
			e.Credentials = nil // token and signature are known from the request alone
			all = []explain.Evidence{e}
		}
		shown := ""
		for _, e := range all {
			r, err := explain.Explain(e)
			if err != nil {
				shown += err.Error()
				continue
			}
			shown += shownOf(t, r)
			for _, f := range r.Findings {
				if f.Cause == "" || f.Part == "" || f.Basis == "" || f.What == "" || f.Differ > max(len(f.Yours), len(f.Server)) {
					t.Errorf("half a finding: %+v", f)
				}
			}
		}
		for i, s := range []string{exampleSecret, exampleToken, anySignature} {
			if i == 0 && e.Credentials == nil {
				continue // what the secret is is not known
			}
			if strings.Contains(shown, s) {
				t.Errorf("%q is shown in\n%s", s, shown)
			}
		}
	})
}
