package s3

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"unicode/utf16"
)

// shown is a page in short: "key:size" and "prefix/".
func shown(p page) string {
	var s []string
	for _, e := range p.entries {
		if e.Prefix {
			s = append(s, e.Key)
		} else {
			s = append(s, fmt.Sprintf("%s:%d", e.Key, e.Size))
		}
	}
	return strings.Join(s, " ")
}

func utf16LE(s string) string {
	var b strings.Builder
	b.WriteString("\xff\xfe")
	for _, u := range utf16.Encode([]rune(s)) {
		b.Write([]byte{byte(u), byte(u >> 8)})
	}
	return b.String()
}

func TestListingsThatCanBeRead(t *testing.T) {
	obj := func(key string) string { return "<Contents><Key>" + key + "</Key><Size>1</Size></Contents>" }
	dir := func(key string) string { return "<CommonPrefixes><Prefix>" + key + "</Prefix></CommonPrefixes>" }
	const url = "<EncodingType>url</EncodingType>"
	d := ListOptions{Prefix: "d/", Delimiter: "/"}
	tests := []struct {
		name    string
		opts    ListOptions
		inside  string // of ListBucketResult, behind IsTruncated
		want    string
		dropped int
	}{
		{"nothing", d, "", "", 0},
		{"an object and a prefix", d, dir("d/x/") + obj("d/a"), "d/a:1 d/x/", 0},
		{"unknown elements", d, "<New><Key>d/n</Key></New><Contents><Key>d/a</Key><New>1</New><Owner><Key>no</Key></Owner></Contents>", "d/a:-1", 0},
		{"CDATA and comments", d, "<!-- x --><Contents><Key><![CDATA[d/<&>]]></Key><Size><!-- y -->2</Size></Contents>", "d/<&>:2", 0},

		{"outside the prefix", d, obj("e/a") + obj("d") + obj("d/a") + obj("/d/a") + obj("") + dir("e/") + dir("d/x/"), "d/a:1 d/x/", 5},
		{"the prefix itself is an object", d, obj("d/") + obj("d/a"), "d/:1 d/a:1", 0},
		{"the prefix itself is no prefix", d, dir("d/") + dir("d/x/"), "d/x/", 1},
		{"a prefix that does not end so", d, dir("d/x") + dir("d/y/"), "d/y/", 1},
		{"a prefix of two steps", d, dir("d/x/y/") + dir("d/y/"), "d/y/", 1},
		{"a key with the delimiter", d, obj("d/x/y") + obj("d/y"), "d/y:1", 1},
		{"prefixes that were not asked for", ListOptions{Prefix: "d/"}, dir("d/x/") + obj("d/x/y"), "d/x/y:1", 1},
		{"what is not after StartAfter", ListOptions{Prefix: "d/", Delimiter: "/", StartAfter: "d/m/x"},
			obj("d/a") + obj("d/m/x") + obj("d/z") + dir("d/b/") + dir("d/m/") + dir("d/n/"), "d/m/ d/n/ d/z:1", 3},
		{"no order, and twice", d, obj("d/b") + obj("d/a") + obj("d/b"), "d/b:1 d/a:1 d/b:1", 0}, // fs sorts it out

		{"encoded", d, url + obj("d%2Fa+b%20c%2Bd%25") + dir("d/%C3%A9%0A/"), "d/a b c+d%:1 d/é\n/", 0},
		{"encoded although nobody says so", d, obj("d/a%20b+c"), "d/a%20b+c:1", 0},
		{"encoded badly", d, url + obj("d/%zz") + obj("d/%2") + obj("d/ok") + dir("d/%/"), "d/ok:1", 3},
		{"bytes that are not UTF-8", d, url + obj("d/%FF%00"), "d/\xff\x00:1", 0},
		{"bytes that XML cannot hold", d, obj("d/\x01") + obj("d/&#x1;&#0;") + obj("d/\xff\xfe") + dir("d/\x02/"), "d/\x01:1 d/\x01\x00:1 d/\x02/ d/\xff\xfe:1", 0},
		{"several prefixes in one", d, "<CommonPrefixes><Prefix>d/x/</Prefix><Prefix>d/y/</Prefix></CommonPrefixes><CommonPrefixes/>", "d/x/ d/y/", 1},
		{"a key said twice", d, "<Contents><Key>d/a</Key><Key>d/b</Key><Size>1</Size></Contents>", "d/b:1", 0},
		{"a key in pieces", d, "<Contents><Key>d/<!-- x --><b>no<Key>no</Key></b>a<?x y?><![CDATA[<&amp;]]>&#x63;</Key></Contents>", "d/a<&amp;c:-1", 0},
		{"line ends", d, obj("d/a\r\nb\rc\r\r\n&#13;\n") + obj("<![CDATA[d/\r\n\r]]>"), "d/a\nb\nc\n\n\r\n:1 d/\n\n:1", 0},
		{"the encoding said behind the keys", d, obj("d/%41") + url, "d/A:1", 0},
		{"another encoding", d, "<EncodingType>base64</EncodingType>" + obj("d/a"), "d/a:1", 0},

		{"sizes", d, strings.NewReplacer("N", "<Contents><Key>d/", "S", "</Key><Size>", "E", "</Size></Contents>").Replace(
			"NaS0E NbSE NcS-1E NdS1e3E NeS9223372036854775807E NfS9223372036854775808E NgS 5 E"), "d/a:0 d/b:-1 d/c:-1 d/d:-1 d/e:9223372036854775807 d/f:-1 d/g:-1", 0},
	}
	for _, tt := range tests {
		raw := "<ListBucketResult><IsTruncated>false</IsTruncated>" + tt.inside + "</ListBucketResult>"
		p, err := decodePage(strings.NewReader(raw), tt.opts)
		if err != nil || shown(p) != tt.want || p.dropped != tt.dropped {
			t.Errorf("%s:\n got %q, %d dropped, %v\nwant %q, %d", tt.name, shown(p), p.dropped, err, tt.want, tt.dropped)
		}
	}
}

