package explain_test

import (
	"errors"
	"strings"
	"testing"

	"s3mount/sigv4/explain"
)

// Texts as they are copied from a debugger, a log, or the output of sign.
func TestPasted(t *testing.T) {
	c := listing()
	c.client.query = ""
	canonical := c.canonical()
	sign := "AWS4-HMAC-SHA256\n20260102T030405Z\n20260102/eu-north-1/s3/aws4_request\n" + sum(canonical)
	repr := strings.NewReplacer("\n", `\n`)
	indented := func(s string) string { return "    " + strings.ReplaceAll(s, "\n", "\n    ") }
	for name, form := range map[string]func(string) string{
		"as it is":                     func(s string) string { return s },
		"repr":                         func(s string) string { return "'" + repr.Replace(s) + "'\n" },
		"repr of bytes":                func(s string) string { return "b'" + repr.Replace(s) + "'" },
		"double quotes":                func(s string) string { return `"` + repr.Replace(s) + `"` },
		"indented":                     indented,
		"indented, CRLF":               func(s string) string { return strings.ReplaceAll(indented(s), "\n", "\r\n") + "\r\n" },
		"indented, empty lines cut":    func(s string) string { return strings.ReplaceAll(indented(s), "\n    \n", "\n\n") },
		"a mark of the order of bytes": func(s string) string { return "\ufeff" + s },
	} {
		want := "[shown query-dropped ]"
		r := explained(t, explain.Evidence{CanonicalRequest: form(canonical), StringToSign: form(sign), Response: c.refusal()})
		if len(r.Findings) == 0 || !strings.HasPrefix(summary(r), want) {
			t.Errorf("%s: found %s, want %s", name, summary(r), want)
		}
		for _, f := range r.Findings {
			if f.Cause == explain.CauseHash {
				t.Errorf("%s: found %s: the canonical request was not read to the byte", name, f.Cause)
			}
		}
	}
	// Indented from the second line on is a text between three quotation marks,
	// and hashed so.
	if _, err := explain.Explain(explain.Evidence{StringToSign: strings.ReplaceAll(sign, "\n", "\n    ")}); err != nil {
		t.Error(err)
	}
}

func TestPastedURL(t *testing.T) {
	for _, quote := range []string{"'", `"`} {
		if got := summary(explained(t, explain.Evidence{Request: quote + sentURL + quote + "\n"})); got != "" {
			t.Errorf("in %s: found %s", quote, got)
		}
	}
	var input *explain.InputError
	if _, err := explain.Explain(explain.Evidence{Request: "curl '" + sentURL + "'\n"}); !errors.As(err, &input) || !strings.Contains(input.Hint, "-v") {
		t.Errorf("a command line: %v", err)
	}
}
