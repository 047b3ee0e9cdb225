//go:build linux

package integration

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"s3mount/s3/s3test"
)

func init() { children["map"] = childMap }

// childMap maps args[0], reads a page, says so, waits, and prints the hash of all
// of it, past the page cache.
func childMap(args []string) error {
	f, err := os.Open(args[0])
	if err != nil {
		return err
	}
	info, err := f.Stat()
	if err != nil {
		return err
	}
	p, err := unix.Mmap(int(f.Fd()), 0, int(info.Size()), unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return err
	}
	sum := sha256.New()
	sum.Write(p[:4096])
	fmt.Println("holding")
	if err := listen(); err != nil {
		return err
	}
	if err := unix.Madvise(p, unix.MADV_DONTNEED); err != nil {
		return err
	}
	if err := unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED); err != nil {
		return err
	}
	sum.Write(p[4096:])
	fmt.Printf("%x\n", sum.Sum(nil))
	return nil
}

// A file that is mapped is what it was, in a bucket that keeps versions.
func TestMappedFileIsReplacedOrDeleted(t *testing.T) {
	const size = 40 << 20 // more than is read ahead of the first page
	before, after := random(52, size), random(53, size)
	for name, replace := range map[string]func(b string) error{
		"replaced": func(b string) error { return gateway(t).Put(t.Context(), b, "f", bytes.NewReader(after)) },
		"deleted":  func(b string) error { return gateway(t).Delete(t.Context(), b, "f") },
	} {
		t.Run(name, func(t *testing.T) {
			b := bucket(t, true)
			if err := gateway(t).Put(t.Context(), b, "f", bytes.NewReader(before)); err != nil {
				t.Fatal(err)
			}
			m := mount(t, "s3://"+b, "--metadata-ttl", "1s", "--read-ahead", "1MiB")
			child := converse(t, "map", filepath.Join(m.Dir, "f"))
			if got := child.hear(); got != "holding" {
				t.Fatal(got)
			}
			if err := replace(b); err != nil {
				t.Fatal(err)
			}
			child.say()
			if got, want := child.hear(), fmt.Sprintf("%x", sha256.Sum256(before)); got != want {
				t.Errorf("the mapping holds %s, want %s", got, want)
			}
		})
	}
}

// A past is a bucket that keeps versions, and what was in it when.
type past struct {
	bucket  string
	moments []time.Time
	trees   []map[string]string // keys and contents
	ever    []string            // contents
}

// change puts and deletes, and notes what there is then. The next change is not
// made in the same second: no more than that is told of a version.
func (p *past) change(t *testing.T, keys map[string]string) {
	t.Helper()
	tree := map[string]string{}
	if n := len(p.trees); n > 0 {
		tree = maps.Clone(p.trees[n-1])
	}
	var stored []string
	for key, content := range keys {
		if content == "" {
			if err := gateway(t).Delete(t.Context(), p.bucket, key); err != nil {
				t.Fatal(err)
			}
			delete(tree, key)
			continue
		}
		put(t, p.bucket, key, content)
		stored = append(stored, key)
		tree[key] = content
		p.ever = append(p.ever, content)
	}
	if err := gateway(t).MendVersions(p.bucket, stored); err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	p.moments, p.trees = append(p.moments, now), append(p.trees, tree)
	time.Sleep(time.Until(now.Truncate(time.Second).Add(time.Second + 10*time.Millisecond))) // the server's clock is the machine's
}

