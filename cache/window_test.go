package cache

import (
	"testing"

	"pgregory.net/rapid"
)

const mb = 1 << 20

func TestWindow(t *testing.T) {
	type want struct{ from, to, chunk int64 }
	none := want{}
	for _, tt := range []struct {
		name  string
		size  int64
		limit int64
		reads [][2]int64 // offset and length, in order
		want  want       // after the last, each ask before it having been granted
	}{
		{"front, long read", 1 << 30, 64 * mb, [][2]int64{{0, bs}}, want{bs, bs + 4*mb, mb}},
		{"front, short read", 1 << 30, 64 * mb, [][2]int64{{0, bs - 1}}, none},
		{"front, short reads that go on", 1 << 30, 64 * mb, [][2]int64{{0, bs / 2}, {bs / 2, bs / 2}}, want{bs, 3 * bs, bs}},
		{"elsewhere", 1 << 30, 64 * mb, [][2]int64{{50 * mb, bs}}, none},
		{"elsewhere, goes on", 1 << 30, 64 * mb, [][2]int64{{50 * mb, bs}, {50*mb + bs, bs}}, want{50*mb + 2*bs, 50*mb + 4*bs, bs}},
		{"elsewhere, goes on two reads later", 1 << 30, 64 * mb, [][2]int64{{50 * mb, bs}, {50*mb + 3*bs, bs}}, want{50*mb + 4*bs, 50*mb + 6*bs, bs}},
		{"elsewhere, three reads later", 1 << 30, 64 * mb, [][2]int64{{50 * mb, bs}, {50*mb + 4*bs, bs}}, none},
		{"the same again", 1 << 30, 64 * mb, [][2]int64{{50 * mb, bs}, {50 * mb, bs}}, none},
		{"backwards", 1 << 30, 64 * mb, [][2]int64{{50 * mb, bs}, {50*mb - bs, bs}, {50*mb - 2*bs, bs}, {50*mb - 3*bs, bs}}, none},
		{"a run ends", 1 << 30, 64 * mb, [][2]int64{{0, bs}, {bs, bs}, {50 * mb, bs}}, none},
		{"half is used, then twice as much", 1 << 30, 64 * mb, [][2]int64{{0, mb}, {mb, mb}}, want{5 * mb, 9 * mb, 4 * mb}},
		{"the limit", 1 << 30, 2 * mb, [][2]int64{{0, mb}, {mb, mb}}, want{3 * mb, 4 * mb, mb}},
		{"no read-ahead", 1 << 30, 0, [][2]int64{{0, mb}, {mb, mb}}, none},
		{"to the end", 3*mb + 1, 64 * mb, [][2]int64{{0, bs}}, want{bs, 3*mb + 1, mb}},
		{"small, short read", mb, 64 * mb, [][2]int64{{0, 1}}, want{bs, mb, mb}},
		{"small, elsewhere", mb, 64 * mb, [][2]int64{{bs, 1}}, none},
		{"early by two at the front", 1 << 30, 64 * mb, [][2]int64{{2 * bs, bs}, {0, bs}}, want{bs, bs + 4*mb, mb}},
	} {
		var w window
		got := none
		for i, r := range tt.reads {
			w.read(r[0], r[0]+r[1], tt.size, true, false)
			got.from, got.to, got.chunk = w.ask(tt.size, tt.limit)
			if got.from >= got.to {
				got = none
			} else if i < len(tt.reads)-1 {
				w.asked = got.to
			}
		}
		if got != tt.want {
			t.Errorf("%s: asks %+v, want %+v", tt.name, got, tt.want)
		}
	}
}

// A READ that is held up while the threads of the kernel's next ones go on is
// late, not elsewhere: a plain cat saw this end its run (13 MB of 64 fetched
// twice).
func TestWindowWaitsForALateRead(t *testing.T) {
	var w window
	w.read(0, mb, 1<<30, true, false)
	for i := int64(2); i <= tooLate+1; i++ {
		w.read(i*mb, (i+1)*mb, 1<<30, true, false)
	}
	if !w.follows(mb, 2*mb) {
		t.Errorf("a read that is late by %d is elsewhere: %+v", tooLate, w)
	}
	if w.read(mb, 2*mb, 1<<30, true, false); !w.sequential || w.next != (tooLate+2)*mb {
		t.Errorf("after a read that is late by %d: %+v", tooLate, w)
	}
	if w.read(8*mb, 9*mb, 1<<30, true, false); !w.sequential {
		t.Error("the run did not go on")
	}
	if w.follows(0, bs) {
		t.Error("back at the front is the same run")
	}
}

