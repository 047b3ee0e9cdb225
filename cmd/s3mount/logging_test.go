package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"s3mount/s3/s3test"
	"s3mount/sigv4"
)

// logged gives what a use of the log leaves in its file.
func logged(t *testing.T, use func(*slog.Logger), args ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "log")
	s, _ := parsed(t, append(args, "--log-file", path)...)
	log, closeLog, err := s.logger(true)
	if err != nil {
		t.Fatal(err)
	}
	use(log)
	if err := closeLog(); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func everyLevel(log *slog.Logger) {
	log.Debug("d", "key", "a b\nc")
	log.Info("i")
	log.Warn("w")
	log.Error("e")
}

func TestLogLevels(t *testing.T) {
	for level, want := range map[string]int{"debug": 4, "info": 3, "INFO": 3, "warn": 2, "error": 1} {
		if text := logged(t, everyLevel, "--log-level", level); strings.Count(text, "\n") != want {
			t.Errorf("--log-level %s: want %d lines, have\n%s", level, want, text)
		}
	}
}

func TestLogFormats(t *testing.T) {
	text := logged(t, everyLevel, "--log-level", "debug")
	if !strings.HasPrefix(text, "time=") || !strings.Contains(text, ` level=DEBUG msg=d key="a b\nc"`+"\n") {
		t.Errorf("text: %s", text)
	}
	lines := bufio.NewScanner(strings.NewReader(logged(t, everyLevel, "--log-level", "debug", "--log-format", "json")))
	n := 0
	for ; lines.Scan(); n++ {
		var line struct {
			Time       time.Time
			Level, Msg string
		}
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil || line.Time.IsZero() || line.Level == "" || line.Msg == "" {
			t.Errorf("json: %q: %v", lines.Text(), err)
		}
	}
	if n != 4 {
		t.Errorf("json: %d lines, want 4", n)
	}
}

// The log is not for everybody, and what was in it stays.
func TestLogFile(t *testing.T) {
	old := syscall.Umask(0)
	defer syscall.Umask(old)
	path := filepath.Join(t.TempDir(), "log")
	for range 2 {
		s, _ := parsed(t, "--log-file", path)
		everyLevel(loggerOf(t, s))
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode() != 0o640 {
		t.Errorf("the mode is %v, %v; want 0640", info.Mode(), err)
	}
	if text, _ := os.ReadFile(path); strings.Count(string(text), "\n") != 6 {
		t.Errorf("after two starts it holds\n%s", text)
	}
}

func TestLogRefused(t *testing.T) {
	for flag, value := range map[string]string{"--log-level": "loud", "--log-file": filepath.Join(t.TempDir(), "no", "such", "dir")} {
		s, _ := parsed(t, flag, value)
		if _, _, err := s.logger(false); err == nil || !strings.Contains(err.Error(), flag) {
			t.Errorf("%s %s: %v; want an error that names the flag", flag, value, err)
		}
	}
	s, _ := parsed(t, "--log-level", "loud")
	var misuse *usageError
	if _, _, err := s.logger(false); !errors.As(err, &misuse) {
		t.Errorf("--log-level loud: %v; want a usage error", err)
	}
}

// No secret, no token and no signature is in a log, not at debug, not when the
// server repeats what it was sent.
func TestLogHoldsNoSecrets(t *testing.T) {
	creds := sigv4.Credentials{AccessKeyID: "AKIAPHOTOS", SecretAccessKey: "hush/secret+key", SessionToken: "hush/token+long="}
	srv := s3test.New(t, s3test.Options{Credentials: creds, Text: map[string]string{"d/a": "1"}})
	t.Setenv("AWS_ACCESS_KEY_ID", creds.AccessKeyID)
	t.Setenv("AWS_SESSION_TOKEN", creds.SessionToken)
	for _, format := range []string{"text", "json"} {
		for _, secret := range []string{creds.SecretAccessKey, "hush/another"} { // taken, and refused
			t.Setenv("AWS_SECRET_ACCESS_KEY", secret)
			var mountErr error
			text := logged(t, func(log *slog.Logger) {
				s, _ := parsed(t, "--endpoint-url", srv.Endpoint().String())
				_, mountErr = s.answering(t.Context(), target{bucket: srv.Bucket(), prefix: "d/"}, log)
			}, "--log-level", "debug", "--log-format", format)
			if mountErr != nil {
				text += mountErr.Error() + hintFor("s3mount", mountErr)
			}
			if !strings.Contains(text, "canonical") {
				t.Errorf("%s: the log does not show what is signed: %s", format, text)
			}
			if refused := mountErr != nil; refused != (secret != creds.SecretAccessKey) {
				t.Errorf("with secret %s: %v", secret, mountErr)
			}
			for _, hidden := range []string{"hush", "Signature=", "AWS4-HMAC-SHA256 Credential"} {
				if strings.Contains(text, hidden) {
					t.Errorf("%s: %q is in the log:\n%s", format, hidden, text)
				}
			}
		}
	}
}

// A prefix below which there is nothing is worth a line, and no error.
func TestEmptyPrefixIsLogged(t *testing.T) {
	srv := s3test.New(t, s3test.Options{Text: map[string]string{"d/a": "1"}})
	credentialsOf(t, srv)
	for prefix, warned := range map[string]bool{"": false, "d/": false, "nosuch/": true} {
		text := logged(t, func(log *slog.Logger) {
			s, _ := parsed(t, "--endpoint-url", srv.Endpoint().String())
			if _, err := s.answering(t.Context(), target{bucket: srv.Bucket(), prefix: prefix}, log); err != nil {
				t.Error(err)
			}
		})
		if got := strings.Contains(text, "level=WARN"); got != warned {
			t.Errorf("prefix %q: the log is %q", prefix, text)
		}
	}
}
