//go:build linux

package integration

import (
	"bufio"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

const emptyHash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

// An attempt is a request signed by hand, as programs do that do not use a
// library: each part can be wrong by itself. Nothing of the project signs it.
type attempt struct {
	method, target string // on the wire; the target is escaped
	path, query    string // as signed
	headers        [][2]string
	signed         map[string]string // by small name, as signed
	payload        string            // line of the canonical request
	at             time.Time
	day            string // of the scope
	region         string
	service        string
	keyID, secret  string
	presign        bool

	canonical func(*attempt) string // nil: as it should be
	hashed    func(string) string   // what of the canonical request is hashed; nil: itself
	key       func(*attempt) []byte // nil: as it should be
	sent      func(*attempt)        // what is sent other than it was signed
	onTheWay  func(*attempt)        // what a proxy changes
}

func mac(key []byte, s string) []byte {
	h := hmac.New(sha256.New, key)
	io.WriteString(h, s)
	return h.Sum(nil)
}

// newAttempt is a good GET of a key without a query.
func newAttempt(host, path, keyID, secret string) *attempt {
	now := time.Now().UTC()
	a := &attempt{method: "GET", target: path, path: path, payload: emptyHash, at: now, day: now.Format("20060102"),
		region: "us-east-1", service: "s3", keyID: keyID, secret: secret, signed: map[string]string{}}
	a.header("Host", host)
	a.header("x-amz-content-sha256", emptyHash)
	a.header("x-amz-date", a.date())
	return a
}

func (a *attempt) date() string { return a.at.Format("20060102T150405Z") }

// header sends a header and signs it.
func (a *attempt) header(name, value string) {
	a.send(name, value)
	a.signed[strings.ToLower(name)] = value
}

// send sends a header, in the place of one of that name.
func (a *attempt) send(name, value string) {
	a.drop(name)
	a.headers = append(a.headers, [2]string{name, value})
}

func (a *attempt) drop(name string) {
	a.headers = slices.DeleteFunc(a.headers, func(h [2]string) bool { return strings.EqualFold(h[0], name) })
}

func (a *attempt) names() string {
	var names []string
	for name := range a.signed {
		names = append(names, name)
	}
	slices.Sort(names)
	return strings.Join(names, ";")
}

// lines are the canonical request's.
func (a *attempt) lines() []string {
	lines := []string{a.method, a.path, a.query}
	for _, name := range strings.Split(a.names(), ";") {
		lines = append(lines, name+":"+a.signed[name])
	}
	return append(lines, "", a.names(), a.payload)
}

func (a *attempt) scope() string {
	return strings.Join([]string{a.day, a.region, a.service, "aws4_request"}, "/")
}

// sign signs. The texts are what the program believes.
func (a *attempt) sign() (canonical, toSign string) {
	canonical = strings.Join(a.lines(), "\n")
	if a.canonical != nil {
		canonical = a.canonical(a)
	}
	bytes := canonical
	if a.hashed != nil {
		bytes = a.hashed(canonical)
	}
	sum := sha256.Sum256([]byte(bytes))
	toSign = strings.Join([]string{"AWS4-HMAC-SHA256", a.date(), a.scope(), hex.EncodeToString(sum[:])}, "\n")
	key := rightKey(a)
	if a.key != nil {
		key = a.key(a)
	}
	signature := hex.EncodeToString(mac(key, toSign))
	if a.presign {
		a.target += "&X-Amz-Signature=" + signature
	} else {
		a.send("Authorization", "AWS4-HMAC-SHA256 Credential="+a.keyID+"/"+a.scope()+", SignedHeaders="+a.names()+", Signature="+signature)
	}
	if a.sent != nil {
		a.sent(a)
	}
	return canonical, toSign
}

func rightKey(a *attempt) []byte {
	return mac(mac(mac(mac([]byte("AWS4"+a.secret), a.day), a.region), a.service), "aws4_request")
}

// text is the request as it goes out.
func (a *attempt) text() string {
	var b strings.Builder
	b.WriteString(a.method + " " + a.target + " HTTP/1.1\r\n")
	for _, h := range a.headers {
		b.WriteString(h[0] + ": " + h[1] + "\r\n")
	}
	return b.String() + "\r\n"
}

// exchange sends the bytes as they are, and gives the answer with its head.
func exchange(t *testing.T, addr, request string) string {
	t.Helper()
	conn, err := net.DialTimeout("tcp", addr, 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := io.WriteString(conn, strings.Replace(request, "\r\n\r\n", "\r\nConnection: close\r\n\r\n", 1)); err != nil {
		t.Fatal(err)
	}
	method, _, _ := strings.Cut(request, " ")
	resp, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: method})
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var b strings.Builder
	if err := resp.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}
