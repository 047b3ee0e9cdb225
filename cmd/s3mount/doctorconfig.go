package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/spf13/pflag"

	"s3mount/s3"
	"s3mount/sigv4"
)

// A setting is one thing that a mount is told, and by whom.
type setting struct {
	Name  string `json:"name"`
	Value string `json:"value"`
	From  string `json:"from"`
}

// notConfigured is where a setting came from that nobody has made.
const notConfigured = "default"

// configuration reads all that a mount reads, and makes the bucket as a mount
// does.
func (d *doctor) configuration(ctx context.Context) finding {
	var err error
	d.found, d.transport, err = d.settings.connection(ctx)
	if err == nil {
		d.wire = &wire{next: d.transport}
		d.options = d.settings.s3Options(d.what, d.found, d.wire, d.log)
		d.options.HedgeAfter = -1 // each request is made once
		d.options.Retry.Attempts = min(d.options.Retry.Attempts, 3)
		d.options.Retry.Deadline = min(d.options.Retry.Deadline, d.timeout)
		d.bucket, err = bucketOf(d.options)
	}
	f := finding{status: isOK}
	if err != nil {
		f = failure(err)
	}
	f.settings = d.allSettings(ctx)
	if err == nil {
		f.text = summary(f.settings)
	}
	return f
}

func summary(all []setting) string {
	changed := 0
	for _, s := range all {
		if s.From != notConfigured {
			changed++
		}
	}
	return fmt.Sprintf("%d settings, %d of them not the default", len(all), changed)
}

// allSettings are the flags, and behind those that are not set what the AWS
// configuration says.
func (d *doctor) allSettings(ctx context.Context) (all []setting) {
	d.flags.VisitAll(func(flag *pflag.Flag) {
		if notASetting(flag.Name) || flag.Name == "options" {
			return
		}
		s := setting{Name: flag.Name, Value: flag.Value.String(), From: d.settings.from[flag.Name]}
		if s.From == "" {
			s.From = notConfigured
			d.configured(ctx, &s)
		}
		if flag.Name == "endpoint-url" {
			s.Value = withoutPassword(s.Value)
		}
		all = append(all, s)
	})
	if d.settings.noExec {
		all = append(all, setting{"noexec", "true", "-o"})
	}
	if d.settings.nonEmpty {
		all = append(all, setting{"nonempty", "true", "-o"})
	}
	return all
}

// configured looks for a setting where the AWS CLI has it.
func (d *doctor) configured(ctx context.Context, s *setting) {
	if d.found.keys == nil { // the configuration could not be read
		return
	}
	cfg := d.found.keys.configured()
	value, from := "", ""
	switch s.Name {
	case "profile":
		value, from = profileName(cfg)
	case "region":
		value, from = configuredRegion(cfg)
		if value == "" {
			s.Value = "(what the server says)"
		}
	case "endpoint-url":
		value, from = configuredEndpoint(ctx, cfg)
		if value == "" {
			s.Value = "(AWS's own)"
		}
	case "ca-bundle":
		value, from = bundlePath(*cfg)
	}
	if value == "" {
		return
	}
	s.Value, s.From = value, from
	if strings.Contains(from, "profile") && s.Name != "profile" {
		name, _ := profileName(cfg)
		s.From += fmt.Sprintf(" %q in %s", name, sharedFile(ctx, name, s.Name))
	}
}

// profileName is the profile that was read, if there is one, and who chose it.
func profileName(cfg *aws.Config) (name, from string) {
	for _, source := range cfg.ConfigSources {
		if s, ok := source.(config.SharedConfig); ok {
			name = s.Profile
		}
	}
	for _, variable := range []string{"AWS_PROFILE", "AWS_DEFAULT_PROFILE"} {
		if os.Getenv(variable) != "" && os.Getenv(variable) == name {
			return name, variable
		}
	}
	return name, notConfigured
}

func configuredRegion(cfg *aws.Config) (region, from string) {
	for _, source := range cfg.ConfigSources {
		switch s := source.(type) {
		case config.EnvConfig:
			region, from = s.Region, "AWS_REGION"
			if os.Getenv(from) == "" {
				from = "AWS_DEFAULT_REGION"
			}
		case config.SharedConfig:
			region, from = s.Region, "region of the profile"
		}
		if region != "" {
			return region, from
		}
	}
	return cfg.Region, "AWS configuration"
}

// sharedFile is which of the two files a profile's setting is in.
func sharedFile(ctx context.Context, profile, name string) string {
	files := []string{
		sharedPath("AWS_CONFIG_FILE", config.DefaultSharedConfigFilename()),
		sharedPath("AWS_SHARED_CREDENTIALS_FILE", config.DefaultSharedCredentialsFilename()),
	}
	found, err := config.LoadSharedConfigProfile(ctx, profile, func(o *config.LoadSharedConfigOptions) {
		o.ConfigFiles, o.CredentialsFiles = files[:1], []string{os.DevNull}
	})
	has := err == nil
	switch name {
	case "region":
		has = has && found.Region != ""
	case "ca-bundle":
		has = has && found.CustomCABundle != ""
	}
	if has {
		return files[0]
	}
	return files[1]
}

