package fs

import (
	"log/slog"
	"runtime/debug"

	"github.com/hanwen/go-fuse/v2/fuse"
)

// panicHandler makes a panic in one call that call's EIO: the mount lives, and
// the log has the stack.
func panicHandler(log *slog.Logger) func(any) fuse.Status {
	return func(what any) fuse.Status {
		log.Error("panic in a call from the kernel; it gets EIO", "panic", what, "stack", string(debug.Stack()))
		return fuse.EIO
	}
}
