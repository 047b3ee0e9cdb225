//go:build linux

package integration

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"s3mount/integration/rig"
)

// What all tests share. TestMain sets the paths; the rest is made by the first
// test that asks and ended by TestMain.
var (
	workDir string // of this run, removed at its end
	program string // the s3mount under test

	startGateway = sync.OnceValues(newGateway)
	makeTree     = sync.OnceValues(newTree)
	mountTree    = sync.OnceValues(newTreeMount)

	mu    sync.Mutex // guards atEnd
	atEnd []func() error
)

func TestMain(m *testing.M) {
	if name := os.Getenv(childVariable); name != "" {
		os.Exit(runChild(name, os.Args[1:]))
	}
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "integration:", err)
		code = max(code, 1)
	}
	os.Exit(code)
}

func run(m *testing.M) (code int, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), 8*time.Minute)
	defer cancel()
	if workDir, err = rig.TempDir("s3mount-integration-"); err != nil {
		return 1, err
	}
	if program, err = rig.BuildProgram(ctx, workDir); err != nil {
		return 1, err
	}
	code = m.Run()
	for i := len(atEnd) - 1; i >= 0; i-- {
		err = errors.Join(err, atEnd[i]())
	}
	if err = errors.Join(err, leftOvers()); err == nil {
		err = os.RemoveAll(workDir)
	}
	return code, err
}

// leftOvers is an error if a mount or a daemon of this run is still there. They
// are ended, so that a failed run leaves the machine clean.
func leftOvers() error {
	var errs []error
	for _, dir := range rig.Mounts() {
		if strings.HasPrefix(dir, workDir+"/") {
			errs = append(errs, fmt.Errorf("left mounted: %s", dir), rig.Detach(dir))
		}
	}
	for _, pid := range rig.ProcessesOf(program, "") {
		p, _ := os.FindProcess(pid)
		errs = append(errs, fmt.Errorf("left running: s3mount, process %d", pid), p.Kill())
	}
	return errors.Join(errs...)
}

func later(f func() error) {
	mu.Lock()
	defer mu.Unlock()
	atEnd = append(atEnd, f)
}

func newGateway() (*rig.Gateway, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 8*time.Minute)
	defer cancel()
	if rig.GatewayNeedsBuild() {
		fmt.Fprintln(os.Stderr, "integration: building versitygw, which takes a minute or two the first time")
	}
	server, err := rig.BuildGateway(ctx)
	if err != nil {
		return nil, err
	}
	g, err := rig.StartGateway(ctx, server, filepath.Join(workDir, "gateway"))
	if err == nil {
		later(g.Close)
	}
	return g, err
}

// gateway is the S3 server that all tests share.
func gateway(t testing.TB) *rig.Gateway {
	t.Helper()
	g, err := startGateway()
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// bucket makes a bucket of its own for the test.
func bucket(t testing.TB, versioned bool) string {
	t.Helper()
	name := "b" + strings.ToLower(strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			return r
		}
		return '-'
	}, t.Name()))
	name = strings.TrimRight(name[:min(len(name), 60)], "-")
	if err := gateway(t).CreateBucket(t.Context(), name, versioned); err != nil {
		t.Fatal(err)
	}
	return name
}

// put stores text as an object of the gateway.
func put(t testing.TB, bucket, key, text string) {
	t.Helper()
	if err := gateway(t).Put(t.Context(), bucket, key, strings.NewReader(text)); err != nil {
		t.Fatal(err)
	}
}
