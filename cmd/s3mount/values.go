package main

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// byteSize is a flag that holds a number of bytes: "256MiB", "1G", "65536".
type byteSize int64

var sizeUnits = []struct {
	suffix string
	bytes  int64
}{
	{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"TiB", 1 << 40},
	{"kB", 1e3}, {"KB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"TB", 1e12},
	{"k", 1 << 10}, {"K", 1 << 10}, {"M", 1 << 20}, {"G", 1 << 30}, {"T", 1 << 40}, {"B", 1},
}

func (b *byteSize) Set(s string) error {
	number, unit := strings.TrimSpace(s), int64(1)
	for _, u := range sizeUnits {
		if rest, ok := strings.CutSuffix(number, u.suffix); ok {
			number, unit = strings.TrimSpace(rest), u.bytes
			break
		}
	}
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil || n < 0 {
		return fmt.Errorf("%q is no number of bytes; write it as 256MiB, 1GiB or 1048576", s)
	}
	if n > math.MaxInt64/unit {
		return fmt.Errorf("%q is too large", s)
	}
	*b = byteSize(n * unit)
	return nil
}

func (b *byteSize) Type() string { return "SIZE" }

func (b *byteSize) String() string {
	for i := 3; i >= 0; i-- {
		if u := sizeUnits[i]; int64(*b) >= u.bytes && int64(*b)%u.bytes == 0 {
			return strconv.FormatInt(int64(*b)/u.bytes, 10) + u.suffix
		}
	}
	return strconv.FormatInt(int64(*b), 10)
}

// permissions is a flag that holds permission bits, octal as in chmod(1).
type permissions uint32

func (p *permissions) Set(s string) error {
	n, err := strconv.ParseUint(s, 8, 32)
	if err != nil || n > 0777 {
		return fmt.Errorf("%q is no mode; write it in octal, as 0444", s)
	}
	*p = permissions(n)
	return nil
}

func (p *permissions) Type() string   { return "MODE" }
func (p *permissions) String() string { return fmt.Sprintf("%04o", uint32(*p)) }

// patience is a flag that holds a time: Go's "1m30s", or a plain number of
// seconds as mount options have it.
type patience time.Duration

func (p *patience) Set(s string) error {
	d, err := time.ParseDuration(s)
	if n, nerr := strconv.ParseUint(s, 10, 32); nerr == nil {
		d, err = time.Duration(n)*time.Second, nil
	}
	if err != nil || d < 0 {
		return errors.New(strconv.Quote(s) + " is no time; write it as 60s, 5m or 1h")
	}
	*p = patience(d)
	return nil
}

func (p *patience) Type() string { return "TIME" }

// String is Go's form without the zeros at its end: "1m", not "1m0s".
func (p *patience) String() string {
	if *p == 0 {
		return "0"
	}
	s := time.Duration(*p).String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// id is a flag that holds a user or group number.
type id uint32

func (i *id) Set(s string) error {
	n, err := strconv.ParseUint(s, 10, 32)
	if err != nil || n == math.MaxUint32 {
		return fmt.Errorf("%q is no id; write a number, as `id -u` shows", s)
	}
	*i = id(n)
	return nil
}

func (i *id) Type() string   { return "ID" }
func (i *id) String() string { return strconv.FormatUint(uint64(*i), 10) }
