package s3test_test

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"time"

	"s3mount/s3/s3test"
	"s3mount/sigv4"
)

// A program that is not a test starts and closes the server itself.
func Example() {
	srv, err := s3test.Start(s3test.Options{
		Text: map[string]string{"d/a": "hello"},
		Rules: []s3test.Rule{ // the first GET is told to slow down
			{Op: s3test.Get, Times: 1, Action: s3test.Error(503, "SlowDown", "Retry-After: 1")},
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer srv.Close()
	defer http.DefaultClient.CloseIdleConnections()

	var signer sigv4.Signer
	for range 2 {
		req, err := http.NewRequest("GET", srv.Endpoint().String()+"/bucket/d/a", nil)
		if err != nil {
			log.Fatal(err)
		}
		req.Header.Set("Range", "bytes=1-3")
		scope := sigv4.Scope{Region: srv.Region(), Service: "s3"}
		if _, err := signer.Sign(req, srv.Credentials(), scope, sigv4.EmptyPayload, time.Now()); err != nil {
			log.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			log.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if resp.StatusCode == http.StatusPartialContent {
			fmt.Printf("%s\n", body)
		} else {
			fmt.Println(resp.Status)
		}
	}
	fmt.Println(srv.Requests())
	// Output:
	// 503 Service Unavailable
	// ell
	// [GET d/a 1-3 GET d/a 1-3]
}
