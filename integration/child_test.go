//go:build linux

package integration

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"s3mount/integration/rig"
)

// childVariable, set in the environment, makes this test binary run one of the
// children below instead of the tests.
const childVariable = "S3MOUNT_INTEGRATION_CHILD"

// A child touches a mount in a process of its own. What it prints is what its
// test looks at; an error ends it with exit code 1.
type child func(args []string) error

// children are filled by the files that use them.
var children = map[string]child{}

func runChild(name string, args []string) (code int) {
	f, ok := children[name]
	if !ok {
		fmt.Fprintf(os.Stderr, "no child called %q\n", name)
		return 2
	}
	if err := f(args); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// childCommand is the command that runs a child.
func childCommand(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), childVariable+"="+name, "GOCOVERDIR=")
	return cmd
}

// limit is how long any command may take in a mount of a server on this machine.
const limit = 60 * time.Second

// try runs the command in directory dir and returns what it said. It fails the
// test only when the command hangs.
//
// Where dir is below the mount the command itself goes there: this process would
// with one of Go's threads held, and it may be this process that has the server.
func try(t testing.TB, m *rig.Mount, dir string, cmd *exec.Cmd) rig.Result {
	t.Helper()
	if cmd.Dir = dir; m != nil && strings.HasPrefix(dir, m.Dir+"/") {
		env, stdin := cmd.Env, cmd.Stdin
		cmd = exec.Command("sh", append([]string{"-c", `cd "$0" && exec "$@"`, dir, cmd.Path}, cmd.Args[1:]...)...)
		cmd.Dir, cmd.Env, cmd.Stdin = "/", env, stdin
	}
	r, err := rig.Run(cmd, limit, func() {
		if m != nil {
			t.Logf("killing the daemon of %s, in which %s hangs", m.Dir, cmd)
			if err := m.Abort(); err != nil {
				t.Error(err)
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// sh runs a shell script in directory dir of mount m, which must succeed and be
// silent on stderr, and returns its output.
func sh(t testing.TB, m *rig.Mount, dir, script string) string {
	t.Helper()
	r := try(t, m, dir, shell(script))
	if r.Code != 0 || r.Stderr != "" {
		t.Fatalf("%s\nexit code %d\n%s%s", script, r.Code, r.Stdout, r.Stderr)
	}
	return r.Stdout
}

func shell(script string) *exec.Cmd {
	cmd := exec.Command("bash", "-c", "set -euo pipefail\n"+script)
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	return cmd
}

// inChild runs a child, which must succeed, and returns its output.
func inChild(t testing.TB, m *rig.Mount, name string, args ...string) string {
	t.Helper()
	r := try(t, m, "", childCommand(name, args...))
	if r.Code != 0 {
		t.Fatalf("child %s: exit code %d\n%s%s", name, r.Code, r.Stdout, r.Stderr)
	}
	return r.Stdout
}

// A dialogue is a child that stops at certain points until the test says go on.
type dialogue struct {
	t testing.TB
	p *rig.Process
	w *os.File // the child's stdin
	r *os.File // the child's stdout
}

// converse starts a child with which the test exchanges lines.
func converse(t testing.TB, name string, args ...string) *dialogue {
	t.Helper()
	cmd := childCommand(name, args...)
	stdin, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	r, stdout, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdin, cmd.Stdout = stdin, stdout
	p, err := rig.Start(cmd)
	stdin.Close()
	stdout.Close()
	if err != nil {
		t.Fatal(err)
	}
	d := &dialogue{t, p, w, r}
	t.Cleanup(func() {
		w.Close()
		p.Stop(0)
		r.Close()
	})
	return d
}

// hear waits for the child's next line.
func (d *dialogue) hear() string {
	d.t.Helper()
	d.r.SetReadDeadline(time.Now().Add(limit))
	var line []byte
	for b := make([]byte, 1); ; {
		if _, err := d.r.Read(b); err != nil {
			d.t.Fatalf("the child is silent: %v\n%s%s", err, line, d.p.Stderr())
		}
		if b[0] == '\n' {
			return string(line)
		}
		line = append(line, b[0])
	}
}

// say lets the child go on.
func (d *dialogue) say() {
	d.t.Helper()
	if _, err := d.w.Write([]byte("\n")); err != nil {
		d.t.Fatal(err)
	}
}

// listen, in a child, waits until the test says go on.
func listen() error {
	_, err := os.Stdin.Read(make([]byte, 1))
	return err
}

// lines splits a command's output.
func lines(s string) []string {
	s = strings.TrimSuffix(s, "\n")
	if s == "" {
		return nil
	}
	return strings.Split(s, "\n")
}
