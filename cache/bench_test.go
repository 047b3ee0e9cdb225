package cache

import "testing"

// One reader, from the front to the end, of an object that is not in memory.
func BenchmarkSequentialRead(b *testing.B) {
	src := &testSource{}
	o := Object{Key: "k", Size: 256 << 20}
	b.SetBytes(o.Size)
	b.ReportAllocs()
	for b.Loop() {
		c, err := New(Options{Source: src, MemoryBytes: 128 << 20})
		if err != nil {
			b.Fatal(err)
		}
		r := c.Open(o)
		for off := int64(0); off < o.Size; off += BlockSize {
			v, err := r.ReadAt(b.Context(), off, BlockSize)
			if err != nil {
				b.Fatal(err)
			}
			v.Done()
		}
		r.Close()
		c.Close()
	}
	b.ReportMetric(float64(len(src.gets))/float64(b.N), "GETs/op")
}

// Blocks that are in memory, in the pieces that the kernel asks for.
func BenchmarkWarmRead(b *testing.B) {
	for _, bench := range []struct {
		name string
		n    int
	}{{"4KiB", 4096}, {"128KiB", BlockSize}, {"1MiB", MaxRead}} {
		b.Run(bench.name, func(b *testing.B) {
			src := &testSource{}
			c, err := New(Options{Source: src})
			if err != nil {
				b.Fatal(err)
			}
			defer c.Close()
			o := Object{Key: "k", Size: 64 << 20}
			r := c.Open(o)
			defer r.Close()
			b.SetBytes(int64(bench.n))
			b.ReportAllocs()
			var off int64
			for b.Loop() {
				v, err := r.ReadAt(b.Context(), off, bench.n)
				if err != nil {
					b.Fatal(err)
				}
				v.Done()
				if off += int64(bench.n); off >= o.Size {
					off = 0
				}
			}
			b.ReportMetric(float64(len(src.gets))/float64(b.N), "GETs/op")
		})
	}
}
