package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"
	"testing"

	"s3mount/sigv4"
)

// signed calls `s3mount sign --json` and reads what it prints.
func signed(t *testing.T, args ...string) sigv4.Steps {
	t.Helper()
	code, stdout, stderr := runs(append([]string{"sign", "--json"}, args...)...)
	if code != 0 || stderr != "" {
		t.Fatalf("s3mount sign --json %q: exit code %d, %s", args, code, stderr)
	}
	var s stepsJSON
	d := json.NewDecoder(strings.NewReader(stdout))
	d.DisallowUnknownFields()
	if err := d.Decode(&s); err != nil || d.More() {
		t.Fatalf("s3mount sign --json %q prints %q: %v", args, stdout, err)
	}
	return sigv4.Steps(s)
}

const (
	docURL = "https://examplebucket.s3.amazonaws.com"
	empty  = sigv4.EmptyPayload
)

var docScope = []string{"--time", "20130524T000000Z", "--region", "us-east-1"}

// The worked examples of the S3 API reference, with its figures, to the byte:
// https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
func TestSignReferenceExamples(t *testing.T) {
	docCredentials(t)
	const welcome = "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072"
	tests := []struct {
		name                                  string
		args                                  []string
		canonical, digest, headers, signature string
		url                                   string
	}{
		{
			name:      "GET object",
			args:      []string{"--header", "Range: bytes=0-9", docURL + "/test.txt"},
			canonical: `GET\n/test.txt\n\nhost:examplebucket.s3.amazonaws.com\nrange:bytes=0-9\nx-amz-content-sha256:` + empty + `\nx-amz-date:20130524T000000Z\n\nhost;range;x-amz-content-sha256;x-amz-date\n` + empty,
			digest:    "7344ae5b7ee6c3e7e6b0fe0640412a37625d1fbfff95c48bbb2dc43964946972",
			headers:   "host;range;x-amz-content-sha256;x-amz-date",
			signature: "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
		},
		{
			name: "PUT object",
			args: []string{"--method", "PUT", "--header", "Date: Fri, 24 May 2013 00:00:00 GMT", "--header", "x-amz-storage-class: REDUCED_REDUNDANCY",
				"--payload-hash", welcome, docURL + "/test$file.text"},
			canonical: `PUT\n/test%24file.text\n\ndate:Fri, 24 May 2013 00:00:00 GMT\nhost:examplebucket.s3.amazonaws.com\nx-amz-content-sha256:` + welcome + `\nx-amz-date:20130524T000000Z\nx-amz-storage-class:REDUCED_REDUNDANCY\n\ndate;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class\n` + welcome,
			digest:    "9e0e90d9c76de8fa5b200d8c849cd5b8dc7a3be3951ddb7f6a76b4158342019d",
			headers:   "date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class",
			signature: "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
		},
		{
			name:      "GET bucket lifecycle",
			args:      []string{docURL + "/?lifecycle"},
			canonical: `GET\n/\nlifecycle=\nhost:examplebucket.s3.amazonaws.com\nx-amz-content-sha256:` + empty + `\nx-amz-date:20130524T000000Z\n\nhost;x-amz-content-sha256;x-amz-date\n` + empty,
			digest:    "9766c798316ff2757b517bc739a67f6213b4ab36dd5da2f94eaebf79c77395ca",
			headers:   "host;x-amz-content-sha256;x-amz-date",
			signature: "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
		},
		{
			name:      "GET bucket",
			args:      []string{docURL + "/?max-keys=2&prefix=J"},
			canonical: `GET\n/\nmax-keys=2&prefix=J\nhost:examplebucket.s3.amazonaws.com\nx-amz-content-sha256:` + empty + `\nx-amz-date:20130524T000000Z\n\nhost;x-amz-content-sha256;x-amz-date\n` + empty,
			digest:    "df57d21db20da04d7fa30298dd4488ba3a2b47ca3a489c74750e0f1e7df1b9b7",
			headers:   "host;x-amz-content-sha256;x-amz-date",
			signature: "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
		},
		{
			name:      "presigned GET",
			args:      []string{"--presign", "86400s", docURL + "/test.txt"},
			canonical: `GET\n/test.txt\nX-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host\nhost:examplebucket.s3.amazonaws.com\n\nhost\nUNSIGNED-PAYLOAD`,
			digest:    "3bfa292879f6447bbcda7001decf97f4a54dc650c8942174ae0a9121cf58ad04",
			headers:   "host",
			signature: "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404",
			url:       docURL + "/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := sha256.Sum256([]byte(strings.ReplaceAll(tt.canonical, `\n`, "\n"))); hex.EncodeToString(got[:]) != tt.digest {
				t.Fatal("the test's canonical request is not the reference's")
			}
			last := `  "authorization": "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, SignedHeaders=` + tt.headers + `, Signature=` + tt.signature + `"`
			if tt.url != "" {
				last = `  "url": "` + tt.url + `"`
			}
			want := `{
  "canonical_request": "` + tt.canonical + `",
  "string_to_sign": "AWS4-HMAC-SHA256\n20130524T000000Z\n20130524/us-east-1/s3/aws4_request\n` + tt.digest + `",
  "signed_headers": "` + tt.headers + `",
  "signature": "` + tt.signature + `",
` + last + "\n}\n"
			code, stdout, stderr := runs(append(append([]string{"sign", "--json"}, docScope...), tt.args...)...)
			if code != 0 || stderr != "" || stdout != want {
				t.Errorf("exit code %d, stderr %q, stdout\n%s\nwant\n%s", code, stderr, stdout, want)
			}
		})
	}
}

