package main

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"

	"s3mount/s3/s3test"
)

// listed runs ls on a server and gives its lines with the times out of them.
func listed(t *testing.T, srv *s3test.Server, args ...string) []string {
	t.Helper()
	t.Setenv("AWS_ACCESS_KEY_ID", srv.Credentials().AccessKeyID)
	t.Setenv("AWS_SECRET_ACCESS_KEY", srv.Credentials().SecretAccessKey)
	args = append([]string{"ls", "--endpoint-url", srv.Endpoint().String(), "--region", srv.Region()}, args...)
	code, stdout, stderr := runs(args...)
	if code != 0 || stderr != "" {
		t.Fatalf("%q: exit code %d, %s", args, code, stderr)
	}
	var lines []string
	for line := range strings.Lines(regexp.MustCompile(`(?m)^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d`).ReplaceAllString(stdout, "TIME")) {
		lines = append(lines, strings.TrimSuffix(line, "\n"))
	}
	slices.Sort(lines)
	return lines
}

func TestListOfBuckets(t *testing.T) {
	srv := s3test.New(t, s3test.Options{})
	srv.Beside(false, s3test.New(t, s3test.Options{Bucket: "alpha", Region: "eu-north-1"}))
	if got := listed(t, srv, "s3://"); len(got) != 2 || !strings.HasSuffix(got[0], "PRE alpha/") || !strings.HasSuffix(got[1], "PRE bucket/") {
		t.Errorf("%q", got)
	}
	if got := listed(t, srv, "--json", "s3:///"); len(got) != 2 || got[0] != `{"path":"alpha/","hidden":false,"directory":true}` {
		t.Errorf("%q", got)
	}
	for _, args := range [][]string{{"-R", "s3://"}, {"--hidden", "s3://"}, {"--no-list", "s3://b"}} {
		if code, stdout, stderr := runs(append([]string{"ls"}, args...)...); code != exitMisused || stdout != "" || !isTwoLines(stderr) {
			t.Errorf("ls %q: exit code %d, %s%s", args, code, stdout, stderr)
		}
	}
}

func TestList(t *testing.T) {
	srv := s3test.New(t, s3test.Options{Text: map[string]string{
		"f": "12345", "d": "1", "d/x": "12", "d//y": "123", "d/": "1", "e\x01": "", "\xff": "",
	}})
	bucket := "s3://" + srv.Bucket()
	for _, tt := range []struct {
		args []string
		want []string
	}{
		{[]string{bucket}, []string{
			`                           PRE d/`,
			`TIME          0 "\xff"`,
			`TIME          0 "e\x01"`,
			`TIME          1 .s3mount-hidden/d  <- "d"`,
			`TIME          5 f`,
		}},
		{[]string{bucket + "/d"}, []string{
			`                           PRE .s3mount-hidden/%2F/  <- "d//"`,
			`TIME          1 .s3mount-hidden/%marker  <- "d/"`,
			`TIME          2 x`,
		}},
		{[]string{"-R", bucket + "/d/"}, []string{
			`TIME          1 .s3mount-hidden/%marker  <- "d/"`,
			`TIME          2 x`,
			`TIME          3 .s3mount-hidden/%2F/y  <- "d//y"`,
		}},
		{[]string{"-R", "--exclude", "d/*", "--exclude", "e*", bucket}, []string{
			`TIME          0 "\xff"`,
			`TIME          1 d`, // nothing is shown that would hide it
			`TIME          5 f`,
		}},
		{[]string{"--exclude", "*", "--include", "d/*", bucket}, []string{`                           PRE d/`}},
		{[]string{"--hidden", bucket}, []string{
			`TIME          1 .s3mount-hidden/d  <- "d"`,
			`TIME          1 d/.s3mount-hidden/%marker  <- "d/"`,
			`TIME          3 d/.s3mount-hidden/%2F/y  <- "d//y"`,
		}},
	} {
		if got := listed(t, srv, tt.args...); !slices.Equal(got, tt.want) {
			t.Errorf("ls %q:\n%s\nwant\n%s", tt.args, strings.Join(got, "\n"), strings.Join(tt.want, "\n"))
		}
	}
	srv.ResetLog()
	listed(t, srv, "--hidden", bucket)
	if n := srv.Count(s3test.List); n != 1 || srv.Count("") != 1 {
		t.Errorf("ls --hidden asked %q, want one LIST", srv.Requests())
	}
}

// With --json each line is an object that says the bytes of keys and paths.
func TestListJSON(t *testing.T) {
	srv := s3test.New(t, s3test.Options{Text: map[string]string{"f": "12345", "\xff": "", "d/x": ""}})
	var got []listedJSON
	for _, line := range listed(t, srv, "--json", "s3://"+srv.Bucket()) {
		var j listedJSON
		if err := json.Unmarshal([]byte(line), &j); err != nil {
			t.Fatal(err)
		}
		got = append(got, j)
	}
	if len(got) != 3 {
		t.Fatalf("%d lines", len(got))
	}
	if dir := got[0]; dir.Path != "d/" || !dir.Directory || dir.Size != nil || dir.LastModified != nil {
		t.Errorf("the directory is %+v", dir)
	}
	if f := got[1]; f.Path != "f" || f.Key != "f" || f.Directory || *f.Size != 5 || f.ETag == "" || f.LastModified == nil {
		t.Errorf("the file is %+v", f)
	}
	if odd := got[2]; odd.PathBase64 != "/w==" || odd.KeyBase64 != "/w==" || odd.Path != "" {
		t.Errorf("what is no text is %+v", odd)
	}
}

func TestListFails(t *testing.T) {
	unsorted := s3test.New(t, s3test.Options{Unsorted: true, Text: map[string]string{"a": "", "b": "", "c": "", "d": "", "e": ""}})
	t.Setenv("AWS_ACCESS_KEY_ID", unsorted.Credentials().AccessKeyID)
	t.Setenv("AWS_SECRET_ACCESS_KEY", unsorted.Credentials().SecretAccessKey)
	endpoint := []string{"ls", "--endpoint-url", unsorted.Endpoint().String(), "--region", unsorted.Region()}
	for _, tt := range []struct {
		args []string
		code int
		hint string
	}{
		{append(endpoint, "-R", "s3://"+unsorted.Bucket()), exitFailed, "find DIR"},
		{append(endpoint, "s3://none"), exitFailed, "spelling"},
		{append(endpoint, "s3://"+unsorted.Bucket()+"/none"), exitFailed, "check the prefix"},
		{append(endpoint, "--hidden", "s3://"+unsorted.Bucket()+"/a"), exitFailed, "check the prefix"}, // an object
		{[]string{"ls"}, exitMisused, "--help"},
		{[]string{"ls", "s3://a", "s3://b"}, exitMisused, "--help"},
		{[]string{"ls", "http://a"}, exitMisused, "s3://BUCKET"},
		{[]string{"ls", "--memory", "0", "s3://a"}, exitMisused, ""},
	} {
		code, _, stderr := runs(tt.args...)
		if code != tt.code || !isTwoLines(stderr) || !strings.Contains(stderr, tt.hint) {
			t.Errorf("%q: exit code %d, %s", tt.args, code, stderr)
		}
	}
}
