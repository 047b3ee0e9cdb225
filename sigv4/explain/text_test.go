package explain_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"s3mount/sigv4/explain"
)

// The caret is under the first byte that differs, whatever the bytes.
func TestCaret(t *testing.T) {
	tests := []struct{ yours, server, first, second, caret string }{
		{"/a", "/b", "/a", "/b", " ^"},
		{"/a", "/ab", "/a", "/ab", "  ^"},
		{"/\n\x00ä/a", "/\n\x00ä/b", `/\n\x00\xc3\xa4/a`, `/\n\x00\xc3\xa4/b`, strings.Repeat(" ", 16) + "^"},
		{"/\ta", "/\rb", `/\ta`, `/\rb`, " ^"},
		{"", "/b", "(empty)", "/b", ""},
		{strings.Repeat("x", 200) + "a", strings.Repeat("x", 200) + "b", "…" + strings.Repeat("x", 30) + "a", "…" + strings.Repeat("x", 30) + "b", strings.Repeat(" ", 31) + "^"},
		{"a" + strings.Repeat("x", 200), "b", "a" + strings.Repeat("x", 99) + "…", "b", "^"},
		{"FwoG… (12 characters)", "FwoG… (13 characters)", "FwoG… (12 characters)", "FwoG… (13 characters)", strings.Repeat(" ", 8) + "^"},
	}
	for _, tt := range tests {
		at := 0
		for at < len(tt.yours) && at < len(tt.server) && tt.yours[at] == tt.server[at] {
			at++
		}
		r := explain.Report{Findings: []explain.Finding{{Part: explain.PartPath, Yours: tt.yours, Server: tt.server, Differ: at, What: "What.", Why: "Why.", Fix: "Fix.", Basis: explain.Rule}}}
		var b strings.Builder
		if err := r.Text(&b); err != nil {
			t.Fatal(err)
		}
		want := "1. What. (a rule of S3)\n   yours  " + tt.first + "\n   S3     " + tt.second + "\n"
		if tt.caret != "" {
			want += "          " + tt.caret + "\n"
		}
		want += "   Why: Why.\n   Fix: Fix.\n"
		if b.String() != want {
			t.Errorf("got\n%swant\n%s", b.String(), want)
		}
	}
}

// A value that is not known is not shown as an empty one.
func TestUnknownValue(t *testing.T) {
	r := explained(t, explain.Evidence{Request: strings.Replace(sentRequest, "=host;", "=", 1)})
	var b strings.Builder
	if err := r.Text(&b); err != nil {
		t.Fatal(err)
	}
	if f := r.Findings[0]; f.Differ != -1 || strings.Contains(b.String(), "   S3  ") || !strings.Contains(b.String(), "   yours  x-amz-content-sha256;x-amz-date\n") {
		t.Errorf("differ %d in\n%s", f.Differ, b.String())
	}
}

// Whatever the values, a report is printable ASCII but for one sign, and the caret
// points to characters that differ.
func TestTextIsPlain(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		same := string(rapid.SliceOfN(rapid.Byte(), 0, 150).Draw(t, "same"))
		f := explain.Finding{Yours: same + "a" + string(rapid.SliceOf(rapid.Byte()).Draw(t, "rest")), Server: same + "b", Differ: len(same)}
		var b strings.Builder
		if err := (explain.Report{Findings: []explain.Finding{f}, Missing: []string{same}}).Text(&b); err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(b.String(), "\n")
		for _, c := range b.String() {
			if c != '\n' && c != '…' && (c < ' ' || c > '~') {
				t.Fatalf("%q is in %q", c, b.String())
			}
		}
		column := strings.IndexByte(lines[3], '^')
		yours, server := []rune(lines[1]), []rune(lines[2])
		if column < 0 || yours[column] != 'a' || server[column] != 'b' {
			t.Errorf("the caret is wrong in\n%s", b.String())
		}
	})
}

// The names in JSON are there to stay.
func TestJSON(t *testing.T) {
	c := listing()
	c.client.set("host", "s3.example.com")
	got, err := json.Marshal(explained(t, c.evidence("canonical+request+server")))
	if err != nil {
		t.Fatal(err)
	}
	want := `{"findings":[{"part":"header","name":"host","basis":"shown","yours":"s3.example.com","server":"s3.example.com:9000","differ":14,"cause":"host-port-missing",` +
		`"what":"The host was signed without its port.","why":"The Host header that is sent has the port, because it is not the one that http or https implies.","fix":"Sign the Host header as it is sent, with the port."}],` +
		`"agreed":["method","path","query","signed headers","payload hash","canonical request","algorithm","date","scope","payload"],"missing":[]}`
	if string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	empty, err := json.Marshal(explained(t, explain.Evidence{Request: sentRequest, CanonicalRequest: strings.Split(presigned().canonical(), "X-Amz")[0] + "\nhost:photos.s3.eu-north-1.amazonaws.com\nx-amz-content-sha256:" + emptyHash + "\nx-amz-date:20260102T030405Z\n\nhost;x-amz-content-sha256;x-amz-date\n" + emptyHash}))
	if err != nil || !strings.HasPrefix(string(empty), `{"findings":[`) {
		t.Errorf("%s, %v", empty, err)
	}
}

// What cannot be written is said.
func TestTextFails(t *testing.T) {
	if err := (explain.Report{}).Text(full{}); err == nil {
		t.Error("no error from a full disk")
	}
	var b strings.Builder
	if err := (explain.Report{}).Text(&b); err != nil || b.String() != "No mistake was found.\n" {
		t.Errorf("%q, %v", b.String(), err)
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no space left") }

// Two mistakes together are named both, in their order.
func TestTwoMistakes(t *testing.T) {
	tests := []struct {
		name string
		make func(*trial)
		want string
	}{
		{"query and host", func(c *trial) {
			c.client.query = strings.ReplaceAll(c.client.query, "%20", "+")
			c.client.set("host", "s3.example.com")
		}, "[shown query-plus-for-blank ][shown host-port-missing host]"},
		{"no query line and another payload", func(c *trial) {
			c.client.payload = "UNSIGNED-PAYLOAD"
			c.canon = func(p parts) string { return strings.Replace(p.text(), "\n"+p.query+"\n", "\n", 1) }
		}, "[shown no-query-line ][shown payload-hash-mismatch ]"},
		{"path and secret", func(c *trial) {
			c.client.path = strings.ReplaceAll(c.client.path, "%", "%25")
			c.secret += "\n"
		}, "[shown path-escaped-twice ][shown secret-line-end ]"},
		{"hash and key", func(c *trial) {
			c.hash = func(s string) string { return sum(s + "\n") }
			keyed(func(secret string, s []string) []byte {
				return mac(mac(mac(mac([]byte(secret), s[0]), s[1]), s[2]), s[3])
			})(c)
		}, "[shown hash-of-final-newline ][shown key-without-aws4 ]"},
	}
	for _, tt := range tests {
		c := listing()
		tt.make(c)
		for _, kind := range []string{"request+credentials", "request+credentials+silent"} {
			if got := summary(explained(t, c.evidence(kind))); got != tt.want {
				t.Errorf("%s, known %s: found %s, want %s", tt.name, kind, got, tt.want)
			}
		}
	}
}
