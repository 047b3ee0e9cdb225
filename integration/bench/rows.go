//go:build linux

package main

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// A row is a piece of work, done in a mount of its own.
type row struct {
	name  string
	where place
	data  string             // the dataset
	raw   func(c *raw) error // the first step by plain requests; nil: there is no such thing
	steps []step             // in the same mount, one after the other
}

// A step is a line of the table.
type step struct {
	what string                 // added to the row's name
	do   func(s *session) error // measures by one of session's methods, then compares
}

func once(do func(s *session) error) []step { return []step{{do: do}} }

// again does the same twice: what the second time costs is a line of its own.
func again(do func(s *session) error) []step { return []step{{do: do}, {", again", do}} }

func rows() []row {
	var all []row
	for _, part := range [][]row{readingRows(), smallFileRows(), listingRows(), memoryRows()} {
		all = append(all, part...)
	}
	return all
}

func readingRows() []row {
	return []row{
		{"first byte of 1 GiB", anywhere, "big",
			func(c *raw) error { return firstList(c, func() error { return c.span(span{bigKey, 0, 1}) }) },
			once(func(s *session) error { return s.read(1, []span{{bigKey, 0, 1}}) })},
		{"cat, nine directories down", anywhere, "deep", rawDeep, once(catDeep)},
		{"cat, nine down, 20,000 keys", anywhere, "deepmany", rawDeep, once(catDeep)},
		{"dd 1 GiB", anywhere, "big",
			func(c *raw) error { return c.spans(32, pieces(bigKey, bigSize, 8<<20)) },
			once(func(s *session) error {
				if _, err := s.run("dd", "if="+bigKey, "of=/dev/null", "bs=1M", "status=none"); err != nil {
					return err
				}
				return s.check(s.data.file(bigKey))
			})},
		{"4 x dd 256 MiB", anywhere, "big",
			func(c *raw) error { return c.spans(32, quarters()) },
			once(func(s *session) error {
				if err := s.dds(quarterKey(0), quarterKey(1), quarterKey(2), quarterKey(3)); err != nil {
					return err
				}
				var files []file
				for i := range 4 {
					files = append(files, s.data.file(quarterKey(i)))
				}
				return s.check(files...)
			})},
		{"4 readers of one 256 MiB", anywhere, "big",
			func(c *raw) error { return c.spans(32, pieces(quarterKey(0), quarterSize, 8<<20)) },
			once(func(s *session) error {
				if err := s.dds(quarterKey(0), quarterKey(0), quarterKey(0), quarterKey(0)); err != nil {
					return err
				}
				return s.check(s.data.file(quarterKey(0)))
			})},
		randomRow("100 x 64 KiB random", farOnly, 100, 64<<10, 1),
		randomRow("400 x 64 KiB random, 8 threads", farOnly, 400, 64<<10, 8),
		randomRow("30 x 1 MiB random", farOnly, 30, 1<<20, 1),
		randomRow("100 x 4 KiB random", anywhere, 100, 4<<10, 1),
		randomRow("200 x 1 MiB random, 8 threads", anywhere, 200, 1<<20, 8),
	}
}

// firstList is one LIST and then f, as nobody who knows nothing can do without.
func firstList(c *raw, f func() error) error {
	if err := c.list(""); err != nil {
		return err
	}
	return f()
}

func rawDeep(c *raw) error {
	return firstList(c, func() error { return c.span(span{deepKey, 0, 1000}) })
}

func catDeep(s *session) error {
	got, err := s.run("cat", deepKey)
	if err != nil {
		return err
	}
	return s.data.compareWhole(deepKey, got)
}

// compareWhole is an error if got is not what the server has as key.
func (d dataset) compareWhole(key string, got []byte) error {
	if want := d.file(key).size; int64(len(got)) != want {
		return fmt.Errorf("%s has %d bytes, want %d", key, len(got), want)
	}
	return d.compare(key, got, 0)
}

func quarters() []span {
	var all []span
	for i := range 4 {
		all = append(all, pieces(quarterKey(i), quarterSize, 8<<20)...)
	}
	return all
}

// dds runs a dd for each key, all at once.
func (s *session) dds(keys ...string) error {
	var b strings.Builder
	for _, key := range keys {
		fmt.Fprintf(&b, "dd if=%s of=/dev/null bs=1M status=none & all+=($!)\n", key)
	}
	_, err := s.sh("all=()\n" + b.String() + `for one in "${all[@]}"; do wait "$one"; done`)
	return err
}

func randomRow(name string, where place, n int, size int64, threads int) row {
	spans := randomSpans(n, size)
	return row{name, where, "big",
		func(c *raw) error { return c.spans(threads, spans) },
		once(func(s *session) error { return s.read(threads, spans) })}
}

// randomSpans are the same in every run: page-aligned, anywhere in the big file.
func randomSpans(n int, size int64) []span {
	r := rand.New(rand.NewPCG(uint64(n), uint64(size)))
	all := make([]span, n)
	for i := range all {
		all[i] = span{bigKey, r.Int64N((bigSize-size)/4096) * 4096, size}
	}
	return all
}

func smallFileRows() []row {
	whole := func(c *raw) error { return c.whole(64, datasets["small"].files()) }
	needles := func(s *session, got []byte) error {
		var want []string
		for i := range s.data.files() {
			want = append(want, needle(i))
		}
		if err := sameLines("grep", got, want); err != nil {
			return err
		}
		return s.check(s.data.files()...)
	}
	grep := func(script string) []step {
		return again(func(s *session) error {
			got, err := s.sh(script)
			if err != nil {
				return err
			}
			return needles(s, got)
		})
	}
	return []row{
		{"grep -r, 2,000 files", anywhere, "small", whole, grep("grep -rh needle .")},
		{"grep by xargs -P8", anywhere, "small", whole, grep("find . -type f -print0 | xargs -0 -n 25 -P 8 grep -h needle")},
		{"tar, 2,000 files", anywhere, "small", whole, once(func(s *session) error {
			if _, err := s.sh(`tar -cf "$OUT/tar" .`); err != nil {
				return err
			}
			return s.data.compareTar(s.out + "/tar")
		})},
		{"cp -r, 2,000 files", anywhere, "small", whole, once(copyBy(`cp -r . "$OUT/copy"`))},
		{"rsync -a, 2,000 files", anywhere, "small", whole, once(copyBy(`rsync -a ./ "$OUT/copy/"`))},
		{"md5sum, 2,000 files", anywhere, "small", whole, once(func(s *session) error {
			got, err := s.sh("md5sum */*")
			if err != nil {
				return err
			}
			return sameLines("md5sum", got, s.data.md5sums())
		})},
	}
}

func copyBy(script string) func(s *session) error {
	return func(s *session) error {
		if _, err := s.sh(script); err != nil {
			return err
		}
		return s.data.compareCopy(s.out + "/copy")
	}
}
