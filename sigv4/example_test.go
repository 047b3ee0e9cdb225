package sigv4_test

import (
	"errors"
	"fmt"
	"log"
	"net/http"
	"strings"
	"time"

	"s3mount/sigv4"
)

func ExampleSigner_Sign() {
	creds := sigv4.Credentials{AccessKeyID: "AKIAIOSFODNN7EXAMPLE", SecretAccessKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"}
	req, err := http.NewRequest("GET", "https://photos.s3.eu-north-1.amazonaws.com/summer (1)/cat.jpg", nil)
	if err != nil {
		log.Fatal(err)
	}
	var s sigv4.Signer // keep it: it remembers derived keys
	_, err = s.Sign(req, creds, sigv4.Scope{Region: "eu-north-1", Service: "s3"}, sigv4.EmptyPayload,
		time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(req.URL.EscapedPath())
	fmt.Println(req.Header.Get("X-Amz-Date"))
	fmt.Println(strings.ReplaceAll(req.Header.Get("Authorization"), " ", "\n"))
	// Output:
	// /summer%20%281%29/cat.jpg
	// 20260102T030405Z
	// AWS4-HMAC-SHA256
	// Credential=AKIAIOSFODNN7EXAMPLE/20260102/eu-north-1/s3/aws4_request,
	// SignedHeaders=host;x-amz-content-sha256;x-amz-date,
	// Signature=1d37f128ac1d651fb8dcfea1150d7d870ecf50ec4085c5b39a629e2e7633d7d8
}

// A server that refuses a signature often says what it computed. These are the
// texts to compare with.
func ExampleSigner_Sign_steps() {
	creds := sigv4.Credentials{AccessKeyID: "AKIAIOSFODNN7EXAMPLE", SecretAccessKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"}
	req, err := http.NewRequest("GET", "https://photos.s3.eu-north-1.amazonaws.com/?versions&prefix=2026/", nil)
	if err != nil {
		log.Fatal(err)
	}
	var s sigv4.Signer
	steps, err := s.Sign(req, creds, sigv4.Scope{Region: "eu-north-1", Service: "s3"}, sigv4.EmptyPayload,
		time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(steps.CanonicalRequest)
	fmt.Println()
	fmt.Println(steps.StringToSign)
	// Output:
	// GET
	// /
	// prefix=2026%2F&versions=
	// host:photos.s3.eu-north-1.amazonaws.com
	// x-amz-content-sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
	// x-amz-date:20260102T030405Z
	//
	// host;x-amz-content-sha256;x-amz-date
	// e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
	//
	// AWS4-HMAC-SHA256
	// 20260102T030405Z
	// 20260102/eu-north-1/s3/aws4_request
	// ea2312bde748b3826280f7c4c91d22690a7f923bad14975191b7471f925ce7eb
}

func ExampleSigner_Presign() {
	creds := sigv4.Credentials{AccessKeyID: "AKIAIOSFODNN7EXAMPLE", SecretAccessKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"}
	req, err := http.NewRequest("GET", "https://examplebucket.s3.amazonaws.com/test.txt", nil)
	if err != nil {
		log.Fatal(err)
	}
	var s sigv4.Signer
	steps, err := s.Presign(req, creds, sigv4.Scope{Region: "us-east-1", Service: "s3"}, sigv4.UnsignedPayload,
		time.Date(2013, 5, 24, 0, 0, 0, 0, time.UTC), 24*time.Hour)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(strings.NewReplacer("?", "\n?", "&", "\n&").Replace(steps.URL))
	// Output:
	// https://examplebucket.s3.amazonaws.com/test.txt
	// ?X-Amz-Algorithm=AWS4-HMAC-SHA256
	// &X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request
	// &X-Amz-Date=20130524T000000Z
	// &X-Amz-Expires=86400
	// &X-Amz-SignedHeaders=host
	// &X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404
}

func ExampleEscapePath() {
	fmt.Println(sigv4.EscapePath("/2026/a+b c/100%~.jpg"))
	// Output: /2026/a%2Bb%20c/100%25~.jpg
}

func ExampleEscapeQuery() {
	fmt.Println("prefix=" + sigv4.EscapeQuery("2026/a+b"))
	// Output: prefix=2026%2Fa%2Bb
}

func ExampleCanonicalQuery() {
	fmt.Println(sigv4.CanonicalQuery("prefix=2026/a+b&delimiter=/&versions"))
	// Output: delimiter=%2F&prefix=2026%2Fa%20b&versions=
}

func ExampleParseURL() {
	u, err := sigv4.ParseURL("https://host/photos/100% fun #1.jpg")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(u.EscapedPath())

	_, err = sigv4.ParseURL("https://me:password@host/photos")
	fmt.Println(err)
	// Output:
	// /photos/100%25%20fun%20%231.jpg
	// sigv4: url: holds a user name or password
}

func ExampleCredentials() {
	c := sigv4.Credentials{AccessKeyID: "AKIAIOSFODNN7EXAMPLE", SecretAccessKey: "not to be seen"}
	fmt.Printf("%v %+v %#v\n", c, c, c)
	// Output: AKIA… AKIA… sigv4.Credentials(AKIA…)
}

func ExampleInputError() {
	var s sigv4.Signer
	_, err := s.Sign(new(http.Request), sigv4.Credentials{AccessKeyID: "AKIA"}, sigv4.Scope{}, sigv4.EmptyPayload, time.Now())
	var bad *sigv4.InputError
	if errors.As(err, &bad) {
		fmt.Println(bad.Field, "is", bad.Problem)
	}
	// Output: secret access key is empty
}

func ExampleCanonicalPath() {
	fmt.Println(sigv4.CanonicalPath("/2026//a%2fb+c/$ 100%"))
	// Output: /2026//a%2Fb%2Bc/%24%20100%25
}
