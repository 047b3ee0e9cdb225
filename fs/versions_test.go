package fs

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"
	"pgregory.net/rapid"

	"s3mount/cache"
	"s3mount/s3"
	"s3mount/s3/s3test"
	"s3mount/sigv4"
)

var moment = time.Date(2026, 8, 1, 10, 11, 12, 0, time.UTC)

// versionsRig is the tree of a server at a time, or with all versions.
func versionsRig(t testing.TB, srv *s3test.Server, at time.Time, all bool, change ...func(*Options)) *rig {
	t.Helper()
	b, err := s3.New(s3.Options{
		Name: srv.Bucket(), Region: srv.Region(), Endpoint: srv.Endpoint(), PathStyle: true, At: at, Versions: all,
		Credentials: func(context.Context, sigv4.Credentials) (sigv4.Credentials, error) { return srv.Credentials(), nil },
		HedgeAfter:  -1,
		Retry:       s3.Retry{Attempts: 2, MinWait: time.Millisecond, MaxWait: time.Millisecond},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.CloseIdleConnections)
	return rigOn(t, srv, b, change...)
}

// holding puts text, so many seconds behind moment.
func holding(text string, seconds int) s3test.Object {
	return s3test.Object{Body: []byte(text), LastModified: moment.Add(time.Duration(seconds) * time.Second)}
}

// content reads a file through the kernel's door.
func (k kernel) content(path ...string) string {
	node := k.walk(path...).NodeId
	p, status := k.read(node, k.mustOpen(node), 0, 1<<16)
	if !status.Ok() {
		return status.String()
	}
	return string(p)
}

// past is a bucket with a history.
func past(t testing.TB) *s3test.Server {
	srv := s3test.New(t, s3test.Options{Versioned: true})
	srv.Put("d/f", holding("one", 0))
	srv.Put("d/gone", holding("was here", 0))
	srv.Put("e/only/then", holding("and then not", 0))
	srv.Put("empty", holding("", 0))
	srv.Put("n", holding("a file", 0))
	srv.Put("d/f", holding("two", 10))
	srv.DeleteAt("d/gone", moment.Add(10*time.Second))
	srv.DeleteAt("e/only/then", moment.Add(10*time.Second))
	srv.DeleteAt("n", moment.Add(10*time.Second))
	srv.Put("n/x", holding("a directory", 10))
	srv.Put("empty", holding("not any more", 10))
	srv.Put("d/f", holding("three", 20))
	srv.Put("d/new", holding("new", 20))
	return srv
}

// all lists a tree to its end: paths, directories with "/".
func (r *rig) all(t testing.TB, prefix string) (paths []string) {
	t.Helper()
	names, err := r.list(t, prefix)
	if err != nil {
		t.Error(err)
	}
	for _, name := range names {
		paths = append(paths, prefix+name)
		if strings.HasSuffix(name, "/") {
			paths = append(paths, r.all(t, prefix+name)...)
		}
	}
	return paths
}

func TestTreeAtATime(t *testing.T) {
	srv := past(t)
	for _, tt := range []struct {
		seconds int
		want    []string
		f       string
	}{
		{-1, nil, ""},
		{0, []string{"d/", "d/f", "d/gone", "e/", "e/only/", "e/only/then", "empty", "n"}, "one"},
		{9, []string{"d/", "d/f", "d/gone", "e/", "e/only/", "e/only/then", "empty", "n"}, "one"},
		{10, []string{"d/", "d/f", "empty", "n/", "n/x"}, "two"},
		{25, []string{"d/", "d/f", "d/new", "empty", "n/", "n/x"}, "three"},
	} {
		at := moment.Add(time.Duration(tt.seconds) * time.Second)
		r := versionsRig(t, srv, at, false)
		equalAll(t, fmt.Sprint("tree at ", tt.seconds), r.all(t, ""), tt.want)
		if tt.f == "" {
			continue
		}
		k := r.kernel(t)
		equal(t, "content", k.content("d", "f"), tt.f)
		equal(t, "time of a directory", k.walk("d").Mtime, uint64(at.Unix()))
		alone := versionsRig(t, srv, at, false) // knows of no listing
		for _, path := range []string{"d/f", "d/gone", "d/new", "d/nosuch", "n", "e", "e/only", "empty"} {
			dir, name := dirOf(path)
			want := "-"
			switch {
			case slices.Contains(tt.want, path):
				want = name
			case slices.Contains(tt.want, path+"/"):
				want = name + "/"
			}
			equal(t, fmt.Sprintf("lookup of %s at %d", path, tt.seconds), alone.look(t, dir, name), want)
		}
	}
}

// What it costs, and that all of it asks for versions.
func TestRequestsAtATime(t *testing.T) {
	srv := past(t)
	o, _ := srv.Object("d/f")
	r := versionsRig(t, srv, moment.Add(time.Minute), false)
	k := r.kernel(t)
	r.all(t, "")
	r.asked(t, "VERSIONS")
	equal(t, "content", k.content("d", "f"), "three")
	r.asked(t, "GET d/f 0-4 version="+o.VersionID)

	then := versionsRig(t, srv, moment, false)
	k = then.kernel(t)
	then.all(t, "")
	then.ResetLog()
	equal(t, "an empty file", k.content("empty"), "")
	then.asked(t)
}

// The version's own permission is missing: that is said, and the present object
// is not read in its place. A version that is gone for good is ESTALE, and then
// not there.
func TestVersionsThatCannotBeRead(t *testing.T) {
	srv := past(t)
	r := versionsRig(t, srv, moment, false)
	k := r.kernel(t)
	node := k.walk("d", "f").NodeId
	srv.AddRule(s3test.Rule{Op: s3test.Get, Times: 1, Action: s3test.Error(403, "AccessDenied")})
	_, status := k.open(node, syscall.O_RDONLY)
	equal(t, "without the permission", status, fuse.EACCES)
	equal(t, "GETs", srv.Count(s3test.Get), 1)
	e, _, _ := r.lookup("d/", "f")
	if !srv.DeleteVersion("d/f", e.version.id()) {
		t.Fatalf("there is no version %q", e.version)
	}
	_, status = k.open(node, syscall.O_RDONLY)
	equal(t, "a version that is gone", status, estale)
	equal(t, "then", r.look(t, "d/", "f"), "-")
}

// Two versions of the same bytes and second are two nodes.
func TestSameBytesTwiceInASecond(t *testing.T) {
	srv := s3test.New(t, s3test.Options{Versioned: true})
	same := s3test.Object{Body: []byte("x"), ETag: `"e"`, LastModified: moment}
	first := srv.Put("f", same)
	r := versionsRig(t, srv, moment, false)
	k := r.kernel(t)
	one := k.walk("f")
	srv.Put("f", same)
	two := versionsRig(t, srv, moment, false).kernel(t).walk("f")
	if one.Ino != two.Ino || one.Generation == two.Generation {
		t.Errorf("%d of %x, then %d of %x", one.Ino, one.Generation, two.Ino, two.Generation)
	}
	srv.DeleteVersion("f", first.VersionID)
	_, status := k.open(one.NodeId, syscall.O_RDONLY)
	equal(t, "open of the first, gone for good", status, estale)
}

// Every version by a name, and each with its own bytes.
func TestAllVersions(t *testing.T) {
	srv := past(t)
	r := versionsRig(t, srv, time.Time{}, true)
	paths := r.all(t, "")
	k := r.kernel(t)
	got := map[string]string{}
	for _, path := range paths {
		if !strings.HasSuffix(path, "/") {
			short := stamp.ReplaceAllStringFunc(path, func(s string) string { return s[:len("~20260801T101112")] })
			got[short] = k.content(strings.Split(path, "/")...)
		}
	}
	want := map[string]string{
		"d/f": "three", "d/f~20260801T101112": "one", "d/f~20260801T101122": "two", "d/gone~20260801T101112": "was here", "d/new": "new",
		"e/only/then~20260801T101112": "and then not", "empty": "not any more", "empty~20260801T101112": "", "n/x": "a directory", "n~20260801T101112": "a file",
	}
	if !maps.Equal(got, want) {
		t.Errorf("got %q\nwant %q", got, want)
	}
	// The same, each by its name and without a listing; and at a time, what there was.
	alone := versionsRig(t, srv, time.Time{}, true)
	for _, path := range paths {
		dir, name := dirOf(strings.TrimSuffix(path, "/"))
		equal(t, "lookup of "+path, dir+alone.look(t, dir, name), path)
		e, _, _ := alone.lookup(dir, name)
		listed, _, _ := r.lookup(dir, name)
		equal(t, "entry of "+path, e.unclassed(), listed.unclassed()) // a HEAD does not say STANDARD
	}
	for _, name := range []string{"f~20260801T101112Z-00000000", "f~20260801T101112Z-0000000", "f~", "nosuch~20260801T101112Z-00000000"} {
		equal(t, "lookup of "+name, alone.look(t, "d/", name), "-")
	}
	then := versionsRig(t, srv, moment.Add(15*time.Second), true)
	var names []string
	for _, path := range then.all(t, "d/") {
		names = append(names, stamp.ReplaceAllString(path, "~"))
	}
	equalAll(t, "at a time", names, []string{"d/f", "d/f~", "d/gone~"})
	equal(t, "content then", then.kernel(t).content("d", "f"), "two")
}

// A name that an object has is the object's, and a version whose name it is has
// none; a directory's is the directory's, and what it hides is behind the door.
func TestNamesThatSeveralWouldHave(t *testing.T) {
	srv := s3test.New(t, s3test.Options{Versioned: true})
	name := func(key string, second int64, o s3test.Object) string {
		dir, base := dirOf(key)
		return versionName(dir, base, moment.Unix()+second, o.VersionID)
	}
	taken := name("f.txt", 0, srv.Put("f.txt", holding("old", 0)))
	srv.Put("f.txt", holding("new", 1))
	srv.Put(taken, holding("an object", 0))
	srv.Put("n/x", holding("", 0))
	srv.DeleteAt("n/x", moment.Add(time.Second))
	srv.Put("n", holding("hidden", 2))
	dir := name("g", 0, srv.Put("g", holding("of g", 0)))
	srv.DeleteAt("g", moment.Add(time.Second))
	srv.Put(dir+"/x", holding("", 0))
	nul := name("a\x00b", 0, srv.Put("a\x00b", holding("nul", 0)))
	srv.Put("a\x00b", holding("now", 1))
	long := strings.Repeat("l", 300)
	cut := name(long, 0, srv.Put(long, holding("long", 0)))
	srv.DeleteAt(long, moment.Add(time.Second))
	marker := name("m/", 0, srv.Put("m/", holding("marker", 0)))
	srv.Put("m/", holding("", 1))
	r, alone := versionsRig(t, srv, time.Time{}, true), versionsRig(t, srv, time.Time{}, true)
	names, _ := r.list(t, "")
	slices.Sort(names)
	want := []string{"f.txt", taken, dir + "/", cut, "m/", "n/"}
	slices.Sort(want)
	equalAll(t, "names", names, want)
	names, _ = r.list(t, "m/")
	equalAll(t, "names in m", names, []string{marker})
	for _, r := range []*rig{r, alone} {
		k := r.kernel(t)
		for _, tt := range []struct{ path, want string }{
			{taken, "an object"}, {doorName + "/n", "hidden"}, {doorName + "/" + dir, "of g"}, {cut, "long"}, {"m/" + marker, "marker"},
			{doorName + "/" + escapeName("a\x00b", false), "now"}, {doorName + "/" + escapeName(nul, false), "nul"},
		} {
			equal(t, "content of "+tt.path, k.content(strings.Split(tt.path, "/")...), tt.want)
		}
		equal(t, "n", r.look(t, "", "n"), "n/")
		equal(t, "of no bytes", r.look(t, "m/", versionName("m/", "", moment.Unix()+1, "")), "-")
	}
	if !strings.Contains(r.log.String(), "versions=1") {
		t.Errorf("the version without a name is not told of: %s", r.log)
	}
}

// Versions of names that are cut alike are told apart, with a listing and without.
func TestLongNamesAmongVersions(t *testing.T) {
	srv := s3test.New(t, s3test.Options{Versioned: true})
	want := []string{}
	for i := range 3 {
		name := strings.Repeat("é", 120) + fmt.Sprint(i) + ".tar.gz"
		for second := range 2 {
			old := srv.Put("d/"+name, holding(fmt.Sprint(i, second), second))
			if second == 0 {
				want = append(want, versionName("d/", name, moment.Unix(), old.VersionID))
			}
		}
	}
	r, alone := versionsRig(t, srv, time.Time{}, true), versionsRig(t, srv, time.Time{}, true)
	names, _ := r.list(t, "d/")
	equal(t, "names", len(names), 6)
	k, ka := r.kernel(t), alone.kernel(t)
	for i, name := range want {
		if len(name) > nameMax || len(name) < nameMax-3 || !strings.HasSuffix(name, ".tar.gz") || !slices.Contains(names, name) {
			t.Errorf("%s of %d bytes is not among %q", name, len(name), names)
		}
		equal(t, "content", k.content("d", name), fmt.Sprint(i, 0))
		equal(t, "without a listing", ka.content("d", name), fmt.Sprint(i, 0))
	}
}

// The present object is what it is in any mount: an open asks whether it still is
// that.
func TestPresentAmongVersions(t *testing.T) {
	srv := past(t)
	r := versionsRig(t, srv, time.Time{}, true)
	k := r.kernel(t)
	r.all(t, "")
	node := k.walk("d", "f").NodeId
	srv.Put("d/f", holding("four", 30))
	_, status := k.open(node, syscall.O_RDONLY)
	equal(t, "open of what was replaced", status, estale)
	equal(t, "now", k.content("d", "f"), "four")
	empty := k.walk("empty").NodeId
	srv.DeleteAt("empty", moment.Add(time.Minute))
	_, status = k.open(empty, syscall.O_RDONLY)
	equal(t, "open of what was deleted", status, estale)
}

func TestXattrOfVersions(t *testing.T) {
	srv := past(t)
	then := versionsRig(t, srv, moment, false, withXattr)
	e, _, _ := then.lookup("d/", "f")
	k := then.kernel(t)
	file := k.walk("d", "f").NodeId
	then.ResetLog()
	got, _ := k.xattr(t, file, "user.s3.version-id")
	equal(t, "the version's id", got, e.version.id())
	then.asked(t)
	got, _ = k.xattr(t, file, "user.s3.storage-class")
	equal(t, "what the listing says", got, "STANDARD")
	then.asked(t)
	got, _ = k.xattr(t, file, "user.s3.content-type")
	equal(t, "what a HEAD says", got, "binary/octet-stream")
	then.asked(t, "HEAD d/f version="+e.version.id())

	all := versionsRig(t, srv, time.Time{}, true, withXattr)
	k = all.kernel(t)
	for _, path := range all.all(t, "d/") {
		_, name := dirOf(path)
		e, _, _ := all.lookup("d/", name)
		now, _ := srv.Object("d/" + name)
		node := k.walk("d", name).NodeId
		want := e.version.id()
		if want == "" {
			want = now.VersionID
		}
		got, _ := k.xattr(t, node, "user.s3.version-id")
		equal(t, "version of "+name, got, want)
		got, _ = k.xattr(t, node, "user.s3.key")
		equal(t, "key of "+name, got, "d/"+e.object())
	}
}

func TestVersionNames(t *testing.T) {
	for _, tt := range []struct{ name, want string }{
		{"report.pdf", "report~S.pdf"}, {"Makefile", "Makefile~S"}, {".bashrc", ".bashrc~S"}, {".config.json", ".config~S.json"},
		{"a.tar.gz", "a~S.tar.gz"}, {".tar.gz", ".tar~S.gz"}, {"a.", "a.~S"}, {"...", "...~S"}, {"a.b c", "a.b c~S"},
		{"a.averyveryverylongone", "a.averyveryverylongone~S"}, {"a~20260801T101112Z-00000000.txt", "a~20260801T101112Z-00000000~S.txt"},
	} {
		got := versionName("d/", tt.name, moment.Unix(), "v1")
		all := stamp.FindAllString(got, -1)
		equal(t, "name of "+tt.name, strings.Replace(got, all[len(all)-1], "~S", 1), tt.want)
	}
	equal(t, "as documented", versionName("", "report.pdf", moment.Unix(), "v1"), "report~20260801T101112Z-b79a45d9.pdf")
	a, b := versionName("", strings.Repeat("n", 254)+"1", 0, "null"), versionName("", strings.Repeat("n", 254)+"2", 0, "null")
	if a == b || len(a) != nameMax {
		t.Errorf("long names: %s, %s", a, b)
	}
}

// Whatever a key's name, its version's can be had and leads back to it.
func TestVersionNamesLeadBack(t *testing.T) {
	name := rapid.OneOf(
		rapid.StringMatching(`[a-z~. ]{1,12}(\.[a-z]{1,5}){0,2}`), rapid.StringN(1, 255, 255), rapid.StringMatching(`[é.]{110,127}`),
		rapid.StringMatching(`a{200,250}\.(txt|tar\.gz)`), rapid.StringMatching(`.?~20260801T101112Z-[0-9a-f]{8}(\.[a-z]{3})?`))
	rapid.Check(t, func(t *rapid.T) {
		n := name.Filter(func(n string) bool { return showable(n) && !strings.Contains(n, "/") }).Draw(t, "name")
		is := versionName("d/", n, rapid.Int64Range(0, 4e9).Draw(t, "at"), rapid.String().Draw(t, "id"))
		begin, exact, ok := versionedName(is)
		if !showable(is) || !ok || exact && begin != n || !strings.HasPrefix(n, begin) {
			t.Fatalf("%q is a version of %q, %v, %v; want %q", is, begin, exact, ok, n)
		}
	})
}

// A table keeps what is known of versions.
func TestTableOfVersions(t *testing.T) {
	var held table
	all := []entry{{name: "a", tag: "t", version: "v1"}, {name: "b", tag: strings.Repeat("0a", 16), size: 4},
		{name: "c", version: versionOf("v2\x00object")}, {name: "d", tag: strings.Repeat("0a", 16), version: versionOf(strings.Repeat("v", 1024))}}
	for _, e := range all {
		held.add(e)
	}
	for i, e := range all {
		equal(t, "entry", held.at(i), e)
	}
	equal(t, "the object's name", all[2].object(), "object")
	equal(t, "object", contentOf("d/", all[2]), cache.Object{Key: "d/object", Pin: "v2"})
}