func sharedPath(variable, otherwise string) string {
	if path := os.Getenv(variable); path != "" {
		return path
	}
	home, err := os.UserHomeDir()
	if rest, below := strings.CutPrefix(otherwise, home+string(filepath.Separator)); err == nil && below {
		return filepath.Join("~", rest)
	}
	return otherwise
}

// withoutPassword is an endpoint without what has no place in it.
func withoutPassword(s string) string {
	u, err := url.Parse(s)
	if s == "" || strings.HasPrefix(s, "(") {
		return s
	}
	if err != nil || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return "(not an endpoint)"
	}
	return s
}

// credentials asks for what requests are signed with, where a mount does.
func (d *doctor) credentials(ctx context.Context) finding {
	if d.settings.unsigned {
		return passed("none: requests are not signed (--no-sign-request)")
	}
	c, err := retrieveAWS(ctx, d.found.keys.configured())
	if err != nil {
		f := failure(d.late(ctx, fmt.Errorf("%w: %w", s3.ErrCredentials, err)))
		if errors.Is(context.Cause(ctx), context.DeadlineExceeded) {
			f.hint = "what gives the credentials is slow, or cannot be reached: the credential_process, SSO, a role or a metadata service; --timeout gives it more time"
		}
		return f
	}
	about := sourceOf(c, d.found.keys.configured())
	if err := usable(c, d.bucket.URL()); err != nil {
		return failure(fmt.Errorf("%s: %w", about, signError(err)))
	}
	about += ": key " + shortKey(c.AccessKeyID)
	switch left := time.Until(c.Expires).Round(time.Second); {
	case c.SessionToken == "" && !c.CanExpire:
		return passed("%s, long-lived", about)
	case !c.CanExpire:
		return passed("%s, of a session; when it ends is not known", about)
	case left <= 0:
		return failed(sessionHint, "%s, of a session that has ended at %s", about, c.Expires.UTC().Format(time.RFC3339))
	case left < 5*time.Minute:
		return warned("a mount fetches new ones by itself where their source has new ones", "%s, of a session that ends in %v", about, left)
	default:
		return passed("%s, of a session until %s (%s left)", about, c.Expires.UTC().Format(time.RFC3339), left.Round(time.Minute))
	}
}

// usable says whether one can sign with them at all.
func usable(c aws.Credentials, u *url.URL) error {
	req := &http.Request{Method: http.MethodGet, URL: u, Host: u.Host, Header: http.Header{}}
	var signer sigv4.Signer
	_, err := signer.Sign(req, sigv4.Credentials{AccessKeyID: c.AccessKeyID, SecretAccessKey: c.SecretAccessKey, SessionToken: c.SessionToken},
		sigv4.Scope{Region: "us-east-1", Service: "s3"}, sigv4.EmptyPayload, time.Now())
	var input *sigv4.InputError
	if errors.As(err, &input) {
		return err
	}
	return nil
}

// sourceOf says in words where the SDK has found credentials.
func sourceOf(c aws.Credentials, cfg *aws.Config) string {
	profile, _ := profileName(cfg)
	if file, ok := strings.CutPrefix(c.Source, "SharedConfigCredentials: "); ok {
		return fmt.Sprintf("profile %q in %s", profile, file)
	}
	switch c.Source {
	case config.CredentialsSourceName:
		return "the environment (AWS_ACCESS_KEY_ID)"
	case "ProcessProvider":
		return fmt.Sprintf("credential_process of profile %q", profile)
	case "SSOProvider":
		return fmt.Sprintf("SSO of profile %q", profile)
	case "LoginProvider":
		return fmt.Sprintf("`aws login` of profile %q", profile)
	case "AssumeRoleProvider":
		return fmt.Sprintf("the role of profile %q", profile)
	case "WebIdentityCredentials":
		return "a web identity token"
	case "CredentialsEndpointProvider":
		return "the container's metadata service"
	case "EC2RoleProvider":
		return "EC2's metadata service"
	}
	return c.Source
}

// shortKey is enough of an access key id to tell it from another. What is too
// long for one may be the secret, in the wrong place.
func shortKey(id string) string {
	switch {
	case len(id) > 32:
		return fmt.Sprintf("of %d characters, too long for an access key id: is it the secret?", len(id))
	case len(id) < 16:
		return id[:min(4, len(id))] + "…"
	}
	return id[:4] + "…" + id[len(id)-4:]
}
