//go:build linux

package main

import (
	"archive/tar"
	"bytes"
	"crypto/md5"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// What tools have written, compared with what the server has.

// byKey are the files of a dataset that have not been seen yet.
func (d dataset) byKey() map[string]file {
	m := make(map[string]file, len(d.files()))
	for _, f := range d.files() {
		m[f.key] = f
	}
	return m
}

// compareFile takes a file from those that are missing.
func compareFile(missing map[string]file, key string, r io.Reader) error {
	f, ok := missing[key]
	if !ok {
		return fmt.Errorf("%s: there is no such key, or it came twice", key)
	}
	got, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	if !bytes.Equal(got, f.content()) {
		return fmt.Errorf("%s: its %d bytes are not the server's", key, len(got))
	}
	delete(missing, key)
	return nil
}

func (d dataset) compareTar(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	missing := d.byKey()
	for archive := tar.NewReader(f); ; {
		h, err := archive.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		if h.Typeflag != tar.TypeReg {
			continue
		}
		if err := compareFile(missing, strings.TrimPrefix(h.Name, "./"), archive); err != nil {
			return err
		}
	}
	return none(missing)
}

func (d dataset) compareCopy(dir string) error {
	missing := d.byKey()
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		key, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		return compareFile(missing, key, f)
	})
	if err != nil {
		return err
	}
	return none(missing)
}

func none(missing map[string]file) error {
	for key := range missing {
		return fmt.Errorf("%d files are missing, %s is one", len(missing), key)
	}
	return nil
}

// md5sums are the lines of md5sum(1).
func (d dataset) md5sums() (lines []string) {
	for _, f := range d.files() {
		lines = append(lines, fmt.Sprintf("%x  %s", md5.Sum(f.content()), f.key))
	}
	return lines
}

// dirs are all directories of a dataset, without the topmost.
func (d dataset) dirs() map[string]bool {
	dirs := map[string]bool{}
	for _, f := range d.files() {
		for dir := filepath.Dir(f.key); dir != "."; dir = filepath.Dir(dir) {
			dirs[dir] = true
		}
	}
	return dirs
}

// lines are one of each file, "" left out.
func (d dataset) lines(of func(f file) string) (lines []string) {
	for _, f := range d.files() {
		if l := of(f); l != "" {
			lines = append(lines, l)
		}
	}
	return lines
}
