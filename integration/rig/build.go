//go:build linux

package rig

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

const gatewayPackage = "github.com/versity/versitygw/cmd/versitygw"

// Root is the directory of this checkout: the nearest one upwards of the
// working directory whose go.mod names the module s3mount.
func Root() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		mod, err := os.ReadFile(filepath.Join(dir, "go.mod"))
		if err == nil && strings.HasPrefix(string(mod), "module s3mount\n") {
			return dir, nil
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "", errors.New("not inside a checkout of s3mount: no go.mod of it in the working directory or above")
		}
		dir = up
	}
}

// BuildProgram builds s3mount into dir and returns its path. With GOCOVERDIR
// set the program is built to record there which of its lines ran.
func BuildProgram(ctx context.Context, dir string) (string, error) {
	path := filepath.Join(dir, "s3mount")
	args := []string{"build", "-o", path}
	if os.Getenv("GOCOVERDIR") != "" {
		args = append(args, "-cover", "-coverpkg=s3mount/...")
	}
	return path, goBuild(ctx, append(args, "./cmd/s3mount")...)
}

// GatewayNeedsBuild says whether the next BuildGateway takes minutes, not
// milliseconds.
func GatewayNeedsBuild() bool {
	path, err := gatewayPath()
	if err != nil {
		return true
	}
	_, err = os.Stat(path)
	return err != nil
}

// BuildGateway returns the path of versitygw, built into .build of this
// checkout unless a binary of the same versitygw.mod is there already.
func BuildGateway(ctx context.Context) (string, error) {
	path, err := gatewayPath()
	if err != nil {
		return "", err
	}
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	unlock, err := lock(filepath.Join(dir, "versitygw.lock")) // two test runs at once build it once
	if err != nil {
		return "", err
	}
	defer unlock()
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	old, _ := filepath.Glob(filepath.Join(dir, "versitygw-*"))
	for _, name := range old { // built from another versitygw.mod, or half built
		os.Remove(name)
	}
	partial := path + ".partial" // so that an interrupted build leaves nothing under the name
	if err := goBuild(ctx, "build", "-mod=readonly", "-modfile=integration/versitygw.mod", "-o", partial, gatewayPackage); err != nil {
		return "", err
	}
	return path, os.Rename(partial, path)
}

// gatewayPath names the binary after the module file it is built from.
func gatewayPath() (string, error) {
	root, err := Root()
	if err != nil {
		return "", err
	}
	sum := sha256.New()
	for _, name := range []string{"versitygw.mod", "versitygw.sum"} {
		text, err := os.ReadFile(filepath.Join(root, "integration", name))
		if err != nil {
			return "", err
		}
		sum.Write(text)
	}
	return filepath.Join(root, ".build", fmt.Sprintf("versitygw-%x", sum.Sum(nil)[:6])), nil
}

func goBuild(ctx context.Context, args ...string) error {
	root, err := Root()
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = root
	// No cgo: the same binary wherever it is built, C compiler or not. No
	// GOMAXPROCS: it is there to slow the program down, not its build.
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOMAXPROCS=")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go %s: %w\n%s", strings.Join(args, " "), err, out)
	}
	return nil
}

// lock takes the lock file at path, waiting for whoever holds it.
func lock(path string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		f.Close()
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	return func() { f.Close() }, nil
}
