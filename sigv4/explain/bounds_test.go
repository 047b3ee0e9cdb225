package explain_test

import (
	"fmt"
	"strings"
	"testing"

	"s3mount/sigv4/explain"
)

// numbered is many times the format, each with its number.
func numbered(format string, n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, format, i)
	}
	return b.String()
}

// A text that is no request of anybody must not take a minute: more headers than
// a server takes are refused, and what a server lists is cut.
func TestBounds(t *testing.T) {
	canonical := "GET\n/\n\n" + numbered("a%d:\n", 100000) + "\nhost\n" + emptyHash
	tests := map[string]explain.Evidence{
		"headers":        {Request: strings.Replace(sentRequest, "Host:", numbered("x-amz-%d:\r\n", 60000)+"Host:", 1)},
		"folded lines":   {Request: strings.Replace(sentRequest, "Host:", "a: b\r\n"+strings.Repeat(" \r\n", 300000)+"Host:", 1)},
		"signed headers": {Request: strings.Replace(sentRequest, "=host;", "="+numbered("a%d;", 100000)+"host;", 1)},
		"signed, commas": {Request: strings.Replace(sentRequest, "=host;", "="+numbered("a%d,", 100000)+"host;", 1)},
		"lines":          {CanonicalRequest: canonical},
	}
	for name, e := range tests {
		if _, err := explain.Explain(e); err == nil || !strings.Contains(err.Error(), "over 1000") {
			t.Errorf("%s: %v", name, err)
		}
	}
	served := explained(t, explain.Evidence{Response: "<Error><Code>SignatureDoesNotMatch</Code><CanonicalRequest>" + canonical + "</CanonicalRequest></Error>"})
	if len(served.Findings) > 0 {
		t.Errorf("a server's canonical request of 100000 lines: found %s", summary(served)[:100])
	}
	listed := explained(t, explain.Evidence{Response: errorXML("AccessDenied", "headers which were not signed", "HeadersNotSigned", numbered("x-amz-%d,", 80000))})
	if n := len(listed.Findings); n != 1000 {
		t.Errorf("%d findings of 80000 headers that the server lists", n)
	}
}

// An ampersand that begins no entity does not read the text to its end.
func TestAmpersands(t *testing.T) {
	text := strings.Repeat("&", 900000)
	r := explained(t, explain.Evidence{Response: "<Error><Code>SlowDown</Code><Message>" + text + "&lt;</Message></Error>"})
	if len(r.Findings) != 1 || r.Findings[0].Why != text+"<" {
		t.Errorf("found %d", len(r.Findings))
	}
}
