package main

import (
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"s3mount/fs"
)

// settings are the flags of a mount.
type settings struct {
	access

	region         string
	path           bool
	requestPayer   string
	allowOther     bool
	uid, gid       id
	fileMode       permissions
	dirMode        permissions
	at             instant
	versions       bool
	ttl            patience
	memory         byteSize
	readAhead      byteSize
	maxConnections int
	maxEntries     int
	names          string
	noList         bool
	xattr          bool
	posixMetadata  bool
	filters        []fs.Filter
	maxAttempts    int
	retryMinWait   patience
	retryMaxWait   patience
	deadline       patience
	idleTimeout    patience
	logLevel       string
	logFile        string
	logFormat      string
	metrics        string
	foreground     bool
	options        []string

	// Words of -o that are no flags.
	noExec   bool
	nonEmpty bool

	// Where each flag that is set came from: "flag", "-o", or a variable.
	from map[string]string
}

// access says where credentials and server are found; sign has it too.
type access struct {
	endpoint string
	profile  string
	unsigned bool
	caBundle string
}

func (a *access) flags(f *pflag.FlagSet) {
	f.StringVar(&a.profile, "profile", "", "profile `NAME` of ~/.aws/config and ~/.aws/credentials (default $AWS_PROFILE)")
	f.StringVar(&a.caBundle, "ca-bundle", "", "`FILE` of PEM certificates to trust beside the system's (default $AWS_CA_BUNDLE)")
}

func newSettings() *settings {
	return &settings{
		uid: id(os.Getuid()), gid: id(os.Getgid()), fileMode: 0444, dirMode: 0555,
		ttl: patience(time.Minute), memory: 256 << 20, readAhead: 192 << 20, maxConnections: 128, maxEntries: 500_000,
		maxAttempts: 10, retryMinWait: patience(100 * time.Millisecond), retryMaxWait: patience(10 * time.Second),
		deadline: patience(time.Minute), idleTimeout: patience(10 * time.Second),
		names: "all", logLevel: "info", logFormat: "text",
	}
}

func (s *settings) flags(f *pflag.FlagSet) {
	f.SortFlags = false
	f.StringVar(&s.endpoint, "endpoint-url", "", "`URL` of the S3 server (default $AWS_ENDPOINT_URL_S3, the profile's, or AWS)")
	f.StringVar(&s.region, "region", "", "region `NAME` to sign for (default $AWS_REGION, the profile's, or what the server says)")
	s.access.flags(f)
	f.BoolVar(&s.unsigned, "no-sign-request", false, "send unsigned requests: for public buckets")
	f.StringVar(&s.requestPayer, "request-payer", "", "agree to pay for the requests; the only `WHO` is requester")
	f.Lookup("request-payer").NoOptDefVal = "requester"
	f.BoolVar(&s.path, "path-style", false, "bucket in the path, not in the host name")
	f.BoolVar(&s.allowOther, "allow-other", false, "let other users in")
	f.Var(&s.uid, "uid", "user who owns everything")
	f.Var(&s.gid, "gid", "group that owns everything")
	f.Var(&s.fileMode, "file-mode", "permissions of files, in octal")
	f.Var(&s.dirMode, "dir-mode", "permissions of directories, in octal")
	f.Var(&s.at, "at", "show the bucket as it was then: 2026-08-01T00:00:00Z, 2026-08-01 12:30 (local time), or 7d (ago); needs a bucket that keeps versions")
	f.BoolVar(&s.versions, "versions", false, "show older versions of a file, and deleted files, as NAME~TIME-ID.EXT beside it")
	f.Var(&s.ttl, "metadata-ttl", "how old a listing may be; 0 asks every time; with --at, a listing is believed for good unless this is given")
	f.IntVar(&s.maxEntries, "max-entries", s.maxEntries, "`NUMBER` of names to remember, of all directories together")
	f.StringVar(&s.names, "names", s.names, "`WHICH` names to list: all, or plain: without the .s3mount-hidden directories of what has no name of its own")
	f.BoolVar(&s.noList, "no-list", false, "list nothing: known paths open, ls says Permission denied; needs no s3:ListBucket")
	f.BoolVar(&s.xattr, "xattr", false, "offer extended attributes: ETag, version, content type, metadata and others")
	f.BoolVar(&s.posixMetadata, "posix-metadata", false, "show modes, owners, times and symbolic links that s3fs, rclone or AWS DataSync have stored: a request for each file")
	f.Var(&filterFlag{&s.filters, false}, "exclude", "hide keys that `PATTERN` matches: * is anything, ? one character, [abc] one of these; repeatable, the last of --exclude and --include that matches counts")
	f.Var(&filterFlag{&s.filters, true}, "include", "show keys that `PATTERN` matches, though an --exclude before it hides them; repeatable")
	f.Var(&s.memory, "memory", "bytes of objects held in memory: blocks, fetches and read-ahead together")
	f.Var(&s.readAhead, "read-ahead", "bytes fetched ahead of one sequential reader, at most; 0: none")
	f.IntVar(&s.maxConnections, "max-connections", s.maxConnections, "`NUMBER` of requests under way at the same time")
	f.IntVar(&s.maxAttempts, "max-attempts", s.maxAttempts, "`NUMBER` of requests made for one operation, at most")
	f.Var(&s.retryMinWait, "retry-min-wait", "longest wait before the second attempt; doubles from there")
	f.Var(&s.retryMaxWait, "retry-max-wait", "longest wait between two attempts")
	f.Var(&s.deadline, "deadline", "for one operation, its attempts and waits together")
	f.Var(&s.idleTimeout, "idle-timeout", "without progress, a request is abandoned and what is missing asked again")
	f.StringVar(&s.logLevel, "log-level", s.logLevel, "`LEVEL` of the log: debug, info, warn or error")
	f.StringVar(&s.logFile, "log-file", "", "append the log to `FILE` (default standard error with -f, else syslog)")
	f.StringVar(&s.logFormat, "log-format", s.logFormat, "`FORMAT` of the log: text or json")
	f.StringVar(&s.metrics, "metrics", "", "serve Prometheus metrics at http://`ADDR`/metrics, as 127.0.0.1:9300")
	f.BoolVarP(&s.foreground, "foreground", "f", false, "stay in the foreground")
	f.StringArrayVarP(&s.options, "options", "o", nil, "mount options `OPT[,OPT...]`: ro, noexec, nonempty, and every flag with underscores (allow_other, uid=1000)")
}

// environment sets the flags that were not given from S3MOUNT_ variables.
func environment(f *pflag.FlagSet, getenv func(string) string) (err error) {
	if err := filtersFrom(f, getenv); err != nil {
		return err
	}
	f.VisitAll(func(flag *pflag.Flag) {
		name := variable(flag.Name)
		value := getenv(name)
		if err != nil || value == "" || flag.Changed || notASetting(flag.Name) || slices.Contains(filterFlags, flag.Name) {
			return
		}
		if serr := f.Set(flag.Name, value); serr != nil {
			err = misused("%s: %w", name, serr)
		}
	})
	return err
}

// variable is the environment variable that a flag is, too.
func variable(flag string) string {
	return "S3MOUNT_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// notASetting is for the flags that ask for something else than a mount.
func notASetting(flag string) bool {
	return slices.Contains([]string{"help", "version", "json", "timeout", "recursive", "hidden"}, flag)
}
