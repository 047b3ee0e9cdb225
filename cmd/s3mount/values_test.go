package main

import (
	"math"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestByteSize(t *testing.T) {
	tests := []struct {
		typed string
		bytes int64
		shown string
	}{
		{"0", 0, "0"},
		{"1", 1, "1"},
		{"1B", 1, "1"},
		{"1023", 1023, "1023"},
		{"1024", 1024, "1KiB"},
		{"1KiB", 1024, "1KiB"},
		{"1k", 1024, "1KiB"},
		{"1K", 1024, "1KiB"},
		{"1kB", 1000, "1000"},
		{"1KB", 1000, "1000"},
		{"256MiB", 256 << 20, "256MiB"},
		{"256M", 256 << 20, "256MiB"},
		{"256 MiB", 256 << 20, "256MiB"},
		{" 256MiB ", 256 << 20, "256MiB"},
		{"1MB", 1e6, "1000000"},
		{"1536MiB", 3 << 29, "1536MiB"},
		{"1G", 1 << 30, "1GiB"},
		{"1GB", 1e9, "1000000000"},
		{"2T", 2 << 40, "2TiB"},
		{"1TB", 1e12, "976562500KiB"},
		{"1024TiB", 1 << 50, "1024TiB"},
		{"9223372036854775807", math.MaxInt64, "9223372036854775807"},
	}
	for _, tt := range tests {
		var b byteSize
		if err := b.Set(tt.typed); err != nil || int64(b) != tt.bytes || b.String() != tt.shown {
			t.Errorf("Set(%q) = %v, %d, shown as %q; want %d, %q", tt.typed, err, b, b.String(), tt.bytes, tt.shown)
		}
	}
	for _, typed := range []string{"", "B", "MiB", "-1", "-1MiB", "1.5GiB", "1e6", "0x10", "1 2", "plenty", "1PiB", "1mib", "8388608TiB", "9223372036854775808", "1MiBMiB"} {
		b := byteSize(7)
		if err := b.Set(typed); err == nil || b != 7 {
			t.Errorf("Set(%q) = %v and set %d; want an error and nothing set", typed, err, b)
		}
	}
}

func TestPermissions(t *testing.T) {
	for typed, want := range map[string]permissions{"0444": 0444, "444": 0444, "0": 0, "0777": 0777, "1": 1, "000640": 0640} {
		var p permissions
		if err := p.Set(typed); err != nil || p != want {
			t.Errorf("Set(%q) = %v, %04o; want %04o", typed, err, p, want)
		}
	}
	for _, typed := range []string{"", "0o444", "0x1", "8", "888", "1000", "4755", "-1", "+1", "a=r", "u+r", " 444"} {
		var p permissions
		if err := p.Set(typed); err == nil {
			t.Errorf("Set(%q) = %04o, want an error", typed, p)
		}
	}
	if p := permissions(0); p.String() != "0000" {
		t.Errorf("no permissions are shown as %q", p.String())
	}
}

func TestPatience(t *testing.T) {
	tests := []struct {
		typed string
		want  time.Duration
		shown string
	}{
		{"0", 0, "0"},
		{"0s", 0, "0"},
		{"1", time.Second, "1s"},
		{"60", time.Minute, "1m"},
		{"60s", time.Minute, "1m"},
		{"61", 61 * time.Second, "1m1s"},
		{"1m30s", 90 * time.Second, "1m30s"},
		{"10m", 10 * time.Minute, "10m"},
		{"3600", time.Hour, "1h"},
		{"1h0m1s", time.Hour + time.Second, "1h0m1s"},
		{"1h1m", time.Hour + time.Minute, "1h1m"},
		{"20h", 20 * time.Hour, "20h"},
		{"168h", 7 * 24 * time.Hour, "168h"},
		{"100ms", 100 * time.Millisecond, "100ms"},
		{"1.5s", 1500 * time.Millisecond, "1.5s"},
		{".5m", 30 * time.Second, "30s"},
		{"4294967295", math.MaxUint32 * time.Second, "1193046h28m15s"},
	}
	for _, tt := range tests {
		var p patience
		if err := p.Set(tt.typed); err != nil || time.Duration(p) != tt.want || p.String() != tt.shown {
			t.Errorf("Set(%q) = %v, %v, shown as %q; want %v, %q", tt.typed, err, time.Duration(p), p.String(), tt.want, tt.shown)
		}
	}
	for _, typed := range []string{"", "soon", "-1", "-1s", "1d", "4294967296", "1 s", "1.5", "9999999h"} {
		p := patience(7)
		if err := p.Set(typed); err == nil || p != 7 {
			t.Errorf("Set(%q) = %v and set %v; want an error and nothing set", typed, err, time.Duration(p))
		}
	}
}

func TestID(t *testing.T) {
	for typed, want := range map[string]id{"0": 0, "1000": 1000, "4294967294": math.MaxUint32 - 1} {
		var i id
		if err := i.Set(typed); err != nil || i != want || i.String() != typed {
			t.Errorf("Set(%q) = %v, %s; want %d", typed, err, i.String(), want)
		}
	}
	// 4294967295 is -1 to the kernel: no user at all.
	for _, typed := range []string{"", "root", "-1", "+1", "0x0", "1.0", "4294967295", "4294967296"} {
		var i id
		if err := i.Set(typed); err == nil {
			t.Errorf("Set(%q) = %s, want an error", typed, i.String())
		}
	}
}

// What a flag shows as its value, it takes as one, and means the same.
func TestValuesRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		size := byteSize(rapid.Int64Min(0).Draw(t, "bytes"))
		if rapid.Bool().Draw(t, "round") {
			size = byteSize(rapid.Int64Range(0, 1<<20).Draw(t, "count") << rapid.IntRange(0, 40).Draw(t, "shift"))
		}
		var size2 byteSize
		if err := size2.Set(size.String()); err != nil || size2 != size {
			t.Errorf("%d bytes are shown as %q, which is %d, %v", size, size.String(), size2, err)
		}
		d := time.Duration(rapid.Int64Min(0).Draw(t, "nanoseconds"))
		if rapid.Bool().Draw(t, "round time") {
			d = time.Duration(rapid.IntRange(0, 1e6).Draw(t, "seconds")) * time.Second
		}
		p, p2 := patience(d), patience(-1)
		if err := p2.Set(p.String()); err != nil || p2 != p {
			t.Errorf("%v is shown as %q, which is %v, %v", d, p.String(), time.Duration(p2), err)
		}
		mode := permissions(rapid.Uint32Range(0, 0777).Draw(t, "mode"))
		var mode2 permissions
		if err := mode2.Set(mode.String()); err != nil || mode2 != mode {
			t.Errorf("%o is shown as %q, which is %o, %v", uint32(mode), mode.String(), uint32(mode2), err)
		}
		i := id(rapid.Uint32Max(math.MaxUint32-1).Draw(t, "id"))
		var i2 id
		if err := i2.Set(i.String()); err != nil || i2 != i {
			t.Errorf("id %d is shown as %q, which is %d, %v", uint32(i), i.String(), uint32(i2), err)
		}
	})
}

// An error of a value says how to write one.
func TestValueErrorsTeach(t *testing.T) {
	for want, err := range map[string]error{
		"256MiB":  new(byteSize).Set("x"),
		"0444":    new(permissions).Set("x"),
		"60s":     new(patience).Set("x"),
		"`id -u`": new(id).Set("x"),
	} {
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), `"x"`) {
			t.Errorf("the error %q does not name what was given, and %s", err, want)
		}
	}
}
