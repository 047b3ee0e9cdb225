package fs

import (
	"errors"
	"fmt"
	iofs "io/fs"
	"math"
	"sync"
	"time"

	fusefs "github.com/hanwen/go-fuse/v2/fs"
	"github.com/hashicorp/golang-lru/v2/simplelru"

	"s3mount/s3"
)

// errUnlisted is why a directory cannot be read where nothing is listed.
var errUnlisted = fmt.Errorf("fs: directories are not listed here: %w", iofs.ErrPermission)

// resolveUnlisted asks the server what a name is where nothing may be listed. An
// object is a file, whatever may be below its name. Anything else may be a
// directory, and has to be taken for one, or the kernel would ask for nothing
// below it: a 404 says that there is no object, and no more than that; a 403
// does not even say that.
func (t *Tree) resolveUnlisted(prefix, name string, may kinds) (entry, error) {
	object, err := s3.Object{}, error(iofs.ErrNotExist)
	if may.file {
		object, err = t.head(prefix + name)
	}
	switch {
	case err == nil:
		return entryOf(name, object), nil
	case may.dir && (errors.Is(err, iofs.ErrNotExist) || errors.Is(err, s3.ErrForbidden)):
		return entry{name: name, dir: true}, nil
	}
	return entry{}, err
}

// resolveHiddenUnlisted says what is behind a door where nothing may be listed:
// the directory of an object's name, which only there can be entered; what has a
// name that is none; and the bytes of the directory's own key. A name says here
// whether it is a directory's, so that an object that is missing is missing.
func (t *Tree) resolveHiddenUnlisted(prefix, name string, dir bool) (entry, time.Time, error) {
	at := time.Now()
	switch {
	case dir && showable(name):
		e, at, err := t.lookup(prefix, name)
		if err == nil && e.dir { // it has its own name
			err = iofs.ErrNotExist
		}
		return entry{name: name, dir: true}, at, err
	case dir:
		return entry{name: name, dir: true}, at, nil
	case showable(name), prefix+name == "":
		return entry{}, at, iofs.ErrNotExist
	}
	o, err := t.head(prefix + name)
	if err == nil && name == "" && o.Size == 0 { // a marker, and nothing is hidden
		err = iofs.ErrNotExist
	}
	return entryOf(name, o), at, err
}

// mostAssumed is how many directories the kernel may keep that are only assumed:
// every name that is asked for and is no object makes one, and there is no end
// of those. With 1 KB for each that is 16 MB.
const mostAssumed = 16 << 10

// assumed are the directories that the kernel has where nothing is listed. Beyond
// a number it is asked to forget those that were used least lately. It keeps
// those in which something is open, known, or at home.
type assumed struct {
	mu      sync.Mutex // guards all below; never held over a message to the kernel
	byUse   *simplelru.LRU[*dirNode, struct{}]
	most    int
	pruning bool // a goroutine does
}

func newAssumed(most int) *assumed {
	a := &assumed{most: most}
	// The kernel decides what goes; the LRU's own bound is never met.
	a.byUse, _ = simplelru.NewLRU[*dirNode, struct{}](math.MaxInt, nil)
	return a
}

// used notes that the kernel has asked for a directory, or for something in it.
func (a *assumed) used(d *dirNode) {
	a.mu.Lock()
	over := !a.pruning
	a.byUse.Add(d, struct{}{})
	if over = over && a.byUse.Len() > a.most; over {
		a.pruning = true
	}
	a.mu.Unlock()
	// Not here: the kernel holds the directory above locked until it has the
	// answer to what it has asked.
	if over && !d.tree.background(func() { a.prune(d.Root()) }) {
		a.mu.Lock()
		a.pruning = false
		a.mu.Unlock()
	}
}

// forgotten notes that the kernel has a directory no more.
func (a *assumed) forgotten(d *dirNode) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.byUse.Remove(d)
}

func (a *assumed) count() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.byUse.Len()
}

// prune asks the kernel to forget an eighth of the directories. Those that it
// keeps are asked about again when the others have been.
func (a *assumed) prune(root *fusefs.Inode) {
	old := a.oldest()
	nodes := make([]*fusefs.Inode, len(old))
	for i, d := range old {
		nodes[i] = d.EmbeddedInode()
	}
	if root.NotifyPrune(nodes) != 0 { // a kernel before 6.18
		for _, d := range old {
			d.dismiss()
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.pruning = false
}

// oldest gives those used least lately, and counts them as used.
func (a *assumed) oldest() []*dirNode {
	a.mu.Lock()
	defer a.mu.Unlock()
	old := make([]*dirNode, 0, a.most/8+1)
	for len(old) < cap(old) {
		d, _, ok := a.byUse.GetOldest()
		if !ok {
			break
		}
		a.byUse.Add(d, struct{}{})
		old = append(old, d)
	}
	return old
}

// dismiss has the kernel drop the name of a directory of which it knows nothing
// below: a process that is at home there keeps it, and cannot tell its path.
func (d *dirNode) dismiss() {
	if len(d.Children()) > 0 {
		return
	}
	if name, parent := d.Parent(); parent != nil {
		parent.NotifyEntry(name)
	}
}

// assumedWith notes that a child of the directory was asked for.
func (d *dirNode) assumedWith(child *fusefs.Inode) {
	if !d.IsRoot() {
		d.tree.assumed.used(d)
	}
	if c, ok := child.Operations().(*dirNode); ok {
		d.tree.assumed.used(c)
	}
}

// OnForget is go-fuse's word that the kernel has forgotten the directory.
func (d *dirNode) OnForget() {
	if d.tree.opts.NoList {
		d.tree.assumed.forgotten(d)
	}
	if d.tree.account != nil && d.prefix == d.tree.opts.Prefix {
		d.tree.account.left(d.tree)
	}
}

// unreadable takes the permission to read from the mode of directories.
func unreadable(mode uint32) uint32 { return mode &^ 0444 }
