//go:build linux

package integration

import (
	"strings"
	"testing"

	"s3mount/integration/rig"
	"s3mount/s3/s3test"
)

// unlistedScript is what programs see where nothing is listed.
const unlistedScript = `
	cat docs/a.txt docs/deep/b.txt
	! cat typo; ! cat docs/typo; ! ls; ! ls docs
	test -e typo; test -d typo; ! test -f typo
	stat -c '%A %n' . docs docs/deep docs/a.txt
	! cat docs/a.txt/below`

const unlistedOutput = `bytes of a
bytes of b
d--x--x--x .
d--x--x--x docs
d--x--x--x docs/deep
-r--r--r-- docs/a.txt
`

// Somebody who may read and not list: at first nothing is mounted and the hint
// says what helps, and then known paths open and nothing is listed.
func TestMountWithoutListing(t *testing.T) {
	srv := s3test.New(t, s3test.Options{DenyList: true, Text: map[string]string{"docs/a.txt": "bytes of a\n", "docs/deep/b.txt": "bytes of b\n"}})
	needMount(t)
	dir := mountPoint(t)
	_, err := rig.StartMount(serverInvocation(srv, "", dir), dir)
	if err == nil || !strings.Contains(err.Error(), "--no-list") {
		t.Fatalf("without the flag: %v", err)
	}
	srv.ResetLog()
	m := mountTest(t, srv, "-o", "no_list")
	if got := srv.Requests(); len(got) != 1 || got[0] != "GET .s3mount-is-there 0-0" {
		t.Errorf("mounting asks %q", got)
	}
	r := try(t, m, m.Dir, shell(unlistedScript))
	if r.Code != 0 || r.Stdout != unlistedOutput {
		t.Errorf("exit code %d\n%s%s", r.Code, r.Stdout, r.Stderr)
	}
	if said := lines(r.Stderr); len(said) != 5 || strings.Count(r.Stderr, "Permission denied") != 4 || strings.Count(r.Stderr, "Not a directory") != 1 {
		t.Errorf("%s", r.Stderr)
	}
	if srv.Count(s3test.List) != 0 || srv.Count(s3test.Head) != 6 {
		t.Errorf("asked %q", srv.Requests())
	}
	if said := m.Process.Stderr(); strings.Contains(said, "level=ERROR") {
		t.Errorf("the log: %s", said)
	}
}

// The same of a real server: a bucket of which everybody may read the objects,
// and nobody list them.
func TestMountOfAPublicBucketWithoutListing(t *testing.T) {
	b := bucket(t, false)
	put(t, b, "docs/a.txt", "bytes of a\n")
	put(t, b, "docs/deep/b.txt", "bytes of b\n")
	policy := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":["s3:GetObject"],"Resource":"arn:aws:s3:::` + b + `/*"}]}`
	if err := gateway(t).SetPolicy(t.Context(), b, policy); err != nil {
		t.Fatal(err)
	}
	needMount(t)
	dir := mountPoint(t)
	v := invocation(gateway(t), "s3://"+b, dir, "--no-sign-request")
	if _, err := rig.StartMount(v, dir); err == nil || !strings.Contains(err.Error(), "--no-list") {
		t.Fatalf("without the flag: %v", err)
	}
	m := mount(t, "s3://"+b, "--no-sign-request", "--no-list")
	r := try(t, m, m.Dir, shell(unlistedScript))
	if r.Code != 0 || r.Stdout != unlistedOutput {
		t.Errorf("exit code %d\n%s%s", r.Code, r.Stdout, r.Stderr)
	}
}