// written is a tree on disk.
func written(t *testing.T, tree map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for key, content := range tree {
		path := filepath.Join(dir, key)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// Each moment of a bucket can be mounted, is what it was, and stays that.
func TestAtEachMoment(t *testing.T) {
	p := past{bucket: bucket(t, true)}
	before := time.Now().Add(-time.Second)
	long := strings.Repeat("n", 150) + ".txt"
	p.change(t, map[string]string{"a.txt": "a one", "d/b.tar.gz": "b one", "d/deep/er/c": "c one", "only/then": "once", "d e/f g": "blanks", long: "long one"})
	p.change(t, map[string]string{"a.txt": "a two, longer", "d/new": "new", ".hidden": "hidden one"})
	p.change(t, map[string]string{"only/then": "", "d/new": "", ".hidden": "hidden two", long: "long two"})
	p.change(t, map[string]string{"a.txt": "", "d/b.tar.gz": "b two", "d/new": "new again"})
	p.change(t, map[string]string{"a.txt": "a one", "d/deep/er/c": ""})

	keys := []string{"a.txt", "d/b.tar.gz", "d/deep/er/c", "only/then", "d e/f g", "d/new", ".hidden", long, "nosuch"}
	shown := func(at time.Time) string {
		m := mount(t, "s3://"+p.bucket, "--at", at.Format(time.RFC3339))
		all := sh(t, m, m.Dir, `find . -printf '%P %y %s %i %T@\n' | sort; find . -type f -exec sha256sum {} + | sort`)
		if err := m.Close(); err != nil {
			t.Error(err)
		}
		return all
	}
	var was []string
	for i, at := range p.moments {
		m := mount(t, "s3://"+p.bucket, "--at", at.Format(time.RFC3339))
		if out := sh(t, m, m.Dir, fmt.Sprintf(`diff -r %s . 2>&1 || true`, written(t, p.trees[i]))); out != "" {
			t.Errorf("moment %d is not what it was:\n%s", i, out)
		}
		asking := mount(t, "s3://"+p.bucket, "--at", at.Format(time.RFC3339), "--metadata-ttl", "0") // for each name by itself
		for _, key := range keys {
			content, there := p.trees[i][key]
			if got := sh(t, asking, asking.Dir, fmt.Sprintf(`cat '%s' 2>/dev/null || true`, key)); got != content || there != (got != "") {
				t.Errorf("%s at moment %d: %q, want %q", key, i, got, content)
			}
		}
		was = append(was, shown(at))
	}
	if out := shown(before); strings.Count(out, "\n") > 1 {
		t.Errorf("before all there was\n%s", out)
	}
	everything(t, &p)
	p.change(t, map[string]string{"a.txt": "a three", "d/b.tar.gz": "", "d/later": "later"})
	for i, at := range p.moments[:len(was)] {
		if now := shown(at); now != was[i] {
			t.Errorf("moment %d has changed: it was\n%s\nand is\n%s", i, was[i], now)
		}
	}
}

// everything holds a mount of all versions to what was ever put.
func everything(t *testing.T, p *past) {
	t.Helper()
	m := mount(t, "s3://"+p.bucket, "--versions")
	files := lines(sh(t, m, m.Dir, `find . -type f -printf '%P\n' | sort`))
	fresh := mount(t, "s3://"+p.bucket, "--versions") // has no listing
	var contents []string
	current := map[string]string{}
	for _, file := range files {
		content := sh(t, m, m.Dir, fmt.Sprintf(`cat '%s'`, file))
		contents = append(contents, content)
		if got := sh(t, fresh, fresh.Dir, fmt.Sprintf(`cat '%s'`, file)); got != content {
			t.Errorf("%s without a listing: %q, want %q", file, got, content)
		}
		if !strings.Contains(file, "~") {
			current[file] = content
		}
	}
	slices.Sort(contents)
	want := slices.Sorted(slices.Values(p.ever))
	if !slices.Equal(contents, want) {
		t.Errorf("all versions have\n%q, want\n%q", contents, want)
	}
	if want := p.trees[len(p.trees)-1]; !maps.Equal(current, want) {
		t.Errorf("those without a version's name are\n%q, want\n%q", current, want)
	}
}

// In a bucket that never kept versions a moment is what has not changed since.
func TestAtWithoutVersions(t *testing.T) {
	p := past{bucket: bucket(t, false)}
	p.change(t, map[string]string{"d/same": "same", "d/replaced": "one", "gone": "gone"})
	p.change(t, map[string]string{"d/replaced": "two", "gone": "", "new": "new"})
	m := mount(t, "s3://"+p.bucket, "--at", p.moments[0].Format(time.RFC3339))
	if got := sh(t, m, m.Dir, `find . -type f -exec grep -H . {} +`); got != "./d/same:same\n" {
		t.Errorf("there is\n%s", got)
	}
	for _, want := range []string{"none of the first objects of", " at=" + p.moments[0].Format(time.RFC3339)} {
		if !strings.Contains(m.Process.Stderr(), want) {
			t.Errorf("the daemon does not say %q:\n%s", want, m.Process.Stderr())
		}
	}
}

// The printed policies are what mounts of versions need.
func TestPolicyOfVersions(t *testing.T) {
	for _, flags := range [][]string{{"--at", "2026-08-01T00:30:00Z"}, {"--versions"}} {
		t.Run(flags[0], func(t *testing.T) {
			srv := s3test.New(t, s3test.Options{Versioned: true})
			at := time.Date(2026, 8, 1, 0, 0, 0, 0, time.UTC)
			for i := range 2 {
				for _, key := range []string{"a", "sub/b", "sub/sub/c", "sub/empty"} {
					srv.Put(key, s3test.Object{Size: int64(20 << 20 * (len(key) % 2)), LastModified: at.Add(time.Duration(i) * time.Hour)})
				}
			}
			source := "s3://" + srv.Bucket()
			printed, err := exec.Command(program, append(append([]string{"policy"}, flags...), source)...).Output()
			var p policy
			if err != nil || json.Unmarshal(printed, &p) != nil {
				t.Fatalf("%v: %s", err, printed)
			}
			srv.Deny(s3test.List, true) // nor is it told then what there is not
			m := mountPrefix(t, srv, "", append(flags, "--metadata-ttl", "0", "--xattr")...)
			sh(t, m, m.Dir, `
				find . -ls > /dev/null; find . -type f -exec cat {} + > /dev/null
				for p in nosuch sub/nosuch no/such/file a~20260801T000000Z-00000000; do if stat "$p" > /dev/null 2>&1; then echo "$p" >&2; fi; done
				find . -type f -exec tail -c 100 {} + > /dev/null`)
			used := map[string]bool{}
			for _, r := range srv.Log() {
				action := "s3:GetObject"
				switch {
				case r.Op == s3test.Versions:
					action = "s3:ListBucketVersions"
				case r.VersionID != "":
					action = "s3:GetObjectVersion"
				}
				used[action] = true
				if resource := "arn:aws:s3:::" + srv.Bucket(); !p.allows(action, resource, r.Key) && !p.allows(action, resource+"/"+r.Key, "") || r.Op == s3test.List {
					t.Errorf("%s takes %s, which this does not permit:\n%s", r, action, printed)
				}
			}
			for _, s := range p.Statement {
				for _, a := range s.Action {
					if !used[a] {
						t.Errorf("%s is permitted and was not used by %q", a, srv.Requests())
					}
				}
			}
		})
	}
}
