package main

import (
	"strings"
	"testing"
)

func TestReport(t *testing.T) {
	const passing = `{"Action":"run","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Test":"TestA","Output":"=== RUN   TestA\n"}
{"Action":"output","Package":"p","Test":"TestA","Output":"--- PASS: TestA (0.00s)\n"}
{"Action":"pass","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Output":"PASS\n"}
{"Action":"output","Package":"p","Output":"-test.shuffle 123\n"}
{"Action":"output","Package":"p","Output":"ok  \tp\t0.1s\n"}
{"Action":"pass","Package":"p"}
`
	const skipping = `{"Action":"output","Package":"p","Test":"TestS","Output":"=== RUN   TestS\n"}
{"Action":"output","Package":"p","Test":"TestS","Output":"    s_test.go:7: no /dev/fuse here: load it\n"}
{"Action":"output","Package":"p","Test":"TestS","Output":"--- SKIP: TestS (0.00s)\n"}
{"Action":"skip","Package":"p","Test":"TestS"}
`
	const failing = `{"Action":"output","Package":"p","Test":"TestF","Output":"    f_test.go:9: got 1, want 2\n"}
{"Action":"output","Package":"p","Test":"TestF","Output":"--- FAIL: TestF (0.00s)\n"}
{"Action":"fail","Package":"p","Test":"TestF"}
{"Action":"output","Package":"p","Output":"FAIL\tp\t0.1s\n"}
{"Action":"fail","Package":"p"}
`
	const cut = `{"Action":"output","Package":"p","Test":"TestT","Output":"panic: test timed out\n"}
{"Action":"output","Package":"p","Output":"FAIL\tp\t9s\n"}
{"Action":"fail","Package":"p"}
`
	const unbuilt = `{"ImportPath":"p","Action":"build-output","Output":"p/a.go:1: syntax error\n"}
{"ImportPath":"p","Action":"build-fail"}
`
	for _, tt := range []struct {
		name, in, out, skipped string
		ok                     bool
	}{
		{"passing tests are one line", passing, "ok  \tp\t0.1s\n", "", true},
		{"a skipped test is noted with its reason", skipping + passing, "ok  \tp\t0.1s\n", "no /dev/fuse here: load it\tp TestS\n", true},
		{"a failing test is shown", failing, "    f_test.go:9: got 1, want 2\n--- FAIL: TestF (0.00s)\nFAIL\tp\t0.1s\n", "", false},
		{"a test cut off by a time-out is shown", cut, "FAIL\tp\t9s\npanic: test timed out\n", "", false},
		{"a failed build is shown", unbuilt, "p/a.go:1: syntax error\n", "", false},
		{"what is no event is passed on", "go: downloading x\n", "go: downloading x\n", "", true},
		{"a last line without an end is read", `{"Action":"fail","Package":"p"}`, "", "", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var out, skipped strings.Builder
			ok, err := report(strings.NewReader(tt.in), &out, &skipped)
			if ok != tt.ok || err != nil || out.String() != tt.out || skipped.String() != tt.skipped {
				t.Errorf("ok %v, err %v, out %q, skipped %q; want %v, %q, %q", ok, err, out.String(), skipped.String(), tt.ok, tt.out, tt.skipped)
			}
		})
	}
}
