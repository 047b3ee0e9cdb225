//go:build linux

package integration

import (
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"s3mount/integration/rig"
	"s3mount/s3/s3test"
)

// The same command, run in the mount and in the tree that was uploaded, says the
// same. Each line is what somebody may type.
func TestCommandsSayTheSameAsInTheTree(t *testing.T) {
	m, d := shared(t), tree(t)
	for _, script := range []string{
		`ls -A1`,
		`ls -A1R`,
		`ls -A1 many | wc -l`,
		`ls -d a vacant many 'a/vacant too' names/*blank*`,
		`cat README empty a/b/one.txt a/b/c/deep.txt`,
		`cat a/../a/./b//one.txt`,
		`head -c 300000 big | sha256sum`,
		`tail -c 300001 big | sha256sum`,
		`cd sizes && wc -c *`,
		`sha256sum big medium sizes/* names/nn* names/ü*`,
		`grep -rn --include='*' needle a names | sort`,
		`grep -rl needle . | sort`,
		`grep -c . many/1234.txt`,
		`find . -print0 | sort -z | tr '\0' '\n'`,
		`find . -type f -printf '%P %s\n' | sort`,
		`find . -type d -empty -printf '%P\n' | sort`,
		`find many -name '*9.txt' -size -2 | wc -l`,
		`find . -type f ! -readable`,
		`find names -type f -exec stat -c '%n %s %F' {} + | sort`,
		`tar -cf - a names sizes | tar -tf - | sort`,
		`tar -cf - --sort=name --mtime=@0 --owner=0 --group=0 --mode=0 a names sizes | sha256sum`,
		`file=names/'new
line'; cat "$file"; test -f "$file"; test ! -d "$file"; test ! -x "$file"`,
		`test -d vacant && test -z "$(ls -A vacant)"`,
		`cmp -n 5 README README`,
		`od -An -tx1 sizes/1`,
		`md5sum many/* | sha256sum`,
	} {
		name, _, _ := strings.Cut(script, "\n")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := sh(t, nil, d.dir, script)
			if got := sh(t, m, m.Dir, script); got != want {
				t.Errorf("in the mount:\n%s\nin the tree:\n%s", excerpt(got), excerpt(want))
			}
		})
	}
}

// Commands that compare the mount with what was uploaded.
func TestTreeIsWhatWasUploaded(t *testing.T) {
	m, d := shared(t), tree(t)
	tests := []struct{ name, script, want string }{
		{"diff", `diff -r "$TREE" .`, ""},
		{"rsync", `rsync -rnc --delete --itemize-changes "$TREE/" ./`, ""},
		{"sha256sum", `(cd "$TREE" && find . -type f -exec sha256sum {} +) >"$TMP/sums"; sha256sum --quiet -c "$TMP/sums"`, ""},
		{"cp", `cp -a . "$TMP/copy" && chmod -R u+w "$TMP/copy" && diff -r "$TREE" "$TMP/copy"`, ""},
		{"tar", `mkdir "$TMP/untar" && tar -cf - . | tar -xf - -C "$TMP/untar" && chmod -R u+w "$TMP/untar" && diff -r "$TREE" "$TMP/untar"`, ""},
		{"ls -l", `ls -l README | awk '{print substr($1,1,1), substr($1,3,1), substr($1,6,1), substr($1,9,1), $2, $5, $NF}'`, "- - - - 1 22 README\n"},
		{"ls -ld", `ls -ld a vacant | cut -c1`, "d\nd\n"},
		{"du", `test "$(du -s --apparent-size -B1M big | cut -f1)" = 100; test "$(du -s -B1M big | cut -f1)" = 100`, ""},
		{"df", `df . >/dev/null`, ""},
		{"absent", `for f in no/such READMEE README/x a/b/c/deep.txt/ many/3000.txt; do cat "$f" 2>&1 || true; done`,
			"cat: no/such: No such file or directory\ncat: READMEE: No such file or directory\ncat: README/x: Not a directory\n" +
				"cat: a/b/c/deep.txt/: Not a directory\ncat: many/3000.txt: No such file or directory\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if tt.name == "rsync" {
				needTool(t, "rsync")
			}
			cmd := shell(tt.script)
			cmd.Env = append(cmd.Env, "TREE="+d.dir, "TMP="+t.TempDir())
			r := try(t, m, m.Dir, cmd)
			if r.Code != 0 || r.Stderr != "" || r.Stdout != tt.want {
				t.Errorf("exit code %d, stderr %q, stdout:\n%s\nwant:\n%s", r.Code, excerpt(r.Stderr), excerpt(r.Stdout), tt.want)
			}
		})
	}
}

// A file's times are those of its object.
func TestTimes(t *testing.T) {
	m, d := shared(t), tree(t)
	for _, line := range lines(sh(t, m, m.Dir, `find big many sizes -type f -printf '%T@ %p\n' | sort`)) {
		var mtime float64
		var name string
		fmt.Sscan(line, &mtime, &name)
		if int64(mtime) < d.start.Unix() || int64(mtime) > d.end.Unix() {
			t.Errorf("%s: modified at %.0f; its upload was between %d and %d", name, mtime, d.start.Unix(), d.end.Unix())
		}
	}
}

