package s3

import (
	"io"
	"slices"
	"strconv"
	"strings"

	"s3mount/sigv4"
)

// A versionsPage is one answer to a question for versions.
type versionsPage struct {
	versions  []version // in the order of byAge
	truncated bool
	key, id   string // the marker of the next page; set when truncated
	keeps     bool   // one of them has an id of its own
	dropped   int    // that do not belong in the answer
}

// A versionText is what the answer says of a version.
type versionText struct {
	objectText
	id, latest cut
	marker     bool
}

// decodeVersions is decodePage for listings of versions.
func decodeVersions(body io.Reader, opts ListOptions) (versionsPage, error) {
	r := pageReaders.Get().(*pageReader)
	defer r.free()
	r.byVersion = true
	if err := r.read(body); err != nil {
		return versionsPage{}, err
	}
	if err := r.scan(); err != nil {
		return versionsPage{}, err
	}
	return r.versionsPage(opts)
}

// versions reads a listing of versions.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectVersions.html
func (r *pageReader) versions() {
	for {
		name, ok := r.child()
		if !ok {
			return
		}
		switch string(name) {
		case "Version":
			r.versioning = append(r.versioning, r.version(false))
		case "DeleteMarker":
			r.versioning = append(r.versioning, r.version(true))
		case "IsTruncated":
			r.truncated = r.text()
		case "NextKeyMarker":
			r.keyMarker = r.text()
		case "NextVersionIdMarker":
			r.idMarker = r.text()
		case "EncodingType":
			r.encoding = r.text()
		case "Error": // of a server that had begun its answer
			r.refused = r.refusal()
		default:
			r.text()
		}
		if len(r.versioning) > maxEntries {
			r.fail(errTooMany)
		}
	}
}

func (r *pageReader) version(marker bool) versionText {
	v := versionText{marker: marker}
	for {
		name, ok := r.child()
		if !ok {
			return v
		}
		text := r.text()
		switch string(name) {
		case "Key":
			v.key = text
		case "VersionId":
			v.id = text
		case "IsLatest":
			v.latest = text
		case "LastModified":
			v.modified = text
		case "ETag":
			v.etag = text
		case "Size":
			v.size = text
		case "StorageClass":
			v.class = text
		}
	}
}

// versionsPage makes the page of what was found.
func (r *pageReader) versionsPage(opts ListOptions) (versionsPage, error) {
	encoded := r.encoded()
	r.decode(&r.keyMarker, encoded)
	p := versionsPage{key: string(r.bytes(r.keyMarker)), id: string(r.bytes(r.idMarker))}
	var err error
	if p.truncated, err = r.goesOn(p.key); err != nil {
		return versionsPage{}, err
	}
	size := 0
	for i := range r.versioning {
		v := &r.versioning[i]
		r.decode(&v.key, encoded)
		size += int(v.key.end - v.key.off + v.etag.end - v.etag.off + v.id.end - v.id.off)
	}
	k := keeper{last: "STANDARD"}
	k.text.Grow(size)
	opts.Delimiter = "" // it was not asked for
	p.versions = make([]version, 0, len(r.versioning))
	for i := range r.versioning {
		t := &r.versioning[i]
		v := version{Entry: r.entry(&t.objectText, &k), marker: t.marker, latest: strings.EqualFold(string(r.bytes(t.latest)), "true")}
		if v.Key == "" || !belongs(v.Key, opts) {
			p.dropped++
			continue
		}
		v.VersionID = k.keep(r.bytes(t.id))
		p.keeps = p.keeps || v.VersionID != "" && v.VersionID != nullVersion
		p.versions = append(p.versions, v)
	}
	slices.SortStableFunc(p.versions, byAge)
	return p, nil
}

// nullVersion is the id of a version from a time when none were kept.
const nullVersion = "null"

// versionsQuery is the query of ListObjectVersions.
func versionsQuery(opts ListOptions, key, id string) string {
	size := opts.PageSize
	if size == 0 {
		size = 1000
	}
	q := "encoding-type=url"
	if key != "" {
		q += "&key-marker=" + sigv4.EscapeQuery(key)
	}
	q += "&max-keys=" + strconv.Itoa(size) + "&prefix=" + sigv4.EscapeQuery(opts.Prefix)
	if id != "" {
		q += "&version-id-marker=" + sigv4.EscapeQuery(id)
	}
	return q + "&versions="
}
