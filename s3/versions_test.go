package s3

import (
	"cmp"
	"errors"
	"fmt"
	iofs "io/fs"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"s3mount/s3/s3test"
)

// An event is a put or a deletion of a key.
type event struct {
	key     string
	at      time.Time
	deleted bool
	id      string // of a put
}

var begin = time.Date(2026, 8, 1, 10, 0, 0, 0, time.UTC)

// happen makes the events of a bucket, and notes the ids.
func happen(srv *s3test.Server, events []event) {
	for i := range events {
		e := &events[i]
		if e.deleted {
			srv.DeleteAt(e.key, e.at)
		} else {
			e.id = srv.Put(e.key, s3test.Object{Body: []byte(fmt.Sprint(i)), LastModified: e.at}).VersionID
		}
	}
}

// wanted are the entries of a listing, plainly: what each key held at a time, or
// all it had held by then, and then folded.
func wanted(events []event, at time.Time, all bool, o ListOptions) (want []Entry) {
	byKey := map[string][]event{}
	for _, e := range events {
		if at.IsZero() || !e.at.After(at) {
			byKey[e.key] = append(byKey[e.key], e)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(byKey)) {
		if !strings.HasPrefix(key, o.Prefix) || key <= o.StartAfter {
			continue
		}
		of := byKey[key]
		for i := len(of) - 1; i >= 0 && (all || i == len(of)-1); i-- {
			name, _, deep := strings.Cut(key[len(o.Prefix):], cmp.Or(o.Delimiter, "\x00"))
			folded := Entry{Key: o.Prefix + name + o.Delimiter, Prefix: true}
			switch {
			case of[i].deleted:
			case deep && (len(want) == 0 || want[len(want)-1] != folded):
				want = append(want, folded)
			case !deep:
				want = append(want, Entry{Key: key, VersionID: of[i].id, Noncurrent: i < len(of)-1})
			}
		}
	}
	return want
}

// A listing of versions says what the history of the bucket says.
func TestVersionsAreTheHistory(t *testing.T) {
	key := rapid.SampledFrom([]string{"a", "a/", "a/b", "a/b/c", "a/é", "b", "b-", "b/a", "b/a/a", "b/a/b", "c d/e"})
	rapid.Check(t, func(rt *rapid.T) {
		apart := rapid.Bool().Draw(rt, "apart")
		at := begin
		present := map[string]bool{}
		var events []event
		for range rapid.IntRange(0, 60).Draw(rt, "events") {
			step := rapid.IntRange(0, 2).Draw(rt, "seconds")
			if apart { // then the time alone tells which came first
				step++
			}
			at = at.Add(time.Duration(step) * time.Second)
			e := event{key: key.Draw(rt, "key"), at: at}
			e.deleted = present[e.key] && rapid.IntRange(0, 2).Draw(rt, "deleted") == 0
			present[e.key] = !e.deleted
			events = append(events, e)
		}
		srv, err := s3test.Start(s3test.Options{Versioned: true, Apart: apart, PageSize: rapid.SampledFrom([]int{1, 2, 3, 7, 1000}).Draw(rt, "page")})
		if err != nil {
			rt.Fatal(err)
		}
		defer srv.Close()
		happen(srv, events)
		o := ListOptions{
			Prefix:     rapid.SampledFrom([]string{"", "a/", "b", "b/a/", "a/"}).Draw(rt, "prefix"),
			Delimiter:  rapid.SampledFrom([]string{"", "/"}).Draw(rt, "delimiter"),
			StartAfter: rapid.SampledFrom([]string{"", "", "b", "b/\U0010FFFF", "b-"}).Draw(rt, "after"),
			PageSize:   rapid.SampledFrom([]int{0, 1, 5}).Draw(rt, "size"),
		}
		var moment time.Time
		all := rapid.Bool().Draw(rt, "all")
		if !all || rapid.Bool().Draw(rt, "moment") {
			moment = begin.Add(time.Duration(rapid.IntRange(-1, int(at.Sub(begin)/time.Second)+1).Draw(rt, "at")) * time.Second)
		}
		b := open(t, srv, func(o *Options) { o.At, o.Versions = moment, all })
		defer b.CloseIdleConnections()
		got, err := list(t.Context(), b, o)
		if err != nil {
			rt.Fatal(err)
		}
		for i := range got {
			got[i] = Entry{Key: got[i].Key, Prefix: got[i].Prefix, VersionID: got[i].VersionID, Noncurrent: got[i].Noncurrent}
		}
		if want := wanted(events, moment, all, o); !slices.Equal(got, want) {
			rt.Fatalf("%+v\nat %v gives\n%v, want\n%v", o, moment, got, want)
		}
		if moment.IsZero() {
			return
		}
		for _, e := range events {
			h, err := b.Head(t.Context(), e.key)
			is := wanted(events, moment, false, ListOptions{Prefix: e.key})
			if there := len(is) > 0 && is[0].Key == e.key; there != (err == nil) || there && h.VersionID != is[0].VersionID ||
				!there && !errors.Is(err, iofs.ErrNotExist) {
				rt.Fatalf("head of %q at %v: %+v, %v; want %v", e.key, moment, h, err, is)
			}
		}
	})
}

// What a listing asks for: about as much as one of the present would. What it
// does not want is passed over, not read.
func TestRequestsOfVersions(t *testing.T) {
	srv := s3test.New(t, s3test.Options{Versioned: true, PageSize: 10})
	for i := range 100 {
		srv.Put(fmt.Sprintf("d/%02d", i), s3test.Object{LastModified: begin})
		srv.Put("e", s3test.Object{LastModified: begin.Add(time.Duration(i) * time.Second)})
		srv.Put(fmt.Sprintf("f/%02d", i), s3test.Object{LastModified: begin.Add(time.Hour)})
	}
	srv.Put("g", s3test.Object{LastModified: begin})
	for _, tt := range []struct {
		name string
		at   time.Time
		all  bool
		o    ListOptions
		want []string // entries
		most int      // requests
	}{
		{"behind a directory and a key of many versions", begin.Add(time.Minute), false, ListOptions{Delimiter: "/"}, []string{"d/", "e", "g"}, 16},
		{"the same when all is there", begin.Add(2 * time.Hour), false, ListOptions{Delimiter: "/"}, []string{"d/", "e", "f/", "g"}, 4},
		{"of what is not there all is read", begin.Add(-time.Hour), false, ListOptions{Prefix: "f", Delimiter: "/"}, nil, 10},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := open(t, srv, func(o *Options) { o.At, o.Versions = tt.at, tt.all })
			srv.ResetLog()
			got, err := list(t.Context(), b, tt.o)
			var keys []string
			for _, e := range got {
				keys = append(keys, e.Key)
			}
			if err != nil || !slices.Equal(keys, tt.want) {
				t.Errorf("%q, %v; want %q", keys, err, tt.want)
			}
			if n := srv.Count(""); n != tt.most {
				t.Errorf("%d requests, want %d: %q", n, tt.most, srv.Requests())
			}
			if n := srv.Count(s3test.Versions); n != srv.Count("") {
				t.Errorf("asked for something else: %q", srv.Requests())
			}
		})
	}
	b := open(t, srv, func(o *Options) { o.At = begin.Add(time.Minute) })
	srv.ResetLog()
	if _, err := b.Head(t.Context(), "d/5"); !errors.Is(err, iofs.ErrNotExist) || srv.Count("") != 1 {
		t.Errorf("head of what begins many keys: %v, %q", err, srv.Requests())
	}
}

