package main

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

func TestParseTarget(t *testing.T) {
	tests := []struct{ typed, bucket, prefix, shown string }{
		{"s3://photos", "photos", "", "s3://photos/"},
		{"s3://photos/", "photos", "", "s3://photos/"},
		{"photos", "photos", "", "s3://photos/"},
		{"s3://", "", "", "s3://"},
		{"s3:///", "", "", "s3://"},
		{"photos/2026", "photos", "2026/", "s3://photos/2026/"},
		{"s3://photos/2026/", "photos", "2026/", "s3://photos/2026/"},
		{"s3://photos/a/b", "photos", "a/b/", "s3://photos/a/b/"},
		{"s3://photos//", "photos", "/", "s3://photos//"},       // keys may begin with a slash
		{"s3://photos/a//", "photos", "a//", "s3://photos/a//"}, // and have empty parts: nothing is cleaned
		{"s3://photos/..", "photos", "../", "s3://photos/../"},
		{"s3://photos/a b+c%20?#é", "photos", "a b+c%20?#é/", "s3://photos/a b+c%20?#é/"},
		{"s3://my.dotted.bucket", "my.dotted.bucket", "", "s3://my.dotted.bucket/"},
		{"Old_Bucket", "Old_Bucket", "", "s3://Old_Bucket/"},
		{"s3://" + point, point, "", "s3://" + point + "/"},
		{"s3://" + point + "/", point, "", "s3://" + point + "/"},
		{point + "/a/b", point, "a/b/", "s3://" + point + "/a/b/"},
		{"s3://arn:aws:s3:eu-west-1:123456789012:accesspoint:point/a", point, "a/", "s3://" + point + "/a/"},
		{"s3://point-abc123-s3alias/a", "point-abc123-s3alias", "a/", "s3://point-abc123-s3alias/a/"},
	}
	for _, tt := range tests {
		got, err := parseTarget(tt.typed)
		if err != nil || got.bucket != tt.bucket || got.prefix != tt.prefix || got.String() != tt.shown {
			t.Errorf("parseTarget(%q) = %q, %q, %v, shown as %s; want %q, %q, %s", tt.typed, got.bucket, got.prefix, err, got, tt.bucket, tt.prefix, tt.shown)
		}
	}
	for _, typed := range []string{"", "/", "s3:////", "s3:///key", "/mnt", "http://host/bucket", "https://b", "s3://s3://b", "S3://b", "-b", "a b", "b?x", "b#x", "b\n", "b\x00"} {
		got, err := parseTarget(typed)
		var misuse *usageError
		if !errors.As(err, &misuse) {
			t.Errorf("parseTarget(%q) = %v, %v; want a usage error", typed, got, err)
		} else if hint := hintFor("s3mount", err); !strings.Contains(hint, "s3://BUCKET") {
			t.Errorf("parseTarget(%q): the hint is %q", typed, hint)
		}
	}
}

const point = "arn:aws:s3:eu-west-1:123456789012:accesspoint/point"

func TestTargetsThatAreNotSupported(t *testing.T) {
	for typed, hint := range map[string]string{
		"s3://arn:aws:s3::123456789012:accesspoint/mfzwi23gnjvgw.mrap/a":                            "general purpose",
		"arn:aws:s3-outposts:eu-west-1:123456789012:outpost/op-01ac5d28a6a232904/accesspoint/point": "general purpose",
		"s3://arn:aws:s3-object-lambda:eu-west-1:123456789012:accesspoint/point":                    "general purpose",
		"s3://arn:aws:s3:::photos/2026":                                                             "write s3://photos/2026",
		"s3://arn:aws:s3:eu-west-1:123456789012:job/x":                                              "accesspoint/NAME",
		"s3://arn:aws:s3:eu-west-1:123456789012:accesspoint":                                        "accesspoint/NAME",
		"s3://arn:aws:s3:cn-north-1:123456789012:accesspoint/point":                                 "accesspoint/NAME",
	} {
		_, err := parseTarget(typed)
		var misuse *usageError
		if !errors.As(err, &misuse) || !strings.Contains(hintFor("s3mount", err), hint) {
			t.Errorf("parseTarget(%q): %v, and the hint is %q", typed, err, hintFor("s3mount", err))
		}
	}
}

func TestCheckMountPoint(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	path := func(name string) string { return filepath.Join(dir, name) }
	for _, d := range []string{"empty", "full", "with blank's"} {
		if err := os.Mkdir(path(d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, f := range []string{"file", "full/.hidden"} {
		if err := os.WriteFile(path(f), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for link, to := range map[string]string{"link": "empty", "dangling": "nowhere", "loop": "loop", "to-file": "file"} {
		if err := os.Symlink(to, path(link)); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir)

	tests := []struct {
		dir      string
		nonEmpty bool
		abs      string // "": refused
		err      string
		hint     string
	}{
		{dir: "empty", abs: "empty"},
		{dir: path("empty"), abs: "empty"},
		{dir: "./full/../empty/", abs: "empty"},
		{dir: "link", abs: "empty"},
		{dir: "with blank's", abs: "with blank's"},
		{dir: "full", err: "full: the directory is not empty", hint: "-o nonempty"},
		{dir: "full", nonEmpty: true, abs: "full"},
		{dir: "missing", err: "missing: no such directory", hint: "`mkdir -p missing`"},
		{dir: "it's missing", err: "no such directory", hint: `mkdir -p 'it'\''s missing'`},
		{dir: "dangling", err: "no such directory", hint: "mkdir"},
		{dir: "file", err: "file: not a directory", hint: "empty directory"},
		{dir: "to-file", err: "not a directory", hint: "empty directory"},
		{dir: "file", nonEmpty: true, err: "not a directory", hint: "empty directory"},
		{dir: "file/below", err: "not a directory", hint: "choose"},
		{dir: "loop", err: "mount point", hint: "choose"},
	}
	if runtime.GOOS == "linux" {
		tests = append(tests, []struct {
			dir      string
			nonEmpty bool
			abs      string
			err      string
			hint     string
		}{
			{dir: "/proc", err: "/proc: proc (proc) is mounted there already", hint: "`umount /proc`"},
			{dir: "/proc", nonEmpty: true, err: "mounted there already", hint: "umount"},
		}...)
	}
	for _, tt := range tests {
		abs, err := checkMountPoint(tt.dir, tt.nonEmpty)
		switch {
		case tt.abs != "" && (err != nil || abs != path(tt.abs)):
			t.Errorf("checkMountPoint(%q, %v) = %q, %v; want %q", tt.dir, tt.nonEmpty, abs, err, path(tt.abs))
		case tt.abs == "" && (err == nil || !strings.Contains(err.Error(), tt.err) || !strings.Contains(hintFor("s3mount", err), tt.hint)):
			t.Errorf("checkMountPoint(%q, %v) = %v; want %q, and a hint with %q", tt.dir, tt.nonEmpty, err, tt.err, tt.hint)
		}
	}
	if _, err := os.Stat(path("missing")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("looking at a mount point has made one: %v", err)
	}
}

// A hint is pasted into a shell.
func TestQuoted(t *testing.T) {
	for path, want := range map[string]string{
		"/mnt/a-b_c.d": "/mnt/a-b_c.d",
		"a b":          "'a b'",
		"it's":         `'it'\''s'`,
		"$(reboot)":    "'$(reboot)'",
		"-rf":          "'-rf'",
		"é":            "'é'",
	} {
		if got := quoted(path); got != want {
			t.Errorf("quoted(%q) = %s, want %s", path, got, want)
		}
	}
}
