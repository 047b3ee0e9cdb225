package main

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

func errorIs(err, target error) bool { return errors.Is(err, target) }

func newMountCommand() *cobra.Command {
	s := newSettings()
	cmd := &cobra.Command{
		Use:   "s3mount [flags] s3://BUCKET[/PREFIX] DIR",
		Short: "Show an S3 bucket as a read-only directory",
		Long: `Show an S3 bucket as a read-only directory.

s3mount goes to the background once the bucket has answered and the mount can be
used, and says nothing. Unmount with umount(8), or fusermount3 -u DIR.

Credentials, region and endpoint are found where the AWS CLI finds them. Every
flag is also an environment variable (--metadata-ttl: S3MOUNT_METADATA_TTL) and a
mount option (-o metadata_ttl=30s).`,
		Example: `  s3mount s3://photos ~/photos
  s3mount --endpoint-url http://127.0.0.1:9000 s3://photos/2026 /mnt/photos
  s3mount --no-sign-request -f s3://open-data /mnt/data`,
		Args: func(_ *cobra.Command, args []string) error {
			switch len(args) {
			case 2:
				return nil
			case 0:
				return misused("no bucket and no directory given")
			case 1:
				return misused("%q is alone: a bucket and a directory are needed", args[0])
			}
			return misused("%d arguments: a bucket and a directory are needed", len(args))
		},
		DisableFlagsInUseLine: true,
	}
	s.flags(cmd.Flags())
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		f := cmd.Flags()
		if err := s.mountOptions(f); err != nil {
			return err
		}
		if err := environment(f, os.Getenv); err != nil {
			return err
		}
		return s.run(args[0], args[1])
	}
	return cmd
}

// run mounts, here or in a process of its own.
func (s *settings) run(source, dir string) error {
	what, err := parseTarget(source)
	if err != nil {
		return err
	}
	if err := s.check(); err != nil {
		return err
	}
	ready := readyPipe()
	if !s.foreground && ready == nil {
		return background()
	}
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	if ready != nil {
		signal.Ignore(syscall.SIGHUP) // the terminal it was started from may go
	}
	return s.serve(context.Background(), what, dir, signals, ready)
}

// check refuses values that no flag refuses by itself.
func (s *settings) check() error {
	switch {
	case s.requestPayer != "" && s.requestPayer != "requester":
		return misused("--request-payer %s: the only value is \"requester\"", s.requestPayer)
	case s.maxConnections < 1:
		return misused("--max-connections %d: at least 1 is needed", s.maxConnections)
	case s.maxAttempts < 1:
		return misused("--max-attempts %d: at least 1 is needed", s.maxAttempts)
	case s.maxEntries < 1:
		return misused("--max-entries %d: at least 1 is needed", s.maxEntries)
	case s.deadline == 0 || s.idleTimeout == 0 || s.retryMaxWait == 0 || s.retryMinWait == 0:
		return misused("--deadline, --idle-timeout, --retry-min-wait, --retry-max-wait: a time above zero is needed")
	}
	return nil
}
