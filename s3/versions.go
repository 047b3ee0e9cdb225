package s3

import (
	"context"
	"errors"
	"fmt"
	iofs "io/fs"
	"net/http"
	"slices"
	"strings"
	"time"
)

// ErrNoVersions: the server does not know, or does not offer, listings of
// versions, and the bucket was made to ask for them.
var ErrNoVersions = errors.New("the server does not list versions")

// At is [Options.At].
func (b *Bucket) At() time.Time { return b.opts.At }

// Versions is [Options.Versions].
func (b *Bucket) Versions() bool { return b.opts.Versions }

// KeepsVersions says whether a listing of versions has told of one that has a
// version id of its own. A bucket in which versions were never kept tells of none.
func (b *Bucket) KeepsVersions() bool { return b.keeps.Load() }

// byVersion says whether listings are of versions, and objects named by them.
func (b *Bucket) byVersion() bool { return b.opts.Versions || !b.opts.At.IsZero() }

// A version is one line of a listing of versions: an object, or the marker that
// says that from then on there is none.
type version struct {
	Entry
	latest bool
	marker bool
}

// byAge orders the versions of a page: by key, the newest of a key first. The
// server's own order is that, but some list the markers apart from the objects;
// then only the time tells which came first.
func byAge(a, b version) int {
	switch c := strings.Compare(a.Key, b.Key); {
	case c != 0:
		return c
	case a.latest != b.latest && a.latest:
		return -1
	case a.latest != b.latest:
		return 1
	}
	return b.LastModified.Compare(a.LastModified)
}

// A history makes a listing of versions what a listing of one moment would be,
// or of all versions. The folding is done here: with S3's own delimiter a
// directory would be given in which there is nothing but delete markers, and
// what came later. Where a page ends in a directory that is known to be there,
// the next one is asked for behind it: of a large directory one page is read.
type history struct {
	opts ListOptions
	at   time.Time // zero: now
	all  bool      // older versions, too

	key, id string // the marker that the next page begins behind
	sent    seen   // markers
	pages   seen
	idle    int

	split []version // of the key that the last page ended in: there may be more
	done  string    // that key, if there is no need for more
	fold  string    // the directory that was given last
}

func (b *Bucket) history(opts ListOptions) *history {
	return &history{opts: opts, at: b.opts.At, all: b.opts.Versions, key: opts.StartAfter, sent: newSeen(), pages: newSeen()}
}

// next asks for the next page and gives its entries.
func (h *history) next(ctx context.Context, b *Bucket, retry Retry) (Page, error) {
	p, err := b.versionsPage(ctx, h.opts, h.key, h.id, retry)
	if err != nil {
		return Page{}, err
	}
	h.idle++
	if n := len(p.versions); n > 0 {
		first, last := &p.versions[0], &p.versions[n-1]
		if !h.pages.again(strings.Join([]string{first.Key, first.VersionID, last.Key, last.VersionID}, "\x00")) {
			h.idle = 0
		}
	}
	page := Page{Entries: h.take(p), Last: !p.truncated}
	switch {
	case page.Last:
	case h.idle > maxIdlePages:
		return Page{}, b.listError(h.opts, "page after page without a new version")
	case h.skip(p) && !h.sent.again(h.key+"\x00"):
	default:
		if h.key, h.id = p.key, p.id; h.sent.again(h.key + "\x00" + h.id) {
			return Page{}, b.listError(h.opts, "the marker was given before")
		}
	}
	return page, nil
}

// take gives the entries that a page makes known.
func (h *history) take(p versionsPage) (entries []Entry) {
	rest := p.versions
	if len(h.split) > 0 && !slices.ContainsFunc(rest, func(v version) bool { return v.Key == h.split[0].Key }) {
		entries = h.give(entries, h.split)
		h.split = nil
	}
	for len(rest) > 0 {
		key := rest[0].Key
		n := 1
		for n < len(rest) && rest[n].Key == key {
			n++
		}
		group := rest[:n:n]
		rest = rest[n:]
		if h.folded(key) || key == h.done {
			continue
		}
		if len(h.split) > 0 && h.split[0].Key == key {
			group = append(h.split, group...)
			h.split = nil
		}
		if p.truncated && p.key == key && !h.settled(group) {
			h.split = h.worth(group)
			continue
		}
		if p.truncated && p.key == key {
			h.done = strings.Clone(key)
		}
		entries = h.give(entries, group)
	}
	return entries
}

// folded says whether a key is in the directory that was given last.
func (h *history) folded(key string) bool { return h.fold != "" && strings.HasPrefix(key, h.fold) }

