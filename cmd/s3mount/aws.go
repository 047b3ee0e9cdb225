package main

import (
	"context"
	"crypto/x509"
	"fmt"
	"net/url"
	"os"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/smithy-go/logging"
)

// noCredentialsHint says where was looked.
const noCredentialsHint = "looked in the environment (AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY), in the profile (--profile or AWS_PROFILE; SSO, roles and credential_process included) of ~/.aws/config and ~/.aws/credentials, for a web identity token, and at the container's and EC2's metadata service; for a public bucket use --no-sign-request"

// bundleHint is about a CA bundle that holds nothing of use.
const bundleHint = "--ca-bundle, or AWS_CA_BUNDLE, takes a file with lines of BEGIN CERTIFICATE"

// awsSettings are what the AWS configuration says: the environment and the
// shared files, read as the AWS CLI reads them.
type awsSettings struct {
	region   string
	endpoint *url.URL // nil: AWS's own
	caBundle []byte
	keys     *keyring
}

// loadAWS reads the configuration, all but the endpoint. Flags win over it.
func loadAWS(ctx context.Context, a access, region string) (awsSettings, error) {
	if !a.unsigned && a.profile == "" {
		if err := wholeKeyPair(os.Getenv); err != nil {
			return awsSettings{}, err
		}
	}
	bundle, err := a.readBundle()
	if err != nil {
		return awsSettings{}, err
	}
	keys := &keyring{load: func(ctx context.Context) (aws.Config, error) { return a.load(ctx, bundle) }}
	cfg, err := keys.load(ctx)
	switch {
	case err != nil && bundle != nil && !x509.NewCertPool().AppendCertsFromPEM(bundle): // the SDK does not say which file it is
		return awsSettings{}, &hintError{fmt.Errorf("--ca-bundle: there is no PEM certificate in %s", a.caBundle), bundleHint}
	case err != nil:
		return awsSettings{}, &hintError{fmt.Errorf("AWS configuration: %w", err), "check --profile and AWS_PROFILE, the files ~/.aws/config and ~/.aws/credentials, and AWS_CA_BUNDLE"}
	}
	keys.config = &cfg
	if bundle == nil {
		if bundle, err = configuredBundle(cfg); err != nil {
			return awsSettings{}, err
		}
	}
	if region == "" {
		region = cfg.Region
	}
	return awsSettings{region: region, caBundle: bundle, keys: keys}, nil
}

// load reads the environment and the shared files.
func (a access) load(ctx context.Context, bundle []byte) (aws.Config, error) {
	// The SDK would write to standard error by itself; what went wrong comes as
	// an error as well.
	opts := []func(*config.LoadOptions) error{config.WithLogger(logging.Nop{})}
	if a.profile != "" {
		opts = append(opts, config.WithSharedConfigProfile(a.profile))
	}
	if bundle != nil { // for the servers that credentials are fetched from, too
		opts = append(opts, config.WithCustomCABundle(strings.NewReader(string(bundle))), config.WithHTTPClient(awshttp.NewBuildableClient()))
	}
	return config.LoadDefaultConfig(ctx, opts...)
}

// wholeKeyPair refuses half of a key pair in the environment: it is a mistake,
// and the search would go on to other credentials as if it were not there.
func wholeKeyPair(getenv func(string) string) error {
	const id, secret = "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"
	set, missing := id, secret
	if getenv(id) == "" {
		set, missing = secret, id
	}
	if (getenv(id) == "") == (getenv(secret) == "") {
		return nil
	}
	return &hintError{fmt.Errorf("%s is set and %s is not", set, missing), "set both, or neither"}
}

func (a access) readBundle() ([]byte, error) {
	if a.caBundle == "" {
		return nil, nil
	}
	pem, err := os.ReadFile(a.caBundle)
	if err != nil {
		return nil, &hintError{fmt.Errorf("--ca-bundle: %w", err), "give a file of PEM certificates that can be read"}
	}
	return pem, nil
}

// configuredBundle reads what AWS_CA_BUNDLE or the profile's ca_bundle names.
func configuredBundle(cfg aws.Config) ([]byte, error) {
	path, _ := bundlePath(cfg)
	if path == "" {
		return nil, nil
	}
	pem, err := os.ReadFile(path)
	if err != nil {
		return nil, &hintError{fmt.Errorf("CA bundle of the AWS configuration: %w", err), "check AWS_CA_BUNDLE and the profile's ca_bundle"}
	}
	return pem, nil
}

// bundlePath is the file that the configuration names, and where it does.
func bundlePath(cfg aws.Config) (path, from string) {
	for _, source := range cfg.ConfigSources {
		switch s := source.(type) {
		case config.EnvConfig:
			path, from = s.CustomCABundle, "AWS_CA_BUNDLE"
		case config.SharedConfig:
			path, from = s.CustomCABundle, "ca_bundle of the profile"
		}
		if path != "" {
			return path, from
		}
	}
	return "", ""
}

// resolveEndpoint gives the endpoint; nil is AWS's own.
func (a access) resolveEndpoint(ctx context.Context, cfg *aws.Config) (*url.URL, error) {
	if a.endpoint != "" {
		return parseEndpoint("--endpoint-url", a.endpoint)
	}
	if value, from := configuredEndpoint(ctx, cfg); value != "" {
		return parseEndpoint(from, value)
	}
	return nil, nil
}

// configuredEndpoint finds the endpoint behind the flag in the AWS CLI's order:
// of the environment and of the profile the service's own before the general
// one.
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html
func configuredEndpoint(ctx context.Context, cfg *aws.Config) (value, from string) {
	if ignore, _, _ := config.GetIgnoreConfiguredEndpoints(ctx, cfg.ConfigSources); ignore {
		return "", ""
	}
	for _, source := range cfg.ConfigSources {
		s, ok := source.(interface {
			GetServiceBaseEndpoint(context.Context, string) (string, bool, error)
		})
		if !ok {
			continue
		}
		_, env := source.(config.EnvConfig)
		if found, ok, err := s.GetServiceBaseEndpoint(ctx, "S3"); err == nil && ok {
			if env {
				return found, "AWS_ENDPOINT_URL_S3"
			}
			return found, "endpoint_url of the profile's services"
		}
		if env && os.Getenv("AWS_ENDPOINT_URL") != "" {
			return os.Getenv("AWS_ENDPOINT_URL"), "AWS_ENDPOINT_URL"
		}
	}
	if cfg.BaseEndpoint != nil {
		return *cfg.BaseEndpoint, "endpoint_url of the profile"
	}
	return "", ""
}

func parseEndpoint(from, s string) (*url.URL, error) {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" {
		return nil, &hintError{misused("%s: %q is not the URL of a server", from, redactURL(s)), "write it with its scheme, as https://s3.example.com or http://127.0.0.1:9000"}
	}
	if port := u.Port(); port != "" {
		if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
			return nil, &hintError{misused("%s: there is no port %s", from, port), "a port is a number from 1 to 65535"}
		}
	}
	if u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, &hintError{misused("%s: user name, query and fragment have no place in it", from), "leave scheme, host, port and perhaps a path; credentials come from the environment or a profile"}
	}
	return u, nil
}

// redactURL is s without what may be a password.
func redactURL(s string) string {
	if at := strings.LastIndexByte(s, '@'); at >= 0 {
		return "…" + s[at:]
	}
	return s
}
