package fs

import (
	"errors"
	iofs "io/fs"
	"strings"
	"testing"
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"

	"s3mount/s3"
	"s3mount/s3/s3test"
)

// filtered is an option for newRig.
func filtered(words string) func(*Options) {
	return func(o *Options) { o.Filters = filtersOf(words) }
}

func TestFiltersInATree(t *testing.T) {
	keys := "a.tmp a.txt d/ d/x.tmp d/x.txt e/y.tmp f f/z.tmp g g/h.tmp g/k/x.txt tmp/a.txt"
	for _, tt := range []struct {
		filters, shown string // a directory with "/", the door as "*"
	}{
		{"+*", "a.tmp a.txt d/ d/x.tmp d/x.txt e/ e/y.tmp f/ f/z.tmp g/ g/h.tmp g/k/ g/k/x.txt tmp/ tmp/a.txt */ */f */g"},
		{"-*.tmp", "a.txt d/ d/x.txt e/ f/ g/ g/k/ g/k/x.txt tmp/ tmp/a.txt */ */f */g"},
		{"-f/* -e/* -tmp/*", "a.tmp a.txt d/ d/x.tmp d/x.txt f g/ g/h.tmp g/k/ g/k/x.txt */ */g"}, // f comes out
		{"-* +*.txt", "a.txt d/ d/x.txt e/ f/ g/ g/k/ g/k/x.txt tmp/ tmp/a.txt"},
		{"-* +d/*.txt", "d/ d/x.txt"},
		{"-* +f +g/k/*", "f g/ g/k/ g/k/x.txt"},
		{"-*", ""},
	} {
		for _, o := range []s3test.Options{{}, {PageSize: 1}, {PageSize: 2}, {PageSize: 1, Unsorted: true}} {
			m := &model{TB: t, objects: map[string]object{}, inodes: map[string]uint64{}, server: o, rig: newRig(t, o, filtered(tt.filters))}
			m.filter = m.Tree.filter
			for _, key := range strings.Fields(keys) {
				m.keep(key, s3test.Object{Body: []byte("x")[:min(1, len(strings.TrimSuffix(key[max(len(key)-1, 0):], "/")))]})
			}
			m.see()
			var want []string
			for path, p := range m.now().tree {
				if p.dir {
					path += "/"
				}
				want = append(want, path)
			}
			equalSet(t, "the definition with "+tt.filters, want, tableWords(tt.shown))
			m.enter()
			m.walkTo("d")
			m.walkTo("f")
			m.walkTo("g/k/x.txt")
			m.walk("", 4096, false)
			m.walk("", 4096, true)
		}
	}
}

func equalSet(t testing.TB, what string, got, want []string) {
	t.Helper()
	count := map[string]int{}
	for _, s := range got {
		count[s]++
	}
	for _, s := range want {
		count[s]--
	}
	for s, n := range count {
		if n != 0 {
			t.Errorf("%s: %q %+d", what, s, n)
		}
	}
}

// What may not be shown is not asked for.
func TestRequestsWithFilters(t *testing.T) {
	for _, tt := range []struct {
		filters, name string
		err           error
		asked         []string
	}{
		{"-*.tmp", "a.tmp", nil, []string{"LIST a.tmp/ flat"}}, // it may be a directory
		{"-*.tmp -*.tmp/*", "a.tmp", iofs.ErrNotExist, nil},
		{"-*", "a.txt", iofs.ErrNotExist, nil},
		{"-* +*.txt", "f.txt", nil, []string{"HEAD f.txt", "LIST f.txt/ flat"}},
		{"-* +f.txt", "f.txt", nil, []string{"HEAD f.txt"}},
		{"-* +f.txt", "none", iofs.ErrNotExist, nil},
		{"-* +none", "none", iofs.ErrNotExist, []string{"HEAD none"}},
		{"-* +d/*", "d", nil, []string{"LIST d/ flat"}},
		{"-* +e/*", "e", iofs.ErrNotExist, []string{"LIST e/ flat"}},
		{"+*.txt", "f.txt", nil, []string{"HEAD f.txt", "LIST f.txt/ flat"}},
	} {
		r := newRig(t, text("a.tmp/x", "f.txt", "d/x", "e"), filtered(tt.filters))
		for range 2 { // the second time it is known
			_, _, err := r.lookup("", tt.name)
			if !errors.Is(err, tt.err) {
				t.Errorf("%s: lookup of %q: %v, want %v", tt.filters, tt.name, err, tt.err)
			}
			r.asked(t, tt.asked...)
			tt.asked = nil
		}
	}
}

