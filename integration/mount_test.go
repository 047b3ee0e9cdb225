//go:build linux

package integration

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"s3mount/integration/rig"
	"s3mount/s3/s3test"
)

// needMount skips the test where nothing can be mounted.
func needMount(t testing.TB) {
	t.Helper()
	if err := rig.CanMount(); err != nil {
		t.Skip(err)
	}
}

// needRoot skips the test for users other than root.
func needRoot(t testing.TB) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root")
	}
}

// needTool skips the test where a command is not installed.
func needTool(t testing.TB, name string) {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		t.Skip(name + " is not installed")
	}
}

// mountPoint is an empty directory for a mount. At the test's end no mount may
// be left on it.
func mountPoint(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp(workDir, "mnt-")
	if err == nil {
		err = os.Chmod(dir, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if rig.Mounted(dir) {
			t.Errorf("%s is still mounted", dir)
			if err := rig.Detach(dir); err != nil {
				t.Error(err)
			}
		}
		if err := os.Remove(dir); err != nil { // not RemoveAll, which would go into a mount
			t.Error(err)
		}
	})
	return dir
}

// invocation is the command line that mounts source of the gateway.
func invocation(g *rig.Gateway, source, dir string, flags ...string) rig.Invocation {
	return rig.Invocation{
		Program: program, Endpoint: g.URL, AccessKey: g.AccessKey, SecretKey: g.SecretKey,
		Args: append(flags, source, dir),
	}
}

// mount mounts source of the gateway for this test.
func mount(t testing.TB, source string, flags ...string) *rig.Mount {
	t.Helper()
	needMount(t)
	dir := mountPoint(t)
	return start(t, invocation(gateway(t), source, dir, flags...), dir)
}

// mountTest mounts the bucket of an s3test server for this test.
func mountTest(t testing.TB, srv *s3test.Server, flags ...string) *rig.Mount {
	t.Helper()
	return mountPrefix(t, srv, "", flags...)
}

// mountPrefix mounts what is below a prefix of it.
func mountPrefix(t testing.TB, srv *s3test.Server, prefix string, flags ...string) *rig.Mount {
	t.Helper()
	needMount(t)
	dir := mountPoint(t)
	return start(t, serverInvocation(srv, prefix, dir, flags...), dir)
}

// serverInvocation is the command line that mounts what is below a prefix of an
// s3test server.
func serverInvocation(srv *s3test.Server, prefix, dir string, flags ...string) rig.Invocation {
	keys := srv.Credentials()
	return rig.Invocation{
		Program: program, Endpoint: srv.Endpoint().String(), AccessKey: keys.AccessKeyID, SecretKey: keys.SecretAccessKey,
		Args: append(flags, "s3://"+srv.Bucket()+"/"+prefix, dir),
	}
}

// start mounts and, at the test's end, unmounts and waits for the daemon's end.
func start(t testing.TB, v rig.Invocation, dir string) *rig.Mount {
	t.Helper()
	m, err := rig.StartMount(v, dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if m.Process.Wait(0) {
			return // ended by the test
		}
		if err := m.Close(); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Logf("the daemon said:\n%s", m.Process.Stderr())
		}
	})
	return m
}

// local is a path in the tree on disk.
func (d treeDir) local(name string) string { return filepath.Join(d.dir, name) }
