package fs

import (
	"slices"
	"strings"
)

// An order is one in which programs go through a directory.
type order int

const (
	asListed order = iota // as readdir gives it: find, grep -r, tar, shells
	byInode               // sorted by inode number, as the coreutils do for disks: cp -r, rm -r
	orders
)

// rank says at which place a name comes in an order.
func (l *listing) rank(o order, name string) (int, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	i, ok := l.names.index(name)
	if !ok || o == asListed {
		return i, ok
	}
	if !l.sortByInodeLocked() {
		return 0, false
	}
	return int(l.inodeRank[i]), true
}

// behind is how many entries come behind a name, as far as is known.
func (l *listing) behind(o order, name string) int {
	rank, ok := l.rank(o, name)
	if !ok {
		return 0
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.names.settled.len() - 1 - rank
}

// ranked gives the entry at a place. With none there, end says that none will
// come.
func (l *listing) ranked(o order, rank int) (e entry, ok, end bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if rank >= l.names.settled.len() {
		return entry{}, false, l.complete
	}
	if o == byInode {
		if !l.sortByInodeLocked() {
			return entry{}, false, false
		}
		rank = int(l.byInode[rank])
	}
	return l.names.settled.at(rank), true, false
}

// directoryBetween says whether there is a directory between two places, or so
// many files that it does not matter.
func (l *listing) directoryBetween(o order, from, to int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if to-from > 10_000 {
		return true
	}
	for i := from + 1; i < to; i++ {
		at := i
		if o == byInode {
			at = int(l.byInode[i])
		}
		if l.names.settled.isDir(at) {
			return true
		}
	}
	return false
}

// directoryBehind gives the first directory behind a place.
func (l *listing) directoryBehind(o order, rank int) (name string, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if o == byInode && !l.sortByInodeLocked() {
		return "", false
	}
	for i := rank + 1; i < l.names.settled.len(); i++ {
		at := i
		if o == byInode {
			at = int(l.byInode[i])
		}
		if l.names.settled.isDir(at) {
			return string(l.names.settled.name(at)), true
		}
	}
	return "", false
}

// sortMost is how many entries are sorted, at most: it is done while others wait
// for the listing.
const sortMost = 50_000

// sortByInodeLocked makes the order by inode number, of a listing that is
// whole.
func (l *listing) sortByInodeLocked() bool {
	n := l.names.settled.len()
	if !l.complete || n > sortMost || l.byInode != nil {
		return l.byInode != nil
	}
	inodes := make([]uint64, n)
	l.byInode, l.inodeRank = make([]uint32, n), make([]uint32, n)
	for i := range n {
		key := l.prefix + string(l.names.settled.name(i))
		if l.names.settled.isDir(i) {
			key += "/"
		}
		inodes[i] = inode(l.tree.bucket.Name(), key)
		l.byInode[i] = uint32(i)
	}
	slices.SortFunc(l.byInode, func(a, b uint32) int {
		if inodes[a] < inodes[b] {
			return -1
		}
		return 1
	})
	for rank, i := range l.byInode {
		l.inodeRank[i] = uint32(rank)
	}
	return true
}

// commonDir gives the innermost directory that both paths are in.
func commonDir(a, b string) string {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return a[:strings.LastIndexByte(a[:n], '/')+1]
}
