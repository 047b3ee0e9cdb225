package s3

import (
	"math"
	"slices"
	"strings"
)

// A cost is what a scan has paid, and what for. What it pays too much is to
// stay below a twelfth of the pages.
type cost struct {
	page    int     // entries of a full page
	answers int     // pages asked for
	kept    int     // entries of them that were in their segments
	guesses float64 // that have turned out good or bad, the late ones more
	misses  float64 // of them, each by the part of a page that it was off
}

const (
	maxWaste = 0.06 // requests, of those that are needed
	minWaste = 2
)

// missed counts a guess that has turned out to be off by so much of a page.
func (c *cost) missed(by float64) {
	c.guesses = c.guesses*0.95 + 1
	c.misses = c.misses*0.95 + by
}

// pages is how many full pages were worth it.
func (c *cost) pages() float64 { return float64(c.kept) / float64(c.page) }

// affords says whether another guess may be made beside those whose end is not
// known. A bold one is as good as lost.
func (c *cost) affords(open int, bold bool) bool {
	left := max(minWaste, maxWaste*c.pages()) - (float64(c.answers) - c.pages())
	risk := max(c.misses/max(c.guesses, 1), 1/(1+c.guesses))
	if bold {
		return left >= 1+float64(open)*risk
	}
	return left >= float64(open+1)*risk
}

// stride is how many pages a segment should have, so that what a guess costs is
// little for each.
func (c *cost) stride(regular bool) float64 {
	prior := 0.3
	if regular {
		prior = 0
	}
	miss := (2*prior + c.misses) / (2 + c.guesses)
	return min(max(1, math.Ceil(miss/0.06)), 8)
}

// split cuts the foremost segment that is worth it, and gives the new one.
func (s *scan) split() *segment {
	if s.serial || s.most == 1 {
		return nil
	}
	open := 0
	for _, g := range s.segments {
		if g.open {
			open++
		}
	}
	ahead := 0.0
	for i, g := range s.segments {
		ahead += float64(len(g.ready))
		if g.done {
			continue
		}
		r := s.ruler(g)
		rest := s.rest(i, &r)
		if at, ok := s.guess(i, &r, rest, ahead, open); ok {
			return s.cut(i, at)
		}
		if ahead += max(1, math.Ceil(rest)); ahead >= maxAhead {
			break
		}
	}
	return nil
}

// ruler is for guesses in a segment.
func (s *scan) ruler(g *segment) ruler {
	r := newRuler(s.opts.Prefix, g.sample)
	r.refine(s.given.first, s.given.last, len(s.given.sums))
	return r
}

// rest is how many pages of a segment are probably still to come.
func (s *scan) rest(i int, r *ruler) float64 {
	g := s.segments[i]
	end := r.whole
	if i+1 < len(s.segments) {
		end = r.at(s.segments[i+1].begin)
	}
	if r.step <= 0 {
		return 0
	}
	return (end - r.at(g.last)) / r.step / float64(s.cost.page)
}

// guess is where to cut a segment.
func (s *scan) guess(i int, r *ruler, rest, ahead float64, open int) (string, bool) {
	g := s.segments[i]
	pages := s.cost.stride(r.regular)
	sure := i+1 < len(s.segments) && s.segments[i+1].near
	switch {
	case sure: // keys go on up to the next segment
		if rest <= pages {
			return "", false
		}
	case i+1 < len(s.segments) && !s.segments[i+1].answered:
		return "", false // whether they do is being asked
	case !g.answered || rest < 6:
		return "", false
	default: // nobody knows how far they go
		leap := min(max(8, math.Floor(4*s.cost.pages())), 24, maxAhead-ahead-1)
		if pages = min(leap, math.Floor(rest/2)); pages < 2 {
			return "", false
		}
	}
	if ahead+pages >= maxAhead || !s.cost.affords(open, !sure) {
		return "", false
	}
	n := pages * float64(s.cost.page)
	if !r.regular {
		n *= 0.97 // rather a few keys too few than one too many: that one takes a request
	}
	if s.folded(g.last) && !g.answered {
		n-- // it comes again, as the first of the page
	}
	at, ok := r.behind(g.last, n)
	if !ok {
		return "", false
	}
	if at <= g.last || i+1 < len(s.segments) && at >= s.segments[i+1].begin {
		return "", false
	}
	return at, true
}

// folded says whether a key stands for all that begin with it.
func (s *scan) folded(key string) bool {
	return s.opts.Delimiter != "" && len(key) > len(s.opts.Prefix) && strings.HasSuffix(key, s.opts.Delimiter)
}

// cut makes two segments of one.
func (s *scan) cut(i int, at string) *segment {
	g := s.segments[i]
	n := &segment{chain: newChain(s.opts, at), begin: at, last: at, sample: g.sample, open: true}
	s.segments = slices.Insert(s.segments, i+1, n)
	return n
}
