package sigv4_test

import (
	"net/http"
	"testing"
	"time"

	"s3mount/sigv4"
)

// rangedGet is what the client sends most: a piece of an object of one version.
func rangedGet(tb testing.TB) *http.Request {
	tb.Helper()
	r, err := http.NewRequest("GET", "https://photos.s3.eu-north-1.amazonaws.com/2026/cat%20and%20dog.jpg", nil)
	if err != nil {
		tb.Fatal(err)
	}
	r.Header.Set("Range", "bytes=0-131071")
	r.Header.Set("If-Match", `"d41d8cd98f00b204e9800998ecf8427e"`)
	r.Header.Set("User-Agent", "s3mount/1.0")
	return r
}

func BenchmarkSign(b *testing.B) {
	r := rangedGet(b)
	var s sigv4.Signer
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Sign(r, example, scope, sigv4.EmptyPayload, at); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkPresign(b *testing.B) {
	r := rangedGet(b)
	var s sigv4.Signer
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Presign(r, example, scope, sigv4.UnsignedPayload, at, time.Hour); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEscapePath(b *testing.B) {
	const key = "/2026/Sommer & Küste/cat and dog (1).jpg"
	b.ReportAllocs()
	for b.Loop() {
		sigv4.EscapePath(key)
	}
}
