package explain_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"s3mount/sigv4/explain"
)

// botocoreCapture is what `aws --debug` logs of a request, cut short.
const botocoreCapture = `2026-01-02 03:04:05,171 - MainThread - botocore.auth - DEBUG - Calculating signature using v4 auth.
2026-01-02 03:04:05,171 - MainThread - botocore.auth - DEBUG - CanonicalRequest:
CANONICAL
2026-01-02 03:04:05,171 - MainThread - botocore.auth - DEBUG - StringToSign:
TOSIGN
2026-01-02 03:04:05,171 - MainThread - botocore.auth - DEBUG - Signature:
SIGNATURE
2026-01-02 03:04:05,171 - MainThread - botocore.endpoint - DEBUG - Sending http request: <AWSPreparedRequest stream_output=False, method=GET, url=http://s3.example.com:9000/photos%20of/2026//cat.jpg?delimiter=%2F&list-type=2&prefix=a%20b%2Fc&versions=, headers={'User-Agent': b'Botocore/1.29.27 "Python"/3.11', 'Range': b'bytes=0-9', 'X-Amz-Date': b'20260102T030405Z', 'X-Amz-Content-SHA256': b'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855', 'Authorization': b'AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20260102/eu-north-1/s3/aws4_request, SignedHeaders=host;range;x-amz-content-sha256;x-amz-date, Signature=SIGNATURE'}>
2026-01-02 03:04:05,172 - MainThread - urllib3.connectionpool - DEBUG - Starting new HTTP connection (1): s3.example.com:9000
2026-01-02 03:04:05,174 - MainThread - urllib3.connectionpool - DEBUG - http://s3.example.com:9000 "GET /photos%20of/2026//cat.jpg?delimiter=%2F&list-type=2&prefix=a%20b%2Fc&versions= HTTP/1.1" 403 2409
2026-01-02 03:04:05,174 - MainThread - botocore.parsers - DEBUG - Response headers: {'Server': 'S3', 'Date': 'Fri, 02 Jan 2026 03:04:05 GMT', 'Content-Type': 'application/xml'}
2026-01-02 03:04:05,174 - MainThread - botocore.parsers - DEBUG - Response body:
b'ANSWER'
2026-01-02 03:04:05,179 - MainThread - botocore.retryhandler - DEBUG - No retry needed.
`

func botocored(c *trial) string {
	repr := strings.NewReplacer(`\`, `\\`, `'`, `\'`, "\n", `\n`)
	return strings.NewReplacer("CANONICAL", c.canonical(), "TOSIGN", c.stringToSign(), "SIGNATURE", c.signature(),
		"ANSWER", repr.Replace(c.refusal())).Replace(botocoreCapture)
}

func TestBotocoreLogs(t *testing.T) {
	boto3 := strings.NewReplacer(" - MainThread - botocore.auth - DEBUG - ", " botocore.auth [DEBUG] ", " - MainThread - botocore.endpoint - DEBUG - ", " botocore.endpoint [DEBUG] ",
		" - MainThread - botocore.parsers - DEBUG - ", " botocore.parsers [DEBUG] ", " - MainThread - urllib3.connectionpool - DEBUG - ", " urllib3.connectionpool [DEBUG] ")
	dropped := func(c *trial) { c.arrived.set("range", "") }
	for name, tt := range map[string]struct {
		break_ func(*trial)
		text   func(string) string
		want   string
	}{
		"aws --debug":      {dropped, func(s string) string { return s }, "[shown header-changed range]"},
		"boto3":            {dropped, boto3.Replace, "[shown header-changed range]"},
		"CRLF":             {dropped, func(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") }, "[shown header-changed range]"},
		"a request before": {dropped, func(s string) string { return botocored(listing()) + s }, "[shown header-changed range]"},
		"its own mistake":  {func(c *trial) { c.client.path = "/photos%20of/2026/cat.jpg" }, func(s string) string { return s }, "[shown path-cleaned ]"},
		"another secret":   {func(c *trial) { c.secret = "another" }, func(s string) string { return s }, "[shown secret-or-key ]"},
		"no request logged": {func(c *trial) { c.client.path = "/photos%20of/2026/cat.jpg" }, func(s string) string {
			return s[:strings.Index(s, "2026-01-02 03:04:05,171 - MainThread - botocore.endpoint")] + s[strings.Index(s, "2026-01-02 03:04:05,174 - MainThread - botocore.parsers"):]
		}, "[shown path-cleaned ]"},
	} {
		t.Run(name, func(t *testing.T) {
			c := listing()
			tt.break_(c)
			r := explained(t, explain.Evidence{Request: tt.text(botocored(c))})
			if got := summary(r); got != tt.want {
				t.Errorf("found %s, want %s", got, tt.want)
			}
			var text strings.Builder
			r.Text(&text)
			b, _ := json.Marshal(r)
			if s := secretsIn(text.String()+string(b), c.signature()); s != "" {
				t.Errorf("%q is shown", s)
			}
		})
	}
}

func TestALogWithoutARequest(t *testing.T) {
	var input *explain.InputError
	_, err := explain.Explain(explain.Evidence{Request: "2026-01-02 03:04:05,171 - MainThread - botocore.hooks - DEBUG - Event x\n"})
	if !errors.As(err, &input) || input.Field != "request" || !strings.Contains(input.Hint, "--debug") {
		t.Errorf("%v", err)
	}
}
