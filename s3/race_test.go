//go:build race

package s3

// raced: the race detector is on, and everything takes ten times as long.
const raced = true
