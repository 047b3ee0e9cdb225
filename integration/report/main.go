// Command report shows what `go test -json` says on its standard input as go
// test itself does without -json, and appends to a file what was skipped, so
// that the last words of a long run can name it.
//
//	go test -json ./... | report SKIPPED
//
// It ends with exit code 1 if a test or a build failed.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
)

// An event is a line of go test -json; see `go doc test2json`.
type event struct {
	Action  string
	Package string
	Test    string
	Output  string
}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: go test -json ... | report SKIPPED")
		os.Exit(2)
	}
	skipped, err := os.OpenFile(os.Args[1], os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err == nil {
		var ok bool
		if ok, err = report(os.Stdin, os.Stdout, skipped); err == nil && !ok {
			os.Exit(1)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "report:", err)
		os.Exit(1)
	}
}

// report copies the run in r to out without the words of tests that passed, and
// a line for each skipped test, its reason, a tab and its name, to skipped. It is
// false if something failed.
func report(r io.Reader, out, skipped io.Writer) (ok bool, err error) {
	ok = true
	said := make(map[string]*strings.Builder) // by package and test; a package's own words have no test
	in := bufio.NewReader(r)
	for {
		line, err := in.ReadBytes('\n')
		if len(line) == 0 && err == io.EOF {
			return ok, nil
		}
		if err != nil && err != io.EOF {
			return false, err
		}
		var e event
		if json.Unmarshal(line, &e) != nil {
			out.Write(line) // not of a test: a compiler's words, say
			continue
		}
		name := e.Package + " " + e.Test
		switch e.Action {
		case "output":
			if said[name] == nil {
				said[name] = new(strings.Builder)
			}
			said[name].WriteString(e.Output)
		case "build-output":
			io.WriteString(out, e.Output)
		case "fail", "build-fail":
			ok = false
			for _, test := range slices.Sorted(maps.Keys(said)) {
				// The package's own end shows all of its tests that did not come to theirs.
				if test == name || e.Test == "" && strings.HasPrefix(test, name) {
					io.WriteString(out, said[test].String())
					delete(said, test)
				}
			}
		case "skip", "pass":
			b := said[name]
			switch {
			case b == nil:
			case e.Test == "":
				io.WriteString(out, verdict(b.String()))
			case e.Action == "skip" && !strings.HasPrefix(e.Test, "Fuzz"): // a seed that does not fit is no test left out
				fmt.Fprintf(skipped, "%s\t%s\n", reason(b.String()), name)
			}
			delete(said, name)
		}
	}
}

// verdict is the line with the result of a package that passed.
func verdict(said string) string {
	for line := range strings.Lines(said) {
		if strings.HasPrefix(line, "ok ") || strings.HasPrefix(line, "? ") {
			return line
		}
	}
	return ""
}

// reason is what a skipped test gave as its reason.
func reason(said string) string {
	var words []string
	for line := range strings.Lines(said) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "=== ") || strings.HasPrefix(line, "--- ") {
			continue
		}
		if _, after, found := strings.Cut(line, ".go:"); found { // file.go:12: the reason
			if _, after, found = strings.Cut(after, ": "); found {
				line = after
			}
		}
		words = append(words, line)
	}
	return strings.Join(words, " ")
}
