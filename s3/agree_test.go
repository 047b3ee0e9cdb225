package s3

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// agree says whether the scanner and encoding/xml make the same of a document.
func agree(t rapid.TB, raw []byte, o ListOptions) {
	t.Helper()
	want, refErr := referencePage(bytes.NewReader(raw), o)
	got, err := decodePage(bytes.NewReader(raw), o)
	switch {
	case refErr == nil && err == nil:
		if !slices.Equal(got.entries, want.entries) || got.truncated != want.truncated || got.next != want.next || got.dropped != want.dropped {
			t.Errorf("%q\n got %+v\nwant %+v", raw, got, want)
		}
	case refErr == nil:
		if !errors.Is(err, errTooMany) && !strings.Contains(err.Error(), "nested more") {
			t.Errorf("%q: %v, which encoding/xml takes", raw, err)
		}
	case err == nil:
		for _, mend := range []func([]byte) []byte{permitted, ascii} {
			if want, refErr = referencePage(bytes.NewReader(mend(raw)), o); refErr == nil {
				break
			}
		}
		if refErr != nil && !strings.Contains(refErr.Error(), "entries in one page") {
			t.Errorf("%q: taken, and encoding/xml says %v", raw, refErr)
		} else if refErr == nil && len(got.entries)+got.dropped != len(want.entries)+want.dropped {
			t.Errorf("%q\n got %+v\nwant %+v", raw, got, want)
		}
	default:
		said, refSaid := new(Error), new(Error)
		errors.As(err, &said)
		if errors.As(refErr, &refSaid) && *said != *refSaid {
			t.Errorf("%q: %+v, want %+v", raw, said, refSaid)
		}
	}
}

var reference = regexp.MustCompile(`&#(x?)([0-9a-fA-F]+);`)

// permitted is a document with '?' for the characters that XML cannot hold.
func permitted(raw []byte) []byte {
	raw = bytes.Map(func(r rune) rune {
		if notInXML(r) || r == utf8.RuneError {
			return '?'
		}
		return r
	}, raw)
	return reference.ReplaceAllFunc(raw, func(m []byte) []byte {
		parts := reference.FindSubmatch(m)
		base := 10
		if len(parts[1]) > 0 {
			base = 16
		}
		if n, err := strconv.ParseUint(string(parts[2]), base, 64); err == nil && n <= unicode.MaxRune && notInXML(rune(n)) {
			return []byte("&#63;")
		}
		return m
	})
}

func notInXML(r rune) bool {
	return r < ' ' && r != '\t' && r != '\n' && r != '\r' || r == 0xFFFE || r == 0xFFFF
}

// ascii is that, with 'x' for whatever is beyond ASCII: in names, too.
func ascii(raw []byte) []byte {
	raw = bytes.Clone(raw)
	for i, b := range raw {
		if b >= utf8.RuneSelf {
			raw[i] = 'x'
		}
	}
	return permitted(raw)
}

