package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/moby/sys/mountinfo"

	"s3mount/s3"
)

// A target is what is mounted.
type target struct {
	bucket string // or an access point's ARN; "": all buckets of the account
	prefix string // "" or ending in "/"
}

// all says whether it is all buckets of the account.
func (t target) all() bool { return t.bucket == "" }

func (t target) String() string {
	if t.all() {
		return "s3://"
	}
	return "s3://" + t.bucket + "/" + t.prefix
}

// parseTarget reads s3://BUCKET[/PREFIX] or BUCKET[/PREFIX], where an access
// point's ARN may be in the bucket's place. A prefix is a directory, with or
// without the slash at its end; it is taken as it is written. s3:// alone is all
// buckets.
func parseTarget(s string) (target, error) {
	if s == "s3://" || s == "s3:///" {
		return target{}, nil
	}
	rest := strings.TrimPrefix(s, "s3://")
	if strings.Contains(rest, "://") {
		return target{}, &hintError{misused("%q is not a bucket", s), "write s3://BUCKET or s3://BUCKET/PREFIX; the server's URL goes to --endpoint-url"}
	}
	bucket, prefix, _ := strings.Cut(rest, "/")
	if strings.HasPrefix(rest, "arn:") {
		var err error
		if bucket, prefix, err = cutARN(rest); err != nil {
			return target{}, err
		}
	}
	if bucket == "" || strings.ContainsAny(bucket, "?# \t\n\x00") || strings.HasPrefix(bucket, "-") {
		return target{}, &hintError{misused("%q names no bucket", s), "write s3://BUCKET or s3://BUCKET/PREFIX"}
	}
	if prefix != "" && !strings.HasSuffix(prefix, "/") {
		prefix += "/"
	}
	return target{bucket, prefix}, nil
}

// cutARN splits ARN[/PREFIX]. The ARN ends behind the access point's name, before
// which there is a slash, or a colon.
func cutARN(s string) (arn, prefix string, err error) {
	head, name := s, ""
	for _, kind := range []string{":accesspoint/", ":accesspoint:"} {
		if i := strings.Index(s, kind); i >= 0 {
			head = s[:i+len(kind)]
			name, prefix, _ = strings.Cut(s[len(head):], "/")
			break
		}
	}
	p, err := s3.ParseAccessPoint(head + name)
	_, bucket, isBucket := strings.Cut(s, ":s3:::")
	switch {
	case err == nil:
		return p.String(), prefix, nil
	case errors.Is(err, s3.ErrUnsupported):
		return "", "", &hintError{&usageError{err}, unsupportedHint}
	case isBucket:
		return "", "", &hintError{misused("%q is a bucket's ARN", s), "write s3://" + bucket}
	}
	return "", "", &hintError{&usageError{err}, "the ARN of an access point is arn:aws:s3:REGION:ACCOUNT:accesspoint/NAME"}
}

// unsupportedHint is about names that AWS has for what cannot be mounted.
const unsupportedHint = "mount the bucket behind it, if it is a general purpose bucket, or an access point of that in one region"

// checkMountPoint says whether dir can be mounted on, and gives its absolute
// path. Nothing is changed.
func checkMountPoint(dir string, nonEmpty bool) (string, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	info, err := os.Stat(abs)
	switch {
	case errors.Is(err, syscall.ENOTCONN):
		return "", goneError(dir, abs)
	case os.IsNotExist(err):
		return "", &hintError{fmt.Errorf("%s: no such directory", dir), fmt.Sprintf("make it with `mkdir -p %s`", quoted(dir))}
	case err != nil:
		return "", &hintError{fmt.Errorf("mount point: %w", err), "choose a directory that you may enter"}
	case !info.IsDir():
		return "", &hintError{fmt.Errorf("%s: not a directory", dir), "choose an empty directory to mount on"}
	}
	if abs, err = filepath.EvalSymlinks(abs); err != nil {
		return "", err
	}
	if err := checkNotMounted(dir, abs); err != nil {
		return "", err
	}
	if nonEmpty {
		return abs, nil
	}
	return abs, checkEmpty(dir, abs)
}

func checkNotMounted(dir, abs string) error {
	mounts, err := mountinfo.GetMounts(mountinfo.SingleEntryFilter(abs))
	if err != nil || len(mounts) == 0 {
		return nil // where it cannot be told, mount(2) will
	}
	if m := mounts[len(mounts)-1]; m.FSType != "autofs" {
		return &hintError{fmt.Errorf("%s: %s (%s) is mounted there already", dir, m.Source, m.FSType), fmt.Sprintf("unmount it first (`umount %s`), or choose another directory", quoted(abs))}
	}
	return nil
}

func checkEmpty(dir, abs string) error {
	f, err := os.Open(abs)
	if err != nil {
		return &hintError{fmt.Errorf("mount point: %w", err), "choose a directory that you may read"}
	}
	defer f.Close()
	if names, _ := f.Readdirnames(1); len(names) > 0 {
		return &hintError{fmt.Errorf("%s: the directory is not empty", dir), "choose an empty one, or hide what is in it with -o nonempty"}
	}
	return nil
}

// quoted is a path as a shell takes it.
func quoted(path string) string {
	plain := func(c rune) bool {
		return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.ContainsRune("/._-+,:@%", c)
	}
	if strings.IndexFunc(path, func(c rune) bool { return !plain(c) }) < 0 && !strings.HasPrefix(path, "-") {
		return path
	}
	return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
}
