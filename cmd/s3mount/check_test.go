package main

import (
	"errors"
	"strings"
	"testing"
)

func TestCheck(t *testing.T) {
	for _, args := range [][]string{
		{"--memory", "1280KiB"}, {"--read-ahead", "0"}, {"--metadata-ttl", "0"}, {"--max-connections", "1"}, {"--max-attempts", "1"},
		{"--max-entries", "1"}, {"--file-mode", "0001"}, {"--request-payer"}, {"--log-level", "DEBUG"}, {"--log-format", "json"}, {"--names", "plain"},
		{"--endpoint-url", "https://s3.example.com:9000/base"}, {"--retry-min-wait", "1h"}, {"--deadline", "1ns"},
	} {
		s, _ := parsed(t, args...)
		if err := s.check(); err != nil {
			t.Errorf("%q: %v", args, err)
		}
	}
	for _, args := range [][]string{
		{"--memory", "0"}, // which the cache would take for its default
		{"--memory", "1279KiB"},
		{"--max-connections", "0"}, {"--max-connections", "-1"}, {"--max-attempts", "0"}, {"--max-entries", "0"},
		{"--file-mode", "0"}, {"--dir-mode", "0000"}, // which the tree would take for its default
		{"--deadline", "0"}, {"--idle-timeout", "0s"}, {"--retry-min-wait", "0"}, {"--retry-max-wait", "0"},
		{"--request-payer=owner"}, {"--log-level", "loud"}, {"--log-format", "xml"}, {"--names", "none"},
		{"--endpoint-url", "127.0.0.1:9000"}, {"--endpoint-url", "s3://host"},
	} {
		s, _ := parsed(t, args...)
		err := s.check()
		var misuse *usageError
		flag, _, _ := strings.Cut(args[0], "=")
		if !errors.As(err, &misuse) || !strings.Contains(err.Error(), flag) {
			t.Errorf("%q: %v; want a usage error that names the flag", args, err)
		}
	}
}

func TestArguments(t *testing.T) {
	for _, args := range [][]string{
		{}, {"s3://b"}, {"s3://b", "d", "more"}, {"s3://b", ""}, {"bucket", "s3://b"}, {"", "d"}, {"http://h/b", "d"},
		{"--no-such-flag", "b", "d"}, {"-x", "b", "d"}, {"--region"}, {"--uid", "root", "b", "d"}, {"--memory", "0", "b", "d"}, {"-o", "rw", "b", "d"},
		{"sign"}, {"sign", "a", "b"}, {"sign", "--no-such-flag", "http://h"}, {"sign", "--allow-other", "http://h"},
		{"doctor"}, {"doctor", "/mnt"}, {"policy"}, {"version", "more"}, {"completion", "bash", "more"},
	} {
		code, stdout, stderr := runs(args...)
		if code != exitMisused || stdout != "" || !isTwoLines(stderr) {
			t.Errorf("s3mount %q: exit code %d, stdout %q, stderr %q; want 2 and two lines", args, code, stdout, stderr)
		}
	}
	// The hint names the command whose help is of use.
	for want, args := range map[string][]string{
		"`s3mount --help`":        {"--no-such-flag"},
		"`s3mount sign --help`":   {"sign", "--no-such-flag"},
		"`s3mount doctor --help`": {"doctor", "--no-such-flag"},
		"`s3mount policy --help`": {"policy", "--no-such-flag"},
	} {
		if _, _, stderr := runs(args...); !strings.Contains(stderr, want) {
			t.Errorf("s3mount %q says %q, without %s", args, stderr, want)
		}
	}
}

func TestHelpAndVersion(t *testing.T) {
	for want, args := range map[string][]string{
		"s3mount [flags] s3://BUCKET[/PREFIX] DIR":          {"--help"},
		"-o, --options OPT[,OPT...]":                        {"help"},
		"s3mount sign [flags] URL":                          {"help", "sign"},
		"s3mount doctor [flags] s3://BUCKET[/PREFIX] [DIR]": {"help", "doctor"},
		"kms:Decrypt":                         {"help", "policy"},
		"s3mount " + versionString() + " (go": {"version"},
		"s3mount " + versionString():          {"--version"},
		"complete -":                          {"completion", "bash"},
		"#compdef s3mount":                    {"completion", "zsh"},
	} {
		code, stdout, stderr := runs(args...)
		if code != 0 || stderr != "" || !strings.Contains(stdout, want) {
			t.Errorf("s3mount %q: exit code %d, stderr %q, and %q is not in %q", args, code, stderr, want, stdout)
		}
	}
}
