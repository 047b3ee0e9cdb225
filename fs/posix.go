package fs

import (
	"encoding/binary"
	"hash/fnv"
	"math"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// A posix is what the metadata of an object says of the file that it was made
// of. Each field is there or not for itself: what cannot be read, or is not a
// thing that may be shown, is not there.
//
// Who writes what:
//
//   - s3fs: mode (decimal st_mode), uid, gid, mtime, ctime, atime (seconds, with
//     up to nine digits behind a point). A symbolic link is an object of mode
//     S_IFLNK whose bytes are the target.
//     github.com/s3fs-fuse/s3fs-fuse, src/metaheader.cpp and src/s3fs.cpp
//   - rclone: mtime (seconds with digits behind a point), and with --metadata what
//     its source says: mode (octal st_mode), uid, gid (decimal), atime (RFC 3339).
//     github.com/rclone/rclone, backend/s3/s3.go (prepareUpload),
//     backend/local/metadata.go
//   - AWS DataSync, FSx for Lustre, File Cache, S3 Files and the NFS shares of File
//     Gateway: file-permissions (octal, with or without type), file-owner,
//     file-group (decimal), file-mtime, file-atime (nanoseconds if they end in "ns",
//     else milliseconds). Links are as with s3fs.
//     https://docs.aws.amazon.com/fsx/latest/LustreGuide/posix-metadata-support.html
//     https://docs.aws.amazon.com/datasync/latest/userguide/metadata-copied.html
//
// Where one object has several of these, the names of the first two come first.
type posix struct {
	has      posixFields
	link     bool // it is a symbolic link, if its bytes can be a target
	mode     uint32
	uid, gid uint32
	mtime    when
	atime    when
	target   string // of a symbolic link; "": it is none
}

// A when is a time as metadata has it.
type when struct {
	seconds int64 // since 1970
	nanos   uint32
}

func (s when) time() time.Time { return time.Unix(s.seconds, int64(s.nanos)) }

type posixFields uint8

const (
	hasMode posixFields = 1 << iota
	hasUID
	hasGID
	hasMtime
	hasAtime
)

// posixOf reads the metadata of a file, or of the marker of a directory.
func posixOf(meta map[string]string, key string, dir bool) (p posix) {
	if mode, ok := firstOf(meta, func(s string) (uint32, bool) { return parseMode(s, dir) }, "mode"); ok {
		p.setMode(mode, key, dir)
	} else if mode, ok := firstOf(meta, parseOctal, "file-permissions"); ok {
		p.setMode(mode, key, dir)
	}
	set := func(f posixFields, ok bool) {
		if ok {
			p.has |= f
		}
	}
	var ok bool
	p.uid, ok = firstOf(meta, parseID, "uid", "file-owner")
	set(hasUID, ok)
	p.gid, ok = firstOf(meta, parseID, "gid", "file-group")
	set(hasGID, ok)
	p.mtime, ok = timeOf(meta, "mtime", "file-mtime")
	set(hasMtime, ok)
	p.atime, ok = timeOf(meta, "atime", "file-atime")
	set(hasAtime, ok)
	return p
}

// firstOf gives the first value that can be read.
func firstOf[T any](meta map[string]string, parse func(string) (T, bool), names ...string) (v T, ok bool) {
	for _, name := range names {
		if s, there := meta[name]; there {
			if v, ok = parse(s); ok {
				return v, true
			}
		}
	}
	return v, false
}

// setMode takes a mode, if it is of what the key is. Set-uid and set-gid are
// never shown: who may write to a bucket must not become somebody else here.
// The sticky bit gives no rights; it is shown of directories, where it takes some
// away from who copies the tree, and means nothing of files.
//
// rclone --links stores a link as NAME.rclonelink, which is not the link's name:
// such an object is a file, as it is to rclone, which makes links of these.
func (p *posix) setMode(mode uint32, key string, dir bool) {
	kind := mode & syscall.S_IFMT
	switch {
	case dir && (kind == syscall.S_IFDIR || kind == 0):
		p.mode, p.has = mode&(0777|syscall.S_ISVTX), p.has|hasMode
	case !dir && (kind == syscall.S_IFREG || kind == 0):
		p.mode, p.has = mode&0777, p.has|hasMode
	case !dir && kind == syscall.S_IFLNK && !strings.HasSuffix(key, ".rclonelink"):
		p.link = true
	} // what else there is keeps the mode of the mount: it was of another thing
}

// parseMode reads a mode that s3fs or rclone has written: the one in decimal, the
// other in octal. No number is a file's in both. The only ones that are
// something in both are those of sticky directories in octal, which are links in
// decimal: what the key is decides.
func parseMode(s string, dir bool) (uint32, bool) {
	octal, isOctal := parseOctal(s)
	if isOctal {
		switch octal & syscall.S_IFMT {
		case syscall.S_IFREG, syscall.S_IFLNK:
			return octal, true
		case syscall.S_IFDIR:
			isOctal = dir || s[0] == '0'
		case 0:
			isOctal = octal <= 01777 || s[0] == '0' // above are the decimal ones of pipes and devices
		default: // rclone stores no such things
			isOctal = false
		}
	}
	if isOctal {
		return octal, true
	}
	n, err := strconv.ParseUint(s, 10, 16)
	return uint32(n), err == nil && isType(uint32(n)&syscall.S_IFMT)
}

func parseOctal(s string) (uint32, bool) {
	n, err := strconv.ParseUint(s, 8, 16)
	kind := uint32(n) & syscall.S_IFMT
	return uint32(n), err == nil && (kind == 0 || isType(kind))
}

func isType(kind uint32) bool {
	switch kind {
	case syscall.S_IFREG, syscall.S_IFDIR, syscall.S_IFLNK, syscall.S_IFIFO, syscall.S_IFCHR, syscall.S_IFBLK, syscall.S_IFSOCK:
		return true
	}
	return false
}

// parseID reads a user or a group. The highest number means none (chown(2)).
func parseID(s string) (uint32, bool) {
	n, err := strconv.ParseUint(s, 10, 32)
	return uint32(n), err == nil && n != math.MaxUint32
}

// timeOf reads the time that has the first of two names, or the second: they
// are written differently.
func timeOf(meta map[string]string, plain, aws string) (when, bool) {
	if at, ok := firstOf(meta, parseSeconds, plain); ok {
		return at, true
	}
	return firstOf(meta, parseUnits, aws)
}

// parseSeconds reads seconds, perhaps with digits behind a point, or a date of
// RFC 3339.
func parseSeconds(s string) (when, bool) {
	if at, err := time.Parse(time.RFC3339Nano, s); err == nil {
		return whenOf(at.Unix(), int64(at.Nanosecond()))
	}
	whole, behind, point := strings.Cut(s, ".")
	seconds, err := strconv.ParseInt(whole, 10, 64)
	if err != nil {
		return when{}, false
	}
	if !point {
		return whenOf(seconds, 0)
	}
	if strings.Trim(behind, "0123456789") != "" || behind == "" {
		return when{}, false
	}
	nanos, _ := strconv.ParseInt((behind + "000000000")[:9], 10, 64)
	if whole[0] == '-' && nanos > 0 {
		return whenOf(seconds-1, 1e9-nanos)
	}
	return whenOf(seconds, nanos)
}

// parseUnits reads nanoseconds that end in "ns", or milliseconds.
func parseUnits(s string) (when, bool) {
	unit := int64(time.Millisecond)
	digits, ns := strings.CutSuffix(s, "ns")
	if ns {
		unit = 1
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil {
		return when{}, false
	}
	per := int64(time.Second) / unit
	seconds, rest := n/per, n%per
	if rest < 0 {
		seconds, rest = seconds-1, rest+per
	}
	return whenOf(seconds, rest*unit)
}

// What programs can show as a date: the years 1 to 9999.
const (
	firstSecond = -62135596800
	lastSecond  = 253402300799
)

func whenOf(seconds, nanos int64) (when, bool) {
	return when{seconds, uint32(nanos)}, seconds >= firstSecond && seconds <= lastSecond
}

// generation is a file's generation with this metadata: the same version of an
// object that is shown differently is another node.
func (p *posix) generation(of uint64) uint64 {
	if p.has == 0 && p.target == "" {
		return of
	}
	h := fnv.New64a()
	var b [8]byte
	for _, n := range []uint64{of, uint64(p.has), uint64(p.mode), uint64(p.uid), uint64(p.gid),
		uint64(p.mtime.seconds), uint64(p.mtime.nanos), uint64(p.atime.seconds), uint64(p.atime.nanos)} {
		binary.LittleEndian.PutUint64(b[:], n)
		h.Write(b[:])
	}
	h.Write([]byte(p.target))
	return h.Sum64()
}
