package main

import (
	"net"
	"slices"
	"strings"
	"testing"

	"s3mount/s3/s3test"
)

func TestSend(t *testing.T) {
	srv := s3test.New(t, s3test.Options{Text: map[string]string{"a b+c%20//..": "hello\n"}, Objects: map[string]s3test.Object{"big": {Size: maxShown + 1}}})
	credentialsOf(t, srv)
	url := func(path string) string { return srv.Endpoint().String() + "/" + srv.Bucket() + path }
	tests := []struct {
		name   string
		args   []string
		code   int
		stdout []string
	}{
		{"GET", []string{url("/a b+c%2520//..")}, 0, []string{"\nAnswer\n  HTTP/1.1 200 OK\n", "\n  Content-Length: 6\n", "\n\nhello\n"}},
		{"HEAD", []string{"--method", "HEAD", url("/a b+c%2520//..")}, 0, []string{"HTTP/1.1 200 OK", "Etag: "}},
		{"Range", []string{"--header", "Range: bytes=1-2", url("/a b+c%2520//..")}, 0, []string{"206 Partial Content", "Content-Range: bytes 1-2/6", "\n\nel\n"}},
		{"list", []string{url("?list-type=2&prefix=a b+")}, 0, []string{"200 OK", "<Key>a b+c%20//..</Key>"}},
		{"presigned", []string{"--presign", "1m", url("/a b+c%2520//..")}, 0, []string{"URL\n  http://", "200 OK", "hello"}},
		{"missing", []string{url("/nosuch")}, 1, []string{"404 Not Found", "NoSuchKey"}},
		{"missing, HEAD", []string{"--method", "head", url("/nosuch")}, 1, []string{"404 Not Found"}},
		{"too much", []string{url("/big")}, 0, []string{"200 OK", "(no more than 1048576 bytes are shown)"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			code, stdout, stderr := runs(append([]string{"sign", "--send"}, tt.args...)...)
			if code != tt.code || stderr != "" {
				t.Errorf("exit code %d, stderr %q; want %d and nothing", code, stderr, tt.code)
			}
			for _, want := range tt.stdout {
				if !strings.Contains(stdout, want) {
					t.Errorf("%q is not in\n%.3000s", want, stdout)
				}
			}
		})
	}
	if got := srv.Requests()[0]; got != "GET a b+c%20//.." {
		t.Errorf("the server got %q", got)
	}
}

// Refused, it shows the server's reasons, which is what the command is for.
func TestSendRefused(t *testing.T) {
	srv := s3test.New(t, s3test.Options{Text: map[string]string{"k": "v"}})
	credentialsOf(t, srv)
	t.Setenv("AWS_SECRET_ACCESS_KEY", "wrong")
	code, stdout, stderr := runs("sign", "--send", srv.Endpoint().String()+"/"+srv.Bucket()+"/k")
	if code != exitFailed || stderr != "" {
		t.Errorf("exit code %d, stderr %q", code, stderr)
	}
	for _, want := range []string{"403 Forbidden", "<Code>SignatureDoesNotMatch</Code>", "Canonical request\n  GET\n"} {
		if !strings.Contains(stdout, want) {
			t.Errorf("%q is not in\n%s", want, stdout)
		}
	}
}

// One request is sent, whatever comes back: no redirect is followed, nothing is
// asked again, and nothing that writes goes out.
func TestSendOnce(t *testing.T) {
	srv := s3test.New(t, s3test.Options{Text: map[string]string{"k": "v"}, Rules: []s3test.Rule{
		{Key: "moved", Action: s3test.Redirect(307, "/bucket/k", "")},
		{Key: "broken", Action: s3test.Error(503, "SlowDown")},
	}})
	credentialsOf(t, srv)
	url := srv.Endpoint().String() + "/" + srv.Bucket()
	for path, want := range map[string]string{"/moved": "307 Temporary Redirect", "/broken": "503 Service Unavailable"} {
		srv.ResetLog()
		code, stdout, _ := runs("sign", "--send", url+path)
		if got := srv.Requests(); code != exitFailed || !strings.Contains(stdout, want) || len(got) != 1 {
			t.Errorf("%s: exit code %d after %q, %s", path, code, got, stdout)
		}
	}
	srv.ResetLog()
	for _, method := range []string{"PUT", "POST", "DELETE", "put", "COPY"} {
		if code, stdout, _ := runs("sign", "--send", "--method", method, url+"/k"); code != exitMisused || stdout != "" {
			t.Errorf("%s: exit code %d, %q", method, code, stdout)
		}
	}
	if got := srv.Requests(); len(got) != 0 {
		t.Errorf("the server got %q", got)
	}
}

func TestSendFails(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := l.Addr().String()
	l.Close()
	docCredentials(t)
	code, _, stderr := runs("sign", "--send", "http://"+closed+"/b/k")
	if code != exitFailed || !isTwoLines(stderr) || !strings.Contains(stderr, "connection refused") || !strings.Contains(stderr, "nothing listens at "+closed+"; check the URL ") {
		t.Errorf("exit code %d, %s", code, stderr)
	}

	srv := s3test.New(t, s3test.Options{Text: map[string]string{"k": "123456789"}, Rules: []s3test.Rule{{Key: "k", Action: s3test.Close(4)}}})
	credentialsOf(t, srv)
	code, stdout, stderr := runs("sign", "--send", srv.Endpoint().String()+"/"+srv.Bucket()+"/k")
	if code != exitFailed || !strings.Contains(stdout, "1234") || !isTwoLines(stderr) || !strings.Contains(stderr, "broke after 4 bytes") {
		t.Errorf("a body that breaks: exit code %d, %s%s", code, stdout, stderr)
	}
	if !slices.Equal(srv.Requests(), []string{"GET k"}) {
		t.Errorf("a broken body is asked again: %q", srv.Requests())
	}
}
