//go:build linux

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime/debug"
	"time"

	"s3mount/integration/rig"
	"s3mount/s3/s3test"
)

// The servers run in a process of their own, so that their processor time and
// memory are nobody else's. Requests to that process and its answers are JSON,
// over its standard input and output; it ends when its input does.

const serverPart = "-serve"

// An order is what the server process is asked, about the server of a dataset.
type order struct {
	Data    string
	Wait    bool     // until no request is under way, for a second at most
	Profile *profile // put it at that distance
	Reset   bool     // forget what was counted
	Close   bool     // end it, to have its memory back
}

// A report is its answer.
type report struct {
	Error string

	Endpoint             string
	AccessKey, SecretKey string
	Counts               counts
}

// counts are the requests since the last reset.
type counts struct {
	Get, Head, List, Other int
	Bytes                  int64 // of objects, as handed to the connections
}

func serve() error {
	debug.SetGCPercent(400) // a million keys are not gone through for each thousand that are listed
	servers := map[string]*s3test.Server{}
	in, out := json.NewDecoder(os.Stdin), json.NewEncoder(os.Stdout)
	for {
		var o order
		if err := in.Decode(&o); err != nil {
			for _, s := range servers {
				s.Close()
			}
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
		r, err := carryOut(servers, o)
		if err != nil {
			r.Error = err.Error()
		}
		if err := out.Encode(r); err != nil {
			return err
		}
	}
}

func carryOut(servers map[string]*s3test.Server, o order) (report, error) {
	s := servers[o.Data]
	if o.Close {
		if s != nil {
			s.Close()
			delete(servers, o.Data)
		}
		return report{}, nil
	}
	if s == nil {
		var err error
		if s, err = s3test.Start(s3test.Options{ListV1: true, Logf: complain}); err != nil {
			return report{}, err
		}
		datasets[o.Data].fill(s)
		servers[o.Data] = s
	}
	if o.Wait {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		s.WaitIdle(ctx)
		cancel()
	}
	if p := o.Profile; p != nil {
		s.SetLatency(s3test.Latency{Get: p.FirstByte, Head: p.FirstByte, List: p.List})
		s.SetBytesPerSecond(p.Rate)
	}
	if o.Reset {
		s.ResetLog()
	}
	c := s.Credentials()
	return report{Endpoint: s.Endpoint().String(), AccessKey: c.AccessKeyID, SecretKey: c.SecretAccessKey, Counts: countsOf(s.Log())}, nil
}

// since is c without what was counted before.
func (c counts) since(before counts) counts {
	return counts{c.Get - before.Get, c.Head - before.Head, c.List - before.List, c.Other - before.Other, c.Bytes - before.Bytes}
}

// complain shows refused signatures: there should be none.
func complain(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }

func countsOf(log []s3test.Request) (c counts) {
	for _, r := range log {
		switch r.Op {
		case s3test.Get:
			c.Get++
			c.Bytes += r.Bytes
		case s3test.Head:
			c.Head++
		case s3test.List:
			c.List++
		default:
			c.Other++
		}
	}
	return c
}

// A server is that process, seen from the one that measures.
type server struct {
	process *rig.Process
	stdin   io.Closer
	out     *json.Encoder
	in      *json.Decoder
}

func startServer() (*server, error) {
	cmd := exec.Command("/proc/self/exe", serverPart)
	cmd.Args[0] = os.Args[0]
	stdin, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	r, stdout, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = stdin, stdout, os.Stderr
	p, err := rig.Start(cmd)
	stdin.Close()
	stdout.Close()
	if err != nil {
		return nil, err
	}
	return &server{process: p, stdin: w, out: json.NewEncoder(w), in: json.NewDecoder(r)}, nil
}

func (s *server) close() error {
	s.stdin.Close()
	if !s.process.Wait(5 * time.Second) {
		return s.process.Stop(0)
	}
	return nil
}

func (s *server) ask(o order) (report, error) {
	var r report
	if err := s.out.Encode(o); err != nil {
		return r, err
	}
	if err := s.in.Decode(&r); err != nil {
		return r, fmt.Errorf("the server has gone: %w", err)
	}
	if r.Error != "" {
		return r, errors.New(r.Error)
	}
	return r, nil
}

// open is the server of a dataset at a distance, with all counts at zero.
func (s *server) open(data string, p profile) (report, error) {
	return s.ask(order{Data: data, Wait: true, Profile: &p, Reset: true})
}

// move puts it at another distance.
func (s *server) move(data string, p profile) error {
	_, err := s.ask(order{Data: data, Profile: &p})
	return err
}

// counts are those since open. With wait they are final: what is on its way has
// come to an end.
func (s *server) counts(data string, wait bool) (counts, error) {
	r, err := s.ask(order{Data: data, Wait: wait})
	return r.Counts, err
}

// forget gives the memory of a dataset back.
func (s *server) forget(data string) error {
	_, err := s.ask(order{Data: data, Close: true})
	return err
}
