package fs

import (
	"errors"
	"strings"
	"time"

	fusefs "github.com/hanwen/go-fuse/v2/fs"

	"s3mount/s3"
)

// A sought is a name that has been looked up, for what its metadata says.
type sought struct {
	in     *fusefs.Inode // the directory, or door, that it is looked up in
	prefix string
	child  string // its name there
	entry  entry
	at     time.Time                        // since when that is known
	again  func() (entry, time.Time, error) // looks it up once more
	hidden bool                             // it is behind the door
}

// key is the object's, or a directory's without the slash.
func (w *sought) key() string { return w.prefix + w.entry.object() }

// describe says what the metadata of an entry says, and makes it the entry as it is
// then: a HEAD may tell of another version than the listing did.
func (q *inquiries) describe(w *sought) (*answer, error) {
	for range 3 {
		said, err := q.said(w)
		switch {
		case errors.Is(err, s3.ErrChanged), err == nil && (said.gone || said.now != nil && w.hidden):
			q.tree.distrust(w.prefix, w.entry.name)
			if w.entry, w.at, err = w.again(); err != nil {
				return nil, err
			}
		case err != nil:
			return nil, err
		case said.now != nil:
			w.entry, w.at = *said.now, said.began
			q.tree.learn(w.prefix, fact{entry: w.entry, what: there, at: w.at})
		default:
			if !said.lasts && said.began.Before(w.at) {
				w.at = said.began
			}
			return said, nil
		}
	}
	return nil, s3.ErrChanged // it changes faster than it can be asked for
}

// said is what is known of an entry's metadata, or asked. A node of that version
// has it.
func (q *inquiries) said(w *sought) (*answer, error) {
	if w.entry.dir {
		return q.aboutDir(w.key() + "/")
	}
	if said := lasting(w.in, w.child, w.entry); said != nil {
		return said, nil
	}
	return q.about(w.key(), w.entry)
}

// lasting gives what the node of a name in a directory knows, if that is of the
// entry's version and the last word on it.
func lasting(in *fusefs.Inode, child string, e entry) *answer {
	old := in.GetChild(child)
	if old == nil {
		return nil
	}
	var said *answer
	var of entry
	switch n := old.Operations().(type) {
	case *fileNode:
		said, of = n.said, n.entry
	case *linkNode:
		said, of = n.said, n.entry
	}
	if said == nil || !said.lasts || of.unclassed() != e.unclassed() {
		return nil
	}
	return said
}

// nodeOf gives the node of a directory; nil if the kernel has none, or it is behind
// a door.
func (d *dirNode) nodeOf(prefix string) *fusefs.Inode {
	if prefix == d.prefix {
		return &d.Inode
	}
	n := d.Root()
	if within := d.tree.within; within != "" { // it is below the root
		n = n.GetChild(strings.TrimSuffix(within, "/"))
	}
	below := prefix[len(d.tree.opts.Prefix):]
	for below != "" && n != nil {
		var name string
		name, below, _ = strings.Cut(below, "/")
		n = n.GetChild(name)
	}
	return n
}
