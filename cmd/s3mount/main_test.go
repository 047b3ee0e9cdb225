package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/rogpeppe/go-internal/testscript"

	"s3mount/s3/s3test"
)

// TestMain is also the program that the scripts run. What AWS configuration
// there is on this machine is nothing to the tests, and no test asks a metadata
// service.
func TestMain(m *testing.M) {
	testscript.Main(withoutAWS{m}, map[string]func(){"s3mount": main})
}

type withoutAWS struct{ m *testing.M }

func (w withoutAWS) Run() int {
	for _, variable := range os.Environ() {
		name, _, _ := strings.Cut(variable, "=")
		if strings.HasPrefix(name, "AWS_") || strings.HasPrefix(name, "S3MOUNT_") || strings.HasSuffix(strings.ToLower(name), "_proxy") {
			os.Unsetenv(name)
		}
	}
	nowhere, err := os.MkdirTemp("", "s3mount-test-")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(nowhere)
	for name, value := range map[string]string{
		"HOME":                        nowhere,
		"AWS_CONFIG_FILE":             filepath.Join(nowhere, "config"),
		"AWS_SHARED_CREDENTIALS_FILE": filepath.Join(nowhere, "credentials"),
		"AWS_EC2_METADATA_DISABLED":   "true",
	} {
		os.Setenv(name, value)
	}
	return w.m.Run()
}

// The credentials of the S3 reference's examples.
const (
	docKey    = "AKIAIOSFODNN7EXAMPLE"
	docSecret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
)

// docCredentials puts them into the environment.
func docCredentials(t *testing.T) {
	t.Helper()
	t.Setenv("AWS_ACCESS_KEY_ID", docKey)
	t.Setenv("AWS_SECRET_ACCESS_KEY", docSecret)
}

// credentialsOf puts a server's credentials into the environment.
func credentialsOf(t *testing.T, srv *s3test.Server) {
	t.Helper()
	c := srv.Credentials()
	t.Setenv("AWS_ACCESS_KEY_ID", c.AccessKeyID)
	t.Setenv("AWS_SECRET_ACCESS_KEY", c.SecretAccessKey)
	t.Setenv("AWS_SESSION_TOKEN", c.SessionToken)
}

// runs calls the program in this process.
func runs(args ...string) (code int, stdout, stderr string) {
	var out, errs bytes.Buffer
	code = run(args, &out, &errs)
	return code, out.String(), errs.String()
}

// writeFile writes a file of the test and gives its path.
func writeFile(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// isTwoLines says whether s is an error as the program shows one.
func isTwoLines(s string) bool {
	what, rest, _ := strings.Cut(s, "\n")
	todo, rest, _ := strings.Cut(rest, "\n")
	return strings.HasPrefix(what, "s3mount: error: ") && strings.HasPrefix(todo, "s3mount: hint: ") && len(todo) > len("s3mount: hint: ") && rest == ""
}

// awsConfig is what the AWS configuration says now.
func awsConfig(t *testing.T, s *settings) *aws.Config {
	t.Helper()
	cfg, err := s.load(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return &cfg
}

func show(v any) string { return fmt.Sprint(v) }
