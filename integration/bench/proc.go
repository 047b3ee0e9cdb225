//go:build linux

package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// tick is the unit of times in /proc: USER_HZ, 100 on every Linux that Go knows.
const tick = 10 * time.Millisecond

// cpuTime is how long all threads of a process have run, in the program and in
// the kernel.
func cpuTime(pid int) (time.Duration, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	return parseStat(string(text))
}

func parseStat(text string) (time.Duration, error) {
	// The name is in brackets and may hold blanks and brackets itself.
	_, rest, ok := cutLast(text, ")")
	fields := strings.Fields(rest)
	if !ok || len(fields) < 13 {
		return 0, fmt.Errorf("/proc/PID/stat has %d fields after the name: %q", len(fields), text)
	}
	var ticks time.Duration
	for _, f := range fields[11:13] { // utime, stime
		n, err := strconv.ParseInt(f, 10, 64)
		if err != nil {
			return 0, err
		}
		ticks += time.Duration(n)
	}
	return ticks * tick, nil
}

func cutLast(s, sep string) (before, after string, ok bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

// A memory is what a process holds of the machine's, in bytes.
type memory struct{ now, peak int64 }

func memoryOf(pid int) (memory, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return memory{}, err
	}
	return parseStatus(string(text))
}

func parseStatus(text string) (m memory, err error) {
	want := map[string]*int64{"VmRSS": &m.now, "VmHWM": &m.peak}
	for line := range strings.Lines(text) {
		name, value, _ := strings.Cut(line, ":")
		p, ok := want[name]
		if !ok {
			continue
		}
		if *p, err = strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64); err != nil {
			return memory{}, err
		}
		*p *= 1024
		delete(want, name)
	}
	if len(want) > 0 {
		return memory{}, fmt.Errorf("/proc/PID/status has no VmRSS or no VmHWM")
	}
	return m, nil
}

const dropCachesFile = "/proc/sys/vm/drop_caches"

func canDropCaches() bool {
	f, err := os.OpenFile(dropCachesFile, os.O_WRONLY, 0)
	if err == nil {
		f.Close()
	}
	return err == nil
}

// dropCaches has the kernel forget pages, names and inodes, where it is allowed.
func dropCaches() { os.WriteFile(dropCachesFile, []byte("3"), 0) }
