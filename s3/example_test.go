package s3_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	iofs "io/fs"
	"log"

	"s3mount/s3"
	"s3mount/s3/s3test"
	"s3mount/sigv4"
)

// bucket gives a bucket to read: here one of a server inside this process.
func bucket(texts map[string]string) (b *s3.Bucket, done func()) {
	srv, err := s3test.Start(s3test.Options{Text: texts})
	if err != nil {
		log.Fatal(err)
	}
	b, err = s3.New(s3.Options{
		Name:     srv.Bucket(),
		Endpoint: srv.Endpoint(),
		Credentials: func(context.Context, sigv4.Credentials) (sigv4.Credentials, error) {
			return srv.Credentials(), nil
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	return b, func() { b.CloseIdleConnections(); srv.Close() }
}

func ExampleNew() {
	_, err := s3.New(s3.Options{Name: "photos", Region: "eu-west-1"})
	fmt.Println(err)
	_, err = s3.New(s3.Options{Name: "photos/2026"})
	fmt.Println(err)
	// Output:
	// <nil>
	// s3: Options.Name: "photos/2026" is not a bucket name
}

func ExampleBucket_List() {
	b, done := bucket(map[string]string{"d/a": "1", "d/b": "22", "d/e/f": "333", "g": "4444"})
	defer done()
	for e, err := range b.List(context.Background(), s3.ListOptions{Prefix: "d/", Delimiter: "/"}) {
		switch {
		case err != nil:
			log.Fatal(err)
		case e.Prefix:
			fmt.Println(e.Key)
		default:
			fmt.Println(e.Key, e.Size)
		}
	}
	// Output:
	// d/a 1
	// d/b 2
	// d/e/
}

func ExampleBucket_Head() {
	b, done := bucket(map[string]string{"d/a": "hello"})
	defer done()
	o, err := b.Head(context.Background(), "d/a")
	fmt.Println(o.Key, o.Size, err)

	_, err = b.Head(context.Background(), "d/b")
	fmt.Println(errors.Is(err, iofs.ErrNotExist))
	// Output:
	// d/a 5 <nil>
	// true
}

func ExampleBucket_OpenRange() {
	b, done := bucket(map[string]string{"d/a": "hello, world"})
	defer done()
	o, err := b.Head(context.Background(), "d/a")
	if err != nil {
		log.Fatal(err)
	}
	body, err := b.OpenRange(context.Background(), o, 7, o.Size)
	if err != nil {
		log.Fatal(err)
	}
	defer body.Close()
	text, err := io.ReadAll(body)
	fmt.Println(string(text), err)
	// Output: world <nil>
}
