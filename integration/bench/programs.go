//go:build linux

package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"s3mount/integration/rig"
)

const (
	ours = "s3mount"

	// Of every server and dataset.
	bucketName = "bucket"
	region     = "us-east-1"
)

// A target is what is to be mounted where.
type target struct {
	report
	dir     string // the mount point
	scratch string // an empty directory that the program may write to
}

// A program is a file system and how it is started: in the foreground, read-only,
// with its own defaults but for what the server needs.
type program struct {
	name string
	path string
	args func(t target) []string
	env  func(t target) []string // of credentials and where to find them
}

// peers are the other programs that can be measured.
var peers = []program{
	{
		name: "s3fs",
		args: func(t target) []string {
			return []string{bucketName, t.dir, "-f", "-o", "url=" + t.Endpoint, "-o", "use_path_request_style",
				"-o", "endpoint=" + region, "-o", "listobjectsv2", "-o", "ro", "-o", "passwd_file=" + t.secretFile(t.AccessKey+":"+t.SecretKey)}
		},
		env: func(target) []string { return nil },
	},
	{
		name: "rclone",
		args: func(t target) []string {
			// Without --use-server-modtime it asks for the headers of each file.
			return append([]string{"mount", "s3:" + bucketName, t.dir, "--read-only", "--use-server-modtime", "--config", t.secretFile(""),
				"--cache-dir", t.scratch}, rcloneStreams()...)
		},
		env: func(t target) []string {
			return []string{"RCLONE_CONFIG_S3_TYPE=s3", "RCLONE_CONFIG_S3_PROVIDER=Other", "RCLONE_CONFIG_S3_LIST_VERSION=2",
				"RCLONE_CONFIG_S3_ENDPOINT=" + t.Endpoint, "RCLONE_CONFIG_S3_REGION=" + region,
				"RCLONE_CONFIG_S3_ACCESS_KEY_ID=" + t.AccessKey, "RCLONE_CONFIG_S3_SECRET_ACCESS_KEY=" + t.SecretKey}
		},
	},
	{
		name: "goofys",
		args: func(t target) []string {
			return []string{"-f", "--endpoint", t.Endpoint, "--region", region, "-o", "ro", bucketName, t.dir}
		},
		env: target.awsEnv,
	},
	{
		name: "geesefs",
		args: func(t target) []string {
			return []string{"-f", "--endpoint", t.Endpoint, "--region", region, "--list-type", "2", "-o", "ro", bucketName, t.dir}
		},
		env: target.awsEnv,
	},
	{
		name: "mount-s3",
		args: func(t target) []string {
			return []string{"--foreground", "--endpoint-url", t.Endpoint, "--region", region, "--force-path-style", "--read-only", bucketName, t.dir}
		},
		env: target.awsEnv,
	},
}

func (t target) awsEnv() []string {
	return []string{"AWS_ACCESS_KEY_ID=" + t.AccessKey, "AWS_SECRET_ACCESS_KEY=" + t.SecretKey, "AWS_REGION=" + region}
}

// secretFile writes a file that only this user may read.
func (t target) secretFile(text string) string {
	path := filepath.Join(t.scratch, "secret")
	os.WriteFile(path, []byte(text+"\n"), 0o600)
	return path
}

// rcloneStreams has rclone read a file over several connections, where it can.
func rcloneStreams() []string {
	help, _ := exec.Command("rclone", "help", "flags", "vfs-read-chunk-streams").CombinedOutput()
	if strings.Contains(string(help), "--vfs-read-chunk-streams") {
		return []string{"--vfs-read-chunk-streams", "16"}
	}
	return nil
}

func peerList() (names []string) {
	for _, p := range peers {
		names = append(names, p.name)
	}
	return names
}

// programsOf are s3mount and those of the named peers that are on PATH.
func programsOf(path string, names []string) (found []program, missing []string) {
	found = []program{{name: ours, path: path}}
	for _, name := range names {
		known := false
		for _, p := range peers {
			if p.name != name {
				continue
			}
			var err error
			if p.path, err = exec.LookPath(name); err == nil {
				found, known = append(found, p), true
			}
		}
		if !known {
			missing = append(missing, name)
		}
	}
	return found, missing
}

// mount starts the program and returns when the mount is there; s3mount says when
// it is ready.
func (p program) mount(t target) (*rig.Mount, error) {
	if p.name == ours {
		return rig.StartMount(rig.Invocation{Program: p.path, Endpoint: t.Endpoint, AccessKey: t.AccessKey, SecretKey: t.SecretKey,
			Args: []string{"s3://" + bucketName, t.dir}}, t.dir)
	}
	cmd := exec.Command(p.path, p.args(t)...)
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.scratch, "TMPDIR=" + t.scratch,
		"AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null", "AWS_EC2_METADATA_DISABLED=true"}, p.env(t)...)
	cmd.Dir = t.scratch
	daemon, err := rig.Start(cmd)
	if err != nil {
		return nil, err
	}
	m := &rig.Mount{Dir: t.dir, Process: daemon}
	if rig.Eventually(30*time.Second, func() bool { return rig.Mounted(t.dir) || daemon.Wait(0) }) && rig.Mounted(t.dir) {
		return m, nil
	}
	err = fmt.Errorf("%s has not mounted %s\n%s%s", p.name, t.dir, daemon.Stdout(), daemon.Stderr())
	return nil, errors.Join(err, m.Abort())
}

// unmount ends a mount and its daemon, whatever state they are in.
func unmount(m *rig.Mount) error {
	if rig.Mounted(m.Dir) {
		if err := rig.Unmount(m.Dir); err != nil {
			return errors.Join(rig.Detach(m.Dir), m.Abort())
		}
	}
	if m.Process.Wait(10 * time.Second) {
		return nil
	}
	m.Process.Signal(syscall.SIGTERM)
	if m.Process.Wait(5 * time.Second) {
		return nil
	}
	return m.Abort()
}
