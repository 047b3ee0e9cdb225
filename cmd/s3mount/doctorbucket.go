package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	iofs "io/fs"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"s3mount/s3"
)

// probe asks that once.
func (d *doctor) probe(ctx context.Context) *probed {
	if d.probed == nil {
		begin := time.Now()
		page, err := d.ask(ctx, d.bucket)
		d.probed = &probed{page, d.late(ctx, err), time.Since(begin)}
	}
	return d.probed
}

// region compares the one that requests are signed for with the bucket's.
func (d *doctor) region(ctx context.Context) finding {
	if p, err := s3.ParseAccessPoint(d.what.bucket); err == nil {
		return passed("%s, as the access point's ARN says", p.Region)
	}
	told, signed := d.found.region, d.options.Region
	if signed == "" {
		signed = "us-east-1"
	}
	says := d.hinted
	if says == "" { // who is asked without a signature need not say
		p := d.probe(ctx)
		if now := d.bucket.Region(); now != signed {
			says = now
		}
		var e *s3.Error
		if errors.As(p.err, &e) && e.Err == nil && elsewhere(e) {
			f := failure(p.err)
			if says != "" {
				f.hint = "set --region " + says + ", and an --endpoint-url of that region or none"
			}
			return f
		}
	}
	switch {
	case says == "":
		return passed("%s; the server names no other", signed)
	case told == "":
		return passed("%s, as the server says; none is configured", says)
	case says == signed:
		return passed("%s, and the server says so", signed)
	}
	return warned(fmt.Sprintf("set --region %s (or AWS_REGION, or region of the profile): a mount is refused first and asks again", says),
		"requests are signed for %s, and the server says %s", signed, says)
}

// elsewhere says whether a refusal is about the place of the bucket.
func elsewhere(e *s3.Error) bool {
	return slices.Contains([]string{"AuthorizationHeaderMalformed", "PermanentRedirect", "TemporaryRedirect", "IllegalLocationConstraintException"}, e.Code) ||
		e.Status == http.StatusMovedPermanently || e.Status == http.StatusTemporaryRedirect
}

// addressing says where the bucket's name goes, and tries the other place where
// the answer has been that of a server which does not find it.
func (d *doctor) addressing(ctx context.Context) finding {
	style := styleName(d.bucket.PathStyle())
	p := d.probe(ctx)
	if p.err == nil {
		return passed("%s: %s", style, d.bucket.URL())
	}
	if !notFound(p.err) || !d.otherStyle() {
		return skipped("%s: %s; whether that is right the refusal does not tell", style, d.bucket.URL())
	}
	opts := d.options
	opts.PathStyle = !d.bucket.PathStyle()
	opts.Region = d.bucket.Region()
	other, err := bucketOf(opts)
	if err == nil && other.PathStyle() == opts.PathStyle {
		if _, err := d.ask(ctx, other); err == nil {
			hint := "give --path-style"
			if !opts.PathStyle {
				hint = "leave --path-style away"
			}
			return failed(hint, "%s: %v; %s works", style, p.err, styleName(opts.PathStyle))
		}
	}
	return passed("%s: %s; %s does not work either", style, d.bucket.URL(), styleName(opts.PathStyle))
}

func styleName(path bool) string {
	if path {
		return "bucket in the path"
	}
	return "bucket in the host name"
}

// otherStyle says whether the bucket could be in the other place.
func (d *doctor) otherStyle() bool {
	if !d.bucket.PathStyle() {
		return !strings.HasPrefix(d.what.bucket, "arn:") // an access point cannot
	}
	_, err := netip.ParseAddr(d.bucket.URL().Hostname())
	return d.options.PathStyle && err != nil
}

// notFound says whether an answer may be one to the wrong question.
func notFound(err error) bool {
	var e *s3.Error
	if !errors.As(err, &e) || e.Status == 0 {
		return false
	}
	switch e.Status {
	case http.StatusUnauthorized, http.StatusForbidden:
		return e.Code == "SecondLevelDomainForbidden" || e.Code == "SignatureDoesNotMatch"
	}
	return e.Status < 500
}

func (d *doctor) list(ctx context.Context) finding {
	p := d.probe(ctx)
	f := d.listed(p)
	f.took = max(p.took, 1)
	return f
}

