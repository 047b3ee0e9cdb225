//go:build linux

package main

import (
	"crypto/md5"
	"fmt"
	"strings"
	"sync"

	"s3mount/s3/s3test"
)

// A file is an object as the rows know it: what they list and read is compared
// with this.
type file struct {
	key  string
	size int64
	body []byte // nil: generated from key and etag
}

// etag is given, not left to the server, so that every process knows the content.
// It is the MD5 of what is read, which some clients compare, or as that of an
// object that was uploaded in parts, which is no MD5.
func (f file) etag() string {
	if f.body != nil {
		return fmt.Sprintf(`"%x"`, md5.Sum(f.body))
	}
	return fmt.Sprintf(`"%x-8"`, md5.Sum([]byte(f.key)))
}

// A dataset is a bucket's content. Each has a bucket and a server of its own.
type dataset struct {
	name  string
	files func() []file // in any order
}

var datasets = map[string]dataset{}

func init() {
	for name, files := range map[string]func() []file{
		"big":      bigFiles,
		"deep":     func() []file { return deepFiles(10) },
		"deepmany": func() []file { return deepFiles(20_000) },
		"small":    smallFiles,
		"tree":     treeFiles,
		"wide":     func() []file { return wideFiles(100_000) },
		"million":  func() []file { return wideFiles(1_000_000) },
		"thousand": func() []file { return wideFiles(1000) },
		"readers":  readerFiles,
	} {
		datasets[name] = dataset{name, sync.OnceValue(files)}
	}
}

const (
	bigKey      = "big"
	bigSize     = 1 << 30
	quarterSize = bigSize / 4
	readers     = 64
	readersSize = 32 << 20
	deepKey     = "a/b/c/d/e/f/g/h/i/file"
	smallSize   = 16 << 10
)

func quarterKey(i int) string { return fmt.Sprintf("quarter%d", i) }
func readerKey(i int) string  { return fmt.Sprintf("reader%02d", i) }
func wideKey(i int) string    { return fmt.Sprintf("many/file-%07d", i) }

func bigFiles() []file {
	files := []file{{key: bigKey, size: bigSize}}
	for i := range 4 {
		files = append(files, file{key: quarterKey(i), size: quarterSize})
	}
	return files
}

func readerFiles() []file {
	var files []file
	for i := range readers {
		files = append(files, file{key: readerKey(i), size: readersSize})
	}
	return files
}

// deepFiles has one file nine directories down, and others before and behind it.
func deepFiles(others int) []file {
	files := []file{{key: deepKey, size: 1000}}
	for i := range others {
		top := "0"
		if i%2 == 1 {
			top = "z"
		}
		files = append(files, file{key: fmt.Sprintf("%s%02d/%05d", top, i/2%50, i), size: 1000})
	}
	return files
}

// smallFiles are 2,000 texts in 20 directories. A line of each has the word
// "needle".
func smallFiles() []file {
	var files []file
	for i := range 2000 {
		files = append(files, file{
			key:  fmt.Sprintf("dir%02d/file%03d.txt", i/100, i%100),
			size: smallSize,
			body: smallText(i),
		})
	}
	return files
}

func smallText(i int) []byte {
	var b strings.Builder
	b.WriteString(needle(i) + "\n")
	for x := uint64(i)*0x9e3779b97f4a7c15 + 1; b.Len() < smallSize; x = x*6364136223846793005 + 1442695040888963407 {
		fmt.Fprintf(&b, "%016x%016x line of text, to be searched\n", x, x*0x9e3779b97f4a7c15)
	}
	text := []byte(b.String()[:smallSize])
	text[smallSize-1] = '\n'
	return text
}

func needle(i int) string { return fmt.Sprintf("needle %04d", i) }

// treeFiles are 20,000 files in 2,100 directories, every second one larger than
// 1 KiB.
func treeFiles() []file {
	var files []file
	for i := range 20_000 {
		files = append(files, file{
			key:  fmt.Sprintf("top%02d/sub%02d/file%d", i/200, i/10%20, i%10),
			size: []int64{100, 5000}[i%2],
		})
	}
	return files
}

func wideFiles(n int) []file {
	var files []file
	for i := range n {
		files = append(files, file{key: wideKey(i), size: 1000})
	}
	return files
}

// fill puts the files into a server.
func (d dataset) fill(s *s3test.Server) {
	files := d.files()
	if len(files) > 50_000 { // millions fit only without an ETag of their own; nobody reads these
		s.PutRange(len(files), func(i int) string { return files[i].key }, s3test.Object{Size: files[0].size})
		return
	}
	for _, f := range files {
		s.Put(f.key, s3test.Object{Size: f.size, Body: f.body, ETag: f.etag()})
	}
}

// file is the one of that key.
func (d dataset) file(key string) file {
	for _, f := range d.files() {
		if f.key == key {
			return f
		}
	}
	panic("no such key: " + key)
}

// content is all of a file, for small ones.
func (f file) content() []byte {
	if f.body != nil {
		return f.body
	}
	p := make([]byte, f.size)
	s3test.ContentAt(f.key, f.etag(), p, 0)
	return p
}
