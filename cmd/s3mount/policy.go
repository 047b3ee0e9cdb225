package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"s3mount/s3"
)

func newPolicyCommand() *cobra.Command {
	region, at, versions, noList := "", instant{}, false, false
	cmd := &cobra.Command{
		Use:   "policy [flags] s3://BUCKET[/PREFIX]",
		Short: "Print the least IAM policy that a mount needs",
		Long: `Print the least IAM policy that a mount needs, as JSON. Nothing is asked and
nothing is changed.

s3:ListBucket is for listings, which a mount of a prefix makes below it only.
s3:GetObject is for HEAD and GET. s3:GetObjectVersion is used in versioned buckets:
a file that is open when its object is replaced can be read to its end; without
it, that reader gets ESTALE.

A mount with --at or --versions lists and reads versions: s3:ListBucketVersions takes
the place of s3:ListBucket, and nothing is read that s3:GetObjectVersion does not
permit, but for the present objects of --versions.

s3:// is a mount of all buckets. s3:ListAllMyBuckets, which no bucket's name limits,
shows them; without it they can be entered by their names.

With --no-list there is no s3:ListBucket. S3 then answers 403 for a key that is not
there, as it does for one that may not be read, and the mount takes either for a
directory that cannot be read: a wrong name is Permission denied, and never No such
file or directory.

Objects that are encrypted with a KMS key of one's own take kms:Decrypt on that
key as well. A bucket of another account needs the same in its bucket policy, and the
bucket behind an access point one that trusts access points (s3:DataAccessPointAccount).`,
		Example: `  s3mount policy s3://photos/2026
  s3mount policy --at 7d s3://photos
  s3mount policy --region cn-north-1 s3://photos`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return misused("%d arguments: one bucket is needed", len(args))
			}
			return nil
		},
		DisableFlagsInUseLine: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			what, err := parseTarget(args[0])
			if err != nil {
				return err
			}
			if err := environment(cmd.Flags(), os.Getenv); err != nil {
				return err
			}
			if noList && (versions || !at.IsZero()) {
				return misused("--no-list: what --at and --versions show is listed")
			}
			if strings.HasSuffix(what.bucket, "-s3alias") {
				return &hintError{misused("%q is an access point's alias, which no policy knows", what.bucket), "write its ARN, s3://arn:aws:s3:REGION:ACCOUNT:accesspoint/NAME: `aws s3control list-access-points` shows it"}
			}
			if noList {
				fmt.Fprintln(cmd.ErrOrStderr(), withoutListBucket)
			}
			region = cmp.Or(region, os.Getenv("AWS_REGION"), os.Getenv("AWS_DEFAULT_REGION"))
			return writePolicy(cmd.OutOrStdout(), policyOf(what, s3.Partition(region), !at.IsZero(), versions, noList))
		},
	}
	cmd.Flags().BoolVar(&noList, "no-list", false, "of a mount that lists nothing")
	cmd.Flags().StringVar(&region, "region", "", "region `NAME` of the bucket: China's, GovCloud's and others have names of their own (default $AWS_REGION)")
	cmd.Flags().Var(&at, "at", "for a mount of the bucket as it was then")
	cmd.Flags().BoolVar(&versions, "versions", false, "for a mount of all versions")
	return cmd
}

// withoutListBucket is what the JSON cannot say.
const withoutListBucket = "s3mount: note: without s3:ListBucket S3 answers 403, not 404, for a key that is not there; mount with --no-list, which says Permission denied for either"

// A policy is an IAM policy.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html
type policy struct {
	Version   string
	Statement []statement
}

type statement struct {
	Sid       string
	Effect    string
	Action    []string
	Resource  string
	Condition map[string]map[string]string `json:",omitempty"`
}

// policyOf is what a mount of what needs: every listing is of the prefix or of
// one below it, and every object that is asked for is below it.
func policyOf(what target, partition string, past, versions, noList bool) policy {
	listing, reading := "s3:ListBucket", []string{"s3:GetObject", "s3:GetObjectVersion"}
	if past || versions {
		listing = "s3:ListBucketVersions"
	}
	if past {
		reading = reading[1:]
	}
	bucket := "arn:" + partition + ":s3:::" + cmp.Or(what.bucket, "*")
	objects := bucket + "/"
	if p, err := s3.ParseAccessPoint(what.bucket); err == nil {
		bucket = p.String()
		objects = bucket + "/object/"
	}
	list := statement{Sid: "List", Effect: "Allow", Action: []string{listing}, Resource: bucket}
	below := literal(what.prefix) + "*"
	if what.prefix != "" {
		list.Condition = map[string]map[string]string{"StringLike": {"s3:prefix": below}}
	}
	read := statement{Sid: "Read", Effect: "Allow", Action: reading, Resource: objects + below}
	p := policy{Version: "2012-10-17", Statement: []statement{list, read}}
	if noList {
		p.Statement = p.Statement[1:]
	}
	if what.all() && !noList {
		buckets := statement{Sid: "Buckets", Effect: "Allow", Action: []string{"s3:ListAllMyBuckets"}, Resource: "*"}
		p.Statement = append([]statement{buckets}, p.Statement...)
	}
	return p
}

// literal has a policy take a string as it is.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html#policy-vars-specialchars
func literal(s string) string {
	return strings.NewReplacer("*", "${*}", "?", "${?}", "$", "${$}").Replace(s)
}

func writePolicy(out io.Writer, p policy) error {
	e := json.NewEncoder(out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(p); err != nil {
		return fmt.Errorf("policy: %w", err)
	}
	return nil
}
