//go:build linux

package integration

import (
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"s3mount/integration/rig"
)

// A user other than root mounts through fusermount3, reads and unmounts; root,
// who did not mount, may not look inside, by the kernel's rule for mounts without
// --allow-other.
func TestUserWithoutPrivileges(t *testing.T) {
	needMount(t)
	needRoot(t) // to become another user
	needTool(t, "fusermount3")
	d := tree(t)
	dir := mountPoint(t)
	if err := os.Chown(dir, 65534, 65534); err != nil {
		t.Fatal(err)
	}
	v := invocation(gateway(t), "s3://"+treeBucket+"/a", dir)
	// In a mount namespace of its own, where everybody may open /dev/fuse, as udev
	// has it on a real machine but not in every container.
	const script = `
	mount -t tmpfs -o dev none "$SCRATCH" && mknod -m 666 "$SCRATCH/fuse" c 10 229 && mount --bind "$SCRATCH/fuse" /dev/fuse
	as_user() { setpriv --reuid 65534 --regid 65534 --clear-groups "$@"; }
	as_user "$@"
	cd /
	as_user sh -c 'cd "$MNT" && ls -R && cat b/one.txt && stat -c "%u %A" b/one.txt; touch b/x' 2>&1 || true
	cat "$MNT/b/one.txt" 2>&1 || true
	as_user fusermount3 -u "$MNT"
	grep -F " $MNT " /proc/self/mountinfo || echo unmounted`
	cmd := shell(script)
	cmd = exec.Command("unshare", append(append([]string{"--mount"}, cmd.Args...), append([]string{"-"}, v.Command().Args...)...)...)
	cmd.Env = append(v.Command().Env, "LC_ALL=C", "MNT="+dir, "SCRATCH="+t.TempDir())
	r := try(t, nil, "/", cmd)
	want := sh(t, nil, d.local("a"), `ls -R && cat b/one.txt`) + "65534 -r--r--r--\n" +
		"touch: cannot touch 'b/x': Read-only file system\n" +
		"cat: " + dir + "/b/one.txt: Permission denied\n" +
		"unmounted\n"
	if r.Code != 0 || r.Stdout != want {
		t.Errorf("exit code %d, the user and then root see\n%s%s\nwant\n%s", r.Code, r.Stdout, r.Stderr, want)
	}
	if !rig.Eventually(10*time.Second, func() bool { return len(rig.ProcessesOf(program, dir)) == 0 }) {
		t.Error("the daemon still runs")
	}
}

// With --allow-other everybody reads what root mounted.
func TestAllowOther(t *testing.T) {
	needRoot(t)
	tree(t)
	m := mount(t, "s3://"+treeBucket+"/a/b", "--allow-other", "--uid", "1234", "--gid", "5678", "--file-mode", "0444", "--dir-mode", "0555")
	cmd := shell(`cd "` + m.Dir + `" && cat two.txt && stat -c '%u %g %a' . two.txt c`)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	r := try(t, m, "/", cmd)
	if want := "two\n1234 5678 555\n1234 5678 444\n1234 5678 555\n"; r.Stdout != want {
		t.Errorf("another user sees %q %q, want %q", r.Stdout, r.Stderr, want)
	}
}
