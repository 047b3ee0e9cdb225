package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"s3mount/s3/s3test"
	"s3mount/sigv4"
)

// on has doctor look at another machine until the test ends.
func on(t *testing.T, change func(*machine)) {
	t.Helper()
	was := thisMachine
	t.Cleanup(func() { thisMachine = was })
	change(&thisMachine)
}

// capable is a machine on which everything is as a mount wants it, whatever this
// one has.
func capable(t *testing.T) {
	t.Helper()
	on(t, func(m *machine) {
		m.uid = func() int { return 0 }
		m.fuseDevice, m.status = os.DevNull, writeFile(t, "status", "CapEff:\t000001ffffffffff\n")
	})
}

// A diagnosis is what `doctor --json` prints.
type diagnosis struct {
	Source   string
	Works    bool
	Requests int
	Checks   []struct {
		Check, Status, Finding, Hint string
		Settings                     []setting
	}
}

// diagnose runs doctor in both forms, which must agree.
func diagnose(t *testing.T, args ...string) (code int, d diagnosis, text string) {
	t.Helper()
	code, text, stderr := runs(append([]string{"doctor"}, args...)...)
	if stderr != "" {
		t.Errorf("standard error: %s", stderr)
	}
	again, said, _ := runs(append([]string{"doctor", "--json"}, args...)...)
	if again != code {
		t.Errorf("exit code %d, and with --json %d", code, again)
	}
	if err := json.Unmarshal([]byte(said), &d); err != nil {
		t.Fatalf("--json: %v in %s", err, said)
	}
	if d.Works != (code == 0) {
		t.Errorf("exit code %d, and works is %v", code, d.Works)
	}
	for _, c := range d.Checks {
		if !strings.Contains(text, c.Status) || !strings.Contains(text, c.Check) {
			t.Errorf("%s %s is not in\n%s", c.Status, c.Check, text)
		}
		if (c.Status == "failed" || c.Status == "warning") && c.Hint == "" {
			t.Errorf("%s: %s, without a hint", c.Check, c.Finding)
		}
	}
	return code, d, text
}

// first is the first check with that status: name, finding and hint.
func (d diagnosis) first(status string) (name, finding, hint string) {
	for _, c := range d.Checks {
		if c.Status == status {
			return c.Check, c.Finding, c.Hint
		}
	}
	return "", "", ""
}

// Each broken setup is found at the right check, with a hint that mends it, and
// nothing of it gives a secret away.
func TestDoctor(t *testing.T) {
	for _, w := range wards() {
		t.Run(w.name, func(t *testing.T) {
			srv, args := w.enter(t)
			log := filepath.Join(t.TempDir(), "log")
			args = append([]string{"--log-level", "debug", "--log-file", log}, args...)
			code, d, text := diagnose(t, args...)

			status, wantCode := "failed", exitFailed
			if w.status != "" {
				status, wantCode = w.status, 0
			}
			name, finds, hint := d.first(status)
			if code != wantCode || name != w.check || !strings.Contains(finds, w.finds) || !strings.Contains(hint, w.hint) {
				t.Errorf("exit code %d: %s %s: %s\nhint: %s\nwant %d: %s: … %s …\nhint: … %s …\n%s", code, status, name, finds, hint, wantCode, w.check, w.finds, w.hint, text)
			}
			logged, err := os.ReadFile(log)
			if err != nil {
				t.Fatal(err)
			}
			all, _ := json.Marshal(d)
			for _, said := range []string{text, string(all)} {
				keepsSecrets(t, said)
				if hex := regexp.MustCompile(`[0-9a-f]{64}`).FindString(said); hex != "" {
					t.Errorf("this may be a signature: %s", hex)
				}
			}
			keepsSecrets(t, string(logged))
			if strings.Contains(text, "user:") {
				t.Errorf("an endpoint is shown with what may be a password: %s", text)
			}
			w.asMount(t, srv)
		})
	}
}

// enter starts the server and gives doctor's arguments.
func (w ward) enter(t *testing.T) (*s3test.Server, []string) {
	t.Helper()
	capable(t)
	o := w.o
	o.Bucket, o.Credentials = "photos", sigv4.Credentials{AccessKeyID: "AKIAPHOTOS", SecretAccessKey: hush, SessionToken: token}
	srv := s3test.New(t, o)
	credentialsOf(t, srv)
	t.Setenv("AWS_ENDPOINT_URL", srv.Endpoint().String())
	var args []string
	if w.setup != nil {
		args = w.setup(t, srv)
	}
	if w.source == "" {
		w.source = "s3://photos"
	}
	if !slices.Contains(args, w.source) {
		args = append(args, w.source)
	}
	return srv, args
}

