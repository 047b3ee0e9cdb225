package fs

import (
	"fmt"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// What is shown of a field, "" being what the mount's flags say.
func (p posix) String() string {
	s := ""
	if p.link {
		s += "link "
	}
	if p.has&hasMode != 0 {
		s += fmt.Sprintf("mode=%o ", p.mode)
	}
	if p.has&hasUID != 0 {
		s += fmt.Sprintf("uid=%d ", p.uid)
	}
	if p.has&hasGID != 0 {
		s += fmt.Sprintf("gid=%d ", p.gid)
	}
	if p.has&hasMtime != 0 {
		s += "mtime=" + p.mtime.time().UTC().Format(time.RFC3339Nano) + " "
	}
	if p.has&hasAtime != 0 {
		s += "atime=" + p.atime.time().UTC().Format(time.RFC3339Nano) + " "
	}
	return s
}

func TestPosixOf(t *testing.T) {
	for _, tt := range []struct {
		what string
		key  string
		meta map[string]string
		want string
	}{
		{"nothing", "f", nil, ""},
		{"other metadata", "f", map[string]string{"colour": "red", "md5chksum": "x"}, ""},

		{"s3fs, a file", "f", map[string]string{"mode": "33188", "uid": "1000", "gid": "100", "mtime": "1400000000", "ctime": "1400000001"},
			"mode=644 uid=1000 gid=100 mtime=2014-05-13T16:53:20Z "},
		{"s3fs, an executable file with nanoseconds", "f", map[string]string{"mode": "33261", "mtime": "1400000000.000000005", "atime": "1400000001.5"},
			"mode=755 mtime=2014-05-13T16:53:20.000000005Z atime=2014-05-13T16:53:21.5Z "},
		{"s3fs, a directory", "d/", map[string]string{"mode": "16877", "uid": "0", "gid": "0"}, "mode=755 uid=0 gid=0 "},
		{"s3fs, a sticky directory", "d/", map[string]string{"mode": "17407"}, "mode=1777 "},
		{"s3fs, a link", "l", map[string]string{"mode": "41471", "uid": "1"}, "link uid=1 "},
		{"s3fs, a link of old", "l", map[string]string{"mode": "40960"}, "link "},
		{"s3fs, a pipe", "f", map[string]string{"mode": "4516"}, ""},
		{"s3fs, a device", "f", map[string]string{"mode": "8630"}, ""},
		{"s3fs, a disk", "f", map[string]string{"mode": "25008"}, ""},
		{"s3fs, a socket", "f", map[string]string{"mode": "49645"}, ""},
		{"s3fs, set-uid and set-gid", "f", map[string]string{"mode": "36333"}, "mode=755 "}, // 0106755
		{"s3fs, no permission at all", "f", map[string]string{"mode": "32768"}, "mode=0 "},

		{"rclone", "f", map[string]string{"mtime": "1400000000.123456789"}, "mtime=2014-05-13T16:53:20.123456789Z "},
		{"rclone, short", "f", map[string]string{"mtime": "1400000000.1"}, "mtime=2014-05-13T16:53:20.1Z "},
		{"rclone --metadata", "f", map[string]string{"mode": "100640", "uid": "1000", "gid": "100", "mtime": "1400000000.5", "atime": "2014-05-13T18:53:20.000000001+02:00", "btime": "2000-01-01T00:00:00Z"},
			"mode=640 uid=1000 gid=100 mtime=2014-05-13T16:53:20.5Z atime=2014-05-13T16:53:20.000000001Z "},
		{"rclone, with a zero in front", "f", map[string]string{"mode": "0100664"}, "mode=664 "},
		{"rclone, set-uid, set-gid and sticky", "f", map[string]string{"mode": "107755"}, "mode=755 "},
		{"rclone --links", "l.rclonelink", map[string]string{"mode": "120777", "mtime": "1400000000"}, "mtime=2014-05-13T16:53:20Z "},
		{"rclone, a link by its own name", "l", map[string]string{"mode": "120777"}, "link "},
		{"rclone, a sticky directory", "d/", map[string]string{"mode": "41777"}, "mode=1777 "},
		{"the same of a file is s3fs's of a link", "l", map[string]string{"mode": "41777"}, "link "},

		{"DataSync", "f", map[string]string{"file-permissions": "0644", "file-owner": "65534", "file-group": "7", "file-mtime": "1734968895000", "file-atime": "1734968895123", "user-agent": "aws-datasync"},
			"mode=644 uid=65534 gid=7 mtime=2024-12-23T15:48:15Z atime=2024-12-23T15:48:15.123Z "},
		{"FSx", "f", map[string]string{"file-permissions": "0100664", "file-owner": "500", "file-group": "500", "file-mtime": "1595002920000000001ns"},
			"mode=664 uid=500 gid=500 mtime=2020-07-17T16:22:00.000000001Z "},
		{"FSx, a directory", "d/", map[string]string{"file-permissions": "0040755"}, "mode=755 "},
		{"FSx, a link", "l", map[string]string{"file-permissions": "0120777"}, "link "},
		{"FSx, before 1970", "f", map[string]string{"file-mtime": "-1ns"}, "mtime=1969-12-31T23:59:59.999999999Z "},
		{"FSx, a pipe", "f", map[string]string{"file-permissions": "0010644"}, ""},
		{"names of owners", "f", map[string]string{"file-owner": "ubuntu", "file-group": "ubuntu", "file-permissions": "0100777"}, "mode=777 "},

		{"by hand", "f", map[string]string{"mode": "600"}, "mode=600 "},
		{"set-uid by hand", "f", map[string]string{"mode": "04755"}, "mode=755 "},
		{"a directory's mode of a file", "f", map[string]string{"mode": "16877", "file-permissions": "0600"}, ""},
		{"a directory's mode of a file, in octal", "f", map[string]string{"mode": "040755"}, ""},
		{"a file's mode of a directory", "d/", map[string]string{"mode": "33188", "uid": "3"}, "uid=3 "},
		{"a link's mode of a directory", "d/", map[string]string{"mode": "120777"}, ""},

		{"one of each is bad", "f", map[string]string{"mode": "33188", "uid": "-1", "gid": "12", "mtime": "yesterday"}, "mode=644 gid=12 "},
		{"the bad has a good one behind it", "f", map[string]string{"mode": "rw-r--r--", "file-permissions": "0640", "uid": "", "file-owner": "5", "mtime": "", "file-mtime": "1000"},
			"mode=640 uid=5 mtime=1970-01-01T00:00:01Z "},
		{"the first of two good ones", "f", map[string]string{"mode": "33188", "file-permissions": "0600", "uid": "1", "file-owner": "2", "mtime": "1", "file-mtime": "2000"},
			"mode=644 uid=1 mtime=1970-01-01T00:00:01Z "},
		{"nobody", "f", map[string]string{"uid": "4294967295", "gid": "4294967294"}, "gid=4294967294 "},
		{"too large", "f", map[string]string{"uid": "4294967296", "gid": "99999999999999999999", "mode": "1000000", "mtime": "9223372036854775807"}, ""},
		{"signs, blanks and bases", "f", map[string]string{"uid": "+1", "gid": " 1", "mode": "0x1ed", "file-permissions": "0o644", "mtime": "1e9", "atime": "1.5.5"}, ""},
		{"a point and nothing", "f", map[string]string{"mtime": "1.", "atime": ".5"}, ""},
		{"before 1970", "f", map[string]string{"mtime": "-1.25"}, "mtime=1969-12-31T23:59:58.75Z "},
		{"just before 1970", "f", map[string]string{"mtime": "-0.25"}, "mtime=1969-12-31T23:59:59.75Z "},
		{"1970", "f", map[string]string{"mtime": "0"}, "mtime=1970-01-01T00:00:00Z "},
		{"more digits than there are nanoseconds", "f", map[string]string{"mtime": "1.0000000019999"}, "mtime=1970-01-01T00:00:01.000000001Z "},
	} {
		if got := posixOf(tt.meta, tt.key, strings.HasSuffix(tt.key, "/")).String(); got != tt.want {
			t.Errorf("%s: %v of %s: got %q, want %q", tt.what, tt.meta, tt.key, got, tt.want)
		}
	}
}

// Whatever a writer stores comes back, and no reading of any text shows set-uid,
// set-gid, or a thing that is none of file, directory and link.
func TestPosixOfWhatIsWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		bits := uint32(rapid.IntRange(0, 07777).Draw(t, "bits"))
		dir := rapid.Bool().Draw(t, "dir")
		kind, key, want := uint32(syscall.S_IFREG), "f", bits&0777
		if dir {
			kind, key, want = syscall.S_IFDIR, "d/", bits&01777
		}
		mode := int64(kind | bits)
		for writer, meta := range map[string]map[string]string{
			"s3fs":   {"mode": strconv.FormatInt(mode, 10)},
			"rclone": {"mode": strconv.FormatInt(mode, 8)},
			"fsx":    {"file-permissions": fmt.Sprintf("%07o", mode)},
			"nfs":    {"file-permissions": fmt.Sprintf("%04o", bits)},
		} {
			if p := posixOf(meta, key, key == "d/"); p.has != hasMode || p.mode != want || p.link {
				t.Errorf("%s: %v of %s is %v, want mode=%o", writer, meta, key, p, want)
			}
		}
	})
}

func TestPosixOfAnything(t *testing.T) {
	names := []string{"mode", "uid", "gid", "mtime", "atime", "file-permissions", "file-owner", "file-group", "file-mtime", "file-atime"}
	rapid.Check(t, func(t *rapid.T) {
		meta := rapid.MapOf(rapid.SampledFrom(names), rapid.OneOf(rapid.String(), rapid.StringMatching(`[-+]?[0-9]{0,20}(\.[0-9]*)?(ns)?`))).Draw(t, "meta")
		key := rapid.SampledFrom([]string{"f", "d/"}).Draw(t, "key")
		p := posixOf(meta, key, key == "d/")
		if p.mode&^01777 != 0 || key == "f" && p.mode&^0777 != 0 || key == "d/" && p.link || p.mtime.nanos >= 1e9 || p.atime.nanos >= 1e9 {
			t.Errorf("%v of %s is %v", meta, key, p)
		}
	})
}
