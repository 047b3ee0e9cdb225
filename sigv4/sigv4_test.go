package sigv4_test

import "s3mount/sigv4"

// The credentials of S3's own examples.
var example = sigv4.Credentials{
	AccessKeyID:     "AKIAIOSFODNN7EXAMPLE",
	SecretAccessKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
}

var scope = sigv4.Scope{Region: "us-east-1", Service: "s3"}
