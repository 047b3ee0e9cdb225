package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	stdlog "log"
	"log/slog"
	"os"
	"runtime/debug"

	"github.com/coreos/go-systemd/v22/daemon"

	"s3mount/cache"
)

// serve mounts and serves until the mount is gone. It tells ready, systemd and
// nobody else when the mount can be used.
func (s *settings) serve(ctx context.Context, what target, dir string, signals <-chan os.Signal, ready *os.File) error {
	log, closeLog, err := s.logger(ready != nil)
	if err != nil {
		return err
	}
	defer closeLog()
	keepSecrets(log)
	// net/http writes to the standard logger what it did not expect on a
	// connection, and that may be bytes of an object.
	stdlog.SetOutput(io.Discard)
	abs, err := checkMountPoint(dir, s.nonEmpty)
	if err != nil {
		return err
	}
	var there present
	err = unlessSignalled(ctx, signals, func(ctx context.Context) (err error) {
		there, err = s.answering(ctx, what, log)
		return err
	})
	if err != nil {
		return err
	}
	return s.mount(there, what, abs, log, signals, ready)
}

// limitGarbage has the collector start when an eighth of what lives has been
// added, not as much again: blocks are most of it, and are used over and over.
// It is a share and no limit, because a limit near what lives (a million names
// are hundreds of megabytes) would have the collector run without end. Who sets
// GOGC or GOMEMLIMIT knows better.
func limitGarbage() {
	if os.Getenv("GOGC") == "" && os.Getenv("GOMEMLIMIT") == "" {
		debug.SetGCPercent(12)
	}
}

// mount puts the parts together, mounts, and serves.
func (s *settings) mount(there present, what target, dir string, log *slog.Logger, signals <-chan os.Signal, ready *os.File) error {
	blocks, err := cache.New(s.cacheOptions(there.source()))
	if err != nil {
		return &hintError{fmt.Errorf("--memory %s, --read-ahead %s: %w", s.memory.String(), s.readAhead.String(), err), "leave both away, or give them other values"}
	}
	defer blocks.Close()
	limitGarbage()
	tree, err := there.show(s.fsOptions(what, nil, blocks, log))
	if err != nil {
		return err
	}
	defer tree.Close()
	stopMetrics, err := s.serveMetrics(there, blocks, tree, log)
	if err != nil {
		return err
	}
	defer stopMetrics()
	m, err := tree.MountAt(dir, s.fsMountOptions(what, log))
	if err != nil {
		return &hintError{err, mountHint(s.allowOther)}
	}
	if ready != nil {
		err = leave(ready)
	} else {
		_, err = daemon.SdNotify(false, daemon.SdNotifyReady) // nothing where systemd does not wait
	}
	if err != nil {
		return errors.Join(err, m.Unmount())
	}
	log.Info("mounted", append([]any{"source", what.String(), "dir", dir, "region", there.Region()}, s.then()...)...)
	err = waitUnmounted(m, dir, signals, log)
	log.Info("unmounted", "dir", dir)
	return err
}
