package fs

import (
	"log/slog"
	"strings"
	"testing"

	"github.com/hanwen/go-fuse/v2/fuse"
)

// How a panic fares on a mount is in mountlife_test.go.
func TestPanicHandler(t *testing.T) {
	log := &logLines{}
	status := panicHandler(slog.New(slog.NewTextHandler(log, nil)))("told to")
	equal(t, "status", status, fuse.EIO)
	if s := log.String(); !strings.Contains(s, `panic="told to"`) || !strings.Contains(s, "TestPanicHandler") {
		t.Errorf("logged %q", s)
	}
}
