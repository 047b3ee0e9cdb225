package s3test

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// object answers GET and HEAD of an object.
func (x *exchange) object() *answer {
	s, key := x.s, x.key
	versionID := x.param("versionId")
	o, ok := s.store.get(key, versionID)
	switch {
	case !ok && s.isDenied(List):
		// S3 does not tell those who may not list what there is not.
		return refuse(http.StatusForbidden, "AccessDenied", "Access Denied")
	case !ok && versionID != "":
		return refuse(http.StatusNotFound, "NoSuchVersion", "The specified version does not exist.",
			field{"Key", key}, field{"VersionId", versionID})
	case !ok:
		return refuse(http.StatusNotFound, "NoSuchKey", "The specified key does not exist.", field{"Key", key})
	}
	if refused := x.precondition(o); refused != nil {
		return refused
	}
	if x.op == Get && archived(o) {
		return refuse(http.StatusForbidden, "InvalidObjectState",
			"The operation is not valid for the object's storage class", field{"StorageClass", o.StorageClass})
	}

	a := &answer{status: http.StatusOK, header: http.Header{}, n: o.Size}
	a.src = generated(seed(key, o.ETag))
	if o.Body != nil {
		a.src = text(o.Body)
	}
	h := a.header
	h.Set("Content-Type", "binary/octet-stream")
	h.Set("Accept-Ranges", "bytes")
	h.Set("ETag", o.ETag)
	h.Set("Last-Modified", o.LastModified.Format(http.TimeFormat))
	if o.VersionID != "" {
		h.Set("X-Amz-Version-Id", o.VersionID)
	}
	if o.StorageClass != "STANDARD" {
		h.Set("X-Amz-Storage-Class", o.StorageClass)
	}
	for name, values := range o.Header {
		h[http.CanonicalHeaderKey(name)] = values
	}

	asked := x.header("Range")
	off, end, kind := parseRange(asked, o.Size)
	switch kind {
	case rangeOutside:
		refused := refuse(http.StatusRequestedRangeNotSatisfiable, "InvalidRange", "The requested range is not satisfiable",
			field{"RangeRequested", asked}, field{"ActualObjectSize", strconv.FormatInt(o.Size, 10)})
		refused.header.Set("Content-Range", fmt.Sprintf("bytes */%d", o.Size))
		return refused
	case rangeGood:
		a.status, a.off, a.n = http.StatusPartialContent, off, end-off
		h.Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", off, end-1, o.Size))
	}
	return a
}

func archived(o Object) bool {
	if o.StorageClass != "GLACIER" && o.StorageClass != "DEEP_ARCHIVE" {
		return false
	}
	// A restored copy can be read.
	return !strings.Contains(http.Header(o.Header).Get("X-Amz-Restore"), `ongoing-request="false"`)
}

// precondition is the refusal of a request that asks for another version.
func (x *exchange) precondition(o Object) *answer {
	failed := func(name string) *answer {
		return refuse(http.StatusPreconditionFailed, "PreconditionFailed",
			"At least one of the pre-conditions you specified did not hold", field{"Condition", name})
	}
	match := x.header("If-Match")
	if match != "" && !matches(match, o.ETag) {
		return failed("If-Match")
	}
	if since, err := http.ParseTime(x.header("If-Unmodified-Since")); match == "" && err == nil &&
		o.LastModified.Truncate(time.Second).After(since) {
		return failed("If-Unmodified-Since")
	}
	if none := x.header("If-None-Match"); none != "" && matches(none, o.ETag) {
		return &answer{status: http.StatusNotModified, header: http.Header{"Etag": {o.ETag}}, src: text(nil)}
	}
	return nil
}

// matches says whether a list of ETags has this one. S3 takes them without
// quotes too.
func matches(list, etag string) bool {
	for e := range strings.SplitSeq(list, ",") {
		e = strings.TrimSpace(e)
		if e == "*" || strings.Trim(e, `"`) == strings.Trim(etag, `"`) {
			return true
		}
	}
	return false
}

type rangeKind int

const (
	rangeNone    rangeKind = iota // none, or one that S3 ignores: bad syntax, several
	rangeGood                     // [off, end) is within the object
	rangeOutside                  // 416
)

func parseRange(s string, size int64) (off, end int64, kind rangeKind) {
	s, ok := strings.CutPrefix(s, "bytes=")
	first, last, dash := strings.Cut(s, "-")
	if !ok || !dash {
		return 0, 0, rangeNone
	}
	number := func(s string) (int64, bool) {
		n, err := strconv.ParseUint(s, 10, 63)
		return int64(n), err == nil
	}
	if first == "" {
		n, ok := number(last)
		switch {
		case !ok:
			return 0, 0, rangeNone
		case n == 0 || size == 0:
			return 0, 0, rangeOutside
		}
		return max(0, size-n), size, rangeGood
	}
	off, ok = number(first)
	if !ok {
		return 0, 0, rangeNone
	}
	end = size
	if last != "" {
		n, ok := number(last)
		if !ok || n < off {
			return 0, 0, rangeNone
		}
		if n < size {
			end = n + 1
		}
	}
	if off >= size {
		return 0, 0, rangeOutside
	}
	return off, end, rangeGood
}
