package main

import "testing"

// Half of a key pair is a mistake, and not the same as none.
func TestHalfAKeyPair(t *testing.T) {
	for _, tt := range []struct {
		id, secret, want string
	}{
		{"", "", ""},
		{"AKIA", "s", ""},
		{"AKIA", "", "AWS_ACCESS_KEY_ID is set and AWS_SECRET_ACCESS_KEY is not"},
		{"", "s", "AWS_SECRET_ACCESS_KEY is set and AWS_ACCESS_KEY_ID is not"},
	} {
		env := map[string]string{"AWS_ACCESS_KEY_ID": tt.id, "AWS_SECRET_ACCESS_KEY": tt.secret}
		got := ""
		if err := wholeKeyPair(func(name string) string { return env[name] }); err != nil {
			got = err.Error()
		}
		if got != tt.want {
			t.Errorf("%q, %q: %q, want %q", tt.id, tt.secret, got, tt.want)
		}
	}
}
