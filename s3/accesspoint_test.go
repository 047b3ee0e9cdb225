package s3

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"s3mount/s3/s3test"
)

const point = "arn:aws:s3:eu-west-1:123456789012:accesspoint/point"

func TestWhereAnAccessPointIs(t *testing.T) {
	for _, tt := range []struct{ name, arn, endpoint, key, want string }{
		{"AWS", point, "", "k/a b", "https://point-123456789012.s3-accesspoint.eu-west-1.amazonaws.com/k/a%20b"},
		{"itself", point, "", "", "https://point-123456789012.s3-accesspoint.eu-west-1.amazonaws.com/"},
		{"China", "arn:aws-cn:s3:cn-north-1:123456789012:accesspoint/point", "", "k", "https://point-123456789012.s3-accesspoint.cn-north-1.amazonaws.com.cn/k"},
		{"GovCloud", "arn:aws-us-gov:s3:us-gov-west-1:123456789012:accesspoint/p", "", "k", "https://p-123456789012.s3-accesspoint.us-gov-west-1.amazonaws.com/k"},
		{"the older form", strings.Replace(point, "t/", "t:", 1), "", "k", "https://point-123456789012.s3-accesspoint.eu-west-1.amazonaws.com/k"},
		{"an endpoint", point, "https://s3.example.com:9000/base", "k", "https://point-123456789012.s3.example.com:9000/base/k"},
		{"localhost", point, "http://localhost:9000", "k", "http://point-123456789012.localhost:9000/k"},
		{"an alias is a bucket", "point-abc123-s3alias", "", "k", "https://point-abc123-s3alias.s3.us-east-1.amazonaws.com/k"},
	} {
		o := Options{Name: tt.arn, Endpoint: endpoint(t, tt.endpoint)}
		b, err := New(o)
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		if got := b.address(b.Region(), tt.key, "").String(); got != tt.want || b.PathStyle() {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}

func TestWhatIsNoAccessPoint(t *testing.T) {
	for _, tt := range []struct {
		arn         string
		unsupported bool
	}{
		{"arn:aws:s3::123456789012:accesspoint/mfzwi23gnjvgw.mrap", true},
		{"arn:aws:s3:eu-west-1:123456789012:accesspoint/x.mrap", true},
		{"arn:aws:s3-outposts:eu-west-1:123456789012:outpost/op-01ac5d28a6a232904/accesspoint/point", true},
		{"arn:aws:s3-object-lambda:eu-west-1:123456789012:accesspoint/point", true},
		{"arn:aws:s3express:eu-west-1:123456789012:accesspoint/p--euw1-az1--xa-s3", true},
		{"photos--use1-az4--x-s3", true},
		{"photos--use1-az4--xa-s3", true},
		{"point--op-s3", true},
		{"point-abc--ol-s3", true},
		{"mfzwi23gnjvgw.mrap", true},
		{"arn:aws:s3:::bucket", false},
		{"arn:aws:s3:eu-west-1:123456789012:bucket/b", false},
		{"arn:aws:ec2:eu-west-1:123456789012:accesspoint/point", false},
		{"arn:aws:s3:eu-west-1:1234:accesspoint/point", false},
		{"arn:aws:s3:eu-west-1:123456789012:accesspoint/", false},
		{"arn:aws:s3:eu-west-1:123456789012:accesspoint/a.b", false},
		{"arn:aws:s3:eu-west-1:123456789012:accesspoint/a/b", false},
		{"arn:aws:s3:evil.example/:123456789012:accesspoint/point", false},
		{"arn:aws:s3:cn-north-1:123456789012:accesspoint/point", false}, // of another partition
		{"arn:aws-cn:s3:eu-west-1:123456789012:accesspoint/point", false},
		{"arn:", false},
	} {
		if _, err := New(Options{Name: tt.arn}); err == nil || errors.Is(err, ErrUnsupported) != tt.unsupported {
			t.Errorf("%s: %v", tt.arn, err)
		}
	}
	for _, o := range []Options{
		{Name: point, PathStyle: true},
		{Name: point, Endpoint: endpoint(t, "http://127.0.0.1:9000")},
		{Name: point, Endpoint: endpoint(t, "http://[::1]:9000")},
		{Name: "photos--use1-az4--x-s3", Endpoint: endpoint(t, "https://s3.us-east-1.amazonaws.com")},
	} {
		if _, err := New(o); err == nil {
			t.Errorf("%+v is taken", o)
		}
	}
	if _, err := New(Options{Name: "photos--x-s3", Endpoint: endpoint(t, "https://s3.example.com")}); err != nil {
		t.Errorf("elsewhere it is a name as others: %v", err)
	}
}

// Requests are signed for the ARN's region, whatever else is configured and
// whatever the server says.
func TestAnAccessPointIsInItsRegion(t *testing.T) {
	srv := s3test.New(t, s3test.Options{Bucket: "point-123456789012", Region: "eu-west-1", Text: map[string]string{"a b": "bytes"}})
	b := open(t, srv, func(o *Options) {
		o.Name, o.Region, o.Endpoint = point, "us-east-1", &url.URL{Scheme: "http", Host: "s3.test"}
		o.Transport = &http.Transport{DialContext: srv.DialContext, DisableCompression: true}
	})
	o, err := b.Head(t.Context(), "a b")
	if err != nil || b.Region() != "eu-west-1" || b.Name() != point {
		t.Fatalf("%v, %s of %s", err, b.Region(), b.Name())
	}
	body, err := b.OpenRange(t.Context(), o, 0, o.Size)
	if err != nil {
		t.Fatal(err)
	}
	if p, err := readAll(body); string(p) != "bytes" || err != nil {
		t.Errorf("%q, %v", p, err)
	}
	page, err := b.Probe(t.Context(), "")
	if err != nil || len(page.Entries) != 1 {
		t.Errorf("%v, %v", page, err)
	}
	for _, r := range srv.Log() {
		if r.Host != "point-123456789012.s3.test" {
			t.Errorf("%s went to %s", r, r.Host)
		}
	}
	srv.AddRule(s3test.Rule{Action: s3test.Redirect(301, "http://elsewhere/", "us-east-2")})
	if _, err := b.Head(t.Context(), "a b"); err == nil || b.Region() != "eu-west-1" {
		t.Errorf("%v, signing for %s", err, b.Region())
	}
}
