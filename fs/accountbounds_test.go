package fs

import (
	"fmt"
	"testing"
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"

	"s3mount/s3/s3test"
)

// There is no end of names that are refused, and of those that are gone from the
// kernel nothing is kept.
func TestAccountKeepsNothingOfRefusedNames(t *testing.T) {
	for what, change := range map[string]func(*Options){"listed": func(*Options) {}, "no list": noList} {
		r := newAccountRig(t, change)
		r.srv.AddRule(s3test.Rule{Op: s3test.List, Action: s3test.Error(403, "AccessDenied")})
		r.srv.AddRule(s3test.Rule{Op: s3test.Get, Action: s3test.Error(403, "AccessDenied")})
		r.srv.AddRule(s3test.Rule{Op: s3test.Head, Action: s3test.Error(403, "")})
		k := r.kernel(t)
		for i := range 20 {
			e := k.walk(fmt.Sprint("name-", i))
			x, status := k.lookup(e.NodeId, "x")
			if status.Ok() {
				k.raw.Forget(x.NodeId, 1)
			}
			k.raw.Forget(e.NodeId, 1)
		}
		equal(t, what+": trees", len(r.trees), 0)
		one := k.walk("one")
		k.walk("one", "k")
		k.raw.Forget(one.NodeId, 2)
		equal(t, what+": that of a bucket", len(r.trees), 1)
	}
}

// The requests of a tree that was left end with the account.
func TestAccountEndsWhatItHasLeft(t *testing.T) {
	r := newAccountRig(t)
	r.srv.AddRule(s3test.Rule{Op: s3test.List, Action: s3test.Error(403, "AccessDenied")})
	k := r.kernel(t)
	e := k.walk("name")
	tree := r.all()["name"]
	k.raw.Forget(e.NodeId, 1)
	equal(t, "trees", len(r.all()), 0)
	equal(t, "before", tree.ctx.Err(), nil)
	r.Close()
	if tree.ctx.Err() == nil {
		t.Error("its requests go on")
	}
}

// The bounds of answers about metadata, and of directories that are assumed, are
// of all trees together.
func TestAccountSharesItsBounds(t *testing.T) {
	r := newAccountRig(t, func(o *Options) { o.MaxEntries = 100; o.Posix = true })
	for name, srv := range r.others {
		srv.PutRange(80, func(i int) string { return fmt.Sprintf("x/%02d", i) }, s3test.Object{Size: 1, LastModified: time.Unix(1e9, 0)})
		tree, err := r.tree(name)
		if err != nil {
			t.Fatal(err)
		}
		for i := range 80 {
			e, _, err := tree.lookup("x/", fmt.Sprintf("%02d", i))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := tree.inquiries.about("x/"+e.name, e); err != nil {
				t.Fatal(err)
			}
		}
		equal(t, "answers", tree.inquiries.known.Len(), 100/answersOf)
	}
	one, _ := r.tree("one")
	two, _ := r.tree("two")
	equal(t, "answers of both", one.inquiries.known, two.inquiries.known)
	equal(t, "directories of both", one.assumed, two.assumed)
}

// Equal keys of two buckets have answers of their own.
func TestAccountKeepsAnswersApart(t *testing.T) {
	r := newAccountRig(t, withPosix)
	k := r.kernel(t)
	for i, name := range []string{"one", "two"} {
		for key, mode := range map[string]int{"m": 33152, "m2/": 16832} {
			o := withMeta("", "mode", fmt.Sprint(mode+i))
			o.ETag, o.LastModified = `"same"`, time.Unix(1e9, 0)
			r.others[name].Put(key, o)
		}
	}
	for i, name := range []string{"one", "two"} {
		equal(t, "mode in "+name, k.walk(name, "m").Mode, uint32(33152+i))
		equal(t, "mode in "+name, k.walk(name, "m2").Mode, uint32(16832+i))
	}
}

// The node of a directory is found among those of its bucket.
func TestAccountNodeOf(t *testing.T) {
	r := newAccountRig(t)
	at := r.Root()
	k := kernelOf(t, r, at)
	k.walk("one", "d", "k")
	one := at.EmbeddedInode().GetChild("one")
	d := one.GetChild("d")
	equal(t, "from the bucket", one.Operations().(*dirNode).nodeOf("d/"), d)
	equal(t, "from below", d.Operations().(*dirNode).nodeOf(""), one)
	equal(t, "none", one.Operations().(*dirNode).nodeOf("none/"), nil)
}

// A mount of a time shows it on the directory of the buckets, too.
func TestAccountHasTheTimeOfAt(t *testing.T) {
	at := time.Date(2020, 1, 2, 3, 4, 5, 0, time.UTC)
	r := newAccountRigAt(t, at)
	k := r.kernel(t)
	out, status := k.getattr(root)
	equal(t, "getattr", status, fuse.OK)
	equal(t, "of the buckets", out.Mtime, uint64(at.Unix()))
	equal(t, "of a bucket", k.walk("one").Mtime, uint64(at.Unix()))
}

// What is known of a bucket's markers is as old for a tree that is made anew as it
// was for the one before: they have one clock.
func TestAccountHasOneClock(t *testing.T) {
	r := newAccountRig(t, withPosix, noList)
	r.others["one"].Put("d/", withMeta("", "mode", "16832"))
	first, err := r.tree("one")
	if err != nil {
		t.Fatal(err)
	}
	said, err := first.inquiries.aboutDir("d/")
	if err != nil || said.mode != 0700 {
		t.Fatalf("%+v, %v", said, err)
	}
	r.Account.born = r.Account.born.Add(-time.Hour) // the mount is an hour old
	said.at += time.Hour                            // and was when the marker was asked about
	r.left(first)
	r.others["one"].Put("d/", withMeta("", "mode", "16877"))
	second, err := r.tree("one")
	if err != nil || second == first {
		t.Fatalf("the same tree, %v", err)
	}
	said.at -= r.Account.opts.TTL // that long ago
	if said, err = second.inquiries.aboutDir("d/"); err != nil || said.mode != 0755 {
		t.Errorf("a marker that was asked about a TTL ago is %o, %v; want what it is now", said.mode, err)
	}
}
