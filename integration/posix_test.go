//go:build linux

package integration

import (
	"bytes"
	"fmt"
	iofs "io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"s3mount/integration/rig"
	"s3mount/s3/s3test"
)

// A writer stores a file's attributes as a program does.
type writer struct {
	markers bool // it stores directories, too
	meta    func(st *syscall.Stat_t) map[string]string
}

var writers = map[string]writer{
	// github.com/s3fs-fuse/s3fs-fuse, src/metaheader.cpp
	"s3fs": {true, func(st *syscall.Stat_t) map[string]string {
		at := func(ts syscall.Timespec) string { return fmt.Sprintf("%d.%09d", ts.Sec, ts.Nsec) }
		return map[string]string{
			"mode": strconv.Itoa(int(st.Mode)), "uid": strconv.Itoa(int(st.Uid)), "gid": strconv.Itoa(int(st.Gid)),
			"mtime": at(st.Mtim), "ctime": at(st.Ctim), "atime": at(st.Atim),
		}
	}},
	// rclone --metadata: github.com/rclone/rclone, backend/s3/s3.go, backend/local/metadata.go
	"rclone": {false, func(st *syscall.Stat_t) map[string]string {
		return map[string]string{
			"mode": strconv.FormatInt(int64(st.Mode), 8), "uid": strconv.Itoa(int(st.Uid)), "gid": strconv.Itoa(int(st.Gid)),
			"mtime": fmt.Sprintf("%d.%09d", st.Mtim.Sec, st.Mtim.Nsec),
			"atime": time.Unix(st.Atim.Unix()).Format(time.RFC3339Nano), "btime": time.Unix(st.Ctim.Unix()).Format(time.RFC3339Nano),
		}
	}},
	// https://docs.aws.amazon.com/fsx/latest/LustreGuide/posix-metadata-support.html
	"fsx": {true, func(st *syscall.Stat_t) map[string]string {
		at := func(ts syscall.Timespec) string { return strconv.FormatInt(ts.Nano(), 10) + "ns" }
		return map[string]string{
			"file-permissions": fmt.Sprintf("%07o", st.Mode), "file-owner": strconv.Itoa(int(st.Uid)), "file-group": strconv.Itoa(int(st.Gid)),
			"file-mtime": at(st.Mtim), "file-atime": at(st.Atim), "user-agent": "aws-fsx-lustre",
		}
	}},
}

