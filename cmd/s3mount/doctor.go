package main

import (
	"context"
	"errors"
	"io"
	stdlog "log"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"s3mount/s3"
)

// aboutAccess are the flags of a mount that `doctor --help` shows. It takes the
// others as well, so that the command line of a mount will do.
var aboutAccess = []string{
	"endpoint-url", "region", "profile", "ca-bundle", "no-sign-request", "request-payer", "path-style", "no-list", "allow-other", "at", "versions",
	"log-level", "options", "json", "timeout", "help",
}

func newDoctorCommand() *cobra.Command {
	s := newSettings()
	asJSON, timeout := false, patience(10*time.Second)
	cmd := &cobra.Command{
		Use:   "doctor [flags] s3://BUCKET[/PREFIX] [DIR]",
		Short: "Check everything that a mount needs",
		Long: `Check everything that a mount needs, one after the other, and say what is wrong
and what to do about it. Nothing is mounted and nothing is written; some six
requests go to the bucket.

With --no-list nothing is listed, and no key is known: give the path of an object,
and reading it is tried.

It takes every flag, variable and -o option of a mount. Exit code 0 says that a
mount would work, perhaps with warnings; 1 that it would not.`,
		Example: `  s3mount doctor s3://photos ~/photos
  s3mount doctor --endpoint-url http://127.0.0.1:9000 s3://photos/2026
  s3mount doctor --json s3://photos`,
		Args: func(cmd *cobra.Command, args []string) error {
			switch args = doctorOperands(cmd.Flags(), args); len(args) {
			case 0:
				return misused("no bucket given")
			case 1, 2:
				return nil
			}
			return misused("%d arguments: a bucket and perhaps a directory are needed", len(args))
		},
		DisableFlagsInUseLine: true,
	}
	f := cmd.Flags()
	s.flags(f)
	f.BoolVar(&asJSON, "json", false, "print one JSON object and nothing else")
	f.Var(&timeout, "timeout", "for one check, at most")
	f.VisitAll(func(flag *pflag.Flag) { flag.Hidden = !slices.Contains(aboutAccess, flag.Name) })
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := s.complete(f, os.Getenv); err != nil {
			return err
		}
		if timeout == 0 {
			return misused("--timeout 0: a time above zero is needed")
		}
		args = append(doctorOperands(f, args), "")
		d := &doctor{settings: s, flags: f, dir: args[1], timeout: time.Duration(timeout), machine: thisMachine}
		return d.run(cmd.Context(), args[0], asJSON, cmd.OutOrStdout())
	}
	return cmd
}

// doctorOperands are the arguments that are bucket and directory, as [operands]
// has them where there are two.
func doctorOperands(f *pflag.FlagSet, args []string) []string {
	if len(args) == 2 && args[0] == "requester" && f.Changed("request-payer") {
		return args[1:]
	}
	return operands(f, args)
}

// A doctor looks at what a mount needs. What a check finds, later ones use.
type doctor struct {
	settings *settings
	flags    *pflag.FlagSet
	what     target
	dir      string // "": none was given
	timeout  time.Duration
	machine  machine
	log      *slog.Logger

	found     awsSettings
	transport *http.Transport
	wire      *wire // over transport; the bucket's
	options   s3.Options
	bucket    *s3.Bucket
	proxy     *url.URL // nil: the way is direct
	addresses []netip.Addr
	reached   string // an address that answers, with its port
	hinted    string // the region that the server names without being asked
	probed    *probed
	delimited bool       // it may be listed with a delimiter, and not without
	object    *s3.Object // to try; nil: there is none
	noObject  string     // why
	begins    []byte     // the object's first bytes
}

// run makes all checks and shows them. A mount that would not work is exit code
// 1.
func (d *doctor) run(ctx context.Context, source string, asJSON bool, out io.Writer) (err error) {
	if d.what, err = parseTarget(source); err != nil {
		return err
	}
	if d.what.all() {
		return &hintError{misused("s3:// is all buckets, and one is looked at"), "name one that should be there: `s3mount doctor s3://BUCKET`"}
	}
	if strings.HasPrefix(d.dir, "s3://") {
		return misused("%q is no directory; the bucket comes first, then the directory", d.dir)
	}
	if err := d.settings.check(); err != nil {
		return err
	}
	// net/http writes to the standard logger what it did not expect on a
	// connection: bytes of a stranger, for the terminal.
	stdlog.SetOutput(io.Discard)
	d.log = slog.New(slog.DiscardHandler)
	if level, _ := d.settings.level(); level < slog.LevelInfo {
		log, closeLog, err := d.settings.logger(false)
		if err != nil {
			return err
		}
		defer closeLog()
		d.log = log
	}
	defer d.close()
	report := report{Source: d.what.String(), Directory: d.dir}
	show := func(r result) { showResult(out, r) }
	if asJSON {
		show = func(result) {}
	} else {
		showHead(out, report)
	}
	report.Checks = d.examine(ctx, show)
	report.judge(d.wire)
	if asJSON {
		err = report.writeJSON(out)
	} else {
		err = report.showEnd(out)
	}
	if err == nil && !report.Works {
		err = &exitError{exitFailed}
	}
	return err
}

func (d *doctor) close() {
	if d.transport != nil {
		d.transport.CloseIdleConnections()
	}
}

// A status is how a check ended.
type status string

const (
	isOK      status = "ok"
	isWarning status = "warning" // a mount works all the same
	isFailed  status = "failed"
	isSkipped status = "skipped" // not made, and why
)

// A finding is what a check has found.
type finding struct {
	status   status
	text     string
	hint     string // what to do, where there is something to do
	settings []setting
	took     time.Duration // where it is not the check's own time
}

// failure is the finding of an error, with the hint that a mount would give.
func failure(err error) finding {
	return finding{status: isFailed, text: err.Error(), hint: hintFor("s3mount doctor", err)}
}

// late is why a check has ended too early: err, unless its time was over.
func (d *doctor) late(ctx context.Context, err error) error {
	if err != nil && errors.Is(context.Cause(ctx), context.DeadlineExceeded) {
		return &hintError{errNoAnswer(d.timeout), "check the network and the firewall; --timeout gives it more time"}
	}
	return err
}

type errNoAnswer time.Duration

func (e errNoAnswer) Error() string { return "no answer within " + time.Duration(e).String() }
