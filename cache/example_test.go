package cache_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"strings"

	"s3mount/cache"
)

// text is a source with one object.
type text string

func (s text) OpenRange(_ context.Context, _ cache.Object, _ string, off, end int64) (cache.Body, error) {
	return body{strings.NewReader(string(s[off:end]))}, nil
}

type body struct{ io.Reader }

func (body) Close() error { return nil }
func (body) Pin() string  { return "" }

func Example() {
	const note = "the ferry leaves at seven from the north pier"
	c, err := cache.New(cache.Options{Source: text(note)})
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()

	r := c.Open(cache.Object{Key: "note", ETag: "1", Size: int64(len(note))})
	defer r.Close()
	for _, off := range []int64{26, 35} {
		v, err := r.ReadAt(context.Background(), off, 1000)
		if err != nil {
			log.Fatal(err)
		}
		for _, p := range v.Slices() {
			fmt.Printf("%s\n", p)
		}
		v.Done()
	}
	fmt.Println(c.Stats().Flights, "request")
	// Output:
	// from the north pier
	// north pier
	// 1 request
}