// The path and the query are signed as typed, escaped once, never cleaned.
func TestSignOddURLs(t *testing.T) {
	docCredentials(t)
	for typed, want := range map[string]string{
		"":                          "/\n",
		"/":                         "/\n",
		"//":                        "//\n",
		"/a//b///":                  "/a//b///\n",
		"/a/../b/./.":               "/a/../b/./.\n",
		"/a b":                      "/a%20b\n",
		"/a%20b":                    "/a%20b\n",
		"/a%2520b":                  "/a%2520b\n",
		"/100%":                     "/100%25\n",
		"/a+b":                      "/a%2Bb\n",
		"/a%2fb%7e":                 "/a%2Fb~\n",
		"/a#b":                      "/a%23b\n",
		"/$&,;=:@!'()*":             "/%24%26%2C%3B%3D%3A%40%21%27%28%29%2A\n",
		"/\"<>\\^`{|}[]":            "/%22%3C%3E%5C%5E%60%7B%7C%7D%5B%5D\n",
		"/caf\u00e9/\U0001F980":     "/caf%C3%A9/%F0%9F%A6%80\n",
		"/e\u0301":                  "/e%CC%81\n", // not composed
		"/\xff\x01\x7f":             "/%FF%01%7F\n",
		"?list-type=2&prefix=a+b c": "/\nlist-type=2&prefix=a%2Bb%20c",
		"/?b&a=2&a=1&B":             "/\nB=&a=1&a=2&b=",
		"/k?x=a/b?c#d":              "/k\nx=a%2Fb%3Fc%23d",
	} {
		want, _, _ = strings.Cut("GET\n"+want+"\n\n", "\n\n")
		got, _, _ := strings.Cut(signed(t, append([]string{docURL + typed}, docScope...)...).CanonicalRequest, "\nhost:")
		if strings.TrimSuffix(got, "\n") != want {
			t.Errorf("%q signs as %q, want %q", typed, got, want)
		}
	}
}

func TestSignFlags(t *testing.T) {
	docCredentials(t)
	url := docURL + "/k"
	contains := func(what, text, part string) {
		t.Helper()
		if !strings.Contains(text, part) {
			t.Errorf("%s: %q is not in %q", what, part, text)
		}
	}
	s := signed(t, append([]string{"--header", "Host: other:8080", "--header", "x-amz-meta-b:  two   words ", "--header", "X-Amz-Meta-B: again", "--header", "User-Agent: me", url}, docScope...)...)
	contains("--header Host", s.CanonicalRequest, "\nhost:other:8080\n")
	contains("--header twice", s.CanonicalRequest, "\nx-amz-meta-b:two words,again\n")
	if strings.Contains(s.SignedHeaders, "user-agent") {
		t.Errorf("user-agent is signed: %s", s.SignedHeaders)
	}
	contains("--header Host, presigned", signed(t, append([]string{"--presign", "1h", "--header", "host: other", url}, docScope...)...).URL, "https://other/k?")

	contains("--payload-hash UNSIGNED-PAYLOAD", signed(t, "--payload-hash", "UNSIGNED-PAYLOAD", url).CanonicalRequest, "x-amz-content-sha256:UNSIGNED-PAYLOAD\n")
	omitted := signed(t, "--payload-hash", "omit", url)
	contains("--payload-hash omit", omitted.CanonicalRequest, "\nhost;x-amz-date\n"+empty)
	contains("--service", signed(t, "--service", "service", url).StringToSign, "/service/aws4_request\n")
	contains("--region", signed(t, "--region", "eu-north-1", url).StringToSign, "/eu-north-1/s3/")
	contains("no region", signed(t, url).StringToSign, "/us-east-1/s3/")
	contains("--time with a zone", signed(t, "--time", "2013-05-24T02:00:00+02:00", url).StringToSign, "\n20130524T000000Z\n")
	contains("--method", signed(t, "--method", "head", url).CanonicalRequest, "HEAD\n/k\n")
	contains("--presign in seconds", signed(t, "--presign", "60", url).URL, "X-Amz-Expires=60&")

	t.Setenv("AWS_REGION", "eu-west-3")
	contains("AWS_REGION", signed(t, url).StringToSign, "/eu-west-3/s3/")
	t.Setenv("AWS_ENDPOINT_URL", "nonsense") // the URL says where
	signed(t, url)
	t.Setenv("AWS_SESSION_TOKEN", "a/b+c=")
	contains("session token", signed(t, url).CanonicalRequest, "\nx-amz-security-token:a/b+c=\n")
	contains("session token, presigned", signed(t, "--presign", "1h", url).URL, "X-Amz-Security-Token=a%2Fb%2Bc%3D")
}

