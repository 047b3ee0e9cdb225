package main

import (
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"s3mount/s3"
	"s3mount/sigv4"
)

// parsed gives the settings of a command line.
func parsed(t *testing.T, args ...string) (*settings, *pflag.FlagSet) {
	t.Helper()
	s := newSettings()
	f := pflag.NewFlagSet("s3mount", pflag.ContinueOnError)
	s.flags(f)
	if err := f.Parse(args); err != nil {
		t.Fatalf("%q: %v", args, err)
	}
	return s, f
}

// settingOf gives, for every flag of a mount but --options, a value that is not
// its default, and what of the program it changes. The tests that loop over it
// fail for a flag that is not here, and for one that changes nothing.
var settingOf = map[string]struct {
	value  string
	effect func(*testing.T, *settings) any
}{
	"endpoint-url":    {"http://127.0.0.1:9", func(t *testing.T, s *settings) any { return s3OptionsOf(t, s).Endpoint }},
	"region":          {"eu-north-1", func(t *testing.T, s *settings) any { return s3OptionsOf(t, s).Region }},
	"profile":         {"work", func(t *testing.T, s *settings) any { return keyOf(t, s) }},
	"ca-bundle":       {"/dev/null", func(t *testing.T, s *settings) any { return bundleOf(t, s) }},
	"no-sign-request": {"true", func(t *testing.T, s *settings) any { return s3OptionsOf(t, s).Credentials == nil }},
	"request-payer":   {"requester", func(t *testing.T, s *settings) any { return s3OptionsOf(t, s).RequestPayer }},
	"path-style":      {"true", func(t *testing.T, s *settings) any { return s3OptionsOf(t, s).PathStyle }},
	"max-connections": {"7", func(t *testing.T, s *settings) any { return s3OptionsOf(t, s).Connections }},
	"max-attempts":    {"3", func(t *testing.T, s *settings) any { return s3OptionsOf(t, s).Retry.Attempts }},
	"retry-min-wait":  {"7s", func(t *testing.T, s *settings) any { return s3OptionsOf(t, s).Retry.MinWait }},
	"retry-max-wait":  {"8s", func(t *testing.T, s *settings) any { return s3OptionsOf(t, s).Retry.MaxWait }},
	"deadline":        {"9s", func(t *testing.T, s *settings) any { return s3OptionsOf(t, s).Retry.Deadline }},
	"idle-timeout":    {"11s", func(t *testing.T, s *settings) any { return s3OptionsOf(t, s).IdleTimeout }},
	"memory":          {"8MiB", func(_ *testing.T, s *settings) any { return s.cacheOptions(nil).MemoryBytes }},
	"read-ahead":      {"0", func(_ *testing.T, s *settings) any { return s.cacheOptions(nil).ReadAheadBytes }},
	"uid":             {"12345", func(_ *testing.T, s *settings) any { return s.fsOptions(target{}, nil, nil, nil).UID }},
	"gid":             {"12345", func(_ *testing.T, s *settings) any { return s.fsOptions(target{}, nil, nil, nil).GID }},
	"file-mode":       {"0400", func(_ *testing.T, s *settings) any { return s.fsOptions(target{}, nil, nil, nil).FileMode }},
	"dir-mode":        {"0500", func(_ *testing.T, s *settings) any { return s.fsOptions(target{}, nil, nil, nil).DirMode }},
	"at":              {"2026-08-01T00:00:00Z", func(t *testing.T, s *settings) any { return s3OptionsOf(t, s).At }},
	"versions":        {"true", func(t *testing.T, s *settings) any { return s3OptionsOf(t, s).Versions }},
	"metadata-ttl":    {"0", func(_ *testing.T, s *settings) any { return s.fsOptions(target{}, nil, nil, nil).TTL }},
	"max-entries":     {"1000", func(_ *testing.T, s *settings) any { return s.fsOptions(target{}, nil, nil, nil).MaxEntries }},
	"names":           {"plain", func(_ *testing.T, s *settings) any { return s.fsOptions(target{}, nil, nil, nil).PlainNames }},
	"no-list":         {"true", func(_ *testing.T, s *settings) any { return s.fsOptions(target{}, nil, nil, nil).NoList }},
	"xattr":           {"true", func(_ *testing.T, s *settings) any { return s.fsOptions(target{}, nil, nil, nil).Xattr }},
	"posix-metadata":  {"true", func(_ *testing.T, s *settings) any { return s.fsOptions(target{}, nil, nil, nil).Posix }},
	"exclude":         {"*.tmp", func(_ *testing.T, s *settings) any { return s.fsOptions(target{}, nil, nil, nil).Filters }},
	"include":         {"*.txt", func(_ *testing.T, s *settings) any { return s.fsOptions(target{}, nil, nil, nil).Filters }},
	"allow-other":     {"true", func(_ *testing.T, s *settings) any { return s.fsMountOptions(target{}, nil).AllowOther }},
	"log-level":       {"error", func(t *testing.T, s *settings) any { return loggerOf(t, s).Enabled(t.Context(), slog.LevelInfo) }},
	"log-format": {"json", func(t *testing.T, s *settings) any {
		_, json := loggerOf(t, s).Handler().(*slog.JSONHandler)
		return json
	}},
	"log-file":   {"made-by-log-file", func(t *testing.T, s *settings) any { return makesLogFile(t, s) }},
	"metrics":    {"no-such-address", func(_ *testing.T, s *settings) any { _, err := s.serveMetrics(nil, nil, nil, nil); return err != nil }},
	"foreground": {"true", func(_ *testing.T, s *settings) any { return s.foreground }}, // the scripts see what it does
}

