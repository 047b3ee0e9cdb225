package main

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"s3mount/fs"
	"s3mount/s3"
)

// aboutListing are the flags of a mount that `ls --help` shows. It takes the
// others as well, like doctor.
var aboutListing = []string{
	"endpoint-url", "region", "profile", "ca-bundle", "no-sign-request", "request-payer", "path-style",
	"at", "versions", "exclude", "include", "recursive", "hidden", "json", "help",
}

// A lister prints what a mount would show.
type lister struct {
	*settings
	recursive bool
	hidden    bool // only what is behind doors, of the whole tree
	asJSON    bool
}

func newListCommand() *cobra.Command {
	l := &lister{settings: newSettings()}
	cmd := &cobra.Command{
		Use:   "ls [flags] s3://BUCKET[/PREFIX]",
		Short: "List what a mount shows, without one",
		Long: `List what a mount shows, without one: of the directory, or with --recursive of
all below it; of s3:// the buckets. A line is time, size and path, a directory's is PRE and its name.

What has no name of its own, as a//b or an object that a directory hides, has a
path through a directory .s3mount-hidden, and its key stands behind it. --hidden
lists those of the whole tree and nothing else; it takes one LIST for each
thousand objects. Keys and paths with characters that a terminal cannot show are
quoted as in Go.

With --json each line is an object with path, key, hidden, directory, and of files
size, last_modified, etag, storage_class and version_id, as far as the server says
them. What is no UTF-8 is path_base64 and key_base64 in the place of path and key.

Exit code 1 where nothing is below a prefix.`,
		Example: `  s3mount ls s3://
  s3mount ls s3://photos/2026/
  s3mount ls --versions s3://photos/2026/
  s3mount ls --hidden s3://photos`,
		Args: func(cmd *cobra.Command, args []string) error {
			if args = doctorOperands(cmd.Flags(), args); len(args) != 1 {
				return misused("%d arguments: one bucket is needed", len(args))
			}
			return nil
		},
		DisableFlagsInUseLine: true,
	}
	f := cmd.Flags()
	l.flags(f)
	f.BoolVarP(&l.recursive, "recursive", "R", false, "all that is below")
	f.BoolVar(&l.hidden, "hidden", false, "all that has no name of its own, and its keys")
	f.BoolVar(&l.asJSON, "json", false, "print a JSON object for each line")
	f.VisitAll(func(flag *pflag.Flag) { flag.Hidden = !slices.Contains(aboutListing, flag.Name) })
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := l.complete(f, os.Getenv); err != nil {
			return err
		}
		if err := l.check(); err != nil {
			return err
		}
		return l.run(cmd.Context(), doctorOperands(f, args)[0], cmd.OutOrStdout())
	}
	return cmd
}

// run lists. What was listed before something failed has been printed.
func (l *lister) run(ctx context.Context, source string, stdout io.Writer) error {
	what, err := parseTarget(source)
	if err != nil {
		return err
	}
	log, closeLog, err := l.logger(false)
	if err != nil {
		return err
	}
	defer closeLog()
	switch {
	case l.noList:
		return misused("with --no-list nothing is listed")
	case what.all() && (l.recursive || l.hidden):
		return misused("--recursive and --hidden are of one bucket, and s3:// is all")
	case what.all():
		return l.buckets(ctx, log, stdout)
	}
	bucket, err := l.bucket(ctx, what, log)
	if err != nil {
		return err
	}
	opts := s3.ListOptions{Prefix: what.prefix, Delimiter: "/"}
	if l.recursive || l.hidden {
		opts.Delimiter = ""
	}
	out, found := bufio.NewWriter(stdout), false
	for shown, err := range fs.Paths(what.prefix, l.filters, bucket.List(ctx, opts)) {
		switch {
		case errors.Is(err, fs.ErrUnsorted):
			return errors.Join(out.Flush(), &hintError{err, "mount it and use find: `find DIR -path '*/.s3mount-hidden/*'`"})
		case err != nil:
			if hint := l.versionsHint(what, err); hint != "" {
				err = &hintError{err, hint}
			}
			return errors.Join(out.Flush(), err)
		}
		if found = true; l.hidden && !shown.Hidden {
			continue
		}
		if err := l.print(out, shown); err != nil {
			return err
		}
	}
	if !found && what.prefix != "" {
		return &hintError{fmt.Errorf("there is no key below %s", what), "check the prefix: it is a directory, and upper and lower case differ; an object is listed with the directory that it is in"}
	}
	return out.Flush()
}

