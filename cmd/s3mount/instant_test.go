package main

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestInstant(t *testing.T) {
	was := time.Local
	t.Cleanup(func() { time.Local = was })
	time.Local = time.FixedZone("", 2*3600)
	synctest.Test(t, func(t *testing.T) {
		now := time.Now()
		const day = 24 * time.Hour
		date := func(h, m, s int) time.Time { return time.Date(2026, 8, 1, h, m, s, 0, time.UTC) }
		for _, tt := range []struct {
			text string
			want time.Time // zero: it is refused
		}{
			{"2026-08-01T00:00:00Z", date(0, 0, 0)}, {"2026-08-01T02:00:00+05:30", date(-4, 30, 0)}, {"2026-08-01T10:11:12.5Z", date(10, 11, 12).Add(time.Second / 2)},
			{"2026-08-01T10:11Z", date(10, 11, 0)}, {"2026-08-01 10:11:12+02:00", date(8, 11, 12)}, {"2026-08-01 10:11-01:00", date(11, 11, 0)},
			{"2026-08-01", date(-2, 0, 0)}, {"2026-08-01T10:11:12", date(8, 11, 12)}, {"2026-08-01 10:11:12", date(8, 11, 12)}, {"2026-08-01 10:11", date(8, 11, 0)},
			{"20260801T101112Z", date(10, 11, 12)},
			{"3h", now.Add(-3 * time.Hour)}, {"7d", now.Add(-7 * day)}, {"2w", now.Add(-14 * day)}, {"1d12h", now.Add(-36 * time.Hour)}, {"1w1d", now.Add(-8 * day)}, {"90m30s", now.Add(-90*time.Minute - 30*time.Second)},
			{"", time.Time{}}, {"0", time.Time{}}, {"0s", time.Time{}}, {"-3h", time.Time{}}, {"+3h", time.Time{}}, {"1d-3h", time.Time{}}, {"3", time.Time{}}, {"d", time.Time{}},
			{"2026-13-01", time.Time{}}, {"01.08.2026", time.Time{}}, {"yesterday", time.Time{}}, {"999999d", time.Time{}},
		} {
			var i instant
			err := i.Set(tt.text)
			if (err != nil) != tt.want.IsZero() || !i.Equal(tt.want) {
				t.Errorf("%q is %v, %v; want %v", tt.text, i.Time, err, tt.want)
			}
			var again instant
			if err == nil && (again.Set(i.String()) != nil || !again.Equal(i.Truncate(time.Second))) {
				t.Errorf("%q is shown as %s", tt.text, i.String())
			}
		}
	})
}

// What no one means is not taken for no time at all.
func TestAtBeforeThereWereObjects(t *testing.T) {
	for _, at := range []string{"0001-01-01", "0001-01-01T00:00:00Z", "1969-12-31T23:59:59Z", "9999w", "9999w99999d2562047h"} {
		code, _, stderr := runs("--at", at, "s3://b", t.TempDir())
		if code != exitMisused || !isTwoLines(stderr) || !strings.Contains(stderr, "at") {
			t.Errorf("--at %s: exit code %d, %s", at, code, stderr)
		}
	}
}

func TestAtInTheFuture(t *testing.T) {
	for _, at := range []string{"2999-01-01", "2999-01-01T00:00:00Z"} {
		code, _, stderr := runs("--at", at, "s3://b", t.TempDir())
		if code != exitMisused || !isTwoLines(stderr) || !strings.Contains(stderr, "in the future") {
			t.Errorf("--at %s: exit code %d, %s", at, code, stderr)
		}
	}
}

// What was does not change, so that it is believed for good: but for who says
// otherwise.
func TestBelieved(t *testing.T) {
	for _, tt := range []struct {
		args []string
		want time.Duration
	}{
		{nil, time.Minute}, {[]string{"--versions"}, time.Minute}, {[]string{"--at=3h"}, forGood}, {[]string{"--at=3h", "--versions"}, forGood},
		{[]string{"--at=3h", "--metadata-ttl=1m"}, time.Minute}, {[]string{"--at=3h", "-o", "metadata_ttl=0"}, 0},
	} {
		s, f := parsed(t, tt.args...)
		if err := s.complete(f, func(string) string { return "" }); err != nil {
			t.Fatal(err)
		}
		if got := s.fsOptions(target{}, nil, nil, nil).TTL; got != tt.want {
			t.Errorf("%q: a listing is believed for %v, want %v", tt.args, got, tt.want)
		}
	}
}