// Reads in sequence that come up to two places too early or too late are one
// run, however they are mixed.
func TestWindowToleratesReordering(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.SampledFrom([]int64{4096, bs, mb}).Draw(t, "length")
		var w window
		w.read(0, mb, 1<<40, true, false) // begun
		at := int64(mb)
		for range rapid.IntRange(1, 20).Draw(t, "groups") {
			order := rapid.Permutation([]int64{0, 1, 2}).Draw(t, "order")
			for _, i := range order {
				if !w.follows(at+i*n, at+(i+1)*n) {
					t.Fatalf("a read of %d at %d ended the run", n, at+i*n)
				}
				w.read(at+i*n, at+(i+1)*n, 1<<40, i == 0, false)
			}
			at += 3 * n
			if w.next != at {
				t.Fatalf("run is at %d, want %d", w.next, at)
			}
		}
	})
}

// Whatever is read, what is asked for is ahead, in whole blocks of the object,
// and no more than the limit; in sequence no byte is asked for twice, and the
// window is never much emptier than half.
func TestWindowProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.Int64Range(1, 1<<30).Draw(t, "size")
		limit := rapid.Int64Range(0, 512).Draw(t, "limit") * bs
		var w window
		at := int64(0)
		for range rapid.IntRange(1, 200).Draw(t, "reads") {
			if rapid.IntRange(0, 20).Draw(t, "jump") == 0 {
				at = rapid.Int64Range(0, size-1).Draw(t, "at")
			}
			end := min(at+rapid.SampledFrom([]int64{1, 4096, bs, mb}).Draw(t, "n"), size)
			if at >= end {
				break
			}
			w.read(at, end, size, rapid.Bool().Draw(t, "wait"), rapid.Bool().Draw(t, "crowded"))
			from, to, chunk := w.ask(size, limit)
			at = end
			if from >= to {
				have := max(w.asked, roundUp(w.next))
				if w.sequential && have < size && limit >= BlockSize && have-w.next < w.size/2-BlockSize {
					t.Fatalf("asks nothing with %d bytes ahead and a window of %d", have-w.next, w.size)
				}
				continue
			}
			switch {
			case !w.sequential:
				t.Fatal("asks ahead of a reader at random")
			case from%BlockSize != 0 || to%BlockSize != 0 && to != size || chunk%BlockSize != 0 || chunk < BlockSize || chunk > maxChunk:
				t.Fatalf("asks [%d, %d) by %d: not in blocks", from, to, chunk)
			case from < end || to > size || to-w.next > limit+BlockSize:
				t.Fatalf("asks [%d, %d) after %d with a limit of %d of %d", from, to, end, limit, size)
			case (to-from)%chunk != 0 && to != size:
				t.Fatalf("asks [%d, %d) by %d: a short request", from, to, chunk)
			case from < w.asked:
				t.Fatalf("asks again for %d to %d", from, w.asked)
			}
			w.asked = to
		}
	})
}

// A window is as wide as waiting shows that it has to be.
func TestWindowSize(t *testing.T) {
	const waits, crowded = 1, 2
	for _, tt := range []struct {
		name  string
		read  int64 // MiB, in reads of 1 MiB
		how   int
		limit int64 // MiB
		want  int64 // MiB
	}{
		{"a little, not waiting", 3, 0, 192, 4},
		{"as long as the run, not waiting", 12, 0, 192, 12},
		{"until requests are of full length", 100, 0, 192, 17},
		{"twice as wide for each eighth, waiting", 3, waits, 192, 16},
		{"waiting on", 60, waits, 192, 192},
		{"no wider than it may be", 30, waits, 10, 10},
		{"waiting because the way is full", 100, waits | crowded, 192, 17},
	} {
		var w window
		for at := range tt.read {
			w.read(at*mb, (at+1)*mb, 1<<40, tt.how&waits != 0, tt.how&crowded != 0)
			w.ask(1<<40, tt.limit*mb)
		}
		if w.size != tt.want*mb {
			t.Errorf("%s: the window has %d MiB after %d, want %d", tt.name, w.size>>20, tt.read, tt.want)
		}
	}
	var w window
	for at := range int64(2000) {
		w.read(at*mb, (at+1)*mb, 1<<40, at < 100, false)
		w.ask(1<<40, 192*mb)
		if at == 100 && w.size != 192*mb || at == 1999 && w.size > 24*mb {
			t.Errorf("at %d MiB the window has %d MiB; want 192 while the reader waits, and less long after", at, w.size>>20)
		}
	}
}
