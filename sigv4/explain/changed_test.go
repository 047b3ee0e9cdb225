package explain_test

import (
	"strings"
	"testing"

	"s3mount/sigv4/explain"
)

// A client that signs what it sends makes no mistake, whatever arrives: with its
// secret, too, the findings are those of what was changed on the way, and no more.
func TestChangedOnTheWay(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(arrived *parts)
		want   string
	}{
		"host":          {func(p *parts) { p.set("host", "minio:9000") }, "[shown host-differs host]"},
		"host's port":   {func(p *parts) { p.set("host", "s3.example.com") }, "[shown host-port-extra host]"},
		"header":        {func(p *parts) { p.set("range", "bytes=0-") }, "[shown header-changed range]"},
		"path":          {func(p *parts) { p.path = "/other" }, "[shown path-changed ]"},
		"path, cleaned": {func(p *parts) { p.path = "/photos%20of/2026/cat.jpg" }, "[shown path-changed ]"},
		"query":         {func(p *parts) { p.query = "list-type=2" }, "[shown query-changed ]"},
		"method":        {func(p *parts) { p.method = "HEAD" }, "[shown method-changed ]"},
		"host and path": {func(p *parts) { p.set("host", "minio:9000"); p.path = "/x" + p.path }, "[shown path-changed ][shown host-differs host]"},
		"three things":  {func(p *parts) { p.set("host", "minio"); p.path = "/x"; p.query = "a=b" }, "[shown path-changed ][shown query-changed ][shown host-differs host]"},
	} {
		c := listing()
		tt.change(&c.arrived)
		for _, kind := range []string{"request+server", "request+server+credentials"} {
			if got := summary(explained(t, c.evidence(kind))); got != tt.want {
				t.Errorf("%s, %s: found %s, want %s", name, kind, got, tt.want)
			}
		}
	}
}

// Changed on the way, and a mistake of the client's, too: what is said of the
// change is not that the client's value has blanks or another escaping.
func TestChangedAndMistaken(t *testing.T) {
	for name, change := range map[string]func(arrived *parts){
		"host":   func(p *parts) { p.set("host", "minio:9000") },
		"header": func(p *parts) { p.set("range", "bytes=0-") },
		"path":   func(p *parts) { p.path = "/other" },
	} {
		c := listing()
		change(&c.arrived)
		c.secret += "\n"
		for _, f := range explained(t, c.evidence("request+server+credentials")).Findings {
			switch f.Cause {
			case explain.CauseHeaderBlanks, explain.CausePathOtherwise, explain.CauseQueryUnsorted, explain.CauseQueryUnescaped:
				t.Errorf("%s: %s: yours %q, the server's %q", name, f.Cause, f.Yours, f.Server)
			}
		}
	}
}

// The list of signed headers joined with another sign, in capitals, or unsorted: of
// the request alone, and where the signature is of that list.
func TestLists(t *testing.T) {
	const names = "host;range;x-amz-content-sha256;x-amz-date"
	for _, tt := range []struct{ list, cause string }{
		{strings.ReplaceAll(names, ";", ","), explain.CauseNamesSeparator},
		{strings.ReplaceAll(names, ";", ", "), explain.CauseNamesSeparator},
		{strings.ReplaceAll(names, ";", " "), explain.CauseNamesSeparator},
		{"Host;Range;X-Amz-Content-Sha256;X-Amz-Date", explain.CauseNamesCase},
		{"range;host;x-amz-content-sha256;x-amz-date", explain.CauseNamesUnsorted},
	} {
		c := listing()
		c.sent.names, c.client.names = tt.list, tt.list
		for kind, want := range map[string]string{"request": "[rule " + tt.cause + " ]", "request+credentials": "[shown " + tt.cause + " ]"} {
			if strings.Contains(tt.list, " ") {
				want = "[rule " + tt.cause + " ]" // blanks are not known to the byte
			}
			if got := summary(explained(t, c.evidence(kind))); !strings.HasPrefix(got, want) {
				t.Errorf("%s, %s: found %s, want %s", tt.list, kind, got, want)
			}
		}
	}
}
