package main

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestSplitOptions(t *testing.T) {
	for list, want := range map[string][]string{
		"":                        {""},
		"ro":                      {"ro"},
		"ro,uid=1":                {"ro", "uid=1"},
		"ro,,uid=1,":              {"ro", "", "uid=1", ""},
		`log_file=/a\,b,ro`:       {"log_file=/a,b", "ro"},
		`log_file=/a\\,ro`:        {`log_file=/a\`, "ro"},
		`log_file=/a\054b`:        {"log_file=/a054b"}, // fstab's octal is undone by mount(8)
		`end\`:                    {`end\`},
		"endpoint_url=http://h:1": {"endpoint_url=http://h:1"},
	} {
		if got := splitOptions(list); !slices.Equal(got, want) {
			t.Errorf("splitOptions(%q) = %q, want %q", list, got, want)
		}
	}
}

// optionsGiven is what -o lists do, on top of flags and below them variables.
func optionsGiven(t *testing.T, variables map[string]string, args ...string) (*settings, error) {
	t.Helper()
	s, f := parsed(t, args...)
	return s, s.complete(f, func(name string) string { return variables[name] })
}

func TestFlagsBeforeOptionsBeforeEnvironment(t *testing.T) {
	env := map[string]string{"S3MOUNT_REGION": "from-variable", "S3MOUNT_OPTIONS": "region=from-options-variable,uid=5"}
	tests := []struct {
		args []string
		env  map[string]string
		want string
	}{
		{nil, nil, ""},
		{nil, env, "from-variable"},
		{nil, map[string]string{"S3MOUNT_OPTIONS": "ro,region=from-options-variable"}, "from-options-variable"},
		{[]string{"-o", "region=from-o"}, env, "from-o"},
		{[]string{"-o", "ro"}, env, "from-variable"},
		{[]string{"-o", "region=from-o", "--region", "from-flag"}, env, "from-flag"},
		{[]string{"--region", "from-flag"}, env, "from-flag"},
		{[]string{"--region", ""}, env, ""}, // given is given
		{[]string{"-o", "region=a,region=b"}, env, "b"},
		{[]string{"-o", "region=a", "-o", "region=b"}, env, "b"},
		{[]string{"-o", "region="}, env, ""},
	}
	for _, tt := range tests {
		s, err := optionsGiven(t, tt.env, tt.args...)
		if err != nil || s.region != tt.want {
			t.Errorf("%q with %v: region %q, %v; want %q", tt.args, tt.env, s.region, err, tt.want)
		}
	}
	if s, _ := optionsGiven(t, env); s.uid != 5 {
		t.Errorf("S3MOUNT_OPTIONS sets uid %d, want 5", s.uid)
	}
	if s, _ := optionsGiven(t, env, "-o", "ro"); s.uid == 5 {
		t.Error("S3MOUNT_OPTIONS is used beside -o")
	}
}

// What mount(8), systemd and people put into fstab does no harm.
func TestOptionsThatNeedNothing(t *testing.T) {
	for _, list := range []string{
		"ro", "ro,dev,suid", "ro,dev,suid,allow_other", "ro,nodev,nosuid", "defaults", "_netdev,nofail,auto", "noauto,user",
		"users,noatime,relatime", "x-systemd.automount,x-systemd.idle-timeout=1min", "comment=photos", "fsname=s3#photos",
		"fsname=a,subtype=s3mount", "default_permissions", "exec", "",
	} {
		if _, err := optionsGiven(t, nil, "-o", list); err != nil {
			t.Errorf("-o %s: %v", list, err)
		}
	}
}

func TestOptionsRefused(t *testing.T) {
	for list, want := range map[string][2]string{
		"rw":                  {"-o rw: this mount is read-only", "ro"},
		"defaults,rw":         {"-o rw", "ro"},
		"no_such_option":      {"-o no_such_option: no such option", "--help"},
		"ro,memroy=1G":        {"-o memroy: no such option", "--help"},
		"commentary":          {"-o commentary: no such option", "--help"},
		"options=ro":          {"-o options: no such option", "--help"},
		"help":                {"-o help: no such option", "--help"},
		"version":             {"-o version: no such option", "--help"},
		"region":              {"-o region: it needs a value: region=", "--help"},
		"endpoint_url":        {"it needs a value: endpoint_url=", "--help"},
		"uid=root":            {`-o uid: `, "--help"},
		"allow_other=perhaps": {"-o allow_other: ", "--help"},
		"metadata_ttl=soon":   {`"soon" is no time`, "--help"},
	} {
		_, err := optionsGiven(t, nil, "-o", list)
		var misuse *usageError
		if !errors.As(err, &misuse) || !strings.Contains(err.Error(), want[0]) || !strings.Contains(hintFor("s3mount", err), want[1]) {
			t.Errorf("-o %s: %v; want a usage error with %q and a hint with %q", list, err, want[0], want[1])
		}
	}
}

func TestVariablesRefused(t *testing.T) {
	for name, value := range map[string]string{"S3MOUNT_UID": "root", "S3MOUNT_ALLOW_OTHER": "perhaps", "S3MOUNT_METADATA_TTL": "soon", "S3MOUNT_OPTIONS": "rw"} {
		_, err := optionsGiven(t, map[string]string{name: value})
		var misuse *usageError
		if !errors.As(err, &misuse) || name != "S3MOUNT_OPTIONS" && !strings.Contains(err.Error(), name) {
			t.Errorf("%s=%s: %v; want a usage error that names the variable", name, value, err)
		}
	}
	// Of two that are wrong, one is told about; and help is not a setting.
	if _, err := optionsGiven(t, map[string]string{"S3MOUNT_HELP": "yes", "S3MOUNT_VERSION": "yes", "S3MOUNT_REGION": ""}); err != nil {
		t.Error(err)
	}
}

// The AWS CLI takes --request-payer with and without its one value.
func TestRequestPayerAsTheAWSCLI(t *testing.T) {
	for _, args := range [][]string{
		{"--request-payer", "s3://b", "dir"},
		{"--request-payer=requester", "s3://b", "dir"},
		{"--request-payer", "requester", "s3://b", "dir"},
		{"s3://b", "dir", "--request-payer", "requester"},
	} {
		s, f := parsed(t, args...)
		if got := operands(f, f.Args()); s.requestPayer != "requester" || !slices.Equal(got, []string{"s3://b", "dir"}) {
			t.Errorf("%q: payer %q, %q left", args, s.requestPayer, got)
		}
	}
	_, f := parsed(t, "requester", "s3://b", "dir")
	if got := operands(f, f.Args()); len(got) != 3 {
		t.Errorf("a surplus argument is swallowed: %q", got)
	}
	_, f = parsed(t, "--request-payer", "requester", "dir")
	if got := operands(f, f.Args()); !slices.Equal(got, []string{"requester", "dir"}) {
		t.Errorf("a bucket called requester: %q", got)
	}
}
