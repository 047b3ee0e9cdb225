package main

import (
	"errors"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/moby/sys/mountinfo"
	"github.com/rogpeppe/go-internal/testscript"

	"s3mount/s3/s3test"
	"s3mount/sigv4"
)

// TestScripts runs the sessions in testdata/script, with the test binary as the
// program. None of them mounts. Besides testscript's own commands they have:
//
//	s3test [FLAG] [key...]   starts a server of the bucket photos with these
//	                         objects, as $ENDPOINT on $HOST, with credentials;
//	                         -deny: refuses to list, -stall: does not answer
//	arrived N                waits until the server has got that many requests
//	refuses ARGS...          s3mount ARGS ends with exit code 1, within seconds,
//	                         nothing on standard output and two lines on standard
//	                         error; the same with -f and in the background
//	exits CODE ARGS...       s3mount ARGS ends with that exit code
//
// $REFUSED is the URL of a port at which nobody listens.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		Deadline:            time.Now().Add(time.Minute), // for a program that mounts instead
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			for name, value := range map[string]string{
				"REFUSED":                     "http://127.0.0.1:1",
				"AWS_CONFIG_FILE":             env.WorkDir + "/config",
				"AWS_SHARED_CREDENTIALS_FILE": env.WorkDir + "/credentials",
				"AWS_EC2_METADATA_DISABLED":   "true",
				"GORACE":                      "atexit_sleep_ms=0", // or each of them ends a second late
			} {
				env.Setenv(name, value)
			}
			mnt := env.WorkDir + "/mnt"
			env.Defer(func() { takeAway(t, mnt) })
			return os.Mkdir(mnt, 0o755)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"s3test": func(ts *testscript.TestScript, neg bool, args []string) {
				o := s3test.Options{Bucket: "photos", Text: map[string]string{}, Credentials: sigv4.Credentials{AccessKeyID: "AKIAPHOTOS", SecretAccessKey: "the/secret"}}
				for _, arg := range args {
					switch arg {
					case "-deny":
						o.DenyList = true
					case "-point": // that the bucket is one, to its host name
						o.Bucket += "-123456789012"
					case "-stall":
						o.Rules = []s3test.Rule{{Action: s3test.Stall(s3test.BeforeHeaders)}}
					default:
						o.Text[arg] = arg
					}
				}
				srv := s3test.New(t, o)
				ts.SetCmd("arrived", func(ts *testscript.TestScript, _ bool, args []string) {
					n, err := strconv.Atoi(args[0])
					ts.Check(err)
					ts.Check(srv.WaitRequests(t.Context(), n))
				})
				ts.Setenv("ENDPOINT", srv.Endpoint().String())
				ts.Setenv("HOST", srv.Endpoint().Host)
				ts.Setenv("AWS_ACCESS_KEY_ID", "AKIAPHOTOS")
				ts.Setenv("AWS_SECRET_ACCESS_KEY", "the/secret")
			},
			"refuses": refuses,
			"exits": func(ts *testscript.TestScript, neg bool, args []string) {
				if code := exitCode(ts, args[1:]); strconv.Itoa(code) != args[0] {
					ts.Fatalf("s3mount %q: exit code %d, want %s", args[1:], code, args[0])
				}
			},
		},
	})
}

// takeAway is for a program that has mounted where it should have refused.
func takeAway(t *testing.T, dir string) {
	mounts, err := mountinfo.GetMounts(mountinfo.SingleEntryFilter(dir))
	if err == nil && len(mounts) == 0 {
		return
	}
	t.Errorf("%s is mounted: %v", dir, err)
	for _, command := range [][]string{{"umount", "-l", dir}, {"fusermount3", "-u", "-z", dir}} {
		if exec.Command(command[0], command[1:]...).Run() == nil {
			return
		}
	}
}

func exitCode(ts *testscript.TestScript, args []string) int {
	err := ts.Exec("s3mount", args...)
	var ended *exec.ExitError
	if errors.As(err, &ended) {
		return ended.ExitCode()
	}
	ts.Check(err)
	return 0
}

func refuses(ts *testscript.TestScript, neg bool, args []string) {
	said := make([]string, 2)
	for i, form := range [][]string{{"-f"}, nil} {
		args, begin := append(form, args...), time.Now()
		code := exitCode(ts, args)
		said[i] = ts.ReadFile("stderr")
		switch took := time.Since(begin); {
		case code != exitFailed:
			ts.Fatalf("s3mount %q: exit code %d, want 1: %s", args, code, said[i])
		case took > 15*time.Second:
			ts.Fatalf("s3mount %q: it took %v", args, took)
		case ts.ReadFile("stdout") != "" || !isTwoLines(said[i]):
			ts.Fatalf("s3mount %q: want two lines on standard error, and nothing on standard output", args)
		}
	}
	if words := strings.Fields; len(words(said[0])) != len(words(said[1])) {
		ts.Fatalf("in the foreground it says\n%sin the background\n%s", said[0], said[1])
	}
}
