package fs

import (
	"fmt"
	"testing"
	"time"

	"s3mount/s3/s3test"
)

// checkCounts: what is counted is what is held.
func (r *rig) checkCounts(t testing.TB) {
	t.Helper()
	d := r.dirs
	d.mu.Lock()
	defer d.mu.Unlock()
	total := 0
	for _, prefix := range d.byKey.Keys() {
		m, _ := d.byKey.Peek(prefix)
		m.directory.mu.Lock()
		listed, facts := 0, len(m.directory.facts)
		if l := m.directory.listing; l != nil {
			l.mu.Lock()
			listed = l.names.settled.len()
			l.mu.Unlock()
		}
		m.directory.mu.Unlock()
		if m.listed != listed || m.facts != facts {
			t.Errorf("%q is counted as %d listed and %d facts; it has %d and %d", prefix, m.listed, m.facts, listed, facts)
		}
		total += 1 + listed + facts
	}
	equal(t, "entries counted", d.total, total)
}

func (r *rig) remembers(prefix string) bool {
	r.dirs.mu.Lock()
	defer r.dirs.mu.Unlock()
	return r.dirs.byKey.Contains(prefix)
}

// Beyond MaxEntries the directories used least recently are forgotten, and what
// is asked about them again costs requests and nothing else.
func TestMaxEntries(t *testing.T) {
	o := s3test.Options{}
	r := newRig(t, o, func(o *Options) { o.MaxEntries = 35 })
	r.PutRange(50, func(i int) string { return fmt.Sprintf("d%d/%d", i/10, i) }, s3test.Object{Size: 1})
	for i := range 3 {
		if _, err := r.list(t, fmt.Sprintf("d%d/", i)); err != nil {
			t.Fatal(err)
		}
	}
	equal(t, "three directories of ten", r.Stats().Entries, 33)
	equal(t, "lookup in the oldest", r.look(t, "d0/", "3"), "3") // it is the newest now
	if _, err := r.list(t, "d3/"); err != nil {
		t.Fatal(err)
	}
	equal(t, "and one more", r.Stats().Entries, 33)
	for dir, want := range map[string]bool{"d0/": true, "d1/": false, "d2/": true, "d3/": true} {
		equal(t, dir+" is remembered", r.remembers(dir), want)
	}
	r.checkCounts(t)
	r.ResetLog()
	equal(t, "lookup in a forgotten one", r.look(t, "d1/", "13"), "13")
	r.asked(t, "HEAD d1/13", "LIST d1/13/ flat")
	r.checkCounts(t)
}

// A directory larger than the bound is remembered all the same while it is the
// one in use, and forgotten when another is.
func TestDirectoryLargerThanTheBound(t *testing.T) {
	r := threePages(t, func(o *Options) { o.MaxEntries = 100 })
	got, err := r.list(t, "d/")
	checkAll(t, got, err)
	equal(t, "entries", r.Stats().Entries, 2501)
	r.ResetLog()
	equal(t, "lookup", r.look(t, "d/", "2400"), "2400")
	r.asked(t)
	r.dirs.get("e/")
	equal(t, "entries afterwards", r.Stats().Entries, 1)
	r.checkCounts(t)
}

// An old listing that is still being read counts for its reader, not for the
// directory: the new one's entries do.
func TestTwoListingsOfOneDirectory(t *testing.T) {
	r := threePages(t)
	release := make(chan struct{})
	r.AddRule(s3test.Rule{Match: nextPage, Times: 1, Action: s3test.Hold(s3test.BeforeHeaders, release)})
	old := r.opened("d/")
	defer old.close()
	if err := r.WaitRequests(t.Context(), 2); err != nil {
		t.Fatal(err)
	}
	d := r.dirs.get("d/")
	d.mu.Lock()
	d.listing = nil // as when it has expired
	d.mu.Unlock()
	got, err := r.list(t, "d/")
	checkAll(t, got, err)
	r.checkCounts(t)
	close(release)
	got, err = names(t, old)
	checkAll(t, got, err)
	r.checkCounts(t)
	equal(t, "entries", r.Stats().Entries, 2501)
}

// A directory that was forgotten while it was asked about, and is known anew,
// does not count what the old one learns.
func TestForgottenWhileAsked(t *testing.T) {
	r := newRig(t, text("d/f"))
	release := make(chan struct{})
	r.AddRule(s3test.Rule{Times: 2, Action: s3test.Hold(s3test.BeforeHeaders, release)})
	answered := make(chan string)
	go func() { answered <- r.look(t, "d/", "f") }()
	if err := r.WaitRequests(t.Context(), 2); err != nil {
		t.Fatal(err)
	}
	r.dirs.drop("d/")
	r.dirs.get("d/")
	close(release)
	equal(t, "lookup", <-answered, "f")
	r.checkCounts(t)
}

// Single answers are bounded for each directory, the believable ones last.
func TestFactsAreBounded(t *testing.T) {
	d := &directory{}
	count := 0
	old := time.Now().Add(-2 * time.Hour)
	for i := range maxFacts / 2 {
		count += d.learn(fmt.Sprint("old", i), fact{what: absent, at: old}, time.Hour)
	}
	for i := range maxFacts {
		count += d.learn(fmt.Sprint("new", i), fact{what: absent, at: time.Now()}, time.Hour)
		if count != len(d.facts) || count > maxFacts {
			t.Fatalf("%d facts, counted as %d", len(d.facts), count)
		}
	}
	equal(t, "facts", len(d.facts), maxFacts)
	for _, name := range []string{"new0", fmt.Sprint("new", maxFacts-1)} {
		if _, ok := d.facts[name]; !ok {
			t.Errorf("%s is forgotten", name)
		}
	}
	count += d.learn("one more", fact{what: absent, at: time.Now()}, time.Hour)
	equal(t, "facts when all were believable", len(d.facts), 1)
	equal(t, "counted as", count, 1)
}

// Of two answers the one to the later question stays.
func TestLaterQuestionWins(t *testing.T) {
	d := &directory{}
	now := time.Now()
	d.learn("f", fact{what: there, at: now}, time.Hour)
	d.learn("f", fact{what: absent, at: now.Add(-time.Second)}, time.Hour)
	equal(t, "known", d.facts["f"].what, there)
	d.learn("f", fact{what: absent, at: now.Add(time.Second)}, time.Hour)
	equal(t, "known", d.facts["f"].what, absent)
}

func TestNewRefuses(t *testing.T) {
	r := newRig(t, s3test.Options{})
	for name, change := range map[string]func(*Options){
		"no bucket":             func(o *Options) { o.Bucket = nil },
		"no cache":              func(o *Options) { o.Cache = nil },
		"prefix without slash":  func(o *Options) { o.Prefix = "a" },
		"negative TTL":          func(o *Options) { o.TTL = -1 },
		"set-uid files":         func(o *Options) { o.FileMode = 04755 },
		"sticky directories":    func(o *Options) { o.DirMode = 01777 },
		"negative entry number": func(o *Options) { o.MaxEntries = -1 },
	} {
		opts := r.Tree.opts
		change(&opts)
		if _, err := New(opts); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}
