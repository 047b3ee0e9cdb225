package s3

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"s3mount/s3/s3test"
)

func endpoint(t *testing.T, s string) *url.URL {
	t.Helper()
	if s == "" {
		return nil
	}
	u, err := url.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func TestWhereARequestGoes(t *testing.T) {
	tests := []struct {
		name     string
		bucket   string
		region   string
		endpoint string
		path     bool // the flag
		key      string
		want     string
	}{
		{"AWS", "b", "eu-west-1", "", false, "k", "https://b.s3.eu-west-1.amazonaws.com/k"},
		{"the bucket itself", "b", "eu-west-1", "", false, "", "https://b.s3.eu-west-1.amazonaws.com/"},
		{"China", "b", "cn-north-1", "", false, "k", "https://b.s3.cn-north-1.amazonaws.com.cn/k"},
		{"GovCloud", "b", "us-gov-west-1", "", false, "k", "https://b.s3.us-gov-west-1.amazonaws.com/k"},
		{"ISO", "b", "us-iso-east-1", "", false, "k", "https://b.s3.us-iso-east-1.c2s.ic.gov/k"},
		{"ISO-B", "b", "us-isob-east-1", "", false, "k", "https://b.s3.us-isob-east-1.sc2s.sgov.gov/k"},
		{"ISO-E", "b", "eu-isoe-west-1", "", false, "k", "https://b.s3.eu-isoe-west-1.cloud.adc-e.uk/k"},
		{"ISO-F", "b", "us-isof-south-1", "", false, "k", "https://b.s3.us-isof-south-1.csp.hci.ic.gov/k"},
		{"European sovereign cloud", "b", "eusc-de-east-1", "", false, "k", "https://b.s3.eusc-de-east-1.amazonaws.eu/k"},
		{"AWS with the flag", "b", "eu-west-1", "", true, "k", "https://s3.eu-west-1.amazonaws.com/b/k"},
		{"a dotted bucket misses the certificate", "a.b", "eu-west-1", "", false, "k", "https://s3.eu-west-1.amazonaws.com/a.b/k"},
		{"an upper-case bucket is no host name", "Old", "us-east-1", "", false, "k", "https://s3.us-east-1.amazonaws.com/Old/k"},
		{"a bucket that begins with a dash", "-b", "us-east-1", "", false, "k", "https://s3.us-east-1.amazonaws.com/-b/k"},
		{"a host", "b", "", "https://s3.example.com", false, "k", "https://b.s3.example.com/k"},
		{"a host with a port", "b", "", "http://s3.example.com:9000", false, "k", "http://b.s3.example.com:9000/k"},
		{"a host with the flag", "b", "", "https://s3.example.com", true, "k", "https://s3.example.com/b/k"},
		{"an IPv4 address", "b", "", "http://192.0.2.1:9000", false, "k", "http://192.0.2.1:9000/b/k"},
		{"an IPv6 address", "b", "", "http://[2001:db8::1]:9000", false, "k", "http://[2001:db8::1]:9000/b/k"},
		{"localhost", "b", "", "http://localhost:9000", false, "k", "http://localhost:9000/b/k"},
		{"below localhost", "b", "", "http://s3.localhost", false, "k", "http://s3.localhost/b/k"},
		{"not localhost", "b", "", "http://localhost.example", false, "k", "http://b.localhost.example/k"},
		{"the bucket itself in the path", "b", "", "http://localhost", false, "", "http://localhost/b"},
		{"a base path", "b", "", "http://localhost/s3/v1", false, "k", "http://localhost/s3/v1/b/k"},
		{"a base path that ends in a slash", "b", "", "https://s3.example.com/s3/", false, "k", "https://b.s3.example.com/s3/k"},
		{"a base path that needs escaping", "b", "", "http://localhost/a%20b", false, "k", "http://localhost/a%20b/b/k"},
		{"only a slash", "b", "", "http://localhost/", false, "k", "http://localhost/b/k"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b, err := New(Options{Name: tt.bucket, Region: tt.region, Endpoint: endpoint(t, tt.endpoint), PathStyle: tt.path})
			if err != nil {
				t.Fatal(err)
			}
			if got := b.address(b.Region(), tt.key, "").String(); got != tt.want {
				t.Errorf("%s, want %s", got, tt.want)
			}
			if got := b.URL().String(); tt.key == "" && got != tt.want {
				t.Errorf("URL is %s, want %s", got, tt.want)
			}
			if inHost := strings.Contains(tt.want, "://"+tt.bucket+"."); b.PathStyle() == inHost {
				t.Errorf("PathStyle is %v for %s", b.PathStyle(), tt.want)
			}
		})
	}
}