// versionsXML is a page of versions, each "key id time", a marker with "!" at its
// end.
func versionsXML(truncated, key, id string, lines ...string) string {
	s := "<ListVersionsResult><IsTruncated>" + truncated + "</IsTruncated><NextKeyMarker>" + key + "</NextKeyMarker><NextVersionIdMarker>" + id + "</NextVersionIdMarker>"
	for _, line := range lines {
		line, deleted := strings.CutSuffix(line, "!")
		name := "Version"
		if deleted {
			name = "DeleteMarker"
		}
		f := strings.Fields(line)
		s += "<" + name + "><Key>" + f[0] + "</Key><VersionId>" + f[1] + "</VersionId><LastModified>" + f[2] + "</LastModified><Size>1</Size><ETag>e</ETag></" + name + ">"
	}
	return s + "</ListVersionsResult>"
}

func TestListingsOfVersionsThatAreNone(t *testing.T) {
	line := func(n int) string { return fmt.Sprintf("k%05d v 2026-08-01T00:00:00Z", n) }
	for _, tt := range []struct {
		name    string
		answer  func(n int) answerFunc
		entries int
		most    int // requests
		kind    error
	}{
		{"the same marker for ever", func(n int) answerFunc { return says(200, versionsXML("true", "k", "v", line(n))) }, 1, 2, errProtocol},
		{"empty pages for ever", func(n int) answerFunc { return says(200, versionsXML("true", fmt.Sprint(n), "")) }, 0, maxIdlePages + 1, errProtocol},
		{"more, and no marker", func(n int) answerFunc { return says(200, versionsXML("true", "", "", line(n))) }, 0, 10, errProtocol},
		{"a listing of the present", func(int) answerFunc { return listed }, 0, 1, ErrNoVersions},
		{"not implemented", func(int) answerFunc { return says(501, refusal("NotImplemented")) }, 0, 1, ErrNoVersions},
		{"denied", func(int) answerFunc { return says(403, refusal("AccessDenied")) }, 0, 1, iofs.ErrPermission},
		{"an end", func(int) answerFunc { return says(200, versionsXML("false", "", "", line(1))) }, 1, 1, nil},
		{"no word about the end", func(int) answerFunc { return says(200, "<ListVersionsResult></ListVersionsResult>") }, 0, 10, errProtocol},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &script{}
				s.answers = []answerFunc{func(r *http.Request) (*http.Response, error) { return tt.answer(s.count() - 1)(r) }}
				b := scripted(t, s, func(o *Options) { o.At = time.Date(2026, 9, 1, 0, 0, 0, 0, time.UTC) })
				got, err := list(t.Context(), b, ListOptions{})
				if !errors.Is(err, tt.kind) || len(got) != tt.entries || s.count() != tt.most {
					t.Errorf("%d entries after %d requests, %v; want %d after %d, %v", len(got), s.count(), err, tt.entries, tt.most, tt.kind)
				}
				free(t, b)
			})
		})
	}
}

