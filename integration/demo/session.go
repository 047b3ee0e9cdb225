//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"

	"s3mount/integration/rig"
)

// A session is what a person would type.
type session struct {
	program string // path of s3mount
	gateway *rig.Gateway
	dir     string // of the mount
	once    bool   // do not wait for Ctrl-C
}

// commands are typed in the mount. A code other than the one given here fails
// the demo.
var commands = []struct {
	line string
	code int
}{
	{"ls -l", 0},
	{"ls -lR letters", 0},
	{"cat letters/2024/'Grüße aus Köln.txt'", 0},
	{"grep -rn whale .", 0},
	{"sha256sum -c SHA256SUMS    # made from what was uploaded", 0},
	{"touch new", 1},
}

func (s session) run(ctx context.Context) (err error) {
	v := rig.Invocation{
		Program: s.program, Endpoint: s.gateway.URL, AccessKey: s.gateway.AccessKey, SecretKey: s.gateway.SecretKey,
		Args: []string{"s3://samples", s.dir},
	}
	mount := fmt.Sprintf("s3mount --endpoint-url %s s3://samples %s", s.gateway.URL, s.dir)
	fmt.Printf("\n$ %s\n", mount)
	defer func() { err = errors.Join(err, s.unmount()) }()
	r, err := rig.Run(v.Command(), time.Minute, nil)
	fmt.Print(r.Stdout, r.Stderr)
	if err != nil {
		return err
	}
	if r.Code != 0 {
		return fmt.Errorf("s3mount: exit code %d", r.Code)
	}
	fmt.Printf("$ cd %s\n", s.dir)
	for _, c := range commands {
		if ctx.Err() != nil {
			return errors.New("interrupted")
		}
		fmt.Printf("\n$ %s\n", c.line)
		cmd := exec.Command("sh", "-c", c.line)
		cmd.Dir = s.dir
		cmd.Stdout, cmd.Stderr = os.Stdout, os.Stdout
		r, err := rig.Run(cmd, time.Minute, func() { s.end(syscall.SIGKILL) })
		if err != nil {
			return err
		}
		if r.Code != c.code {
			return fmt.Errorf("%s: exit code %d, want %d", c.line, r.Code, c.code)
		}
	}
	if s.once {
		return nil
	}
	fmt.Printf("\nThe bucket is mounted at\n\n    %s\n\nTry it in another terminal. To mount it yourself:\n\n"+
		"    export AWS_ACCESS_KEY_ID=%s AWS_SECRET_ACCESS_KEY=%s\n    bin/s3mount --endpoint-url %s s3://samples DIR\n\n"+
		"Ctrl-C here ends it all.\n", s.dir, s.gateway.AccessKey, s.gateway.SecretKey, s.gateway.URL)
	<-ctx.Done()
	fmt.Println()
	return nil
}

// unmount takes the mount away, with those inside if there are any, and waits
// for the daemon's end.
func (s session) unmount() error {
	if rig.Mounted(s.dir) {
		fmt.Printf("\n$ umount %s\n", s.dir)
		if err := rig.Unmount(s.dir); err != nil {
			fmt.Printf("%v: taken away all the same\n", err)
			if err := rig.Detach(s.dir); err != nil {
				return err
			}
			s.end(syscall.SIGTERM)
		}
	}
	if s.ended(5 * time.Second) {
		return nil
	}
	s.end(syscall.SIGKILL)
	if s.ended(5 * time.Second) {
		return errors.New("the daemon had to be killed")
	}
	return fmt.Errorf("the daemon does not end: processes %v", rig.ProcessesOf(s.program, s.dir))
}

// end sends a signal to the daemon of this mount.
func (s session) end(sig syscall.Signal) {
	for _, pid := range rig.ProcessesOf(s.program, s.dir) {
		syscall.Kill(pid, sig)
	}
}

func (s session) ended(within time.Duration) bool {
	return rig.Eventually(within, func() bool { return len(rig.ProcessesOf(s.program, s.dir)) == 0 })
}
