//go:build linux

package integration

import (
	"fmt"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"testing"

	"s3mount/integration/rig"
	"s3mount/s3/s3test"
)

// The rows L of docs/reliability.md: what a listing is, whatever the server says.

// Directories around the size of a page, of files, of directories, of both.
func TestL1DirectoriesOfAllSizes(t *testing.T) {
	srv := s3test.New(t, s3test.Options{Text: map[string]string{"0/": ""}})
	want := map[string][]string{"0": nil}
	for _, n := range []int{1, 999, 1000, 1001, 12_000} {
		srv.PutRange(n, func(i int) string { return fmt.Sprintf("%d/%05d", n, i) }, s3test.Object{})
		for i := range n {
			want[fmt.Sprint(n)] = append(want[fmt.Sprint(n)], fmt.Sprintf("%05d", i))
		}
	}
	for i := range 1500 {
		file, dir := fmt.Sprintf("%04d-f", i), fmt.Sprintf("%04d-d", i)
		srv.Put("dirs/"+dir+"/x", s3test.Object{})
		srv.Put("mixed/"+file, s3test.Object{})
		srv.Put("mixed/"+dir+"/x", s3test.Object{})
		want["dirs"] = append(want["dirs"], dir)
		want["mixed"] = append(want["mixed"], dir, file)
	}
	for _, flags := range [][]string{nil, {"--metadata-ttl", "0"}} {
		m := mountTest(t, srv, flags...)
		for name, names := range want {
			got := lines(sh(t, m, m.Dir, "ls -U1 "+name))
			if slices.Sort(got); !slices.Equal(got, names) {
				t.Errorf("with %q: ls %s says %d names, want %d", flags, name, len(got), len(names))
			}
		}
		wantSettled(t, m)
	}
}

// A million names: the first ones are there long before the last, all come, and
// the daemon stays small. K12: a name that is not among them costs no listing.
func TestL1AMillionNames(t *testing.T) {
	million := 1_000_000
	if runtime.GOMAXPROCS(0) == 1 { // make test is here for the second time, and looks for other things
		million /= 20
	}
	srv := s3test.New(t, s3test.Options{})
	srv.PutRange(million, func(i int) string { return fmt.Sprintf("d/%07d", i) }, s3test.Object{Size: 1})
	m := mountTest(t, srv)
	t.Run("K12 look-up of a missing name", func(t *testing.T) {
		sh(t, m, m.Dir, `stat d >/dev/null`)
		middle, last := fmt.Sprintf("d/%07dx", million/2), fmt.Sprintf("d/%07d", million-1)
		for script, want := range map[string][]string{
			"stat " + middle + " 2>&1 || true": {"HEAD " + middle, "LIST " + middle + "/ flat"},
			"stat " + last:                     {"HEAD " + last, "LIST " + last + "/ flat"},
		} {
			srv.ResetLog()
			sh(t, m, m.Dir, script)
			got := srv.Requests()
			if slices.Sort(got); !slices.Equal(got, want) {
				t.Errorf("%s asked %q, want %q", script, got, want)
			}
		}
	})
	release := make(chan struct{})
	srv.AddRule(s3test.Rule{Op: s3test.List, Skip: 5, Action: s3test.Hold(s3test.BeforeHeaders, release)})
	first := sh(t, m, m.Dir, `set +o pipefail; ls -U1 d | head -n 900 | tail -n 1`)
	same(t, "the 900th name, while later pages are held", first, "0000899\n")
	srv.ClearRules()
	close(release)
	got := sh(t, m, m.Dir, `ls -U1 d | sha256sum`)
	same(t, "the names", got, sh(t, nil, "/", fmt.Sprintf(`seq -f %%07.0f 0 %d | sha256sum`, million-1)))
	if peak := peakMemory(t, m); peak > 256<<20 { // 88 MiB were seen
		t.Errorf("the daemon took %d MiB", peak>>20)
	}
}

// object and folded are entries of a listing's XML, document is the whole.
func object(keys ...string) (xml string) {
	for _, key := range keys {
		xml += "<Contents><Key>" + key + "</Key><Size>1</Size><ETag>&quot;x&quot;</ETag></Contents>"
	}
	return xml
}

func folded(prefixes ...string) (xml string) {
	for _, p := range prefixes {
		xml += "<CommonPrefixes><Prefix>" + p + "</Prefix></CommonPrefixes>"
	}
	return xml
}

func document(parts ...string) string {
	return `<?xml version="1.0" encoding="UTF-8"?><ListBucketResult>` + strings.Join(parts, "") + `</ListBucketResult>`
}

const (
	last      = "<IsTruncated>false</IsTruncated>"
	truncated = "<IsTruncated>true</IsTruncated>"
)

