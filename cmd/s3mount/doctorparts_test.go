package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"s3mount/s3/s3test"
)

// at has every name be at a server, whatever its address.
func at(t *testing.T, srv *s3test.Server, known ...string) {
	t.Helper()
	on(t, func(m *machine) {
		m.lookup = func(ctx context.Context, host string) ([]netip.Addr, error) {
			for _, name := range known {
				if host == name {
					return []netip.Addr{netip.MustParseAddr("192.0.2.1")}, nil
				}
			}
			return noAddress(ctx, host)
		}
		m.dial = srv.DialContext
	})
}

// seen is a check's line in the report of a doctor that runs up to it.
func seen(t *testing.T, d diagnosis, check string) (status, finding, hint string) {
	t.Helper()
	for _, c := range d.Checks {
		if c.Check == check {
			return c.Status, c.Finding, c.Hint
		}
	}
	t.Fatalf("no check %q", check)
	return
}

func TestDoctorEncryption(t *testing.T) {
	capable(t)
	for _, tt := range []struct {
		name, host           string
		left                 time.Duration
		names                []string
		status, finds, hints string
	}{
		{"as it should be", "photos.s3.test", 90 * 24 * time.Hour, []string{"photos.s3.test"}, "ok", "TLS 1.3, certificate of CN=nobody's authority until 2", ""},
		{"another name", "photos.s3.test", time.Hour, []string{"other.test"}, "failed", "not for photos.s3.test; it is for other.test", "--endpoint-url"},
		{"without the bucket's", "photos.s3.test", time.Hour, []string{"s3.test"}, "failed", "not for photos.s3.test; it is for s3.test", "give --path-style"},
		{"ended", "photos.s3.test", -time.Hour, []string{"photos.s3.test"}, "failed", "is valid from", "new certificate"},
		{"ends tomorrow", "photos.s3.test", 25 * time.Hour, []string{"photos.s3.test"}, "warning", "1 day left", "new certificate"},
		{"ends soon", "photos.s3.test", 49 * time.Hour, []string{"photos.s3.test"}, "warning", "2 days left", "new certificate"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			config := certified(tt.left, tt.names...)
			srv := s3test.New(t, s3test.Options{Bucket: "photos", TLS: config})
			credentialsOf(t, srv)
			at(t, srv, tt.host)
			_, d, _ := diagnose(t, "--timeout", "1s", "--ca-bundle", bundleOfServer(t, config), "--endpoint-url", "https://s3.test:9", "s3://photos")
			status, finding, hint := seen(t, d, "TLS")
			if status != tt.status || !strings.Contains(finding, tt.finds) || !strings.Contains(hint, tt.hints) {
				t.Errorf("%s: %s\nhint: %s\nwant %s: … %s …\nhint: … %s …", status, finding, hint, tt.status, tt.finds, tt.hints)
			}
			if n := len(srv.Requests()); n != 0 {
				t.Errorf("%d requests", n)
			}
		})
	}
}

// A name that the server has and the bucket in front of it has not.
func TestDoctorNames(t *testing.T) {
	capable(t)
	docCredentials(t)
	srv := s3test.New(t, s3test.Options{})
	at(t, srv, "s3.test")
	_, d, _ := diagnose(t, "--endpoint-url", "http://s3.test:9", "s3://photos")
	if status, finding, hint := seen(t, d, "name resolution"); status != "failed" || !strings.Contains(finding, "photos.s3.test") || !strings.Contains(hint, "give --path-style") {
		t.Errorf("%s: %s, hint: %s", status, finding, hint)
	}
}

// An endpoint that is the bucket's own URL: neither name nor certificate is
// there for the bucket in front of it, and --path-style would not help.
func TestDoctorBucketInEndpoint(t *testing.T) {
	capable(t)
	config := certified(time.Hour, "photos.s3.test")
	srv := s3test.New(t, s3test.Options{Bucket: "photos", TLS: config})
	credentialsOf(t, srv)
	for check, known := range map[string][]string{"name resolution": {"photos.s3.test"}, "TLS": {"photos.s3.test", "photos.photos.s3.test"}} {
		at(t, srv, known...)
		_, d, _ := diagnose(t, "--ca-bundle", bundleOfServer(t, config), "--endpoint-url", "https://photos.s3.test:9", "s3://photos")
		if status, finding, hint := seen(t, d, check); status != "failed" || hint != bucketTwice {
			t.Errorf("%s: %s: %s, hint: %s", check, status, finding, hint)
		}
	}
}

