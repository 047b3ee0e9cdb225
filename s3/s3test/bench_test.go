package s3test_test

import (
	"fmt"
	"testing"

	"s3mount/s3/s3test"
)

// What a page of a listing costs, client included.
func BenchmarkList(b *testing.B) {
	c := newClient(b, s3test.Options{})
	c.PutRange(100_000, func(i int) string { return fmt.Sprintf("many/file-%07d", i) }, s3test.Object{Size: 1000})
	for b.Loop() {
		if r := c.do(b, "GET", "/bucket?encoding-type=url&list-type=2&start-after=many/file-0050000"); r.StatusCode != 200 {
			b.Fatal(r.body)
		}
	}
}
