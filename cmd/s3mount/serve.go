package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime/debug"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"

	"s3mount/cache"
	"s3mount/fs"
	"s3mount/s3"
)

// grace is how long files that are open may keep a mount that is to end.
const grace = 5 * time.Second

// serve mounts and serves until the mount is gone. It tells ready, systemd and
// nobody else when the mount can be used.
func (s *settings) serve(ctx context.Context, what target, dir string, signals <-chan os.Signal, ready *os.File) error {
	log, closeLog, err := s.logger(ready != nil)
	if err != nil {
		return err
	}
	defer closeLog()
	keepSecrets(log)
	abs, err := checkMountPoint(dir, s.nonEmpty)
	if err != nil {
		return err
	}
	starting, stop := context.WithCancelCause(ctx)
	started := make(chan struct{})
	go func() { // ends with the start
		select {
		case sig := <-signals:
			stop(fmt.Errorf("%v before the mount was there", sig))
		case <-started:
		}
	}()
	bucket, err := s.answering(starting, what, log)
	close(started)
	if cause := context.Cause(starting); cause != nil {
		err = cause
	}
	if err != nil {
		return err
	}
	return s.mount(bucket, what, abs, log, signals, ready)
}

// answering gives the bucket once it has answered.
func (s *settings) answering(ctx context.Context, what target, log *slog.Logger) (*s3.Bucket, error) {
	bucket, err := s.bucket(ctx, what, log)
	if err != nil {
		return nil, err
	}
	found, err := bucket.Probe(ctx, what.prefix)
	switch {
	case err != nil:
		return nil, err
	case !found && what.prefix != "":
		log.Warn("there is no key below the prefix yet; the mount is empty", "source", what.String())
	}
	return bucket, nil
}

// bucket gives the bucket that flags and AWS configuration describe.
func (s *settings) bucket(ctx context.Context, what target, log *slog.Logger) (*s3.Bucket, error) {
	found, err := loadAWS(ctx, s.access, s.region)
	if err != nil {
		return nil, err
	}
	transport, err := s3.NewTransport(s3.TransportOptions{CABundle: found.caBundle})
	if err != nil {
		return nil, &hintError{err, "--ca-bundle, or AWS_CA_BUNDLE, takes a file with lines of BEGIN CERTIFICATE"}
	}
	opts := s3.Options{
		Name: what.bucket, Region: found.region, Endpoint: found.endpoint, PathStyle: s.path,
		RequestPayer: s.requestPayer != "", Transport: transport, Connections: s.maxConnections,
		Retry: s3.Retry{
			Attempts: s.maxAttempts, MinWait: time.Duration(s.retryMinWait),
			MaxWait: time.Duration(s.retryMaxWait), Deadline: time.Duration(s.deadline),
		},
		IdleTimeout: time.Duration(s.idleTimeout), Log: log,
	}
	if !s.unsigned {
		opts.Credentials = found.keys.credentials
	}
	return s3.New(opts)
}

// mount puts the parts together, mounts, and serves.
func (s *settings) mount(bucket *s3.Bucket, what target, dir string, log *slog.Logger, signals <-chan os.Signal, ready *os.File) error {
	readAhead := int64(s.readAhead)
	if readAhead == 0 {
		readAhead = -1 // the cache's word for none
	}
	blocks, err := cache.New(cache.Options{Source: source{bucket}, MemoryBytes: int64(s.memory), ReadAheadBytes: readAhead})
	if err != nil {
		return &hintError{fmt.Errorf("--memory %s, --read-ahead %s: %w", s.memory.String(), s.readAhead.String(), err), fmt.Sprintf("the least is --memory %d", cache.MinMemoryBytes)}
	}
	defer blocks.Close()
	// What is not the cache is small; the collector works harder before it
	// lets the process grow beyond both.
	debug.SetMemoryLimit(int64(s.memory) + 64<<20)
	tree, err := fs.New(fs.Options{
		Bucket: bucket, Cache: blocks, Prefix: what.prefix, TTL: time.Duration(s.ttl),
		UID: uint32(s.uid), GID: uint32(s.gid), FileMode: uint32(s.fileMode), DirMode: uint32(s.dirMode),
		MaxEntries: s.maxEntries, Log: log,
	})
	if err != nil {
		return err
	}
	defer tree.Close()
	stopMetrics, err := s.serveMetrics(bucket, blocks, tree, log)
	if err != nil {
		return err
	}
	defer stopMetrics()
	m, err := tree.MountAt(dir, fs.MountOptions{Source: what.String(), AllowOther: s.allowOther, NoExec: s.noExec, Log: log})
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
	log.Info("mounted", "source", what.String(), "dir", dir, "region", bucket.Region())
	err = waitUnmounted(m, signals, log)
	log.Info("unmounted", "dir", dir)
	return err
}

// waitUnmounted serves until the mount is gone: taken by umount(8), or on a
// signal. Then what is open has a little time to be closed; a second signal
// takes that, too.
func waitUnmounted(m *fs.Mount, signals <-chan os.Signal, log *slog.Logger) error {
	select {
	case <-m.Done():
		return nil
	case sig := <-signals:
		log.Info("unmounting", "signal", sig.String())
	}
	unmounted := make(chan error, 1)
	go func() { unmounted <- m.Unmount() }() // ends with the process at the latest
	select {
	case err := <-unmounted:
		if err == nil {
			<-m.Done()
			return nil
		}
	case <-signals:
		return errors.Join(m.Detach(), errors.New("left at once, on a second signal"))
	}
	log.Warn("the mount is in use; it is gone for new users, and for the others in a moment", "dir", m.Dir, "grace", grace)
	if err := m.Detach(); err != nil {
		return fmt.Errorf("unmount %s: %w", m.Dir, err)
	}
	select {
	case <-m.Done():
		return nil
	case <-signals:
		return errors.New("left at once, on a second signal")
	case <-time.After(grace):
		return nil
	}
}
