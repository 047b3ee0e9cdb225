package explain_test

import (
	"testing"

	"s3mount/sigv4/explain"
)

// The case that the project began with: no query line, and the hash of nothing
// where the request says UNSIGNED-PAYLOAD.
const (
	firstCanonical = "GET\n/test.txt\nhost:examplebucket.s3.amazonaws.com\nx-amz-content-sha256:UNSIGNED-PAYLOAD\nx-amz-date:20130524T000000Z\n\n" +
		"host;x-amz-content-sha256;x-amz-date\ne3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	firstRequest = "GET /test.txt HTTP/1.1\r\nHost: examplebucket.s3.amazonaws.com\r\nx-amz-date: 20130524T000000Z\r\nx-amz-content-sha256: UNSIGNED-PAYLOAD\r\n" +
		"Authorization: AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature=0123456789012345678901234567890123456789012345678901234567890123\r\n\r\n"
)

// causesOf are the causes of a report, in its order.
func causesOf(t *testing.T, e explain.Evidence) []string {
	t.Helper()
	r, err := explain.Explain(e)
	if err != nil {
		t.Fatal(err)
	}
	var causes []string
	for _, f := range r.Findings {
		causes = append(causes, f.Cause)
	}
	return causes
}

func TestTheFirstCase(t *testing.T) {
	withoutHeader := "GET\n/test.txt\nhost:examplebucket.s3.amazonaws.com\nx-amz-date:20130524T000000Z\n\nhost;x-amz-date\n" +
		"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	for name, e := range map[string]explain.Evidence{
		"canonical request and request":  {CanonicalRequest: firstCanonical, Request: firstRequest},
		"canonical request alone":        {CanonicalRequest: firstCanonical},
		"an editor's line end":           {CanonicalRequest: firstCanonical + "\n"},
		"the header sent and not signed": {CanonicalRequest: withoutHeader, Request: firstRequest},
	} {
		got := causesOf(t, e)
		if len(got) < 2 || got[0] != explain.CauseNoQueryLine {
			t.Errorf("%s: %q, want %s first", name, got, explain.CauseNoQueryLine)
		}
		if name != "the header sent and not signed" && got[1] != explain.CausePayloadMismatch {
			t.Errorf("%s: %q, want %s second", name, got, explain.CausePayloadMismatch)
		}
		t.Log(name, got)
	}
}