func (d *doctor) listed(p *probed) finding {
	if p.err != nil {
		return d.notListed(p.err)
	}
	if d.settings.noList {
		d.chooseNamed()
		return skipped("nothing is listed with --no-list; the bucket has answered, as far as can be told")
	}
	if d.delimited {
		d.noObject = "the keys below are not known"
		return passed("%s may be listed directory by directory, and not with all that is below it", d.what)
	}
	d.choose(p.page)
	if d.settings.byVersion() && len(p.page.Entries) > 0 && !d.bucket.KeepsVersions() {
		return warned("enable versioning of the bucket, for the time to come", "none of the first objects has a version id: what was replaced or deleted while no versions were kept is not there")
	}
	switch n := len(p.page.Entries); {
	case n == 0 && d.what.prefix != "":
		return warned("check the prefix: it is a directory, and upper and lower case differ", "there is no key below %s: the mount would be empty", d.what)
	case n == 0 && d.settings.byVersion() && !d.settings.at.IsZero():
		return warned("give a later time, or check that the bucket kept versions then", "there was no key below %s at %s: the mount would be empty", d.what, d.settings.at.String())
	case n == 0:
		return passed("the bucket is empty")
	case !p.page.Last:
		return passed("%d keys below %s, and more", n, d.what)
	default:
		return passed("%d %s below %s, all in one page", n, plural(n, "key"), d.what)
	}
}

func plural(n int, word string) string {
	if n == 1 {
		return word
	}
	return word + "s"
}

func (d *doctor) notListed(err error) finding {
	f := failure(err)
	var e *s3.Error
	hint := d.settings.versionsHint(d.what, err)
	switch {
	case hint != "":
		f.hint = hint
	case errors.As(err, &e) && e.Status == http.StatusNotFound && (e.Code == "" || e.Code == "NoSuchKey") && d.bucketInEndpoint():
		f.hint = bucketTwice
	case d.settings.unsigned && errors.Is(err, iofs.ErrPermission):
		f.hint = notPublicHint
	case errors.As(err, &e) && e.Code == "SignatureDoesNotMatch":
		f.hint = "the secret key does not belong to the access key, or something on the way changes requests; check AWS_SECRET_ACCESS_KEY, and see every step with `" + d.signCommand() + "`"
	case errors.As(err, &e) && denied(e):
		f.hint = "the credentials are good but may not list; they need s3:ListBucket: " + d.policyHint() + "; with --no-list known paths open without it"
	}
	return f
}

// denied says that who asks is known, and may not.
func denied(e *s3.Error) bool {
	return e.Err == nil && (e.Code == "AccessDenied" || e.Code == "AllAccessDisabled" || e.Code == "" && e.Status == http.StatusForbidden)
}

func (d *doctor) policyHint() string { return d.settings.policyHint(d.what) }

// signCommand signs a listing so that it can be compared step by step.
func (d *doctor) signCommand() string {
	u := d.bucket.URL()
	u.RawQuery = "list-type=2&max-keys=1&prefix=" + url.QueryEscape(d.what.prefix)
	if d.settings.byVersion() {
		u.RawQuery = "max-keys=1&prefix=" + url.QueryEscape(d.what.prefix) + "&versions="
	}
	words := []string{"s3mount sign --send"}
	for name, value := range map[string]string{"--profile": d.settings.profile, "--ca-bundle": d.settings.caBundle} {
		if value != "" {
			words = append(words, name+" "+quoted(value))
		}
	}
	slices.Sort(words[1:])
	return strings.Join(append(words, "--region "+quoted(d.bucket.Region()), quoted(u.String())), " ")
}

// choose finds an object to try: one of two bytes or more if there is one, and
// none out of an archive.
func (d *doctor) choose(page s3.Page) {
	d.noObject = "there is no object to try"
	for _, e := range page.Entries {
		if e.Prefix || e.Size < 0 || e.Noncurrent {
			continue
		}
		if s3.Archived(e.StorageClass) {
			d.noObject = fmt.Sprintf("there is no object to try: those among the first %d are archived", len(page.Entries))
			continue
		}
		if d.object == nil || d.object.Size < 2 {
			d.object = &s3.Object{Key: e.Key, ETag: e.ETag, Size: e.Size, LastModified: e.LastModified}
		}
		if e.Size >= 2 {
			return
		}
	}
}

// chooseNamed has the object tried that is what was to be mounted, if it is one:
// where nothing is listed no other key is known.
func (d *doctor) chooseNamed() {
	d.noObject = "no key is known: `s3mount doctor --no-list s3://BUCKET/KEY` tries one"
	if key := strings.TrimSuffix(d.what.prefix, "/"); key != "" {
		d.object = &s3.Object{Key: key}
	}
}

func (d *doctor) name(o *s3.Object) string { return "s3://" + d.what.bucket + "/" + o.Key }

func (d *doctor) head(ctx context.Context) finding {
	if d.object == nil {
		return skipped("%s", d.noObject)
	}
	o, err := d.bucket.Head(ctx, d.object.Key)
	if d.settings.noList && (errors.Is(err, iofs.ErrNotExist) || errors.Is(err, s3.ErrForbidden)) {
		d.noObject = fmt.Sprintf("%s is no object, or may not be read: give the path of one to try it", d.name(d.object))
		d.object = nil
		return skipped("%s", d.noObject)
	}
	if err != nil {
		return d.notRead(ctx, err)
	}
	d.object = &o
	return passed("%s, %d %s", d.name(&o), o.Size, plural(int(o.Size), "byte"))
}

