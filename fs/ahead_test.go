package fs

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"s3mount/s3/s3test"
)

// crowd is a bucket of directories, each with so many files.
func crowd(dirs, files int) s3test.Options {
	o := s3test.Options{Objects: map[string]s3test.Object{}}
	for d := range dirs {
		for f := range files {
			o.Objects[fmt.Sprintf("d%03d/f%04d", d, f)] = withMeta("1", "mode", "33152")
		}
	}
	return o
}

// heads are the keys that were asked for with HEAD, and how often.
func (r *rig) heads() map[string]int {
	n := map[string]int{}
	for _, q := range r.Log() {
		if q.Op == s3test.Head {
			n[q.Key]++
		}
	}
	return n
}

// answered waits for all inquiries that are under way.
func (r *rig) answered() {
	r.inquiries.mu.Lock()
	under := slices.Collect(maps.Values(r.inquiries.asking))
	r.inquiries.mu.Unlock()
	for _, i := range under {
		<-i.done
	}
}

// once checks that each of the keys has been asked for once, and nothing else but
// more of others.
func (r *rig) once(t *testing.T, keys []string, more int) {
	t.Helper()
	r.answered()
	n := r.heads()
	for _, key := range keys {
		if n[key] != 1 {
			t.Errorf("%s: %d HEADs, want one", key, n[key])
		}
		delete(n, key)
	}
	for key, times := range n {
		if times != 1 {
			t.Errorf("%s: %d HEADs", key, times)
		}
	}
	if len(n) > more {
		t.Errorf("%d HEADs of others, want %d at most", len(n), more)
	}
}

// In each order in which programs go through a directory: one HEAD for each file,
// most of them under way before they are needed.
func TestAheadOfLookups(t *testing.T) {
	const files = 500
	for what, sorted := range map[string]func(r *rig, names []string){
		"as listed":     func(*rig, []string) {},
		"by inode":      func(r *rig, names []string) { slices.SortFunc(names, r.byInode("d000/")) },
		"with one left": func(_ *rig, names []string) { copy(names[50:], names[51:]) },
	} {
		o := crowd(1, files)
		o.Latency = s3test.Latency{Head: 10 * time.Millisecond}
		r := newRig(t, o, withPosix)
		k := r.kernel(t)
		names, err := r.list(t, "d000/")
		if err != nil {
			t.Fatal(err)
		}
		sorted(r, names)
		dir := k.walk("d000").NodeId
		r.ResetLog()
		keys := []string{}
		for i, name := range names {
			if out, status := k.lookup(dir, name); !status.Ok() || out.Mode&0777 != 0600 {
				t.Fatalf("%s: %s: %v %o", what, name, status, out.Mode)
			}
			keys = append(keys, "d000/"+name)
			if i == files/2 {
				r.ahead(t, what, i+1)
			}
		}
		slices.Sort(keys)
		r.once(t, slices.Compact(keys), 1)
	}
}

// ahead checks that after so many lookups about as many as may be have been asked for
// ahead: one may have been left out, and of directories nothing is asked.
func (r *rig) ahead(t *testing.T, what string, looked int) {
	t.Helper()
	r.answered()
	if n := r.Count(s3test.Head) - looked; n < pursuitMost*3/4 || n > pursuitMost+1 {
		t.Errorf("%s: %d HEADs ahead of the lookups, want some %d", what, n, pursuitMost)
	}
}

func (r *rig) byInode(prefix string) func(a, b string) int {
	return func(a, b string) int {
		if inode(r.bucket.Name(), prefix+a) < inode(r.bucket.Name(), prefix+b) {
			return -1
		}
		return 1
	}
}

// Who stops has asked for no more than the window.
func TestAheadEndsWithTheLookups(t *testing.T) {
	for _, stop := range []int{1, 2, 3, 4, 10, 100} {
		r := newRig(t, crowd(1, 500), withPosix)
		k := r.kernel(t)
		names, _ := r.list(t, "d000/")
		dir := k.walk("d000").NodeId
		r.ResetLog()
		keys := []string{}
		for _, name := range names[:stop] {
			k.lookup(dir, name)
			keys = append(keys, "d000/"+name)
		}
		more := pursuitMost
		switch {
		case stop <= pursuitSteps:
			more = 0
		case stop <= 4:
			more = pursuitFew
		}
		r.once(t, keys, more)
	}
}

