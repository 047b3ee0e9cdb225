//go:build linux

package integration

import (
	"net/http"
	"strings"
	"testing"

	"s3mount/s3/s3test"
)

// Attributes as getfattr shows them; ls -l asks for others, and pays nothing.
func TestXattr(t *testing.T) {
	needTool(t, "getfattr")
	srv := s3test.New(t, s3test.Options{Objects: map[string]s3test.Object{
		"d/f": {Size: 5, ETag: `"tag"`, Header: http.Header{"Content-Type": {"text/plain"}, "X-Amz-Meta-Colour": {"red"}}},
	}})
	m := mountTest(t, srv, "--xattr")
	srv.ResetLog()
	sh(t, m, m.Dir, `ls -lR . >/dev/null; getfattr -n user.s3.etag d/f >/dev/null`)
	if got := srv.Requests(); len(got) != 0 {
		t.Errorf("ls -l and the ETag asked %q, want nothing", got)
	}
	out := sh(t, m, m.Dir, `getfattr -d d/f; getfattr --only-values -n user.s3.key d`)
	for _, want := range []string{`user.s3.etag="tag"`, `user.s3.content-type="text/plain"`, `user.s3.meta.colour="red"`, `user.s3.key="d/f"`, "d/"} {
		if !strings.Contains(out, want) {
			t.Errorf("%s is not in\n%s", want, out)
		}
	}
	if n := srv.Count(s3test.Head); n != 1 || srv.Count("") != 1 {
		t.Errorf("getfattr -d asked %q, want one HEAD", srv.Requests())
	}
	plain := mountTest(t, srv)
	if out := sh(t, plain, plain.Dir, `getfattr -d d/f 2>&1 || true`); strings.Contains(out, "user.s3") {
		t.Errorf("without --xattr:\n%s", out)
	}
}

// What programs make of the attributes: they list, copy and print them, with one
// HEAD of each file, and of links there are none.
func TestXattrPrograms(t *testing.T) {
	needTool(t, "getfattr")
	needTool(t, "rsync")
	needRoot(t) // rsync -X copies more for root
	objects := map[string]s3test.Object{
		"a/f": withMeta("12345", "colour", "red", "mode", "33152", "uid", "7"),
		"a/g": {Body: []byte("1"), StorageClass: "GLACIER", Header: http.Header{"X-Amz-Restore": {`ongoing-request="false"`}}},
		"a/l": withMeta("f", "mode", "41471"),
	}
	for _, flags := range [][]string{{"--xattr"}, {"--xattr", "--posix-metadata"}} {
		srv := s3test.New(t, s3test.Options{Objects: objects})
		m := mountTest(t, srv, flags...)
		srv.ResetLog()
		list := sh(t, m, m.Dir, `ls -lR . ; find . -name g; stat -c %n a a/f`)
		if !strings.Contains(list, "a/g") {
			t.Errorf("%q: %s", flags, list)
		}
		out := sh(t, m, m.Dir, `getfattr -hR -d -m - .; getfattr -hR -d -m - . | wc -l`)
		for _, want := range []string{"# file: a\nuser.s3.key=\"a/\"\n", `user.s3.meta.colour="red"`, `user.s3.storage-class="GLACIER"`, `user.s3.restore="ongoing-request=\"false\""`} {
			if !strings.Contains(out, want) {
				t.Errorf("%q: %s is not in\n%s", flags, want, out)
			}
		}
		to := t.TempDir()
		sh(t, m, to, `mkdir rsync cp; rsync -aX "`+m.Dir+`/" rsync/; cp -a "`+m.Dir+`/." cp/`)
		for _, copied := range []string{"rsync", "cp"} {
			if got := sh(t, nil, to, `cd `+copied+`; getfattr -hR -d -m user.s3 a/f a/g`); !strings.Contains(got, `user.s3.meta.colour="red"`) || !strings.Contains(got, "GLACIER") {
				t.Errorf("%q: copied with %s: %s", flags, copied, got)
			}
		}
		heads := map[string]int{}
		for _, q := range srv.Log() {
			if q.Op == s3test.Head {
				heads[q.Key]++
			}
		}
		if heads["a/f"] != 1 || heads["a/g"] != 1 || heads["a/l"] != 1 || len(heads) != 3 {
			t.Errorf("%q: HEADs %v, want one of each file", flags, heads)
		}
	}
}
