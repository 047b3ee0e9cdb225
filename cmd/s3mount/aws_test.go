package main

import (
	"strings"
	"testing"
)

// configFile makes text the ~/.aws/config of the test.
func configFile(t *testing.T, text string) {
	t.Helper()
	t.Setenv("AWS_CONFIG_FILE", writeFile(t, "config", text))
}

// Of the endpoints that are configured, the one that the AWS CLI takes.
func TestEndpointOrder(t *testing.T) {
	const profile = `[default]
endpoint_url = http://profile
services = mine
[services mine]
s3 =
  endpoint_url = http://profile-s3
[profile general]
endpoint_url = http://general
[profile ignoring]
endpoint_url = http://ignored
ignore_configured_endpoint_urls = true
[profile plain]
region = eu-north-1
`
	all := map[string]string{"AWS_ENDPOINT_URL_S3": "http://env-s3", "AWS_ENDPOINT_URL": "http://env"}
	tests := []struct {
		name string
		flag string
		env  map[string]string
		want string // "": AWS's own
	}{
		{"the flag", "http://flag", all, "http://flag"},
		{"the flag, whatever is ignored", "http://flag", map[string]string{"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"}, "http://flag"},
		{"AWS_ENDPOINT_URL_S3", "", all, "http://env-s3"},
		{"AWS_ENDPOINT_URL, before the profile's own for S3", "", map[string]string{"AWS_ENDPOINT_URL": "http://env"}, "http://env"},
		{"the profile's for S3", "", nil, "http://profile-s3"},
		{"the profile's for all", "", map[string]string{"AWS_PROFILE": "general"}, "http://general"},
		{"none", "", map[string]string{"AWS_PROFILE": "plain"}, ""},
		{"ignored by variable", "", map[string]string{"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true", "AWS_ENDPOINT_URL_S3": "http://env-s3", "AWS_ENDPOINT_URL": "http://env"}, ""},
		{"ignored by profile", "", map[string]string{"AWS_PROFILE": "ignoring"}, ""},
		{"another service's", "", map[string]string{"AWS_PROFILE": "plain", "AWS_ENDPOINT_URL_DYNAMODB": "http://dynamodb"}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			configFile(t, profile)
			for name, value := range tt.env {
				t.Setenv(name, value)
			}
			s := newSettings()
			s.endpoint = tt.flag
			u, err := s.resolveEndpoint(t.Context(), awsConfig(t, s))
			if err != nil {
				t.Fatal(err)
			}
			got := ""
			if u != nil {
				got = u.String()
			}
			if got != tt.want {
				t.Errorf("the endpoint is %q, want %q", got, tt.want)
			}
		})
	}
}

func TestRegionOrder(t *testing.T) {
	const profile = "[default]\nregion = from-profile\n[profile other]\nregion = from-other\n[profile none]\n"
	tests := []struct {
		name, flag string
		env        map[string]string
		want       string
	}{
		{"the flag", "from-flag", map[string]string{"AWS_REGION": "from-region"}, "from-flag"},
		{"AWS_REGION", "", map[string]string{"AWS_REGION": "from-region", "AWS_DEFAULT_REGION": "from-default"}, "from-region"},
		{"AWS_DEFAULT_REGION", "", map[string]string{"AWS_DEFAULT_REGION": "from-default"}, "from-default"},
		{"the profile", "", nil, "from-profile"},
		{"another profile", "", map[string]string{"AWS_PROFILE": "other"}, "from-other"},
		{"none", "", map[string]string{"AWS_PROFILE": "none"}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			configFile(t, profile)
			for name, value := range tt.env {
				t.Setenv(name, value)
			}
			found, err := loadAWS(t.Context(), access{}, tt.flag)
			if err != nil || found.region != tt.want {
				t.Errorf("the region is %q, %v; want %q", found.region, err, tt.want)
			}
		})
	}
}

func TestParseEndpoint(t *testing.T) {
	for _, s := range []string{"http://h", "https://h/", "https://h:9000/base/", "http://[::1]:9000", "HTTP://h"} {
		if u, err := parseEndpoint("--endpoint-url", s); err != nil || u == nil {
			t.Errorf("parseEndpoint(%q): %v", s, err)
		}
	}
	for _, s := range []string{
		"", "h", "h:9000", "127.0.0.1:9000", "//h", "s3://h", "ftp://h", "http://", "http:///path", "http://:9000", "http:h", "http://h:port", "http://h:99999", "http://h:0", "http://h h",
		"https://user:hush@h", "https://user@h", "https://user:hush@h:port", "ftp://user:hush@h", "user:hush@h", "https://user:hu@sh@h:x", "http://us%er:hush@h",
		"https://h?hush", "https://h/#hush",
	} {
		u, err := parseEndpoint("--endpoint-url", s)
		if err == nil {
			t.Errorf("parseEndpoint(%q) = %v, want an error", s, u)
			continue
		}
		for _, secret := range []string{"hush", "hu@", "user"} {
			if text := err.Error() + hintFor("s3mount", err); strings.Contains(strings.ReplaceAll(text, "user name", ""), secret) {
				t.Errorf("parseEndpoint(%q) repeats what may be a password: %s", s, text)
			}
		}
		if !strings.Contains(err.Error(), "--endpoint-url") {
			t.Errorf("parseEndpoint(%q): %v does not say where it was written", s, err)
		}
	}
}

// What is wrong with an endpoint that is not a flag's is told, too.
func TestConfiguredEndpointRefused(t *testing.T) {
	for _, name := range []string{"AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"} {
		t.Run(name, func(t *testing.T) {
			t.Setenv(name, "localhost:9000")
			s := newSettings()
			u, err := s.resolveEndpoint(t.Context(), awsConfig(t, s))
			if err == nil || !strings.Contains(err.Error(), "localhost:9000") || !strings.HasPrefix(err.Error(), name+":") {
				t.Errorf("%v, %v; want an error that names it", u, err)
			}
		})
	}
}

// A broken configuration is told with where to look.
func TestBrokenConfiguration(t *testing.T) {
	for name, tt := range map[string]struct{ variable, value, config, err string }{
		"no such profile":   {"AWS_PROFILE", "nosuch", "", "nosuch"},
		"no such CA file":   {"AWS_CA_BUNDLE", "/no/such/file", "", "/no/such/file"},
		"empty CA file":     {"AWS_CA_BUNDLE", "/dev/null", "", "CA bundle"},
		"CA of a profile":   {"AWS_PROFILE", "p", "[profile p]\nca_bundle = /no/such/file\n", "/no/such/file"},
		"a role, no source": {"AWS_PROFILE", "p", "[profile p]\nrole_arn = arn:aws:iam::1:role/r\nsource_profile = nosuch\n", "nosuch"},
	} {
		t.Run(name, func(t *testing.T) {
			configFile(t, tt.config)
			t.Setenv(tt.variable, tt.value)
			_, err := loadAWS(t.Context(), access{}, "")
			if err == nil || !strings.Contains(err.Error(), tt.err) || !strings.Contains(hintFor("s3mount", err), "AWS_") {
				t.Errorf("%v; want an error with %q and a hint", err, tt.err)
			}
		})
	}
}
