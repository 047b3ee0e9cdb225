package main

import (
	"fmt"
	"io"
	"log/slog"
	"log/syslog"
	"os"
)

// logger gives the log that the flags ask for, and how to close it.
func (s *settings) logger(inBackground bool) (*slog.Logger, func() error, error) {
	level, err := s.level()
	if err != nil {
		return nil, nil, err
	}
	w, closeLog, dated, err := s.logWriter(inBackground)
	if err != nil {
		return nil, nil, err
	}
	opts := &slog.HandlerOptions{Level: level}
	if !dated { // syslog has a time of its own
		opts.ReplaceAttr = func(groups []string, a slog.Attr) slog.Attr {
			if len(groups) == 0 && a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		}
	}
	if s.logFormat == "json" {
		return slog.New(slog.NewJSONHandler(w, opts)), closeLog, nil
	}
	return slog.New(slog.NewTextHandler(w, opts)), closeLog, nil
}

// logWriter is where the log goes. Without a syslog, a mount in the background
// has no log unless it is given a file.
func (s *settings) logWriter(inBackground bool) (w io.Writer, closeLog func() error, dated bool, err error) {
	nothing := func() error { return nil }
	switch {
	case s.logFile != "":
		f, err := os.OpenFile(s.logFile, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o640)
		if err != nil {
			return nil, nil, false, &hintError{fmt.Errorf("--log-file: %w", err), "give a file in a directory that you may write to"}
		}
		return f, f.Close, true, nil
	case !inBackground:
		return os.Stderr, nothing, true, nil
	}
	if sys, err := syslog.New(syslog.LOG_DAEMON|syslog.LOG_INFO, "s3mount"); err == nil {
		return sys, sys.Close, false, nil
	}
	return io.Discard, nothing, true, nil
}
