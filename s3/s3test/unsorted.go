package s3test

import (
	"cmp"
	"hash/fnv"
	"slices"
	"strings"
)

// readUnsorted is readPage of a server that lists in an order of its own: that of
// the hashes of what it lists. start-after leaves out the keys up to it, as in the
// order of keys.
func readUnsorted(keys []string, prefix, delimiter string, start position, limit int) page {
	above := start.above
	if !start.given {
		above = start.after
	}
	var items []item
	common := map[string]bool{}
	for _, key := range keys {
		rest, ok := strings.CutPrefix(key, prefix)
		if !ok || key <= above {
			continue
		}
		name, _, folded := strings.Cut(rest, delimiter)
		folded = folded && delimiter != ""
		if folded {
			key = prefix + name + delimiter
			if common[key] {
				continue
			}
			common[key] = true
		}
		if i := (item{key, folded}); !start.given || compareItems(i, item{start.after, start.prefix}) > 0 {
			items = append(items, i)
		}
	}
	slices.SortFunc(items, compareItems)
	var p page
	for n, i := range items {
		if n == limit {
			if limit > 0 {
				p.next = &position{after: items[n-1].key, prefix: items[n-1].prefix, above: above}
			}
			break
		}
		if i.prefix {
			p.prefixes = append(p.prefixes, i.key)
		} else {
			p.keys = append(p.keys, i.key)
		}
	}
	return p
}

// An item is a key, or a common prefix.
type item struct {
	key    string
	prefix bool
}

func compareItems(a, b item) int {
	hash := func(key string) uint64 {
		h := fnv.New64a()
		h.Write([]byte(key))
		return h.Sum64() * 0x9e3779b97f4a7c15 // or the last byte alone would order keys of one beginning
	}
	return cmp.Or(cmp.Compare(hash(a.key), hash(b.key)), strings.Compare(a.key, b.key))
}
