package s3

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
)

// ErrUnsupported: there are such names, and this package cannot speak to what
// they name.
var ErrUnsupported = errors.New("not supported")

// An AccessPoint is a name of its own, with rights of its own, for a bucket or a
// part of one. To [Options] its ARN is a bucket's name.
type AccessPoint struct {
	Partition, Region, Account, Name string
}

// ParseAccessPoint reads arn:PARTITION:s3:REGION:ACCOUNT:accesspoint/NAME. An ARN
// of something else that has objects in it is [ErrUnsupported].
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-points-naming.html
func ParseAccessPoint(arn string) (AccessPoint, error) {
	f := strings.SplitN(arn, ":", 6)
	if len(f) != 6 || f[0] != "arn" {
		return AccessPoint{}, fmt.Errorf("%q is no ARN", arn)
	}
	p := AccessPoint{Partition: f[1], Region: f[3], Account: f[4]}
	switch f[2] {
	case "s3":
	case "s3-outposts":
		return p, fmt.Errorf("%q is on an Outpost: %w", arn, ErrUnsupported)
	case "s3-object-lambda":
		return p, fmt.Errorf("%q is an Object Lambda access point, behind which a program makes the bytes: %w", arn, ErrUnsupported)
	case "s3express":
		return p, fmt.Errorf("%q is of a directory bucket (S3 Express One Zone): %w", arn, ErrUnsupported)
	default:
		return p, fmt.Errorf("%q is an ARN of %q and not of S3", arn, f[2])
	}
	kind, name, ok := strings.Cut(strings.Replace(f[5], ":", "/", 1), "/")
	if p.Name = name; !ok || kind != "accesspoint" {
		return p, fmt.Errorf("%q is not the ARN of an access point", arn)
	}
	if strings.HasSuffix(name, ".mrap") || p.Region == "" {
		return p, fmt.Errorf("%q is a multi-region access point, whose requests are signed with version 4a: %w", arn, ErrUnsupported)
	}
	return p, p.check(arn)
}

func (p AccessPoint) check(arn string) error {
	switch {
	case len(p.Account) != 12 || strings.Trim(p.Account, "0123456789") != "":
		return fmt.Errorf("%q: an account has twelve digits", arn)
	case !hostLabel(p.label()):
		return fmt.Errorf("%q: %q is no name of an access point", arn, p.Name)
	case !regionName(p.Region) || partitionOf(p.Region).name != p.Partition:
		return fmt.Errorf("%q: there is no region %q in partition %q", arn, p.Region, p.Partition)
	}
	return nil
}

func (p AccessPoint) String() string {
	return "arn:" + p.Partition + ":s3:" + p.Region + ":" + p.Account + ":accesspoint/" + p.Name
}

// label is the access point in a host name.
func (p AccessPoint) label() string { return p.Name + "-" + p.Account }

// isARN says whether a bucket's name is an access point's ARN.
func isARN(name string) bool { return strings.HasPrefix(name, "arn:") }

// checkName says whether a bucket of that name can be spoken to at all.
func (o Options) checkName() error {
	switch {
	case o.Name == "":
		return errors.New("s3: Options.Name: no bucket named")
	case isARN(o.Name):
		return o.checkPoint()
	case strings.ContainsAny(o.Name, "/?#\x00 "), o.Name == ".", o.Name == "..":
		return fmt.Errorf("s3: Options.Name: %q is not a bucket name", o.Name)
	case o.Endpoint != nil && !strings.Contains(o.Endpoint.Hostname(), ".amazonaws.com"):
		return nil // there a name is only a name
	}
	for _, reserved := range []struct{ suffix, what string }{
		{"--x-s3", "a directory bucket (S3 Express One Zone)"},
		{"--xa-s3", "an access point of a directory bucket (S3 Express One Zone)"},
		{"--op-s3", "an access point on an Outpost"},
		{"--ol-s3", "an Object Lambda access point, behind which a program makes the bytes"},
		{".mrap", "a multi-region access point, whose requests are signed with version 4a"},
	} {
		if strings.HasSuffix(o.Name, reserved.suffix) {
			return fmt.Errorf("%q is %s: %w", o.Name, reserved.what, ErrUnsupported)
		}
	}
	return nil
}

// checkPoint is about an access point, which is always in the host name.
func (o Options) checkPoint() error {
	p, err := ParseAccessPoint(o.Name)
	switch {
	case err != nil:
		return fmt.Errorf("s3: Options.Name: %w", err)
	case o.PathStyle:
		return errors.New("s3: Options.PathStyle: an access point cannot be in the path")
	case o.Endpoint == nil:
		return nil
	}
	if _, err := netip.ParseAddr(o.Endpoint.Hostname()); err == nil {
		return fmt.Errorf("s3: Options.Endpoint: an access point, %s, has its place in front of a host name, and %s is an address", p.label(), o.Endpoint.Hostname())
	}
	return nil
}
