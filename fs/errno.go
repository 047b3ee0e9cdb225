package fs

import (
	"context"
	"errors"
	iofs "io/fs"
	"log/slog"
	"syscall"

	"s3mount/cache"
	"s3mount/s3"
)

// errno is the one place where an error becomes what the kernel reports.
// go-fuse's own helper is not used: it does not unwrap, and it says ENOSYS for
// what it does not know, which the kernel takes to mean "never ask again".
func errno(err error) syscall.Errno {
	switch {
	case err == nil:
		return 0
	case errors.Is(err, context.Canceled):
		return syscall.EINTR
	case errors.Is(err, context.DeadlineExceeded):
		return syscall.ETIMEDOUT
	case errors.Is(err, s3.ErrChanged):
		return syscall.ESTALE
	case errors.Is(err, s3.ErrArchived), errors.Is(err, iofs.ErrPermission), errors.Is(err, s3.ErrCredentials):
		return syscall.EACCES
	case errors.Is(err, iofs.ErrNotExist):
		return syscall.ENOENT
	case errors.Is(err, errNameTooLong):
		return syscall.ENAMETOOLONG
	case errors.Is(err, errLink):
		return syscall.ELOOP
	}
	return syscall.EIO
}

// report makes an error an errno, and logs what a user cannot find out from
// that: everything but plain absence, interruption and what the end of the mount
// cuts off, on one line.
func (t *Tree) report(op, key string, err error) syscall.Errno {
	return report(t.log, t.ctx.Err() != nil, op, t.within+key, err)
}

func report(log *slog.Logger, ending bool, op, key string, err error) syscall.Errno {
	n := errno(err)
	switch ending = ending || errors.Is(err, cache.ErrClosed); {
	case n == syscall.ENOENT, n == syscall.EINTR, n == syscall.ENAMETOOLONG, n == syscall.ELOOP:
	case ending:
		log.Debug("cut off by the end of the mount", "op", op, "key", key, "error", err)
	case n == syscall.ESTALE:
		log.Info("the object is not what it was", "op", op, "key", key, "error", err)
	case errors.Is(err, s3.ErrArchived):
		class := ""
		if refused := (*s3.Error)(nil); errors.As(err, &refused) {
			class = refused.StorageClass
		}
		log.Error("the object is archived; restore it (aws s3api restore-object) and it can be read here, at once",
			"op", op, "key", key, "storage_class", class, "errno", n.Error(), "error", err)
	default:
		log.Error("operation failed", "op", op, "key", key, "errno", n.Error(), "error", err)
	}
	return n
}

var errLink = errors.New("a symbolic link on the way")

var errNameTooLong = errors.New("a name of over 255 bytes")
