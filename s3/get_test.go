package s3

import (
	"errors"
	"io"
	iofs "io/fs"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"s3mount/s3/s3test"
)

const (
	block  = 128 << 10
	size   = maxSkip + 3*block + 17
	middle = 5 * block // begin of the ranges that faults are met with
)

// serve gives a server with one object "big" of generated content.
func serve(t testing.TB, edits ...func(*s3test.Options)) (*s3test.Server, *Bucket, Object) {
	t.Helper()
	o := s3test.Options{Objects: map[string]s3test.Object{"big": {Size: size}}}
	for _, edit := range edits {
		edit(&o)
	}
	srv := s3test.New(t, o)
	return srv, open(t, srv), object(t, srv, "big")
}

// fetch reads a span, and holds every byte to what the object has there, also
// of what came before an error.
func fetch(t testing.TB, b *Bucket, o Object, off, end int64) error {
	t.Helper()
	body, err := b.OpenRange(t.Context(), o, off, end)
	if err != nil {
		return err
	}
	defer body.Close()
	got, err := io.ReadAll(body)
	if wrong := s3test.CheckContent(o.Key, `"`+o.ETag+`"`, got, off); wrong != nil {
		t.Errorf("bytes [%d, %d): %v", off, end, wrong)
	}
	if n := int64(len(got)); err == nil && n != end-off || n > end-off {
		t.Errorf("%d bytes of [%d, %d), error %v", n, off, end, err)
	}
	return err
}

func TestOpenRangeGivesTheBytesAskedFor(t *testing.T) {
	srv, b, o := serve(t)
	edges := []int64{0, 1, block - 1, block, block + 1, 2 * block, 2*block + 1, size - 1, size}
	for _, off := range edges {
		for _, end := range edges {
			if off >= end {
				continue
			}
			srv.ResetLog()
			if err := fetch(t, b, o, off, end); err != nil {
				t.Errorf("[%d, %d): %v", off, end, err)
			}
			log := srv.Log()
			if len(log) != 1 || log[0].Range != (span{off, end}).header() || log[0].IfMatch != `"`+o.ETag+`"` {
				t.Errorf("[%d, %d) is asked for with %q", off, end, srv.Requests())
			}
		}
	}
	if n := srv.Conns(); n > 0 { // since the last ResetLog
		t.Errorf("%d new connections; want the one of before", n)
	}
	free(t, b)
}

// A replyRow is one way to answer a GET of [middle, middle+2*block).
type replyRow struct {
	name   string
	action s3test.Action
	always error // what it is when every GET is answered so; nil: all is well; errProtocol: after all attempts
}

func replies() []replyRow {
	html := strings.Repeat("<p>Sign in</p>\n", 2*block/15+1)[:2*block]
	right := (span{middle, middle + 2*block}).contentRange(size)
	set := s3test.SetHeader
	return []replyRow{
		{"an error as 200", s3test.Error(200, "InternalError"), errProtocol},
		{"an error as 206", s3test.Error(206, "InternalError"), errProtocol},
		{"an error as 206 in the right place", s3test.Error(206, "InternalError", "Content-Range: "+right), errProtocol},
		{"a page as 200", s3test.HTML(), errProtocol},
		{"a page as 206 of the right length and place", s3test.Reply(206, html, "Content-Type: text/html", "Content-Range: "+right), errProtocol},
		{"Range ignored", s3test.Ignore("Range"), nil},
		{"Range ignored, and another length", s3test.All(s3test.Ignore("Range"), s3test.Grow(5)), ErrChanged},
		{"Range ignored, and no length", s3test.All(s3test.Ignore("Range"), s3test.Chunked()), errProtocol},
		{"a place before", s3test.ShiftRange(-1), errProtocol},
		{"a place behind", s3test.ShiftRange(block), errProtocol},
		{"no place", set("Content-Range"), errProtocol},
		{"a place in another unit", set("Content-Range", "lines 0-9/10"), errProtocol},
		{"a place of unknown total", set("Content-Range", strings.Replace(right, "/1441809", "/*", 1)), errProtocol},
		{"several places", s3test.All(set("Content-Range"), set("Content-Type", "multipart/byteranges; boundary=x")), errProtocol},
		{"a place that is none", set("Content-Range", "bytes 9-0/10"), errProtocol},
		{"a smaller total", s3test.WrongTotal(-1), ErrChanged},
		{"a larger total", s3test.WrongTotal(1), ErrChanged},
		{"another ETag", set("ETag", `"another"`), ErrChanged},
		{"no ETag", set("ETag"), errProtocol},
		{"fewer bytes", s3test.Cut(-1), errProtocol},
		{"no bytes", s3test.Cut(0), errProtocol},
		{"more bytes", s3test.Grow(1000), nil},
		{"more bytes than it says", s3test.Surplus(1000), nil},
		{"in chunks", s3test.Chunked(), nil},
		{"as long as the connection lasts", s3test.Unframed(), nil},
		{"more bytes in chunks", s3test.All(s3test.Grow(1000), s3test.Chunked()), nil},
		{"compressed on its way", s3test.All(set("Content-Encoding", "gzip"), s3test.Chunked()), errProtocol},
		{"stored compressed", set("Content-Encoding", "gzip"), nil},
		{"412", s3test.Error(412, "PreconditionFailed"), ErrChanged},
		{"404", s3test.Error(404, "NoSuchKey"), ErrChanged},
		{"416", s3test.Error(416, "InvalidRange"), ErrChanged},
		{"403", s3test.Error(403, "AccessDenied"), iofs.ErrPermission},
		{"archived", s3test.Error(403, "InvalidObjectState"), ErrArchived},
		{"503", s3test.Error(503, "SlowDown"), errTrouble},
		{"500", s3test.Error(500, "InternalError"), errTrouble},
		{"an answer that is none", s3test.Raw("SSH-2.0-OpenSSH_9\r\n"), errTrouble},
	}
}

