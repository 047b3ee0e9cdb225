//go:build linux

package fs

import (
	"fmt"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"s3mount/s3/s3test"
)

func noList(o *Options) { o.NoList = true }

// Where nothing is listed a name costs one HEAD, and is a directory unless it is
// an object.
func TestUnlisted(t *testing.T) {
	o := text("d/f", "d/sub/x", "both", "both/x")
	o.DenyList = true
	r := newRig(t, o, noList)
	for _, tt := range []struct{ prefix, name, is, asks string }{
		{"", "d", "d/", "HEAD d"},
		{"d/", "f", "f", "HEAD d/f"},
		{"d/", "sub", "sub/", "HEAD d/sub"},
		{"d/sub/", "x", "x", "HEAD d/sub/x"},
		{"", "both", "both", "HEAD both"}, // an object hides what is below its name
		{"d/", "typo", "typo/", "HEAD d/typo"},
	} {
		equal(t, tt.prefix+tt.name, r.look(t, tt.prefix, tt.name), tt.is)
		r.asked(t, tt.asks)
		equal(t, "again", r.look(t, tt.prefix, tt.name), tt.is)
		r.asked(t)
	}
}

// Of refusals only a 403 leaves it open what a name is, and nothing but a name
// that no key can have is missing.
func TestUnlistedErrors(t *testing.T) {
	for name, tt := range map[string]struct {
		action s3test.Action
		want   syscall.Errno
	}{
		"not there":          {s3test.Error(404, "NoSuchKey"), 0},
		"refused":            {s3test.Error(403, "AccessDenied"), 0},
		"unauthorized":       {s3test.Error(401, ""), syscall.EACCES},
		"a token's end":      {s3test.Error(400, "ExpiredToken"), syscall.EACCES},
		"trouble":            {s3test.Error(503, "SlowDown"), syscall.EIO},
		"a connection reset": {s3test.Reset(s3test.BeforeHeaders), syscall.EIO},
	} {
		r := newRig(t, text("f"), noList)
		r.AddRule(s3test.Rule{Action: tt.action})
		equal(t, name, r.lookErrno("", "f"), tt.want)
		r.ClearRules()
		if tt.want != 0 {
			equal(t, name+", when over", r.look(t, "", "f"), "f")
		}
	}
	r := newRig(t, text("f"), noList)
	equal(t, "a long name", r.lookErrno("", string(make([]byte, nameMax+1))), syscall.ENAMETOOLONG)
	r.asked(t)
}

// What was no object may be one when the TTL is over, and the other way round.
func TestUnlistedIsBelievedForTheTTL(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, text("f"), noList, ttl(time.Minute))
		equal(t, "before", r.look(t, "", "new"), "new/")
		equal(t, "before", r.look(t, "", "f"), "f")
		r.Put("new", s3test.Object{Size: 1})
		r.Delete("f")
		r.age("", 59*time.Second)
		equal(t, "within the TTL", r.look(t, "", "new"), "new/")
		equal(t, "within the TTL", r.look(t, "", "f"), "f")
		r.age("", 2*time.Second)
		equal(t, "after", r.look(t, "", "new"), "new")
		equal(t, "after", r.look(t, "", "f"), "f/")
	})
}

// On a mount: paths open, one HEAD for each name; a directory can be passed and
// not read, by root neither; and nothing is ever listed.
func TestUnlistedMount(t *testing.T) {
	o := text("a/b/c/file", "a", "top")
	o.DenyList = true
	r := newRig(t, o, noList, func(o *Options) { o.Prefix = "a/" })
	m := r.mount(t, MountOptions{})
	child := converse(t, "reader", m.Dir)
	r.ResetLog()
	equal(t, "cat", child.ask("cat b/c/file"), "19 of neither")
	r.asked(t, "HEAD a/b", "HEAD a/b/c", "HEAD a/b/c/file", "GET a/b/c/file 0-18")
	for _, name := range []string{".", "b", "b/c", "typo"} {
		equal(t, "mode of "+name, child.ask("mode", name), "40111")
		equal(t, "ls "+name, child.ask("ls", name), "EACCES")
		equal(t, "cat "+name, child.ask("cat", name), "EACCES")
	}
	r.asked(t, "HEAD a/typo")
	equal(t, "mode of a file", child.ask("mode b/c/file"), "100444")
	equal(t, "below a file", child.ask("stat b/c/file/below"), "ENOTDIR")
	r.asked(t)
	equal(t, "the log", r.log.String(), "")
}

