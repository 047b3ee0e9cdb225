package sigv4_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"sync"
	"testing"
	"time"

	"s3mount/sigv4"
)

// signature signs one request and returns the signature and the text signed.
func signature(t *testing.T, s *sigv4.Signer, c sigv4.Credentials, sc sigv4.Scope, at time.Time) (sum, text string) {
	t.Helper()
	steps, err := s.Sign(rangedGet(t), c, sc, sigv4.EmptyPayload, at)
	if err != nil {
		t.Error(err) // not Fatal: this runs in goroutines too
	}
	return steps.Signature, steps.StringToSign
}

// The derived key is the one of the AWS General Reference: for this secret, day
// and scope it gives the key in hexadecimal.
func TestDerivedKey(t *testing.T) {
	key, _ := hex.DecodeString("c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9")
	c := sigv4.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"}
	var s sigv4.Signer
	got, text := signature(t, &s, c, sigv4.Scope{Region: "us-east-1", Service: "iam"}, time.Date(2015, 8, 30, 12, 36, 0, 0, time.UTC))
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	if want := hex.EncodeToString(h.Sum(nil)); got != want {
		t.Errorf("signature %s, want %s", got, want)
	}
}

// A signer that has signed before signs as a fresh one does, whatever changed
// since. Each change alone must change the key.
func TestKeyMemo(t *testing.T) {
	noon := time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)
	rotated := example
	rotated.SecretAccessKey = "another/secret/under/the/same/key/id"
	tests := []struct {
		name string
		c    sigv4.Credentials
		sc   sigv4.Scope
		at   time.Time
		keys int // remembered after it
	}{
		{"first", example, scope, noon, 1},
		{"same", example, scope, noon, 1},
		{"later that day", example, scope, noon.Add(12*time.Hour - 1), 1},
		{"midnight", example, scope, noon.Add(12 * time.Hour), 2},
		{"the same instant elsewhere", example, scope, noon.In(time.FixedZone("", -13*3600)), 2},
		{"same id, changed secret", rotated, scope, noon, 3},
		{"another region", example, sigv4.Scope{Region: "eu-north-1", Service: "s3"}, noon, 4},
		{"another service", example, sigv4.Scope{Region: "us-east-1", Service: "s3express"}, noon, 5},
		{"back to the first", example, scope, noon, 5},
	}
	var s sigv4.Signer
	seen := map[string]string{}
	for _, tt := range tests {
		var fresh sigv4.Signer
		got, text := signature(t, &s, tt.c, tt.sc, tt.at)
		if want, _ := signature(t, &fresh, tt.c, tt.sc, tt.at); got != want {
			t.Errorf("%s: signature %s, a fresh signer's is %s", tt.name, got, want)
		}
		if n := s.Remembered(); n != tt.keys {
			t.Errorf("%s: %d keys remembered, want %d", tt.name, n, tt.keys)
		}
		id := text + tt.c.SecretAccessKey
		if other, ok := seen[got]; ok && other != id {
			t.Errorf("%s: the signature of another secret or text", tt.name)
		}
		seen[got] = id
	}
}

func TestKeyMemoIsBounded(t *testing.T) {
	var s sigv4.Signer
	day := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for i := range 10 * sigv4.MaxKeys {
		signature(t, &s, example, scope, day.AddDate(0, 0, i))
		if n := s.Remembered(); n > sigv4.MaxKeys || n == 0 {
			t.Fatalf("%d keys after %d days, want 1 to %d", n, i+1, sigv4.MaxKeys)
		}
	}
}

// One signer serves all goroutines. Run with -race.
func TestConcurrentSigning(t *testing.T) {
	const variants = 2 * sigv4.MaxKeys // so that the memo is cleared meanwhile
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	want := make([]string, variants)
	variant := func(i int) sigv4.Credentials {
		c := example
		c.SecretAccessKey += fmt.Sprint(i)
		return c
	}
	for i := range want {
		var fresh sigv4.Signer
		want[i], _ = signature(t, &fresh, variant(i), scope, at)
	}
	var s sigv4.Signer
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range 4 * variants {
				v := (i/2 + g) % variants
				if got, _ := signature(t, &s, variant(v), scope, at); got != want[v] {
					t.Errorf("variant %d: %s, want %s", v, got, want[v])
				}
			}
		})
	}
	wg.Wait()
}
