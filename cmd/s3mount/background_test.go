package main

import (
	"path/filepath"
	"slices"
	"testing"
)

// The process in the background works in "/", and reads the files again.
func TestAbsolutePaths(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	here, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	env := []string{"PATH=bin", "AWS_CONFIG_FILE=config", "AWS_SHARED_CREDENTIALS_FILE=/etc/credentials", "AWS_CA_BUNDLE=./../ca=1.pem", "AWS_WEB_IDENTITY_TOKEN_FILE=", "AWS_PROFILE=work", "odd"}
	want := []string{"PATH=bin", "AWS_CONFIG_FILE=" + here + "/config", "AWS_SHARED_CREDENTIALS_FILE=/etc/credentials", "AWS_CA_BUNDLE=" + filepath.Dir(here) + "/ca=1.pem", "AWS_WEB_IDENTITY_TOKEN_FILE=", "AWS_PROFILE=work", "odd"}
	if got := absolutePaths(env); !slices.Equal(got, want) {
		t.Errorf("absolutePaths(%q) = %q, want %q", env, got, want)
	}
	if env[1] != "AWS_CONFIG_FILE=config" {
		t.Error("the argument was changed")
	}
}