// Of several addresses some may be out of order.
func TestDoctorAddresses(t *testing.T) {
	capable(t)
	srv := s3test.New(t, s3test.Options{Bucket: "photos"})
	credentialsOf(t, srv)
	const good, bad = "192.0.2.1", "2001:db8::1"
	look := func(addresses ...string) (status, finding, hint string) {
		on(t, func(m *machine) {
			m.lookup = func(context.Context, string) (all []netip.Addr, err error) {
				for _, a := range addresses {
					all = append(all, netip.MustParseAddr(a))
				}
				return all, nil
			}
			m.dial = func(ctx context.Context, network, addr string) (net.Conn, error) {
				if strings.HasPrefix(addr, "["+bad) {
					return nil, &net.OpError{Op: "dial", Net: network, Err: errors.New("network is unreachable")}
				}
				return srv.DialContext(ctx, network, addr)
			}
		})
		_, d, _ := diagnose(t, "--timeout", "100ms", "--endpoint-url", "http://s3.test:9", "s3://photos")
		return seen(t, d, "connection")
	}
	if status, finding, _ := look(good, "192.0.2.2"); status != "ok" || finding != "all of 2 addresses answer, at port 9" {
		t.Errorf("%s: %s", status, finding)
	}
	if status, finding, hint := look(bad, good); status != "warning" || !strings.Contains(finding, "1 of 2 addresses answer; not "+bad) || !strings.Contains(hint, "IPv6") {
		t.Errorf("%s: %s, hint: %s", status, finding, hint)
	}
	if status, finding, hint := look(bad, "2001:db8::12"); status != "failed" || !strings.Contains(finding, "none of 2 addresses") || hint == "" {
		t.Errorf("%s: %s, hint: %s", status, finding, hint)
	}
}

// A server that takes the bucket in one place only.
func TestDoctorAddressing(t *testing.T) {
	for _, tt := range []struct {
		name   string
		args   []string
		refuse func(host string) bool
		status status
		hint   string
	}{
		{"in the path only", nil, func(host string) bool { return strings.HasPrefix(host, "photos.") }, isFailed, "give --path-style"},
		{"in the host name only", []string{"--path-style"}, func(host string) bool { return !strings.HasPrefix(host, "photos.") }, isFailed, "leave --path-style away"},
		{"anywhere", nil, func(string) bool { return false }, isOK, ""},
		{"nowhere", nil, func(string) bool { return true }, isOK, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			srv := s3test.New(t, s3test.Options{Bucket: "photos", Rules: []s3test.Rule{
				{Op: s3test.List, Match: func(r s3test.Request) bool { return tt.refuse(r.Host) }, Action: s3test.Error(404, "NoSuchBucket")},
			}})
			credentialsOf(t, srv)
			s, f := parsed(t, append(tt.args, "--endpoint-url", "http://s3.test:9")...)
			d := &doctor{settings: s, flags: f, what: target{bucket: "photos"}, timeout: time.Second, machine: thisMachine}
			if found := d.configuration(t.Context()); found.status != isOK {
				t.Fatal(found.text)
			}
			if d.options.HedgeAfter >= 0 {
				t.Error("slow requests are sent twice, and the last answer may be another's")
			}
			d.transport.DialContext = srv.DialContext
			defer d.close()
			got := d.addressing(t.Context())
			if got.status != tt.status || got.hint != tt.hint || srv.Count("") > 2 {
				t.Errorf("%s: %s, hint: %s, %d requests; want %s, hint: %s", got.status, got.text, got.hint, srv.Count(""), tt.status, tt.hint)
			}
		})
	}
}