// dd at places where a reader of blocks may go wrong.
func TestReadsAtOffsets(t *testing.T) {
	m, d := shared(t), tree(t)
	const block = 128 << 10
	var spans []string
	for _, off := range []int{0, 1, block - 1, block, block + 1, 8*block - 1, bigSize/2 + 17, bigSize - block - 1, bigSize - 1, bigSize, bigSize + 5} {
		for _, n := range []int{1, 511, block - 1, block, block + 1, 1<<20 + 3} {
			spans = append(spans, fmt.Sprintf("%d %d", off, n))
		}
	}
	script := `while read off n; do
		echo "$off $n $(dd if=big iflag=skip_bytes,count_bytes,fullblock skip=$off count=$n bs=64K status=none 2>&1 | sha256sum)"
	done <<<'` + strings.Join(spans, "\n") + `'`
	got, want := lines(sh(t, m, m.Dir, script)), lines(sh(t, nil, d.dir, script))
	for i := range want {
		if i >= len(got) || got[i] != want[i] {
			t.Errorf("offset and length %s: other bytes than uploaded", spans[i])
		}
	}
}

// 64 readers of one file, each a process.
func TestReadersInParallel(t *testing.T) {
	d := tree(t)
	m := mount(t, "s3://"+treeBucket) // its own, so that nothing is cached
	script := `for i in $(seq 64); do sha256sum medium & done; wait`
	got := lines(sh(t, m, m.Dir, script))
	want := strings.TrimSpace(sh(t, nil, d.dir, `sha256sum medium`))
	if len(got) != 64 {
		t.Errorf("%d of 64 readers ended", len(got))
	}
	for _, line := range got {
		if line != want {
			t.Errorf("a reader got %s, want %s", line, want)
		}
	}
}

func init() { children["mmap"] = childMmap }

// childMmap maps the file and prints the hash of what it sees: first as 16
// goroutines touch pages at random places, then whole.
func childMmap(args []string) error {
	f, err := os.Open(args[0])
	if err != nil {
		return err
	}
	st, err := f.Stat()
	if err != nil {
		return err
	}
	p, err := syscall.Mmap(int(f.Fd()), 0, int(st.Size()), syscall.PROT_READ, syscall.MAP_SHARED)
	if err != nil {
		return fmt.Errorf("mmap: %w", err)
	}
	f.Close() // the mapping stays
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			var sum byte
			for n := range 50 {
				sum += p[(i*7919+n*104729*len(p)/1000)%len(p)]
			}
			_ = sum
		})
	}
	wg.Wait()
	fmt.Printf("%x\n", sha256.Sum256(p))
	return syscall.Munmap(p)
}

func TestMmap(t *testing.T) {
	d := tree(t)
	m := mount(t, "s3://"+treeBucket) // its own, so that pages come by faults
	want := fmt.Sprintf("%x\n", sha256.Sum256(random(2, 5<<20)))
	if got := inChild(t, m, "mmap", filepath.Join(m.Dir, "medium")); got != want {
		t.Errorf("the mapping's hash is %s, want %s (of %s)", got, want, d.local("medium"))
	}
}

// A process that waits for bytes can be killed, and whoever reads the same file
// is not disturbed.
func TestReaderKilled(t *testing.T) {
	srv := s3test.New(t, s3test.Options{Objects: map[string]s3test.Object{"f": {Size: 64 << 20}}})
	m := mountTest(t, srv)
	srv.SetBytesPerSecond(2 << 20) // half a minute for the file: whoever is killed now is in the middle
	patient, err := rig.Start(shell(`sha256sum <` + filepath.Join(m.Dir, "f")))
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		cmd := exec.Command("dd", "if="+filepath.Join(m.Dir, "f"), "of=/dev/null", "bs=1M", "status=none")
		p, err := rig.Start(cmd)
		if err != nil {
			t.Fatal(err)
		}
		if !rig.Eventually(limit, func() bool { return read(p) > 1<<20 }) {
			t.Fatalf("dd reads nothing: %s", p.Stderr())
		}
		p.Signal(syscall.SIGKILL)
		if !p.Wait(3 * time.Second) {
			t.Fatal("dd does not die while it waits for bytes")
		}
	}
	srv.SetBytesPerSecond(0)
	if !patient.Wait(limit) {
		t.Fatal("the other reader does not end")
	}
	if got, want := patient.Stdout(), contentSum(srv, "f")+"  -\n"; got != want {
		t.Errorf("the other reader got %q %s, want %q", got, patient.Stderr(), want)
	}
}

// read is how many bytes the process has read so far, by the kernel's count.
func read(p *rig.Process) (n int64) {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/io", p.PID()))
	fmt.Sscanf(string(text), "rchar: %d", &n)
	return n
}

// contentSum is the SHA-256 of an object of the test server.
func contentSum(srv *s3test.Server, key string) string {
	o, _ := srv.Object(key)
	sum := sha256.New()
	for buf, off := make([]byte, 1<<20), int64(0); off < o.Size; off += int64(len(buf)) {
		buf = buf[:min(int64(len(buf)), o.Size-off)]
		s3test.ContentAt(key, o.ETag, buf, off)
		sum.Write(buf)
	}
	return fmt.Sprintf("%x", sum.Sum(nil))
}

// excerpt keeps a failure readable.
func excerpt(s string) string {
	if len(s) > 2000 {
		return s[:2000] + "..."
	}
	return s
}