// skip has the next page begin behind what the last one ended in, where no more
// of that is wanted.
func (h *history) skip(p versionsPage) bool {
	switch {
	case h.folded(p.key):
		h.key, h.id = h.fold+"\U0010FFFF", "" // behind all that a key can have there, as UTF-8
	case h.done != "" && p.key == h.done:
		h.key, h.id = h.done, ""
	default:
		return false
	}
	return true
}

// settled says whether more versions of the key would change nothing.
func (h *history) settled(group []version) bool { return !h.all && h.newest(group) < len(group) }

// newest is the first version that was there already, len(group) if none was.
func (h *history) newest(group []version) int {
	for i := range group {
		if !h.notYet(&group[i]) {
			return i
		}
	}
	return len(group)
}

// notYet says whether a version came later. Whole seconds are compared: most
// servers tell no more of a version, nor does stat.
func (h *history) notYet(v *version) bool {
	return !h.at.IsZero() && v.LastModified.Unix() > h.at.Unix()
}

// worth leaves out what need not be kept until the rest comes.
func (h *history) worth(group []version) []version {
	group = group[h.newest(group):]
	if len(group) == 0 { // its key is what is left of it
		return nil
	}
	return slices.Clone(group)
}

// give adds what a key's versions, which are all there, make to the entries.
func (h *history) give(entries []Entry, group []version) []Entry {
	before := len(entries)
	current := h.newest(group)
	for i := current; i < len(group) && (h.all || i == current); i++ {
		v := &group[i]
		switch {
		case v.marker, h.notYet(v):
		case i > current && group[i-1].VersionID == v.VersionID: // a page may begin with the last one of the page before
		default:
			e := v.Entry
			e.Noncurrent = i > current
			entries = append(entries, e)
		}
	}
	if len(entries) == before || h.opts.Delimiter == "" {
		return entries
	}
	key := group[0].Key
	if name, _, deep := strings.Cut(key[len(h.opts.Prefix):], h.opts.Delimiter); deep {
		h.fold = key[:len(h.opts.Prefix)+len(name)+len(h.opts.Delimiter)]
		entries = append(entries[:before], Entry{Key: h.fold, Prefix: true})
	}
	return entries
}

// versionPages is Pages of a bucket by versions: page after page.
func (b *Bucket) versionPages(ctx context.Context, opts ListOptions, yield func(Page, error) bool) {
	h := b.history(opts)
	for {
		page, err := h.next(ctx, b, b.opts.Retry)
		if err != nil {
			yield(Page{}, err)
			return
		}
		if !yield(page, nil) || page.Last {
			return
		}
	}
}

// headAt is Head of a bucket at a time: what its versions say.
func (b *Bucket) headAt(ctx context.Context, key string) (Object, error) {
	if key == "" {
		return Object{}, &Error{Op: opHead, Bucket: b.opts.Name, Err: errors.New("no key given")}
	}
	h := b.history(ListOptions{Prefix: key, PageSize: headVersions})
	for {
		page, err := h.next(ctx, b, b.opts.Retry)
		if err != nil {
			return Object{}, err
		}
		for _, e := range page.Entries {
			if e.Key == key && !e.Noncurrent {
				return Object{Key: key, ETag: e.ETag, VersionID: e.VersionID, Size: e.Size, LastModified: e.LastModified, StorageClass: e.StorageClass, Pinned: true}, nil
			}
		}
		if page.Last || h.done == key || h.key != key { // of the keys that begin so it is the first
			b.stats.failed.Add(1)
			return Object{}, &Error{Op: opHead, Bucket: b.opts.Name, Key: key,
				Err: fmt.Errorf("%w at %s", iofs.ErrNotExist, b.opts.At.UTC().Format(time.RFC3339))}
		}
	}
}

// headVersions are asked for at once, of a key and of those behind it.
const headVersions = 100

// versionsPage asks for one page, behind a marker.
func (b *Bucket) versionsPage(ctx context.Context, opts ListOptions, key, id string, retry Retry) (versionsPage, error) {
	var p versionsPage
	r, err := b.do(ctx, call{
		op: opList, method: http.MethodGet, key: opts.Prefix,
		query: versionsQuery(opts, key, id),
		idle:  3 * b.opts.IdleTimeout,
		retry: retry,
		accept: func(r *reply) (err error) {
			p, err = decodeVersions(r.Body, opts)
			return err
		},
	})
	if err != nil {
		return versionsPage{}, err
	}
	r.release()
	if p.keeps {
		b.keeps.Store(true)
	}
	if p.dropped > 0 {
		b.opts.Log.Warn("the listing of versions has some that do not belong in it; left out",
			"bucket", b.opts.Name, "prefix", opts.Prefix, "versions", p.dropped)
	}
	return p, nil
}
