package s3

import (
	"errors"
	"fmt"
	iofs "io/fs"
	"net/http"
	"net/url"
	"testing"

	"s3mount/s3/s3test"
)

// account gives an account of a server of this test.
func account(t testing.TB, srv *s3test.Server, edits ...func(*Options)) *Account {
	t.Helper()
	o := Options{Region: srv.Region(), Endpoint: srv.Endpoint(), Credentials: always(srv.Credentials()), Retry: quick, HedgeAfter: -1}
	for _, edit := range edits {
		edit(&o)
	}
	a, err := NewAccount(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.CloseIdleConnections)
	return a
}

// endpointOf is a server with others beside it: buckets b0000, b0001, ... in
// regions of their own.
func endpointOf(t testing.TB, n int, o s3test.Options) (*s3test.Server, []*s3test.Server) {
	t.Helper()
	srv := s3test.New(t, o)
	var others []*s3test.Server
	for i := range n {
		others = append(others, s3test.New(t, s3test.Options{Bucket: fmt.Sprintf("b%04d", i), Region: fmt.Sprintf("region-%d", i), Text: map[string]string{"k": "of " + fmt.Sprint(i)}}))
	}
	srv.Beside(false, others...)
	return srv, others
}

func TestBucketsOfAnAccount(t *testing.T) {
	srv, _ := endpointOf(t, 25, s3test.Options{PageSize: 10})
	a := account(t, srv)
	all, err := a.Buckets(t.Context(), false)
	if err != nil || len(all) != 26 {
		t.Fatalf("%d buckets, %v", len(all), err)
	}
	if all[3] != (BucketEntry{"b0003", "region-3"}) || all[25] != (BucketEntry{"bucket", "us-east-1"}) {
		t.Errorf("%v", all)
	}
	if got := srv.Requests(); len(got) != 3 || got[0] != "BUCKETS" || got[2] != "BUCKETS next" {
		t.Errorf("asked %q", got)
	}
}

func TestBucketsThatAreNotListed(t *testing.T) {
	for name, tt := range map[string]struct {
		action s3test.Action
		is     error
	}{
		"refused":            {s3test.Error(403, "AccessDenied"), ErrForbidden},
		"an unknown key":     {s3test.Error(403, "InvalidAccessKeyId"), iofs.ErrPermission},
		"a page of a proxy":  {s3test.HTML(), errProtocol},
		"another document":   {s3test.Reply(200, "<ListBucketResult></ListBucketResult>"), errProtocol},
		"cut":                {s3test.Reply(200, "<ListAllMyBucketsResult><Buckets><Bucket><Name>a</Name></Bucket>"), errProtocol},
		"a circle":           {s3test.Reply(200, "<ListAllMyBucketsResult><ContinuationToken>x</ContinuationToken></ListAllMyBucketsResult>"), errProtocol},
		"trouble":            {s3test.Error(503, "SlowDown"), nil},
		"trouble in a reply": {s3test.Error(200, "InternalError"), nil},
	} {
		srv := s3test.New(t, s3test.Options{})
		srv.AddRule(s3test.Rule{Action: tt.action})
		a := account(t, srv)
		all, err := a.Buckets(t.Context(), false)
		if err == nil || len(all) > 0 || tt.is != nil && !errors.Is(err, tt.is) {
			t.Errorf("%s: %v, %v", name, all, err)
		}
		free(t, a.service)
		srv.ClearRules()
		srv.AddRule(s3test.Rule{Times: 1, Action: s3test.Error(200, "InternalError")})
		if all, err := a.Buckets(t.Context(), false); err != nil || len(all) != 1 {
			t.Errorf("%s, when over: %v, %v", name, all, err)
		}
	}
}

// Nobody has no buckets, whichever way a server puts it.
func TestBucketsOfNobody(t *testing.T) {
	for _, action := range []s3test.Action{s3test.Error(403, "AccessDenied"), s3test.Redirect(307, "https://aws.amazon.com/s3/", "")} {
		srv := s3test.New(t, s3test.Options{Anonymous: true, Rules: []s3test.Rule{{Op: s3test.Buckets, Action: action}}})
		nobody := account(t, srv, func(o *Options) { o.Credentials = nil })
		if _, err := nobody.Buckets(t.Context(), true); !errors.Is(err, ErrForbidden) || !errors.Is(err, iofs.ErrPermission) {
			t.Errorf("%v", err)
		}
	}
}

// The buckets of an account are in regions of their own, with names in the host
// or the path as each can have, and share what is to be shared.
func TestBucketsInTheirRegions(t *testing.T) {
	srv, others := endpointOf(t, 3, s3test.Options{})
	dotted := s3test.New(t, s3test.Options{Bucket: "dotted.name", Region: "region-9", Text: map[string]string{"k": "dotted"}})
	srv.Beside(true, dotted)
	a := account(t, srv, func(o *Options) {
		o.Endpoint = &url.URL{Scheme: "http", Host: "s3.test"}
		o.Transport = &http.Transport{DialContext: srv.DialContext, DisableCompression: true}
	})
	for _, tt := range []struct {
		name, region string // as the listing says
		srv          *s3test.Server
		host         string
		requests     int
	}{
		{"b0000", "region-0", others[0], "b0000.s3.test", 1},
		{"b0001", "", others[1], "b0001.s3.test", 2},               // the server says where it is
		{"b0002", "no such region", others[2], "b0002.s3.test", 2}, // nothing else becomes part of a host name
		{"dotted.name", "", dotted, "s3.test", 2},
	} {
		b, err := a.Bucket(tt.name, tt.region)
		if err != nil {
			t.Fatal(err)
		}
		if o, err := b.Head(t.Context(), "k"); err != nil || o.Size == 0 || b.Region() != tt.srv.Region() {
			t.Errorf("%s: %+v, %v, in %s", tt.name, o, err, b.Region())
		}
		log := tt.srv.Log()
		if len(log) != tt.requests || log[0].Host != tt.host {
			t.Errorf("%s: asked %q", tt.name, tt.srv.Requests())
		}
		if again, _ := a.Bucket(tt.name, "elsewhere"); again != b {
			t.Errorf("%s is another one the second time", tt.name)
		}
		if b.limit != a.service.limit || b.transport != a.service.transport {
			t.Error("nothing is shared")
		}
	}
	if s := a.Stats(); s.Heads != 7 {
		t.Errorf("counted %+v", s)
	}
	b, _ := a.Bucket("nosuch", "")
	if _, err := b.Probe(t.Context(), ""); !errors.Is(err, ErrNoBucket) || errors.Is(err, iofs.ErrNotExist) {
		t.Errorf("a bucket that is not there: %v", err)
	}
	a.Forget("nosuch")
	if again, _ := a.Bucket("nosuch", ""); again == b {
		t.Error("it was not forgotten")
	}
	for _, name := range []string{"", "a/b", "..", point + "/x"} {
		if _, err := a.Bucket(name, ""); err == nil {
			t.Errorf("%q is taken", name)
		}
	}
	if _, err := NewAccount(Options{Name: "b"}); err == nil {
		t.Error("an account with a name is taken")
	}
	if got := a.service.address("eu-west-1", "", "").String(); got != "http://s3.test/" {
		t.Errorf("the service is at %s", got)
	}
}
