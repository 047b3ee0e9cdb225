package main

import (
	"log/slog"
	"time"

	"s3mount/cache"
)

// check refuses values that no flag refuses by itself, before anything is
// started.
func (s *settings) check() error {
	if s.endpoint != "" {
		if _, err := parseEndpoint("--endpoint-url", s.endpoint); err != nil {
			return err
		}
	}
	if _, err := s.level(); err != nil {
		return err
	}
	if s.at.After(time.Now()) {
		return &hintError{misused("--at %s is in the future", s.at.String()), "give a time that is over, or an age as 3h or 7d; without a zone a time is local; without --at the mount shows what is there now"}
	}
	switch {
	case s.requestPayer != "" && s.requestPayer != "requester":
		return misused("--request-payer %s: the only value is \"requester\"", s.requestPayer)
	case s.maxConnections < 1:
		return misused("--max-connections %d: at least 1 is needed", s.maxConnections)
	case s.maxAttempts < 1:
		return misused("--max-attempts %d: at least 1 is needed", s.maxAttempts)
	case s.maxEntries < 1:
		return misused("--max-entries %d: at least 1 is needed", s.maxEntries)
	case s.memory < cache.MinMemoryBytes:
		least := byteSize(cache.MinMemoryBytes)
		return misused("--memory %s: at least %s is needed", s.memory.String(), least.String())
	case s.fileMode == 0:
		return misused("--file-mode %s: nobody could read a file", s.fileMode.String())
	case s.dirMode == 0:
		return misused("--dir-mode %s: nobody could enter a directory", s.dirMode.String())
	case s.names != "all" && s.names != "plain":
		return misused("--names %s: it is all or plain", s.names)
	case s.noList && s.byVersion():
		return misused("--no-list: what --at and --versions show is listed")
	case s.noList && s.dirMode&0111 == 0:
		return misused("--dir-mode %s: with --no-list nobody could enter a directory", s.dirMode.String())
	case s.logFormat != "text" && s.logFormat != "json":
		return misused("--log-format %s: it is text or json", s.logFormat)
	}
	for _, p := range []struct {
		flag  string
		value patience
	}{
		{"--retry-min-wait", s.retryMinWait}, {"--retry-max-wait", s.retryMaxWait},
		{"--deadline", s.deadline}, {"--idle-timeout", s.idleTimeout},
	} {
		if p.value == 0 {
			return misused("%s 0: a time above zero is needed", p.flag)
		}
	}
	return nil
}

// level is --log-level.
func (s *settings) level() (level slog.Level, err error) {
	if level.UnmarshalText([]byte(s.logLevel)) != nil {
		return 0, misused("--log-level %s: it is debug, info, warn or error", s.logLevel)
	}
	return level, nil
}