// Each setting is told with who made it.
func TestDoctorOrigins(t *testing.T) {
	capable(t)
	const config = "[default]\nregion = of-default\n[profile work]\nregion = of-work\nendpoint_url = http://127.0.0.1:1/work\nca_bundle = %s\n"
	bundle := bundleOfServer(t, certified(time.Hour, "x"))
	for _, tt := range []struct {
		env        map[string]string
		args       []string
		name, want string
	}{
		{nil, nil, "region", `of-default|region of the profile "default" in %s`},
		{nil, []string{"--profile", "work"}, "region", `of-work|region of the profile "work" in %s`},
		{nil, []string{"--profile", "work"}, "profile", `work|flag`},
		{nil, []string{"--profile", "work"}, "endpoint-url", `http://127.0.0.1:1/work|endpoint_url of the profile "work" in %s`},
		{nil, []string{"--profile", "work"}, "ca-bundle", bundle + `|ca_bundle of the profile "work" in %s`},
		{map[string]string{"AWS_PROFILE": "work"}, nil, "profile", `work|AWS_PROFILE`},
		{map[string]string{"AWS_REGION": "of-env"}, nil, "region", `of-env|AWS_REGION`},
		{map[string]string{"AWS_DEFAULT_REGION": "of-env"}, nil, "region", `of-env|AWS_DEFAULT_REGION`},
		{map[string]string{"AWS_REGION": "of-env"}, []string{"--region", "of-flag"}, "region", `of-flag|flag`},
		{map[string]string{"AWS_REGION": "of-env"}, []string{"-o", "ro,region=of-option"}, "region", `of-option|-o`},
		{map[string]string{"AWS_REGION": "of-env", "S3MOUNT_REGION": "of-variable"}, nil, "region", `of-variable|S3MOUNT_REGION`},
		{map[string]string{"S3MOUNT_OPTIONS": "region=of-options"}, nil, "region", `of-options|S3MOUNT_OPTIONS`},
		{map[string]string{"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}, nil, "endpoint-url", `http://127.0.0.1:1|AWS_ENDPOINT_URL`},
		{map[string]string{"AWS_ENDPOINT_URL_S3": "http://127.0.0.1:1"}, nil, "endpoint-url", `http://127.0.0.1:1|AWS_ENDPOINT_URL_S3`},
		{map[string]string{"AWS_CA_BUNDLE": bundle}, nil, "ca-bundle", bundle + `|AWS_CA_BUNDLE`},
		{nil, []string{"-o", "noexec"}, "noexec", "true|-o"},
		{nil, nil, "memory", "256MiB|default"},
		{nil, nil, "endpoint-url", "(AWS's own)|default"},
		{nil, []string{"--memory", "1GiB"}, "memory", "1GiB|flag"},
	} {
		t.Run(tt.name+" "+tt.want, func(t *testing.T) {
			configFile(t, fmt.Sprintf(config, bundle))
			docCredentials(t)
			on(t, func(m *machine) { m.lookup = noAddress; m.dial = nowhere })
			for name, value := range tt.env {
				t.Setenv(name, value)
			}
			_, d, _ := diagnose(t, append(tt.args, "s3://photos")...)
			want := strings.ReplaceAll(tt.want, "%s", os.Getenv("AWS_CONFIG_FILE"))
			for _, s := range d.Checks[0].Settings {
				if s.Name == tt.name {
					if got := s.Value + "|" + s.From; got != want {
						t.Errorf("%s is %s, want %s", tt.name, got, want)
					}
					return
				}
			}
			t.Errorf("%s is not in %v", tt.name, d.Checks[0].Settings)
		})
	}
}

func nowhere(context.Context, string, string) (net.Conn, error) {
	return nil, errors.New("nobody is there")
}

var plainHush = "Hs" + strings.Repeat("9Qz", 12) + "xy"

// Where credentials are from is said in words, and never more than a part of the
// key id.
func TestDoctorCredentials(t *testing.T) {
	capable(t)
	on(t, func(m *machine) { m.lookup = noAddress; m.dial = nowhere })
	process := func(expires string) string {
		return "[profile p]\ncredential_process = echo '{\"Version\": 1, \"AccessKeyId\": \"AKIAIOSFODNN7EXAMPLE\", \"SecretAccessKey\": \"" + hush + "\", \"SessionToken\": \"" + token + "\"" + expires + "}'\n"
	}
	for _, tt := range []struct {
		name, config, credentials string
		env                       map[string]string
		args                      []string
		status, finds, hints      string
	}{
		{name: "a process that fails", config: "[profile p]\ncredential_process = exit 3\n", args: []string{"--profile", "p"}, status: "failed", finds: "exit status 3", hints: "by hand"},
		{name: "a process that waits", config: "[profile p]\ncredential_process = sleep 1\n", args: []string{"--profile", "p", "--timeout", "100ms"}, status: "failed", finds: "no answer within 100ms", hints: "credential_process"},
		{name: "SSO without a session", config: "[profile p]\nsso_start_url = https://x.invalid/start\nsso_region = us-east-1\nsso_account_id = 123456789012\nsso_role_name = r\n", args: []string{"--profile", "p"}, status: "failed", finds: "SSO session", hints: "aws sso login"},
		{name: "environment", env: map[string]string{"AWS_ACCESS_KEY_ID": docKey, "AWS_SECRET_ACCESS_KEY": hush}, status: "ok", finds: "the environment (AWS_ACCESS_KEY_ID): key AKIA…MPLE, long-lived"},
		{name: "session", env: map[string]string{"AWS_ACCESS_KEY_ID": docKey, "AWS_SECRET_ACCESS_KEY": hush, "AWS_SESSION_TOKEN": token}, status: "ok", finds: "of a session; when it ends is not known"},
		{name: "shared file", credentials: "[default]\naws_access_key_id = " + docKey + "\naws_secret_access_key = " + hush + "\n", status: "ok", finds: `profile "default" in /`},
		{name: "process", config: process(""), args: []string{"--profile", "p"}, status: "ok", finds: `credential_process of profile "p": key AKIA…MPLE`},
		{name: "process that tells the end", config: process(`, "Expiration": "2100-01-01T00:00:00Z"`), args: []string{"--profile", "p"}, status: "ok", finds: "of a session until 2100-01-01T00:00:00Z"},
		{name: "ended", config: process(`, "Expiration": "2020-01-01T00:00:00Z"`), args: []string{"--profile", "p"}, status: "failed", finds: "ended"},
		{name: "none", status: "failed", finds: "none are configured"},
		{name: "the two mixed up", env: map[string]string{"AWS_ACCESS_KEY_ID": hush, "AWS_SECRET_ACCESS_KEY": docKey}, status: "failed", finds: "access key id: holds"},
		{name: "the two mixed up, and no slash in the secret", env: map[string]string{"AWS_ACCESS_KEY_ID": plainHush, "AWS_SECRET_ACCESS_KEY": docKey}, status: "ok", finds: "is it the secret?"},
		{name: "unsigned", args: []string{"--no-sign-request"}, status: "ok", finds: "not signed"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			configFile(t, tt.config)
			t.Setenv("AWS_SHARED_CREDENTIALS_FILE", writeFile(t, "credentials", tt.credentials))
			for name, value := range tt.env {
				t.Setenv(name, value)
			}
			_, d, text := diagnose(t, append(tt.args, "s3://photos")...)
			if status, finding, hint := seen(t, d, "credentials"); status != tt.status || !strings.Contains(finding, tt.finds) || !strings.Contains(hint, tt.hints) {
				t.Errorf("%s: %s, hint: %s; want %s: … %s …, hint: … %s …", status, finding, hint, tt.status, tt.finds, tt.hints)
			}
			keepsSecrets(t, text)
			if strings.Contains(text, plainHush[:4]) {
				t.Errorf("a secret in the place of the key id is shown: %s", text)
			}
		})
	}
}

// What this machine lacks.
func TestDoctorMachine(t *testing.T) {
	docCredentials(t)
	user := func(m *machine) { m.uid = func() int { return 1000 } }
	setuid := filepath.Join(t.TempDir(), "fusermount3")
	if err := os.WriteFile(setuid, nil, 0o755); err != nil {
		t.Fatal(err)
	}
	plain := setuid + "-plain"
	if err := errors.Join(os.Chmod(setuid, os.ModeSetuid|0o755), os.WriteFile(plain, nil, 0o755)); err != nil {
		t.Fatal(err)
	}
	finds := func(path string) func(*machine) {
		return func(m *machine) { m.lookPath = func(string) (string, error) { return path, nil } }
	}
	for _, tt := range []struct {
		name         string
		args         []string
		change       []func(*machine)
		check        string
		status, hint string
	}{
		{"root", nil, nil, "fusermount3", "skipped", ""},
		{"root of a container", nil, []func(*machine){func(m *machine) { m.status = writeFile(t, "status", "CapEff:\t00000000a80425fb\n") }}, "fusermount3", "failed", "--cap-add SYS_ADMIN"},
		{"a user", nil, []func(*machine){user, finds(setuid)}, "fusermount3", "ok", ""},
		{"without set-user-id", nil, []func(*machine){user, finds(plain)}, "fusermount3", "warning", "chmod u+s"},
		{"a file in the place of the device", nil, []func(*machine){func(m *machine) { m.fuseDevice = plain }}, "/dev/fuse", "failed", "modprobe"},
		{"root and others", []string{"--allow-other"}, nil, "user_allow_other", "skipped", ""},
		{"a user alone", nil, []func(*machine){user}, "user_allow_other", "skipped", ""},
		{"others, permitted", []string{"--allow-other"}, []func(*machine){user, func(m *machine) { m.fuseConf = writeFile(t, "fuse.conf", "# x\nuser_allow_other\n") }}, "user_allow_other", "ok", ""},
		{"others, in a comment", []string{"--allow-other"}, []func(*machine){user, func(m *machine) { m.fuseConf = writeFile(t, "fuse.conf", "#user_allow_other\n") }}, "user_allow_other", "failed", "write the line user_allow_other"},
		{"others, no file", []string{"--allow-other"}, []func(*machine){user, func(m *machine) { m.fuseConf = "/no/such/file" }}, "user_allow_other", "failed", "leave --allow-other away"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			capable(t)
			on(t, func(m *machine) {
				m.lookup, m.dial = noAddress, nowhere
				for _, change := range tt.change {
					change(m)
				}
			})
			_, d, _ := diagnose(t, append(tt.args, "s3://photos")...)
			if status, finding, hint := seen(t, d, tt.check); status != tt.status || !strings.Contains(hint, tt.hint) {
				t.Errorf("%s: %s, hint: %s; want %s, hint: … %s …", status, finding, hint, tt.status, tt.hint)
			}
		})
	}
}
