//go:build linux

package integration

import (
	"encoding/json"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"s3mount/s3/s3test"
)

// A policy is what `s3mount policy` prints.
type policy struct {
	Statement []struct {
		Action    []string
		Resource  string
		Condition map[string]map[string]string
	}
}

// allows says whether the policy permits an action on a resource, for a listing
// of a prefix. A star in a pattern is anything, slashes too.
func (p policy) allows(action, resource, prefix string) bool {
	for _, s := range p.Statement {
		for _, a := range s.Action {
			below, limited := s.Condition["StringLike"]["s3:prefix"]
			if a == action && fits(s.Resource, resource) && (!limited || fits(below, prefix)) {
				return true
			}
		}
	}
	return false
}

func fits(pattern, s string) bool {
	return regexp.MustCompile("^" + strings.ReplaceAll(regexp.QuoteMeta(pattern), `\*`, "(?s:.*)") + "$").MatchString(s)
}

// Every request of a mount is one that the printed policy permits, and nothing
// in the policy goes unused.
func TestPolicyIsWhatAMountNeeds(t *testing.T) {
	for _, prefix := range []string{"", "2026/", "2026/deep er/"} {
		t.Run("prefix "+prefix, func(t *testing.T) {
			srv := s3test.New(t, s3test.Options{Versioned: true, Text: map[string]string{
				"2025/other": "x", "2026": "a file of the directory's name", "2026-not": "x",
				"2026/a": "a", "2026/empty": "", "2026/sub/b": "b", "2026/sub/sub/c": "c", "2026/deep er/d": "d", "2026/deep er/sub/e": "e",
			}, Objects: map[string]s3test.Object{
				"2026/big": {Size: 20 << 20}, "2026/deep er/big": {Size: 20 << 20}, "2026/deep er/archived": {Size: 9, StorageClass: "GLACIER"},
			}})
			source := "s3://" + srv.Bucket() + "/" + prefix
			printed, err := exec.Command(program, "policy", source).Output()
			if err != nil {
				t.Fatal(err)
			}
			var p policy
			if err := json.Unmarshal(printed, &p); err != nil {
				t.Fatal(err)
			}
			m := mountPrefix(t, srv, prefix, "--metadata-ttl", "0")
			sh(t, m, m.Dir, `
				find . -ls > /dev/null; ls -la . */ > /dev/null
				find . -type f -exec cat {} + > /dev/null 2>&1 || true
				for p in no/such/file nosuch ../2025/other sub/nosuch .hidden "$(basename "$PWD")"; do stat "$p" > /dev/null 2>&1 || true; done
				find . -name big -exec tail -c 100 {} + | wc -c`)
			srv.Deny(s3test.Head, true) // then the listing is looked at
			sh(t, m, m.Dir, `stat newly a sub/newly > /dev/null 2>&1 || true; ls sub > /dev/null 2>&1 || true`)

			used := map[string]bool{}
			bucket := "arn:aws:s3:::" + srv.Bucket()
			for _, r := range srv.Log() {
				action, resource := "s3:GetObject", bucket+"/"+r.Key
				switch {
				case r.Op == s3test.List:
					action, resource = "s3:ListBucket", bucket
				case r.Key == "":
					t.Errorf("%s asks for the bucket", r)
				case r.VersionID != "":
					action = "s3:GetObjectVersion"
				}
				if !p.allows(action, resource, r.Key) {
					t.Errorf("%s takes %s on %s, which this does not permit:\n%s", r, action, resource, printed)
				}
				used[action] = true
			}
			for _, s := range p.Statement {
				for _, a := range s.Action {
					if !used[a] {
						t.Errorf("%s is permitted and was not used by %q", a, srv.Requests())
					}
				}
			}
			if p.allows("s3:ListBucket", bucket, "2025/") != (prefix == "") || p.allows("s3:GetObject", bucket+"/2026", "") != (prefix == "") {
				t.Errorf("more is permitted than is mounted:\n%s", printed)
			}
		})
	}
}

// Likewise where nothing is listed, and all buckets are.
func TestPolicyOfOtherMounts(t *testing.T) {
	for _, tt := range []struct {
		source, script string
		flags          []string
	}{
		{"s3://bucket/2026", "cat a sub/b; ! cat typo; ! ls sub; ! cat .s3mount-hidden/%marker; tail -c 10 big", []string{"--no-list"}},
		{"s3://", "ls; find . -type f; cat bucket/2026/a; tail -c 10 bucket/2026/big; ! cat nosuch-bucket/k", nil},
	} {
		srv := s3test.New(t, s3test.Options{Versioned: true, Text: map[string]string{"2026/a": "a", "2026/sub/b": "b"}, Objects: map[string]s3test.Object{"2026/big": {Size: 20 << 20}}})
		printed, err := exec.Command(program, append(append([]string{"policy"}, tt.flags...), tt.source)...).Output()
		if err != nil {
			t.Fatal(err)
		}
		var p policy
		if err := json.Unmarshal(printed, &p); err != nil {
			t.Fatal(err)
		}
		needMount(t)
		dir := mountPoint(t)
		v := serverInvocation(srv, "", dir, append(tt.flags, "--metadata-ttl", "0")...)
		v.Args[len(v.Args)-2] = tt.source
		m := start(t, v, dir)
		try(t, m, m.Dir, shell(tt.script))
		used := map[string]bool{}
		for _, r := range srv.Log() {
			action, resource := "s3:GetObject", "arn:aws:s3:::"+srv.Bucket()+"/"+r.Key
			switch {
			case r.Op == s3test.Buckets:
				action, resource = "s3:ListAllMyBuckets", "*"
			case r.Op == s3test.List:
				action, resource = "s3:ListBucket", "arn:aws:s3:::"+srv.Bucket()
			case r.VersionID != "":
				action = "s3:GetObjectVersion"
			}
			if used[action] = true; !p.allows(action, resource, r.Key) {
				t.Errorf("%s takes %s on %s, which this does not permit:\n%s", r, action, resource, printed)
			}
		}
		for _, s := range p.Statement {
			for _, a := range s.Action {
				if !used[a] {
					t.Errorf("%s is permitted and was not used by %q", a, srv.Requests())
				}
			}
		}
	}
}
