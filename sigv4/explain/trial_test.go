package explain_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"s3mount/sigv4"
	"s3mount/sigv4/explain"
)

const (
	exampleKey    = "AKIAIOSFODNN7EXAMPLE"
	exampleSecret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
	exampleToken  = "FwoGZXIvYXdzEBYaDH+/AbCd/EXAMPLE+TOKEN//=="
	emptyHash     = sigv4.EmptyPayload
)

// A parts is a canonical request in parts, each of which can be broken.
type parts struct {
	method, path, query string
	lines               []string // name:value
	names, payload      string
}

func (p parts) text() string {
	return p.method + "\n" + p.path + "\n" + p.query + "\n" + strings.Join(p.lines, "\n") + "\n\n" + p.names + "\n" + p.payload
}

func partsOf(canonical string) parts {
	lines := strings.Split(canonical, "\n")
	n := len(lines)
	return parts{lines[0], lines[1], lines[2], slices.Clone(lines[3 : n-3]), lines[n-2], lines[n-1]}
}

func (p *parts) set(name, value string) {
	for i, line := range p.lines {
		if strings.HasPrefix(line, name+":") {
			p.lines[i] = name + ":" + value
		}
	}
}

func (p *parts) get(name string) string {
	for _, line := range p.lines {
		if value, ok := strings.CutPrefix(line, name+":"); ok {
			return value
		}
	}
	return ""
}

// A trial is one request, how its client signs it, what is sent and what arrives.
// The signing here is written for the test, and every step of it can be broken.
type trial struct {
	sent    parts // what goes on the wire; its query is canonical
	target  string
	client  parts // what the client takes it for
	arrived parts // what the server takes it for
	drop    []string
	key     string // access key id
	secret  string // of the client
	date    string
	scope   string // of the Credential
	presign bool
	canon   func(parts) string                              // to the text that is hashed
	hash    func(text string) string                        // to the last line of the string to sign
	toSign  func(date, scope, hash string) string           // of the client
	sign    func(secret, date, scope, toSign string) string // to the signature
}

func newTrial(canonical, date, region string) *trial {
	t := &trial{
		sent: partsOf(canonical), client: partsOf(canonical), arrived: partsOf(canonical),
		key: exampleKey, secret: exampleSecret, date: date, scope: date[:8] + "/" + region + "/s3/aws4_request",
		canon: parts.text, hash: sum,
		toSign: func(date, scope, hash string) string { return "AWS4-HMAC-SHA256\n" + date + "\n" + scope + "\n" + hash },
		sign: func(secret, date, scope, toSign string) string {
			s := strings.Split(scope, "/")
			return hex.EncodeToString(mac(mac(mac(mac(mac([]byte("AWS4"+secret), s[0]), s[1]), s[2]), s[3]), toSign))
		},
	}
	t.presign = strings.Contains(t.sent.query, "X-Amz-Credential=")
	return t
}

func mac(key []byte, message string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(message))
	return h.Sum(nil)
}

func sum(s string) string {
	h := sha256.Sum256([]byte(s))
	return hex.EncodeToString(h[:])
}

func (t *trial) canonical() string { return t.canon(t.client) }
func (t *trial) stringToSign() string {
	return t.toSign(t.date, t.scope, t.hash(t.canonical()))
}
func (t *trial) signature() string {
	return t.sign(t.secret, t.date, t.scope, t.stringToSign())
}

// request is what is sent.
func (t *trial) request() string {
	target := t.target
	if target == "" {
		target = t.sent.path
		if t.sent.query != "" {
			target += "?" + t.sent.query
		}
	}
	if t.presign {
		target += "&X-Amz-Signature=" + t.signature()
	}
	text := t.sent.method + " " + target + " HTTP/1.1\r\n"
	for _, line := range t.sent.lines {
		name, value, _ := strings.Cut(line, ":")
		if !slices.Contains(t.drop, name) {
			text += name + ": " + value + "\r\n"
		}
	}
	if !t.presign {
		text += "Authorization: AWS4-HMAC-SHA256 Credential=" + t.key + "/" + t.scope + ", SignedHeaders=" + t.sent.names + ", Signature=" + t.signature() + "\r\n"
	}
	return text + "User-Agent: test\r\n\r\n"
}

