package s3

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"net/http"
	"strconv"
	"strings"
	"time"

	"s3mount/sigv4"
)

// ListOptions say which keys to list.
type ListOptions struct {
	Prefix     string // keys that begin so
	Delimiter  string // keys that hold it behind the prefix are folded into one entry each; "": none are
	StartAfter string // keys above this one; "": all
	PageSize   int    // entries for one request; 0: 1000, which is also the most that S3 gives

	// Parallel is how many requests may be under way at once, when there are more
	// than three pages; 0: 16; 1: one after the other. It takes guesses at where
	// to split the keys: some 8 % more requests, at least two.
	Parallel int
}

// An Entry is one line of a listing: an object, or with Prefix set all keys
// that begin with Key.
type Entry struct {
	Key          string
	Prefix       bool
	Noncurrent   bool  // with Options.Versions: a newer version, or the deletion, came later
	Size         int64 // bytes; -1: the server did not say
	ETag         string
	LastModified time.Time // zero: the server did not say
	StorageClass string
	VersionID    string // of a bucket with Options.At or Options.Versions; else ""
}

// List gives the entries of a listing, one by one, in the server's order: by
// key, in all but a few servers. An error ends it; what came before is a
// beginning and not the whole.
func (b *Bucket) List(ctx context.Context, opts ListOptions) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		for page, err := range b.Pages(ctx, opts) {
			if err != nil {
				yield(Entry{}, err)
				return
			}
			for _, e := range page.Entries {
				if !yield(e, nil) {
					return
				}
			}
		}
	}
}

// A Page is what one request of a listing gave. It may be empty.
type Page struct {
	Entries []Entry
	Last    bool // nothing follows
}

// Pages is List by pages: one request for each, or nearly so. A listing of many
// pages is asked for at several places at once (see [ListOptions.Parallel]); what
// comes is in order all the same. Requests are made while the next page is
// waited for, and when the loop ends none is under way. Listings of versions
// ([Options.At]) are asked for page after page.
func (b *Bucket) Pages(ctx context.Context, opts ListOptions) iter.Seq2[Page, error] {
	return func(yield func(Page, error) bool) {
		if b.byVersion() {
			b.versionPages(ctx, opts, yield)
			return
		}
		s := newScan(b, opts)
		c := newChain(opts, "")
		for n, last := 1, ""; ; n++ {
			p, err := b.next(ctx, &c)
			if err != nil {
				yield(Page{}, err)
				return
			}
			if s.possible && !ascending(last, p.entries) {
				s.possible, s.given = false, given{}
				b.unsorted.Store(true) // and no listing of this bucket is guessed at again
			}
			if s.possible {
				s.given.add(p.entries)
			}
			if !yield(Page{Entries: p.entries, Last: !p.truncated}, nil) || !p.truncated {
				return
			}
			if len(p.entries) > 0 {
				last = p.entries[len(p.entries)-1].Key
			}
			// A listing of three pages is not worth a guess.
			if s.possible && n >= 3 && len(p.entries) > 1 {
				s.run(ctx, c, p.entries, n, yield)
				return
			}
		}
	}
}

// Probe asks for the first page of all keys below prefix, with little patience:
// whether the bucket is there, may be listed, and answers to these credentials.
// It is the first thing to ask, and its answer the first thing to know.
func (b *Bucket) Probe(ctx context.Context, prefix string) (Page, error) {
	return b.firstPage(ctx, prefix, littlePatience)
}

// Enter is [Bucket.Probe] with the patience of any other operation, for a bucket
// that somebody enters when all else is at work.
func (b *Bucket) Enter(ctx context.Context, prefix string) (Page, error) {
	return b.firstPage(ctx, prefix, b.opts.Retry)
}

func (b *Bucket) firstPage(ctx context.Context, prefix string, retry Retry) (Page, error) {
	if b.byVersion() {
		return b.history(ListOptions{Prefix: prefix}).next(ctx, b, retry)
	}
	p, err := b.page(ctx, ListOptions{Prefix: prefix}, "", "", retry)
	return Page{Entries: p.entries, Last: err == nil && !p.truncated}, err
}

// littlePatience is for the first question: a mistake is found out soon.
var littlePatience = Retry{Attempts: 3, Deadline: 10 * time.Second}.withDefaults()

func (b *Bucket) listError(opts ListOptions, what string) error {
	b.stats.failed.Add(1)
	return &Error{Op: opList, Bucket: b.opts.Name, Key: opts.Prefix, Err: fmt.Errorf("%w: %s", errProtocol, what)}
}

// page asks for one page: the one of the token, or the first above after. What
// is between opts.StartAfter and after belongs in it, too, if it comes.
func (b *Bucket) page(ctx context.Context, opts ListOptions, after, token string, retry Retry) (page, error) {
	var p page
	asked := opts
	asked.StartAfter = cmp.Or(after, opts.StartAfter)
	r, err := b.do(ctx, call{
		op: opList, method: http.MethodGet, key: opts.Prefix,
		query: listQuery(asked, token),
		idle:  3 * b.opts.IdleTimeout, // a server may skip a million deleted keys before it answers
		retry: retry,
		accept: func(r *reply) (err error) {
			p, err = decodePage(r.Body, opts)
			return err
		},
	})
	if err != nil {
		return page{}, err
	}
	r.release()
	p.attempts = r.attempts
	if p.dropped > 0 {
		b.opts.Log.Warn("the listing has entries that do not belong in it; left out",
			"bucket", b.opts.Name, "prefix", opts.Prefix, "entries", p.dropped)
	}
	return p, nil
}

// listQuery is the query of ListObjectsV2. Keys are always asked for URL-encoded:
// XML 1.0 cannot hold all the characters that a key can.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html
func listQuery(opts ListOptions, token string) string {
	size := opts.PageSize
	if size == 0 {
		size = 1000
	}
	var q strings.Builder
	add := func(name, value string) {
		if q.Len() > 0 {
			q.WriteByte('&')
		}
		q.WriteString(name + "=" + sigv4.EscapeQuery(value))
	}
	if token != "" {
		add("continuation-token", token)
	}
	if opts.Delimiter != "" {
		add("delimiter", opts.Delimiter)
	}
	add("encoding-type", "url")
	add("list-type", "2")
	add("max-keys", strconv.Itoa(size))
	add("prefix", opts.Prefix)
	if opts.StartAfter != "" && token == "" {
		add("start-after", opts.StartAfter)
	}
	return q.String()
}
