//go:build linux

package integration

import (
	"os/exec"
	"strings"
	"testing"
	"time"

	"s3mount/integration/rig"
)

// mount(8) mounts by the type fuse.s3mount, with options as /etc/fstab has them,
// those that only mount and systemd understand included.
func TestMountByType(t *testing.T) {
	needMount(t)
	needRoot(t)
	needTool(t, "mount.fuse3")
	d := tree(t)
	dir := mountPoint(t)
	g := gateway(t)
	// mount(8) looks for programs in directories of its own choice, so the
	// program goes to one of them, in a mount namespace where that is nobody
	// else's.
	cmd := exec.Command("unshare", append([]string{"--mount"}, shell(`
	mount -t tmpfs none /usr/local/sbin && cp "$PROGRAM" /usr/local/sbin
	mount -t fuse.s3mount s3://`+treeBucket+`/a "$MNT" -o "$OPTIONS"
	ls -R "$MNT"
	grep -F " $MNT " /proc/self/mountinfo | grep -o "fuse.s3mount s3://`+treeBucket+`/a/"
	umount "$MNT"
	`).Args...)...)
	cmd.Env = append(invocation(g, "", "").Command().Env, "LC_ALL=C", "PROGRAM="+program, "MNT="+dir,
		"OPTIONS=ro,noauto,nofail,_netdev,x-systemd.automount,metadata_ttl=5,endpoint_url="+g.URL)
	r := try(t, nil, d.local("a"), cmd)
	want := strings.ReplaceAll(sh(t, nil, d.dir, `ls -R "$PWD/a"`), d.local("a"), dir) + "fuse.s3mount s3://" + treeBucket + "/a/\n"
	if r.Code != 0 || r.Stdout != want {
		t.Errorf("exit code %d\n%s%s\nwant\n%s", r.Code, r.Stdout, r.Stderr, want)
	}
	// The path of its binary has gone with the namespace.
	if !rig.Eventually(10*time.Second, func() bool { return len(rig.ProcessesOf("", dir)) == 0 }) {
		t.Error("the daemon still runs")
	}
}
