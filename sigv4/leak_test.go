package sigv4_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"s3mount/sigv4"
)

// However credentials and signers are shown, neither secret nor token is in it,
// and no more of the key id than its beginning.
func TestNothingLeaks(t *testing.T) {
	c := example
	c.SessionToken = "FwoGZXIvYXdzEBYaDH"
	s := new(sigv4.Signer)
	if _, err := s.Sign(rangedGet(t), c, scope, sigv4.EmptyPayload, time.Unix(1e9, 0)); err != nil {
		t.Fatal(err)
	}
	type holder struct {
		Creds  sigv4.Credentials
		Ptr    *sigv4.Credentials
		Signer *sigv4.Signer
	}
	values := []any{c, &c, s, holder{c, &c, s}, &holder{c, &c, s}, []sigv4.Credentials{c}, map[string]sigv4.Credentials{"c": c}, fmt.Errorf("with %v", c)}

	var out bytes.Buffer
	text := slog.New(slog.NewTextHandler(&out, nil))
	lines := slog.New(slog.NewJSONHandler(&out, nil))
	for _, v := range values {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%T", "%t", "%10.3v"} {
			fmt.Fprintf(&out, verb+"\n", v)
		}
		text.Info("text", "v", v)
		lines.Info("json", "v", v)
		if j, err := json.Marshal(v); err == nil {
			out.Write(j)
		}
	}
	shown := out.String()
	for _, secret := range []string{c.SecretAccessKey, c.SessionToken, c.AccessKeyID, c.SecretAccessKey[:8], c.SessionToken[:8], c.AccessKeyID[:5]} {
		for _, form := range []string{secret, fmt.Sprintf("%x", secret), fmt.Sprintf("%X", secret), strings.Trim(fmt.Sprint([]byte(secret)), "[]")} {
			if i := strings.Index(shown, form); i >= 0 {
				t.Errorf("%q is shown: ...%s...", secret, shown[max(0, i-60):min(len(shown), i+60)])
			}
		}
	}
	if !strings.Contains(shown, "AKIA…") {
		t.Errorf("the beginning of the key id is nowhere: %s", shown)
	}
}

// slog asks LogValue first; a handler need not know fmt or encoding.
func TestLogValue(t *testing.T) {
	if got := slog.AnyValue(example).Resolve(); got.Kind() != slog.KindString || got.String() != "AKIA…" {
		t.Errorf("slog resolves credentials to %v of kind %v, want the string AKIA…", got, got.Kind())
	}
}

func TestCredentialsString(t *testing.T) {
	for id, want := range map[string]string{
		"":                     "…",
		"k":                    "…",
		"minio":                "mi…",
		"AKIAIOSFODNN7EXAMPLE": "AKIA…",
		"AK\nAIOSFODNN7EXAMPL": "…",
		"schlüssel":            "schl…",
		"üschlüssel":           "…",
	} {
		if got := (sigv4.Credentials{AccessKeyID: id}).String(); got != want {
			t.Errorf("credentials with id %q are shown as %q, want %q", id, got, want)
		}
	}
}