func s3OptionsOf(t *testing.T, s *settings) s3.Options {
	t.Helper()
	found := awsSettings{region: s.region, keys: &keyring{}}
	var err error
	if found.endpoint, err = s.resolveEndpoint(t.Context(), awsConfig(t, s)); err != nil {
		t.Fatal(err)
	}
	if found.endpoint == nil {
		found.endpoint = new(url.URL)
	}
	opts := s.s3Options(target{bucket: "b"}, found, nil, nil)
	*opts.Endpoint = url.URL{Host: opts.Endpoint.Host}
	return opts
}

func keyOf(t *testing.T, s *settings) string {
	t.Helper()
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", writeFile(t, "credentials", "[default]\naws_access_key_id = A\naws_secret_access_key = a\n[work]\naws_access_key_id = B\naws_secret_access_key = b\n"))
	found, err := loadAWS(t.Context(), s.access, "")
	if err != nil {
		t.Fatal(err)
	}
	c, err := found.keys.credentials(t.Context(), sigv4.Credentials{})
	if err != nil {
		t.Fatal(err)
	}
	return c.AccessKeyID
}

func bundleOf(t *testing.T, s *settings) bool {
	t.Helper()
	bundle, err := s.readBundle()
	if err != nil {
		t.Fatal(err)
	}
	return bundle == nil
}

func loggerOf(t *testing.T, s *settings) *slog.Logger {
	t.Helper()
	log, closeLog, err := s.logger(false)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeLog() })
	return log
}

func makesLogFile(t *testing.T, s *settings) bool {
	t.Helper()
	t.Chdir(t.TempDir())
	loggerOf(t, s)
	_, err := os.Stat("made-by-log-file")
	return err == nil
}

// eachFlag is every flag that is a setting, from the command itself.
func eachFlag(t *testing.T, do func(*testing.T, *pflag.Flag)) {
	t.Helper()
	newRoot(nil, nil).Flags().VisitAll(func(flag *pflag.Flag) {
		if flag.Name != "options" && !notASetting(flag.Name) {
			t.Run(flag.Name, func(t *testing.T) {
				if _, ok := settingOf[flag.Name]; !ok {
					t.Fatal("the flag is not in the table settingOf: say there what it changes")
				}
				do(t, flag)
			})
		}
	})
}

func TestEveryFlagHasAnEffect(t *testing.T) {
	eachFlag(t, func(t *testing.T, flag *pflag.Flag) {
		want := settingOf[flag.Name]
		without, _ := parsed(t)
		with, _ := parsed(t, "--"+flag.Name+"="+want.value)
		if a, b := show(want.effect(t, without)), show(want.effect(t, with)); a == b {
			t.Errorf("--%s=%s changes nothing: %s", flag.Name, want.value, a)
		}
	})
}

