//go:build linux

// Command bench measures s3mount, and other S3 file systems beside it, on a
// server whose distance it sets.
//
// The server is package s3test in a process of its own. Each row of the table
// is one piece of work, done in a fresh mount of each program by the tools that
// people use, and by plain HTTP requests for comparison. What was read or
// listed is compared with what the server has: a wrong byte ends the run.
//
// `make bench` builds and runs it; docs/performance.md explains the columns.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"time"

	"s3mount/integration/rig"
)

func main() { os.Exit(run(os.Args[1:])) }

func run(args []string) (code int) {
	if len(args) > 0 {
		if part, ok := parts[args[0]]; ok {
			return ended("bench "+args[0], part())
		}
	}
	o := options{out: os.Stdout}
	if err := o.parse(args); err != nil {
		return 2 // flag has said why
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	return ended("bench", measureAll(ctx, o))
}

// parts are what this program is when it starts itself again.
var parts = map[string]func() error{
	serverPart: serve,
	readerPart: read,
}

// ended is the exit code: 3 when a reader has read wrong bytes.
func ended(who string, err error) (code int) {
	if err == nil {
		return 0
	}
	fmt.Fprintf(os.Stderr, "%s: %v\n", who, err)
	if errors.As(err, new(wrong)) {
		return 3
	}
	return 1
}

type options struct {
	program  string
	peers    []string
	rows     *regexp.Regexp
	profiles []profile
	trials   int
	limit    time.Duration
	json     string
	list     bool

	out        io.Writer
	keepCaches bool // the machine's page cache is left alone
}

func (o *options) parse(args []string) error {
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	f.StringVar(&o.program, "program", "bin/s3mount", "the s3mount to measure")
	peerNames := f.String("peers", "", "programs to measure beside it, those of them that are on PATH: "+strings.Join(peerList(), " "))
	rows := f.String("rows", "", "only the rows whose `pattern` matches, a regular expression")
	names := f.String("profiles", "near,distant", "which servers, by comma")
	custom := distant
	f.DurationVar(&custom.FirstByte, "first-byte", distant.FirstByte, "of a GET and a HEAD; with this, -list or -rate the distant server is this one, and the only one")
	f.DurationVar(&custom.List, "list", distant.List, "until a LIST is answered")
	f.Int64Var(&custom.Rate, "rate", distant.Rate, "bytes per second of each connection, 0 for no limit")
	f.IntVar(&o.trials, "n", 3, "trials of each row and program, of which the median is shown")
	f.DurationVar(&o.limit, "limit", 4*time.Minute, "how long a piece of work may take")
	f.StringVar(&o.json, "json", "", "write the figures to this `file`, too")
	f.BoolVar(&o.list, "list-rows", false, "name the rows and end")
	err := f.Parse(args)
	if err == nil && (f.NArg() > 0 || o.trials < 1) {
		err = errors.New("bench takes flags only, and at least one trial")
		fmt.Fprintln(f.Output(), err)
	}
	if err != nil {
		return err
	}
	if o.rows, err = regexp.Compile(*rows); err != nil {
		fmt.Fprintln(f.Output(), err)
		return err
	}
	o.peers = strings.FieldsFunc(*peerNames, func(r rune) bool { return r == ' ' || r == ',' })
	if custom != distant {
		custom.Name = custom.title()
		o.profiles = []profile{custom}
		return nil
	}
	for name := range strings.SplitSeq(*names, ",") {
		p, ok := profileNamed(name)
		if !ok {
			err := fmt.Errorf("there is no profile %q: near, distant", name)
			fmt.Fprintln(f.Output(), err)
			return err
		}
		o.profiles = append(o.profiles, p)
	}
	return nil
}

// measureAll prints the table.
func measureAll(ctx context.Context, o options) (err error) {
	if o.list {
		for _, r := range rows() {
			fmt.Fprintf(o.out, "%-40s %s\n", r.name, r.where)
		}
		return nil
	}
	if err := rig.CanMount(); err != nil {
		return err
	}
	if o.program, err = filepath.Abs(o.program); err != nil {
		return err
	}
	work, err := rig.TempDir("s3mount-bench-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(work)) }()
	srv, err := startServer()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, srv.close()) }()

	b := &bench{options: o, work: work, server: srv}
	var missing []string
	b.programs, missing = programsOf(o.program, o.peers)
	for _, name := range missing {
		fmt.Fprintf(o.out, "not measured: %s is not on PATH\n", name)
	}
	if !o.keepCaches && !canDropCaches() {
		fmt.Fprintln(o.out, "the page cache is not dropped before each mount: /proc/sys/vm/drop_caches is not for this user")
	}
	err = b.run(ctx)
	if o.json != "" {
		text, _ := json.MarshalIndent(b.results, "", "  ")
		err = errors.Join(err, os.WriteFile(o.json, append(text, '\n'), 0o644))
	}
	return err
}
