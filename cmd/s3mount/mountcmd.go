package main

import (
	"context"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

func newMountCommand() *cobra.Command {
	s := newSettings()
	cmd := &cobra.Command{
		Use:   "s3mount [flags] s3://BUCKET[/PREFIX] DIR",
		Short: "Show an S3 bucket as a read-only directory",
		Long: `Show an S3 bucket as a read-only directory.

s3mount goes to the background once the bucket has answered and the mount can be
used, and says nothing. Unmount with umount(8), or fusermount3 -u DIR. s3:// alone
shows all buckets of the account as directories.

Credentials, region and endpoint are found where the AWS CLI finds them. Every
flag is also an environment variable (--metadata-ttl: S3MOUNT_METADATA_TTL) and a
mount option (-o metadata_ttl=30s).`,
		Example: `  s3mount s3://photos ~/photos
  s3mount --endpoint-url http://127.0.0.1:9000 s3://photos/2026 /mnt/photos
  s3mount --no-sign-request -f s3://open-data /mnt/data`,
		Args: func(cmd *cobra.Command, args []string) error {
			switch args = operands(cmd.Flags(), args); len(args) {
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
		if err := s.complete(f, os.Getenv); err != nil {
			return err
		}
		args = operands(f, args)
		return s.run(cmd.Context(), args[0], args[1])
	}
	return cmd
}

// operands are the arguments that are bucket and directory. The AWS CLI takes
// "--request-payer" and "--request-payer requester"; to the flags, the word is
// one argument too many.
func operands(f *pflag.FlagSet, args []string) []string {
	if i := slices.Index(args, "requester"); len(args) == 3 && i >= 0 && f.Changed("request-payer") {
		return slices.Delete(slices.Clone(args), i, i+1)
	}
	return args
}

// run mounts, here or in a process of its own.
func (s *settings) run(ctx context.Context, source, dir string) error {
	what, err := parseTarget(source)
	if err != nil {
		return err
	}
	if dir == "" || strings.HasPrefix(dir, "s3://") {
		return misused("%q is no directory; the bucket comes first, then the directory", dir)
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
	} else {
		signal.Notify(signals, syscall.SIGHUP) // and takes a mount in the foreground with it
	}
	signal.Ignore(syscall.SIGPIPE) // who reads the log may go: the mount must not, dead, stay
	return s.serve(ctx, what, dir, signals, ready)
}
