package cache

// A View is the bytes that one read returned. The zero View is empty.
//
// Its slices point into blocks that others read too: they must not be written
// to. They are valid until Done, after which the memory is used for other bytes.
type View struct{ v *view }

// The blocks that the longest read touches.
const maxBlocks = MaxRead/BlockSize + 1

// A view is what a View points to, all in one allocation.
type view struct {
	c      *Cache
	len    int
	blocks []*block // each with a reference
	slices [][]byte

	blocksBuf [maxBlocks]*block
	slicesBuf [maxBlocks][]byte
}

// cut sets the slices to the bytes [off, end) of the blocks, which are complete.
func (v *view) cut(off, end int64) {
	v.slices = v.slicesBuf[:0]
	v.len = int(end - off)
	for _, b := range v.blocks {
		from, to := b.within(off, end)
		v.slices = append(v.slices, b.buf[from:to:to])
	}
}

// within says which of a block's bytes are in [off, end).
func (b *block) within(off, end int64) (from, to int64) {
	return max(off-b.off, 0), min(end-b.off, int64(b.size))
}

// Slices returns the bytes in order, without copying them.
func (v View) Slices() [][]byte {
	if v.v == nil {
		return nil
	}
	return v.v.slices
}

// Len is the number of bytes.
func (v View) Len() int {
	if v.v == nil {
		return 0
	}
	return v.v.len
}

// Done gives the memory back. It must be called once for each View, and no byte
// of it may be read afterwards.
func (v View) Done() {
	if v.v == nil {
		return
	}
	c := v.v.c
	c.mu.Lock()
	defer c.mu.Unlock()
	c.scatterLocked(v.v.blocks)
	c.mem.wake()
	v.v.blocks, v.v.slices = nil, nil
}
