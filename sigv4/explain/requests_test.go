package explain_test

import (
	"strings"
	"testing"
	"time"

	"s3mount/sigv4"
	"s3mount/sigv4/explain"
)

const anySignature = "fe5f80f77d5fa3beca038a248ff027d0445342fe2855ddc963176630326f1024"

// sentRequest is a good request as it is sent.
const sentRequest = "GET /cat.jpg HTTP/1.1\r\nHost: photos.s3.eu-north-1.amazonaws.com\r\nX-Amz-Date: 20260102T030405Z\r\nX-Amz-Content-Sha256: " + emptyHash + "\r\n" +
	"Authorization: AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20260102/eu-north-1/s3/aws4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature=" + anySignature + "\r\n\r\n"

const sentURL = "https://photos.s3.eu-north-1.amazonaws.com/cat.jpg?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20260102%2Feu-north-1%2Fs3%2Faws4_request" +
	"&X-Amz-Date=20260102T030405Z&X-Amz-Expires=3600&X-Amz-SignedHeaders=host&X-Amz-Signature=" + anySignature

// What the request shows by itself.
func TestRequests(t *testing.T) {
	tests := []struct {
		name   string
		change []string // old, new, old, new, ...
		now    time.Time
		want   string // Basis Cause Name
	}{
		{"good", nil, time.Time{}, ""},
		{"sent in time", nil, signedAt.Add(14 * time.Minute), ""},
		{"not signed", []string{"Authorization: AWS4", "X-Authorization: AWS4"}, time.Time{}, "[rule unsigned ]"},
		{"version 2", []string{sentRequest[strings.Index(sentRequest, "AWS4-"):], "AWS AKIAIOSFODNN7EXAMPLE:frJIUN8DYpKDtOLCwo//yllqDzg=\r\n\r\n"}, time.Time{}, "[rule signature-v2 ]"},
		{"version 2 in the URL", []string{"/cat.jpg", "/cat.jpg?AWSAccessKeyId=AKIA&Expires=1&Signature=frJIUN8DYpKDtOLCwo%2F", "Authorization:", "X:"}, time.Time{}, "[rule signature-v2 ]"},
		{"both ways", []string{"/cat.jpg", "/cat.jpg" + sentURL[strings.Index(sentURL, "?"):]}, time.Time{}, "[rule two-signatures ]"},
		{"another algorithm", []string{"AWS4-HMAC-SHA256 ", "AWS4-HMAC-SHA512 "}, time.Time{}, "[rule algorithm-unsupported ]"},
		{"version 4a", []string{"AWS4-HMAC-SHA256 ", "AWS4-ECDSA-P256-SHA256 ", "/eu-north-1/s3/", "/s3/", anySignature, "3045" + anySignature}, time.Time{}, "[rule algorithm-unsupported ]"},
		{"no signature in it", []string{", Signature=" + anySignature, ""}, time.Time{}, "[rule authorization-incomplete Signature]"},
		{"credential with a part missing", []string{"/s3/aws4_request", "/aws4_request"}, time.Time{}, "[rule credential-malformed ]"},
		{"credential with another end", []string{"/s3/aws4_request", "/s3/aws4"}, time.Time{}, "[rule scope-malformed ]"},
		{"no payload header", []string{"X-Amz-Content-Sha256: " + emptyHash + "\r\n", "", "x-amz-content-sha256;", ""}, time.Time{}, "[rule payload-header-missing ]"},
		{"payload header signed and not sent", []string{"X-Amz-Content-Sha256: " + emptyHash + "\r\n", ""}, time.Time{}, "[rule payload-header-missing ]"},
		{"payload header not signed", []string{"x-amz-content-sha256;", ""}, time.Time{}, "[rule payload-header-not-signed ]"},
		{"payload hash of something", []string{emptyHash, anySignature[1:] + "0"}, time.Time{}, "[rule payload-differs ]"},
		{"payload hash that is none", []string{emptyHash, "EMPTY"}, time.Time{}, "[rule payload-hash-malformed ]"},
		{"payload hash in capitals", []string{emptyHash, strings.ToUpper(emptyHash)}, time.Time{}, "[rule payload-hash-case ]"},
		{"no date", []string{"X-Amz-Date: 20260102T030405Z\r\n", "", ";x-amz-date", ""}, time.Time{}, "[rule date-missing ]"},
		{"another date form", []string{"20260102T030405Z", "2026-01-02T03:04:05Z"}, time.Time{}, "[rule date-malformed ]"},
		{"another day", []string{"/20260102/", "/20260103/"}, time.Time{}, "[rule scope-date ]"},
		{"host not signed", []string{"=host;", "="}, time.Time{}, "[rule host-not-signed host]"},
		{"a header that is not sent", []string{"=host;", "=host;range;"}, time.Time{}, "[rule header-not-sent range]"},
		{"a header that is not signed", []string{"X-Amz-Date", "X-Amz-Request-Payer: requester\r\nX-Amz-Date"}, time.Time{}, "[rule header-not-signed x-amz-request-payer]"},
		{"names unsorted", []string{"=host;x-amz-content-sha256;x-amz-date", "=x-amz-content-sha256;host;x-amz-date"}, time.Time{}, "[rule signed-headers-unsorted ]"},
		{"names in capitals", []string{"=host;x-amz-content-sha256", "=Host;X-Amz-Content-Sha256"}, time.Time{}, "[rule signed-headers-case ]"},
		{"Accept-Encoding signed", []string{"Host:", "Accept-Encoding: gzip\r\nHost:", "=host;", "=accept-encoding;host;"}, time.Time{}, "[likely header-fragile accept-encoding]"},
		{"token not sent", []string{"AKIAIOSFODNN7EXAMPLE", "ASIAIOSFODNN7EXAMPLE"}, time.Time{}, "[rule session-token-missing ]"},
		{"token not signed", []string{"X-Amz-Date:", "X-Amz-Security-Token: " + exampleToken + "\r\nX-Amz-Date:"}, time.Time{}, "[rule session-token-not-signed ]"},
		{"signed in the future", nil, signedAt.Add(-16 * time.Minute), "[rule clock-skew ]"},
		{"signed long ago", nil, signedAt.Add(16 * time.Minute), "[likely request-old ]"},
		{"signature in capitals", []string{anySignature, strings.ToUpper(anySignature)}, time.Time{}, "[rule signature-malformed ]"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			text := sentRequest
			for i := 0; i+1 < len(tt.change); i += 2 {
				if !strings.Contains(text, tt.change[i]) {
					t.Fatalf("%q is not in the request", tt.change[i])
				}
				text = strings.ReplaceAll(text, tt.change[i], tt.change[i+1])
			}
			for end, text := range map[string]string{"CRLF": text, "LF": strings.ReplaceAll(text, "\r\n", "\n"), "one LF at the end": strings.TrimSuffix(strings.ReplaceAll(text, "\r\n", "\n"), "\n")} {
				if got := summary(explained(t, explain.Evidence{Request: text, Now: tt.now})); got != tt.want {
					t.Errorf("%s: found %s, want %s", end, got, tt.want)
				}
			}
		})
	}
}

