//go:build linux

package rig

import (
	"errors"
	iofs "io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// MendVersions makes the versions of a bucket what S3 says of them. Versitygw
// 1.8.0 differs: an older version has the time at which it was replaced, not that
// at which it was put; a delete marker has that of the object that it hides; and
// with its attributes in files beside (--sidecar), an object that is put where one
// was deleted stays a delete marker. It is to be called behind each change, with
// the keys that were put.
func (g *Gateway) MendVersions(bucket string, put []string) error {
	for _, key := range put {
		if err := os.Remove(filepath.Join(g.dir, "meta", bucket, key, "meta", "delete-marker")); err != nil && !errors.Is(err, iofs.ErrNotExist) {
			return err
		}
	}
	older := walk(filepath.Join(g.dir, "versions", bucket), func(path string) error {
		return setTime(path, filepath.Base(path))
	})
	attributes := filepath.Join(g.dir, "meta", bucket)
	newest := walk(attributes, func(path string) error {
		key, ok := strings.CutSuffix(strings.TrimPrefix(path, attributes), "/meta/version-id")
		if !ok {
			return nil
		}
		id, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return setTime(filepath.Join(g.dir, "objects", bucket, key), string(id))
	})
	return errors.Join(older, newest)
}

// walk calls f with each file below dir, which need not be there.
func walk(dir string, f func(path string) error) error {
	err := filepath.WalkDir(dir, func(path string, d iofs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		return f(path)
	})
	if errors.Is(err, iofs.ErrNotExist) {
		return nil
	}
	return err
}

// setTime gives a file the time at which its version id was made. Versitygw's are
// ULIDs: their first ten digits, in Crockford's base 32, are milliseconds since
// 1970. Another id, as "null", says nothing.
func setTime(path, id string) error {
	if len(id) != 26 {
		return nil
	}
	var ms int64
	for _, c := range id[:10] {
		ms = ms<<5 | int64(strings.IndexRune("0123456789ABCDEFGHJKMNPQRSTVWXYZ", c))
	}
	return os.Chtimes(path, time.UnixMilli(ms), time.UnixMilli(ms))
}
