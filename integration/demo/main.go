//go:build linux

// Command demo shows s3mount at work: it starts a real S3 server with sample
// objects, mounts them with the built program, runs a few commands in the mount
// and leaves it up until Ctrl-C. It takes away what it has made, however it
// ends.
//
// `make demo` builds and runs it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"s3mount/integration/rig"
)

func main() { os.Exit(run()) }

func run() (code int) {
	program := flag.String("program", "bin/s3mount", "the s3mount to show")
	dir := flag.String("dir", "", "mount here (default: a temporary directory)")
	once := flag.Bool("once", false, "end after the commands instead of staying until Ctrl-C")
	flag.Parse()

	defer ownTerminal()()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	if err := demo(ctx, *program, *dir, *once); err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		return 1
	}
	return 0
}

func demo(ctx context.Context, program, dir string, once bool) (err error) {
	if err := rig.CanMount(); err != nil {
		return err
	}
	if program, err = realPath(program); err != nil {
		return err
	}
	work, err := rig.TempDir("s3mount-demo-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(work)) }()

	if rig.GatewayNeedsBuild() {
		fmt.Println("building versitygw, an S3 server; this takes a minute or two and is done once")
	}
	server, err := rig.BuildGateway(ctx)
	if err != nil {
		return err
	}
	gateway, err := rig.StartGateway(ctx, server, filepath.Join(work, "server"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, gateway.Close()) }()
	fmt.Printf("versitygw, an S3 server, is at %s\n", gateway.URL)
	samples := filepath.Join(work, "samples")
	if err := writeSamples(samples); err != nil {
		return err
	}
	if err := gateway.CreateBucket(ctx, "samples", false); err != nil {
		return err
	}
	if err := gateway.Upload(ctx, "samples", samples); err != nil {
		return err
	}

	if dir == "" {
		dir = filepath.Join(work, "mnt")
		err = os.Mkdir(dir, 0o755)
	} else {
		dir, err = realPath(dir)
	}
	if err != nil {
		return err
	}
	s := session{program: program, gateway: gateway, dir: dir, once: once}
	return s.run(ctx)
}

// realPath is the path as the kernel's tables of mounts and processes have it.
func realPath(path string) (string, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	return filepath.EvalSymlinks(abs)
}
