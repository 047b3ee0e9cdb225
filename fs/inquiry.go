package fs

import (
	"errors"
	iofs "io/fs"
	"strings"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"s3mount/s3"
)

// inquiries are the HEADs that it takes to show what the metadata of objects
// says: one for each version of a file, which is remembered, and one for each
// directory that may have a marker, which is believed as long as a listing. Nil
// without Options.Posix: then nothing is asked.
type inquiries struct {
	tree *Tree

	mu       sync.Mutex                   // guards all below; never held over a request
	known    *lru.Cache[subject, *answer] // one of many trees has it with the others
	asking   map[subject]*inquiry         // under way
	ahead    int                          // of these, how many were begun ahead of a lookup
	pursuits []*pursuit                   // the newest last
}

// A subject is a version of an object; of a directory it is the marker, whatever its
// version.
type subject struct {
	within     string // as in Tree
	key        string
	generation uint64
}

func (q *inquiries) subjectOf(key string, e entry) subject {
	if e.dir {
		return subject{q.tree.within, key, 0}
	}
	e.name = "" // the key says it
	return subject{q.tree.within, key, q.tree.generation(key, e)}
}

// An answer is what a HEAD said.
type answer struct {
	posix
	asked *asked        // all of it, for extended attributes; nil without these
	at    time.Duration // by the tree's clock, when it was asked
	began time.Time     // likewise
	lasts bool          // it is true of the version for ever; else it is believed as long as a listing

	// Where the key does not hold the version that was asked about, the rest says
	// nothing of it. Such an answer is not remembered.
	gone bool   // it holds nothing
	now  *entry // it holds this
}

// An inquiry is one HEAD under way, and its answer to all who wait for it.
type inquiry struct {
	ahead bool          // begun before anybody waited for it
	done  chan struct{} // closed when the rest is set
	*answer
	err error
}

// answersOf is how many of the names that may be remembered may have an answer
// as well, which takes more memory.
const answersOf = 4

// lastsAfter is how old a version must be for what is said of it to last. A copy of
// an object to itself changes the metadata, and not always the ETag: only the
// date tells the two apart, in seconds. The rest is for clocks that differ.
const lastsAfter = 5 * time.Second

func newAnswers(entries int) *lru.Cache[subject, *answer] {
	known, _ := lru.New[subject, *answer](max(entries/answersOf, 1)) // it errs below 1
	return known
}

// about says what the metadata of a file says. Like lookup, it takes no context.
func (q *inquiries) about(key string, e entry) (*answer, error) {
	v := q.subjectOf(key, e)
	q.mu.Lock()
	if a := q.knownLocked(v); a != nil {
		q.mu.Unlock()
		return a, nil
	}
	i, under := q.asking[v]
	if !under {
		i = q.beginLocked(v)
	}
	q.mu.Unlock()
	if !under {
		q.answer(i, v, e)
	}
	<-i.done
	return i.answer, i.err
}

// aboutDir says what the metadata of a directory's marker says. A directory that
// is known to have none is not asked for.
func (q *inquiries) aboutDir(prefix string) (*answer, error) {
	if a := q.unmarked(prefix); a != nil {
		return a, nil
	}
	return q.about(prefix, entry{dir: true})
}

// unmarked gives the answer about a directory that has no marker; nil if it may
// have one.
func (q *inquiries) unmarked(prefix string) *answer {
	if prefix == "" || !q.tree.filter.shows(prefix) { // the bucket; a marker that is filtered out
		return &answer{began: time.Now()}
	}
	if l := q.tree.known(prefix); l != nil && l.unmarked() {
		return &answer{began: l.began}
	}
	return nil
}

// unmarked says whether the listing shows that there is no marker, which comes
// first if keys come in order.
func (l *listing) unmarked() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return !l.names.marked && (l.complete || l.anyLocked() && l.provenLocked())
}

// knownLocked gives the answer that is remembered, if it may be believed. Where
// listings are not, lookup has just asked for the file and got this one.
func (q *inquiries) knownLocked(v subject) *answer {
	a, ok := q.known.Get(v)
	ttl := q.tree.opts.TTL
	if ok && (a.lasts || q.tree.clock()-a.at < ttl && !q.refreshed(v, a) || ttl == 0 && v.generation != 0) {
		return a
	}
	return nil
}

// forgetUnderWay has nobody join an inquiry about what is below a prefix, or about
// the key that is it without its slash.
func (q *inquiries) forgetUnderWay(prefix string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for v := range q.asking {
		if strings.HasPrefix(v.key, prefix) || v.key+"/" == prefix {
			delete(q.asking, v)
		}
	}
}

