package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"s3mount/s3/s3test"
)

// The case that the project began with: no query line in the canonical request,
// and a payload hash that is not the one sent.
const (
	beganCanonical = `GET
/test.txt
host:examplebucket.s3.amazonaws.com
x-amz-content-sha256:UNSIGNED-PAYLOAD
x-amz-date:20130524T000000Z

host;x-amz-content-sha256;x-amz-date
e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855`
	beganRequest = `GET /test.txt HTTP/1.1
Host: examplebucket.s3.amazonaws.com
x-amz-content-sha256: UNSIGNED-PAYLOAD
x-amz-date: 20130524T000000Z
Authorization: AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature=` + beganSignature + "\n\n"
	beganSignature = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
)

// file writes a file of evidence.
func file(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestExplainWhatItBeganWith(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "")
	canonical, request := file(t, "c", beganCanonical), file(t, "r", beganRequest)
	for _, args := range [][]string{
		{"--canonical-request", canonical},
		{"--canonical-request", canonical, "--request", request},
	} {
		code, stdout, stderr := runs(append([]string{"explain"}, args...)...)
		first, second := strings.Index(stdout, "1. The canonical request has no line for the query."), strings.Index(stdout, "2. The last line of the canonical request is not the x-amz-content-sha256")
		if code != 0 || stderr != "" || first != 0 || second < 0 {
			t.Errorf("%q: exit code %d, %q\n%s", args, code, stderr, stdout)
		}
		code, stdout, _ = runs(append([]string{"explain", "--json"}, args...)...)
		var got struct {
			Findings []struct{ Part, Cause string }
		}
		if err := json.Unmarshal([]byte(stdout), &got); err != nil || code != 0 || len(got.Findings) < 2 {
			t.Fatalf("%q: exit code %d, %v\n%s", args, code, err, stdout)
		}
		if a, b := got.Findings[0], got.Findings[1]; a.Cause != "no-query-line" || b.Cause != "payload-hash-mismatch" {
			t.Errorf("%q: %+v", args, got.Findings)
		}
		if strings.Contains(stdout, beganSignature) {
			t.Errorf("%q: the signature is shown:\n%s", args, stdout)
		}
	}
}

// Bad evidence gets two lines and exit code 1 or 2.
func TestExplainMisuse(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "")
	request, empty := file(t, "r", beganRequest), file(t, "e", "")
	for _, tt := range []struct {
		args []string
		code int
		says string
	}{
		{nil, exitMisused, "--request"},
		{[]string{request}, exitMisused, "--request"},
		{[]string{"--request", "-", "--response", "-"}, exitMisused, "standard input"},
		{[]string{"--request", "/nosuch/file"}, exitFailed, "/nosuch/file"},
		{[]string{"--request", t.TempDir()}, exitFailed, "directory"},
		{[]string{"--request", empty}, exitFailed, "empty"},
		{[]string{"--request", file(t, "j", "{\"a\": 1}\n")}, exitFailed, "--request"},
		{[]string{"--response", file(t, "h", "<html></html>")}, exitFailed, "--response"},
		{[]string{"--request", request, "--profile", "nosuch"}, exitFailed, "nosuch"},
	} {
		code, stdout, stderr := runs(append([]string{"explain"}, tt.args...)...)
		if code != tt.code || stdout != "" || !isTwoLines(stderr) || !strings.Contains(stderr, tt.says) {
			t.Errorf("%q: exit code %d, want %d, saying %q\n%s%s", tt.args, code, tt.code, tt.says, stdout, stderr)
		}
	}
}

// A refused request is explained at once, from what was sent and answered.
func TestSendExplains(t *testing.T) {
	srv := s3test.New(t, s3test.Options{Text: map[string]string{"k": "v"}, Rules: []s3test.Rule{{Key: "broken", Action: s3test.Error(500, "InternalError")}}})
	credentialsOf(t, srv)
	url := srv.Endpoint().String() + "/" + srv.Bucket()
	for name, tt := range map[string]struct {
		args []string
		says string // "": nothing is explained
	}{
		"region":  {[]string{"--region", "eu-north-1", url + "/k"}, "region"},
		"time":    {[]string{"--time", "20130524T000000Z", url + "/k"}, "minutes"},
		"missing": {[]string{url + "/nosuch"}, ""},
		"trouble": {[]string{url + "/broken"}, ""},
		"answers": {[]string{url + "/k"}, ""},
	} {
		_, stdout, stderr := runs(append([]string{"sign", "--send"}, tt.args...)...)
		_, why, explained := strings.Cut(stdout, "\nWhy\n")
		if stderr != "" || explained != (tt.says != "") || !strings.Contains(why, tt.says) {
			t.Errorf("%s: %q\n%s", name, stderr, stdout)
		}
	}
	t.Setenv("AWS_SECRET_ACCESS_KEY", os.Getenv("AWS_SECRET_ACCESS_KEY")+"x")
	code, stdout, _ := runs("sign", "--send", url+"/k")
	if _, why, _ := strings.Cut(stdout, "\nWhy\n"); code != exitFailed || !strings.Contains(why, "secret") {
		t.Errorf("another secret: exit code %d\n%s", code, stdout)
	}
}

// The session in docs/signing.md is what the program prints for what hand.py
// sent, and was answered.
func TestSigningSession(t *testing.T) {
	doc, err := os.ReadFile("../../docs/signing.md")
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "example/secret")
	t.Setenv("AWS_SESSION_TOKEN", "")
	code, stdout, stderr := runs("explain", "--request", "testdata/signing/debug.txt")
	if code != 0 || stderr != "" {
		t.Errorf("exit code %d, %q", code, stderr)
	}
	shown := "    $ s3mount explain --request debug.txt\n"
	for line := range strings.Lines(stdout) {
		if line != "\n" {
			line = "    " + line
		}
		shown += line
	}
	if !strings.Contains(string(doc), shown) {
		t.Errorf("docs/signing.md does not have\n%s", shown)
	}
	hand, err := os.ReadFile("testdata/signing/hand.py")
	if err != nil {
		t.Fatal(err)
	}
	_, quoted, _ := strings.Cut(string(doc), "gets an object:\n\n")
	quoted, _, _ = strings.Cut(quoted, "\n\nIt is refused")
	for line := range strings.Lines(quoted) {
		if !strings.Contains(string(hand), strings.TrimPrefix(line, "    ")) {
			t.Errorf("hand.py does not have %q", line)
		}
	}
}