// errTrouble stands for an error that is none of the named ones.
var errTrouble = errors.New("trouble")

func (s span) contentRange(total int64) string {
	return strings.Replace(s.header(), "=", " ", 1) + "/" + strconv.FormatInt(total, 10)
}

func TestOddRepliesToAGet(t *testing.T) {
	for _, tt := range replies() {
		t.Run(tt.name, func(t *testing.T) {
			srv, b, o := serve(t)
			final := tt.always != nil && tt.always != errProtocol && tt.always != errTrouble

			srv.AddRule(s3test.Rule{Op: s3test.Get, Times: 1, Action: tt.action})
			begin := time.Now()
			err := fetch(t, b, o, middle, middle+2*block)
			if final {
				if !errors.Is(err, tt.always) || srv.Count("") != 1 {
					t.Errorf("once: after %d requests: %v; want %v after one", srv.Count(""), err, tt.always)
				}
			} else if err != nil || time.Since(begin) > 2*time.Second {
				t.Errorf("once: after %v: %v", time.Since(begin), err)
			}

			srv.ClearRules()
			srv.ResetLog()
			srv.AddRule(s3test.Rule{Op: s3test.Get, Action: tt.action})
			err = fetch(t, b, o, middle, middle+2*block)
			switch {
			case tt.always == nil:
				if err != nil || srv.Count("") != 1 {
					t.Errorf("always: after %d requests: %v", srv.Count(""), err)
				}
			case final:
				if !errors.Is(err, tt.always) || srv.Count("") != 1 {
					t.Errorf("always: after %d requests: %v; want %v after one", srv.Count(""), err, tt.always)
				}
			default:
				if e := asError(t, err); errors.Is(err, ErrChanged) || errors.Is(err, iofs.ErrNotExist) || errors.Is(err, iofs.ErrPermission) ||
					errors.Is(err, errProtocol) != (tt.always == errProtocol) || srv.Count("") != quick.Attempts || e.Attempts != quick.Attempts {
					t.Errorf("always: after %d requests: %v; want %v after %d", srv.Count(""), err, tt.always, quick.Attempts)
				}
			}

			srv.ClearRules()
			if err := fetch(t, b, o, middle, middle+2*block); err != nil {
				t.Errorf("when the server is well again: %v", err)
			}
			for _, r := range srv.Log() {
				if r.IfMatch != `"`+o.ETag+`"` {
					t.Errorf("a GET with If-Match %q", r.IfMatch)
				}
			}
			free(t, b)
		})
	}
}

func TestAServerThatIgnoresRange(t *testing.T) {
	srv, b, o := serve(t)
	srv.AddRule(s3test.Rule{Op: s3test.Get, Action: s3test.Ignore("Range")})
	for _, tt := range []struct {
		off, end int64
		ok       bool
	}{{0, 1, true}, {0, size, true}, {1, 2, true}, {maxSkip, maxSkip + block, true}, {maxSkip + 1, maxSkip + 2, false}, {size - 1, size, false}} {
		if err := fetch(t, b, o, tt.off, tt.end); (err == nil) != tt.ok || err != nil && !errors.Is(err, errProtocol) {
			t.Errorf("[%d, %d): %v; want success: %v", tt.off, tt.end, err, tt.ok)
		}
	}
}

func TestContentRange(t *testing.T) {
	for h, want := range map[string]bool{
		"bytes 0-9/100": true, "bytes 99-99/100": true, "bytes 0-0/1": true, "bytes 0-4611686018427387902/9223372036854775807": true,
		"": false, "bytes": false, "bytes ": false, "bytes */100": false, "bytes 0-9/*": false, "bytes 9-0/100": false, "bytes 0-100/100": false,
		"bytes -9/100": false, "bytes 0-/100": false, "bytes 0-9": false, "items 0-9/100": false, "bytes=0-9/100": false, "Bytes 0-9/100": false,
		"bytes +0-9/100": false, "bytes 0-9/100, 20-29/100": false, "bytes 0-9/1e3": false, "bytes 0-9/ 100": false, "bytes 0-9223372036854775807/9223372036854775807": false,
		"bytes 0-18446744073709551615/18446744073709551616": false,
	} {
		if _, _, err := parseContentRange(h); (err == nil) != want {
			t.Errorf("%q: %v; want success: %v", h, err, want)
		}
	}
}

