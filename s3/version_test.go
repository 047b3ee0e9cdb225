package s3

import (
	"errors"
	iofs "io/fs"
	"strings"
	"sync"
	"testing"

	"s3mount/s3/s3test"
)

// versioned gives a server that keeps versions, and what an open file knows of
// "big" after its first GET.
func versioned(t *testing.T) (*s3test.Server, *Bucket, Object) {
	t.Helper()
	srv, b, o := serve(t, func(o *s3test.Options) { o.Versioned = true })
	body, err := b.OpenRange(t.Context(), o, 0, block)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := readAll(body); err != nil {
		t.Fatal(err)
	}
	if o.VersionID = body.VersionID(); o.VersionID == "" {
		t.Fatal("no version id")
	}
	return srv, b, o
}

func TestAPinnedVersionOutlivesItsObject(t *testing.T) {
	for name, change := range map[string]func(*s3test.Server){
		"replaced": func(srv *s3test.Server) { srv.Put("big", s3test.Object{Size: size}) },
		"deleted":  func(srv *s3test.Server) { srv.Delete("big") },
	} {
		t.Run(name, func(t *testing.T) {
			srv, b, o := versioned(t)
			change(srv)
			srv.ResetLog()
			if err := fetch(t, b, o, block, size); err != nil {
				t.Error(err)
			}
			if log := srv.Log(); len(log) != 1 || log[0].VersionID != o.VersionID || log[0].IfMatch != `"`+o.ETag+`"` {
				t.Errorf("asked %q", srv.Requests())
			}
			o.VersionID = ""
			if err := fetch(t, b, o, block, size); !errors.Is(err, ErrChanged) {
				t.Errorf("without the version id: %v, want ErrChanged", err)
			}
		})
	}
}

func TestABodyIsResumedFromItsVersion(t *testing.T) {
	srv, b, o := serve(t, func(o *s3test.Options) { o.Versioned = true })
	srv.AddRule(s3test.Rule{Op: s3test.Get, Times: 1, Action: s3test.Reset(block)})
	body, err := b.OpenRange(t.Context(), o, 0, size)
	if err != nil {
		t.Fatal(err)
	}
	srv.Put("big", s3test.Object{Size: size})
	got, err := readAll(body)
	if err != nil || len(got) != size {
		t.Fatalf("%d bytes, %v", len(got), err)
	}
	if err := s3test.CheckContent("big", `"`+o.ETag+`"`, got, 0); err != nil {
		t.Error(err)
	}
	if log := srv.Log(); len(log) != 2 || log[1].VersionID != body.VersionID() {
		t.Errorf("asked %q", srv.Requests())
	}
}

func TestAnObjectReplacedWhileItIsRead(t *testing.T) {
	srv, b, o := serve(t)
	if err := fetch(t, b, o, 0, block); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(){
		"by one of the same size": func() { srv.Put("big", s3test.Object{Size: size}) },
		"by a longer one":         func() { srv.Put("big", s3test.Object{Size: size + 1}) },
		"by a shorter one":        func() { srv.Put("big", s3test.Object{Size: block / 2}) },
		"by nothing":              func() { srv.Delete("big") },
	} {
		change()
		for _, ignored := range [][]string{nil, {"If-Match"}} { // by servers that do not know it
			srv.ClearRules()
			srv.ResetLog()
			if ignored != nil {
				srv.AddRule(s3test.Rule{Op: s3test.Get, Action: s3test.Ignore(ignored...)})
			}
			if err := fetch(t, b, o, block, 2*block); !errors.Is(err, ErrChanged) || srv.Count("") != 1 {
				t.Errorf("%s, ignoring %q: %v after %d GETs; want ErrChanged after one", name, ignored, err, srv.Count(""))
			}
		}
	}
}

// deniesVersions refuses what asks for a version.
var deniesVersions = s3test.Rule{Op: s3test.Get, Match: func(r s3test.Request) bool { return r.VersionID != "" }, Action: s3test.Error(403, "AccessDenied")}

func TestWithoutThePermissionForVersionsTheETagHasToDo(t *testing.T) {
	srv, b, o := versioned(t)
	srv.AddRule(deniesVersions)
	srv.ResetLog()
	if err := fetch(t, b, o, block, size); err != nil {
		t.Error(err)
	}
	if got := srv.Requests(); len(got) != 2 || !strings.Contains(got[0], "version=") || strings.Contains(got[1], "version=") {
		t.Errorf("asked %q, want one with and one without version", got)
	}
	srv.ResetLog()
	if err := fetch(t, b, o, block, size); err != nil || srv.Count("") != 1 {
		t.Errorf("the next time: asked %q, %v; want one GET", srv.Requests(), err)
	}
	srv.Put("big", s3test.Object{Size: size})
	if err := fetch(t, b, o, block, size); !errors.Is(err, ErrChanged) {
		t.Errorf("replaced: %v, want ErrChanged", err)
	}
}

func TestManyReadersFindOutAboutVersionsAtOnce(t *testing.T) {
	srv, b, o := versioned(t)
	arrived := make(chan struct{})
	rule := deniesVersions
	rule.Action = s3test.All(s3test.Error(403, "AccessDenied"), s3test.Hold(s3test.BeforeHeaders, arrived))
	srv.AddRule(rule)
	srv.ResetLog()
	var readers sync.WaitGroup
	for range 8 {
		readers.Go(func() {
			if err := fetch(t, b, o, 0, 100); err != nil {
				t.Error(err)
			}
		})
	}
	if err := srv.WaitRequests(t.Context(), 8); err != nil {
		t.Error(err)
	}
	close(arrived)
	readers.Wait()
}

func TestADenialThatIsNotAboutVersionsChangesNothing(t *testing.T) {
	tests := []struct {
		name   string
		action s3test.Action
		want   error
	}{
		{"of everything", s3test.Error(403, "AccessDenied"), iofs.ErrPermission},
		{"of what is archived", s3test.Error(403, "InvalidObjectState"), ErrArchived},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			srv, b, o := versioned(t)
			srv.AddRule(s3test.Rule{Op: s3test.Get, Action: tt.action})
			if err := fetch(t, b, o, block, size); !errors.Is(err, tt.want) {
				t.Errorf("%v, want %v", err, tt.want)
			}
			srv.ClearRules()
			srv.Delete("big")
			if err := fetch(t, b, o, block, size); err != nil {
				t.Errorf("permitted again: %v; want the version", err)
			}
		})
	}
}

func TestARangeOfAnArchivedObject(t *testing.T) {
	srv := s3test.New(t, s3test.Options{Objects: map[string]s3test.Object{"k": {Size: 10, StorageClass: "DEEP_ARCHIVE"}}})
	b := open(t, srv)
	if _, err := b.OpenRange(t.Context(), object(t, srv, "k"), 0, 10); !errors.Is(err, ErrArchived) || errors.Is(err, iofs.ErrPermission) || srv.Count("") != 1 {
		t.Errorf("%v after %d GETs, want ErrArchived after one", err, srv.Count(""))
	}
}
