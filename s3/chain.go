package s3

import (
	"context"
	"hash/maphash"
	"strings"
)

// maxIdlePages is how many pages may come one after the other that are empty or
// were there before. Some servers answer with empty pages while they skip deleted
// keys; one that never ends is not believed.
const maxIdlePages = 100

// A chain is a listing page by page: each request has the token that came with
// the page before.
type chain struct {
	opts          ListOptions
	after         string // where it begins, when that is not opts.StartAfter
	token         string // of the next page; "": of the first
	idle          int    // pages without a new key, up to now
	tokens, pages seen
}

func newChain(opts ListOptions, after string) chain {
	return chain{opts: opts, after: after, tokens: newSeen(), pages: newSeen()}
}

// next asks for the next page of a chain.
func (b *Bucket) next(ctx context.Context, c *chain) (page, error) {
	p, err := b.page(ctx, c.opts, c.after, c.token, b.opts.Retry)
	if err != nil {
		return page{}, err
	}
	if p.truncated && c.tokens.again(p.next) {
		return page{}, b.listError(c.opts, "the continuation token was given before")
	}
	c.idle++
	if n := len(p.entries); n > 0 && !c.pages.again(p.entries[0].Key+"\x00"+p.entries[n-1].Key) {
		c.idle = 0
	}
	if p.truncated && c.idle > maxIdlePages {
		return page{}, b.listError(c.opts, "page after page without a new key")
	}
	c.token = p.next
	return p, nil
}

// ascending says whether entries come in the order of their keys, each once, and
// all are above a key.
func ascending(above string, entries []Entry) bool {
	for i := range entries {
		if entries[i].Key <= above {
			return false
		}
		above = entries[i].Key
	}
	return true
}

// withoutFolded leaves out the prefix that after is below of: S3 gives it again
// to who begins there, when there are other keys below it.
func withoutFolded(after string, entries []Entry) []Entry {
	if len(entries) > 0 && entries[0].Prefix && strings.HasPrefix(after, entries[0].Key) {
		return entries[1:]
	}
	return entries
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
