package fs

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/hanwen/go-fuse/v2/fuse"

	"s3mount/s3/s3test"
)

func frozen(class string) s3test.Object {
	return s3test.Object{Body: []byte("frozen"), ETag: `"frozen"`, StorageClass: class, LastModified: long}
}

func restored(class string) s3test.Object {
	o := frozen(class)
	o.Header = http.Header{"X-Amz-Restore": {`ongoing-request="false", expiry-date="Fri, 23 Dec 2026 00:00:00 GMT"`}}
	return o
}

// An archived object can be seen and not read, with a line in the log that says
// why; once it is restored it can be read, though it is the same version.
func TestArchived(t *testing.T) {
	for _, class := range []string{"GLACIER", "DEEP_ARCHIVE"} {
		r := newRig(t, s3test.Options{Objects: map[string]s3test.Object{"d/f": frozen(class)}}, withXattr)
		k := r.kernel(t)
		if _, err := r.list(t, "d/"); err != nil {
			t.Fatal(err)
		}
		file := k.walk("d", "f")
		equal(t, "size", file.Size, 6)
		if _, status := k.open(file.NodeId, 0); status != fuse.EACCES {
			t.Fatalf("open: %v", status)
		}
		log := r.log.String()
		for _, part := range []string{"archived", "restore-object", "key=d/f", "storage_class=" + class, "InvalidObjectState", "op=open"} {
			if !strings.Contains(log, part) {
				t.Errorf("%q is not in the log: %s", part, log)
			}
		}
		equal(t, "lines in the log", strings.Count(log, "\n"), 1)
		r.ResetLog()
		if got, _ := k.xattr(t, file.NodeId, "user.s3.storage-class"); got != class {
			t.Errorf("storage class %q", got)
		}
		r.asked(t) // the listing has said so
		if _, status := k.xattr(t, file.NodeId, "user.s3.restore"); status != fuse.ENOATTR {
			t.Errorf("restore: %v", status)
		}
		r.Put("d/f", restored(class))
		if got, status := k.read(file.NodeId, k.mustOpen(file.NodeId), 0, 100); string(got) != "frozen" {
			t.Errorf("restored: %q, %v", got, status)
		}
		r.age("d/", 0)
		r.ResetLog()
	}
}

// What restore there is comes with the attributes of a HEAD.
func TestRestoreAttribute(t *testing.T) {
	r := newRig(t, s3test.Options{Objects: map[string]s3test.Object{"f": restored("GLACIER")}}, withXattr)
	k := r.kernel(t)
	if got, _ := k.xattr(t, k.walk("f").NodeId, "user.s3.restore"); !strings.HasPrefix(got, `ongoing-request="false"`) {
		t.Errorf("%q", got)
	}
}

// The class changes and the version does not: what is said of it is no older than
// a listing.
func TestStorageClassIsNoPartOfTheVersion(t *testing.T) {
	warm := frozen("STANDARD")
	r := newRig(t, s3test.Options{Objects: map[string]s3test.Object{"f": warm}}, withXattr)
	k := r.kernel(t)
	before := k.walk("f")
	for _, class := range []string{"STANDARD_IA", "GLACIER", "INVENTED_CLASS", "STANDARD"} {
		r.Put("f", frozen(class))
		r.Tree.dirs.forgetAll()
		if _, err := r.list(t, ""); err != nil {
			t.Fatal(err)
		}
		now := k.walk("f")
		equal(t, class+": node", now.NodeId, before.NodeId)
		r.ResetLog()
		got, _ := k.xattr(t, now.NodeId, "user.s3.storage-class")
		equal(t, "class", got, class)
		if class == "INVENTED_CLASS" {
			r.asked(t, "HEAD f")
		} else {
			r.asked(t)
		}
	}
}

// A file that was replaced, and is back in another class, is that file again.
func TestStorageClassOfAVersionThatIsBack(t *testing.T) {
	r := newRig(t, s3test.Options{Objects: map[string]s3test.Object{"f": frozen("STANDARD")}})
	k := r.kernel(t)
	file := k.walk("f")
	r.Put("f", version("another", 7))
	if _, status := k.open(file.NodeId, 0); status != estale {
		t.Fatalf("replaced: %v", status)
	}
	r.Put("f", frozen("STANDARD_IA"))
	r.Tree.dirs.forgetAll()
	again := k.walk("f")
	equal(t, "node", again.NodeId, file.NodeId)
	k.mustOpen(again.NodeId)
}

// Whoever reads the files of a directory one after the other has those that come
// next fetched ahead, and not the archived.
func TestWalkLeavesArchivedOut(t *testing.T) {
	o := s3test.Options{Objects: map[string]s3test.Object{}}
	for i := range 60 {
		o.Objects[fmt.Sprintf("d/%03d", i)] = s3test.Object{Body: []byte("warm")}
	}
	for i := 10; i < 60; i += 3 {
		o.Objects[fmt.Sprintf("d/%03d", i)] = frozen("DEEP_ARCHIVE")
	}
	r := newRig(t, o)
	k := r.kernel(t)
	if _, err := r.list(t, "d/"); err != nil {
		t.Fatal(err)
	}
	dir := k.walk("d").NodeId
	for i := range 10 {
		name := fmt.Sprintf("%03d", i)
		out, _ := k.lookup(dir, name)
		k.mustOpen(out.NodeId)
	}
	if err := r.WaitIdle(t.Context()); err != nil {
		t.Fatal(err)
	}
	if r.Stats().Guesses == 0 {
		t.Fatal("nothing was fetched ahead")
	}
	for _, q := range r.Log() {
		if o.Objects[q.Key].StorageClass != "" {
			t.Errorf("asked %v", q)
		}
	}
	// A restored one is opened as any other.
	r.Put("d/010", restored("DEEP_ARCHIVE"))
	out, _ := k.lookup(dir, "010")
	if got, status := k.read(out.NodeId, k.mustOpen(out.NodeId), 0, 10); string(got) != "frozen" {
		t.Errorf("%q, %v", got, status)
	}
}

// Every class that has a number keeps it in a table.
func TestStorageClasses(t *testing.T) {
	var table table
	for i, name := range storageClasses {
		c := classOf(name)
		equal(t, name, int(c), i)
		table.add(entry{name: fmt.Sprint(i), tag: strings.Repeat("a", md5Hex), class: c, dir: i%2 == 0})
		equal(t, name+", from the table", table.at(i).class, c)
		equal(t, name+", dir", table.at(i).dir, i%2 == 0)
	}
	equal(t, "another", classOf("FROZEN"), 0)
}
