package explain_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"s3mount/sigv4"
	"s3mount/sigv4/explain"
)

// Vectors of others, kept beside the project and not part of it.
const vectors = "../../../shared/sigv4-vectors"

// A breakage breaks one thing. It reports whether there was such a thing.
type breakage struct {
	name  string
	kinds []string
	make  func(t *rapid.T, c *trial) (part explain.Part, header string, ok bool)
}

// compared are the ways of knowing both texts.
var compared = []string{"canonical+server", "canonical+request", "canonical+request+server", "canonical+string+server", "canonical+request+credentials"}

var breakages = []breakage{
	{"method", append(compared, "request+credentials"), func(t *rapid.T, c *trial) (explain.Part, string, bool) {
		return explain.PartMethod, "", change(&c.client.method, rapid.SampledFrom([]string{"GET", "HEAD", "PUT", "POST", strings.ToLower(c.client.method)}).Draw(t, "method"))
	}},
	{"a byte of the path", compared, func(t *rapid.T, c *trial) (explain.Part, string, bool) {
		return explain.PartPath, "", change(&c.client.path, otherByte(t, c.client.path))
	}},
	{"path escaped twice", append(compared, "request+credentials"), func(t *rapid.T, c *trial) (explain.Part, string, bool) {
		return explain.PartPath, "", change(&c.client.path, strings.ReplaceAll(c.client.path, "%", "%25"))
	}},
	{"path not escaped", append(compared, "request+credentials"), func(t *rapid.T, c *trial) (explain.Part, string, bool) {
		p := unescaped(c.client.path)
		return explain.PartPath, "", !strings.Contains(p, "\n") && !strings.Contains(p, "\r") && change(&c.client.path, p)
	}},
	{"path without doubled slashes", append(compared, "request+credentials"), func(t *rapid.T, c *trial) (explain.Part, string, bool) {
		p := c.client.path
		for strings.Contains(p, "//") {
			p = strings.ReplaceAll(p, "//", "/")
		}
		return explain.PartPath, "", change(&c.client.path, p)
	}},
	{"a byte of the query", compared, func(t *rapid.T, c *trial) (explain.Part, string, bool) {
		return explain.PartQuery, "", c.client.query != "" && change(&c.client.query, otherByte(t, c.client.query))
	}},
	{"query dropped", append(compared, "request+credentials"), func(t *rapid.T, c *trial) (explain.Part, string, bool) {
		return explain.PartQuery, "", change(&c.client.query, "")
	}},
	{"query in another order", compared, func(t *rapid.T, c *trial) (explain.Part, string, bool) {
		parts := rapid.Permutation(strings.Split(c.client.query, "&")).Draw(t, "order")
		return explain.PartQuery, "", change(&c.client.query, strings.Join(parts, "&"))
	}},
	{"query escaped twice", append(compared, "request+credentials"), func(t *rapid.T, c *trial) (explain.Part, string, bool) {
		return explain.PartQuery, "", change(&c.client.query, strings.ReplaceAll(c.client.query, "%", "%25"))
	}},
	{"plus for blank", append(compared, "request+credentials"), func(t *rapid.T, c *trial) (explain.Part, string, bool) {
		return explain.PartQuery, "", change(&c.client.query, strings.ReplaceAll(c.client.query, "%20", "+"))
	}},
	{"no query line", append(compared, "request+credentials", "canonical"), func(t *rapid.T, c *trial) (explain.Part, string, bool) {
		c.canon = func(p parts) string { return strings.Replace(p.text(), "\n"+p.query+"\n", "\n", 1) }
		return explain.PartQuery, "", true
	}},
	{"a header's value", compared, func(t *rapid.T, c *trial) (explain.Part, string, bool) {
		name, value := drawHeader(t, c)
		if value == "" || name == "x-amz-content-sha256" {
			return "", "", false
		}
		other := otherByte(t, value)
		c.client.set(name, other)
		return explain.PartHeader, name, other != value && strings.TrimSpace(other) == other && !strings.Contains(other, "  ")
	}},
	{"a header's line missing", append(compared, "request+credentials"), func(t *rapid.T, c *trial) (explain.Part, string, bool) {
		name, _ := drawHeader(t, c)
		c.client.lines = slices.DeleteFunc(slices.Clone(c.client.lines), func(l string) bool { return strings.HasPrefix(l, name+":") })
		return explain.PartHeader, name, len(c.client.lines) > 0
	}},
	{"a header changed on the way", []string{"request+server", "canonical+server", "canonical+request+server"}, func(t *rapid.T, c *trial) (explain.Part, string, bool) {
		name, value := drawHeader(t, c)
		if value == "" || name == "x-amz-content-sha256" {
			return "", "", false
		}
		arrived := rapid.SampledFrom([]string{"", otherByte(t, value)}).Draw(t, "arrived")
		c.arrived.set(name, arrived)
		return explain.PartHeader, name, arrived != value && strings.TrimSpace(value) == value
	}},
	{"path changed on the way", []string{"request+server", "canonical+request+server"}, func(t *rapid.T, c *trial) (explain.Part, string, bool) {
		return explain.PartPath, "", change(&c.arrived.path, "/prefix"+c.arrived.path)
	}},
	{"query changed on the way", []string{"request+server", "canonical+request+server"}, func(t *rapid.T, c *trial) (explain.Part, string, bool) {
		return explain.PartQuery, "", change(&c.arrived.query, strings.TrimPrefix(c.arrived.query+"&z=1", "&"))
	}},
	{"names in another order", compared, func(t *rapid.T, c *trial) (explain.Part, string, bool) {
		names := rapid.Permutation(strings.Split(c.client.names, ";")).Draw(t, "order")
		return explain.PartSignedHeaders, "", change(&c.client.names, strings.Join(names, ";"))
	}},
	{"payload hash", append(compared, "request+credentials"), func(t *rapid.T, c *trial) (explain.Part, string, bool) {
		return explain.PartPayloadHash, "", change(&c.client.payload, rapid.SampledFrom([]string{emptyHash, "UNSIGNED-PAYLOAD"}).Draw(t, "payload"))
	}},
	{"hash of other bytes", []string{"canonical+string", "canonical+string+server", "request+credentials"}, func(t *rapid.T, c *trial) (explain.Part, string, bool) {
		of := rapid.SampledFrom([]func(string) string{
			func(s string) string { return s + "\n" }, func(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") }, wide, sum,
		}).Draw(t, "bytes")
		c.hash = func(s string) string { return sum(of(s)) }
		return explain.PartCanonical, "", true
	}},
	{"date", []string{"string+request", "string+server", "canonical+string+request+server"}, func(t *rapid.T, c *trial) (explain.Part, string, bool) {
		c.toSign = func(date, scope, hash string) string {
			return "AWS4-HMAC-SHA256\n" + date[:13] + "99Z\n" + scope + "\n" + hash
		}
		return explain.PartDate, "", true
	}},
	{"day of the scope", []string{"string+request", "string+server", "canonical+string+request+server"}, func(t *rapid.T, c *trial) (explain.Part, string, bool) {
		c.toSign = func(date, scope, hash string) string {
			return "AWS4-HMAC-SHA256\n" + date + "\n19991231" + scope[8:] + "\n" + hash
		}
		return explain.PartScope, "", true
	}},
	{"region of the scope", []string{"string+request", "string+server"}, func(t *rapid.T, c *trial) (explain.Part, string, bool) {
		c.toSign = func(date, scope, hash string) string {
			return "AWS4-HMAC-SHA256\n" + date + "\n" + scope[:8] + "/xx-west-9/s3/aws4_request\n" + hash
		}
		return explain.PartRegion, "", true
	}},
	{"signing key", []string{"request+credentials", "string+request+credentials", "canonical+string+request+credentials", "request+credentials+silent"}, func(t *rapid.T, c *trial) (explain.Part, string, bool) {
		rapid.SampledFrom([]func(*trial){
			keyed(func(secret string, s []string) []byte {
				return mac(mac(mac(mac([]byte(secret), s[0]), s[1]), s[2]), s[3])
			}),
			keyed(func(secret string, s []string) []byte {
				return mac(mac(mac(mac([]byte("AWS4"+secret), s[2]), s[1]), s[0]), s[3])
			}),
			keyed(func(secret string, s []string) []byte {
				return mac(mac(mac(mac([]byte("AWS4"+secret), s[0]), s[1]), "iam"), s[3])
			}),
		}).Draw(t, "key")(c)
		return explain.PartKey, "", true
	}},
	{"secret", []string{"request+credentials", "string+request+credentials", "canonical+request+credentials", "canonical+string+server"}, func(t *rapid.T, c *trial) (explain.Part, string, bool) {
		return explain.PartSecret, "", change(&c.secret, rapid.SampledFrom([]string{c.secret + " ", " " + c.secret, c.secret + "\n", c.secret + "\r\n", c.secret[1:], `"` + c.secret + `"`}).Draw(t, "secret"))
	}},
}

func change(s *string, to string) bool {
	changed := *s != to
	*s = to
	return changed
}

// otherByte is s with one byte changed or added, to what can stand in a path, a
// query or a header.
func otherByte(t *rapid.T, s string) string {
	i := rapid.IntRange(1, max(1, len(s)-1)).Draw(t, "at")
	c := rapid.SampledFrom([]string{"a", "Z", "0", "-", "_", "."}).Draw(t, "byte")
	if i >= len(s) || rapid.Bool().Draw(t, "added") {
		return s[:min(i, len(s))] + c + s[min(i, len(s)):]
	}
	return s[:i] + c + s[i+1:]
}

func drawHeader(t *rapid.T, c *trial) (name, value string) {
	name, value, _ = strings.Cut(rapid.SampledFrom(c.client.lines).Draw(t, "header"), ":")
	return name, value
}

// Whatever one thing is broken in whatever request, the first finding names it.
func TestOneThingBroken(t *testing.T) {
	t.Parallel()
	cases := signedRequests(t)
	used := map[string]int{}
	rapid.Check(t, func(t *rapid.T) {
		c := rapid.SampledFrom(cases).Draw(t, "request")()
		b := rapid.SampledFrom(breakages).Draw(t, "broken")
		kind := rapid.SampledFrom(b.kinds).Draw(t, "evidence")
		right := c.canonical()
		part, header, ok := b.make(t, c)
		if !ok || part == explain.PartHeader && strings.Count("\n"+right, "\n"+header+":") != 1 {
			return
		}
		used[b.name]++
		r, err := explain.Explain(c.evidence(kind))
		if err != nil {
			t.Fatal(err)
		}
		if len(r.Findings) == 0 || r.Findings[0].Part != part || r.Findings[0].Name != header {
			t.Fatalf("%s broken, known %s: found %s, want %s %s first\ncanonical request was %q\n it is now %q", b.name, kind, summary(r), part, header, right, c.canonical())
		}
	})
	for _, b := range breakages {
		t.Logf("%-30s %d", b.name, used[b.name])
	}
}

// Nothing is wrong with what nothing was done to.
func TestNothingBroken(t *testing.T) {
	t.Parallel()
	for _, make := range signedRequests(t) {
		for _, kind := range []string{"request", "canonical", "canonical+request", "canonical+string", "canonical+string+request", "request+credentials", "canonical+string+request+credentials"} {
			c := make()
			r := explained(t, c.evidence(kind))
			if got := summary(r); strings.Contains(got, "shown") || strings.Contains(got, "rule") || strings.Contains(kind, "credentials") && got != "" && !strings.Contains(got, "fragile") {
				t.Errorf("%s: found %s in\n%s", kind, got, c.canonical())
			}
		}
	}
}

// signedRequests are those on file, of this project and of others.
func signedRequests(t *testing.T) []func() *trial {
	t.Helper()
	var out []func() *trial
	add := func(canonical, date, region string) {
		if strings.HasSuffix(canonical, "\n") {
			t.Fatalf("the case ends in a line end: %q", canonical)
		}
		out = append(out, func() *trial { return newTrial(canonical, date, region) })
	}
	files, err := filepath.Glob("../testdata/*.txt")
	if err != nil || len(files) < 30 {
		t.Fatalf("%d cases: %v", len(files), err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		_, canonical, _ := strings.Cut(string(text), "-- canonical --\n")
		canonical, rest, _ := strings.Cut(canonical, "\n-- tosign --\n")
		lines := strings.Split(rest, "\n")
		add(canonical, lines[1], strings.Split(lines[2], "/")[1])
	}
	if _, err := os.Stat(vectors); err != nil {
		t.Log("the vectors beside the project are not here, and need not be: the project's own are used")
		return out
	}
	var derived struct {
		Cases []struct {
			Timestamp, Region string
			CanonicalRequest  string `json:"canonical_request"`
		}
	}
	text, err := os.ReadFile(filepath.Join(vectors, "s3-derived/s3-derived.json"))
	if err == nil {
		err = json.Unmarshal(text, &derived)
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range derived.Cases {
		add(c.CanonicalRequest, c.Timestamp, c.Region)
	}
	dirs, _ := filepath.Glob(filepath.Join(vectors, "aws-c-auth/v4/*"))
	for _, dir := range dirs {
		for _, form := range []string{"header", "query"} {
			text, err := os.ReadFile(filepath.Join(dir, form+"-canonical-request.txt"))
			if err != nil {
				t.Fatal(err)
			}
			add(forS3(string(text)), "20150830T123600Z", "us-east-1")
		}
	}
	return out
}

// forS3 makes a request to S3 of one to a service that needs no payload header.
func forS3(canonical string) string {
	p := partsOf(canonical)
	p.path = sigv4.CanonicalPath(p.path)
	if strings.Contains(p.query, "X-Amz-Credential=") {
		p.query = strings.Replace(p.query, "%2Fservice%2F", "%2Fs3%2F", 1)
		p.query = strings.Replace(p.query, "AKIDEXAMPLE", exampleKey, 1)
		p.payload = "UNSIGNED-PAYLOAD"
		if i := slices.IndexFunc(p.lines, func(l string) bool { return strings.HasPrefix(l, "x-amz-content-sha256:") }); i >= 0 {
			p.payload = strings.TrimPrefix(p.lines[i], "x-amz-content-sha256:")
		}
		return p.text()
	}
	if !slices.Contains(strings.Split(p.names, ";"), "x-amz-content-sha256") {
		p.lines = append(p.lines, "x-amz-content-sha256:"+p.payload)
		p.names += ";x-amz-content-sha256"
		name := func(l string) string { n, _, _ := strings.Cut(l, ":"); return n }
		slices.SortFunc(p.lines, func(a, b string) int { return strings.Compare(name(a), name(b)) })
		names := strings.Split(p.names, ";")
		slices.Sort(names)
		p.names = strings.Join(names, ";")
	}
	return p.text()
}
