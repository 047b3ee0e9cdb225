package fs

import (
	"context"
	"errors"
	"fmt"
	iofs "io/fs"
	"log/slog"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	fusefs "github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"

	"s3mount/cache"
	"s3mount/s3"
	"s3mount/s3/s3test"
	"s3mount/sigv4"
)

// An accountRig is an account at one endpoint with several buckets behind it.
type accountRig struct {
	*Account
	srv    *s3test.Server // the endpoint, with a bucket of its own, "bucket"
	others map[string]*s3test.Server
	log    *logLines
}

// accountSource is the buckets as the cache sees them.
type accountSource struct{ account *s3.Account }

func (s accountSource) OpenRange(ctx context.Context, o cache.Object, pin string, off, end int64) (cache.Body, error) {
	name, key, _ := strings.Cut(o.Key, "/")
	b, err := s.account.Bucket(name, "")
	if err != nil {
		return nil, err
	}
	o.Key = key
	return source{b}.OpenRange(ctx, o, pin, off, end)
}

// newAccountRig has buckets "one" and "two" in the account, and somebody else's
// "foreign"; each has the objects "k" and "d/k", of equal size and ETag.
func newAccountRig(t testing.TB, change ...func(*Options)) *accountRig {
	t.Helper()
	return newAccountRigAt(t, time.Time{}, change...)
}

