//go:build !linux

package fs

import "errors"

// Elsewhere nobody can tell which signal it was, and each one interrupts.
const dying, passing = 0, 0

func signalsOf(int) (signals, error) { return signals{}, errors.ErrUnsupported }
