package main

import (
	"slices"
	"strings"
	"testing"
	"time"

	"s3mount/s3/s3test"
)

func versioned(t *testing.T, o s3test.Options) *s3test.Server {
	t.Helper()
	o.Versioned = true
	srv := s3test.New(t, o)
	at := time.Date(2026, 8, 1, 0, 0, 0, 0, time.UTC)
	srv.Put("a", s3test.Object{Size: 10, VersionID: "v1", LastModified: at})
	srv.Put("a", s3test.Object{Size: 20, VersionID: "v2", LastModified: at.Add(time.Hour)})
	credentialsOf(t, srv)
	return srv
}

// Doctor asks what a mount would ask: in the past nothing but for versions.
func TestDoctorOfVersions(t *testing.T) {
	capable(t)
	for _, tt := range []struct {
		flags []string
		want  []string
	}{
		{[]string{"--at=2026-08-01T00:30:00Z"}, []string{"HEAD", "VERSIONS", "VERSIONS a max=100", "GET a 0-9 version=v1", "GET a 5-9 version=v1", "GET a 0-0 version=v1"}},
		{[]string{"--versions"}, []string{"HEAD", "VERSIONS", "HEAD a", "GET a 0-19", "GET a 10-19 version=v2", "GET a 0-0"}},
	} {
		srv := versioned(t, s3test.Options{})
		code, text, _ := runs(append([]string{"doctor", "--endpoint-url", srv.Endpoint().String(), "s3://bucket"}, tt.flags...)...)
		if got := srv.Requests(); code != 0 || !slices.Equal(got, tt.want) || strings.Contains(text, "warning") {
			t.Errorf("%q: exit code %d, asked %q, want %q\n%s", tt.flags, code, got, tt.want, text)
		}
	}
}

// What is missing is named, by a mount and by doctor.
func TestVersionsThatCannotBeHad(t *testing.T) {
	capable(t)
	for _, tt := range []struct {
		name    string
		rule    s3test.Rule
		want    []string // in the hint
		reading bool     // a mount is made all the same
	}{
		{"no such server", s3test.Rule{Op: s3test.Versions, Action: s3test.Error(501, "NotImplemented")}, []string{"ListObjectVersions"}, false},
		{"a server that answers something else", s3test.Rule{Op: s3test.Versions, Action: s3test.Reply(200, "<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>")}, []string{"ListObjectVersions"}, false},
		{"no permission to list", s3test.Rule{Op: s3test.Versions, Action: s3test.Error(403, "AccessDenied")}, []string{"s3:ListBucketVersions", "s3mount policy --at 2026-08-01T00:30:00Z s3://bucket/"}, false},
		{"no permission to read", s3test.Rule{Op: s3test.Get, Action: s3test.Error(403, "AccessDenied")}, []string{"s3:GetObjectVersion", "s3mount policy --at"}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			srv := versioned(t, s3test.Options{Rules: []s3test.Rule{tt.rule}})
			args := []string{"--endpoint-url", srv.Endpoint().String(), "--at", "2026-08-01T00:30:00Z", "s3://bucket"}
			code, text, _ := runs(append([]string{"doctor"}, args...)...)
			for _, want := range tt.want {
				if code != exitFailed || !strings.Contains(text, want) {
					t.Errorf("doctor: exit code %d, and no %q in\n%s", code, want, text)
				}
			}
			if tt.reading {
				return
			}
			code, _, stderr := runs(append(append([]string{"-f"}, args...), t.TempDir())...)
			for _, want := range tt.want {
				if code != exitFailed || !isTwoLines(stderr) || !strings.Contains(stderr, want) {
					t.Errorf("mount: exit code %d, and no %q in\n%s", code, want, stderr)
				}
			}
		})
	}
}

// Of a bucket that keeps no versions there is what has not been replaced since.
func TestBucketWithoutVersions(t *testing.T) {
	capable(t)
	srv := s3test.New(t, s3test.Options{Objects: map[string]s3test.Object{"a": {Size: 10, LastModified: time.Date(2026, 8, 1, 0, 0, 0, 0, time.UTC)}}})
	credentialsOf(t, srv)
	code, text, _ := runs("doctor", "--endpoint-url", srv.Endpoint().String(), "--at", "2026-09-01", "s3://bucket")
	if code != 0 || !strings.Contains(text, "warning  LIST") || !strings.Contains(text, "has a version id") {
		t.Errorf("exit code %d\n%s", code, text)
	}
}

// ls lists what such a mount shows.
func TestListOfVersions(t *testing.T) {
	srv := versioned(t, s3test.Options{})
	for _, tt := range []struct {
		flags, want []string
	}{
		{nil, []string{"TIME         20 a"}},
		{[]string{"--at", "2026-08-01T00:30:00Z"}, []string{"TIME         10 a"}},
		{[]string{"--versions"}, []string{"TIME         10 a~20260801T000000Z-1a37fe98", "TIME         20 a"}},
	} {
		if got := listed(t, srv, append(tt.flags, "s3://bucket")...); !slices.Equal(got, tt.want) {
			t.Errorf("%q: %q, want %q", tt.flags, got, tt.want)
		}
	}
	if got := listed(t, srv, "--json", "--at", "2026-08-01T00:30:00Z", "s3://bucket"); !strings.Contains(got[0], `"version_id":"v1"`) {
		t.Errorf("--json: %s", got)
	}
	srv.AddRule(s3test.Rule{Op: s3test.Versions, Action: s3test.Error(403, "AccessDenied")})
	if code, _, stderr := runs("ls", "--endpoint-url", srv.Endpoint().String(), "--versions", "s3://bucket"); code != exitFailed || !strings.Contains(stderr, "s3:ListBucketVersions") {
		t.Errorf("denied: exit code %d, %s", code, stderr)
	}
}