func TestTagsAndDatesOfAListing(t *testing.T) {
	tests := []struct{ etag, date, tag, at string }{
		{"&quot;abc&quot;", "2026-02-03T04:05:06.000Z", "abc", "2026-02-03 04:05:06 +0000 UTC"},
		{"abc", "2026-02-03T04:05:06Z", "abc", "2026-02-03 04:05:06 +0000 UTC"},
		{"&quot;abc-17&quot;", "2026-02-03T06:05:06.5+02:00", "abc-17", "2026-02-03 04:05:06.5 +0000 UTC"},
		{"", "2026-02-03T06:05:06.5+02:00", "last modified 2026-02-03T04:05:06Z", "2026-02-03 04:05:06.5 +0000 UTC"},
		{"W/&quot;abc&quot;", "2026-02-03T04:05:06Z", "last modified 2026-02-03T04:05:06Z abc", "2026-02-03 04:05:06 +0000 UTC"},
		{"&quot;a&#10;X-Evil: 1&quot;", "2026-02-03T04:05:06Z", "last modified 2026-02-03T04:05:06Z", "2026-02-03 04:05:06 +0000 UTC"},
		{"&quot;abc&quot;", "yesterday", "abc", "0001-01-01 00:00:00 +0000 UTC"},
		{"", "", "last modified 0001-01-01T00:00:00Z", "0001-01-01 00:00:00 +0000 UTC"},
	}
	for _, tt := range tests {
		raw := "<ListBucketResult><IsTruncated>false</IsTruncated><Contents><Key>k</Key><ETag>" + tt.etag + "</ETag><LastModified>" + tt.date + "</LastModified></Contents></ListBucketResult>"
		p, err := decodePage(strings.NewReader(raw), ListOptions{})
		if err != nil || len(p.entries) != 1 {
			t.Errorf("%+v: %v", tt, err)
			continue
		}
		if e := p.entries[0]; e.ETag != tt.tag || e.LastModified.UTC().String() != tt.at {
			t.Errorf("ETag %s of %s is %q of %v", tt.etag, tt.date, e.ETag, e.LastModified.UTC())
		}
	}
}

func TestDocumentsThatAreListings(t *testing.T) {
	const body = "<IsTruncated>false</IsTruncated><Contents><Key>k</Key><Size>1</Size></Contents>"
	for name, raw := range map[string]string{
		"plain":              "<ListBucketResult>" + body + "</ListBucketResult>",
		"declared":           `<?xml version="1.0" encoding="UTF-8"?>` + "\n<ListBucketResult>" + body + "</ListBucketResult>\n",
		"a byte order mark":  "\ufeff<?xml version=\"1.0\"?><ListBucketResult>" + body + "</ListBucketResult>",
		"S3's namespace":     `<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">` + body + "</ListBucketResult>",
		"another namespace":  `<ListBucketResult xmlns="urn:other">` + body + "</ListBucketResult>",
		"a prefix for it":    strings.NewReplacer("</", "</s:", "<", "<s:").Replace(`<ListBucketResult xmlns:s="urn:x">` + body + "</ListBucketResult>"),
		"told by the count":  "<ListBucketResult><KeyCount>1</KeyCount><Contents><Key>k</Key><Size>1</Size></Contents></ListBucketResult>",
		"a comment behind":   "<ListBucketResult>" + body + "</ListBucketResult><!-- end -->",
		"an external entity": `<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><ListBucketResult>` + body + "</ListBucketResult>",
	} {
		if p, err := decodePage(strings.NewReader(raw), ListOptions{}); err != nil || shown(p) != "k:1" {
			t.Errorf("%s: %q, %v", name, shown(p), err)
		}
	}
}

