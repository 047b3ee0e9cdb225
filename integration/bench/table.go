//go:build linux

package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// rawName stands for plain HTTP requests among the programs.
const rawName = "raw HTTP"

// A result is what one program cost in one step: the median of its trials.
type result struct {
	Profile profile
	Row     string
	Program string
	figures
	Trials []time.Duration // their wall times, in order
	ToRaw  float64         // its time by that of raw requests; 0: there is none
	OursTo float64         // s3mount's time by its own
}

// A cell is a row's work with one program: the trials of each step.
type cell struct {
	program program
	profile profile
	trials  [][]figures // by step
}

func newCells(p profile, r row, programs []program) []cell {
	var cells []cell
	for _, prog := range append([]program{{name: rawName}}, programs...) {
		cells = append(cells, cell{program: prog, profile: p, trials: make([][]figures, len(r.steps))})
	}
	return cells
}

func (c *cell) add(steps []figures) {
	for i, f := range steps {
		c.trials[i] = append(c.trials[i], f)
	}
}

// done says that another trial would tell nothing more: one was long, or failed.
func (c *cell) done() bool {
	for _, trials := range c.trials {
		for _, f := range trials {
			if f.Wall >= enough || f.Failed != "" {
				return true
			}
		}
	}
	return false
}

// results are the lines of a row: step by step, all programs.
func results(r row, cells []cell) []result {
	var all []result
	for i, step := range r.steps {
		first := len(all)
		var rawWall, ourWall time.Duration
		for _, c := range cells {
			if len(c.trials[i]) == 0 {
				continue
			}
			res := result{Profile: c.profile, Row: r.name + step.what, Program: c.program.name, figures: median(c.trials[i])}
			for _, f := range c.trials[i] {
				res.Trials = append(res.Trials, f.Wall)
			}
			slices.Sort(res.Trials)
			switch res.Program {
			case rawName:
				rawWall = res.Wall
			case ours:
				ourWall = res.Wall
			}
			all = append(all, res)
		}
		for j := first; j < len(all); j++ {
			all[j].ToRaw = ratio(all[j].Wall, rawWall)
			all[j].OursTo = ratio(ourWall, all[j].Wall)
		}
	}
	return all
}

func ratio(a, b time.Duration) float64 {
	if a <= 0 || b <= 0 {
		return 0
	}
	return float64(a) / float64(b)
}

// median is the trial whose time is in the middle, with the processor time and
// the memory that are in the middle; one that failed comes before all others.
func median(trials []figures) figures {
	for _, f := range trials {
		if f.Failed != "" {
			return figures{Failed: f.Failed}
		}
	}
	f := middle(trials, func(f figures) time.Duration { return f.Wall })
	f.CPU = middle(trials, func(f figures) time.Duration { return f.CPU }).CPU
	f.Peak = middle(trials, func(f figures) int64 { return f.Peak }).Peak
	return f
}

// middle is the element in the middle by a property, of two the lower.
func middle[T cmp.Ordered](all []figures, by func(figures) T) figures {
	sorted := slices.Clone(all)
	slices.SortStableFunc(sorted, func(a, b figures) int { return cmp.Compare(by(a), by(b)) })
	return sorted[(len(sorted)-1)/2]
}

// A table prints rows as they come, all columns of the same width throughout.
type table struct {
	w       io.Writer
	work    int // width of the first column
	heading profile
}

func newTable(w io.Writer) *table {
	t := &table{w: w}
	for _, r := range rows() {
		for _, s := range r.steps {
			t.work = max(t.work, len(r.name)+len(s.what))
		}
	}
	return t
}

func line(width int, fields ...any) string {
	s := fmt.Sprintf("%-*s  %-8s %8s %7s %8s %7s %7s %6s %8s %7s %8s  %s", append([]any{width}, fields...)...)
	return strings.TrimRight(s, " ") + "\n"
}

func (t *table) print(results []result) {
	for i, r := range results {
		if r.Profile != t.heading {
			t.heading = r.Profile
			fmt.Fprintf(t.w, "\n%s (%s)\n", r.Profile.Name, r.Profile.title())
			fmt.Fprint(t.w, line(t.work, "", "", "wall s", "cpu s", "peak MB", "GET", "HEAD", "LIST", "MB read", "/ raw", "s3mount/", ""))
		}
		name := r.Row
		if i > 0 && results[i-1].Row == name {
			name = ""
		}
		fmt.Fprint(t.w, r.line(name, t.work))
	}
}

func (r result) line(name string, width int) string {
	if r.Failed != "" {
		return fmt.Sprintf("%-*s  %-8s %8s  %s\n", width, name, r.Program, "failed", r.Failed)
	}
	peak, oursTo := "", fixed(r.OursTo, 2)
	if r.Program != rawName {
		peak = fmt.Sprint(r.Peak >> 20)
	}
	if r.Program == ours {
		oursTo = ""
	}
	c := r.Counts
	return line(width, name, r.Program, fmt.Sprintf("%.3f", r.Wall.Seconds()), fmt.Sprintf("%.2f", r.CPU.Seconds()),
		peak, fmt.Sprint(c.Get), fmt.Sprint(c.Head), fmt.Sprint(c.List), fmt.Sprintf("%.1f", float64(c.Bytes)/1e6),
		fixed(r.ToRaw, 2), oursTo, r.Note)
}

func fixed(v float64, digits int) string {
	if v == 0 {
		return ""
	}
	return fmt.Sprintf("%.*f", digits, v)
}
