package s3

import (
	"context"
	"fmt"
	"hash/maphash"
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
}

// An Entry is one line of a listing: an object, or with Prefix set all keys
// that begin with Key.
type Entry struct {
	Key          string
	Prefix       bool
	Size         int64 // bytes; -1: the server did not say
	ETag         string
	LastModified time.Time // zero: the server did not say
	StorageClass string
}

// maxIdlePages is how many pages may come one after the other that are empty or
// were there before. Some servers answer with empty pages while they skip deleted
// keys; one that never ends is not believed.
const maxIdlePages = 100

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

// Pages is List by pages: one request for each.
func (b *Bucket) Pages(ctx context.Context, opts ListOptions) iter.Seq2[Page, error] {
	return func(yield func(Page, error) bool) {
		token, idle := "", 0
		tokens, pages := newSeen(), newSeen()
		for {
			p, err := b.page(ctx, opts, token, b.opts.Retry)
			if err == nil && p.truncated && tokens.again(p.next) {
				err = b.listError(opts, "the continuation token was given before")
			}
			idle++
			if n := len(p.entries); n > 0 && !pages.again(p.entries[0].Key+"\x00"+p.entries[n-1].Key) {
				idle = 0
			}
			if err == nil && p.truncated && idle > maxIdlePages {
				err = b.listError(opts, "page after page without a new key")
			}
			if err != nil {
				yield(Page{}, err)
				return
			}
			if !yield(Page{Entries: p.entries, Last: !p.truncated}, nil) || !p.truncated {
				return
			}
			token = p.next
		}
	}
}

// A seen remembers strings, by eight bytes each: a listing may have a million
// pages. Two of them taken for the same by chance would end a listing with an
// error, once in some ten million listings of that length.
type seen struct {
	seed maphash.Seed
	sums map[uint64]struct{}
}

func newSeen() seen { return seen{maphash.MakeSeed(), map[uint64]struct{}{}} }

// again says whether s was there before.
func (o seen) again(s string) bool {
	sum := maphash.String(o.seed, s)
	_, was := o.sums[sum]
	o.sums[sum] = struct{}{}
	return was
}

// Probe asks for the first page of all keys below prefix, with little patience:
// whether the bucket is there, may be listed, and answers to these credentials.
// It is the first thing to ask, and its answer the first thing to know.
func (b *Bucket) Probe(ctx context.Context, prefix string) (Page, error) {
	patience := Retry{Attempts: 3, Deadline: 10 * time.Second}.withDefaults()
	p, err := b.page(ctx, ListOptions{Prefix: prefix}, "", patience)
	return Page{Entries: p.entries, Last: err == nil && !p.truncated}, err
}

func (b *Bucket) listError(opts ListOptions, what string) error {
	b.stats.failed.Add(1)
	return &Error{Op: opList, Bucket: b.opts.Name, Key: opts.Prefix, Err: fmt.Errorf("%w: %s", errProtocol, what)}
}

// page asks for one page.
func (b *Bucket) page(ctx context.Context, opts ListOptions, token string, retry Retry) (page, error) {
	var p page
	r, err := b.do(ctx, call{
		op: opList, method: http.MethodGet, key: opts.Prefix,
		query: listQuery(opts, token),
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
