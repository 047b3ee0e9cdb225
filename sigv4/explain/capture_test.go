package explain_test

import (
	"errors"
	"strings"
	"testing"

	"s3mount/sigv4/explain"
)

// What `curl -v` prints when a proxy has dropped the Range header. The trailing
// blanks and the missing line end behind the body are curl's.
const curlCapture = `* Host s3.example.com:9000 was resolved.
* IPv6: (none)
* IPv4: 192.0.2.7
*   Trying 192.0.2.7:9000...
* Connected to s3.example.com (192.0.2.7) port 9000
* using HTTP/1.x
> GET /photos%20of/2026//cat.jpg?delimiter=%2F&list-type=2&prefix=a%20b%2Fc&versions= HTTP/1.1
> Host: s3.example.com:9000
> User-Agent: curl/8.14.1
> Accept: */*
> Range: bytes=0-9
> X-Amz-Content-Sha256: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
> X-Amz-Date: 20260102T030405Z
> Authorization: AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20260102/eu-north-1/s3/aws4_request, SignedHeaders=host;range;x-amz-content-sha256;x-amz-date, Signature=SIGNATURE
> 
* Request completely sent off
< HTTP/1.1 403 Forbidden
< Content-Type: application/xml
< Date: Fri, 02 Jan 2026 03:04:06 GMT
< Content-Length: 1234
< 
{ [1234 bytes data]
ANSWER* Connection #0 to host s3.example.com left intact
`

// What Python's http.client prints with debuglevel 1, and the program its answer.
const pythonCapture = `send: b'GET /photos%20of/2026//cat.jpg?delimiter=%2F&list-type=2&prefix=a%20b%2Fc&versions= HTTP/1.1\r\nHost: s3.example.com:9000\r\nAccept-Encoding: identity\r\nrange: bytes=0-9\r\nx-amz-date: 20260102T030405Z\r\nx-amz-content-sha256: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\r\nAuthorization: AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20260102/eu-north-1/s3/aws4_request, SignedHeaders=host;range;x-amz-content-sha256;x-amz-date, Signature=SIGNATURE\r\n\r\n'
reply: 'HTTP/1.1 403 Forbidden\r\n'
header: Content-Type: application/xml
header: Date: Fri, 02 Jan 2026 03:04:06 GMT
ANSWER
`

// captured fills a capture in.
func captured(capture string, c *trial) string {
	return strings.NewReplacer("SIGNATURE", c.signature(), "ANSWER", c.refusal()).Replace(capture)
}

