//go:build linux

package main

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"time"
)

func listingRows() []row {
	tree := func(c *raw) error { return c.listAll(16, datasets["tree"]) }
	wide := func(c *raw) error { return c.listAll(16, datasets["wide"]) }
	longList := lines(`ls -l many`, func(d dataset) []string {
		return d.lines(func(f file) string { return fmt.Sprintf("%d %s", f.size, strings.TrimPrefix(f.key, "many/")) })
	}, longListing)
	return []row{
		{"find -type f, 20,000 files", anywhere, "tree", tree, again(lines("find . -type f", dotPaths, nil))},
		{"find -size +1k, 20,000 files", anywhere, "tree", tree, again(lines("find . -type f -size +1k", largePaths, nil))},
		{"du, 20,000 files", anywhere, "tree", tree, once(lines("du -ab .", sizesAndPaths, withoutDirs))},
		{"ls -R, 20,000 files", anywhere, "tree", tree, once(lines("ls -R .", dotPaths, recursiveListing))},
		{"ls -l, 100,000 files", anywhere, "wide", wide, again(longList)},
		{"first name of 100,000", anywhere, "wide", func(c *raw) error { return c.list("") },
			once(func(s *session) error { return s.firstByte("ls", "-U", "many") })},
		{"open of one of 1,000", farOnly, "thousand", rawOne, []step{
			{"", func(s *session) error { return catKey(s, wideKey(500)) }},
			{", another", func(s *session) error { return catKey(s, wideKey(700)) }},
		}},
		{"name that is not there, of 1,000", farOnly, "thousand", nil, []step{
			{"", missing("many/absent1")},
			{", another", missing("many/absent2")},
		}},
	}
}

func rawOne(c *raw) error {
	return c.span(span{wideKey(500), 0, 1000})
}

func catKey(s *session, key string) error {
	got, err := s.run("cat", key)
	if err != nil {
		return err
	}
	return s.data.compareWhole(key, got)
}

// missing is a stat of a name that is not there.
func missing(name string) func(s *session) error {
	return func(s *session) error {
		_, err := s.runAs(1, "stat", "-c", "%n", name)
		return err
	}
}

// lines runs a script and compares its output, put into another form, with the
// lines that a dataset should give, in any order.
func lines(script string, want func(d dataset) []string, form func(d dataset, out []byte) []byte) func(s *session) error {
	return func(s *session) error {
		got, err := s.sh(script)
		if err != nil {
			return err
		}
		if form != nil {
			got = form(s.data, got)
		}
		return sameLines(script, got, want(s.data))
	}
}

func dotPaths(d dataset) []string {
	return d.lines(func(f file) string { return "./" + f.key })
}

func largePaths(d dataset) []string {
	return d.lines(func(f file) string {
		if f.size <= 1024 {
			return ""
		}
		return "./" + f.key
	})
}

func sizesAndPaths(d dataset) []string {
	return d.lines(func(f file) string { return fmt.Sprintf("%d\t./%s", f.size, f.key) })
}

// withoutDirs leaves out the lines of directories, which have a size of each
// program's own choice.
func withoutDirs(d dataset, out []byte) []byte {
	dirs := d.dirs()
	var b bytes.Buffer
	for line := range bytes.Lines(out) {
		_, path, _ := strings.Cut(strings.TrimSpace(string(line)), "\t")
		if path != "." && !dirs[strings.TrimPrefix(path, "./")] {
			b.Write(line)
		}
	}
	return b.Bytes()
}

// recursiveListing has the paths of the files that ls -R shows.
func recursiveListing(d dataset, out []byte) []byte {
	dirs := d.dirs()
	var b bytes.Buffer
	dir := ""
	for line := range strings.Lines(string(out)) {
		line = strings.TrimSuffix(line, "\n")
		if name, ok := strings.CutSuffix(line, ":"); ok {
			dir = name
		} else if path := dir + "/" + line; line != "" && !dirs[strings.TrimPrefix(path, "./")] {
			b.WriteString(path + "\n")
		}
	}
	return b.Bytes()
}

// longListing has size and name of the files that ls -l shows.
func longListing(_ dataset, out []byte) []byte {
	var b bytes.Buffer
	for line := range strings.Lines(string(out)) {
		if f := strings.Fields(line); len(f) >= 9 {
			b.WriteString(f[4] + " " + f[len(f)-1] + "\n")
		}
	}
	return b.Bytes()
}

func memoryRows() []row {
	return []row{
		{"idle", anywhere, "small", nil, once(func(s *session) error {
			time.Sleep(time.Second) // what begins with the mount has ended by then
			err := s.stop(0)
			s.note = fmt.Sprintf("RSS %d MB, %s", s.ended.now>>20, s.cost)
			return err
		})},
		{"64 readers of 32 MiB each", anywhere, "readers",
			func(c *raw) error { return c.whole(readers, datasets["readers"].files()) },
			once(func(s *session) error {
				if _, err := s.sh("for f in reader*; do dd if=$f of=/dev/null bs=1M status=none & done; wait"); err != nil {
					return err
				}
				return s.check(s.data.files()...)
			})},
		{"ls -U, 1,000,000 files", nearOnly, "million",
			func(c *raw) error { return c.listAll(16, datasets["million"]) },
			once(func(s *session) error {
				got, err := s.sh("ls -U many")
				if err != nil {
					return err
				}
				grown := s.ended.now - s.started.now
				s.note = fmt.Sprintf("RSS %d to %d MB, %s bytes a key", s.started.now>>20, s.ended.now>>20,
					strconv.FormatInt(grown/int64(len(s.data.files())), 10))
				return sameLines("ls -U", got, s.data.lines(func(f file) string { return strings.TrimPrefix(f.key, "many/") }))
			})},
	}
}