func TestPresigned(t *testing.T) {
	tests := []struct {
		name, old, new string
		now            time.Time
		want           string
	}{
		{"good", "", "", signedAt.Add(time.Hour), ""},
		{"expired", "", "", signedAt.Add(time.Hour + time.Second), "[rule presigned-expired ]"},
		{"not yet", "", "", signedAt.Add(-time.Hour), "[rule presigned-not-yet-valid ]"},
		{"too long", "Expires=3600", "Expires=604801", time.Time{}, "[rule presigned-expiry-malformed ]"},
		{"no number", "Expires=3600", "Expires=1h", time.Time{}, "[rule presigned-expiry-malformed ]"},
		{"no expiry", "&X-Amz-Expires=3600", "", time.Time{}, "[rule authorization-incomplete X-Amz-Expires]"},
		{"another day", "%2F20260102%2F", "%2F20260101%2F", time.Time{}, "[rule scope-date ]"},
		{"token missing", "AKIAIOS", "ASIAIOS", time.Time{}, "[rule session-token-missing ]"},
	}
	for _, tt := range tests {
		text := strings.ReplaceAll(sentURL, tt.old, tt.new)
		if tt.old == "" {
			text = sentURL
		}
		if got := summary(explained(t, explain.Evidence{Request: text + "\n", Now: tt.now})); got != tt.want {
			t.Errorf("%s: found %s, want %s", tt.name, got, tt.want)
		}
	}
}