func token(word any) string {
	return fmt.Sprintf("<NextContinuationToken>%v</NextContinuationToken>", word)
}

// Listings that are not as they should be: `ls` says what can be believed, or that
// it failed; never a part as if it were all. The server is asked for "d/".
func TestListingsThatLie(t *testing.T) {
	const failed = "fails"
	urls := "<EncodingType>url</EncodingType>"
	rows := []struct {
		name string
		page func(n int) string // the nth answer, from 0
		want string             // names, or failed
		most int                // requests
	}{
		{"L2 more, and no token", func(int) string { return document(truncated, object("d/a")) }, failed, 3},
		{"L2 the end, and a token", func(int) string { return document(last, token("t"), object("d/a")) }, "a", 1},
		{"L3 one token for ever", func(n int) string { return document(truncated, token("t"), object(fmt.Sprintf("d/%04d", n))) }, failed, 3},
		{"L3 two tokens in turn", func(n int) string { return document(truncated, token(n%2), object(fmt.Sprintf("d/%04d", n))) }, failed, 4},
		{"L3 empty pages for ever", func(n int) string { return document(truncated, token(n)) }, failed, 110},
		{"L3 one page for ever", func(n int) string { return document(truncated, token(n), object("d/a", "d/b")) }, failed, 110},
		{"L3 empty pages, and an end", func(n int) string {
			if n < 20 {
				return document(truncated, token(n))
			}
			return document(last, object("d/a"))
		}, "a", 21},
		{"L5 cut", func(int) string { return strings.TrimSuffix(document(last, object("d/a")), "Result>") }, failed, 3},
		{"L5 another document", func(int) string { return "<html><body>Sign in</body></html>" }, failed, 3},
		{"L5 two of them", func(int) string { return document(last) + document(last) }, failed, 3},
		{"L5 in UTF-16", func(int) string { return "\xff\xfe<\x00a\x00/\x00>\x00" }, failed, 3},
		{"L5 decorated", func(int) string {
			return "\ufeff<!-- x --><s:ListBucketResult xmlns:s='urn:x'><New/>" + last + "<Contents><Key><![CDATA[d/a]]></Key><New>1</New><Size>1</Size></Contents></s:ListBucketResult>"
		}, "a", 1},
		{"L6 entities of entities", func(int) string {
			return `<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;"><!ENTITY c SYSTEM "file:///etc/passwd">]>` + document(last, object("d/&b;&c;"))
		}, failed, 3},
		// What takes long to send may be asked for once more, beside its attempts.
		{"L6 deep", func(int) string { return document(last, strings.Repeat("<a>", 1_000_000)) }, failed, 4},
		{"L6 long", func(int) string { return document(last, strings.Repeat(" ", 17<<20)) }, failed, 4},
		{"L6 many", func(int) string { return document(last, strings.Repeat("<Contents/>", 1_000_000)) }, failed, 4},
		{"L7 keys of elsewhere", func(int) string {
			return document(last, object("e/x", "d", "d/a", "/d/x", "", "d/x/y", "d/", "../x"), folded("e/", "d/", "d/b", "d/c/", "d/c/d/"))
		}, "a c", 1},
		{"L8 no order, and twice", func(int) string {
			return document(last, object("d/b", "d/a", "d/b", "d/c"), folded("d/c/", "d/a/", "d/c/"))
		}, "a b c", 1},
		{"L8 over two pages", func(n int) string {
			if n == 0 {
				return document(truncated, token("t"), object("d/a", "d/c"), folded("d/b/"))
			}
			return document(last, object("d/a", "d/b"), folded("d/c/"))
		}, "a b c", 2},
		{"L9 not encoded", func(int) string { return document(last, object("d/a%20b+c")) }, "a%20b+c", 1},
		{"L9 encoded in both ways", func(int) string { return document(last, urls, object("d/a+b", "d/a%2Bc", "d/a%20d")) }, "'a b' 'a d' a+c", 1},
		{"L9 encoded badly", func(int) string { return document(last, urls, object("d/%zz", "d/a", "d/%2")) }, "a", 1},
	}
	srv := s3test.New(t, s3test.Options{Text: map[string]string{"d/well": "x", "e/x": "not to be seen"}})
	// Nothing here takes long but on a busy machine.
	m := mountPrefix(t, srv, "d/", append(quick, "--metadata-ttl", "0", "--deadline", "9s", "--idle-timeout", "3s")...)
	before := peakMemory(t, m)
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			n, log := 0, len(failures(m))
			srv.ResetLog()
			srv.AddRule(s3test.Rule{Op: s3test.List, Action: s3test.Func(func(w http.ResponseWriter, _ *http.Request) {
				n++
				w.Write([]byte(row.page(n - 1)))
			})})
			var r rig.Result
			within(t, patience, func() { r = try(t, m, m.Dir, shell(`ls --quoting-style=shell .`)) })
			if row.want == failed {
				if r.Code != 2 || !strings.Contains(r.Stderr, "Input/output error") || strings.Contains(r.Stdout, "a\na\n") {
					t.Errorf("ls says %d %q %q, want an Input/output error", r.Code, r.Stdout, r.Stderr)
				}
				wantFailures(t, m, log, 1)
			} else if got := strings.Join(lines(r.Stdout), " "); got != row.want || r.Code != 0 || r.Stderr != "" {
				t.Errorf("ls says %q, %d %s; want %q", got, r.Code, r.Stderr, row.want)
			}
			if got := srv.Count(s3test.List); got > row.most {
				t.Errorf("%d requests, want at most %d", got, row.most)
			}
			srv.ClearRules()
			same(t, "afterwards, ls", sh(t, m, m.Dir, `ls`), "well\n")
			wantSettled(t, m)
		})
	}
	if grown := peakMemory(t, m) - before; grown > 256<<20 {
		t.Errorf("the daemon grew by %d MiB", grown>>20)
	}
}