// buckets lists those of the account, which are directories.
func (l *lister) buckets(ctx context.Context, log *slog.Logger, stdout io.Writer) error {
	account, err := l.account(ctx, log)
	if err != nil {
		return err
	}
	all, err := account.Buckets(ctx, true)
	if err != nil {
		return l.refusal(err)
	}
	out := bufio.NewWriter(stdout)
	for _, b := range all {
		if err := l.print(out, fs.Shown{Path: b.Name + "/", Entry: s3.Entry{Prefix: true}}); err != nil {
			return err
		}
	}
	return out.Flush()
}

func (l *lister) print(out io.Writer, e fs.Shown) error {
	if l.asJSON {
		return json.NewEncoder(out).Encode(jsonOf(e))
	}
	line := fmt.Sprintf("%30s %s", "PRE", plainOrQuoted(e.Path))
	if !e.Prefix && !strings.HasSuffix(e.Path, "/") {
		size := "?"
		if e.Size >= 0 {
			size = strconv.FormatInt(e.Size, 10)
		}
		at := ""
		if !e.LastModified.IsZero() {
			at = e.LastModified.Local().Format(time.DateTime)
		}
		line = fmt.Sprintf("%19s %10s %s", at, size, plainOrQuoted(e.Path))
	}
	if e.Hidden {
		line += "  <- " + strconv.Quote(e.Key)
	}
	_, err := fmt.Fprintln(out, line)
	return err
}

// plainOrQuoted is s, quoted if it would break the line or do something to a terminal.
func plainOrQuoted(s string) string {
	odd := func(r rune) bool { return r == unicode.ReplacementChar || !unicode.IsPrint(r) }
	if strings.ContainsFunc(s, odd) || strings.HasPrefix(s, `"`) {
		return strconv.Quote(s)
	}
	return s
}

// A listedJSON is a line of --json. JSON has text and no bytes: what is none is
// there in base64.
type listedJSON struct {
	Path         string     `json:"path,omitempty"`
	PathBase64   string     `json:"path_base64,omitempty"`
	Key          string     `json:"key,omitempty"`
	KeyBase64    string     `json:"key_base64,omitempty"`
	Hidden       bool       `json:"hidden"`
	Directory    bool       `json:"directory"`
	Size         *int64     `json:"size,omitempty"` // bytes; left out of directories, and where the server does not say
	LastModified *time.Time `json:"last_modified,omitempty"`
	ETag         string     `json:"etag,omitempty"`
	VersionID    string     `json:"version_id,omitempty"` // with --at and --versions
	StorageClass string     `json:"storage_class,omitempty"`
}

func jsonOf(e fs.Shown) listedJSON {
	j := listedJSON{Hidden: e.Hidden, Directory: strings.HasSuffix(e.Path, "/")}
	j.Path, j.PathBase64 = textOrBytes(e.Path)
	j.Key, j.KeyBase64 = textOrBytes(e.Key)
	if e.Prefix {
		return j
	}
	j.ETag, j.VersionID, j.StorageClass = e.ETag, e.VersionID, e.StorageClass
	if e.Size >= 0 {
		j.Size = &e.Size
	}
	if !e.LastModified.IsZero() {
		j.LastModified = &e.LastModified
	}
	return j
}

func textOrBytes(s string) (text, bytes string) {
	if utf8.ValidString(s) {
		return s, ""
	}
	return "", base64.StdEncoding.EncodeToString([]byte(s))
}
