package explain_test

import (
	"strings"
	"testing"

	"s3mount/sigv4/explain"
)

// Lines that are indented, and lines that are joined with two characters: from the
// text itself, and from the signature alone.
func TestLines(t *testing.T) {
	for name, tt := range map[string]struct {
		join, cause string
		alone       bool // the text shows it by itself
	}{
		"four blanks":        {"\n    ", explain.CauseHashIndented, true},
		"a tab":              {"\n\t", explain.CauseHashIndented, true},
		"a backslash and an": {`\n`, explain.CauseHashBackslash, false},
	} {
		c := listing()
		c.canon = func(p parts) string { return strings.ReplaceAll(p.text(), "\n", tt.join) }
		kinds := []string{"request+credentials", "request+server+credentials", "request+silent+credentials"}
		if tt.alone {
			kinds = append(kinds, "canonical", "canonical+request", "canonical+server", "canonical+request+server+credentials", "canonical+string+server")
		}
		for _, kind := range kinds {
			r := explained(t, c.evidence(kind))
			if len(r.Findings) != 1 || r.Findings[0].Cause != tt.cause {
				t.Errorf("%s, %s: found %s, want %s", name, kind, summary(r), tt.cause)
			}
		}
	}
}
