package s3

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"s3mount/sigv4"
)

// address builds the URL of a key of the bucket, or of the bucket itself for
// key "". It is built with the escaping that is signed, so that the two cannot
// differ.
func (b *Bucket) address(region, key, rawQuery string) *url.URL {
	u := url.URL{Scheme: "https", RawQuery: rawQuery}
	base := ""
	if e := b.opts.Endpoint; e != nil {
		u.Scheme, u.Host = e.Scheme, e.Host
		base = strings.TrimSuffix(e.Path, "/")
	} else {
		u.Host = awsHost(b.service, region)
	}
	switch {
	case !b.pathStyle:
		u.Host = b.label + "." + u.Host
		base += "/" + key
	case key == "":
		base += "/" + b.opts.Name
	default:
		base += "/" + b.opts.Name + "/" + key
	}
	u.Path, u.RawPath = base, sigv4.EscapePath(base)
	return &u
}

// pathStyle says whether the bucket has to be in the path. It cannot be in the
// host name where that is an address or localhost, where the name is not one
// for a host, and where a dot in it would miss the wildcard certificate.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html
func pathStyle(o Options) bool {
	if isARN(o.Name) {
		return false
	}
	if o.PathStyle || !hostLabel(o.Name) {
		return true
	}
	if o.Endpoint == nil {
		return false
	}
	host := o.Endpoint.Hostname()
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	_, err := netip.ParseAddr(host)
	return err == nil
}

// hostLabel says whether name can stand as one label of a host name.
func hostLabel(name string) bool {
	if len(name) == 0 || len(name) > 63 || name[0] == '-' || name[len(name)-1] == '-' {
		return false
	}
	for _, c := range []byte(name) {
		if !(c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-') {
			return false
		}
	}
	return true
}

// regionName says whether s may be a region. A server's hint becomes part of a
// host name and of what is signed, so nothing else may pass. Other servers have
// names that AWS would not give, as "RegionOne".
func regionName(s string) bool {
	return hostLabel(strings.Map(func(c rune) rune {
		switch {
		case c >= 'A' && c <= 'Z':
			return c + 'a' - 'A'
		case c == '_':
			return '-'
		}
		return c
	}, s))
}

// A partition is a part of AWS with names of its own.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html
type partition struct {
	regions string // their names begin so
	name    string // in ARNs
	suffix  string // of host names
}

var partitions = []partition{
	{"cn-", "aws-cn", "amazonaws.com.cn"},
	{"us-gov-", "aws-us-gov", "amazonaws.com"},
	{"us-iso-", "aws-iso", "c2s.ic.gov"},
	{"us-isob-", "aws-iso-b", "sc2s.sgov.gov"},
	{"eu-isoe-", "aws-iso-e", "cloud.adc-e.uk"},
	{"us-isof-", "aws-iso-f", "csp.hci.ic.gov"},
	{"eusc-", "aws-eusc", "amazonaws.eu"},
	{"", "aws", "amazonaws.com"},
}

func partitionOf(region string) partition {
	return partitions[slices.IndexFunc(partitions, func(p partition) bool { return strings.HasPrefix(region, p.regions) })]
}

// Partition is the part of AWS that a region is in, as ARNs have it.
func Partition(region string) string { return partitionOf(region).name }

// awsHost is the endpoint of buckets ("s3") or access points in a region.
// https://docs.aws.amazon.com/general/latest/gr/s3.html
func awsHost(service, region string) string {
	return service + "." + region + "." + partitionOf(region).suffix
}

func checkEndpoint(u *url.URL) error {
	switch {
	case u == nil:
		return nil
	case u.Scheme != "http" && u.Scheme != "https":
		return fmt.Errorf("s3: Options.Endpoint: scheme %q is neither http nor https", u.Scheme)
	case u.Host == "":
		return errors.New("s3: Options.Endpoint: no host in it")
	case u.User != nil:
		return errors.New("s3: Options.Endpoint: it must not hold a user name or password")
	case u.RawQuery != "" || u.Fragment != "":
		return errors.New("s3: Options.Endpoint: it must not hold a query or fragment")
	}
	return nil
}