// newAccountRigAt has them as they were at a time; zero: now.
func newAccountRigAt(t testing.TB, at time.Time, change ...func(*Options)) *accountRig {
	t.Helper()
	bucket := func(name, region string) *s3test.Server {
		o := s3test.Options{Bucket: name, Region: region, Objects: map[string]s3test.Object{}}
		for _, key := range []string{"k", "d/k"} {
			o.Objects[key] = s3test.Object{Body: fmt.Appendf(nil, "%s of %8s", key, name), ETag: `"same"`, LastModified: time.Unix(1e9, 0)}
		}
		return s3test.New(t, o)
	}
	r := &accountRig{srv: bucket("bucket", "us-east-1"), log: &logLines{}, others: map[string]*s3test.Server{
		"one": bucket("one", "region-1"), "two": bucket("two", "region-2"), "foreign": bucket("foreign", "region-3"),
	}}
	r.srv.Beside(false, r.others["one"], r.others["two"])
	r.srv.Beside(true, r.others["foreign"])
	transport, err := s3.NewTransport(s3.TransportOptions{})
	if err != nil {
		t.Fatal(err)
	}
	account, err := s3.NewAccount(s3.Options{
		At: at, Region: "us-east-1", Endpoint: r.srv.Endpoint(), PathStyle: true, Transport: transport, HedgeAfter: -1,
		Credentials: func(context.Context, sigv4.Credentials) (sigv4.Credentials, error) {
			return r.srv.Credentials(), nil
		},
		Retry: s3.Retry{Attempts: 2, MinWait: time.Millisecond, MaxWait: time.Millisecond},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(account.CloseIdleConnections)
	blocks, err := cache.New(cache.Options{Source: accountSource{account}, MemoryBytes: 16 << 20})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { blocks.Close() })
	opts := Options{Cache: blocks, TTL: time.Hour, Log: slog.New(slog.NewTextHandler(r.log, nil))}
	for _, c := range change {
		c(&opts)
	}
	if r.Account, err = NewAccount(account, opts); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return r
}

func (r *accountRig) kernel(t testing.TB) kernel {
	return kernelOf(t, r, r.Root())
}

func kernelOf(t testing.TB, r *accountRig, at fusefs.InodeEmbedder) kernel {
	return kernel{t, fusefs.NewNodeFS(at, fuseOptions(r.opts, MountOptions{Log: slog.New(slog.DiscardHandler)}))}
}

// asked is what all servers were asked since the last call, with the bucket in
// front.
func (r *accountRig) asked(t testing.TB, want ...string) {
	t.Helper()
	var got []string
	for name, srv := range r.servers() {
		for _, q := range srv.Requests() {
			got = append(got, name+": "+q)
		}
		srv.ResetLog()
	}
	slices.Sort(got)
	slices.Sort(want)
	equalAll(t, "asked", got, want)
}

func (r *accountRig) ResetLogs() {
	for _, srv := range r.servers() {
		srv.ResetLog()
	}
}

func (r *accountRig) servers() map[string]*s3test.Server {
	all := map[string]*s3test.Server{"": r.srv}
	for name, srv := range r.others {
		all[name] = srv
	}
	return all
}

// look says what a name is: "", or the errno.
func (r *accountRig) look(name string) syscall.Errno {
	_, err := r.lookup(name)
	return errno(err)
}

// Listed names cost the listing, others a LIST of their own, and names that no
// bucket can have nothing.
func TestAccountLookup(t *testing.T) {
	r := newAccountRig(t)
	equal(t, "one", r.look("one"), 0)
	r.asked(t, ": BUCKETS")
	equal(t, "two", r.look("two"), 0)
	equal(t, "none", r.look(".git"), syscall.ENOENT)
	equal(t, "none", r.look("a"), syscall.ENOENT)
	equal(t, "none", r.look("with blank"), syscall.ENOENT)
	equal(t, "none", r.look("é-bucket"), syscall.ENOENT)
	equal(t, "none", r.look(strings.Repeat("x", 256)), syscall.ENAMETOOLONG)
	r.asked(t)
	equal(t, "somebody else's", r.look("foreign"), 0)
	r.asked(t, "foreign: LIST flat", "foreign: LIST flat") // the first was signed for another region
	equal(t, "somebody else's", r.look("foreign"), 0)
	tree, err := r.tree("foreign")
	if err != nil {
		t.Fatal(err)
	}
	e, _, err := tree.lookup("", "d")
	equal(t, "in it", shown(e), "d/")
	equal(t, "in it", err, nil)
	r.asked(t) // that LIST told all
	equal(t, "nobody's", r.look("nobodys"), syscall.ENOENT)
	r.asked(t, ": LIST flat")
	equal(t, "nobody's", r.look("nobodys"), syscall.ENOENT)
	r.asked(t)
}

// What may not be listed is there; trouble is neither there nor missing.
func TestAccountErrors(t *testing.T) {
	r := newAccountRig(t, ttl(0))
	r.others["foreign"].Deny(s3test.List, true)
	equal(t, "may not be listed", r.look("foreign"), 0)
	r.srv.AddRule(s3test.Rule{Op: s3test.List, Action: s3test.Error(503, "SlowDown")})
	equal(t, "trouble", r.look("nobodys"), syscall.EIO)
	r.srv.ClearRules()
	r.srv.AddRule(s3test.Rule{Op: s3test.List, Action: s3test.Error(403, "InvalidAccessKeyId")})
	equal(t, "an unknown key", r.look("nobodys"), syscall.EACCES)
	r.srv.ClearRules()
	r.srv.AddRule(s3test.Rule{Op: s3test.Buckets, Action: s3test.Error(503, "SlowDown")})
	equal(t, "with the listing in trouble", r.look("one"), 0)
	r.srv.ClearRules()
	r.srv.Deny(s3test.Buckets, true)
	equal(t, "with the listing refused", r.look("one"), 0)
	equal(t, "with the listing refused", r.look("nobodys"), syscall.ENOENT)
	r.srv.Deny(s3test.Buckets, false)
	r.srv.Leave(r.others["one"])
	equal(t, "a bucket that is gone", r.look("one"), syscall.ENOENT)
}

// A refused listing is not asked for again with each name, and is with each who
// wants to read it.
func TestAccountWithoutListAllMyBuckets(t *testing.T) {
	r := newAccountRig(t)
	r.srv.Deny(s3test.Buckets, true)
	equal(t, "one", r.look("one"), 0)
	equal(t, "two", r.look("two"), 0)
	r.asked(t, ": BUCKETS", "one: LIST flat", "one: LIST flat", "two: LIST flat", "two: LIST flat")
	for range 2 {
		l := r.list(true)
		<-l.done
		equal(t, "reading", errno(l.err), syscall.EACCES)
	}
	r.asked(t, ": BUCKETS", ": BUCKETS")
	r.srv.Deny(s3test.Buckets, false)
	l := r.list(true)
	<-l.done
	equalAll(t, "when permitted", l.names, []string{"bucket", "one", "two"})
}

func TestAccountThatListsNothing(t *testing.T) {
	r := newAccountRig(t, noList)
	equal(t, "one", r.look("one"), 0)
	equal(t, "nobody's", r.look("nobodys"), syscall.ENOENT)
	r.asked(t, "one: GET .s3mount-is-there 0-0", "one: GET .s3mount-is-there 0-0", ": GET .s3mount-is-there 0-0")
}

// Equal keys of two buckets, with equal ETags, are two objects, and the inodes
// of each are those of a mount of its bucket.
func TestAccountKeepsBucketsApart(t *testing.T) {
	r := newAccountRig(t)
	for range 2 {
		for _, name := range []string{"one", "two"} {
			tree, err := r.tree(name)
			if err != nil {
				t.Fatal(err)
			}
			for prefix, file := range map[string]string{"": "k", "d/": "k"} {
				e, _, err := tree.lookup(prefix, file)
				if err != nil {
					t.Fatal(err)
				}
				f := &fileNode{tree: tree, parent: prefix, entry: e}
				reader := f.reader()
				v, err := reader.ReadAt(t.Context(), 0, int(e.size))
				if err != nil {
					t.Fatal(err)
				}
				equal(t, "bytes", string(slices.Concat(v.Slices()...)), fmt.Sprintf("%s of %8s", prefix+file, name))
				v.Done()
				reader.Close()

				single := rigOf(t, r.others[name])
				alone, _, err := single.lookup(prefix, file)
				equal(t, "found alone", err, nil)
				equal(t, "inode", tree.identity(prefix, e, nil).Ino, single.identity(prefix, alone, nil).Ino)
			}
		}
	}
}

// As the kernel sees it: names, inode numbers, places in the directory.
func TestAccountAsADirectory(t *testing.T) {
	r := newAccountRig(t)
	k := r.kernel(t)
	fh := k.opendir(root)
	all := k.all(root, fh, 0, 4096)
	equalAll(t, "names", entryNames(all), []string{".", "..", "bucket", "one", "two"})
	equal(t, "number of the root", all[0].Ino, 1)
	equal(t, "number above the root", all[1].Ino, 1)
	equalAll(t, "from a place", entryNames(k.all(root, fh, all[2].Off, 60)), []string{"one", "two"})
	r.asked(t, ": BUCKETS")
	entries, outs, _ := k.readdirplus(root, k.opendir(root), 0, 4096)
	for i, e := range entries {
		if i >= dots {
			equal(t, "number of "+e.Name, outs[i].Attr.Ino, e.Ino)
			equal(t, "number of "+e.Name, e.Ino, inode(e.Name, ""))
		}
	}
	r.asked(t)
	one, d := k.walk("one").NodeId, k.walk("one", "d").NodeId
	for _, tt := range []struct {
		what        string
		node, above uint64
	}{{"a bucket", one, 1}, {"a directory", d, inode("one", "")}} {
		in := k.all(tt.node, k.opendir(tt.node), 0, 4096)
		equal(t, "number above "+tt.what, in[1].Ino, tt.above)
	}
	r.srv.Leave(r.others["two"])
	r.mu.Lock()
	r.names.began = r.names.began.Add(-2 * time.Hour)
	r.mu.Unlock()
	equalAll(t, "without rewinding", entryNames(k.all(root, fh, 1, 4096)), []string{"..", "bucket", "one", "two"})
	equalAll(t, "rewound", entryNames(k.all(root, fh, 0, 4096)), []string{".", "..", "bucket", "one"})
}

// A refresh of s3:// has the buckets listed anew, and all in them; one of a path,
// that alone.
func TestAccountRefresh(t *testing.T) {
	r := newAccountRig(t)
	k := r.kernel(t)
	refresh := func(path string) uint32 {
		t.Helper()
		input := make([]byte, refreshMost)
		copy(input, path)
		var out fuse.IoctlOut
		in := fuse.IoctlIn{InHeader: header(root), Cmd: refreshCall, InSize: refreshMost}
		if status := k.raw.Ioctl(nil, &in, input, &out, nil); !status.Ok() {
			t.Fatalf("refresh of %q: %v", path, status)
		}
		return uint32(out.Result)
	}
	for _, name := range []string{"one", "two"} {
		k.walk(name, "d", "k")
	}
	r.srv.Leave(r.others["two"])
	r.others["one"].Put("d/new", s3test.Object{Size: 1})
	k.walk("two")
	if _, status := k.lookup(k.walk("one", "d").NodeId, "new"); status != fuse.ENOENT {
		t.Errorf("before: %v", status)
	}
	equal(t, "known", refresh("one/d"), 1)
	k.walk("one", "d", "new")
	if _, status := k.lookup(root, "two"); status != fuse.ENOENT {
		t.Errorf("a bucket that is gone: %v", status)
	}
	equal(t, "known", refresh("nothing/here"), 0)
	equal(t, "everything", refresh(""), 1)
	r.others["one"].Delete("d/new")
	r.ResetLogs()
	k.walk("one", "d", "k")
	if r.srv.Count(s3test.Buckets) != 1 || r.others["one"].Count("") == 0 {
		t.Errorf("asked %q and %q", r.srv.Requests(), r.others["one"].Requests())
	}
}

// All trees keep to one bound of entries, and one that forgets all forgets no
// other's.
func TestAccountSharesItsMemory(t *testing.T) {
	r := newAccountRig(t, func(o *Options) { o.MaxEntries = 100 })
	for name, srv := range r.others {
		srv.PutRange(80, func(i int) string { return fmt.Sprintf("x/%02d", i) }, s3test.Object{Size: 1})
		tree, err := r.tree(name)
		if err != nil {
			t.Fatal(err)
		}
		l := tree.dirs.get("x/").current(tree)
		l.open()
		if all, err := names(t, l); len(all) != 80 || err != nil {
			t.Fatalf("%d names, %v", len(all), err)
		}
		l.close()
	}
	if n := r.Stats().Entries; n > 100 || n < 80 {
		t.Errorf("%d entries", n)
	}
	one, _ := r.tree("one")
	two, _ := r.tree("two")
	one.dirs.get("a/")
	two.dirs.get("a/")
	one.dirs.forgetAll()
	if one.dirs.peek("a/") != nil || two.dirs.peek("a/") == nil {
		t.Error("one forgets for two")
	}
}

func TestNewAccountRefusesWhatCannotBe(t *testing.T) {
	r := newAccountRig(t)
	b, err := r.account.Bucket("one", "")
	if err != nil {
		t.Fatal(err)
	}
	for what, o := range map[string]Options{
		"no cache": {}, "a bucket": {Cache: r.opts.Cache, Bucket: b}, "a prefix": {Cache: r.opts.Cache, Prefix: "d/"}, "a TTL below zero": {Cache: r.opts.Cache, TTL: -1},
	} {
		if _, err := NewAccount(r.account, o); err == nil {
			t.Errorf("%s is taken", what)
		}
	}
	r.Close()
	if _, err := r.lookup("foreign"); err == nil || errors.Is(err, iofs.ErrNotExist) {
		t.Errorf("behind Close: %v", err)
	}
}