// refusal is what S3 answers.
func (t *trial) refusal() string {
	canonical := t.arrived.text()
	toSign := "AWS4-HMAC-SHA256\n" + t.date + "\n" + t.scope + "\n" + sum(canonical)
	return errorXML("SignatureDoesNotMatch", "The request signature we calculated does not match the signature you provided. Check your key and signing method.",
		"AWSAccessKeyId", t.key, "StringToSign", toSign, "SignatureProvided", t.signature(), "StringToSignBytes", fmt.Sprintf("% x", toSign),
		"CanonicalRequest", canonical, "CanonicalRequestBytes", fmt.Sprintf("% x", canonical))
}

// errorXML is an error as S3 writes it.
func errorXML(code, message string, fields ...string) string {
	var b strings.Builder
	b.WriteString("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error>")
	for i, f := range append([]string{"Code", code, "Message", message}, fields...) {
		if i%2 == 0 {
			b.WriteString("<" + f + ">")
			continue
		}
		if err := xml.EscapeText(&b, []byte(f)); err != nil {
			panic(err)
		}
		b.WriteString("</" + append([]string{"Code", code, "Message", message}, fields...)[i-1] + ">")
	}
	return b.String() + "<RequestId>4442587FB7D0A2F9</RequestId><HostId>vo0fFfYfBMb=</HostId></Error>"
}

// evidence is a choice of what is known: words of "canonical", "string",
// "request", "server", "credentials".
func (t *trial) evidence(kind string) explain.Evidence {
	var e explain.Evidence
	for word := range strings.SplitSeq(kind, "+") {
		switch word {
		case "canonical":
			e.CanonicalRequest = t.canonical()
		case "string":
			e.StringToSign = t.stringToSign()
		case "request":
			e.Request = t.request()
		case "server":
			e.Response = t.refusal()
		case "silent": // a server that tells nothing, as MinIO
			e.Response = errorXML("SignatureDoesNotMatch", "The request signature we calculated does not match the signature you provided.", "Key", "a", "BucketName", "b")
		case "credentials":
			e.Credentials = &sigv4.Credentials{AccessKeyID: t.key, SecretAccessKey: exampleSecret}
			if token := t.sent.get("x-amz-security-token"); token != "" {
				e.Credentials.SessionToken = token
			} else if _, after, ok := strings.Cut(t.sent.query, "X-Amz-Security-Token="); ok {
				token, _, _ := strings.Cut(after, "&")
				e.Credentials.SessionToken = unescaped(token)
			}
		default:
			panic(word)
		}
	}
	return e
}

func unescaped(s string) string {
	for b := range 256 {
		if b != '%' {
			s = strings.ReplaceAll(s, fmt.Sprintf("%%%02X", b), string([]byte{byte(b)}))
		}
	}
	return strings.ReplaceAll(s, "%25", "%")
}

// explained is a report whose form holds whatever the evidence.
func explained(t testing.TB, e explain.Evidence) explain.Report {
	t.Helper()
	r, err := explain.Explain(e)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func listing() *trial {
	return newTrial("GET\n/photos%20of/2026//cat.jpg\ndelimiter=%2F&list-type=2&prefix=a%20b%2Fc&versions=\n"+
		"host:s3.example.com:9000\nrange:bytes=0-9\nx-amz-content-sha256:"+emptyHash+"\nx-amz-date:20260102T030405Z\n\n"+
		"host;range;x-amz-content-sha256;x-amz-date\n"+emptyHash, "20260102T030405Z", "eu-north-1")
}

// presigned is a GET that is good for an hour.
func presigned() *trial {
	return newTrial("GET\n/cat.jpg\nX-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20260102%2Feu-north-1%2Fs3%2Faws4_request"+
		"&X-Amz-Date=20260102T030405Z&X-Amz-Expires=3600&X-Amz-SignedHeaders=host\nhost:photos.s3.eu-north-1.amazonaws.com\n\nhost\nUNSIGNED-PAYLOAD",
		"20260102T030405Z", "eu-north-1")
}

var signedAt = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