func TestDocumentsThatAreNoListings(t *testing.T) {
	list := func(s string) string {
		return "<ListBucketResult><IsTruncated>false</IsTruncated>" + s + "</ListBucketResult>"
	}
	for name, raw := range map[string]string{
		"nothing":                  "",
		"nothing said":             "<ListBucketResult/>",
		"not whether it is whole":  "<ListBucketResult><Contents><Key>k</Key></Contents></ListBucketResult>",
		"another count":            "<ListBucketResult><KeyCount>2</KeyCount><Contents><Key>k</Key></Contents></ListBucketResult>",
		"an error in the midst":    list("<Contents><Key>k</Key></Contents><Error><Code>InternalError</Code></Error>"),
		"blanks":                   " \n",
		"text":                     "OK",
		"cut":                      strings.TrimSuffix(list("<Contents><Key>k</Key></Contents>"), "Result>"),
		"cut behind an entry":      "<ListBucketResult><IsTruncated>false</IsTruncated><Contents><Key>k</Key></Contents>",
		"another root":             "<ListVersionsResult></ListVersionsResult>",
		"two roots":                list("") + list(""),
		"a broken second root":     list("") + "<",
		"a page":                   "<html><body><p>Sign in<br></body></html>",
		"UTF-16":                   utf16LE(list("")),
		"another charset":          `<?xml version="1.0" encoding="ISO-8859-1"?>` + list(""),
		"JSON":                     `{"IsTruncated":false}`,
		"a character that is none": list("<Contents><Key>&#1114112;</Key></Contents>"),
		"a number that is none":    list("<Contents><Key>&#x;</Key></Contents>"),
		"an entity without end":    list("<Contents><Key>&amp</Key></Contents>"),
		"an unknown entity":        list("<Contents><Key>&e;</Key></Contents>"),
		"billion laughs": `<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]>` +
			list("<Contents><Key>&b;</Key></Contents>"),
		"very deep":          strings.Repeat("<a>", 100_000),
		"very deep in":       list(strings.Repeat("<a>", 100_000) + strings.Repeat("</a>", 100_000)),
		"rather deep in":     list(strings.Repeat("<a>", maxNesting) + strings.Repeat("</a>", maxNesting)),
		"too many entries":   list(strings.Repeat("<Contents/>", 2*maxEntries+1)),
		"too many, by name":  list(strings.Repeat("<x:Contents></x:Contents>", maxEntries+1)),
		"too many prefixes":  list(strings.Repeat("<CommonPrefixes/>", 2*maxEntries+1)),
		"too much of a page": list(strings.Repeat(" ", maxPage)),
	} {
		p, err := decodePage(strings.NewReader(raw), ListOptions{})
		if !errors.Is(err, errProtocol) || len(p.entries) != 0 {
			t.Errorf("%s: %q, %v; want errProtocol", name, shown(p), err)
		}
	}
	_, err := decodePage(strings.NewReader(refusal("SlowDown", "<RequestId>7</RequestId>")), ListOptions{})
	if e := asError(t, err); e.Code != "SlowDown" || e.RequestID != "7" || !errors.Is(err, errProtocol) {
		t.Errorf("an error: %v", err)
	}
}

// The largest page that is read at all takes little more memory than its text.
func TestAHostilePageTakesBoundedMemory(t *testing.T) {
	for name, raw := range map[string]string{
		"entries":  strings.Repeat("<Contents/>", maxPage/11),
		"one text": "<Contents><Key>" + strings.Repeat("x", maxPage/4),
		"endless":  strings.Repeat("x", 4*maxPage),
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if _, err := decodePage(strings.NewReader("<ListBucketResult>"+raw), ListOptions{}); err == nil {
			t.Errorf("%s: taken for a listing", name)
		}
		runtime.ReadMemStats(&after)
		if n := after.TotalAlloc - before.TotalAlloc; n > 20*maxPage {
			t.Errorf("%s: %d MiB for a page of at most %d", name, n>>20, maxPage>>20)
		}
	}
}
