package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/moby/sys/mountinfo"
	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"s3mount/fs"
)

func newRefreshCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "refresh PATH...",
		Short: "Have a mount forget what it knows, and show what is in the bucket now",
		Long: `Have a mount forget what it knows, and show what is in the bucket now.

PATH is a mount point, or a directory or file in a mount. What is known of it, and
of all that is below it, is forgotten, by s3mount and by the kernel: the next ls,
stat or open asks the bucket, however long --metadata-ttl is. Files that are open
stay what they were.

It says nothing, and makes no request by itself; whether a PATH is there of which
nothing was known is looked up.`,
		Example: `  s3mount refresh ~/photos
  s3mount refresh ~/photos/2026/index.json`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return misused("no path given")
			}
			return nil
		},
		DisableFlagsInUseLine: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			failed := false
			for _, path := range args {
				if err := refresh(path); err != nil {
					complain(cmd.ErrOrStderr(), cmd.CommandPath(), err)
					failed = true
				}
			}
			if failed {
				return &exitError{exitFailed}
			}
			return nil
		},
	}
}

// refresh refreshes one path.
func refresh(path string) error {
	mounts, err := mountinfo.GetMounts(nil)
	if err != nil {
		return fmt.Errorf("the table of mounts: %w", err)
	}
	types := map[string]string{}
	for _, m := range mounts { // the last one is on top
		types[m.Mountpoint] = m.FSType
	}
	place, err := locate(path, types)
	if err != nil {
		return err
	}
	known, err := fs.Refresh(place.mount, place.below)
	switch {
	case err == nil && (known || place.below == ""):
		return nil
	case err == nil:
		_, err = os.Lstat(filepath.Join(place.mount, place.below))
	case errors.Is(err, syscall.ELOOP): // a link on the way, of --posix-metadata: what it leads to is meant
		full := filepath.Join(place.mount, place.below)
		if dir, lerr := filepath.EvalSymlinks(filepath.Dir(full)); lerr == nil && dir != filepath.Dir(full) {
			return refresh(filepath.Join(dir, filepath.Base(full)))
		}
	case errors.Is(err, syscall.ENOTTY):
		return &hintError{fmt.Errorf("%s: the s3mount that serves it cannot refresh", path), fmt.Sprintf("it is an older one; unmount it and mount anew: `umount %s`", quoted(place.mount))}
	}
	return refreshError(path, place.mount, err)
}

// refreshError says what to do about a path that could not be refreshed.
func refreshError(path, mount string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, syscall.ENOTCONN), errors.Is(err, syscall.ECONNABORTED):
		return goneError(path, mount)
	case errors.Is(err, os.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
		return noSuchPath(path)
	case errors.Is(err, os.ErrPermission):
		return &hintError{fmt.Errorf("%s: %w", path, errnoOf(err)), "be who may read the mount: without --allow-other that is only who mounted it"}
	}
	return &hintError{fmt.Errorf("%s: %w", path, errnoOf(err)), "the log of the mount says more"}
}

// errnoOf is what the kernel said, without the call that it said it to.
func errnoOf(err error) error {
	var n syscall.Errno
	if errors.As(err, &n) {
		return n
	}
	return err
}

func noSuchPath(path string) error {
	return &hintError{fmt.Errorf("%s: no such file or directory", path), "check the path, and the filters if there are any: the mount has nothing there"}
}

// goneError is about a mount whose program has ended.
func goneError(path, mount string) error {
	return &hintError{fmt.Errorf("%s: a mount whose program is gone is still there", path), fmt.Sprintf("remove it with `fusermount3 -u %s` (as root: `umount %s`)", quoted(mount), quoted(mount))}
}

// A place is where a path is in a mount of s3mount.
type place struct {
	mount string // where it is mounted
	below string // the path from there; "": the mount point
}

// mountType is the type of our mounts in the table of mounts.
const mountType = "fuse.s3mount"

// locate finds the mount that a path is in. Links are followed outside of mounts
// of s3mount; in them looking would cost requests, and few have any.
func locate(path string, types map[string]string) (place, error) {
	if path == "" {
		return place{}, noSuchPath(`""`)
	}
	rest := path
	if !filepath.IsAbs(rest) {
		var buf [unix.PathMax]byte
		n, err := unix.Getcwd(buf[:]) // the kernel knows; os.Getwd would look in the mount
		if err != nil {
			return place{}, fmt.Errorf("the working directory: %w", err)
		}
		rest = strings.TrimRight(string(buf[:n]), "\x00") + "/" + rest
	}
	todo := strings.Split(rest, "/")
	at := "/"
	for links := 0; len(todo) > 0; {
		name := todo[0]
		todo = todo[1:]
		switch name {
		case "", ".":
			continue
		case "..":
			at = filepath.Dir(at)
			continue
		}
		next := filepath.Join(at, name)
		if _, mounted := types[next]; mounted || mountOf(at, types).mount != "" {
			at = next
			continue
		}
		target, err := os.Readlink(next)
		switch {
		case err == nil:
			if links++; links > 40 { // as the kernel
				return place{}, &hintError{fmt.Errorf("%s: %w", path, syscall.ELOOP), "a symbolic link leads to itself"}
			}
			todo = append(strings.Split(target, "/"), todo...)
			if filepath.IsAbs(target) {
				at = "/"
			}
			continue
		case errors.Is(err, os.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
			return place{}, &hintError{fmt.Errorf("%s: no such file or directory", path), "check the path"}
		case !errors.Is(err, syscall.EINVAL): // which is: no link
			return place{}, &hintError{fmt.Errorf("%s: %w", path, errnoOf(err)), "choose a path that you may enter"}
		}
		at = next
	}
	if found := mountOf(at, types); found.mount != "" {
		return found, nil
	}
	return place{}, &hintError{fmt.Errorf("%s: not in a mount of s3mount", path), "`findmnt -t fuse.s3mount` lists those that there are"}
}

// mountOf gives the mount of s3mount that a path without links is in; the zero
// place where it is in none, or another mount is in between.
func mountOf(path string, types map[string]string) place {
	for dir := path; ; dir = filepath.Dir(dir) {
		if kind, mounted := types[dir]; mounted {
			if kind != mountType {
				return place{}
			}
			return place{dir, strings.TrimPrefix(strings.TrimPrefix(path, dir), "/")}
		}
		if dir == "/" {
			return place{}
		}
	}
}