// oddDocuments are where two readers of XML may differ. Each is tried as it is,
// and inside a listing and a key.
var oddDocuments = []string{
	"", " ", "x", "<", "<a", "<a/", "<a/>", "</a>", "<a></a>", "<a></b>", "<a></a ></a>", "<a></a\n>", "<a ></a>", "< a></a>", "<a></ a>",
	"<a b></a>", "<a b=c></a>", `<a b="c"/>`, `<a b = 'c"' d="'"></a>`, `<a b="c"d="e"/>`, `<a b="<"/>`, `<a b=">"/>`, `<a b="&lt;]]>"/>`, `<a b="&"/>`, `<a b="&#x41;&#0;"/>`, `<a b="c/>`, `<a b=`, `<a b`, "<a / >",
	"<a:b></a:b>", "<a:b></c:b>", "<a:b></b>", "<:a></:a>", "<a:></a:>", "<a:b:c></a:b:c>", "<:></:>", "<1a></1a>", "<-a></-a>", "<.></.>", "<_a-1.2></_a-1.2>", "<é></é>", "<a\xff></a\xff>", "<×></×>",
	"<!-->", "<!--->", "<!---->", "<!-- -- -->", "<!-- --->", "<!-- <a> & ]]> \x01 -->", "<!-", "<!- -->", "<!--", "<!",
	"<![CDATA[]]>", "<![CDATA[]]]]>", "<![CDATA[]]]]]>", "<![CDATA[<a>&amp;\r\n\r]]>", "<![CDATA[x", "<![cdata[]]>", "<![", "<![CDATA[\x01]]>",
	"]]>", "]]&gt;", "]&#93;>", "]]]>", "]] >", "\r]]>", "]]<!-- -->>", "a>b", "a]b",
	"&", "&amp", "&amp;", "&AMP;", "&lt;&gt;&quot;&apos;", "&nbsp;", "&;", "&#;", "&#x;", "&#65;", "&#X41;", "&#x41;", "&#00000000000000000065;", "&#99999999999999999999;", "&#xD800;", "&#x10FFFF;", "&#x110000;", "&#-1;", "&#+1;", "&#1;", "&#0;", "&# 1;", "&#xfffe;", "&amp;amp;", "&a<b>;",
	"\r", "\r\n", "\n\r", "\r\r\n", "&#13;\n", "\r&#10;", "\t", "\x00", "\x7f", "\ufeff", "\ufffd", "\ufffe", "\xff", "\xed\xa0\x80",
	"<?", "<?x", "<?x?>", "<?x ?>", "<?x??>", "<?1?>", "<??>", "<?x:y:z >?>", "<? x?>", `<?xml version="1.0"?>`, `<?xml version="1.1"?>`, `<?xml version='2'?>`, `<?xml version=1 version="3"?>`, `<?xml encoding="UTF-8"?>`, `<?xml encoding="utf-16"?>`, `<?xml encoding="Utf-8" ?>`, `<?xml encoding="x?>`, `<?xml encoding=?>`, `<?xml version=?>`, `<?XML version="2"?>`, `<?xmlversion="2"?>`,
	"<!DOCTYPE a>", "<!>", "<!>>", `<!">"`, `<!D ">" '>'>`, "<!D [<!ENTITY e 'x'>]>", "<!D <!-- > \" -->>", "<!D <!-->-->>", "<!D <!->>>", "<!D <<>>>", "<!D >>", "<!D", "<!D '", "<!D <!--",
}

func TestOddDocuments(t *testing.T) {
	const list = "<ListBucketResult><Contents><Key>%s</Key></Contents>%s</ListBucketResult>"
	for _, odd := range oddDocuments {
		for _, doc := range []string{odd, odd + fmt.Sprintf(list, "k", ""), fmt.Sprintf(list, odd, ""), fmt.Sprintf(list, "k", odd),
			fmt.Sprintf(list, "a"+odd+"b", "") + odd, "<ListBucketResult>" + odd, "<Error><Code>" + odd + "</Code></Error>",
			"<html>" + odd + "</html>"} {
			agree(t, []byte(doc), ListOptions{})
		}
	}
}

// A whole listing of odd size, cut anywhere, is no listing.
func TestAListingCutAnywhereIsNone(t *testing.T) {
	for _, doc := range seedsOfListings(t) {
		for i := range doc {
			p, err := decodePage(bytes.NewReader(doc[:i]), ListOptions{})
			if err == nil && strings.TrimSpace(string(doc[i:])) != "" {
				t.Fatalf("%q is taken for a listing: %+v", doc[:i], p)
			}
		}
	}
}

func seedsOfListings(t *testing.T) (all [][]byte) {
	for _, name := range []string{"plain", "truncated", "minio"} {
		all = append(all, testdata(t, "list/"+name+".xml"))
	}
	return all
}

