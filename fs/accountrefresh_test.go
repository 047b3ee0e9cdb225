package fs

import (
	"syscall"
	"testing"
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"

	"s3mount/s3/s3test"
)

func (k kernel) mustRefresh(path string) int32 {
	k.Helper()
	known, status := k.refresh(path)
	if !status.Ok() {
		k.Fatalf("refresh of %q: %v", path, status)
	}
	return known
}

// What is known of a bucket is forgotten whether or not the kernel knows its
// directory now.
func TestAccountRefreshReachesWhatTheKernelForgot(t *testing.T) {
	for _, path := range []string{"", "one", "one/d", "one/d/new"} {
		r := newAccountRig(t)
		k := r.kernel(t)
		one := k.walk("one")
		tree, err := r.tree("one")
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := tree.lookup("", "k"); err != nil {
			t.Fatal(err)
		}
		l := tree.dirs.get("d/").current(tree)
		l.open()
		if _, err := names(t, l); err != nil {
			t.Fatal(err)
		}
		l.close()
		if _, _, err := tree.lookup("d/", "new"); errno(err) != syscall.ENOENT {
			t.Fatal(err)
		}
		k.raw.Forget(one.NodeId, 1)
		r.others["one"].Put("d/new", s3test.Object{Size: 1})
		if known := k.mustRefresh(path); known != 1 && (path == "" || path == "one") {
			t.Errorf("%q: nothing was known", path)
		}
		if _, status := k.lookup(k.walk("one", "d").NodeId, "new"); status != fuse.OK {
			t.Errorf("after the refresh of %q: %v", path, status)
		}
	}
}

// An answer that was asked for before a refresh is told to who waits for it, and
// to nobody else.
func TestAccountRefreshOutlivesAQuestion(t *testing.T) {
	for _, path := range []string{"", "later"} {
		r := newAccountRig(t)
		k := r.kernel(t)
		r.look("one")
		reached, goOn := make(chan struct{}), make(chan struct{})
		r.srv.AddRule(s3test.Rule{Op: s3test.List, Times: 1, Match: func(s3test.Request) bool {
			close(reached)
			return true
		}, Action: s3test.Hold(s3test.BeforeHeaders, goOn)})
		first := make(chan syscall.Errno)
		go func() { first <- r.look("later") }()
		select {
		case <-reached:
		case <-time.After(10 * time.Second):
			t.Fatal("nobody asks")
		}
		k.mustRefresh(path)
		later := s3test.New(t, s3test.Options{Bucket: "later"})
		r.srv.Beside(true, later)
		equal(t, "with the earlier question under way", r.look("later"), 0)
		close(goOn)
		<-first
		equal(t, "and later", r.look("later"), 0)
	}
}

// Of an answer and a listing the newer is believed.
func TestAccountBelievesTheNewer(t *testing.T) {
	r := newAccountRig(t)
	k := r.kernel(t)
	equal(t, "before", r.look("later"), syscall.ENOENT)
	later := s3test.New(t, s3test.Options{Bucket: "later"})
	r.srv.Beside(false, later)
	r.mu.Lock()
	r.names.began = r.names.began.Add(-2 * time.Hour)
	r.mu.Unlock()
	all := k.all(root, k.opendir(root), 0, 4096)
	equalAll(t, "ls", entryNames(all), []string{".", "..", "bucket", "later", "one", "two"})
	_, status := k.lookup(root, "later")
	equal(t, "stat", status, fuse.OK)
	// And the other way round.
	r.root.learn("later", fact{what: absent, at: time.Now()}, time.Hour)
	_, status = k.lookup(root, "later")
	equal(t, "an answer that is newer", status, fuse.ENOENT)
}

// A listing from before a refresh is what its reader is given, and is not believed.
func TestAccountReaddirplusAfterARefresh(t *testing.T) {
	r := newAccountRig(t)
	k := r.kernel(t)
	fh := k.opendir(root)
	k.all(root, fh, 0, 4096)
	k.mustRefresh("")
	_, outs, status := k.readdirplus(root, fh, 2, 4096)
	if !status.Ok() || len(outs) != 3 {
		t.Fatalf("%d entries, %v", len(outs), status)
	}
	for _, out := range outs {
		equal(t, "believed", out.EntryTimeout(), 0)
	}
}

// A bucket that is gone is so at once.
func TestAccountRefreshOfABucketThatIsGone(t *testing.T) {
	for _, path := range []string{"", "two"} {
		r := newAccountRig(t)
		needFUSE(t)
		m, err := r.MountAt(t.TempDir(), MountOptions{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { unmount(t, m) })
		child := converse(t, "reader", m.Dir)
		for _, name := range []string{"one", "two"} {
			equal(t, "before", child.ask("mode "+name), "40555")
		}
		r.srv.Leave(r.others["two"])
		if _, err := Refresh(m.Dir, path); err != nil {
			t.Fatal(err)
		}
		equal(t, "one that stays", child.ask("mode one"), "40555")
		equal(t, "stat", child.ask("mode two"), "ENOENT")
		equal(t, "ls", child.ask("ls two"), "ENOENT")
	}
}
