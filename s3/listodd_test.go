package s3

import (
	"errors"
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
)

// pageOf is the XML of a page. A token "" is none.
func pageOf(truncated, token string, keys ...string) string {
	s := "<ListBucketResult><IsTruncated>" + truncated + "</IsTruncated>"
	if token != "" {
		s += "<NextContinuationToken>" + token + "</NextContinuationToken>"
	}
	for _, key := range keys {
		s += "<Contents><Key>" + key + "</Key><Size>1</Size></Contents>"
	}
	return s + "</ListBucketResult>"
}

func TestListingsThatDoNotEnd(t *testing.T) {
	tests := []struct {
		name    string
		page    func(n int) string // of the nth request, from 0
		entries int                // that are given all the same
		most    int                // requests
		ok      bool
	}{
		{"the same token for ever", func(n int) string { return pageOf("true", "t", fmt.Sprintf("k%05d", n)) }, 1, 2, false},
		{"two tokens in turn", func(n int) string { return pageOf("true", fmt.Sprint("t", n%2), fmt.Sprintf("k%05d", n)) }, 2, 3, false},
		{"empty pages with new tokens", func(n int) string { return pageOf("true", fmt.Sprint(n)) }, 0, maxIdlePages + 1, false},
		{"the same page with new tokens", func(n int) string { return pageOf("true", fmt.Sprint(n), "a", "b") }, 2 * (maxIdlePages + 1), maxIdlePages + 2, false},
		{"two pages in turn with new tokens", func(n int) string { return pageOf("true", fmt.Sprint(n), fmt.Sprint("k", n%2)) }, maxIdlePages + 2, maxIdlePages + 3, false},
		{"some empty pages, and an end", func(n int) string {
			if n == maxIdlePages {
				return pageOf("false", "", "k")
			}
			return pageOf("true", fmt.Sprint(n))
		}, 1, maxIdlePages + 1, true},
		{"empty pages between full ones", func(n int) string {
			switch {
			case n == 1000:
				return pageOf("false", "")
			case n%50 == 0:
				return pageOf("true", fmt.Sprint(n), fmt.Sprintf("k%05d", n))
			}
			return pageOf("true", fmt.Sprint(n))
		}, 20, 1001, true},
		{"an end, and a token", func(int) string { return pageOf("false", "t", "k") }, 1, 1, true},
		{"more, and no token", func(int) string { return pageOf("true", "", "k") }, 0, 10, false},
		{"neither said, and a token", func(n int) string {
			if n == 0 {
				return "<ListBucketResult><NextContinuationToken>t</NextContinuationToken></ListBucketResult>"
			}
			return pageOf("false", "", "k")
		}, 1, 2, true},
		{"more or not, who knows", func(int) string { return pageOf("perhaps", "t", "k") }, 0, 10, false},
		{"more, in another case", func(n int) string {
			if n == 0 {
				return pageOf("True", "t", "a")
			}
			return pageOf(" false\n", "", "b")
		}, 2, 2, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &script{}
				s.answers = []answerFunc{func(r *http.Request) (*http.Response, error) {
					return says(200, tt.page(s.count()-1))(r)
				}}
				b := scripted(t, s)
				got, err := list(t.Context(), b, ListOptions{})
				if (err == nil) != tt.ok || err != nil && !errors.Is(err, errProtocol) {
					t.Errorf("%v; want success: %v", err, tt.ok)
				}
				if len(got) != tt.entries || s.count() != tt.most {
					t.Errorf("%d entries after %d requests, want %d after %d", len(got), s.count(), tt.entries, tt.most)
				}
				if want := int64(1); (b.Stats().Failures == want) == tt.ok {
					t.Errorf("%d failures counted", b.Stats().Failures)
				}
				free(t, b)
			})
		})
	}
}

func TestTheQueryOfAListing(t *testing.T) {
	tests := []struct {
		opts  ListOptions
		token string
		want  string
	}{
		{ListOptions{}, "", "encoding-type=url&list-type=2&max-keys=1000&prefix="},
		{ListOptions{Prefix: "a b/", Delimiter: "/"}, "", "delimiter=%2F&encoding-type=url&list-type=2&max-keys=1000&prefix=a%20b%2F"},
		{ListOptions{Prefix: "+\xff", PageSize: 7, StartAfter: "+a&b"}, "", "encoding-type=url&list-type=2&max-keys=7&prefix=%2B%FF&start-after=%2Ba%26b"},
		{ListOptions{StartAfter: "a"}, "t+/=", "continuation-token=t%2B%2F%3D&encoding-type=url&list-type=2&max-keys=1000&prefix="},
	}
	for _, tt := range tests {
		if got := listQuery(tt.opts, tt.token); got != tt.want {
			t.Errorf("%+v, token %q:\n got %s\nwant %s", tt.opts, tt.token, got, tt.want)
		}
	}
}
