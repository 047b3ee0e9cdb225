//go:build linux

package main

import (
	"fmt"
	"time"
)

// A profile is how far away the server is. Any number of connections may be
// open, and to open one costs nothing.
type profile struct {
	Name      string
	FirstByte time.Duration // of a GET or a HEAD
	List      time.Duration // until a LIST is answered
	Rate      int64         // bytes per second of each connection; 0: as fast as it goes
}

var (
	near    = profile{Name: "near"}
	distant = profile{Name: "distant", FirstByte: 30 * time.Millisecond, List: 50 * time.Millisecond, Rate: 90_000_000}
)

func profileNamed(name string) (profile, bool) {
	for _, p := range []profile{near, distant} {
		if p.Name == name {
			return p, true
		}
	}
	return profile{}, false
}

func (p profile) title() string {
	s := fmt.Sprintf("GET %v, LIST %v", p.FirstByte, p.List)
	if p.Rate > 0 {
		s += fmt.Sprintf(", %d MB/s", p.Rate/1_000_000)
	}
	return s
}

// A place says on which servers a row is worth its time.
type place int

const (
	anywhere place = iota
	farOnly
	nearOnly
)

func (p place) String() string { return [...]string{"near, distant", "distant", "near"}[p] }

// fits says whether a row is run on that server. One that the user has described
// takes the place of the distant one.
func (p place) fits(on profile) bool {
	return p == anywhere || (p == nearOnly) == (on.Name == near.Name)
}
