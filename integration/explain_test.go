//go:build linux

package integration

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"s3mount/integration/rig"
)

// A mistake is one that people make who sign by hand.
type mistake struct {
	name   string
	make   func(*attempt)
	part   string // that explain has to name first
	word   string // that its cause, or the name beside the part, has to hold
	server bool   // only the server can know
}

// withQuery gives the attempt a query, signed as it should be.
func withQuery(a *attempt, canonical string) {
	a.query = canonical
	a.target = a.path + "?" + canonical
}

// presigned has the signature in the URL.
func presigned(a *attempt, expires string) {
	a.presign = true
	a.drop("x-amz-content-sha256")
	a.drop("x-amz-date")
	a.signed = map[string]string{"host": a.signed["host"]}
	a.payload = "UNSIGNED-PAYLOAD"
	withQuery(a, "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential="+url.QueryEscape(a.keyID+"/"+a.scope())+
		"&X-Amz-Date="+a.date()+"&X-Amz-Expires="+expires+"&X-Amz-SignedHeaders=host")
}

// without leaves a line of the canonical request out.
func without(line int) func(*attempt) string {
	return func(a *attempt) string { return strings.Join(slices.Delete(a.lines(), line, line+1), "\n") }
}

func utf16LE(s string) string {
	b := make([]byte, 0, 2*len(s))
	for _, u := range utf16.Encode([]rune(s)) {
		b = binary.LittleEndian.AppendUint16(b, u)
	}
	return string(b)
}

