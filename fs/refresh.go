package fs

import (
	"bytes"
	"context"
	iofs "io/fs"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	fusefs "github.com/hanwen/go-fuse/v2/fs"
)

// refreshCall is the ioctl by which Refresh reaches the daemon, on a directory
// of the mount: _IOW('3', 'S', char[4096]), with the path from that directory on,
// NUL at its end. Codes 00 to 1F of '3' are others'
// (Documentation/userspace-api/ioctl/ioctl-number.rst).
//
// It gives 1 if something was known under that path, and else 0.
const refreshCall = 1<<30 | refreshMost<<16 | '3'<<8 | 'S'

// refreshMost is how many bytes it takes: PATH_MAX of linux/limits.h.
const refreshMost = 4096

// refreshes are those of late: what was asked for before one must not be
// believed after it, wherever it comes from.
type refreshes struct {
	mu  sync.Mutex // guards changes
	all atomic.Pointer[[]refresh]

	number atomic.Int64 // one for each time that a directory became suspect
}

type refresh struct {
	prefix string // of what was forgotten
	at     time.Time
}

// mostRefreshes are remembered one by one. Of more than that, everything counts
// as refreshed.
const mostRefreshes = 64

// refreshedSince says whether what was learned of a prefix at a time has been
// forgotten since.
func (t *Tree) refreshedSince(prefix string, at time.Time) bool {
	all := t.refreshes.all.Load()
	if all == nil {
		return false
	}
	for _, r := range *all {
		if strings.HasPrefix(prefix, r.prefix) && !r.at.Before(at) {
			return true
		}
	}
	return false
}

// refreshed notes that what is known of a prefix is being forgotten.
func (t *Tree) refreshed(prefix string) {
	t.refreshes.mu.Lock()
	defer t.refreshes.mu.Unlock()
	now := time.Now()
	recent := []refresh{{prefix, now}}
	if all := t.refreshes.all.Load(); all != nil {
		for _, r := range *all {
			if now.Sub(r.at) < t.opts.TTL && !strings.HasPrefix(r.prefix, prefix) {
				recent = append(recent, r)
			}
		}
	}
	if len(recent) > mostRefreshes {
		recent = []refresh{{t.opts.Prefix, now}}
	}
	t.refreshes.all.Store(&recent)
}

// forget forgets what is known of all that is below a prefix. The order is what
// makes it last: who comes from now on finds the note, no scan, and a directory
// that nothing is known of; who came before holds one that nobody finds any more.
func (t *Tree) forget(prefix string) {
	t.refreshed(prefix)
	t.stopScans(prefix)
	t.dirs.forgetBelow(prefix)
	if t.inquiries != nil {
		t.inquiries.forgetUnderWay(prefix)
	}
}

// Ioctl is how `s3mount refresh` reaches the daemon.
func (d *dirNode) Ioctl(_ context.Context, _ fusefs.FileHandle, cmd uint32, _ uint64, input, _ []byte) (int32, syscall.Errno) {
	return ioctl(cmd, input, d.refresh, func(path string, err error) syscall.Errno {
		return d.tree.report("refresh", d.prefix+path, err)
	})
}

func ioctl(cmd uint32, input []byte, refresh func(path string) (known bool, err error), report func(path string, err error) syscall.Errno) (int32, syscall.Errno) {
	if cmd != refreshCall {
		return 0, syscall.ENOTTY
	}
	path, _, ended := bytes.Cut(input, []byte{0})
	if !ended {
		return 0, syscall.ENAMETOOLONG
	}
	known, err := refresh(string(path))
	switch {
	case err != nil:
		return 0, report(string(path), err)
	case known:
		return 1, 0
	}
	return 0, 0
}

// refresh forgets what is known of a path below the directory, "" being the
// directory itself: in the tree first, then in the kernel, which would ask the
// tree again. It says whether anything was known under that name.
//
// What is behind a door is known from the listing of the door's directory: all of
// that is forgotten then.
func (d *dirNode) refresh(path string) (known bool, err error) {
	if above, ok := d.account(); ok && path == "" {
		return above.refresh(strings.TrimSuffix(d.tree.within, "/"))
	}
	return d.tree.refreshPath(d.EmbeddedInode(), d.prefix, path)
}

