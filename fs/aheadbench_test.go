package fs

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"s3mount/s3/s3test"
)

// BenchmarkMetadata is what `ls -l` asks for with Options.Posix, 30 ms away: each
// name of a directory looked up. In order most are asked about ahead; in no order
// none is. HEADs are those of the whole directory.
func BenchmarkMetadata(b *testing.B) {
	const files, away = 1000, 30 * time.Millisecond
	for _, inOrder := range []bool{true, false} {
		n := files
		if !inOrder {
			n = files / 10
		}
		b.Run(fmt.Sprintf("%d files, in order %v", n, inOrder), func(b *testing.B) {
			heads := 0
			for b.Loop() {
				b.StopTimer()
				r := newRig(b, crowd(1, files), withPosix)
				k := r.kernel(b)
				d := k.walk("d000").NodeId
				names := entryNames(k.all(d, k.opendir(d), 0, 1<<16))[dots:]
				if !inOrder {
					rand.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
				}
				r.AddRule(s3test.Rule{Op: s3test.Head, Action: s3test.Delay(away)})
				r.ResetLog()
				b.StartTimer()
				for _, name := range names[:n] {
					if _, status := k.lookup(d, name); !status.Ok() {
						b.Fatal(status)
					}
				}
				heads += r.Count(s3test.Head)
			}
			b.ReportMetric(float64(heads)/float64(b.N), "HEADs/op")
		})
	}
}
