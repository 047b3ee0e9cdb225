// Command s3mount shows an S3 bucket as a read-only directory.
//
//	s3mount [flags] s3://BUCKET[/PREFIX] DIR   mounts; returns when the mount is usable
//	s3mount [flags] s3:// DIR                  mounts all buckets of the account
//	s3mount sign [flags] URL                   signs one request and shows every step
//	s3mount explain [flags]                    says why a signed request was refused
//	s3mount doctor [flags] s3://BUCKET [DIR]   checks everything that a mount needs
//	s3mount refresh PATH...                    has a mount forget what it knows of a path
//	s3mount policy [flags] s3://BUCKET         prints the least IAM policy of a mount
//	s3mount ls [flags] s3://BUCKET             lists what a mount shows, and what has no name of its own
//	s3mount completion | version | help
//
// Flags of the mount are also environment variables (--metadata-ttl is
// S3MOUNT_METADATA_TTL) and -o options (-o metadata_ttl=30s), so that a line in
// /etc/fstab of type fuse.s3mount does. Secrets are no flags: credentials,
// region and endpoint are found where the AWS CLI finds them.
//
// It exits with 0 when all is well, 1 when something failed, 2 when it was
// called wrongly. An error is two lines on standard error: what went wrong, and
// what to do about it.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"
)

const (
	exitFailed  = 1
	exitMisused = 2
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// run is main without the process: it gives the exit code.
func run(args []string, stdout, stderr io.Writer) int {
	root := newRoot(stdout, stderr)
	root.SetArgs(args)
	cmd, err := root.ExecuteContextC(context.Background())
	if err == nil {
		return 0
	}
	var silent *exitError
	if errors.As(err, &silent) {
		return silent.code
	}
	complain(stderr, cmd.CommandPath(), err)
	var misuse *usageError
	if errors.As(err, &misuse) {
		return exitMisused
	}
	return exitFailed
}

func newRoot(stdout, stderr io.Writer) *cobra.Command {
	root := newMountCommand()
	root.SilenceErrors, root.SilenceUsage = true, true
	root.SetOut(stdout)
	root.SetErr(stderr)
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return &usageError{err} })
	root.Version = versionString()
	root.SetVersionTemplate(versionLine())
	root.AddCommand(newSignCommand(), newExplainCommand(), newDoctorCommand(), newRefreshCommand(), newPolicyCommand(), newListCommand(), newVersionCommand())
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	argumentsAreUsage(root)
	return root
}

// argumentsAreUsage has wrong arguments count as misuse in cobra's own commands
// as in ours.
func argumentsAreUsage(cmd *cobra.Command) {
	if check := cmd.Args; check != nil {
		cmd.Args = func(cmd *cobra.Command, args []string) error {
			if err := check(cmd, args); err != nil {
				return &usageError{err}
			}
			return nil
		}
	}
	for _, sub := range cmd.Commands() {
		argumentsAreUsage(sub)
	}
}

// A usageError says that the program was called wrongly.
type usageError struct{ error }

func (e *usageError) Unwrap() error { return e.error }

func misused(format string, args ...any) error { return &usageError{fmt.Errorf(format, args...)} }

// An exitError ends the program with a code; what there is to say was said.
type exitError struct{ code int }

func (e *exitError) Error() string { return fmt.Sprintf("exit %d", e.code) }
