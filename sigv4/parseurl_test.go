package sigv4_test

import (
	"strings"
	"testing"

	"s3mount/sigv4"
)

func TestParseURL(t *testing.T) {
	tests := []struct{ typed, host, path, query string }{
		{"https://h", "h", "/", ""},
		{"HTTPS://h/", "h", "/", ""},
		{"https://h?list-type=2", "h", "/", "list-type=2"},
		{"https://h:9000/a/b", "h:9000", "/a/b", ""},
		{"http://[::1]:9000/a", "[::1]:9000", "/a", ""},
		{"http://[fe80::1%25eth0]/a", "[fe80::1%eth0]", "/a", ""},
		{"https://h/a b", "h", "/a%20b", ""},
		{"https://h/a%20b", "h", "/a%20b", ""},
		{"https://h/a%2520b", "h", "/a%2520b", ""},
		{"https://h/100%", "h", "/100%25", ""},
		{"https://h/100%zz%4", "h", "/100%25zz%254", ""},
		{"https://h/a%2fb", "h", "/a%2Fb", ""},
		{"https://h/%41%7e", "h", "/A~", ""},
		{"https://h/a+b", "h", "/a%2Bb", ""},
		{"https://h/a#b?c#d", "h", "/a%23b", "c%23d="},
		{"https://h/a/../b//./", "h", "/a/../b//./", ""},
		{"https://h//", "h", "//", ""},
		{"https://h/[x]^|\"<>\\`{}", "h", "/%5Bx%5D%5E%7C%22%3C%3E%5C%60%7B%7D", ""},
		{"https://h/é\xff\x00\n", "h", "/%C3%A9%FF%00%0A", ""},
		{"https://h/a://b@c:d", "h", "/a%3A//b%40c%3Ad", ""},
		{"https://h/k?prefix=a+b c%2b", "h", "/k", "prefix=a%2Bb%20c%2B"},
		{"https://h/k?b&a=1&&a=/", "h", "/k", "a=%2F&a=1&b="},
		{"https://h/k?a?b=c=d;e", "h", "/k", "a%3Fb=c%3Dd%3Be"},
		{"https://h/k?", "h", "/k", ""},
	}
	for _, tt := range tests {
		u, err := sigv4.ParseURL(tt.typed)
		if err != nil {
			t.Errorf("ParseURL(%q): %v", tt.typed, err)
			continue
		}
		if u.Host != tt.host || u.EscapedPath() != tt.path || u.RawQuery != tt.query {
			t.Errorf("ParseURL(%q) = host %q, path %q, query %q; want %q, %q, %q", tt.typed, u.Host, u.EscapedPath(), u.RawQuery, tt.host, tt.path, tt.query)
		}
	}
}

func TestParseURLRefuses(t *testing.T) {
	for _, typed := range []string{
		"", "h", "h/a", "s3://secret/key", "//h/a", "https:/h", "https:h", " https://h",
		"https://", "https:///a", "https://?a", "https://:80/",
		"https://user:secret@h/", "https://secret@h", "https://user:se/cret@h/", "https://user:se?cret@h/",
		"https://h:secret/", "https://a b/", "https://h#secret", "https://h\n/", "https://küste/",
		"https://::1/", "https://[::1/", "https://[::1]x/", "https://[secret]/",
	} {
		u, err := sigv4.ParseURL(typed)
		if err == nil {
			t.Errorf("ParseURL(%q) = %v, want an error", typed, u)
		} else if strings.Contains(err.Error(), "secret") {
			t.Errorf("ParseURL(%q): the error repeats it: %v", typed, err)
		}
	}
}

func TestCanonicalQuery(t *testing.T) {
	for raw, want := range map[string]string{
		"":                   "",
		"&":                  "",
		"=":                  "=",
		"lifecycle":          "lifecycle=",
		"b&a=":               "a=&b=",
		"a=1&a=0&a":          "a=&a=0&a=1",
		"a=+&b=%2B&c=%20":    "a=%20&b=%2B&c=%20",
		"a=b=c":              "a=b%3Dc",
		"a;b":                "a%3Bb=",
		"a=%&b=%4&c=%zz":     "a=%25&b=%254&c=%25zz",
		"a=%2f%41":           "a=%2FA",
		"v=a-b&v=a/b":        "v=a%2Fb&v=a-b",
		"v=b&v=a":            "v=a&v=b", // escaped well, and only the order is wrong
		"b=1&a=2":            "a=2&b=1",
		"q.o&q-a&q&Q":        "Q=&q=&q-a=&q.o=",
		"delimiter=/&x=\xff": "delimiter=%2F&x=%FF",
	} {
		if got := sigv4.CanonicalQuery(raw); got != want {
			t.Errorf("CanonicalQuery(%q) = %q, want %q", raw, got, want)
		}
	}
}
