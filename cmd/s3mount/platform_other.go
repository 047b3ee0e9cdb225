//go:build !linux

package main

import "log/slog"

func keepSecrets(*slog.Logger) {}

func keepDescriptors() {}

func mountHint(bool) string { return "is FUSE installed?" }
