package sigv4_test

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"s3mount/sigv4"
)

// A signCase is one file of testdata: a comment, then the sections sign (how),
// request, and what must come out: canonical, tosign, and authorization or url.
type signCase struct {
	name     string
	sections map[string]string
	creds    sigv4.Credentials
	scope    sigv4.Scope
	payload  string
	at       time.Time
	expires  time.Duration // 0: header form
	scheme   string
}

func readCases(t *testing.T) []signCase {
	t.Helper()
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	var cases []signCase
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		c := signCase{
			name:     strings.TrimSuffix(filepath.Base(file), ".txt"),
			sections: make(map[string]string),
			creds:    example, scope: scope, payload: sigv4.EmptyPayload, scheme: "https",
		}
		for part := range strings.SplitSeq("\n"+string(text), "\n-- ") {
			if name, body, ok := strings.Cut(part, " --\n"); ok {
				c.sections[name] = strings.TrimSuffix(body, "\n")
			}
		}
		for line := range strings.SplitSeq(c.sections["sign"], "\n") {
			name, value, _ := strings.Cut(line, " ")
			if err := c.set(name, value); err != nil {
				t.Fatalf("%s: %s: %v", file, name, err)
			}
		}
		cases = append(cases, c)
	}
	return cases
}

func (c *signCase) set(name, value string) (err error) {
	switch name {
	case "time":
		c.at, err = time.Parse("20060102T150405Z", value)
	case "region":
		c.scope.Region = value
	case "payload":
		c.payload = value
	case "secret":
		c.creds.SecretAccessKey = value
	case "token":
		c.creds.SessionToken = value
	case "expires":
		c.expires, err = time.ParseDuration(value)
	case "scheme":
		c.scheme = value
	default:
		err = fmt.Errorf("unknown")
	}
	return err
}

// request reads the request section. The target is read by net/url, as a program
// would have it, so that a plus in the query is a blank.
func (c *signCase) request(t *testing.T) *http.Request {
	t.Helper()
	lines := strings.Split(c.sections["request"], "\n")
	line := strings.Fields(lines[0])
	r := &http.Request{Method: line[0], Header: http.Header{}}
	for _, line := range lines[1:] {
		name, value, ok := strings.Cut(line, ":")
		switch {
		case line == "":
		case !ok:
			t.Fatalf("%s: header line %q", c.name, line)
		case name == "Host":
			r.Host = strings.TrimSpace(value)
		default:
			r.Header.Add(name, value)
		}
	}
	u, err := url.Parse(c.scheme + "://" + r.Host + line[1])
	if err != nil {
		t.Fatal(err)
	}
	r.URL = u
	return r
}

func (c *signCase) sign(r *http.Request) (sigv4.Steps, error) {
	var s sigv4.Signer
	if c.expires > 0 {
		return s.Presign(r, c.creds, c.scope, c.payload, c.at, c.expires)
	}
	return s.Sign(r, c.creds, c.scope, c.payload, c.at)
}

// Every step of every case is the one on file.
func TestCases(t *testing.T) {
	for _, c := range readCases(t) {
		t.Run(c.name, func(t *testing.T) {
			r := c.request(t)
			got, err := c.sign(r)
			if err != nil {
				t.Fatal(err)
			}
			for _, step := range []struct{ name, got string }{
				{"canonical", got.CanonicalRequest},
				{"tosign", got.StringToSign},
				{"authorization", got.Authorization},
				{"url", got.URL},
			} {
				if want := c.sections[step.name]; step.got != want {
					t.Fatalf("%s differs\n got: %q\nwant: %q", step.name, step.got, want)
				}
			}
			lines := strings.Split(got.CanonicalRequest, "\n")
			if path := r.URL.EscapedPath(); path != lines[1] {
				t.Errorf("the wire path is %q, signed was %q", path, lines[1])
			}
			if got.URL == "" && r.URL.RawQuery != lines[2] {
				t.Errorf("the wire query is %q, signed was %q", r.URL.RawQuery, lines[2])
			}
			if got.URL == "" && r.Header.Get("Authorization") != got.Authorization {
				t.Errorf("the header sent is %q", r.Header.Get("Authorization"))
			}
			if got.URL != "" && r.URL.String() != got.URL {
				t.Errorf("the request's URL is %q, want %q", r.URL, got.URL)
			}
		})
	}
}

// The figures on file are also those of a signer that is not ours.
func TestCasesAgainstSDK(t *testing.T) {
	for _, c := range readCases(t) {
		t.Run(c.name, func(t *testing.T) {
			lines := strings.Split(c.sections["canonical"], "\n")
			_, host, _ := strings.Cut(c.sections["canonical"], "\nhost:")
			host, _, _ = strings.Cut(host, "\n")
			want := sdkSteps(t, c.request(t), host, lines[1], c.creds, c.scope, c.payload, c.at, c.expires)
			diffSteps(t, sigv4.Steps{
				CanonicalRequest: c.sections["canonical"],
				StringToSign:     c.sections["tosign"],
				SignedHeaders:    want.SignedHeaders,
				Signature:        want.Signature,
				Authorization:    c.sections["authorization"],
				URL:              c.sections["url"],
			}, want)
		})
	}
}

// The cases are numbered by the mistake of signers that they catch; "s3" are S3's
// own examples. Five mistakes are caught elsewhere, by the tests of the client,
// package s3: a clock that is off (13), another region (14), an old signature sent
// again (15, and TestSignAgain here), a body or Content-Length on a GET (19), and
// streamed signatures (20).
func TestEveryPitfallHasACase(t *testing.T) {
	held := map[string]int{}
	for _, c := range readCases(t) {
		number, _, _ := strings.Cut(c.name, "-")
		held[number]++
	}
	for n := 1; n <= 20; n++ {
		switch n {
		case 13, 14, 15, 19, 20:
			continue
		}
		if held[fmt.Sprintf("%02d", n)] == 0 {
			t.Errorf("pitfall %d has no case in testdata", n)
		}
	}
	if held["s3"] < 5 {
		t.Errorf("%d of S3's examples, want 5", held["s3"])
	}
}
