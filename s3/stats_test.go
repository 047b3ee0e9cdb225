package s3

import (
	"testing"

	"s3mount/s3/s3test"
)

func TestStatsCountEveryRequestAndByte(t *testing.T) {
	srv := s3test.New(t, s3test.Options{Objects: map[string]s3test.Object{"big": {Size: size}}})
	b, o := open(t, srv), object(t, srv, "big")
	if b.Name() != "bucket" || b.Region() != "us-east-1" {
		t.Errorf("bucket %q in %q", b.Name(), b.Region())
	}
	var want Stats
	step := func(what string, f func(), more Stats) {
		t.Helper()
		srv.ResetLog()
		f()
		want.Lists += more.Lists
		want.Heads += more.Heads
		want.Gets += more.Gets
		want.Retries += more.Retries
		want.Failures += more.Failures
		want.SlowDowns += more.SlowDowns
		want.Bytes += srv.Bytes()
		got := b.Stats()
		want.Limit = got.Limit // of limit_test.go
		if got != want {
			t.Errorf("%s: %+v, want %+v", what, got, want)
		}
		if n := more.Lists + more.Heads + more.Gets; srv.Count("") != int(n) {
			t.Errorf("%s: %d requests arrived, want %d", what, srv.Count(""), n)
		}
	}
	fault := func(r s3test.Rule) { srv.ClearRules(); srv.AddRule(r) }
	head := func(key string) func() { return func() { b.Head(t.Context(), key) } }
	get := func(off, end int64) func() { return func() { fetch(t, b, o, off, end) } }

	step("nothing", func() {}, Stats{})
	step("a head", head("big"), Stats{Heads: 1})
	step("a head of nothing", head("other"), Stats{Heads: 1, Failures: 1})
	step("a get", get(5, 5+block), Stats{Gets: 1})
	step("a list", func() { list(t.Context(), b, ListOptions{}) }, Stats{Lists: 1})
	step("a probe", func() { b.Probe(t.Context(), "") }, Stats{Lists: 1})
	step("a range beyond the end", get(size, size+1), Stats{})
	fault(s3test.Rule{Times: 2, Action: s3test.Error(503, "SlowDown")})
	step("two refusals", get(0, 10), Stats{Gets: 3, Retries: 2, SlowDowns: 2})
	fault(s3test.Rule{Action: s3test.Error(503, "SlowDown")})
	step("refusals", head("big"), Stats{Heads: 4, Retries: 3, Failures: 1, SlowDowns: 4})
	fault(s3test.Rule{Times: 1, Action: s3test.Close(block)})
	step("a body that breaks", get(0, 2*block), Stats{Gets: 2, Retries: 1})
}
