package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"
)

// grace is how long files that are open may keep a mount that is to end.
const grace = 5 * time.Second

// A mounted is what a signal ends: an *fs.Mount.
type mounted interface {
	Done() <-chan struct{} // closed when it is gone
	Unmount() error        // fails while it is in use
	Detach() error         // takes it out of the tree; it is gone when the last user is
}

// waitUnmounted serves until the mount is gone: taken by umount(8), or on a
// signal. Then what is open has a little time to be closed; a second signal
// takes that, too.
func waitUnmounted(m mounted, dir string, signals <-chan os.Signal, log *slog.Logger) error {
	select {
	case <-m.Done():
		return nil
	case sig := <-signals:
		log.Info("unmounting", "signal", sig.String())
	}
	unmounted := make(chan error, 1)
	go func() { unmounted <- m.Unmount() }() // ends with the process at the latest
	var err error
	select {
	case err = <-unmounted:
	case <-signals:
		return leftAtOnce(m.Detach())
	}
	if err != nil {
		log.Warn("the mount is in use; it is gone for new users, and for the others in a moment", "dir", dir, "grace", grace)
		if err := m.Detach(); err != nil {
			return &hintError{fmt.Errorf("unmount %s: %w", dir, err), fmt.Sprintf("take it away with `umount -l %s`", quoted(dir))}
		}
	}
	// Out of the tree is not gone: after somebody's umount -l there was nothing
	// to unmount, and files may be open still.
	select {
	case <-m.Done():
		return nil
	case <-signals:
		return leftAtOnce(nil)
	case <-time.After(grace):
		return nil
	}
}

func leftAtOnce(err error) error {
	return &hintError{errors.Join(errors.New("left at once, on a second signal"), err), "programs that had files open there see errors now"}
}

// unlessSignalled calls f with a context that a signal ends. A second signal
// does not wait for f to see it.
func unlessSignalled(ctx context.Context, signals <-chan os.Signal, f func(context.Context) error) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	done := make(chan error, 1)
	go func() { done <- f(ctx) }() // ends with f, with the process at the latest
	select {
	case err := <-done:
		return err
	case sig := <-signals:
		err := &hintError{fmt.Errorf("ended by a signal (%v) before the mount was there", sig), "nothing is mounted"}
		stop(err)
		select {
		case <-done:
		case <-signals:
		}
		return err
	}
}