func TestVersionsToldApartByDate(t *testing.T) {
	at := time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC)
	for _, etag := range []string{"", `W/"weak"`} {
		t.Run("ETag "+etag, func(t *testing.T) {
			srv := s3test.New(t, s3test.Options{})
			put := func(at time.Time) { srv.Put("k", s3test.Object{Size: 1000, ETag: `W/"weak"`, LastModified: at}) }
			put(at)
			if etag == "" {
				srv.AddRule(s3test.Rule{Action: s3test.SetHeader("ETag")})
			}
			b := open(t, srv)
			o, err := b.Head(t.Context(), "k")
			if err != nil {
				t.Fatal(err)
			}
			got, err := list(t.Context(), b, ListOptions{})
			if err != nil || len(got) != 1 || etag != "" && got[0].ETag != o.ETag {
				t.Errorf("listed as %+v, %v; head says %q", got, err, o.ETag)
			}
			read := func() error {
				body, err := b.OpenRange(t.Context(), o, 0, 1000)
				if err != nil {
					return err
				}
				_, err = readAll(body)
				return err
			}
			if err := read(); err != nil {
				t.Error(err)
			}
			put(at.Add(time.Second))
			if err := read(); !errors.Is(err, ErrChanged) {
				t.Errorf("replaced a second later: %v, want ErrChanged", err)
			}
			if sent := srv.Log(); slices.ContainsFunc(sent, func(r s3test.Request) bool { return r.IfMatch != "" }) {
				t.Errorf("If-Match with a weak ETag or none: %+v", sent)
			}
		})
	}
}

// A server that gives neither ETag nor date cannot say which version a reply is
// of: two versions of one size would be mixed.
func TestWithoutTagAndDateNothingIsRead(t *testing.T) {
	srv := s3test.New(t, s3test.Options{Text: map[string]string{"k": "AAAA"}})
	srv.AddRule(s3test.Rule{Action: s3test.All(s3test.SetHeader("ETag"), s3test.SetHeader("Last-Modified"))})
	b := open(t, srv)
	o, err := b.Head(t.Context(), "k")
	if err != nil {
		t.Fatal(err)
	}
	srv.ResetLog()
	if _, err := b.OpenRange(t.Context(), o, 0, 4); err == nil || errors.Is(err, ErrChanged) || len(srv.Requests()) != 0 {
		t.Errorf("%v after %q; want an error that is not a change, and no request", err, srv.Requests())
	}
}

// The version that was pinned is gone, and a later one has the same bytes and
// ETag: uploaded again, and the first one expired.
func TestAPinnedVersionThatIsGone(t *testing.T) {
	srv := s3test.New(t, s3test.Options{Versioned: true})
	srv.Put("k", s3test.Object{Size: 1000, ETag: `"same"`})
	b := open(t, srv)
	o, err := b.Head(t.Context(), "k")
	if err != nil {
		t.Fatal(err)
	}
	now := o.VersionID
	o.VersionID = "expired"
	body, err := b.OpenRange(t.Context(), o, 0, 1000)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := readAll(body); err != nil || len(got) != 1000 || body.VersionID() != now {
		t.Errorf("%d bytes of version %q, %v; want 1000 of %q", len(got), body.VersionID(), err, now)
	}
	o.ETag = "other"
	if _, err := b.OpenRange(t.Context(), o, 0, 1000); !errors.Is(err, ErrChanged) {
		t.Errorf("another version: %v, want ErrChanged", err)
	}
}

func TestAListingWithoutETagsAndGetsWithThem(t *testing.T) {
	at := time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC)
	h := http.Header{"Etag": {`"real"`}, "Last-Modified": {at.Format(http.TimeFormat)}}
	for tag, want := range map[string]bool{
		"real":                                true,
		versionTag("", at):                    true,
		versionTag("", at.Add(500e6)):         true, // listings have fractions
		versionTag("", at.Add(time.Second)):   false,
		versionTag("", time.Time{}):           false,
		versionTag(`"other"`, at):             false,
		versionTag(`W/"real"`, at):            true,
		versionTag(`W/"other"`, at):           false, // within the second, and yet another
		datedTag:                              false,
		datedTag + at.Format(http.TimeFormat): false,
	} {
		if got := sameVersion(tag, h); got != want {
			t.Errorf("a reply with %v is of version %q: %v, want %v", h, tag, got, want)
		}
	}
}