// storeAs stores the tree below dir in the bucket as a writer does.
func (w writer) storeAs(t testing.TB, bucket, prefix, dir string) {
	t.Helper()
	if err := filepath.WalkDir(dir, func(path string, d iofs.DirEntry, err error) error {
		if err != nil || path == dir {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		name, _ := filepath.Rel(dir, path)
		key, body := prefix+name, []byte(nil)
		switch {
		case d.IsDir() && !w.markers:
			return nil
		case d.IsDir():
			key += "/"
		case d.Type() == iofs.ModeSymlink:
			var target string
			target, err = os.Readlink(path)
			body = []byte(target)
		default:
			body, err = os.ReadFile(path)
		}
		if err != nil {
			return err
		}
		return gateway(t).PutMeta(t.Context(), bucket, key, bytes.NewReader(body), w.meta(info.Sys().(*syscall.Stat_t)))
	}); err != nil {
		t.Fatal(err)
	}
}

// attributed makes a tree of files with attributes of all sorts.
const attributed = `
mkdir -p open closed/in sticky plain
printf one > open/one;      chmod 0644 open/one;    chown 1000:100 open/one
printf two > open/two;      chmod 0755 open/two;    chown 0:0 open/two
printf sss > open/secret;   chmod 0600 open/secret; chown 1234:5678 open/secret
:          > open/empty;    chmod 0400 open/empty;  chown 65534:65534 open/empty
printf no  > open/nothing;  chmod 0000 open/nothing
printf in  > closed/in/it;  chmod 0640 closed/in/it
printf p   > plain/p
ln -s one open/link
ln -s ../open closed/dir
ln -s /nowhere/at/all open/broken
ln -s "with blanks and ü" plain/odd
chown -h 1000:100 open/link
touch -h -d '2001-02-03 04:05:06.123456789 UTC' open/link closed/dir open/broken plain/odd
touch -d '1999-12-31 23:59:59.987654321 UTC' open/one open/empty open/nothing
touch -d '2020-02-29 12:00:00.5 UTC' open/two open/secret closed/in/it plain/p
chmod 0750 closed; chown 7:8 closed; chmod 01777 sticky; chmod 0711 closed/in
touch -d '2010-10-10 10:10:10.1 UTC' open closed/in sticky plain
touch -d '2011-11-11 11:11:11.1 UTC' closed
`

// shows is what find shows of a tree; of directories only where the writer stored them.
func shows(t testing.TB, m *rig.Mount, dir string, markers bool) string {
	t.Helper()
	script := `find . -mindepth 1 ! -type d -printf '%P %y %m %U %G %T+ %s %l\n'`
	if markers {
		script += `; find . -mindepth 1 -type d -printf '%P %y %m %U %G %T+\n'`
	}
	out := sh(t, m, dir, script)
	list := lines(out)
	slices.Sort(list)
	return strings.Join(list, "\n")
}

// Files as each of the writers stores them, seen on the mount and in copies that
// rsync, cp and tar make of it: as they were.
func TestPosixMetadata(t *testing.T) {
	needRoot(t) // to make the files
	needTool(t, "rsync")
	local := t.TempDir()
	sh(t, nil, local, attributed)
	b := bucket(t, false)
	for name, w := range writers {
		w.storeAs(t, b, name+"/", local)
	}
	m := mount(t, "s3://"+b, "--posix-metadata")
	for name, w := range writers {
		src := filepath.Join(m.Dir, name)
		want := shows(t, nil, local, w.markers)
		if got := shows(t, m, src, w.markers); got != want {
			t.Errorf("%s: on the mount\n%s\nwant\n%s", name, got, want)
		}
		for program, script := range map[string]string{
			"rsync": `rsync -a "$SRC/" .`,
			"cp":    `cp -a "$SRC/." .`,
			"tar":   `tar -C "$SRC" --format=posix -cf - . | tar -xpf - --numeric-owner`,
		} {
			to := t.TempDir()
			sh(t, m, to, `SRC="`+src+`"`+"\n"+script)
			if got := shows(t, nil, to, w.markers); got != want {
				t.Errorf("%s: copied with %s\n%s\nwant\n%s", name, program, got, want)
			}
		}
		if w.markers {
			if out := sh(t, m, "/", `rsync -anic --delete --out-format='%i %n' "`+src+`/" "`+local+`/" | grep -v '^\.d[^ ]* \./$' || true`); out != "" {
				t.Errorf("%s: rsync would change\n%s", name, out)
			}
		}
		out := sh(t, m, src, `cat open/link; cat closed/dir/two; readlink plain/odd; find . -type l | wc -l; [ -L open/broken ] && ! [ -e open/broken ]; ls -l open | grep -c ' link -> one$'`)
		if want := "onetwowith blanks and ü\n4\n1\n"; out != want {
			t.Errorf("%s: links: %q, want %q", name, out, want)
		}
	}
}

// withMeta is an object of long ago with metadata, "name", "value", and so on.
func withMeta(body string, meta ...string) s3test.Object {
	h := http.Header{}
	for i := 0; i < len(meta); i += 2 {
		h.Set("X-Amz-Meta-"+meta[i], meta[i+1])
	}
	return s3test.Object{Body: []byte(body), Header: h, LastModified: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
}

// The kernel checks what is shown.
func TestPosixMetadataPermissions(t *testing.T) {
	needRoot(t) // to become other users
	srv := s3test.New(t, s3test.Options{Objects: map[string]s3test.Object{
		"secret":     withMeta("secret", "mode", "33152", "uid", "1234", "gid", "1234"),
		"group":      withMeta("group", "mode", "33184", "uid", "0", "gid", "5678"),
		"nothing":    withMeta("nothing", "mode", "32768", "uid", "1234"),
		"public":     withMeta("public", "mode", "33188", "uid", "1234"),
		"closed/":    withMeta("", "mode", "16832", "uid", "1234"),
		"closed/in":  withMeta("in", "mode", "33188"),
		"to-secret":  withMeta("secret", "mode", "41471"),
		"suid":       withMeta("#!/bin/true\n", "mode", strconv.Itoa(0106755), "uid", "0"),
		"unreadable": {Body: []byte("as the flags say")},
	}})
	m := mountTest(t, srv, "--posix-metadata", "--allow-other", "--file-mode", "0440", "--uid", "0", "--gid", "5678")
	const script = `cd "$MNT"; for f in secret group nothing public closed/in to-secret unreadable; do cat $f >/dev/null 2>&1 && echo -n "$f "; done; echo`
	for _, tt := range []struct{ user, want string }{
		{"--reuid 0 --regid 0 --clear-groups", "secret group nothing public closed/in to-secret unreadable \n"},
		{"--reuid 1234 --regid 1234 --clear-groups", "secret public closed/in to-secret \n"},
		{"--reuid 4321 --regid 5678 --clear-groups", "group public unreadable \n"},
		{"--reuid 4321 --regid 4321 --groups 5678", "group public unreadable \n"},
		{"--reuid 4321 --regid 4321 --clear-groups", "public \n"},
	} {
		cmd := shell("setpriv " + tt.user + ` bash -c "$SCRIPT"`)
		cmd.Env = append(cmd.Env, "MNT="+m.Dir, "SCRIPT="+script)
		if r := try(t, m, "/", cmd); r.Stdout != tt.want {
			t.Errorf("%s reads %q %s, want %q", tt.user, r.Stdout, r.Stderr, tt.want)
		}
	}
	if out := sh(t, m, m.Dir, "stat -c '%a %u' suid"); out != "755 0\n" {
		t.Errorf("set-uid: %s", out)
	}
}

// What programs ask for costs one HEAD of each file, once; names alone cost none.
func TestPosixMetadataRequests(t *testing.T) {
	const files = 1000
	srv := s3test.New(t, s3test.Options{Latency: s3test.Latency{Head: 10 * time.Millisecond}})
	srv.PutRange(files, func(i int) string { return fmt.Sprintf("d/f%04d", i) }, withMeta("1", "mode", "33152"))
	srv.Put("d/sub/link", withMeta("../f0000", "mode", "41471"))
	for _, tt := range []struct {
		script string
		heads  int
	}{
		{`ls d | wc -l`, 0},
		{`ls -l d | grep -c '^-rw-------'`, files + 1}, // and the directory: no listing shows that it has no marker
		{`find d -type f | wc -l; find d -type l | wc -l`, files + 2},
		{`tar -cf - d | tar -tf - | wc -l`, files + 2},
		{`rsync -an --out-format=%n d/ /proc/ | wc -l`, files + 2},
		{`du -s --inodes d; ls -lR d >/dev/null; find d -perm 600 | wc -l`, files + 2},
	} {
		m := mountTest(t, srv, "--posix-metadata")
		srv.ResetLog()
		for range 2 { // the second time nothing is asked
			sh(t, m, m.Dir, tt.script)
			keys := map[string]int{}
			for _, q := range srv.Log() {
				if q.Op == s3test.Head {
					keys[q.Key]++
				}
			}
			// One that takes too long may be sent a second time, of fifty.
			if n := srv.Count(s3test.Head); len(keys) != tt.heads || n > tt.heads+tt.heads/50+2 {
				t.Errorf("%s: %d HEADs of %d keys, want %d", tt.script, n, len(keys), tt.heads)
			}
		}
	}
}
