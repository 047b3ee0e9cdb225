package s3

import (
	"testing"

	"s3mount/s3/s3test"
)

// What a bucket says to who may not list it, and what it says to who is somebody
// else or somewhere else.
func TestGreet(t *testing.T) {
	for name, tt := range map[string]struct {
		action s3test.Action
		good   bool
	}{
		"no such key":                  {nil, true},
		"may not be read":              {s3test.Error(403, "AccessDenied"), true},
		"a refusal without a code":     {s3test.Reply(403, ""), true},
		"there is such a key":          {s3test.Reply(206, "x", `ETag: "1"`, "Content-Range: bytes 0-0/9"), true},
		"such a key, empty":            {s3test.Error(416, "InvalidRange"), true},
		"such a key, in the archive":   {s3test.Error(403, "InvalidObjectState"), true},
		"no such bucket":               {s3test.Error(404, "NoSuchBucket"), false},
		"a wrong secret":               {s3test.Error(403, "SignatureDoesNotMatch"), false},
		"an unknown key":               {s3test.Error(403, "InvalidAccessKeyId"), false},
		"an unknown key, at versitygw": {s3test.Error(404, "XAdminUserNotFound"), false},
		"a session that has ended":     {s3test.Error(400, "ExpiredToken"), false},
		"a clock":                      {s3test.Error(403, "RequestTimeTooSkewed"), false},
		"some web server":              {s3test.Reply(404, "<html>not here</html>"), false},
		"a portal":                     {s3test.HTML(), false},
		"trouble":                      {s3test.Error(503, "SlowDown"), false},
		"a redirect":                   {s3test.Redirect(307, "http://elsewhere/", ""), false},
	} {
		t.Run(name, func(t *testing.T) {
			srv := s3test.New(t, s3test.Options{})
			if tt.action != nil {
				srv.AddRule(s3test.Rule{Action: tt.action})
			}
			b := open(t, srv)
			err := b.Greet(t.Context(), "d/")
			if (err == nil) != tt.good {
				t.Errorf("%v", err)
			}
			free(t, b)
			if first := srv.Requests()[0]; first != "GET d/.s3mount-is-there 0-0" || name != "trouble" && len(srv.Requests()) != 1 && tt.good {
				t.Errorf("asked %q", srv.Requests())
			}
		})
	}
}

// A bucket in another region says so when it is greeted, too.
func TestGreetFindsTheRegion(t *testing.T) {
	srv := s3test.New(t, s3test.Options{Region: "eu-north-1"})
	b := open(t, srv, func(o *Options) { o.Region = "us-east-1" })
	if err := b.Greet(t.Context(), ""); err != nil || b.Region() != "eu-north-1" {
		t.Errorf("%v, signing for %s", err, b.Region())
	}
}
