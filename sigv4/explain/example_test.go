package explain_test

import (
	"fmt"
	"log"
	"os"

	"s3mount/sigv4/explain"
)

// A client forgot the line for the query and hashes nothing where its request says
// UNSIGNED-PAYLOAD. Nothing but its canonical request is needed to see both.
func ExampleExplain() {
	report, err := explain.Explain(explain.Evidence{CanonicalRequest: `GET
/test.txt
host:examplebucket.s3.amazonaws.com
x-amz-content-sha256:UNSIGNED-PAYLOAD
x-amz-date:20130524T000000Z

host;x-amz-content-sha256;x-amz-date
e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855`})
	if err != nil {
		log.Fatal(err)
	}
	for _, f := range report.Findings {
		fmt.Println(f.Part, f.Basis, f.Cause)
		fmt.Println("  ", f.What)
		fmt.Println("  ", f.Fix)
	}
	// Output:
	// query rule no-query-line
	//    The canonical request has no line for the query.
	//    Put an empty line after the path when there is no query.
	// payload hash rule payload-hash-mismatch
	//    The last line of the canonical request is not the x-amz-content-sha256 of the request.
	//    Write one value in both places: the SHA-256 of the body in small hexadecimal digits, or UNSIGNED-PAYLOAD.
}

func ExampleReport_Text() {
	report, err := explain.Explain(explain.Evidence{
		CanonicalRequest: "GET\n/a b\n\nhost:h\nx-amz-content-sha256:UNSIGNED-PAYLOAD\n\nhost;x-amz-content-sha256\nUNSIGNED-PAYLOAD",
		Response: `<Error><Code>SignatureDoesNotMatch</Code><CanonicalRequest>GET
/a%20b

host:h
x-amz-content-sha256:UNSIGNED-PAYLOAD

host;x-amz-content-sha256
UNSIGNED-PAYLOAD</CanonicalRequest></Error>`,
	})
	if err != nil {
		log.Fatal(err)
	}
	if err := report.Text(os.Stdout); err != nil {
		log.Fatal(err)
	}
	// Output:
	// 1. The path that was signed is not escaped. (certain)
	//    yours  /a b
	//    S3     /a%20b
	//             ^
	//    Why: S3 escapes every byte but A-Z a-z 0-9 - . _ ~ as %XX with capital digits, once; in a path the slash stays too.
	//    Fix: Escape the path before it is signed, and send it in the same form.
	//
	// Compared and equal: method, query, header, signed headers, payload hash, canonical request.
}
