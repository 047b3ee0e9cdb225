package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// readyEnv tells the process in the background that it is that, and on which
// descriptor its parent waits for a byte.
const readyEnv = "_S3MOUNT_READY_FD"

// background starts this program again in a session of its own and waits until
// it has mounted, or has said why not. What it says until then goes to our
// standard error.
func background() error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	defer r.Close()
	keepDescriptors()
	child := exec.Command(self, os.Args[1:]...)
	child.Env = append(absolutePaths(os.Environ()), readyEnv+"=3")
	child.ExtraFiles = []*os.File{w} // descriptor 3
	child.Stderr = os.Stderr
	child.SysProcAttr = &syscall.SysProcAttr{Setsid: true}

	interrupts := make(chan os.Signal, 1)
	signal.Notify(interrupts, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	defer signal.Stop(interrupts)
	if err := child.Start(); err != nil {
		w.Close()
		return fmt.Errorf("start in the background: %w", err)
	}
	w.Close()
	said := make(chan error, 1)
	go func() { // ends with the child's end of the pipe
		_, err := io.ReadFull(r, make([]byte, 1))
		said <- err
	}()
	select {
	case err := <-said:
		if err == nil {
			return nil // mounted; the child goes on without us
		}
	case <-interrupts:
		child.Process.Signal(syscall.SIGTERM)
		select {
		case <-said:
		case <-interrupts: // a second one leaves at once
			child.Process.Kill()
		}
	}
	var exit *exec.ExitError
	if err := child.Wait(); errors.As(err, &exit) && exit.ExitCode() > 0 {
		return &exitError{exit.ExitCode()} // it has said why
	}
	return &hintError{errors.New("the process in the background ended before it had mounted"), "with -f it stays in the foreground, and shows more with --log-level debug"}
}

// absolutePaths has the files that AWS's variables name found from any
// directory: the process in the background leaves the one it was started in, and
// reads them again.
func absolutePaths(env []string) []string {
	env = slices.Clone(env)
	for i, variable := range env {
		name, path, _ := strings.Cut(variable, "=")
		switch name {
		case "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE", "AWS_CA_BUNDLE", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE":
			if abs, err := filepath.Abs(path); path != "" && err == nil {
				env[i] = name + "=" + abs
			}
		}
	}
	return env
}

// readyPipe is where the process in the background says that it has mounted;
// nil in any other.
func readyPipe() *os.File {
	if os.Getenv(readyEnv) != "3" {
		return nil
	}
	os.Unsetenv(readyEnv)
	unix.CloseOnExec(3)
	return os.NewFile(3, "ready")
}

// leave tells the parent that the mount can be used, and lets go of what came
// from it: its terminal and its directory.
func leave(ready *os.File) error {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer null.Close()
	defer ready.Close()
	if err := os.Chdir("/"); err != nil {
		return err
	}
	for fd := 0; fd <= 2; fd++ {
		if err := unix.Dup2(int(null.Fd()), fd); err != nil {
			return err
		}
	}
	if _, err := ready.Write([]byte{1}); err != nil {
		return fmt.Errorf("the process that waits for the mount is gone: %w", err)
	}
	return nil
}
