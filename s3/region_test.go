package s3

import (
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"s3mount/s3/s3test"
)

func TestARegionHintIsFollowedOnceAndRemembered(t *testing.T) {
	hint := "X-Amz-Bucket-Region: eu-west-1"
	tests := []struct {
		name   string
		answer answerFunc
	}{
		{"AuthorizationHeaderMalformed with Region", says(400, refusal("AuthorizationHeaderMalformed", "<Region>eu-west-1</Region>"))},
		{"301 with a header", says(301, refusal("PermanentRedirect"), hint)},
		{"301 without a body", says(301, "", hint)},
		{"307 with a header", says(307, refusal("TemporaryRedirect"), hint, "Location: http://other.example/")},
		{"a bare 400 with a header", says(400, "", hint)},
		{"a bare 403 with a header", says(403, "", hint)},
		{"403 for the signature", says(403, refusal("SignatureDoesNotMatch"), hint)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := &script{answers: []answerFunc{tt.answer, listed}}
			b := scripted(t, s)
			if _, err := list(t.Context(), b, ListOptions{}); err != nil || s.count() != 2 {
				t.Fatalf("after %d requests: %v; want the answer to the second", s.count(), err)
			}
			if auth := s.reqs[1].Header.Get("Authorization"); !strings.Contains(auth, "/eu-west-1/s3/") {
				t.Errorf("the second request is signed for %s", auth)
			}
			if s.reqs[1].URL.Host != s.reqs[0].URL.Host {
				t.Errorf("the second request goes to %s", s.reqs[1].URL.Host)
			}
			if b.Region() != "eu-west-1" {
				t.Errorf("region %q is remembered", b.Region())
			}
		})
	}
}

func TestARegionHintThatIsNotFollowed(t *testing.T) {
	tests := []struct {
		name   string
		answer answerFunc
	}{
		{"a host", says(400, refusal("AuthorizationHeaderMalformed", "<Region>x.evil.example</Region>"))},
		{"a host in the header", says(301, "", "X-Amz-Bucket-Region: evil.example/")},
		{"a user name", says(301, "", "X-Amz-Bucket-Region: u@evil")},
		{"a line end", says(400, refusal("AuthorizationHeaderMalformed", "<Region>eu&#10;Host: evil</Region>"))},
		{"the region that it is signed for", says(400, refusal("AuthorizationHeaderMalformed"), "X-Amz-Bucket-Region: us-east-1")},
		{"a plain denial", says(403, refusal("AccessDenied"), "X-Amz-Bucket-Region: eu-west-1")},
		{"no such bucket", says(404, refusal("NoSuchBucket"), "X-Amz-Bucket-Region: eu-west-1")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := &script{answers: []answerFunc{tt.answer}}
			b := scripted(t, s, func(o *Options) { o.Endpoint = nil })
			if _, err := list(t.Context(), b, ListOptions{}); err == nil || s.count() != 1 {
				t.Errorf("after %d requests: %v; want one and an error", s.count(), err)
			}
			if b.Region() != "us-east-1" || s.reqs[0].URL.Host != "bucket.s3.us-east-1.amazonaws.com" {
				t.Errorf("now at %s, %s", b.Region(), s.reqs[0].URL.Host)
			}
		})
	}
}

func TestChangingRegionHintsEnd(t *testing.T) {
	n := 0
	s := &script{answers: []answerFunc{func(r *http.Request) (*http.Response, error) {
		n++
		return says(400, refusal("AuthorizationHeaderMalformed", fmt.Sprintf("<Region>eu-west-%d</Region>", n)))(r)
	}}}
	b := scripted(t, s)
	if _, err := list(t.Context(), b, ListOptions{}); err == nil || n != 2 {
		t.Errorf("after %d requests: %v; want an error after 2", n, err)
	}
}

func TestABucketOfAnotherRegion(t *testing.T) {
	srv := s3test.New(t, s3test.Options{Region: "eu-central-1", Text: map[string]string{"k": "v"}})
	b := open(t, srv, func(o *Options) { o.Region = "us-east-1" })
	if _, err := list(t.Context(), b, ListOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Head(t.Context(), "k"); err != nil {
		t.Error(err)
	}
	if got := srv.Count(""); got != 3 {
		t.Errorf("%d requests, want 3: one to learn the region", got)
	}
}

func TestAWSIsAskedAtTheHostOfTheNewRegion(t *testing.T) {
	s := &script{answers: []answerFunc{says(301, "", "X-Amz-Bucket-Region: eu-west-1"), listed}}
	b := scripted(t, s, func(o *Options) { o.Endpoint = nil })
	if _, err := list(t.Context(), b, ListOptions{}); err != nil {
		t.Fatal(err)
	}
	if got := s.reqs[1].URL.Host; got != "bucket.s3.eu-west-1.amazonaws.com" {
		t.Errorf("the second request goes to %s", got)
	}
}

func TestRedirectsAreNeverFollowed(t *testing.T) {
	other, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var visits atomic.Int64
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := other.Accept()
			if err != nil {
				return
			}
			visits.Add(1)
			c.Close()
		}
	}()
	t.Cleanup(func() { other.Close(); <-done })

	srv := s3test.New(t, s3test.Options{Text: map[string]string{"k": "hello"}})
	locations := []string{
		"http://" + other.Addr().String() + "/bucket/k", "https://" + other.Addr().String() + "/", "/bucket/other",
		srv.Endpoint().String() + "/bucket/other", "file:///etc/passwd", "http://169.254.169.254/latest/meta-data/",
	}
	for _, status := range []int{301, 302, 303, 307, 308} {
		for _, location := range locations {
			srv.ClearRules()
			srv.AddRule(s3test.Rule{Action: s3test.Redirect(status, location, "")})
			srv.ResetLog()
			b := open(t, srv)
			_, headErr := b.Head(t.Context(), "k")
			_, listErr := list(t.Context(), b, ListOptions{})
			_, getErr := b.OpenRange(t.Context(), object(t, srv, "k"), 0, 5)
			for _, err := range []error{headErr, listErr, getErr} {
				if e := asError(t, err); e.Status != status {
					t.Errorf("%d to %s: %v", status, location, err)
				}
			}
			if srv.Count("") != 3 {
				t.Errorf("%d to %s: %q, want one request each", status, location, srv.Requests())
			}
		}
	}
	if n := visits.Load(); n != 0 {
		t.Errorf("%d connections to where the redirects point", n)
	}
}

func TestAnUnsignedRequestKeepsItsEndpoint(t *testing.T) {
	s := &script{answers: []answerFunc{says(301, "", "X-Amz-Bucket-Region: eu-west-1"), listed}}
	b := scripted(t, s, func(o *Options) {
		o.Credentials, o.Endpoint = nil, &url.URL{Scheme: "http", Host: "s3.example"}
	})
	if _, err := list(t.Context(), b, ListOptions{}); err != nil || s.reqs[1].URL.Host != "bucket.s3.example" {
		t.Errorf("%v; requests to %v", err, s.reqs)
	}
}