// notRead is about an object that a mount would show and could not read.
func (d *doctor) notRead(ctx context.Context, err error) finding {
	f := failure(d.late(ctx, err))
	var e *s3.Error
	switch {
	case errors.Is(err, s3.ErrArchived):
		return skipped("the object to try is archived: %v", err)
	case errors.Is(err, iofs.ErrNotExist), errors.Is(err, s3.ErrChanged):
		f.hint = "it was there a moment ago; if it is replaced or deleted now and then, run this again"
	case errors.As(err, &e) && denied(e):
		f.hint = "the credentials may list and not read; they need " + d.reading() + ", and kms:Decrypt where the objects are encrypted with a KMS key: " + d.policyHint()
	}
	return f
}

// reading is the permission that reading takes.
func (d *doctor) reading() string {
	switch {
	case !d.settings.at.IsZero():
		return "s3:GetObjectVersion"
	case d.settings.versions:
		return "s3:GetObject and s3:GetObjectVersion"
	}
	return "s3:GetObject"
}

// tried is how much of an object is read.
const tried = 4096

func (d *doctor) get(ctx context.Context) finding {
	switch {
	case d.object == nil:
		return skipped("%s", d.noObject)
	case d.object.Size == 0:
		return skipped("there is no object with bytes to try")
	}
	o, err := *d.object, error(nil)
	if d.settings.at.IsZero() {
		o.VersionID = "" // a mount does not know it yet
	}
	if d.begins, err = d.read(ctx, o, 0, min(tried, o.Size)); err != nil {
		return d.notRead(ctx, err)
	}
	return passed("the first %d %s of it", len(d.begins), plural(len(d.begins), "byte"))
}

// read reads a range as a mount does.
func (d *doctor) read(ctx context.Context, o s3.Object, off, end int64) ([]byte, error) {
	body, err := d.bucket.OpenRange(ctx, o, off, end)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	p := make([]byte, end-off)
	_, err = io.ReadFull(body, p)
	return p, err
}

// onTheWay is what to do about a server that does not do what it is asked.
const onTheWay = "a proxy or gateway on the way drops it, or the server does not know it; give the S3 server itself to --endpoint-url"

// ranged reads the second half of what was read, again: the bytes must be the
// same ones, and the answer must say that it is a part. In a versioned bucket it
// asks by version id, as a mount does once it knows one.
func (d *doctor) ranged(ctx context.Context) finding {
	if len(d.begins) == 0 {
		return skipped("there is no object with bytes to try")
	}
	end := len(d.begins)
	half, denied := end/2, d.wire.denials()
	part, err := d.read(ctx, *d.object, int64(half), int64(end))
	status, header := d.wire.last()
	switch {
	case status == http.StatusOK:
		return failed(onTheWay, "Range is ignored: asked for bytes %d to %d, the server has sent all of the object (200 in place of 206)", half, end-1)
	case err != nil:
		return d.notRead(ctx, err)
	case !bytes.Equal(part, d.begins[half:]):
		return failed(onTheWay, "bytes %d to %d are others than a moment ago", half, end-1)
	}
	text := fmt.Sprintf("%d, Content-Range: %s", status, header.Get("Content-Range"))
	if d.wire.denials() > denied {
		return warned("the credentials need s3:GetObjectVersion: "+d.policyHint(),
			"%s; reading by version id is not permitted, so an open file whose object is replaced ends with ESTALE", text)
	}
	return passed("%s", text)
}

// anotherETag names no version of anything.
const anotherETag = "00000000000000000000000000000000"

// ifMatch asks for another version than there is: the answer must be that it is
// another.
func (d *doctor) ifMatch(ctx context.Context) finding {
	if len(d.begins) == 0 {
		return skipped("there is no object with bytes to try")
	}
	if strings.Contains(d.object.ETag, " ") { // the stand-in for one that cannot be used
		return warned("an object that is replaced twice within one second is not told apart", "the server gives no strong ETag; versions are told apart by date")
	}
	o := *d.object
	if o.ETag = anotherETag; d.settings.at.IsZero() {
		o.VersionID = ""
	}
	_, err := d.read(ctx, o, 0, 1)
	var e *s3.Error
	switch errors.As(err, &e); {
	case e != nil && e.Status == http.StatusPreconditionFailed:
		return passed("412 for another version")
	case err == nil, e != nil && errors.Is(err, s3.ErrChanged) && e.Status < 300:
		status, _ := d.wire.last()
		return failed(onTheWay, "If-Match is ignored: asked for another version than there is, the server has sent this one (%d in place of 412)", status)
	}
	return d.notRead(ctx, err)
}