// keepsSecrets looks for what must not be in any output.
func keepsSecrets(t *testing.T, said string) {
	t.Helper()
	for _, secret := range []string{hush, hush[:12], token, token[:12], "Signature=", "X-Amz-Signature", "AWS4-HMAC-SHA256 Credential"} {
		if strings.Contains(said, secret) {
			t.Errorf("%q is in %s", secret, said)
		}
	}
}

// asMount has a mount ask its first request in the same setup: doctor must not
// say that it works where a mount fails, nor the other way.
func (w ward) asMount(t *testing.T, srv *s3test.Server) {
	t.Helper()
	var args []string
	if w.setup != nil {
		args = slices.DeleteFunc(w.setup(t, srv), func(s string) bool { return strings.HasPrefix(s, "s3://") || s == "/proc" })
	}
	if i := slices.Index(args, "--timeout"); i >= 0 {
		return // a mount has more patience
	}
	what := target{bucket: "photos"}
	if w.source != "" {
		what, _ = parseTarget(w.source)
	}
	s, _ := parsed(t, append(args, "--log-level", "error")...)
	_, err := s.answering(t.Context(), what, loggerOf(t, s))
	if (err == nil) != w.works {
		t.Errorf("a mount begins with %v", err)
	}
}

// A bucket that is fine costs six requests, all of them GET and HEAD.
func TestDoctorFine(t *testing.T) {
	capable(t)
	srv := s3test.New(t, s3test.Options{Bucket: "photos", Objects: map[string]s3test.Object{
		"archived":      {Size: 100, StorageClass: "GLACIER"},
		"deep/archived": {Size: 100, StorageClass: "DEEP_ARCHIVE"},
		"empty":         {Body: []byte{}},
		"one":           {Size: 1},
		"report":        {Size: 10 << 30},
		"small":         {Size: 100},
	}})
	credentialsOf(t, srv)
	dir := t.TempDir()
	code, text, _ := runs("doctor", "--endpoint-url", srv.Endpoint().String(), "s3://photos", dir)
	want := []string{"HEAD", "LIST flat", "HEAD report", "GET report 0-4095", "GET report 2048-4095", "GET report 0-0"}
	if got := srv.Requests(); code != 0 || !slices.Equal(got, want) || !strings.Contains(text, "6 requests made") {
		t.Errorf("exit code %d, asked %q, want %q\n%s", code, got, want, text)
	}
	if srv.Bytes() > 1<<20 {
		t.Errorf("%d bytes were sent", srv.Bytes())
	}
	for _, want := range []string{"A mount would work.", "206, Content-Range: bytes 2048-4095/10737418240", "412 for another version", "6 keys below s3://photos/", dir} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in\n%s", want, text)
		}
	}
}

// Where there is no object to try, that is no failure.
func TestDoctorNothingToTry(t *testing.T) {
	capable(t)
	for _, tt := range []struct {
		name, source string
		objects      map[string]s3test.Object
		says         string
		requests     int
		status       string // of HEAD
	}{
		{"an empty bucket", "s3://photos", nil, "the bucket is empty", 2, "skipped"},
		{"an empty prefix", "s3://photos/2026", map[string]s3test.Object{"a": {Size: 1}}, "no key below s3://photos/2026/", 2, "skipped"},
		{"only archived", "s3://photos", map[string]s3test.Object{"a": {Size: 9, StorageClass: "GLACIER"}}, "are archived", 2, "skipped"},
		{"only empty", "s3://photos", map[string]s3test.Object{"a": {Body: []byte{}}}, "no object with bytes", 3, "ok"},
		{"only a byte", "s3://photos", map[string]s3test.Object{"a": {Size: 1}}, "206, Content-Range: bytes 0-0/1", 6, "ok"},
		{"archived and not said so", "s3://photos", map[string]s3test.Object{"a": {Size: 9, StorageClass: "GLACIER"}}, "is archived", 4, "ok"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := s3test.Options{Bucket: "photos", Objects: tt.objects}
			if tt.requests == 4 {
				o.Rules = []s3test.Rule{{Op: s3test.List, Action: s3test.Edit(func(b []byte) []byte { return bytes.ReplaceAll(b, []byte("GLACIER"), []byte("STANDARD")) })}}
			}
			srv := s3test.New(t, o)
			credentialsOf(t, srv)
			code, text, _ := runs("doctor", "--endpoint-url", srv.Endpoint().String(), tt.source)
			if got := len(srv.Requests()); code != 0 || got != tt.requests || !strings.Contains(text, tt.says) || !strings.Contains(text, tt.status+" ") {
				t.Errorf("exit code %d, asked %q, want %d requests and %q in\n%s", code, srv.Requests(), tt.requests, tt.says, text)
			}
		})
	}
}