// Presigned for one method and used with another.
func TestPresignedForAnotherMethod(t *testing.T) {
	c := presigned()
	c.sent.method, c.arrived.method = "HEAD", "HEAD"
	for _, kind := range []string{"request+credentials", "canonical+request", "canonical+server", "request+server"} {
		r := explained(t, c.evidence(kind))
		if len(r.Findings) == 0 || r.Findings[0].Cause != explain.CausePresignedMethod {
			t.Errorf("%s: found %s", kind, summary(r))
		}
	}
}

// What the server says of its reason.
func TestCodes(t *testing.T) {
	tests := []struct {
		code, message string
		fields        []string
		want          string
		yours, server string
	}{
		{"RequestTimeTooSkewed", "The difference between the request time and the current time is too large.",
			[]string{"RequestTime", "20260102T030405Z", "ServerTime", "2026-01-02T03:24:06Z", "MaxAllowedSkewMilliseconds", "900000"}, "[shown clock-skew ]", "20260102T030405Z", "2026-01-02T03:24:06Z"},
		{"AuthorizationHeaderMalformed", "The authorization header is malformed; the region 'eu-north-1' is wrong; expecting 'eu-west-1'", []string{"Region", "eu-west-1"}, "[shown wrong-region ]", "eu-north-1", "eu-west-1"},
		{"AuthorizationHeaderMalformed", "The authorization header is malformed; the region 'eu-north-1' is wrong; expecting 'eu-west-1'", nil, "[shown wrong-region ]", "eu-north-1", "eu-west-1"},
		{"AuthorizationHeaderMalformed", "The authorization header is malformed; incorrect service \"sss\". This endpoint belongs to \"s3\".", nil, "[shown wrong-service ]", "sss", "s3"},
		{"AuthorizationHeaderMalformed", "The authorization header is malformed; the region \"eu-north-1\" is wrong; expecting \"eu-west-1\"", nil, "[shown wrong-region ]", "eu-north-1", "eu-west-1"},
		{"AuthorizationHeaderMalformed", "The authorization header is malformed; incorrect terminal \"aws4\". This endpoint uses \"aws4_request\".", nil, "[shown scope-malformed ]", "20260102/eu-north-1/s3/aws4_request", ""},
		{"AuthorizationHeaderMalformed", "The authorization header is malformed; missing Signature.", nil, "[shown authorization-incomplete Signature]", "", ""},
		{"AuthorizationQueryParametersError", "Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters.", nil, "[shown authorization-incomplete AuthorizationQueryParametersError]", "", ""},
		{"AuthorizationHeaderMalformed", "The authorization header is malformed; Invalid credential date \"20260101\".", nil, "[shown scope-date ]", "20260102", "20260102"},
		{"AuthorizationHeaderMalformed", "The authorization header is malformed; the Credential is mal-formed; expecting \"<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request\".", nil, "[shown credential-malformed ]", "", ""},
		{"AuthorizationQueryParametersError", "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than 604800 seconds", nil, "[shown presigned-expiry-malformed ]", "", ""},
		{"AuthorizationQueryParametersError", "Error parsing the X-Amz-Credential parameter; the region 'eu-north-1' is wrong; expecting 'us-west-2'", []string{"Region", "us-west-2"}, "[shown wrong-region ]", "eu-north-1", "us-west-2"},
		{"AuthorizationQueryParametersError", "X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"", nil, "[shown date-malformed ]", "20260102T030405Z", ""},
		{"XAmzContentSHA256Mismatch", "The provided 'x-amz-content-sha256' header does not match what was computed.",
			[]string{"ClientComputedContentSHA256", emptyHash, "S3ComputedContentSHA256", sum("x")}, "[shown payload-differs ]", emptyHash, sum("x")},
		{"InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records.", []string{"AWSAccessKeyId", "AKIAIOSFODNN7EXAMPLE"}, "[shown unknown-access-key ]", "AKIA…", ""},
		{"ExpiredToken", "The provided token has expired.", []string{"Token-0", exampleToken}, "[shown session-token-expired ]", "", ""},
		{"InvalidToken", "The provided token is malformed or otherwise invalid.", nil, "[shown session-token-invalid ]", "", ""},
		{"MissingSecurityHeader", "Your request was missing a required header", []string{"MissingHeaderName", "x-amz-content-sha256"}, "[shown payload-header-missing ]", "", ""},
		{"MissingSecurityHeader", "Your request was missing a required header", []string{"MissingHeaderName", "x-amz-date"}, "[shown date-missing ]", "", ""},
		{"InvalidRequest", "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.", nil, "[shown algorithm-unsupported ]", "AWS4-HMAC-SHA256", "AWS4-HMAC-SHA256"},
		{"InvalidArgument", "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string parameter or the Authorization header should be specified", nil, "[shown two-signatures ]", "", ""},
		{"AccessDenied", "Request has expired", []string{"X-Amz-Expires", "3600", "Expires", "2026-01-02T04:04:05Z", "ServerTime", "2026-01-02T05:00:00Z"}, "[shown presigned-expired ]", "2026-01-02T04:04:05Z", "2026-01-02T05:00:00Z"},
		{"AccessDenied", "Request is not yet valid", nil, "[shown presigned-not-yet-valid ]", "", ""},
		{"AccessDenied", "There were headers present in the request which were not signed", []string{"HeadersNotSigned", "x-amz-security-token, x-amz-meta-a"}, "[shown session-token-not-signed ][shown header-not-signed x-amz-meta-a]", "", ""},
		{"AccessDenied", "AWS authentication requires a valid Date or x-amz-date header", nil, "[shown date-missing ]", "", ""},
		{"AccessDenied", "Access Denied", nil, "[likely no-permission ]", "", ""},
		{"SlowDown", "Please reduce your request rate.", nil, "[shown server-said SlowDown]", "", ""},
	}
	for _, tt := range tests {
		answer := errorXML(tt.code, tt.message, tt.fields...)
		r := explained(t, explain.Evidence{Request: sentRequest, Response: answer})
		if got := summary(r); got != tt.want {
			t.Errorf("%s %q: found %s, want %s", tt.code, tt.message, got, tt.want)
			continue
		}
		if f := r.Findings[0]; f.Yours != tt.yours || f.Server != tt.server {
			t.Errorf("%s %q: yours %q and the server's %q, want %q and %q", tt.code, tt.message, f.Yours, f.Server, tt.yours, tt.server)
		}
		if got := summary(explained(t, explain.Evidence{Response: answer})); got == "" {
			t.Errorf("%s %q: nothing found without the request", tt.code, tt.message)
		}
	}
	missing := strings.Replace(sentRequest, "X-Amz-Content-Sha256: "+emptyHash+"\r\n", "", 1)
	if got := summary(explained(t, explain.Evidence{Request: missing, Response: errorXML("InvalidRequest", "Missing required header for this request: x-amz-content-sha256")})); got != "[shown payload-header-missing ]" {
		t.Errorf("missing header: found %s", got)
	}
	old := strings.Replace(sentRequest, "AWS4-HMAC-SHA256 ", "AWS AKIA:abc= ", 1)
	if got := summary(explained(t, explain.Evidence{Request: old, Response: errorXML("InvalidRequest", "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.")})); got != "[shown signature-v2 ]" {
		t.Errorf("version 2: found %s", got)
	}
}

// The Date of the answer is the server's clock.
func TestClockOfTheAnswer(t *testing.T) {
	answer := func(date string) string {
		return "HTTP/1.1 403 Forbidden\r\nDate: " + date + "\r\nContent-Type: application/xml\r\n\r\n" + errorXML("SignatureDoesNotMatch", "x")
	}
	if got := summary(explained(t, explain.Evidence{Request: sentRequest, Response: answer("Fri, 02 Jan 2026 03:24:06 GMT")})); got != "[shown clock-skew ]" {
		t.Errorf("20 minutes off: found %s", got)
	}
	if got := summary(explained(t, explain.Evidence{Request: sentRequest, Response: answer("Fri, 02 Jan 2026 03:05:06 GMT")})); got != "" {
		t.Errorf("a minute off: found %s", got)
	}
}

// Credentials that are not those of the request.
func TestOtherCredentials(t *testing.T) {
	tests := []struct {
		creds sigv4.Credentials
		want  string
	}{
		{sigv4.Credentials{AccessKeyID: "AKIDOTHER", SecretAccessKey: "x"}, "[rule other-access-key ]"},
		{sigv4.Credentials{AccessKeyID: exampleKey, SecretAccessKey: "x", SessionToken: exampleToken}, "[rule session-token-missing ]"},
		{sigv4.Credentials{AccessKeyID: exampleKey, SecretAccessKey: "x\n"}, "[likely secret-blank ]"},
	}
	for _, tt := range tests {
		if got := summary(explained(t, explain.Evidence{Request: sentRequest, Credentials: &tt.creds})); !strings.HasPrefix(got, tt.want) {
			t.Errorf("%v: found %s, want %s", tt.creds, got, tt.want)
		}
	}
}
