package main

import (
	"os/exec"
	"strings"
	"testing"

	"s3mount/s3/s3test"
)

// What --curl prints works as it is pasted into a shell.
func TestCurl(t *testing.T) {
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("curl is not installed: what --curl prints is not tried")
	}
	const odd = "it's {a,b} [1-3] $HOME `x` a/../b//c+%20\\é"
	srv := s3test.New(t, s3test.Options{Text: map[string]string{odd: "0123456789"}})
	credentialsOf(t, srv)
	object := srv.Endpoint().String() + "/" + srv.Bucket() + "/" + strings.NewReplacer("%", "%25", "\\", "%5C", "[", "%5B").Replace(odd)
	list := srv.Endpoint().String() + "/" + srv.Bucket() + "?list-type=2&prefix=it's {"
	for name, tt := range map[string]struct {
		args []string
		want string
	}{
		"GET":           {[]string{object}, "0123456789"},
		"a range":       {[]string{"--header", "Range: bytes=2-4", object}, "234"},
		"HEAD":          {[]string{"--method", "head", object}, "HTTP/1.1 200 OK"},
		"a list":        {[]string{list}, "<KeyCount>1</KeyCount>"},
		"presigned":     {[]string{"--presign", "1m", object}, "0123456789"},
		"quotes":        {[]string{"--header", "X-Amz-Meta-A: it's $HOME", object}, "0123456789"},
		"without value": {[]string{"--header", "X-Amz-Meta-A:", object}, "0123456789"},
		"unsigned body": {[]string{"--payload-hash", "UNSIGNED-PAYLOAD", object}, "0123456789"},
	} {
		t.Run(name, func(t *testing.T) {
			code, stdout, stderr := runs(append([]string{"sign", "--curl"}, tt.args...)...)
			if code != 0 || stderr != "" || strings.Count(stdout, "\n") != 1 {
				t.Fatalf("exit code %d, %q, %q", code, stdout, stderr)
			}
			command := strings.TrimSuffix(stdout, "\n") + " --silent --show-error --noproxy '*'"
			if got, err := exec.Command("sh", "-c", command).CombinedOutput(); err != nil || !strings.Contains(string(got), tt.want) {
				t.Errorf("%s%s\n%v", stdout, got, err)
			}
		})
	}
}

func TestCurlAlone(t *testing.T) {
	docCredentials(t)
	for _, with := range []string{"--json", "--send"} {
		if code, stdout, stderr := runs("sign", "--curl", with, "https://h/b/k"); code != exitMisused || stdout != "" || !isTwoLines(stderr) {
			t.Errorf("%s: exit code %d, %q, %q", with, code, stdout, stderr)
		}
	}
	_, stdout, _ := runs("sign", "--curl", "--method", "put", "--ca-bundle", "testdata/nosuch", "https://h/b/k")
	if stdout != "" {
		t.Errorf("a bundle that is not there: %q", stdout)
	}
	_, stdout, _ = runs("sign", "--curl", "--method", "put", "--header", "Host: other", "https://h/b/k")
	for _, want := range []string{"curl --path-as-is --globoff --request 'PUT' ", " --header 'Host: other' ", " 'https://h/b/k'\n"} {
		if !strings.Contains(stdout, want) {
			t.Errorf("%q is not in %q", want, stdout)
		}
	}
}