// A page of nothing but keys that are filtered out brings the listing on, and says
// that there is a directory.
func TestPagesOfFilteredKeys(t *testing.T) {
	for _, page := range []int{1, 3} {
		o := text("d/a.tmp", "d/b.tmp", "d/c.tmp", "d/d.tmp", "d/e.txt", "d/f.tmp", "d/sub.tmp/x.tmp")
		o.PageSize = page
		r := newRig(t, o, filtered("-*.tmp"))
		k := r.kernel(t)
		dir := k.walk("d").NodeId
		equalAll(t, "names", entryNames(k.all(dir, k.opendir(dir), 0, 4096)), []string{".", "..", "e.txt", "sub.tmp"})
		sub := k.walk("d", "sub.tmp").NodeId
		equalAll(t, "names of the empty one", entryNames(k.all(sub, k.opendir(sub), 0, 4096)), []string{".", ".."})
	}
}

// What is filtered out is not counted as hidden.
func TestFilteredIsNotHidden(t *testing.T) {
	for words, want := range map[string]string{"+*": "keys=3", "-a -b//* -c/": ""} {
		o := text("a", "a/x", "b//x", "c/y")
		o.Objects = map[string]s3test.Object{"c/": {Size: 5}}
		r := newRig(t, o, filtered(words))
		for _, prefix := range []string{"", "a/", "b/", "c/"} {
			if _, err := r.list(t, prefix); err != nil {
				t.Fatal(err)
			}
		}
		if said := strings.Count(r.log.String(), "cannot be shown"); (said > 0) != (want != "") {
			t.Errorf("with %s the log says: %s", words, r.log)
		}
	}
}

// A version is filtered by its object's key, whatever name it is given.
func TestFiltersOfVersions(t *testing.T) {
	for _, listed := range []bool{true, false} {
		srv := s3test.New(t, s3test.Options{Versioned: true})
		for i, key := range []string{"d/f.txt", "d/f.txt", "d/g.tmp", "d/g.tmp", "d/h.txt"} {
			srv.Put(key, holding("x", i))
		}
		srv.Delete("d/h.txt")
		r := versionsRig(t, srv, time.Time{}, true, filtered("-*.tmp -d/h.txt"))
		k := r.kernel(t)
		dir := k.walk("d").NodeId
		old := versionName("d/", "f.txt", moment.Unix(), versionIDs(t, r, "d/f.txt")[1])
		gone := versionName("d/", "h.txt", moment.Add(4*time.Second).Unix(), versionIDs(t, r, "d/h.txt")[0])
		if listed {
			equalSet(t, "names", entryNames(k.all(dir, k.opendir(dir), 0, 4096)), []string{".", "..", "f.txt", old})
		}
		for name, want := range map[string]fuse.Status{"f.txt": fuse.OK, old: fuse.OK, gone: fuse.ENOENT, "h.txt": fuse.ENOENT, "g.tmp": fuse.ENOENT} {
			_, status := k.lookup(dir, name)
			equal(t, "lookup of "+name, status, want)
		}
	}
}

// versionIDs are those of a key, the newest first.
func versionIDs(t testing.TB, r *rig, key string) (ids []string) {
	t.Helper()
	for e, err := range r.bucket.List(t.Context(), s3.ListOptions{Prefix: key}) {
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, e.VersionID)
	}
	return ids
}

// What may not be shown takes no memory: no listing, no note that it is not there.
func TestFilteredIsNotRemembered(t *testing.T) {
	r := newRig(t, text("a/x", "raw/b/c", "raw/d", "z"), filtered("-raw/* -*.tmp -*.tmp/*"))
	if _, err := r.list(t, ""); err != nil {
		t.Fatal(err)
	}
	for _, prefix := range []string{"raw/", "raw/b/"} {
		if r.dirs.peek(prefix) != nil {
			t.Errorf("there is a listing of %s", prefix)
		}
	}
	d := newRig(t, text("a/x"), filtered("-*.tmp -*.tmp/*"))
	before := d.Stats().Entries
	for _, name := range []string{"1.tmp", "2.tmp", "3.tmp"} {
		if _, _, err := d.lookup("", name); !errors.Is(err, iofs.ErrNotExist) {
			t.Error(err)
		}
	}
	if now := d.Stats().Entries; now > before+1 { // the directory that was asked about
		t.Errorf("%d entries are remembered, before %d", now, before)
	}
}
