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