// refreshed says whether somebody has asked since for what is there now.
func (q *inquiries) refreshed(v subject, a *answer) bool {
	return q.tree.refreshedSince(strings.TrimSuffix(v.key, "/")+"/", a.began)
}

func (q *inquiries) beginLocked(v subject) *inquiry {
	i := &inquiry{done: make(chan struct{}), err: errUnanswered} // unless inquire returns
	q.asking[v] = i
	return i
}

// answer answers an inquiry, in any case.
func (q *inquiries) answer(i *inquiry, v subject, e entry) {
	defer q.finish(i, v)
	i.answer, i.err = q.inquire(v.key, e)
}

func (q *inquiries) finish(i *inquiry, v subject) {
	q.mu.Lock()
	if q.asking[v] == i {
		delete(q.asking, v)
	}
	if i.ahead {
		q.ahead--
	}
	if i.err == nil && !i.gone && i.now == nil {
		q.known.Add(v, i.answer)
	}
	q.mu.Unlock()
	close(i.done)
}

// inquire asks. Who may not read an object may see it, as the mount's flags have
// it; any other failure is one of the lookup: that the object is no link must be
// known, not guessed.
func (q *inquiries) inquire(key string, e entry) (*answer, error) {
	a := &answer{at: q.tree.clock(), began: time.Now()}
	o := s3.Object{Key: key, ETag: e.tag, VersionID: e.version.id()}
	said, same, err := s3.Attributes{}, false, error(nil)
	if e.dir && !q.tree.at.IsZero() { // the marker that there was then
		o, err = q.tree.bucket.Head(q.tree.ctx, key)
	}
	if err == nil {
		said, same, err = q.tree.bucket.Describe(q.tree.ctx, o)
	}
	switch {
	case errors.Is(err, iofs.ErrPermission), errors.Is(err, iofs.ErrNotExist) && e.dir:
		return a, nil
	case errors.Is(err, iofs.ErrNotExist), err == nil && !same && (o.VersionID != "" || !q.tree.at.IsZero()):
		a.gone = true
		return a, nil
	case err != nil:
		return nil, err
	case !e.dir && !same:
		_, name := dirOf(key)
		now := entryOf(name, q.tree.named(said.Object))
		a.now = &now
		return a, q.heard(said, a.at, a.began)
	}
	return a, q.read(a, said, e)
}

// heard takes in what a HEAD said of what a key holds now.
func (q *inquiries) heard(said s3.Attributes, at time.Duration, began time.Time) error {
	_, name := dirOf(said.Key)
	e := entryOf(name, q.tree.named(said.Object))
	a := &answer{at: at, began: began}
	if err := q.read(a, said, e); err != nil {
		return err
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.known.Add(q.subjectOf(said.Key, e), a)
	return nil
}

// read makes an answer of what a HEAD said of an entry. Of what may be a link it
// reads the target, which decides.
func (q *inquiries) read(a *answer, said s3.Attributes, e entry) (err error) {
	a.posix = posixOf(said.Meta, said.Key, e.dir)
	old := !said.LastModified.IsZero() && a.began.Sub(said.LastModified) >= lastsAfter
	a.lasts = !e.dir && (old || e.version.id() != "" && e.version.id() != "null") // which is replaced in its place
	if q.tree.opts.Xattr {
		a.asked = &asked{said, a.at}
	}
	if !a.link {
		return nil
	}
	switch a.target, err = q.tree.target(said.Key, e); {
	case errors.Is(err, s3.ErrArchived), errors.Is(err, iofs.ErrPermission):
		a.lasts, err = false, nil // a file that cannot be read, for now
	}
	return err
}

// isLink says whether a file is known to be a link, which nobody opens.
func (q *inquiries) isLink(key string, e entry) bool {
	if q == nil {
		return false
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	a, ok := q.known.Peek(q.subjectOf(key, e))
	return ok && a.target != ""
}

// head asks for an object, as lookup does, and takes in what it says beside.
//
// A link's target is read from the version that the HEAD was of. Where the link is
// replaced in between, the new one is asked for, once.
func (q *inquiries) head(key string) (o s3.Object, err error) {
	for range 2 {
		at, began := q.tree.clock(), time.Now()
		var said s3.Attributes
		said, _, err = q.tree.bucket.Describe(q.tree.ctx, s3.Object{Key: key})
		if err == nil {
			err = q.heard(said, at, began)
		}
		o = q.tree.named(said.Object)
		if !errors.Is(err, s3.ErrChanged) {
			break
		}
	}
	return o, err
}
