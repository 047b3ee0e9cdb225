package fs

import (
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"

	"s3mount/s3"
	"s3mount/s3/s3test"
)

// oldList makes the listing of the buckets, and what is known of names, too old to
// be believed.
func (r *accountRig) oldList() {
	r.mu.Lock()
	defer r.mu.Unlock()
	l := *r.names
	l.began = l.began.Add(-2 * time.Hour)
	r.names, r.good = &l, &l
}

// A bucket of a name that S3 would not take may be in a listing that is in trouble.
func TestAccountDoesNotTakeTroubleForAbsence(t *testing.T) {
	r := newAccountRig(t)
	r.srv.Beside(false, s3test.New(t, s3test.Options{Bucket: "ab"}))
	r.srv.AddRule(s3test.Rule{Op: s3test.Buckets, Action: s3test.Error(503, "SlowDown")})
	equal(t, "with the list in trouble", r.look("ab"), syscall.EIO)
	r.srv.ClearRules()
	equal(t, "with the list", r.look("ab"), 0)
	r.oldList()
	r.srv.AddRule(s3test.Rule{Op: s3test.Buckets, Action: s3test.Error(503, "SlowDown")})
	equal(t, "with an old list, and trouble", r.look("ab"), syscall.EIO)
	r.srv.ClearRules()
	r.srv.Deny(s3test.Buckets, true)
	equal(t, "with the list refused", r.look(".git"), syscall.ENOENT)
}

// Names that no bucket can have cost nothing, however old the list is; but for
// those that it has, and after a refresh.
func TestAccountAsksForNoImpossibleName(t *testing.T) {
	r := newAccountRig(t)
	ab := s3test.New(t, s3test.Options{Bucket: "ab"})
	r.srv.Beside(false, ab)
	r.look("one")
	r.oldList()
	r.ResetLogs()
	equal(t, ".git", r.look(".git"), syscall.ENOENT)
	r.asked(t)
	equal(t, "ab", r.look("ab"), 0)
	r.asked(t, ": BUCKETS")
	r.srv.Beside(false, s3test.New(t, s3test.Options{Bucket: "cd"}))
	equal(t, "cd", r.look("cd"), syscall.ENOENT)
	r.kernel(t).mustRefresh("")
	equal(t, "cd", r.look("cd"), 0)
}

// A bucket that was shown is shown while the list does not come in.
func TestAccountShowsBucketsWithoutAnAnswerToTheList(t *testing.T) {
	r := newAccountRig(t)
	k := r.kernel(t)
	k.walk("one")
	r.oldList()
	release := make(chan struct{})
	defer close(release)
	r.srv.AddRule(s3test.Rule{Op: s3test.Buckets, Action: s3test.Hold(s3test.BeforeHeaders, release)})
	began := time.Now()
	_, status := k.lookup(root, "one")
	equal(t, "one", status, fuse.OK)
	if d := time.Since(began); d > 15*time.Second {
		t.Errorf("after %v", d)
	}
}

// Who enters a bucket has the patience of the mount's options.
func TestAccountEntersWithThePatienceOfOptions(t *testing.T) {
	for _, change := range []func(*Options){func(*Options) {}, noList} {
		r := newAccountRig(t, change) // two attempts
		near := s3test.New(t, s3test.Options{Bucket: "near", Region: "us-east-1"})
		r.srv.Beside(true, near)
		near.AddRule(s3test.Rule{Action: s3test.Error(503, "SlowDown")})
		equal(t, "in trouble", r.look("near"), syscall.EIO)
		equal(t, "attempts", near.Count(""), 2)
	}
}

// It is said which buckets cannot be shown.
func TestAccountSaysWhichBucketsCannotBeShown(t *testing.T) {
	r := newAccountRig(t)
	var all []s3.BucketEntry
	for _, name := range []string{"one", "..", "a/b", "c/d", "e/f"} {
		all = append(all, s3.BucketEntry{Name: name})
	}
	r.Learn(all, nil, time.Now())
	said := r.log.String()
	for _, want := range []string{"buckets=4", `\"..\"`, `\"a/b\"`, `d\", ..."`} {
		if !strings.Contains(said, want) {
			t.Errorf("%q is not in %s", want, said)
		}
	}
}