func TestSignRefuses(t *testing.T) {
	docCredentials(t)
	url := docURL + "/k"
	for _, tt := range []struct {
		args []string
		says string
	}{
		{[]string{"examplebucket/k"}, "https://HOST"},
		{[]string{"s3://bucket/key"}, "https://HOST"},
		{[]string{"https://user:hush@host/k"}, "password"},
		{[]string{"--time", "yesterday", url}, "20130524T000000Z"},
		{[]string{"--time", "20130524", url}, "--time"},
		{[]string{"--header", "no colon", url}, "'Name: value'"},
		{[]string{"--header", "na me: x", url}, "'Name: value'"},
		{[]string{"--header", "X-Amz-Meta-Key: a\nb", url}, "header X-Amz-Meta-Key"},
		{[]string{"--method", "GE T", url}, "--method"},
		{[]string{"--payload-hash", "abc", url}, "--payload-hash"},
		{[]string{"--payload-hash", strings.ToUpper(empty), url}, "lower case"},
		{[]string{"--presign", "0", url}, "expiry"},
		{[]string{"--presign", "169h", url}, "expiry"},
		{[]string{"--presign", "1500ms", url}, "expiry"},
		{[]string{"--presign", "week", url}, "--presign"},
		{[]string{"--region", "a b", url}, "region"},
		{[]string{"--service", "", url}, "service"},
		{[]string{"--json", "--send", url}, "--send"},
		{[]string{"--send", "--method", "PUT", url}, "only reads"},
		{[]string{"--send", "--method", "DELETE", url}, "only reads"},
	} {
		code, stdout, stderr := runs(append([]string{"sign"}, tt.args...)...)
		if code != exitMisused || stdout != "" || !isTwoLines(stderr) || !strings.Contains(stderr, tt.says) || strings.Contains(stderr, "hush") {
			t.Errorf("s3mount sign %q: exit code %d, stdout %q, stderr %q; want 2 and two lines with %q", tt.args, code, stdout, stderr, tt.says)
		}
		if strings.Contains(stderr, "AWS_SECRET_ACCESS_KEY") {
			t.Errorf("s3mount sign %q: the hint is about credentials: %s", tt.args, stderr)
		}
	}
	t.Setenv("AWS_SECRET_ACCESS_KEY", "hush\nhush")
	code, _, stderr := runs("sign", url)
	if code != exitFailed || !isTwoLines(stderr) || strings.Contains(stderr, "hush") || !strings.Contains(stderr, "AWS_SECRET_ACCESS_KEY") {
		t.Errorf("a secret with a line end: exit code %d, %s", code, stderr)
	}
}

// What a person sees is the same as --json, step by step, and what to send.
func TestSignForPeople(t *testing.T) {
	docCredentials(t)
	code, stdout, stderr := runs(append([]string{"sign", "--header", "Range: bytes=0-9", docURL + "/test.txt"}, docScope...)...)
	if code != 0 || stderr != "" {
		t.Fatalf("exit code %d, %s", code, stderr)
	}
	for _, want := range []string{
		"Canonical request\n  GET\n  /test.txt\n  \n  host:examplebucket.s3.amazonaws.com\n",
		"String to sign\n  AWS4-HMAC-SHA256\n  20130524T000000Z\n",
		"Signed headers\n  host;range;x-amz-content-sha256;x-amz-date\n",
		"Signature\n  f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41\n",
		"Request\n  GET /test.txt HTTP/1.1\n  Host: examplebucket.s3.amazonaws.com\n  Authorization: AWS4-HMAC-SHA256 Credential=",
		"\n  Range: bytes=0-9\n",
	} {
		if !strings.Contains(stdout, want) {
			t.Errorf("%q is not in\n%s", want, stdout)
		}
	}
	if strings.Contains(stdout, docSecret) {
		t.Error("the secret is shown")
	}
	_, stdout, _ = runs(append([]string{"sign", "--presign", "24h", docURL + "/test.txt"}, docScope...)...)
	if !strings.Contains(stdout, "\nURL\n  "+docURL+"/test.txt?X-Amz-Algorithm=") || strings.Contains(stdout, "Request\n") {
		t.Errorf("presigned, it shows\n%s", stdout)
	}
}
