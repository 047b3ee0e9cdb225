package fs

import (
	"fmt"
	"slices"
	"syscall"
	"testing"

	"s3mount/s3/s3test"
)

// A lookup reads the first page of a directory, and perhaps all that it asked for
// was in order by chance: nothing may be lost by going on behind it.
func TestUnsortedDirectoryIsReadOnBehindALookup(t *testing.T) {
	o := text()
	o.Unsorted, o.PageSize = true, 1
	var want []string
	for c := 'a'; c < 'q'; c++ {
		want = append(want, string(c))
		for d := 'a'; d < 'g'; d++ {
			o.Text[fmt.Sprintf("%c/%c", c, d)] = ""
		}
	}
	k := newRig(t, o).kernel(t)
	for _, name := range want {
		dir := k.walk(name).NodeId
		got := entryNames(k.all(dir, k.opendir(dir), 0, 4096))[dots:]
		slices.Sort(got)
		equalAll(t, "names in "+name, got, []string{"a", "b", "c", "d", "e", "f"})
	}
}

// The key that may not be asked for need not come first among those that begin so.
func TestFileFoundInAnUnsortedListing(t *testing.T) {
	for _, n := range []int{10, 120} { // of more than orderProof nothing may be learned either, where the page was the whole
		for _, page := range []int{1, 1000} {
			o := text()
			o.Unsorted, o.PageSize, o.DenyHead = true, page, true
			for i := range n {
				key := fmt.Sprintf("f%03d", i)
				o.Text[key], o.Text[key+"-"] = "", ""
			}
			r := newRig(t, o, ttl(0))
			if _, err := r.list(t, ""); err != nil {
				t.Fatal(err)
			}
			for i := range 10 {
				key := fmt.Sprintf("f%03d", i)
				equal(t, "lookup", r.look(t, "", key), key)
				equal(t, "lookup of none", r.look(t, "", key+"x"), "-")
			}
		}
	}
}

// One page, all there is, and not in order: that is put in order, and proves none.
func TestWholePageOutOfOrderProvesNone(t *testing.T) {
	o := text("d", "d-", "d/x")
	for i := range 2 * orderProof {
		o.Text[fmt.Sprint(i)] = ""
	}
	for _, unsorted := range []bool{false, true} {
		o.Unsorted = unsorted
		r := newRig(t, o)
		if _, err := r.list(t, ""); err != nil {
			t.Fatal(err)
		}
		equal(t, fmt.Sprintf("known to be in order, unsorted %v", unsorted), r.inOrder(), !unsorted)
	}
}

// Who may read keys and not list them sees objects only.
func TestHiddenObjectWhereNothingMayBeListed(t *testing.T) {
	o := text("a", "a/x", "b/x")
	o.DenyList = true
	r := newRig(t, o)
	equal(t, "object", r.look(t, "", "a"), "a")
	equal(t, "directory", r.lookErrno("", "b"), syscall.EACCES)
	equal(t, "nothing", r.lookErrno("", "c"), syscall.EACCES)
}

// An open directory whose listing has failed says so until it is rewound.
func TestFailedDirectoryIsRewound(t *testing.T) {
	r := newRig(t, s3test.Options{Text: map[string]string{"a": "", "b": ""}})
	r.AddRule(s3test.Rule{Op: s3test.List, Action: s3test.Error(503, "SlowDown")})
	k := r.kernel(t)
	fh := k.opendir(root)
	for range 2 {
		if _, status := k.readdir(root, fh, dots, 4096); syscall.Errno(status) != syscall.EIO {
			t.Errorf("readdir says %v", status)
		}
		r.ClearRules()
	}
	equalAll(t, "names", entryNames(k.all(root, fh, 0, 4096)), []string{".", "..", "a", "b"})
}