// What does not belong in the answer is left out, and a page that begins with the
// last version of the page before tells nothing twice.
func TestOddVersions(t *testing.T) {
	s := &script{answers: []answerFunc{
		says(200, versionsXML("true", "p/a", "v3", "p/a v3 2026-08-03T00:00:00Z", "q v 2026-08-01T00:00:00Z")),
		says(200, versionsXML("true", "p/a", "v2", "p/a v3 2026-08-03T00:00:00Z", "p/a v2 2026-08-02T00:00:00Z!")),
		says(200, versionsXML("false", "", "", "p/a v1 2026-08-01T00:00:00.5Z", "p/a v0 2026-07-31T00:00:00Z")),
	}}
	b := scripted(t, s, func(o *Options) { o.Versions = true })
	got, err := list(t.Context(), b, ListOptions{Prefix: "p/"})
	var ids []string
	for _, e := range got {
		ids = append(ids, fmt.Sprint(e.VersionID, e.Noncurrent))
	}
	if want := []string{"v3false", "v1true", "v0true"}; err != nil || !slices.Equal(ids, want) {
		t.Errorf("%q, %v; want %q", ids, err, want)
	}
	if !b.KeepsVersions() {
		t.Error("the bucket is said to keep none")
	}
	if want := "encoding-type=url&key-marker=p%2Fa&max-keys=1000&prefix=p%2F&version-id-marker=v2&versions="; s.reqs[2].URL.RawQuery != want {
		t.Errorf("asked %s, want %s", s.reqs[2].URL.RawQuery, want)
	}
}

// A version that is asked for by its name is that or an error: what the key holds
// now is no answer, be it the same bytes.
func TestAVersionIsNotThePresent(t *testing.T) {
	srv := s3test.New(t, s3test.Options{Versioned: true})
	o := srv.Put("k", s3test.Object{Body: []byte("old"), LastModified: begin})
	srv.Put("k", s3test.Object{Body: []byte("new"), LastModified: begin.Add(time.Hour)})
	b := open(t, srv, func(o *Options) { o.At = begin })
	then, err := b.Head(t.Context(), "k")
	if err != nil || then.VersionID != o.VersionID {
		t.Fatalf("%+v, %v", then, err)
	}
	read := func() (string, error) {
		body, err := b.OpenRange(t.Context(), then, 0, 3)
		if err != nil {
			return "", err
		}
		got, err := readAll(body)
		return string(got), err
	}
	if got, err := read(); got != "old" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	if a, err := b.Attributes(t.Context(), then); err != nil || a.VersionID != o.VersionID {
		t.Errorf("attributes: %+v, %v", a, err)
	}
	srv.AddRule(s3test.Rule{Match: func(r s3test.Request) bool { return r.VersionID != "" }, Times: 1, Action: s3test.Error(403, "AccessDenied")})
	srv.ResetLog()
	if _, err := read(); !errors.Is(err, iofs.ErrPermission) || srv.Count("") != 1 {
		t.Errorf("denied: %v after %q", err, srv.Requests())
	}
	srv.DeleteVersion("k", o.VersionID)
	srv.ResetLog()
	if _, err := read(); !errors.Is(err, ErrChanged) || srv.Count("") != 1 {
		t.Errorf("gone: %v after %q", err, srv.Requests())
	}
}