// randomDocument draws a listing in any of the ways that XML has for the same,
// and what is in it: "key size" and "prefix".
func randomDocument(t *rapid.T) (doc string, want []string) {
	chance := func(percent int) bool { return rapid.IntRange(0, 99).Draw(t, "chance") < percent }
	of := func(s ...string) string { return rapid.SampledFrom(s).Draw(t, "of") }
	ns := of("", "", "s3:")
	gap := func() string {
		return of("", "", "", " \r\n\t", "<!-- <Key>no</Key> & -->", "<?x <Key>?>", "<![CDATA[<Key>]]>", "text &amp;")
	}
	text := func(s string) string {
		var b strings.Builder
		for i := 0; i < len(s); {
			r, n := utf8.DecodeRuneInString(s[i:])
			switch how := rapid.IntRange(0, 9).Draw(t, "how"); {
			case how == 0 || r == '\r' || r == '<' || r == '&' || r == '>' && how < 5:
				fmt.Fprintf(&b, of("&#%d;", "&#x%x;", "&#x000%X;"), r)
			case how == 1 && n > 0:
				b.WriteString("<![CDATA[" + s[i:i+n] + "]]>")
			case how == 2:
				b.WriteString(of("<!--x-->", "<?y?>", "<z>no<Key>no</Key></z>", "<z/>") + s[i:i+n])
			case r == '>':
				b.WriteString("&gt;")
			default:
				b.WriteString(s[i : i+n])
			}
			i += n
		}
		return b.String()
	}
	element := func(name, content string) string {
		if content == "" && chance(50) {
			return "<" + ns + name + of("", " ", " a='>'", ` x:y = "&lt;'"`) + "/>"
		}
		return "<" + ns + name + of("", "", " ", ` a=">"b='/'`) + ">" + content + "</" + ns + name + of("", "", "\n") + ">"
	}
	shuffled := func(parts ...string) string {
		var b strings.Builder
		for _, p := range rapid.Permutation(parts).Draw(t, "order") {
			b.WriteString(gap() + p)
		}
		return b.String() + gap()
	}
	unknown := func() string {
		inner := element("Key", "no") + element("Prefix", "no/") + gap()
		return element(of("Owner", "New", "key", "Contents.", "Prefixes"), of("", inner, element("Contents", inner)+element("Deep", element("CommonPrefixes", inner))))
	}
	word := rapid.StringOfN(rapid.RuneFrom([]rune("ab/-]> +%&<'\"é\r\n\U0001F600")), 1, 6, -1)
	var parts []string
	for range rapid.IntRange(0, 4).Draw(t, "objects") {
		key, size := word.Draw(t, "key"), rapid.Int64Range(0, 1<<40).Draw(t, "size")
		fields := []string{element("Key", text(key)), element("Size", text(strconv.FormatInt(size, 10)))}
		fields = append(fields, []string{element("ETag", text(`"abc"`)), element("LastModified", text("2026-02-03T04:05:06.000Z")),
			element("StorageClass", text("GLACIER")), unknown()}[rapid.IntRange(0, 4).Draw(t, "without"):]...)
		parts = append(parts, element("Contents", shuffled(fields...)))
		want = append(want, fmt.Sprintf("%q %d", key, size))
	}
	for range rapid.IntRange(0, 2).Draw(t, "unknown") {
		parts = append(parts, unknown())
	}
	parts = append(parts, element("IsTruncated", text("true")), element("NextContinuationToken", text("t<&>")))
	doc = of("", "\ufeff", " ") + of("", `<?xml version="1.0" encoding="UTF-8"?>`, "<!DOCTYPE x [<!ENTITY e '>'>]>") + gap() +
		element("ListBucketResult", shuffled(parts...)) + of("", "\n", "<!-- end -->")
	return doc, want
}

func TestListingsInAnyWritingAreRead(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		doc, want := randomDocument(t)
		agree(t, []byte(doc), ListOptions{})
		p, err := decodePage(strings.NewReader(doc), ListOptions{})
		var got []string
		for _, e := range p.entries {
			got = append(got, fmt.Sprintf("%q %d", e.Key, e.Size))
		}
		slices.Sort(got)
		slices.Sort(want)
		if err != nil || !slices.Equal(got, want) || !p.truncated || p.next != "t<&>" {
			t.Fatalf("%q\n got %q %+v, %v\nwant %q", doc, got, p, err, want)
		}
	})
}
