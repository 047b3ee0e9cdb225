package fs

import (
	"slices"

	"s3mount/s3"
)

// A storageClass is one that a listing has said, in a few bits. It is no part of
// what makes a version: rules of the bucket move objects from one to another.
type storageClass uint8

// storageClasses are S3's. One that is not here is asked for.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_Object.html
var storageClasses = [...]string{
	0: "", 1: "STANDARD", 2: "REDUCED_REDUNDANCY", 3: "STANDARD_IA", 4: "ONEZONE_IA", 5: "INTELLIGENT_TIERING", 6: "GLACIER", 7: "DEEP_ARCHIVE", 8: "OUTPOSTS", 9: "GLACIER_IR", 10: "SNOW", 11: "EXPRESS_ONEZONE", 12: "FSX_OPENZFS", 13: "FSX_ONTAP",
}

const classStandard storageClass = 1 // as most objects are of

func classOf(name string) storageClass {
	if name == "STANDARD" { // as most are
		return classStandard
	}
	return storageClass(max(slices.Index(storageClasses[:], name), 0))
}

func (c storageClass) String() string { return storageClasses[c] }

func (c storageClass) archived() bool { return s3.Archived(c.String()) }
