//go:build linux

package rig

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// A Gateway is a running versitygw: a real S3 server on a loopback port that
// checks every signature.
type Gateway struct {
	URL       string // http://127.0.0.1:PORT
	AccessKey string
	SecretKey string

	dir     string // of what it stores
	process *Process
	client  *http.Client
}

// StartGateway starts program, a versitygw, on a free port and returns when it
// answers signed requests. What it stores goes below dir.
func StartGateway(ctx context.Context, program, dir string) (*Gateway, error) {
	var err error
	for range 3 { // another program may take the free port between our look and the server's bind
		var g *Gateway
		if g, err = startGateway(ctx, program, dir); err == nil {
			return g, nil
		}
		if !strings.Contains(err.Error(), "address already in use") {
			break
		}
	}
	return nil, err
}

func startGateway(ctx context.Context, program, dir string) (*Gateway, error) {
	for _, sub := range []string{"objects", "meta", "versions"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o755); err != nil {
			return nil, err
		}
	}
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	g := &Gateway{
		URL:       "http://" + port,
		AccessKey: "AKIARIG0TEST0EXAMPLE",
		SecretKey: "rig/secret+key/of/the/tests/EXAMPLEKEY00",
		dir:       dir,
		client:    &http.Client{Timeout: time.Minute},
	}
	cmd := exec.Command(program,
		"--quiet",      // one line a request is not wanted
		"--keep-alive", // off by default: every request would pay for a connection
		"--port", port,
		"posix",
		// ETags go to files beside, not to extended attributes: not every
		// temporary directory is on a file system that has them.
		"--sidecar", filepath.Join(dir, "meta"),
		"--versioning-dir", filepath.Join(dir, "versions"), // off until a bucket asks for it
		filepath.Join(dir, "objects"))
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"),
		"ROOT_ACCESS_KEY=" + g.AccessKey,
		"ROOT_SECRET_KEY=" + g.SecretKey,
	}
	if g.process, err = Start(cmd); err != nil {
		return nil, fmt.Errorf("start versitygw: %w", err)
	}
	if err := g.ready(ctx); err != nil {
		g.process.Stop(0)
		return nil, fmt.Errorf("versitygw at %s: %w\n%s%s", port, err, g.process.Stdout(), g.process.Stderr())
	}
	return g, nil
}

// ready waits until the server answers.
func (g *Gateway) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		err := g.send(ctx, http.MethodGet, "/", nil, nil)
		if err == nil {
			return nil
		}
		select {
		case <-g.process.Done():
			return errors.New("ended at once")
		case <-ctx.Done():
			return fmt.Errorf("no answer: %w", err)
		case <-tick.C:
		}
	}
}

// Close ends the server. What it stored stays where it is.
func (g *Gateway) Close() error {
	g.client.CloseIdleConnections() // or the server waits for them
	return g.process.Stop(5 * time.Second)
}

// freePort is a loopback address on which nothing listened a moment ago.
func freePort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}
