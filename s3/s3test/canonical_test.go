package s3test

import (
	"bufio"
	"encoding/json"
	"net/http"
	"os"
	"strings"
	"testing"
)

// The worked examples of the S3 API reference, as requests on the wire. All are
// signed with the same key on 2013-05-24.
var published = []struct{ name, request string }{
	{"GET Object", `GET /test.txt HTTP/1.1
Host: examplebucket.s3.amazonaws.com
Authorization: AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41
Range: bytes=0-9
x-amz-content-sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
x-amz-date: 20130524T000000Z
`},
	{"GET Bucket Lifecycle", `GET /?lifecycle HTTP/1.1
Host: examplebucket.s3.amazonaws.com
Authorization: AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,SignedHeaders=host;x-amz-content-sha256;x-amz-date,Signature=fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543
x-amz-date: 20130524T000000Z
x-amz-content-sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
`},
	{"GET Bucket (List Objects)", `GET /?max-keys=2&prefix=J HTTP/1.1
Host: examplebucket.s3.amazonaws.com
Authorization: AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,SignedHeaders=host;x-amz-content-sha256;x-amz-date,Signature=34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7
x-amz-date: 20130524T000000Z
x-amz-content-sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
`},
	{"presigned URL", `GET /test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404 HTTP/1.1
Host: examplebucket.s3.amazonaws.com
`},
}

const publishedSecret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"

func TestPublishedSignatures(t *testing.T) {
	for _, tt := range published {
		checkVector(t, tt.name, tt.request, publishedSecret, "")
	}
}

// More requests, signed by two other programs that agree. They are not part of
// this module.
func TestVectors(t *testing.T) {
	const file = "../../../shared/sigv4-vectors/s3-derived/s3-derived.json"
	data, err := os.ReadFile(file)
	if err != nil {
		t.Skipf("no further vectors: %v", err)
	}
	var vectors struct {
		Cases []struct {
			Name, Method, Scheme, Host string
			SignedHost                 string            `json:"signed_host"`
			RequestTarget              string            `json:"request_target"`
			ExtraHeaders               map[string]string `json:"extra_headers"`
			Timestamp                  string
			SecretAccessKey            string `json:"secret_access_key"`
			SessionToken               string `json:"session_token"`
			PayloadHash                string `json:"payload_hash"`
			Canonical                  string `json:"canonical_request"`
			Authorization              string
			PresignedURL               string `json:"presigned_url"`
		}
	}
	if err := json.Unmarshal(data, &vectors); err != nil {
		t.Fatal(err)
	}
	for _, v := range vectors.Cases {
		target := v.RequestTarget
		headers := ""
		if v.PresignedURL != "" {
			target = strings.TrimPrefix(v.PresignedURL, v.Scheme+"://"+v.SignedHost)
		} else {
			headers = "Authorization: " + v.Authorization + "\nX-Amz-Date: " + v.Timestamp +
				"\nX-Amz-Content-Sha256: " + v.PayloadHash + "\n"
			if v.SessionToken != "" {
				headers += "X-Amz-Security-Token: " + v.SessionToken + "\n"
			}
		}
		for name, value := range v.ExtraHeaders {
			headers += name + ": " + value + "\n"
		}
		checkVector(t, v.Name, v.Method+" "+target+" HTTP/1.1\nHost: "+v.SignedHost+"\n"+headers, v.SecretAccessKey, v.Canonical)
	}
	t.Logf("%d vectors", len(vectors.Cases))
}

func checkVector(t *testing.T, name, request, secret, canonical string) {
	t.Helper()
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(strings.ReplaceAll(request, "\n", "\r\n") + "\r\n")))
	if err != nil {
		t.Errorf("%s: %v", name, err)
		return
	}
	c, refused := readClaim(r)
	if c == nil || refused != nil {
		t.Errorf("%s: no signature found", name)
		return
	}
	payload := r.Header.Get("X-Amz-Content-Sha256")
	if c.presigned {
		payload = "UNSIGNED-PAYLOAD"
	}
	got := canonicalRequest(r, c, payload)
	if canonical != "" && got != canonical {
		t.Errorf("%s: canonical request\n got %q\nwant %q", name, got, canonical)
	}
	if got := signatureOf(stringToSign(got, c), secret, c); got != c.signature {
		t.Errorf("%s: signature %s, want %s", name, got, c.signature)
	}
}

// A client that lists its signed headers in another order, or in capitals, is
// held to what S3 wants.
func TestSignedHeadersAreSorted(t *testing.T) {
	r, err := http.NewRequest("GET", "http://h/k", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.RequestURI = "/k"
	r.Header.Set("Range", "bytes=0-9")
	got := canonicalRequest(r, &claim{signed: []string{"Range", "host"}}, "x")
	if want := "GET\n/k\n\nhost:h\nrange:bytes=0-9\n\nhost;range\nx"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
