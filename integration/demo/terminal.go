//go:build linux

package main

import (
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/sys/unix"
)

// ownTerminal makes the demo the only program that a Ctrl-C at the terminal goes
// to, until the returned function is called. Otherwise make gets it too and ends
// with a complaint, however well the demo ends. Away from a terminal it does
// nothing.
func ownTerminal() (giveBack func()) {
	tty := int(os.Stdin.Fd())
	before, err := unix.IoctlGetInt(tty, unix.TIOCGPGRP)
	if err != nil || before != unix.Getpgrp() || before == unix.Getpid() {
		return func() {} // no terminal, or in its background, or a shell has done it already
	}
	// Who is not in the terminal's foreground is stopped when it writes settings,
	// and that is where the demo is for a moment. Nor may a Ctrl-Z stop the demo
	// alone: make would go on waiting for it.
	signal.Ignore(syscall.SIGTTOU, syscall.SIGTSTP)
	if err := unix.Setpgid(0, 0); err != nil {
		return func() {}
	}
	unix.IoctlSetPointerInt(tty, unix.TIOCSPGRP, unix.Getpid())
	return func() { unix.IoctlSetPointerInt(tty, unix.TIOCSPGRP, before) }
}