func TestDoctorMisused(t *testing.T) {
	for _, args := range [][]string{
		{}, {"s3://b", "/a", "/b"}, {"--no-such-flag", "s3://b"}, {"/mnt"}, {"s3://b", "s3://c"}, {"--timeout", "0", "s3://b"}, {"--timeout", "no", "s3://b"},
		{"--endpoint-url", "h", "s3://b"}, {"-o", "rw", "s3://b"}, {"--max-connections", "0", "s3://b"},
	} {
		if code, stdout, stderr := runs(append([]string{"doctor"}, args...)...); code != exitMisused || stdout != "" || !isTwoLines(stderr) {
			t.Errorf("doctor %q: exit code %d, %s%s", args, code, stdout, stderr)
		}
	}
}

// In a versioned bucket it reads as a mount does: the first time the object, then
// the version.
func TestDoctorVersioned(t *testing.T) {
	capable(t)
	srv := s3test.New(t, s3test.Options{Versioned: true, Objects: map[string]s3test.Object{"a": {Size: 10, VersionID: "v1"}}})
	credentialsOf(t, srv)
	code, text, _ := runs("doctor", "--endpoint-url", srv.Endpoint().String(), "s3://bucket")
	want := []string{"HEAD", "LIST flat", "HEAD a", "GET a 0-9", "GET a 5-9 version=v1", "GET a 0-0"}
	if got := srv.Requests(); code != 0 || !slices.Equal(got, want) || strings.Contains(text, "warning") {
		t.Errorf("exit code %d, asked %q, want %q\n%s", code, got, want, text)
	}
}

// The session in the README is what is printed.
func TestREADMEShowsDoctor(t *testing.T) {
	capable(t)
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, session, _ := strings.Cut(string(readme), "    $ s3mount doctor ")
	_, session, _ = strings.Cut(session, "\n")
	srv := s3test.New(t, s3test.Options{
		Bucket: "photos", Text: map[string]string{"2026/a.jpg": "aa", "2026/b.jpg": "bb"}, DenyGet: true, DenyHead: true,
		Credentials: sigv4.Credentials{AccessKeyID: "AKIAIOSFODNN7EXAMPLE", SecretAccessKey: hush},
	})
	credentialsOf(t, srv)
	t.Setenv("AWS_REGION", "us-east-1")
	dir := t.TempDir()
	_, text, _ := runs("doctor", "--endpoint-url", srv.Endpoint().String(), "s3://photos/2026", dir)
	same := func(s string) string { // but for addresses, times and blanks
		s = strings.ReplaceAll(strings.ReplaceAll(s, srv.Endpoint().Host, "127.0.0.1:9000"), dir, "/mnt")
		s = regexp.MustCompile(` (<1ms|[0-9.]+m?s) `).ReplaceAllString(s, " ")
		return strings.Join(strings.Fields(s), " ")
	}
	printed := []string{}
	for line := range strings.Lines(text) {
		printed = append(printed, same(line))
	}
	lines := 0
	for line := range strings.Lines(session) {
		if line != "\n" && !strings.HasPrefix(line, "    ") {
			break
		}
		if line = same(line); line == "" || line == "[...]" {
			continue
		}
		i := slices.Index(printed, line)
		if i < 0 {
			t.Fatalf("the README has %q, and doctor prints\n%s", line, text)
		}
		printed = printed[i+1:]
		lines++
	}
	if lines < 20 {
		t.Errorf("the README has %d lines of a session", lines)
	}
}