func TestEveryFlagIsAnOption(t *testing.T) {
	eachFlag(t, func(t *testing.T, flag *pflag.Flag) {
		for _, word := range []string{strings.ReplaceAll(flag.Name, "-", "_"), flag.Name} {
			option := word + "=" + settingOf[flag.Name].value
			if flag.NoOptDefVal != "" {
				option = word
			}
			s, f := parsed(t, "-o", "ro,"+option)
			if err := s.mountOptions(f); err != nil {
				t.Fatalf("-o %s: %v", option, err)
			}
			if got := f.Lookup(flag.Name).Value.String(); got != settingOf[flag.Name].value {
				t.Errorf("-o %s sets %q", option, got)
			}
		}
	})
}

func TestEveryFlagIsAVariable(t *testing.T) {
	eachFlag(t, func(t *testing.T, flag *pflag.Flag) {
		want := settingOf[flag.Name].value
		s, f := parsed(t)
		err := s.complete(f, func(name string) string {
			return map[string]string{"S3MOUNT_" + strings.ToUpper(strings.ReplaceAll(flag.Name, "-", "_")): want}[name]
		})
		if got := f.Lookup(flag.Name).Value.String(); err != nil || got != want {
			t.Errorf("the variable sets %q, %v; want %q", got, err, want)
		}
		if !strings.Contains(flag.Usage, " ") {
			t.Errorf("its help is %q", flag.Usage)
		}
	})
}

// Words of -o that are no flags.
func TestMountWords(t *testing.T) {
	s, f := parsed(t, "-o", "noexec", "-o", "nonempty")
	if err := s.mountOptions(f); err != nil || !s.fsMountOptions(target{}, nil).NoExec || !s.nonEmpty {
		t.Errorf("-o noexec, -o nonempty: %v, %v, %v", err, s.noExec, s.nonEmpty)
	}
}

// What is mounted arrives in the parts.
func TestTargetIsUsed(t *testing.T) {
	s, _ := parsed(t)
	what := target{bucket: "photos", prefix: "2026/"}
	if got := s.s3Options(what, awsSettings{keys: &keyring{}}, nil, nil).Name; got != "photos" {
		t.Errorf("the bucket is %q", got)
	}
	if got := s.fsOptions(what, nil, nil, nil).Prefix; got != "2026/" {
		t.Errorf("the prefix is %q", got)
	}
	if got := s.fsMountOptions(what, nil).Source; got != "s3://photos/2026/" {
		t.Errorf("mount(8) shows %q", got)
	}
	if none, _ := parsed(t, "--read-ahead", "0"); none.cacheOptions(nil).ReadAheadBytes >= 0 {
		t.Error("--read-ahead 0 is the cache's default")
	}
	if source := (source{}); s.cacheOptions(source).Source != source {
		t.Error("the cache has no source")
	}
}

// The defaults are those that the design and the README name.
func TestDefaults(t *testing.T) {
	s, f := parsed(t)
	if err := s.check(); err != nil {
		t.Errorf("the defaults are refused: %v", err)
	}
	for name, want := range map[string]string{
		"metadata-ttl": "1m", "memory": "256MiB", "read-ahead": "192MiB", "max-connections": "128", "max-attempts": "10",
		"retry-min-wait": "100ms", "retry-max-wait": "10s", "deadline": "1m", "idle-timeout": "10s",
		"file-mode": "0444", "dir-mode": "0555", "log-level": "info", "log-format": "text", "max-entries": "500000", "names": "all",
	} {
		if got := f.Lookup(name).DefValue; got != want {
			t.Errorf("--%s is %s by default, want %s", name, got, want)
		}
	}
	if int(s.uid) != os.Getuid() || int(s.gid) != os.Getgid() {
		t.Errorf("the owner is %d:%d by default, want whoever mounts", s.uid, s.gid)
	}
	if base := filepath.Base(s.logFile); base != "." {
		t.Errorf("there is a log file by default: %s", base)
	}
}

// The README tells of every flag.
func TestREADMENamesEveryFlag(t *testing.T) {
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	eachFlag(t, func(t *testing.T, flag *pflag.Flag) {
		if !strings.Contains(string(text), "`--"+flag.Name+"`") {
			t.Errorf("--%s is not in the README", flag.Name)
		}
	})
}
