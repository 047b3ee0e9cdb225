package main

import (
	"errors"
	"math"
	"regexp"
	"strconv"
	"time"
)

// instant is a flag that holds a point in time: RFC 3339, a date with or without
// a time of day (without a zone it is local time), or an age, "3h" or "7d", which
// is that long ago.
type instant struct{ time.Time }

// Zones and fractions of seconds are taken by time.Parse where they are said.
var instantForms = []string{
	time.RFC3339, "2006-01-02T15:04Z07:00", "2006-01-02 15:04:05Z07:00", "2006-01-02 15:04Z07:00",
	"2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02 15:04:05", "2006-01-02 15:04", "2006-01-02",
	"20060102T150405Z07:00", // as in the name of a version
}

func (i *instant) Set(s string) error {
	for _, form := range instantForms {
		if t, err := time.ParseInLocation(form, s, time.Local); err == nil {
			return i.set(s, t)
		}
	}
	age, ok := parseAge(s)
	if !ok {
		return errors.New(strconv.Quote(s) + " is no time; write it as 2026-08-01T00:00:00Z, 2026-08-01 12:30 (local time), 3h or 7d (ago)")
	}
	return i.set(s, time.Now().Add(-age))
}

// set takes a time, if there can have been objects then: an earlier one is none
// that is meant, as that of a date that was never set.
func (i *instant) set(s string, t time.Time) error {
	if t.Unix() < 0 {
		return errors.New(strconv.Quote(s) + " is before 1970; no object is that old")
	}
	i.Time = t
	return nil
}

func (i *instant) Type() string { return "TIME" }

func (i *instant) String() string {
	if i.IsZero() {
		return ""
	}
	return i.Format(time.RFC3339)
}

var ageForm = regexp.MustCompile(`^(?:([0-9]{1,4})w)?(?:([0-9]{1,5})d)?(.*)$`)

// parseAge reads Go's durations, with days and weeks in front.
func parseAge(s string) (time.Duration, bool) {
	m := ageForm.FindStringSubmatch(s)
	if m == nil || s == "" {
		return 0, false
	}
	var age time.Duration
	if m[3] != "" {
		rest, err := time.ParseDuration(m[3])
		if err != nil || rest < 0 || m[3][0] == '+' {
			return 0, false
		}
		age = rest
	}
	const day = 24 * time.Hour
	weeks, _ := strconv.Atoi(m[1])
	days, _ := strconv.Atoi(m[2])
	if age > math.MaxInt64-time.Duration(7*weeks+days)*day {
		return 0, false
	}
	age += time.Duration(7*weeks+days) * day
	return age, age > 0
}
