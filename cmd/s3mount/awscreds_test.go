package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"s3mount/sigv4"
)

// found gives the credentials that the configuration leads to.
func found(t *testing.T, a access) (sigv4.Credentials, error) {
	t.Helper()
	aws, err := loadAWS(t.Context(), a, "")
	if err != nil {
		t.Fatal(err)
	}
	return aws.keys.credentials(t.Context(), sigv4.Credentials{})
}

func TestCredentials(t *testing.T) {
	script := filepath.Join(t.TempDir(), "process")
	if err := os.WriteFile(script, []byte(`#!/bin/sh
echo '{"Version": 1, "AccessKeyId": "PROCESS", "SecretAccessKey": "p", "SessionToken": "t"}'
`), 0o700); err != nil {
		t.Fatal(err)
	}
	container := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "let me in" {
			http.Error(w, "{}", http.StatusForbidden)
			return
		}
		fmt.Fprint(w, `{"AccessKeyId": "CONTAINER", "SecretAccessKey": "c", "Token": "t", "Expiration": "2100-01-01T00:00:00Z"}`)
	}))
	t.Cleanup(container.Close)

	const credentials = `[default]
aws_access_key_id = SHARED
aws_secret_access_key = s
[work]
aws_access_key_id = WORK
aws_secret_access_key = w
aws_session_token = t
`
	config := "[profile process]\ncredential_process = " + script + "\n[profile configured]\naws_access_key_id = CONFIGURED\naws_secret_access_key = c\n"
	env := map[string]string{"AWS_ACCESS_KEY_ID": "ENV", "AWS_SECRET_ACCESS_KEY": "e"}
	tests := []struct {
		name    string
		profile string // --profile
		env     map[string]string
		empty   bool // no shared files
		want    sigv4.Credentials
	}{
		{name: "environment", env: env, want: sigv4.Credentials{AccessKeyID: "ENV", SecretAccessKey: "e"}},
		{name: "environment with token", env: map[string]string{"AWS_ACCESS_KEY_ID": "ENV", "AWS_SECRET_ACCESS_KEY": "e", "AWS_SESSION_TOKEN": "t"}, want: sigv4.Credentials{AccessKeyID: "ENV", SecretAccessKey: "e", SessionToken: "t"}},
		{name: "shared file", want: sigv4.Credentials{AccessKeyID: "SHARED", SecretAccessKey: "s"}},
		{name: "AWS_PROFILE", env: map[string]string{"AWS_PROFILE": "work"}, want: sigv4.Credentials{AccessKeyID: "WORK", SecretAccessKey: "w", SessionToken: "t"}},
		{name: "--profile", profile: "work", want: sigv4.Credentials{AccessKeyID: "WORK", SecretAccessKey: "w", SessionToken: "t"}},
		{name: "--profile before AWS_PROFILE", profile: "work", env: map[string]string{"AWS_PROFILE": "configured"}, want: sigv4.Credentials{AccessKeyID: "WORK", SecretAccessKey: "w", SessionToken: "t"}},
		{name: "--profile before the environment", profile: "work", env: env, want: sigv4.Credentials{AccessKeyID: "WORK", SecretAccessKey: "w", SessionToken: "t"}},
		{name: "the environment before AWS_PROFILE", env: map[string]string{"AWS_PROFILE": "work", "AWS_ACCESS_KEY_ID": "ENV", "AWS_SECRET_ACCESS_KEY": "e"}, want: sigv4.Credentials{AccessKeyID: "ENV", SecretAccessKey: "e"}},
		{name: "profile of the config file", profile: "configured", want: sigv4.Credentials{AccessKeyID: "CONFIGURED", SecretAccessKey: "c"}},
		{name: "credential_process", profile: "process", want: sigv4.Credentials{AccessKeyID: "PROCESS", SecretAccessKey: "p", SessionToken: "t"}},
		{name: "container", empty: true, env: map[string]string{"AWS_CONTAINER_CREDENTIALS_FULL_URI": container.URL, "AWS_CONTAINER_AUTHORIZATION_TOKEN": "let me in"}, want: sigv4.Credentials{AccessKeyID: "CONTAINER", SecretAccessKey: "c", SessionToken: "t"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if !tt.empty {
				configFile(t, config)
				t.Setenv("AWS_SHARED_CREDENTIALS_FILE", writeFile(t, "credentials", credentials))
			}
			for name, value := range tt.env {
				t.Setenv(name, value)
			}
			if got, err := found(t, access{profile: tt.profile}); err != nil || got != tt.want {
				t.Errorf("found %v, %v; want %v", got, err, tt.want)
			}
		})
	}
}

// When there are none, that is an error that says so and where was looked,
// never an unsigned request.
func TestNoCredentials(t *testing.T) {
	got, err := found(t, access{})
	if err == nil || got != (sigv4.Credentials{}) || !strings.Contains(err.Error(), "none are configured") {
		t.Errorf("found %v, %v; want an error that says that none are configured", got, err)
	}
	code, stdout, stderr := runs("sign", "http://127.0.0.1:9/b/k")
	if code != exitFailed || stdout != "" || !isTwoLines(stderr) {
		t.Errorf("exit code %d, stdout %q, stderr %q", code, stdout, stderr)
	}
	for _, want := range []string{"no usable credentials", "AWS_ACCESS_KEY_ID", "~/.aws/credentials", "AWS_PROFILE", "credential_process", "web identity", "container", "EC2"} {
		if !strings.Contains(stderr, want) {
			t.Errorf("%q is not in %q", want, stderr)
		}
	}
}

// A source of credentials that fails is what the error is about.
func TestCredentialsThatCannotBeFetched(t *testing.T) {
	configFile(t, "[profile broken]\ncredential_process = exit 3\n[profile odd]\ncredential_process = echo hush-hush\n")
	for profile, want := range map[string]string{"broken": "credential_process: exit status 3", "odd": "credential_process: invalid character"} {
		_, err := found(t, access{profile: profile})
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "none are configured") {
			t.Errorf("--profile %s: %v; want an error about the process", profile, err)
		}
		if err != nil && strings.Contains(err.Error(), "hush") {
			t.Errorf("--profile %s: the error repeats what the process said: %v", profile, err)
		}
	}
}
