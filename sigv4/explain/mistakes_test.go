package explain_test

import (
	"encoding/base64"
	"encoding/hex"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"s3mount/sigv4/explain"
)

// What is known, beginning with the least.
const (
	alone     = "canonical"
	byRequest = "canonical+request"
	byServer  = "canonical+server"
	tried     = "request+credentials"
	triedHere = "request+credentials+silent"
	onTheWay  = "request+server"
	hashed    = "canonical+string"
)

// Every mistake is named first, from the least evidence that suffices and from
// more.
func TestMistakes(t *testing.T) {
	t.Parallel()
	always := []string{byRequest, byServer, byServer + "+request", tried, triedHere}
	tests := []struct {
		name  string
		make  func(*trial)
		cause string
		of    string // name of the header
		kinds []string
	}{
		{"no query line", func(c *trial) {
			c.canon = func(p parts) string { return strings.Replace(p.text(), "\n"+p.query+"\n", "\n", 1) }
		}, explain.CauseNoQueryLine, "", append([]string{alone}, always...)},
		{"query dropped", func(c *trial) { c.client.query = "" }, explain.CauseQueryDropped, "", always},
		{"query unsorted", func(c *trial) { c.client.query = "prefix=a%20b%2Fc&list-type=2&delimiter=%2F&versions=" }, explain.CauseQueryUnsorted, "", []string{alone, byRequest, byServer}},
		{"query as sent", func(c *trial) {
			c.target = c.sent.path + "?prefix=a%20b%2Fc&list-type=2&delimiter=%2F&versions="
			c.client.query = "prefix=a%20b%2Fc&list-type=2&delimiter=%2F&versions="
		}, explain.CauseQueryUnsorted, "", append([]string{alone}, always...)},
		{"query not escaped", func(c *trial) { c.client.query = "delimiter=/&list-type=2&prefix=a b/c&versions=" }, explain.CauseQueryUnescaped, "", append([]string{alone}, always...)},
		{"slash in the query not escaped", func(c *trial) { c.client.query = "delimiter=/&list-type=2&prefix=a%20b/c&versions=" }, explain.CauseQueryUnescaped, "", append([]string{alone}, always...)},
		{"query escaped twice", func(c *trial) { c.client.query = strings.ReplaceAll(c.client.query, "%", "%25") }, explain.CauseQueryTwice, "", append([]string{alone}, always...)},
		{"plus for blank", func(c *trial) { c.client.query = strings.ReplaceAll(c.client.query, "%20", "+") }, explain.CauseQueryPlus, "", append([]string{alone}, always...)},
		{"no equals sign", func(c *trial) { c.client.query = strings.TrimSuffix(c.client.query, "=") }, explain.CauseQueryEquals, "", append([]string{alone}, always...)},
		{"question mark", func(c *trial) { c.client.query = "?" + c.client.query }, explain.CauseQueryMark, "", append([]string{alone}, always...)},
		{"path cleaned", func(c *trial) { c.client.path = "/photos%20of/2026/cat.jpg" }, explain.CausePathCleaned, "", always},
		{"path escaped twice", func(c *trial) { c.client.path = "/photos%2520of/2026//cat.jpg" }, explain.CausePathTwice, "", append([]string{alone}, always...)},
		{"path not escaped", func(c *trial) { c.client.path = "/photos of/2026//cat.jpg" }, explain.CausePathUnescaped, "", always},
		{"path with its query", func(c *trial) { c.client.path += "?" + c.client.query }, explain.CausePathQuery, "", append([]string{alone}, always...)},
		{"path with a plus", func(c *trial) { c.client.path = "/photos+of/2026//cat.jpg" }, explain.CausePathPlus, "", always},
		{"payload hash is not the header's", func(c *trial) { c.client.payload = "UNSIGNED-PAYLOAD" }, explain.CausePayloadMismatch, "", append([]string{alone}, always...)},
		{"payload hash in capitals", func(c *trial) { c.client.payload = strings.ToUpper(c.client.payload) }, explain.CausePayloadCase, "", append([]string{alone}, always...)},
		{"no payload line", func(c *trial) {
			c.canon = func(p parts) string { return strings.TrimSuffix(p.text(), "\n"+p.payload) }
		}, explain.CausePayloadLine, "", append([]string{alone}, always...)},
		{"no empty line", func(c *trial) {
			c.canon = func(p parts) string { return strings.Replace(p.text(), "\n\n"+p.names, "\n"+p.names, 1) }
		}, explain.CauseBlankLine, "", append([]string{alone}, always...)},
		{"host without port", func(c *trial) { c.client.set("host", "s3.example.com") }, explain.CauseHostPortMissing, "host", always},
		{"host with port", func(c *trial) {
			c.sent.set("host", "s3.example.com")
			c.arrived.set("host", "s3.example.com")
			c.client.set("host", "s3.example.com:443")
		}, explain.CauseHostPortExtra, "host", always},
		{"another host", func(c *trial) { c.client.set("host", "localhost:9000") }, explain.CauseHost, "host", []string{byRequest, byServer}},
		{"a proxy's host", func(c *trial) { c.arrived.set("host", "10.0.0.1:9000") }, explain.CauseHost, "host", []string{onTheWay, byServer, byServer + "+request"}},
		{"range dropped by a proxy", func(c *trial) { c.arrived.set("range", "") }, explain.CauseHeaderChanged, "range", []string{onTheWay, byServer, byServer + "+request"}},
		{"range changed by a proxy", func(c *trial) { c.arrived.set("range", "bytes=0-") }, explain.CauseHeaderChanged, "range", []string{onTheWay, byServer + "+request"}},
		{"Accept-Encoding changed by a proxy", encoded, explain.CauseHeaderChanged, "accept-encoding", []string{onTheWay, byServer, byServer + "+request"}},
		{"Accept-Encoding changed by the library", func(c *trial) {
			encoded(c)
			c.sent.set("accept-encoding", "gzip, deflate")
			c.arrived.set("accept-encoding", "gzip, deflate")
		}, explain.CauseHeaderChanged, "accept-encoding", []string{tried, triedHere}},
		{"Content-Length dropped", func(c *trial) {
			addHeader(c, "content-length", "0")
			c.arrived.set("content-length", "")
		}, explain.CauseHeaderChanged, "content-length", []string{onTheWay, byServer, byServer + "+request"}},
		{"blanks in a header", func(c *trial) { c.client.set("range", " bytes=0-9") }, explain.CauseHeaderBlanks, "range", append([]string{alone}, always...)},
		{"another header", func(c *trial) { c.client.set("range", "bytes=0-8") }, explain.CauseHeader, "range", []string{byRequest, byServer, byServer + "+request"}},
		{"header's line missing", func(c *trial) { c.client.lines = slices.Delete(c.client.lines, 1, 2) }, explain.CauseHeaderMissing, "range", []string{byRequest, byServer, tried}},
		{"names unsorted", func(c *trial) { c.client.names = "range;host;x-amz-content-sha256;x-amz-date" }, explain.CauseNamesUnsorted, "", []string{alone, byRequest, byServer}},
		{"names with commas", func(c *trial) { c.client.names = "host,range,x-amz-content-sha256,x-amz-date" }, explain.CauseNamesSeparator, "", []string{alone, byRequest, byServer}},
		{"header names in capitals", func(c *trial) { c.client.lines[1] = "Range:bytes=0-9" }, explain.CauseHeaderNameCase, "range", []string{alone, byRequest, byServer}},
		{"another method", func(c *trial) { c.client.method = "HEAD" }, explain.CauseMethod, "", always},
		{"small method", func(c *trial) { c.client.method = "get" }, explain.CauseMethodCase, "", append([]string{alone}, always...)},

		{"hashed with CRLF", func(c *trial) { c.hash = func(s string) string { return sum(strings.ReplaceAll(s, "\n", "\r\n")) } }, explain.CauseHashCRLF, "", []string{hashed, tried, triedHere, hashed + "+server"}},
		{"hashed with a final newline", func(c *trial) { c.hash = func(s string) string { return sum(s + "\n") } }, explain.CauseHashNewline, "", []string{hashed, tried, hashed + "+server"}},
		{"hashed in UTF-16", func(c *trial) { c.hash = func(s string) string { return sum(wide(s)) } }, explain.CauseHashUTF16, "", []string{hashed, tried, hashed + "+server"}},
		{"hashed twice", func(c *trial) { c.hash = func(s string) string { return sum(sum(s)) } }, explain.CauseHashTwice, "", []string{hashed, tried}},
		{"hash in capitals", func(c *trial) { c.hash = func(s string) string { return strings.ToUpper(sum(s)) } }, explain.CauseHashCase, "", []string{hashed, tried, "string+server"}},
		{"string to sign with a final newline", signs(func(s string) string { return s + "\n" }), explain.CauseStringNewline, "", []string{tried, "string+" + tried, "canonical+" + tried}},
		{"string to sign with CRLF", signs(func(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") }), explain.CauseStringCRLF, "", []string{tried}},

		{"key without AWS4", keyed(func(secret string, s []string) []byte {
			return mac(mac(mac(mac([]byte(secret), s[0]), s[1]), s[2]), s[3])
		}), explain.CauseKeyPrefix, "", []string{tried, triedHere, "string+" + tried}},
		{"steps swapped", keyed(func(secret string, s []string) []byte {
			return mac(mac(mac(mac([]byte("AWS4"+secret), s[1]), s[0]), s[2]), s[3])
		}), explain.CauseKeySteps, "", []string{tried, triedHere}},
		{"a step missing", keyed(func(secret string, s []string) []byte {
			return mac(mac(mac([]byte("AWS4"+secret), s[0]), s[1]), s[2])
		}), explain.CauseKeyStepMissing, "", []string{tried}},
		{"hexadecimal keys", keyed(func(secret string, s []string) []byte {
			key := []byte("AWS4" + secret)
			for _, step := range s {
				key = []byte(hex.EncodeToString(mac(key, step)))
			}
			return key
		}), explain.CauseKeyHex, "", []string{tried, triedHere}},
		{"the last key in hexadecimal", keyed(func(secret string, s []string) []byte {
			return []byte(hex.EncodeToString(mac(mac(mac(mac([]byte("AWS4"+secret), s[0]), s[1]), s[2]), s[3])))
		}), explain.CauseKeyHex, "", []string{tried, triedHere}},
		{"key for another region", keyed(func(secret string, s []string) []byte {
			return mac(mac(mac(mac([]byte("AWS4"+secret), s[0]), "us-east-1"), s[2]), s[3])
		}), explain.CauseKeyRegion, "", []string{tried}},
		{"key for another service", keyed(func(secret string, s []string) []byte {
			return mac(mac(mac(mac([]byte("AWS4"+secret), s[0]), s[1]), "execute-api"), s[3])
		}), explain.CauseKeyService, "", []string{tried}},
		{"yesterday's key", keyed(func(secret string, s []string) []byte {
			return mac(mac(mac(mac([]byte("AWS4"+secret), "20260101"), s[1]), s[2]), s[3])
		}), explain.CauseKeyDate, "", []string{tried}},
		{"blank in the secret", func(c *trial) { c.secret += " " }, explain.CauseSecretBlank, "", []string{tried, triedHere}},
		{"line end in the secret", func(c *trial) { c.secret += "\n" }, explain.CauseSecretLineEnd, "", []string{tried}},
		{"CRLF in the secret", func(c *trial) { c.secret += "\r\n" }, explain.CauseSecretLineEnd, "", []string{tried}},
		{"quotes in the secret", func(c *trial) { c.secret = `"` + c.secret + `"` }, explain.CauseSecretQuoted, "", []string{tried}},
		{"secret cut", func(c *trial) { c.secret = c.secret[:39] }, explain.CauseSecretCut, "", []string{tried}},
		{"secret escaped", func(c *trial) { c.secret = strings.ReplaceAll(c.secret, "/", "%2F") }, explain.CauseSecretEscaped, "", []string{tried}},
		{"another secret", func(c *trial) { c.secret = "another" }, explain.CauseNotReproduced, "", []string{tried}},
		{"another secret, all equal", func(c *trial) { c.secret = "another" }, explain.CauseSecretOrKey, "", []string{"string+server", "canonical+string+request+server", "canonical+string+request"}},
		{"the right one", func(*trial) {}, explain.CauseServerSecret, "", []string{"request+credentials+server", triedHere}},
		{"who knows", func(c *trial) { c.secret = "another" }, explain.CauseSignsOther, "", []string{onTheWay}},
		{"signature in base64", func(c *trial) {
			sign := c.sign
			c.sign = func(secret, date, scope, toSign string) string {
				b, _ := hex.DecodeString(sign(secret, date, scope, toSign))
				return base64.StdEncoding.EncodeToString(b)
			}
		}, explain.CauseSignatureForm, "", []string{"request", tried}},

		{"another day in the scope", func(c *trial) { c.scope = strings.Replace(c.scope, "20260102", "20260101", 1) }, explain.CauseScopeDate, "", []string{"request", "string", "string+request"}},
		{"another day in the string to sign", func(c *trial) {
			c.toSign = func(date, scope, hash string) string {
				return "AWS4-HMAC-SHA256\n" + date + "\n" + strings.Replace(scope, "20260102", "20260101", 1) + "\n" + hash
			}
		}, explain.CauseScopeDate, "", []string{"string", "string+request", "string+server"}},
		{"another date in the string to sign", func(c *trial) {
			c.toSign = func(_, scope, hash string) string {
				return "AWS4-HMAC-SHA256\n20260102T040405Z\n" + scope + "\n" + hash
			}
		}, explain.CauseDate, "", []string{"string+request", "string+server"}},
		{"another service", func(c *trial) { c.scope = strings.Replace(c.scope, "/s3/", "/execute-api/", 1) }, explain.CauseService, "", []string{"request", "string"}},
		{"scope without its end", func(c *trial) {
			c.toSign = func(date, scope, hash string) string {
				return "AWS4-HMAC-SHA256\n" + date + "\n" + strings.TrimSuffix(scope, "/aws4_request") + "\n" + hash
			}
		}, explain.CauseScopeMalformed, "", []string{"string", "string+request", "string+server"}},
	}
	for _, tt := range tests {
		for _, kind := range tt.kinds {
			t.Run(tt.name+"/"+kind, func(t *testing.T) {
				c := listing()
				tt.make(c)
				r := explained(t, c.evidence(kind))
				if len(r.Findings) == 0 || r.Findings[0].Cause != tt.cause || r.Findings[0].Name != tt.of {
					t.Errorf("found %s, want %s %s first", summary(r), tt.cause, tt.of)
				}
				server := strings.Contains(kind, "server") || strings.Contains(kind, "credentials")
				if guess := tt.cause == explain.CauseNotReproduced || tt.cause == explain.CauseServerSecret || tt.cause == explain.CauseSignsOther || tt.cause == explain.CauseSignatureForm; len(r.Findings) > 0 && server && !guess && r.Findings[0].Basis != explain.Shown {
					t.Errorf("the basis is %s, want it shown", r.Findings[0].Basis)
				}
			})
		}
	}
}

// addHeader adds a header in front.
func addHeader(c *trial, name, value string) {
	for _, p := range []*parts{&c.sent, &c.client, &c.arrived} {
		p.lines = append([]string{name + ":" + value}, p.lines...)
		p.names = name + ";" + p.names
	}
}

// encoded signs Accept-Encoding, which a proxy then rewrites.
func encoded(c *trial) {
	addHeader(c, "accept-encoding", "identity")
	c.arrived.set("accept-encoding", "gzip")
}

func summary(r explain.Report) string {
	var b strings.Builder
	for _, f := range r.Findings {
		b.WriteString("[" + string(f.Basis) + " " + f.Cause + " " + f.Name + "]")
	}
	return b.String()
}

// signs signs another string than the one that is told.
func signs(change func(string) string) func(*trial) {
	return func(c *trial) {
		sign := c.sign
		c.sign = func(secret, date, scope, toSign string) string { return sign(secret, date, scope, change(toSign)) }
	}
}

// keyed signs with a key made in another way.
func keyed(derive func(secret string, scope []string) []byte) func(*trial) {
	return func(c *trial) {
		c.sign = func(secret, _, scope, toSign string) string {
			return hex.EncodeToString(mac(derive(secret, strings.Split(scope, "/")), toSign))
		}
	}
}

// wide is s in UTF-16 as .NET's Encoding.Unicode has it.
func wide(s string) string {
	var b []byte
	for _, u := range utf16.Encode([]rune(s)) {
		b = append(b, byte(u), byte(u>>8))
	}
	return string(b)
}
