package main

import (
	"context"
	"fmt"
	"time"
)

// A check looks at one thing that a mount needs.
type check struct {
	name  string
	needs []string // checks that must not have failed
	look  func(*doctor, context.Context) finding
}

// checks are made in this order.
var checks = []check{
	{"configuration", nil, (*doctor).configuration},
	{"credentials", []string{"configuration"}, (*doctor).credentials},
	{"name resolution", []string{"configuration"}, (*doctor).resolution},
	{"connection", []string{"name resolution"}, (*doctor).connection},
	{"TLS", []string{"connection"}, (*doctor).encryption},
	{"clock", []string{"TLS"}, (*doctor).clock},
	{"region", []string{"credentials", "clock"}, (*doctor).region},
	{"addressing style", []string{"region"}, (*doctor).addressing},
	{"LIST", []string{"addressing style"}, (*doctor).list},
	{"HEAD", []string{"LIST"}, (*doctor).head},
	{"GET", []string{"HEAD"}, (*doctor).get},
	{"ranged GET", []string{"GET"}, (*doctor).ranged},
	{"If-Match", []string{"GET"}, (*doctor).ifMatch},
	{"/dev/fuse", nil, (*doctor).fuse},
	{"fusermount3", nil, (*doctor).fusermount},
	{"user_allow_other", nil, (*doctor).allowOther},
	{"mount point", nil, (*doctor).mountPoint},
}

// A result is a finding with its check's name and the time it took.
type result struct {
	name string
	finding
}

// examine makes all checks that can be made, and shows each.
func (d *doctor) examine(ctx context.Context, show func(result)) []result {
	all := make([]result, 0, len(checks))
	blocked := map[string]string{} // checks that were not passed, and the one that it is due to
	for _, c := range checks {
		r := result{name: c.name}
		if cause := firstOf(blocked, c.needs); cause != "" {
			r.finding = skipped("%s failed", cause)
			blocked[c.name] = cause
		} else {
			r.finding = d.timed(ctx, c)
		}
		if r.status == isFailed {
			blocked[c.name] = c.name
		}
		show(r)
		all = append(all, r)
	}
	return all
}

// timed makes one check. What the listing took is the listing's time, whoever
// needs it first.
func (d *doctor) timed(ctx context.Context, c check) finding {
	ctx, cancel := context.WithTimeout(ctx, d.timeout)
	defer cancel()
	asked := d.probed == nil
	begin := time.Now()
	f := c.look(d, ctx)
	if f.took == 0 {
		f.took = time.Since(begin)
		if asked && d.probed != nil {
			f.took -= d.probed.took
		}
	}
	return f
}

func firstOf(blocked map[string]string, names []string) string {
	for _, name := range names {
		if cause := blocked[name]; cause != "" {
			return cause
		}
	}
	return ""
}

func passed(format string, args ...any) finding {
	return finding{status: isOK, text: fmt.Sprintf(format, args...)}
}

func skipped(format string, args ...any) finding {
	return finding{status: isSkipped, text: fmt.Sprintf(format, args...)}
}

func warned(hint, format string, args ...any) finding {
	return finding{status: isWarning, text: fmt.Sprintf(format, args...), hint: hint}
}

func failed(hint, format string, args ...any) finding {
	return finding{status: isFailed, text: fmt.Sprintf(format, args...), hint: hint}
}