// What an object hides, and what has no name, is behind the door.
func TestUnlistedBehindTheDoor(t *testing.T) {
	o := text("a", "a/x", "a/sub/y", "d//z", "d/", "e/", "only/z")
	o.Text["e/"] = ""
	r := newRig(t, o, noList)
	m := r.mount(t, MountOptions{})
	child := converse(t, "reader", m.Dir)
	r.ResetLog()
	for _, tt := range []struct {
		name, is string
		asks     []string
	}{
		{"a", "10 of neither", []string{"HEAD a", "GET a 0-9"}},
		{"a/x", "ENOTDIR", nil},
		{".s3mount-hidden/a%2F/x", "12 of neither", []string{"HEAD a/x", "GET a/x 0-11"}}, // a is known
		{".s3mount-hidden/a%2F/sub/y", "16 of neither", []string{"HEAD a/sub", "HEAD a/sub/y", "GET a/sub/y 0-15"}},
		{".s3mount-hidden/a", "ENOENT", nil},
		{".s3mount-hidden/only%2F/z", "ENOENT", []string{"HEAD only"}},
		{"d/.s3mount-hidden/%2F/z", "13 of neither", []string{"HEAD d", "HEAD d//z", "GET d//z 0-12"}},
		{"d/.s3mount-hidden/%marker", "11 of neither", []string{"HEAD d/", "GET d/ 0-10"}},
		{"e/.s3mount-hidden/%marker", "ENOENT", []string{"HEAD e", "HEAD e/"}},
		{"e/.s3mount-hidden/%2E", "ENOENT", []string{"HEAD e/."}},
	} {
		equal(t, tt.name, child.ask("cat", tt.name), tt.is)
		r.asked(t, tt.asks...)
	}
	equal(t, "ls", child.ask("ls .s3mount-hidden"), "EACCES")
	equal(t, "mode", child.ask("mode .s3mount-hidden"), "40111")
	r.asked(t)
}

// Whatever is asked for, the kernel keeps so many assumed directories and not
// many more; one that something is open in stays.
func TestAssumedDirectoriesAreForgotten(t *testing.T) {
	const most = 64
	r := newRig(t, text("kept/f"), noList)
	r.Tree.assumed = newAssumed(most)
	m := r.mount(t, MountOptions{})
	child := converse(t, "reader", m.Dir)
	equal(t, "hold", child.ask("hold kept/f"), "held")
	ask := func(from int) {
		for i := range 4 * most {
			equal(t, "mode", child.ask("mode", fmt.Sprint("typo", from+i)), "40111")
		}
	}
	forgotten := func(how string, few int) {
		t.Helper()
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		for end := time.Now().Add(patience); r.assumed.count() > few; <-tick.C {
			if time.Now().After(end) {
				t.Fatalf("%s: %d are kept", how, r.assumed.count())
			}
		}
	}
	ask(0)
	forgotten("while it goes on", 2*most)
	root := r.assumed.oldest()[0].Root()
	if n := len(root.Children()); n > 2*most+1 {
		t.Errorf("%d nodes are kept", n)
	}
	r.Tree.assumed.mu.Lock()
	r.Tree.assumed.most = 1 << 20
	r.Tree.assumed.mu.Unlock()
	ask(1 << 20)
	for _, d := range r.assumed.oldest() { // of which there are fewer than an eighth of that
		d.dismiss() // as older kernels are told
	}
	forgotten("name by name", 1)
	r.ResetLog()
	equal(t, "what is open", child.ask("pread - 0 5"), "5 of neither")
	equal(t, "its name", child.ask("inodes kept/f"), "true")
	r.asked(t)
}
