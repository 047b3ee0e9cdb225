// Package rig brings up what the integration tests and the demo need: the
// programs, built from this checkout; an S3 server with objects in it; a
// mount; and commands that cannot hang whoever runs them.
//
// Whatever is started here ends with Close, and also when the process that
// started it dies.
package rig
