//go:build linux

package integration

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"s3mount/integration/rig"
	"s3mount/s3/s3test"
)

// endpoint is a server of several regions: its buckets "alpha" and "beta" are in
// the account, "foreign" is somebody else's. Equal keys have equal sizes and
// ETags, and other bytes.
func endpoint(t *testing.T) (srv, alpha, beta, foreign *s3test.Server) {
	t.Helper()
	server := func(name, region string) *s3test.Server {
		o := s3test.Options{Bucket: name, Region: region, Objects: map[string]s3test.Object{}}
		for _, key := range []string{"k", "d/k", "d/e/k"} {
			o.Objects[key] = s3test.Object{Body: fmt.Appendf(nil, "%s of %8s\n", key, name), ETag: `"same"`, LastModified: time.Unix(1e9, 0)}
		}
		return s3test.New(t, o)
	}
	srv, alpha, beta, foreign = server("bucket", "us-east-1"), server("alpha", "eu-west-1"), server("beta", "ap-south-1"), server("foreign", "eu-north-1")
	srv.Beside(false, alpha, beta)
	srv.Beside(true, foreign)
	return srv, alpha, beta, foreign
}

// mountAll mounts all buckets of the endpoint.
func mountAll(t *testing.T, srv *s3test.Server, flags ...string) *rig.Mount {
	t.Helper()
	needMount(t)
	dir := mountPoint(t)
	v := serverInvocation(srv, "", dir, flags...)
	v.Args[len(v.Args)-2] = "s3://"
	return start(t, v, dir)
}

func TestMountOfAllBuckets(t *testing.T) {
	for _, ttl := range []string{"1m", "0"} {
		srv, alpha, beta, foreign := endpoint(t)
		m := mountAll(t, srv, "--metadata-ttl", ttl, "--xattr")
		if got := srv.Requests(); !slices.Equal(got, []string{"BUCKETS"}) {
			t.Errorf("mounting asks %q", got)
		}
		beta.Deny(s3test.List, true)
		if got := sh(t, m, m.Dir, "ls -a; test ! -e .git; test ! -e nosuch-bucket; test -d beta"); got != ".\n..\nalpha\nbeta\nbucket\n" {
			t.Errorf("ls: %q", got)
		}
		r := script(t, m, "ls beta; cat beta/d/nosuch; mkdir new; rmdir alpha; touch alpha/x")
		if want := []string{"ls: reading directory 'beta': Permission denied", "cat: beta/d/nosuch: Permission denied",
			"mkdir: cannot create directory 'new': Read-only file system", "rmdir: failed to remove 'alpha': Read-only file system",
			"touch: cannot touch 'alpha/x': Read-only file system"}; !slices.Equal(lines(strings.NewReplacer("‘", "'", "’", "'").Replace(r.Stderr)), want) {
			t.Errorf("got %s", r.Stderr)
		}
		beta.Deny(s3test.List, false)
		// Twice: from the servers, and from memory.
		for range 2 {
			got := sh(t, m, m.Dir, "cat */k */d/e/k foreign/d/k")
			want := "k of    alpha\nk of     beta\nk of   bucket\nd/e/k of    alpha\nd/e/k of     beta\nd/e/k of   bucket\nd/k of  foreign\n"
			if got != want {
				t.Errorf("ttl %s: %s", ttl, got)
			}
		}
		if foreign.Count(s3test.Get) == 0 {
			t.Error("somebody else's bucket was not asked")
		}
		sh(t, m, m.Dir, "find . -type f | sort > /dev/null; ls -laiR > /dev/null; df . > /dev/null; if command -v getfattr > /dev/null; then getfattr -d . alpha; getfattr -n user.s3.key alpha/d/k; fi")
		// Of a file the inode is that of a mount of its bucket alone.
		inodes := "find . -mindepth 1 -printf '%i %P\\n' | sort -k 2"
		alone := mountTest(t, alpha)
		if in, out := sh(t, alone, alone.Dir, inodes), sh(t, m, m.Dir, "cd alpha; "+inodes); in != out || in == "" {
			t.Errorf("alone\n%samong others\n%s", in, out)
		}
	}
}

