// Package integration tests s3mount as its users meet it: the built program, a
// real FUSE mount, a real S3 server.
//
// The server is versitygw, which checks every signature. It is built from its
// own module file, versitygw.mod, so that the program's go.mod does not know
// it; to take a newer one:
//
//	go get -modfile=integration/versitygw.mod -tool github.com/versity/versitygw/cmd/versitygw@latest
//
// Where requests are counted or content has no end, the server is package
// s3test inside the test.
//
// A test never touches a mount itself: it runs a command, or its own binary
// again (see child_test.go), with a deadline. A mount that hangs then costs one
// test, not the run.
//
// Without /dev/fuse, or for a user without fusermount3, the tests skip and say
// so.
package integration