// L10: what a listing says of an object is not always a size, a tag or a date.
// Where HEAD knows better it is taken; the entry is never of a wrong size.
func TestL10OddFacts(t *testing.T) {
	srv := s3test.New(t, s3test.Options{Text: map[string]string{"d/a": "bytes of a", "d/b": "b"}})
	for _, size := range []string{"", "<Size/>", "<Size>-1</Size>", "<Size>1e3</Size>", "<Size>9223372036854775808</Size>"} {
		for _, more := range []string{"", "<ETag>abc</ETag>", "<LastModified>2026-02-03T06:05:06.5+02:00</LastModified>", "<LastModified>yesterday</LastModified>"} {
			srv.ClearRules()
			srv.AddRule(s3test.Rule{Op: s3test.List, Match: func(q s3test.Request) bool {
				return !strings.HasPrefix(q.Key, "d/a") && !strings.HasPrefix(q.Key, "d/b")
			},
				Action: s3test.Reply(200, document(last, "<Contents><Key>d/a</Key>"+size+more+"</Contents>", object("d/b")))})
			m := mountTest(t, srv, quick...)
			got := sh(t, m, m.Dir, `ls d; stat -c %s d/a; cat d/a`)
			same(t, fmt.Sprintf("with %s%s", size, more), got, "a\nb\n10\nbytes of a")
		}
	}
}

// L4: a listing that breaks off is no short directory.
func TestL4TheThirdPageFailsForEver(t *testing.T) {
	fresh := func() *s3test.Server {
		srv := s3test.New(t, s3test.Options{})
		srv.PutRange(2500, func(i int) string { return fmt.Sprintf("d/%04d", i) }, s3test.Object{Size: 1})
		return srv
	}
	commands := []string{`ls d`, `ls -U d >/dev/null`, `find d -type f >/dev/null`, `du -s d`, `cp -r d "$TMP/never"`, `tar -cf /dev/null --sort=name d`}
	for name, fault := range map[string]s3test.Action{
		"500": s3test.Error(500, "InternalError"), "503": s3test.Error(503, "SlowDown"), "reset": s3test.Reset(500),
		"no answer": s3test.Stall(s3test.BeforeHeaders), "an error in a 200": s3test.Error(200, "InternalError"), "a proxy's page": s3test.HTML(),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv, commands := fresh(), commands
			if name == "no answer" { // each takes its patience
				commands = commands[:2]
			}
			m := mountTest(t, srv, append(quick, "--metadata-ttl", "1h")...)
			pages := 0
			srv.AddRule(s3test.Rule{Op: s3test.List, Match: func(q s3test.Request) bool {
				if q.Token == "" && q.StartAfter == "" {
					return false
				}
				pages++
				return pages > 1
			}, Action: fault})
			for _, command := range commands {
				cmd := shell(command)
				cmd.Env = append(cmd.Env, "TMP="+t.TempDir())
				var r rig.Result
				log := len(failures(m))
				within(t, patience, func() { r = try(t, m, m.Dir, cmd) })
				if r.Code == 0 || !strings.Contains(r.Stderr, "Input/output error") && !strings.Contains(r.Stderr, "timed out") {
					t.Errorf("%s: exit code %d, %s", command, r.Code, excerpt(r.Stderr))
				}
				if strings.HasPrefix(command, "ls") && r.Code != 2 {
					t.Errorf("%s: exit code %d, want 2", command, r.Code)
				}
				wantFailures(t, m, log, 1)
			}
			srv.ClearRules()
			same(t, "afterwards", sh(t, m, m.Dir, `ls d | wc -l; ls d | tail -n 1`), "2500\n2499\n")
			wantSettled(t, m)
		})
	}
}