func TestCaptures(t *testing.T) {
	dropped := func() *trial {
		c := listing()
		c.arrived.set("range", "")
		return c
	}
	again := strings.Replace(curlCapture, "SIGNATURE", anySignature, 1)
	repr := strings.NewReplacer(`\`, `\\`, `'`, `\'`, "\n", `\n`)
	tests := []struct {
		name string
		text func(c *trial) string
	}{
		{"curl", func(c *trial) string { return captured(curlCapture, c) }},
		{"curl, CRLF", func(c *trial) string { return strings.ReplaceAll(captured(curlCapture, c), "\n", "\r\n") }},
		{"curl, indented lines of a second attempt", func(c *trial) string {
			return strings.Replace(again, "ANSWER", errorXML("SlowDown", "x"), 1) + captured(curlCapture, c)
		}},
		{"curl, 100 Continue", func(c *trial) string {
			return strings.Replace(captured(curlCapture, c), "< HTTP/1.1 403", "< HTTP/1.1 100 Continue\n< \n< HTTP/1.1 403", 1)
		}},
		{"curl, its progress before the answer", func(c *trial) string {
			const meter = "\r  0     0    0     0    0     0      0      0 --:--:-- --:--:-- --:--:--     0"
			waited := meter + strings.Replace(meter, "--:--:--", " 0:00:02", 1)
			s := strings.Replace(captured(curlCapture, c), "< HTTP/1.1 403", waited+"< HTTP/1.1 403", 1)
			s = strings.Replace(s, "* Connection", "\r100   269  100   269    0     0   135k      0  0:00:02  0:00:02 --:--:--  262k\n* Connection", 1)
			return strings.Replace(s, "> GET", meter+"> GET", 1)
		}},
		{"http.client", func(c *trial) string { return captured(pythonCapture, c) }},
		{"http.client, double quotes", func(c *trial) string {
			s := captured(pythonCapture, c)
			return strings.Replace(strings.Replace(s, "send: b'", `send: b"`, 1), `\r\n\r\n'`, `\r\n\r\n"`, 1)
		}},
		{"http.client of Python 2", func(c *trial) string { return strings.Replace(captured(pythonCapture, c), "send: b'", "send: '", 1) }},
		{"http.client, printed bytes", func(c *trial) string {
			return strings.Replace(captured(pythonCapture, c), c.refusal(), "b'"+repr.Replace(c.refusal())+"'", 1)
		}},
		{"http.client, a retry", func(c *trial) string {
			return strings.NewReplacer("SIGNATURE", anySignature, "ANSWER", "").Replace(pythonCapture) + captured(pythonCapture, c)
		}},
		{"http.client, several sends", func(c *trial) string {
			return strings.Replace(captured(pythonCapture, c), "reply:", "send: b''\nreply:", 1)
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := dropped()
			r := explained(t, explain.Evidence{Request: tt.text(c)})
			if got := summary(r); got != "[shown header-changed range]" {
				t.Errorf("found %s in\n%s", got, tt.text(c))
			}
			if f := r.Findings[0]; f.Yours != "bytes=0-9" || f.Server != "" {
				t.Errorf("yours %q, the server's %q", f.Yours, f.Server)
			}
			e := c.evidence("credentials")
			e.Request = tt.text(listing()) // all is right: so what was read is what was sent, to the byte
			if got := summary(explained(t, e)); got != "[shown server-has-other-secret ]" {
				t.Errorf("with credentials: found %s", got)
			}
		})
	}
}

// The answer by itself, in all its forms.
func TestAnswers(t *testing.T) {
	c := listing()
	c.client.query = ""
	canonical := c.canonical()
	xml := c.refusal()
	stripped := xml
	for _, name := range []string{"CanonicalRequestBytes", "StringToSignBytes"} {
		before, rest, _ := strings.Cut(stripped, "<"+name+">")
		_, after, _ := strings.Cut(rest, "</"+name+">")
		stripped = before + after
	}
	head := "HTTP/1.1 403 Forbidden\r\nContent-Type: application/xml\r\nDate: Fri, 02 Jan 2026 03:04:06 GMT\r\n\r\n"
	garbled := strings.Replace(xml, "<CanonicalRequest>GET", "<CanonicalRequest>BAD", 1)
	for name, text := range map[string]string{
		"XML": xml, "XML with a line end": xml + "\n", "HTTP": head + xml, "HTTP, LF": strings.ReplaceAll(head, "\r\n", "\n") + xml,
		"without the bytes": stripped, "without the bytes, CRLF": strings.ReplaceAll(stripped, "&#xA;", "\r\n"),
		"the bytes count": garbled, "HTTP/2": "HTTP/2 403\r\ndate: Fri, 02 Jan 2026 03:04:06 GMT\r\n\r\n" + xml,
		"a program's words before": "Error: 403\n" + xml, "a namespace": strings.Replace(xml, "<Error>", `<Error xmlns="http://s3.amazonaws.com/doc/2006-03-01/">`, 1),
		"curl": curlCapture[strings.Index(curlCapture, "< HTTP"):strings.Index(curlCapture, "ANSWER")] + xml + "* Connection #0 to host left intact\n",
	} {
		r := explained(t, explain.Evidence{CanonicalRequest: canonical, Response: text})
		if got := summary(r); got != "[shown query-dropped ]" {
			t.Errorf("%s: found %s", name, got)
		}
	}
}

// Control characters and bytes outside UTF-8 in a key.
func TestAnswerWithControlCharacters(t *testing.T) {
	c := newTrial("GET\n/a%01b\n\nhost:h\nx-amz-content-sha256:"+emptyHash+"\nx-amz-date:20260102T030405Z\n\nhost;x-amz-content-sha256;x-amz-date\n"+emptyHash, "20260102T030405Z", "us-east-1")
	answer := "<Error><Code>SignatureDoesNotMatch</Code><Key>a&#x1;b&bogus;&#xffffffff;&lt;</Key><CanonicalRequest>" + c.arrived.text() + "</CanonicalRequest></Error>"
	c.client.path = "/a\x01b"
	if got := summary(explained(t, explain.Evidence{CanonicalRequest: c.canonical(), Response: answer})); got != "[shown path-not-escaped ]" {
		t.Errorf("found %s", got)
	}
}

// A canonical request on file, as editors leave it.
func TestFilesOfEditors(t *testing.T) {
	c := listing()
	for name, text := range map[string]string{
		"a final newline": c.canonical() + "\n", "CRLF": strings.ReplaceAll(c.canonical(), "\n", "\r\n") + "\r\n", "a byte order mark": "\ufeff" + c.canonical(),
	} {
		// The string to sign shows what was hashed: the text without those.
		e := c.evidence("string+request+server")
		e.CanonicalRequest = text
		if got := summary(explained(t, e)); got != "[shown secret-or-key ]" {
			t.Errorf("%s, which was not hashed: found %s", name, got)
		}
	}
	e := c.evidence("request")
	e.CanonicalRequest = strings.ReplaceAll(c.canonical(), "\n", "\r\n")
	if got := summary(explained(t, e)); !strings.HasPrefix(got, "[likely hash-of-crlf ]") {
		t.Errorf("CRLF, and no string to sign: found %s", got)
	}
}

func TestRefusedEvidence(t *testing.T) {
	long := strings.Repeat("x", 1<<20+1)
	tests := []struct {
		name  string
		e     explain.Evidence
		field string
	}{
		{"nothing", explain.Evidence{}, ""},
		{"blanks", explain.Evidence{Request: " \n", Response: "\t"}, ""},
		{"no request line", explain.Evidence{Request: "topsecret"}, "request"},
		{"a response as the request", explain.Evidence{Request: "HTTP/1.1 403 Forbidden\r\n\r\n"}, "request"},
		{"no version", explain.Evidence{Request: "GET / topsecret"}, "request"},
		{"a line that is no header", explain.Evidence{Request: "GET / HTTP/1.1\nHost: h\ntopsecret\n\n"}, "request"},
		{"a long request", explain.Evidence{Request: long}, "request"},
		{"a string to sign as canonical request", explain.Evidence{CanonicalRequest: "AWS4-HMAC-SHA256\na\nb\nc"}, "canonical-request"},
		{"a request as canonical request", explain.Evidence{CanonicalRequest: sentRequest}, "canonical-request"},
		{"too few lines", explain.Evidence{CanonicalRequest: "GET\n/\n"}, "canonical-request"},
		{"a canonical request as string to sign", explain.Evidence{StringToSign: firstCanonical}, "string-to-sign"},
		{"three lines", explain.Evidence{StringToSign: "a\nb\ntopsecret"}, "string-to-sign"},
		{"no error", explain.Evidence{Response: "<html>topsecret</html>"}, "response"},
		{"success", explain.Evidence{Response: "HTTP/1.1 200 OK\r\n\r\ntopsecret"}, "response"},
	}
	for _, tt := range tests {
		_, err := explain.Explain(tt.e)
		var bad *explain.InputError
		if !errors.As(err, &bad) || bad.Field != tt.field || bad.Problem == "" || bad.Hint == "" {
			t.Errorf("%s: error %#v, want one about %q", tt.name, err, tt.field)
			continue
		}
		if strings.Contains(bad.Error()+bad.Hint, "topsecret") {
			t.Errorf("%s: the error repeats what was given: %v", tt.name, err)
		}
	}
}

// An answer to HEAD has no body.
func TestAnswerWithoutBody(t *testing.T) {
	r := explained(t, explain.Evidence{Request: sentRequest, Response: "HTTP/1.1 403 Forbidden\r\n\r\n"})
	if len(r.Missing) == 0 || !strings.Contains(r.Missing[0], "HEAD") {
		t.Errorf("missing: %q", r.Missing)
	}
}

// A program that does not print the body leaves the lines of http.client without
// one, which is another matter than HEAD.
func TestAnswerWithoutItsBody(t *testing.T) {
	for _, tt := range []struct{ method, announced, says string }{
		{"GET", "Content-Length: 1890", "print it too"},
		{"GET", "Transfer-Encoding: chunked", "print it too"},
		{"GET", "Content-Length: 0", "HEAD"},
		{"HEAD", "Content-Length: 1890", "HEAD"},
	} {
		capture := strings.NewReplacer("SIGNATURE", anySignature, "b'GET", "b'"+tt.method, "ANSWER", "header: "+tt.announced).Replace(pythonCapture)
		r := explained(t, explain.Evidence{Request: capture})
		if len(r.Missing) == 0 || !strings.Contains(r.Missing[0], tt.says) {
			t.Errorf("%s, %s: missing: %q, want %q", tt.method, tt.announced, r.Missing, tt.says)
		}
	}
}
