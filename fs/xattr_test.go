package fs

import (
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"

	"s3mount/s3/s3test"
)

// xattr asks for one attribute as the kernel does; "" is ENODATA.
func (k kernel) xattr(t testing.TB, node uint64, name string) (string, fuse.Status) {
	t.Helper()
	h := header(node)
	size, status := k.raw.GetXAttr(nil, &h, name, nil)
	if status != fuse.Status(syscall.ERANGE) && status != fuse.OK {
		return "", status
	}
	buf := make([]byte, size)
	n, status := k.raw.GetXAttr(nil, &h, name, buf)
	return string(buf[:n]), status
}

func (k kernel) xattrs(t testing.TB, node uint64) (string, fuse.Status) {
	t.Helper()
	h := header(node)
	size, status := k.raw.ListXAttr(nil, &h, nil)
	if status != fuse.Status(syscall.ERANGE) && status != fuse.OK {
		return "", status
	}
	buf := make([]byte, size)
	n, status := k.raw.ListXAttr(nil, &h, buf)
	return strings.ReplaceAll(string(buf[:n]), "\x00", " "), status
}

func withXattr(o *Options) { o.Xattr = true }

func TestXattr(t *testing.T) {
	r := newRig(t, s3test.Options{Objects: map[string]s3test.Object{
		"d/f": {Size: 5, ETag: `"tag"`, LastModified: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Header: http.Header{
			"Content-Type": {"text/plain"}, "X-Amz-Meta-Colour": {"red"}, "X-Amz-Meta-" + strings.Repeat("n", 300): {"long"},
		}},
	}}, withXattr)
	k := r.kernel(t)
	file, dir := k.walk("d", "f").NodeId, k.walk("d").NodeId
	r.ResetLog()
	const enodata = fuse.ENOATTR
	for name, want := range map[string]string{
		"user.s3.key": "d/f", "user.s3.etag": "tag", "user.s3.last-modified": "2026-01-02T03:04:05Z",
		"security.selinux": "", "system.posix_acl_access": "", "user.other": "", "user.s3.nosuch": "",
	} {
		got, status := k.xattr(t, file, name)
		if got != want || (want == "") != (status == enodata) {
			t.Errorf("%s: %q, %v; want %q", name, got, status, want)
		}
	}
	if got, _ := k.xattr(t, dir, "user.s3.key"); got != "d/" {
		t.Errorf("the directory's key: %q", got)
	}
	if got, _ := k.xattrs(t, dir); got != "user.s3.key " {
		t.Errorf("the directory has %q", got)
	}
	if _, status := k.xattr(t, dir, "user.s3.etag"); status != enodata {
		t.Errorf("the directory's etag: %v", status)
	}
	r.asked(t) // nothing
	for name, want := range map[string]string{"user.s3.content-type": "text/plain", "user.s3.meta.colour": "red", "user.s3.storage-class": "STANDARD", "user.s3.meta.nosuch": "", "user.s3.sse": ""} {
		got, status := k.xattr(t, file, name)
		if got != want || (want == "") != (status == enodata) {
			t.Errorf("%s: %q, %v; want %q", name, got, status, want)
		}
	}
	got, _ := k.xattrs(t, file)
	if want := "user.s3.key user.s3.etag user.s3.last-modified user.s3.storage-class user.s3.content-type user.s3.meta.colour "; got != want {
		t.Errorf("the file has %q, want %q", got, want)
	}
	r.asked(t, "HEAD d/f")
}

// A file that is another one by now is ESTALE, and looked up anew.
func TestXattrOfAReplacedFile(t *testing.T) {
	r := newRig(t, s3test.Options{Objects: map[string]s3test.Object{"f": version("one", 5)}}, withXattr)
	k := r.kernel(t)
	file := k.walk("f").NodeId
	r.Put("f", version("two", 6))
	if _, status := k.xattr(t, file, "user.s3.content-type"); status != estale {
		t.Errorf("%v", status)
	}
	if got, _ := k.xattr(t, k.walk("f").NodeId, "user.s3.etag"); got != "two" {
		t.Errorf("looked up again: etag %q", got)
	}
}

// Not asked for, they are not there, and the kernel is told so once.
func TestNoXattr(t *testing.T) {
	r := newRig(t, s3test.Options{Text: map[string]string{"d/a": "a"}})
	k := r.kernel(t)
	for _, node := range []uint64{1, k.walk("d").NodeId, k.walk("d", "a").NodeId} {
		if _, status := k.xattr(t, node, "user.s3.key"); status != fuse.ENOSYS {
			t.Errorf("getxattr: %v", status)
		}
		if _, status := k.xattrs(t, node); status != fuse.ENOSYS {
			t.Errorf("listxattr: %v", status)
		}
	}
}
