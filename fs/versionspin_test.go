package fs

import (
	"testing"
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"

	"s3mount/s3/s3test"
)

// Who may not read by version id reads what is there now, with all versions shown
// as without; a version of its own name is refused to him, and never another one.
func TestPresentObjectWithoutGetObjectVersion(t *testing.T) {
	const size = 8 << 20
	for _, all := range []bool{false, true} {
		srv := s3test.New(t, s3test.Options{Versioned: true, Objects: map[string]s3test.Object{"big": {Body: []byte("the first"), LastModified: moment}}})
		srv.Put("big", s3test.Object{Size: size})
		srv.AddRule(s3test.Rule{Op: s3test.Get, Match: func(q s3test.Request) bool { return q.VersionID != "" }, Action: s3test.Error(403, "AccessDenied")})
		r := versionsRig(t, srv, time.Time{}, all)
		k := r.kernel(t)
		f := k.walk("big").NodeId
		fh := k.mustOpen(f)
		for _, off := range []int64{0, 4 << 20, size - 4096} {
			if b, status := k.read(f, fh, off, 4096); !status.Ok() || len(b) != 4096 {
				t.Errorf("all versions %v: read at %d: %d bytes, %v", all, off, len(b), status)
			}
		}
		if !all {
			continue
		}
		for _, name := range entryNames(k.all(root, k.opendir(root), 0, 4096))[dots:] {
			if name == "big" {
				continue
			}
			if _, status := k.open(k.walk(name).NodeId, 0); status != fuse.EACCES {
				t.Errorf("open of %s: %v, want EACCES", name, status)
			}
		}
	}
}