// Whoever may not list the buckets, or lists nothing, enters them by their names.
func TestMountOfBucketsByName(t *testing.T) {
	srv, alpha, beta, foreign := endpoint(t)
	srv.Deny(s3test.Buckets, true)
	m := mountAll(t, srv)
	if said := m.Process.Stderr(); !strings.Contains(said, "may not be listed") {
		t.Errorf("nobody was warned: %s", said)
	}
	got := script(t, m, "cat alpha/k foreign/k; ls beta; ls; cat nosuch-bucket/k; cat .git")
	if got.Stdout != "k of    alpha\nk of  foreign\nd\nk\n" ||
		got.Stderr != "ls: reading directory '.': Permission denied\ncat: nosuch-bucket/k: No such file or directory\ncat: .git: No such file or directory\n" {
		t.Errorf("%s%s", got.Stdout, got.Stderr)
	}
	for _, s := range []*s3test.Server{srv, alpha, beta, foreign} {
		s.ResetLog()
		s.Deny(s3test.List, true)
	}
	m = mountAll(t, srv, "--no-list")
	got = script(t, m, "cat alpha/d/k foreign/k; ls beta; ls; cat nosuch-bucket/k; cat alpha/typo")
	if got.Stdout != "d/k of    alpha\nk of  foreign\n" ||
		got.Stderr != "ls: cannot open directory 'beta': Permission denied\nls: cannot open directory '.': Permission denied\ncat: nosuch-bucket/k: No such file or directory\ncat: alpha/typo: Permission denied\n" {
		t.Errorf("%s%s", got.Stdout, got.Stderr)
	}
	for _, s := range []*s3test.Server{srv, alpha, beta, foreign} {
		if s.Count(s3test.List) > 0 {
			t.Errorf("asked %q", s.Requests())
		}
	}
	// Who is not known is refused.
	dir := mountPoint(t)
	v := serverInvocation(srv, "", dir)
	v.Args[len(v.Args)-2], v.SecretKey = "s3://", "another/secret"
	if _, err := rig.StartMount(v, dir); err == nil || !strings.Contains(err.Error(), "SignatureDoesNotMatch") {
		t.Errorf("with a wrong secret: %v", err)
	}
}

// A real server's buckets, of an account and of nobody.
func TestMountOfAllBucketsOfARealServer(t *testing.T) {
	g := gateway(t)
	for _, name := range []string{"all-one", "all-two"} {
		if err := g.CreateBucket(t.Context(), name, false); err != nil {
			t.Fatal(err)
		}
		put(t, name, "k", "of "+name+"\n")
	}
	m := mount(t, "s3:///")
	if got := sh(t, m, m.Dir, "ls | grep ^all-; cat all-*/k; test ! -e no-such-bucket"); got != "all-one\nall-two\nof all-one\nof all-two\n" {
		t.Errorf("%s", got)
	}
	if err := g.SetPolicy(t.Context(), "all-two", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":["s3:GetObject"],"Resource":"arn:aws:s3:::all-two/*"}]}`); err != nil {
		t.Fatal(err)
	}
	m = mount(t, "s3://", "--no-sign-request")
	r := script(t, m, "ls; cat all-two/k; ls all-two; cat all-one/k")
	if r.Stdout != "of all-two\n" || strings.Count(r.Stderr, "Permission denied") != 3 || len(lines(r.Stderr)) != 3 {
		t.Errorf("%s%s", r.Stdout, r.Stderr)
	}
}

// In the background, where the log is elsewhere, who waits for the mount is told.
func TestBucketsByNameInTheBackground(t *testing.T) {
	needMount(t)
	srv, _, _, _ := endpoint(t)
	srv.Deny(s3test.Buckets, true)
	dir := mountPoint(t)
	v := serverInvocation(srv, "", dir)
	v.Args[len(v.Args)-2] = "s3://"
	r := try(t, nil, "", v.Command())
	if r.Code != 0 || r.Stdout != "" || r.Stderr != "s3mount: warning: s3://: the buckets may not be listed (s3:ListAllMyBuckets); they can be entered by their names\n" {
		t.Errorf("exit code %d, %s%s", r.Code, r.Stdout, r.Stderr)
	}
	if r := try(t, nil, "", shell("cat "+dir+"/alpha/k")); r.Stdout != "k of    alpha\n" {
		t.Errorf("%s%s", r.Stdout, r.Stderr)
	}
	if err := rig.Unmount(dir); err != nil {
		t.Error(err)
	}
	if !rig.Eventually(10*time.Second, func() bool { return len(rig.ProcessesOf(program, dir)) == 0 }) {
		t.Error("the daemon still runs")
	}
}

// Other flags mean in each bucket what they mean in one alone.
func TestAllBucketsAsTheyWere(t *testing.T) {
	srv, alpha, _, _ := endpoint(t)
	alpha.Put("new", s3test.Object{Size: 1})
	m := mountAll(t, srv, "--at", "1h")
	if got := sh(t, m, m.Dir, "ls; ls alpha; cat alpha/d/k foreign/k"); got != "alpha\nbeta\nbucket\nd\nk\nd/k of    alpha\nk of  foreign\n" {
		t.Errorf("%s", got)
	}
}
