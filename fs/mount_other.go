//go:build !linux

package fs

import (
	"errors"

	"golang.org/x/sys/unix"
)

// directFlags: mounting goes through the platform's own mount program.
const directFlags = 0

func raiseReadAhead(string) error { return errors.ErrUnsupported }

func (m *Mount) unmount() error { return m.server.Unmount() }

// Detach unmounts by force: there is no lazy unmount here.
func (m *Mount) Detach() error { return unix.Unmount(m.Dir, unix.MNT_FORCE) }
