//go:build !linux

package fs

import "errors"

// Refresh has a mount forget what it knows of a path.
func Refresh(dir, path string) (known bool, err error) { return false, errors.ErrUnsupported }
