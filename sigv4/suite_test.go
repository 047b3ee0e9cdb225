package sigv4_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"s3mount/sigv4"
)

// normalized are the cases of the generic suite whose path is cleaned there. S3
// takes paths as they are, so ours must not come out the same.
var normalized = map[string]string{
	"get-relative-normalized":            "/example/..",
	"get-relative-relative-normalized":   "/example1/example2/../..",
	"get-slash-dot-slash-normalized":     "/./",
	"get-slash-normalized":               "//",
	"get-slash-pointless-dot-normalized": "/./example",
	"get-slashes-normalized":             "//example//",
}

// A suiteCase is one directory of the generic suite.
type suiteCase struct {
	dir         string
	Credentials struct {
		ID     string `json:"access_key_id"`
		Secret string `json:"secret_access_key"`
		Token  string `json:"token"`
	}
	Expires   int  `json:"expiration_in_seconds"`
	SignBody  bool `json:"sign_body"`
	OmitToken bool `json:"omit_session_token"`
	Region    string
	Service   string
	Timestamp string
}

func (c suiteCase) read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(c.dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// request reads request.txt, which is not always legal HTTP: blanks and UTF-8 in
// the target, folded headers. It returns the body too.
func (c suiteCase) request(t *testing.T) (*http.Request, string) {
	t.Helper()
	head, body, _ := strings.Cut(c.read(t, "request.txt"), "\n\n")
	lines := strings.Split(strings.TrimRight(head, "\n"), "\n")
	method, target, _ := strings.Cut(lines[0], " ")
	target = target[:strings.LastIndexByte(target, ' ')]
	r := &http.Request{Method: method, Header: http.Header{}}
	for i := 1; i < len(lines); i++ {
		name, value, _ := strings.Cut(lines[i], ":")
		for i+1 < len(lines) && strings.HasPrefix(lines[i+1], " ") {
			i++
			value += lines[i] // the fold is blanks
		}
		if strings.EqualFold(name, "Host") {
			r.Host = value
		} else {
			r.Header.Add(name, value)
		}
	}
	u, err := sigv4.ParseURL("https://" + r.Host + target)
	if err != nil {
		t.Fatal(err)
	}
	r.URL = u
	return r, body
}

func (c suiteCase) sign(t *testing.T, presign bool) (*http.Request, sigv4.Steps) {
	t.Helper()
	r, body := c.request(t)
	creds := sigv4.Credentials{AccessKeyID: c.Credentials.ID, SecretAccessKey: c.Credentials.Secret, SessionToken: c.Credentials.Token}
	if c.OmitToken {
		creds.SessionToken = "" // it is added after signing
	}
	sc := sigv4.Scope{Region: c.Region, Service: c.Service}
	at := parseTime(t, time.RFC3339, c.Timestamp)
	payload := sigv4.OmitPayload
	if c.SignBody {
		sum := sha256.Sum256([]byte(body))
		payload = hex.EncodeToString(sum[:])
	}
	var s sigv4.Signer
	var steps sigv4.Steps
	var err error
	if presign {
		steps, err = s.Presign(r, creds, sc, payload, at, time.Duration(c.Expires)*time.Second)
	} else {
		steps, err = s.Sign(r, creds, sc, payload, at)
	}
	if err != nil {
		t.Fatal(err)
	}
	return r, steps
}

// The generic suite of AWS, as a signer for S3 must see it.
func TestGenericSuite(t *testing.T) {
	dirs, _ := filepath.Glob(filepath.Join(vectors, "aws-c-auth/v4/*"))
	if len(dirs) == 0 {
		t.Skip("the vectors are not here, and need not be")
	}
	if len(dirs) != 38 {
		t.Errorf("%d cases, want 38", len(dirs))
	}
	for _, dir := range dirs {
		c := suiteCase{dir: dir}
		if err := json.Unmarshal([]byte(c.read(t, "context.json")), &c); err != nil {
			t.Fatal(err)
		}
		for _, form := range []string{"header", "query"} {
			name := filepath.Base(dir)
			t.Run(name+"/"+form, func(t *testing.T) {
				r, got := c.sign(t, form == "query")
				want := c.read(t, form+"-canonical-request.txt")
				if path, ok := normalized[name]; ok {
					lines := strings.Split(want, "\n")
					if lines[1] == path {
						t.Errorf("the suite's path is %q, which was thought to be cleaned", path)
					}
					lines[1] = path
					want = strings.Join(lines, "\n")
					if got.CanonicalRequest != want {
						t.Errorf("canonical request\n got: %q\nwant: %q", got.CanonicalRequest, want)
					}
					if got.Signature == strings.TrimSpace(c.read(t, form+"-signature.txt")) {
						t.Error("the signature is that of the cleaned path")
					}
					return
				}
				wanted := sigv4.Steps{
					CanonicalRequest: want,
					StringToSign:     c.read(t, form+"-string-to-sign.txt"),
					SignedHeaders:    got.SignedHeaders,
					Signature:        strings.TrimSpace(c.read(t, form+"-signature.txt")),
					Authorization:    got.Authorization,
					URL:              got.URL,
				}
				diffSteps(t, got, wanted)
				message := c.read(t, form+"-signed-request.txt")
				if form == "header" && !strings.Contains(message, "\nAuthorization:"+got.Authorization+"\n") {
					t.Errorf("Authorization: %q, not in %q", got.Authorization, message)
				}
				if form == "query" {
					checkSignedTarget(t, r, message, c)
				}
			})
		}
	}
}

// checkSignedTarget compares the parameters sent; the suite sends them in the order in
// which they were added.
func checkSignedTarget(t *testing.T, r *http.Request, message string, c suiteCase) {
	t.Helper()
	line, _, _ := strings.Cut(message, "\n")
	_, target, _ := strings.Cut(line, " ")
	u, err := sigv4.ParseURL("https://host" + strings.TrimSuffix(target, " HTTP/1.1"))
	if err != nil {
		t.Fatal(err)
	}
	got, want := strings.Split(r.URL.RawQuery, "&"), strings.Split(u.RawQuery, "&")
	if c.OmitToken {
		want = slices.DeleteFunc(want, func(p string) bool { return strings.HasPrefix(p, "X-Amz-Security-Token=") })
	}
	if !strings.HasPrefix(got[len(got)-1], "X-Amz-Signature=") {
		t.Errorf("the last parameter is %q, want the signature", got[len(got)-1])
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("query\n got: %q\nwant: %q", got, want)
	}
}