// refreshPath is refresh by the node of a directory; nil where the kernel has none.
func (t *Tree) refreshPath(parent *fusefs.Inode, prefix, path string) (known bool, err error) {
	names := []string(nil)
	if path != "" {
		names = strings.Split(path, "/")
	}
	if door := slices.Index(names, doorName); door >= 0 {
		names = names[:door]
		defer func() { known = false }() // of what is behind it nothing is said
	}
	for _, name := range names {
		if len(name) > nameMax {
			return false, errNameTooLong
		}
		if !showable(name) {
			return false, iofs.ErrNotExist
		}
	}
	if len(names) == 0 && prefix != t.opts.Prefix { // the name that it has counts, too
		above, name := dirOf(strings.TrimSuffix(prefix, "/"))
		if _, node := parent.Parent(); node != nil && showable(name) {
			parent, prefix, names = node, above, []string{name}
		}
	}
	if len(names) == 0 {
		t.forget(prefix)
		if parent != nil {
			forgetNames(parent, parent.Children)
		}
		t.log.Info("refreshed", slog.String("bucket", t.bucket.Name()), slog.String("prefix", prefix))
		return true, nil
	}
	name := names[len(names)-1]
	for _, above := range names[:len(names)-1] {
		t.onTheWay(parent, prefix, above)
		if parent != nil {
			parent = parent.GetChild(above)
		}
		if parent != nil && parent.Mode() == syscall.S_IFLNK { // the kernel would follow it
			return false, errLink
		}
		prefix += above + "/"
	}
	t.log.Info("refreshed", slog.String("bucket", t.bucket.Name()), slog.String("key", prefix+name))
	return t.refresh(parent, prefix, name), nil
}

// onTheWay has a name asked for anew that a refreshed path goes through, unless it
// is known to be a directory: it may have become one.
func (t *Tree) onTheWay(parent *fusefs.Inode, prefix, name string) {
	d := t.dirs.peek(prefix)
	if d == nil {
		return
	}
	if e, what, _ := d.recall(t, name); what == absent || what == there && !e.dir {
		t.distrust(prefix, name)
		if parent != nil {
			parent.NotifyEntry(name)
		}
	}
}

// refresh forgets a name, whatever it is now, and all below it. parent is the
// node of its directory; nil where the kernel knows none.
func (t *Tree) refresh(parent *fusefs.Inode, prefix, name string) (known bool) {
	if d := t.dirs.peek(prefix); d != nil {
		known = d.has(name)
	}
	t.forget(prefix + name + "/")
	t.distrust(prefix, name)
	if parent == nil || !parent.IsDir() {
		return known
	}
	child := func() map[string]*fusefs.Inode { return map[string]*fusefs.Inode{name: parent.GetChild(name)} }
	known = known || child()[name] != nil
	forgetNames(parent, child)
	return known
}

// forgetNames has the kernel ask anew for names in a directory, and for all below
// them.
//
// The kernel takes the lock of the directory for each notification, and holds it
// while it looks up or reads in it; so no lock of ours may be held here. A lookup
// that was under way, and was answered from what was known before, is over after
// the first of them, and its node is among the names that are asked for then.
func forgetNames(dir *fusefs.Inode, names func() map[string]*fusefs.Inode) {
	before := names()
	for name, node := range before {
		forgetName(dir, name, node)
	}
	dir.NotifyEntry(".") // which is the name of nothing
	after := names()
	for name, node := range after {
		if old, ok := before[name]; !ok || old != node {
			forgetName(dir, name, node)
		}
	}
	for _, node := range after {
		if node != nil && node.IsDir() {
			forgetNames(node, node.Children)
		}
	}
}

// forgetName has the kernel ask anew for one name. A directory keeps its name: who
// works in it, or has mounted something there, would lose the way to it. It is its
// attributes that are asked for, whatever it is needed for, and Getattr sees
// whether it still is there.
func forgetName(parent *fusefs.Inode, name string, node *fusefs.Inode) {
	if node == nil {
		parent.NotifyEntry(name)
		return
	}
	switch of := node.Operations().(type) {
	case *dirNode:
		of.suspect.Store(of.tree.refreshes.number.Add(1))
		node.NotifyContent(-1, 0) // below zero: attributes only
	case *fileNode:
		of.checked.Store(0)
		of.asked.Store(nil)
		parent.NotifyEntry(name)
	case *linkNode:
		parent.NotifyEntry(name)
	}
}

// seen notes that a directory was there at a time.
func (d *dirNode) seen(at time.Time) {
	if n := d.suspect.Load(); n != 0 && !d.tree.refreshedSince(d.prefix, at) {
		d.suspect.CompareAndSwap(n, 0)
	}
}

// stillThere looks whether a directory that was refreshed is one now. If not,
// ESTALE makes the kernel look the path up anew.
func (d *dirNode) stillThere() syscall.Errno {
	n := d.suspect.Load()
	if n == 0 {
		return 0
	}
	prefix, name := dirOf(strings.TrimSuffix(d.prefix, "/"))
	lookup := d.tree.lookup
	if _, ok := d.account(); ok {
		lookup = d.tree.bucketItself
	} else if d.hidden {
		lookup = func(prefix, name string) (entry, time.Time, error) { return d.tree.lookupHidden(prefix, name, true) }
	}
	switch e, _, err := lookup(prefix, name); {
	case err == nil && e.dir:
		d.suspect.CompareAndSwap(n, 0)
		return 0
	case err == nil || errno(err) == syscall.ENOENT:
		return syscall.ESTALE
	default:
		return d.tree.report("getattr", d.prefix, err)
	}
}