var mistakes = []mistake{
	{name: "no query line", part: "query", word: "line", make: func(a *attempt) { a.canonical = without(2) }},
	{name: "query unsorted", part: "query", word: "sort", make: func(a *attempt) {
		withQuery(a, "prefix=a&list-type=2")
	}},
	{name: "query not escaped", part: "query", word: "escape", make: func(a *attempt) {
		withQuery(a, "prefix=a%2Fb")
		a.query = "prefix=a/b"
	}},
	{name: "query escaped twice", part: "query", word: "twice", make: func(a *attempt) {
		withQuery(a, "prefix=a%2Fb")
		a.query = "prefix=a%252Fb"
	}},
	{name: "plus for blank", part: "query", word: "plus", make: func(a *attempt) {
		withQuery(a, "prefix=a%20b")
		a.query = "prefix=a+b"
	}},
	{name: "a parameter without =", part: "query", make: func(a *attempt) {
		withQuery(a, "location=")
		a.query = "location"
	}},
	{name: "path cleaned", part: "path", word: "clean", make: func(a *attempt) { a.target += "//x/../y"; a.path += "/y" }},
	{name: "path escaped twice", part: "path", word: "twice", make: func(a *attempt) { a.target += "/a%20b"; a.path += "/a%2520b" }},
	{name: "path not escaped", part: "path", word: "escape", make: func(a *attempt) { a.target += "/a%20b"; a.path += "/a b" }},
	{name: "payload hash not that of the header", part: "payload hash", make: func(a *attempt) {
		a.header("x-amz-content-sha256", "UNSIGNED-PAYLOAD")
	}},
	{name: "payload hash header missing", part: "payload hash", make: func(a *attempt) {
		a.drop("x-amz-content-sha256")
		delete(a.signed, "x-amz-content-sha256")
	}},
	{name: "host without its port", part: "header", word: "host", make: func(a *attempt) {
		a.signed["host"], _, _ = strings.Cut(a.signed["host"], ":")
	}},
	{name: "Range changed on the way", part: "header", word: "range", server: true, make: func(a *attempt) {
		a.header("Range", "bytes=0-9")
		a.onTheWay = func(a *attempt) { a.send("Range", "bytes=0-99") }
	}},
	{name: "Accept-Encoding changed on the way", part: "header", word: "accept-encoding", server: true, make: func(a *attempt) {
		a.header("Accept-Encoding", "gzip, deflate")
		a.onTheWay = func(a *attempt) { a.send("Accept-Encoding", "identity") }
	}},
	{name: "a date in the scope that is not that of x-amz-date", part: "scope", make: func(a *attempt) {
		a.day = a.at.AddDate(0, 0, -1).Format("20060102")
	}},
	{name: "wrong region in the scope", part: "region", server: true, make: func(a *attempt) { a.region = "eu-north-7" }},
	{name: "wrong service in the scope", part: "scope", word: "service", make: func(a *attempt) { a.service = "execute-api" }},
	{name: "a clock 20 minutes slow", part: "clock", make: func(a *attempt) {
		a.at = a.at.Add(-20 * time.Minute)
		a.day = a.at.Format("20060102")
		a.header("x-amz-date", a.date())
	}},
	{name: "blank behind the secret", part: "secret", make: func(a *attempt) { a.secret += " " }},
	{name: "line end behind the secret", part: "secret", make: func(a *attempt) { a.secret += "\n" }},
	{name: "another secret", part: "secret", make: func(a *attempt) { a.secret = "quite/another" }},
	{name: "CRLF hashed", part: "canonical request", word: "crlf", make: func(a *attempt) {
		a.hashed = func(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") }
	}},
	{name: "final newline hashed", part: "canonical request", word: "newline", make: func(a *attempt) {
		a.hashed = func(s string) string { return s + "\n" }
	}},
	{name: "UTF-16 hashed", part: "canonical request", word: "utf16", make: func(a *attempt) { a.hashed = utf16LE }},
	{name: "key without AWS4", part: "signing key", word: "aws4", make: func(a *attempt) {
		a.key = func(a *attempt) []byte {
			return mac(mac(mac(mac([]byte(a.secret), a.day), a.region), a.service), "aws4_request")
		}
	}},
	{name: "steps of the key swapped", part: "signing key", make: func(a *attempt) {
		a.key = func(a *attempt) []byte {
			return mac(mac(mac(mac([]byte("AWS4"+a.secret), a.day), a.service), a.region), "aws4_request")
		}
	}},
	{name: "key in hex", part: "signing key", word: "hex", make: func(a *attempt) {
		a.key = func(a *attempt) []byte { return []byte(hex.EncodeToString(rightKey(a))) }
	}},
	{name: "presigned for another method", part: "method", make: func(a *attempt) {
		presigned(a, "600")
		a.sent = func(a *attempt) { a.method = "HEAD" }
	}},
	{name: "presigned and expired", part: "expiry", make: func(a *attempt) {
		a.at = a.at.Add(-time.Hour)
		a.day = a.at.Format("20060102")
		presigned(a, "600")
	}},
	{name: "version 2", part: "algorithm", word: "v2", make: func(a *attempt) {
		a.sent = func(a *attempt) {
			a.drop("x-amz-content-sha256")
			a.drop("x-amz-date")
			a.send("Date", a.at.Format("Mon, 02 Jan 2006 15:04:05 GMT"))
			a.send("Authorization", "AWS "+a.keyID+":"+base64.StdEncoding.EncodeToString(mac([]byte("k"), "x")[:20]))
		}
	}},
}

// found is what explain --json has to say.
type found struct {
	Findings []struct{ Part, Name, Cause, Basis string }
}

// What a real server answers to each mistake is explained: with the texts that
// the program built, and with nothing but the request and the answer.
func TestExplainOfARealServersAnswer(t *testing.T) {
	g := gateway(t)
	b := bucket(t, false)
	if err := g.Put(t.Context(), b, "k", strings.NewReader("0123456789")); err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(g.URL)
	if err != nil {
		t.Fatal(err)
	}
	good := newAttempt(u.Host, "/"+b+"/k", g.AccessKey, g.SecretKey)
	good.sign()
	if answer := exchange(t, u.Host, good.text()); !strings.HasPrefix(answer, "HTTP/1.1 200 ") {
		t.Fatalf("a request without a mistake: %.500s", answer)
	}
	for _, tt := range mistakes {
		t.Run(tt.name, func(t *testing.T) {
			a := newAttempt(u.Host, "/"+b+"/k", g.AccessKey, g.SecretKey)
			tt.make(a)
			canonical, toSign := a.sign()
			request := a.text()
			if a.onTheWay != nil {
				a.onTheWay(a)
			}
			answer := exchange(t, u.Host, a.text())
			if strings.HasPrefix(answer, "HTTP/1.1 2") {
				t.Fatalf("the server takes it: %.300s", answer)
			}
			files := map[string]string{"request": request, "response": answer, "canonical-request": canonical, "string-to-sign": toSign}
			for _, given := range [][]string{
				{"request", "response", "canonical-request", "string-to-sign"},
				{"request", "response"},
				{"request", "canonical-request", "string-to-sign"},
			} {
				if tt.name == "version 2" && len(given) != 2 || tt.server && !slices.Contains(given, "response") {
					continue // the texts are of another request; only the server knows
				}
				explains(t, g, tt, files, given)
			}
		})
	}
}

// explains asks, with the right credentials in the environment.
func explains(t *testing.T, g *rig.Gateway, tt mistake, files map[string]string, given []string) {
	t.Helper()
	dir := t.TempDir()
	args := []string{"explain", "--json"}
	for _, name := range given {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(files[name]), 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, "--"+name, path)
	}
	cmd := rig.Invocation{Program: program, Args: args, AccessKey: g.AccessKey, SecretKey: g.SecretKey}.Command()
	r := try(t, nil, dir, cmd)
	var got found
	if err := json.Unmarshal([]byte(r.Stdout), &got); err != nil || len(got.Findings) == 0 {
		t.Errorf("from %v: exit code %d, %v\n%s%s\n%s", given, r.Code, err, r.Stdout, r.Stderr, files["response"])
		return
	}
	first := got.Findings[0]
	if first.Part != tt.part || !strings.Contains(strings.ToLower(first.Cause+" "+first.Name), tt.word) {
		t.Errorf("from %v: %+v, want %s %q first\n%s", given, got.Findings, tt.part, tt.word, files["response"])
	}
	_, signature, _ := strings.Cut(files["request"], "Signature=")
	for what, secret := range map[string]string{"secret": g.SecretKey, "signature": signature[:min(64, len(signature))]} {
		if secret != "" && strings.Contains(r.Stdout+r.Stderr, secret) {
			t.Errorf("from %v: the %s is in\n%s", given, what, r.Stdout)
		}
	}
}
