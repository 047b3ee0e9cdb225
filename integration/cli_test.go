//go:build linux

package integration

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"s3mount/integration/rig"
	"s3mount/s3/s3test"
)

// TestCommandLine runs the sessions in testdata as a user types them. Besides
// testscript's own commands they have:
//
//	exits CODE COMMAND...   the command ends with that exit code
//	refuses ARGS...         s3mount ARGS fails as it should: exit code 1 within
//	                        seconds, an error line and a hint line, nothing
//	                        mounted
//	[!] mounted DIR         DIR is a mount point
//	unmount DIR             as the user does it; its daemon must end too
//
// and in the environment the server of the shared tree as $ENDPOINT, with valid
// credentials, and as $S3TEST a server that does not know them.
func TestCommandLine(t *testing.T) {
	needMount(t)
	tree(t)
	g := gateway(t)
	other := s3test.New(t, s3test.Options{})
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata",
		WorkdirRoot:         workDir, // not removed by testscript, which would go into a mount left behind
		Deadline:            time.Now().Add(2 * time.Minute),
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			env.Vars = append(env.Vars, rig.Invocation{AccessKey: g.AccessKey, SecretKey: g.SecretKey}.Command().Env...)
			env.Setenv("PATH", filepath.Dir(program)+":"+os.Getenv("PATH"))
			env.Setenv("ENDPOINT", g.URL)
			env.Setenv("S3TEST", other.Endpoint().String())
			env.Defer(func() { cleanBelow(t, env.WorkDir) })
			return os.Mkdir(filepath.Join(env.WorkDir, "mnt"), 0o755)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits":   exits,
			"refuses": refuses,
			"mounted": mounted,
			"unmount": unmount,
		},
	})
}

// cleanBelow ends what a failed script left mounted.
func cleanBelow(t *testing.T, dir string) {
	for _, m := range rig.Mounts() {
		if !strings.HasPrefix(m, dir+"/") {
			continue
		}
		for _, pid := range rig.ProcessesOf(program, m) {
			p, _ := os.FindProcess(pid)
			p.Kill()
		}
		if err := rig.Detach(m); err != nil {
			t.Error(err)
		}
	}
}

func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND...")
	}
	code := 0
	err := ts.Exec(args[1], args[2:]...)
	if ended := new(exec.ExitError); errors.As(err, &ended) {
		code = ended.ExitCode()
	} else if err != nil {
		ts.Fatalf("%s: %v", args[1], err)
	}
	if strconv.Itoa(code) != args[0] {
		ts.Fatalf("%s: exit code %d, want %s", args[1], code, args[0])
	}
}

func refuses(ts *testscript.TestScript, neg bool, args []string) {
	if neg {
		ts.Fatalf("usage: refuses ARGS...")
	}
	// Of this script alone: the others run at the same time.
	mounts := func() (below []string) {
		for _, dir := range rig.Mounts() {
			if strings.HasPrefix(dir, ts.Getenv("WORK")+"/") {
				below = append(below, dir)
			}
		}
		return below
	}
	before, start := mounts(), time.Now()
	exits(ts, false, append([]string{"1", "s3mount"}, args...))
	if took := time.Since(start); took > 10*time.Second {
		ts.Fatalf("it took %v to say so", took)
	}
	if out := ts.ReadFile("stdout"); out != "" {
		ts.Fatalf("stdout is not empty: %q", out)
	}
	said := lines(ts.ReadFile("stderr"))
	if len(said) != 2 || !strings.HasPrefix(said[0], "s3mount: error: ") || !strings.HasPrefix(said[1], "s3mount: hint: ") {
		ts.Fatalf("want two lines, s3mount: error: and s3mount: hint:")
	}
	if after := mounts(); !slices.Equal(after, before) {
		ts.Fatalf("mounts %q, before %q", after, before)
	}
}

func mounted(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: [!] mounted DIR")
	}
	if dir := ts.MkAbs(args[0]); rig.Mounted(dir) == neg {
		ts.Fatalf("%s is mounted: %v", dir, !neg)
	}
}

func unmount(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: unmount DIR")
	}
	dir := ts.MkAbs(args[0])
	ts.Check(rig.Unmount(dir))
	if !rig.Eventually(10*time.Second, func() bool { return len(rig.ProcessesOf(program, dir)) == 0 }) {
		ts.Fatalf("a daemon of %s still runs", dir)
	}
}