// Names here and there are no pursuit, nor is one directory an invitation into
// those that are in it.
func TestAheadOfNothing(t *testing.T) {
	r := newRig(t, crowd(20, 50), withPosix)
	k := r.kernel(t)
	names, _ := r.list(t, "d000/")
	dir := k.walk("d000").NodeId
	r.ResetLog()
	keys := []string{}
	for i := range 10 {
		name := names[(i*37+11)%50]
		k.lookup(dir, name)
		keys = append(keys, "d000/"+name)
	}
	r.once(t, keys, 0)

	o := crowd(20, 40)
	o.Objects["d000/in/it"] = withMeta("1")
	r = newRig(t, o, withPosix)
	k = r.kernel(t)
	if _, err := r.list(t, ""); err != nil { // all of it comes with the first page
		t.Fatal(err)
	}
	r.ResetLog()
	for d := range 20 {
		k.walk(fmt.Sprintf("d%03d", d))
	}
	r.once(t, nil, 0)
	keys, dir = nil, k.walk("d000").NodeId
	for f := range 40 {
		k.lookup(dir, fmt.Sprintf("f%04d", f))
		keys = append(keys, fmt.Sprintf("d000/f%04d", f))
	}
	k.lookup(dir, "in")
	r.once(t, keys, 0)
}

// Through a whole tree, in the orders of find and of ls -R, one HEAD for each file:
// what is in the next directory is asked for while this one is looked at.
func TestAheadThroughATree(t *testing.T) {
	const dirs, files = 40, 8
	o := crowd(dirs, files)
	o.Objects["zz"] = withMeta("1", "mode", "33152")
	for what, visit := range map[string]func(k kernel, look func(path string)){
		"find": func(k kernel, look func(string)) {
			for d := range dirs {
				look(fmt.Sprintf("d%03d", d))
				for f := range files {
					look(fmt.Sprintf("d%03d/f%04d", d, f))
				}
			}
			look("zz")
		},
		"ls -R": func(k kernel, look func(string)) {
			for d := range dirs {
				look(fmt.Sprintf("d%03d", d))
			}
			look("zz")
			for d := range dirs {
				for f := range files {
					look(fmt.Sprintf("d%03d/f%04d", d, f))
				}
			}
		},
	} {
		o.Latency = s3test.Latency{Head: 10 * time.Millisecond}
		r := newRig(t, o, withPosix)
		k := r.kernel(t)
		if _, err := r.list(t, ""); err != nil { // all of it comes with the first page
			t.Fatal(err)
		}
		r.ResetLog()
		dirNode := map[string]uint64{"": root}
		var keys []string
		visit(k, func(path string) {
			parent, name := "", path
			if i := strings.LastIndexByte(path, '/'); i >= 0 {
				parent, name = path[:i], path[i+1:]
			}
			out, status := k.lookup(dirNode[parent], name)
			if !status.Ok() {
				t.Fatalf("%s: %s: %v", what, path, status)
			}
			if strings.HasPrefix(name, "d") {
				dirNode[path] = out.NodeId
			} else {
				keys = append(keys, path)
			}
			if len(keys) == dirs/2*files {
				r.ahead(t, what, len(keys))
			}
		})
		r.once(t, keys, 0)
		if r.Count("") != len(keys) {
			t.Errorf("%s: %d requests, want %d HEADs", what, r.Count(""), len(keys))
		}
	}
}

// What is under way ends with the tree.
func TestAheadEndsWithTheTree(t *testing.T) {
	o := crowd(1, 200)
	r := newRig(t, o, withPosix)
	k := r.kernel(t)
	names, _ := r.list(t, "d000/")
	dir := k.walk("d000").NodeId
	for _, name := range names[:2] {
		k.lookup(dir, name)
	}
	r.SetLatency(s3test.Latency{Head: time.Hour})
	go k.lookup(dir, names[2]) // ends with the tree
	if err := r.WaitRequests(t.Context(), 2+4); err != nil {
		t.Fatal(err)
	}
	r.Tree.Close()
	if _, status := k.lookup(dir, names[10]); status.Ok() {
		t.Error("a lookup behind Close")
	}
}

// What is remembered is bounded.
func TestAnswersAreBounded(t *testing.T) {
	r := newRig(t, crowd(1, 500), withPosix, func(o *Options) { o.MaxEntries = 400 })
	k := r.kernel(t)
	names, _ := r.list(t, "d000/")
	dir := k.walk("d000").NodeId
	for _, name := range names {
		k.lookup(dir, name)
	}
	if n := r.inquiries.known.Len(); n > 100 {
		t.Errorf("%d answers are remembered", n)
	}
	// Those that the kernel has nodes of are there all the same.
	r.ResetLog()
	r.age("d000/", 0)
	for _, name := range names {
		k.lookup(dir, name)
	}
	if n := r.Count(s3test.Head); n != 0 {
		t.Errorf("%d HEADs more", n)
	}
}
