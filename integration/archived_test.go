//go:build linux

package integration

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"s3mount/s3/s3test"
)

// An archived object is seen and not read, the log says why in one line, and it is
// read as soon as it is restored, on the same mount.
func TestArchived(t *testing.T) {
	object := s3test.Object{Body: []byte("frozen"), ETag: `"e"`, StorageClass: "DEEP_ARCHIVE", LastModified: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
	srv := s3test.New(t, s3test.Options{Objects: map[string]s3test.Object{"d/frozen": object, "d/warm": {Body: []byte("warm")}}})
	log := filepath.Join(t.TempDir(), "log")
	m := mountTest(t, srv, "--xattr", "--log-file", log)
	if out := sh(t, m, m.Dir, `ls -l d | grep -c ' 6 .* frozen$'; cat d/warm`); out != "1\nwarm" {
		t.Errorf("%q", out)
	}
	r := try(t, m, m.Dir, shell(`cat d/frozen`))
	if r.Code == 0 || r.Stdout != "" || !strings.Contains(r.Stderr, "Permission denied") {
		t.Errorf("cat: %+v", r)
	}
	text, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, line := range lines(string(text)) {
		if strings.Contains(line, "archived") && strings.Contains(line, "restore-object") && strings.Contains(line, "DEEP_ARCHIVE") && strings.Contains(line, "d/frozen") {
			found++
		}
	}
	if found != 1 {
		t.Errorf("%d lines of the log say so, want one:\n%s", found, text)
	}
	object.Header = http.Header{"X-Amz-Restore": {`ongoing-request="false"`}}
	srv.Put("d/frozen", object)
	if out := sh(t, m, m.Dir, `cat d/frozen`); out != "frozen" {
		t.Errorf("restored: %q", out)
	}
}
