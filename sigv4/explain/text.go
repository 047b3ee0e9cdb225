package explain

import (
	"bufio"
	"fmt"
	"io"
	"strings"
)

// Text writes the report as a person reads it.
func (r Report) Text(w io.Writer) error {
	b := bufio.NewWriter(w)
	if len(r.Findings) == 0 {
		fmt.Fprintln(b, "No mistake was found.")
	}
	for i, f := range r.Findings {
		if i > 0 {
			fmt.Fprintln(b)
		}
		fmt.Fprintf(b, "%d. %s (%s)\n", i+1, visible(f.What), f.Basis.words())
		f.writeValues(b)
		fmt.Fprintf(b, "   Why: %s\n   Fix: %s\n", visible(f.Why), visible(f.Fix))
	}
	if len(r.Agreed) > 0 {
		words := make([]string, len(r.Agreed))
		for i, p := range r.Agreed {
			words[i] = string(p)
		}
		fmt.Fprintf(b, "\nCompared and equal: %s.\n", strings.Join(words, ", "))
	}
	if len(r.Missing) > 0 {
		fmt.Fprintf(b, "\nWhat would tell more:\n")
	}
	for _, s := range r.Missing {
		fmt.Fprintf(b, "   - %s\n", visible(s))
	}
	return b.Flush()
}

// words say how certain a finding is.
func (b Basis) words() string {
	switch b {
	case Shown:
		return "certain"
	case Rule:
		return "a rule of S3"
	}
	return "likely"
}

const (
	maxShown = 100 // columns of a value
	before   = 30  // columns before the first difference, where not all is shown
)

// writeValues writes the two values one above the other, and a caret under the
// first byte that differs.
func (f Finding) writeValues(w io.Writer) {
	if f.Yours == "" && f.Server == "" {
		return
	}
	// Where nothing is a value too.
	empty := f.Part == PartPath || f.Part == PartQuery || f.Part == PartHeader
	const yours, server = "   yours  ", "   S3     "
	at := max(f.Differ, 0)
	first, skipped := window(f.Yours, at)
	second, _ := window(f.Server, at)
	if f.Yours != "" || empty {
		fmt.Fprintf(w, "%s%s\n", yours, orEmpty(first))
	}
	if f.Server != "" || empty {
		fmt.Fprintf(w, "%s%s\n", server, orEmpty(second))
	}
	if f.Differ < 0 || f.Yours == "" || f.Server == "" {
		return
	}
	column := len([]rune(visible(f.Yours[skipped:min(at, len(f.Yours))])))
	if skipped > 0 {
		column++ // the sign for what is left out
	}
	fmt.Fprintf(w, "%s%s^\n", strings.Repeat(" ", len(yours)), strings.Repeat(" ", column))
}

func orEmpty(s string) string {
	if s == "" {
		return "(empty)"
	}
	return s
}

// window is what is shown of a value that may be long: what is around the byte at.
func window(s string, at int) (shown string, skipped int) {
	if len(s) > maxShown && at > before {
		skipped = min(at-before, len(s))
	}
	end := min(len(s), skipped+maxShown)
	shown = visible(s[skipped:end])
	if skipped > 0 {
		shown = "…" + shown
	}
	if end < len(s) {
		shown += "…"
	}
	return shown, skipped
}

// visible is s with control characters and all outside ASCII escaped, so that a
// column is a character and a terminal obeys nothing. The sign for what is left
// out stays.
func visible(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case strings.HasPrefix(s[i:], "…"):
			b.WriteString("…")
			i += len("…") - 1
		case c == '\n':
			b.WriteString(`\n`)
		case c == '\r':
			b.WriteString(`\r`)
		case c == '\t':
			b.WriteString(`\t`)
		case c < ' ' || c >= 0x7f:
			fmt.Fprintf(&b, `\x%02x`, c)
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}
