package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"
)

// A report is what doctor has found, as --json prints it.
type report struct {
	Source    string   `json:"source"`
	Directory string   `json:"directory,omitempty"`
	Works     bool     `json:"works"` // a mount would
	Requests  int      `json:"requests"`
	Checks    []result `json:"checks"`
}

// judge says what follows from the checks.
func (r *report) judge(w *wire) {
	r.Works = true
	for _, c := range r.Checks {
		r.Works = r.Works && c.status != isFailed
	}
	if w != nil {
		r.Requests = w.requests
	}
}

func (r *report) writeJSON(out io.Writer) error {
	e := json.NewEncoder(out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(r)
}

// MarshalJSON implements json.Marshaler.
func (r result) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Check    string    `json:"check"`
		Status   status    `json:"status"`
		Finding  string    `json:"finding"`
		Hint     string    `json:"hint,omitempty"`
		TookMS   float64   `json:"took_ms"`
		Settings []setting `json:"settings,omitempty"`
	}{r.name, r.status, oneLine(r.text), oneLine(r.hint), float64(r.took.Microseconds()) / 1000, r.settings})
}

func showHead(out io.Writer, r report) {
	what := r.Source
	if r.Directory != "" {
		what += " on " + r.Directory
	}
	fmt.Fprintf(out, "%s\n\n", oneLine(what))
}

// showResult prints a check as it ends.
func showResult(out io.Writer, r result) {
	took := ""
	if r.status != isSkipped {
		took = brief(r.took)
	}
	fmt.Fprintf(out, "%-8s %-17s %7s  %s\n", r.status, r.name, took, oneLine(r.text))
	if r.hint != "" {
		fmt.Fprintf(out, "%8s hint: %s\n", "", oneLine(r.hint))
	}
	showSettings(out, r.settings)
}

// brief is a time as far as it is of interest.
func brief(d time.Duration) string {
	switch {
	case d < time.Millisecond:
		return "<1ms"
	case d < time.Second:
		return d.Round(time.Millisecond).String()
	}
	return d.Round(100 * time.Millisecond).String()
}

// showSettings prints those that somebody has made with their origin, and the
// others in few lines.
func showSettings(out io.Writer, all []setting) {
	line := ""
	flush := func() {
		if line != "" {
			fmt.Fprintf(out, "%8s %s\n", "", line)
		}
		line = ""
	}
	for _, s := range all {
		if s.From != notConfigured {
			fmt.Fprintf(out, "%8s %s %s (%s)\n", "", s.Name, oneLine(s.Value), oneLine(s.From))
		}
	}
	for _, s := range all {
		if s.From != notConfigured {
			continue
		}
		if s.Value == "" {
			s.Value = "(none)"
		}
		part := s.Name + " " + oneLine(s.Value)
		if len(line)+len(part) > 90 {
			flush()
		}
		if line == "" {
			line = "default: " + part
		} else {
			line += ", " + part
		}
	}
	flush()
}

// showEnd says what follows.
func (r *report) showEnd(out io.Writer) error {
	verdict := "A mount would work."
	if !r.Works {
		var bad []string
		for _, c := range r.Checks {
			if c.status == isFailed {
				bad = append(bad, c.name)
			}
		}
		verdict = "A mount would not work: " + strings.Join(bad, ", ") + " failed."
	}
	_, err := fmt.Fprintf(out, "\n%s %d %s made.\n", verdict, r.Requests, plural(r.Requests, "request"))
	return err
}