// odd are keys that a careless client changes on their way.
var odd = map[string]string{ // the key and how it goes over the wire
	"a//b": "a//b", "/lead": "/lead", "//": "//", "a/": "a/",
	"..": "..", "a/../b": "a/../b", "./a": "./a", "a/.": "a/.",
	"100%": "100%25", "a%20b": "a%2520b", "a%2Fb": "a%252Fb", "%zz": "%25zz",
	"a+b": "a%2Bb", "a b": "a%20b", "~-._": "~-._",
	"?x=1": "%3Fx%3D1", "#frag": "%23frag", "a;b&c": "a%3Bb%26c", "$@:!'()*,": "%24%40%3A%21%27%28%29%2A%2C",
	"caf\u00e9": "caf%C3%A9", "caf\xe9": "caf%E9", "\xff\xfe": "%FF%FE", "nul\x00": "nul%00", "\n\r\x01\x7f": "%0A%0D%01%7F",
	"http://other/": "http%3A//other/", `back\slash`: "back%5Cslash",
}

func TestAKeyGoesOverTheWireAsItWasSigned(t *testing.T) {
	for _, style := range []string{"path", "host"} {
		t.Run(style, func(t *testing.T) {
			objects := map[string]s3test.Object{}
			for key := range odd {
				objects[key] = s3test.Object{Size: 10}
			}
			srv := s3test.New(t, s3test.Options{Objects: objects}) // strict: checks each signature from the raw request
			b := open(t, srv, func(o *Options) {
				if style == "host" {
					o.Endpoint = &url.URL{Scheme: "http", Host: "s3.test"}
					o.Transport = &http.Transport{DialContext: srv.DialContext, DisableCompression: true}
				}
			})
			for key, wire := range odd {
				base := "/"
				if style == "path" {
					base = "/bucket/"
				}
				if got := b.address("us-east-1", key, "").RequestURI(); got != base+wire {
					t.Errorf("key %q goes as %q, want %q", key, got, base+wire)
				}
				srv.ResetLog()
				o, err := b.Head(t.Context(), key)
				if err != nil || o.Size != 10 || o.Key != key {
					t.Errorf("head %q = %+v, %v", key, o, err)
				}
				if log := srv.Log(); len(log) != 1 || log[0].Key != key {
					t.Errorf("head %q arrived as %q", key, srv.Requests())
				}
			}
		})
	}
}

func TestNewRefusesWhatCannotBe(t *testing.T) {
	good := Options{Name: "b"}
	if _, err := New(good); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name string
		edit func(*Options)
	}{
		{"no name", func(o *Options) { o.Name = "" }},
		{"a name with a slash", func(o *Options) { o.Name = "a/b" }},
		{"a name with a query", func(o *Options) { o.Name = "a?b" }},
		{"a name with NUL", func(o *Options) { o.Name = "a\x00" }},
		{"a name that is a step up", func(o *Options) { o.Name = ".." }},
		{"a region with a dot", func(o *Options) { o.Region = "x.evil.example" }},
		{"a region with a slash", func(o *Options) { o.Region = "x/" }},
		{"a region with a letter that only looks like one", func(o *Options) { o.Region = "us-east-\u212a" }},
		{"a region with a port", func(o *Options) { o.Region = "evil:80" }},
		{"negative connections", func(o *Options) { o.Connections = -1 }},
		{"negative idle time", func(o *Options) { o.IdleTimeout = -1 }},
		{"negative attempts", func(o *Options) { o.Retry.Attempts = -1 }},
		{"negative deadline", func(o *Options) { o.Retry.Deadline = -1 }},
		{"an endpoint of a file", func(o *Options) { o.Endpoint = endpoint(t, "file:///etc") }},
		{"an endpoint without host", func(o *Options) { o.Endpoint = endpoint(t, "http:///x") }},
		{"an endpoint with a password", func(o *Options) { o.Endpoint = endpoint(t, "http://u:p@host") }},
		{"an endpoint with a query", func(o *Options) { o.Endpoint = endpoint(t, "http://host/?a=b") }},
		{"an endpoint with a fragment", func(o *Options) { o.Endpoint = endpoint(t, "http://host/#a") }},
	}
	for _, tt := range tests {
		o := good
		tt.edit(&o)
		if _, err := New(o); err == nil {
			t.Errorf("New takes %s", tt.name)
		}
	}
}

func TestRegionNames(t *testing.T) {
	for name, want := range map[string]bool{
		"us-east-1": true, "auto": true, "RegionOne": true, "fr_par": true,
		"": false, "a.b": false, "a/b": false, "a:1": false, "a b": false, "-a": false, "a@b": false, "a%2e": false, "a\n": false,
	} {
		if got := regionName(name); got != want {
			t.Errorf("regionName(%q) = %v, want %v", name, got, want)
		}
	}
}

func TestNewTransportRefusesABundleWithoutCertificates(t *testing.T) {
	if _, err := NewTransport(TransportOptions{CABundle: []byte("not PEM")}); err == nil {
		t.Error("taken")
	}
}
