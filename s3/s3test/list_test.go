package s3test_test

import (
	"encoding/xml"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"s3mount/s3/s3test"
	"s3mount/sigv4"
)

type listing struct {
	XMLName                       xml.Name `xml:"ListBucketResult"`
	Name, Prefix, Delimiter       string
	StartAfter, ContinuationToken string
	NextContinuationToken         string
	EncodingType                  string
	KeyCount, MaxKeys             int
	IsTruncated                   bool
	Contents                      []struct {
		Key, LastModified, ETag, StorageClass string
		Size                                  int64
	}
	CommonPrefixes []struct{ Prefix string }
}

func parseListing(t rapid.TB, r reply) listing {
	t.Helper()
	var l listing
	if err := xml.Unmarshal([]byte(r.body), &l); err != nil || r.StatusCode != 200 {
		t.Fatalf("%d %q: %v", r.StatusCode, r.body, err)
	}
	return l
}

// items are keys and, with a '>' before them, common prefixes, in order.
func (l listing) items(t rapid.TB) []string {
	var out []string
	decode := func(s string) string {
		if l.EncodingType != "url" {
			return s
		}
		s, err := url.QueryUnescape(s)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	for _, c := range l.Contents {
		out = append(out, decode(c.Key))
	}
	for _, c := range l.CommonPrefixes {
		out = append(out, decode(c.Prefix)+">")
	}
	slices.Sort(out)
	return out
}

// naive lists all at once.
func naive(keys []string, prefix, delimiter, after string) []string {
	var out []string
	for _, key := range keys {
		if !strings.HasPrefix(key, prefix) || key <= after {
			continue
		}
		if i := strings.Index(key[len(prefix):], delimiter); delimiter != "" && i >= 0 {
			key = key[:len(prefix)+i+len(delimiter)] + ">"
		}
		out = append(out, key)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// The pages of any listing, put together, are what a plain loop over all keys
// finds, and no page has more than max-keys.
func TestPages(t *testing.T) {
	outer := t
	rapid.Check(t, func(t *rapid.T) {
		word := rapid.StringOfN(rapid.RuneFrom([]rune("ab-/.+ \x01\nü")), 0, 6, -1)
		keys := rapid.SliceOfNDistinct(word.Filter(func(s string) bool { return s != "" }), 0, 40, rapid.ID).Draw(t, "keys")
		slices.Sort(keys)
		prefix := rapid.OneOf(rapid.Just(""), word).Draw(t, "prefix")
		delimiter := rapid.SampledFrom([]string{"", "/", "-", "//", "/a", "ü"}).Draw(t, "delimiter")
		after := rapid.OneOf(rapid.Just(""), word).Draw(t, "after")
		limit := rapid.IntRange(1, 7).Draw(t, "max-keys")

		unsorted := rapid.Bool().Draw(t, "unsorted")
		most := rapid.SampledFrom([]int{0, 1, 3}).Draw(t, "page size") // of the server
		s, err := s3test.Start(s3test.Options{Unsorted: unsorted, PageSize: most})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		s.PutRange(len(keys), func(i int) string { return keys[i] }, s3test.Object{Size: 1})
		c := clientOf(outer, s)
		defer c.http.CloseIdleConnections()

		q := fmt.Sprintf("list-type=2&encoding-type=url&max-keys=%d&prefix=%s&delimiter=%s",
			limit, sigv4.EscapeQuery(prefix), sigv4.EscapeQuery(delimiter))
		if after != "" {
			q += "&start-after=" + sigv4.EscapeQuery(after)
		}
		if most > 0 {
			limit = min(limit, most)
		}
		var got []string
		token := ""
		for {
			l := parseListing(t, c.do(outer, "GET", "/bucket?"+q+token))
			items := l.items(t)
			got = append(got, items...)
			if len(items) != l.KeyCount || len(items) > limit || l.MaxKeys != limit {
				t.Fatalf("%d items, KeyCount %d, MaxKeys %d, asked for %d", len(items), l.KeyCount, l.MaxKeys, limit)
			}
			if l.IsTruncated != (l.NextContinuationToken != "") {
				t.Fatalf("IsTruncated %v, token %q", l.IsTruncated, l.NextContinuationToken)
			}
			if !l.IsTruncated {
				break
			}
			if len(items) < limit {
				t.Fatalf("a page of %d of %d that is not the last", len(items), limit)
			}
			token = "&continuation-token=" + l.NextContinuationToken
		}
		if unsorted {
			slices.Sort(got)
		}
		if expected := naive(keys, prefix, delimiter, after); !slices.Equal(got, expected) {
			t.Fatalf("\n got %q\nwant %q", got, expected)
		}
	})
}

func TestListingFields(t *testing.T) {
	c := newClient(t, s3test.Options{Text: map[string]string{"d/a b+c": "12345", "d/e/f": "", "d/é&<": "x"}})
	l := parseListing(t, c.do(t, "GET", "/bucket?list-type=2&prefix=d%2F&delimiter=%2F&start-after=d%2F&fetch-owner=true"))
	want(t, "name", l.Name, "bucket")
	want(t, "prefix", l.Prefix, "d/")
	want(t, "delimiter", l.Delimiter, "/")
	want(t, "start-after", l.StartAfter, "d/")
	want(t, "max-keys", l.MaxKeys, 1000)
	want(t, "items", fmt.Sprint(l.items(t)), "[d/a b+c d/e/> d/é&<]")
	o, _ := c.Object("d/a b+c")
	want(t, "etag", l.Contents[0].ETag, o.ETag)
	want(t, "size", l.Contents[0].Size, 5)
	want(t, "class", l.Contents[0].StorageClass, "STANDARD")
	want(t, "modified", l.Contents[0].LastModified, o.LastModified.Format("2006-01-02T15:04:05.000Z"))

	r := c.do(t, "GET", "/bucket?list-type=2&encoding-type=url")
	want(t, "encoded", strings.Contains(r.body, "<Key>d/a+b%2Bc</Key>"), true)
	want(t, "requests", fmt.Sprintf("%q", c.Requests()), `["LIST d/ after=d/" "LIST flat"]`)
}

func TestListingEdges(t *testing.T) {
	c := newClient(t, s3test.Options{Text: map[string]string{"a": "", "b\x01": ""}})
	l := parseListing(t, c.do(t, "GET", "/bucket?list-type=2&max-keys=0"))
	want(t, "max-keys=0", l.KeyCount, 0)
	want(t, "max-keys=0 truncated", l.IsTruncated, false)
	want(t, "max-keys=5000", parseListing(t, c.do(t, "GET", "/bucket?list-type=2&encoding-type=url&max-keys=5000")).MaxKeys, 1000)

	// XML 1.0 cannot say \x01, and S3 says it all the same.
	r := c.do(t, "GET", "/bucket?list-type=2")
	want(t, "control character", strings.Contains(r.body, "<Key>b&#x1;</Key>"), true)
	if err := xml.Unmarshal([]byte(r.body), new(listing)); err == nil {
		t.Error("a control character without encoding-type=url made XML that can be parsed")
	}

	first := parseListing(t, c.do(t, "GET", "/bucket?list-type=2&max-keys=1"))
	token := "&continuation-token=" + first.NextContinuationToken
	want(t, "token", parseListing(t, c.do(t, "GET", "/bucket?list-type=2&encoding-type=url"+token)).items(t)[0], "b\x01")
	for _, query := range []string{
		"list-type=2&prefix=b" + token, // of another listing
		"list-type=2&continuation-token=",
		"list-type=2&continuation-token=AAAA",
		"list-type=2" + token + "AA",
		"list-type=2&max-keys=-1",
		"list-type=2&max-keys=x",
		"list-type=2&encoding-type=html",
	} {
		r := c.do(t, "GET", "/bucket?"+query)
		want(t, query, r.StatusCode, 400)
		want(t, query, r.code(t), "InvalidArgument")
	}
	want(t, "version 1", c.do(t, "GET", "/bucket").StatusCode, 501)
}

// What a page says of one object it says of no other: each has its own time and
// ETag, a new version a new ETag, and a key that XML must escape is written so.
func TestListedObjects(t *testing.T) {
	c := newClient(t, s3test.Options{})
	at := time.Unix(1_700_000_000, 0)
	for i, key := range []string{"a>b", "c", "d"} {
		c.Put(key, s3test.Object{Size: 1, LastModified: at.Add(time.Duration(i/2) * time.Hour)})
	}
	before := c.do(t, "GET", "/bucket?list-type=2")
	want(t, "escaped", strings.Contains(before.body, "<Key>a&gt;b</Key>"), true)
	l := parseListing(t, before)
	var times, etags []string
	for _, o := range l.Contents {
		times, etags = append(times, o.LastModified), append(etags, o.ETag)
	}
	want(t, "times", fmt.Sprint(times), "[2023-11-14T22:13:20.000Z 2023-11-14T22:13:20.000Z 2023-11-14T23:13:20.000Z]")
	slices.Sort(etags)
	want(t, "different ETags", len(slices.Compact(etags)), 3)
	c.Put("d", s3test.Object{Size: 1, LastModified: at})
	after := parseListing(t, c.do(t, "GET", "/bucket?list-type=2&prefix=d"))
	want(t, "ETag of a new version is new", after.Contents[0].ETag != l.Contents[2].ETag, true)
}

// The first version of the request goes on behind a marker: the one that it was
// given, or the last key of the page.
func TestFirstVersion(t *testing.T) {
	c := newClient(t, s3test.Options{ListV1: true, Text: map[string]string{
		"a": "", "d/1": "", "d/2": "", "e b": "", "f/1": "", "g": "",
	}})
	type v1 struct {
		Marker, NextMarker, NextContinuationToken, KeyCount string
		listing
	}
	tests := []struct {
		query     string
		pages     []string
		truncated bool
	}{
		{"/bucket?delimiter=/&max-keys=2", []string{"[a d/>]", "[e b f/>]", "[g]"}, true},
		{"/bucket?max-keys=4&encoding-type=url", []string{"[a d/1 d/2 e b]", "[f/1 g]"}, false},
		{"/bucket/?prefix=d/", []string{"[d/1 d/2]"}, false},
		{"/bucket?marker=d/1&delimiter=/", []string{"[d/> e b f/> g]"}, false},
	}
	for _, tt := range tests {
		var pages []string
		for marker := ""; ; {
			r := c.do(t, "GET", tt.query+marker)
			var l v1
			if err := xml.Unmarshal([]byte(r.body), &l); err != nil {
				t.Fatal(err)
			}
			want(t, "NextContinuationToken", l.NextContinuationToken+l.KeyCount, "")
			pages = append(pages, fmt.Sprint(l.items(t)))
			if !l.IsTruncated {
				want(t, "NextMarker of the last page", l.NextMarker, "")
				break
			}
			want(t, tt.query+" has a NextMarker", l.NextMarker != "", tt.truncated)
			next := l.NextMarker
			if next == "" {
				next, _ = url.QueryUnescape(l.Contents[len(l.Contents)-1].Key)
			}
			marker = "&marker=" + sigv4.EscapeQuery(next)
		}
		want(t, tt.query, fmt.Sprint(pages), fmt.Sprint(tt.pages))
	}
	want(t, "list-type=1", c.do(t, "GET", "/bucket?list-type=1").StatusCode, 501)
	want(t, "uploads", c.do(t, "GET", "/bucket?uploads").StatusCode, 501)
}

func TestManyKeys(t *testing.T) {
	c := newClient(t, s3test.Options{})
	const n = 200_000
	c.PutRange(n, func(i int) string { return fmt.Sprintf("d%d/%07d", i%2, i) }, s3test.Object{Size: 7})
	l := parseListing(t, c.do(t, "GET", "/bucket?list-type=2&delimiter=/"))
	want(t, "directories", fmt.Sprint(l.items(t)), "[d0/> d1/>]")
	c.Put("d0/0100000x", s3test.Object{})
	c.Delete("d0/0100002")
	l = parseListing(t, c.do(t, "GET", "/bucket?list-type=2&max-keys=3&start-after=d0/0100000"))
	want(t, "after the middle", fmt.Sprint(l.items(t)), "[d0/0100000x d0/0100004 d0/0100006]")
}
