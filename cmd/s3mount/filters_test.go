package main

import (
	"testing"

	"s3mount/fs"
)

// The order in which filters are given is the order that counts, wherever they
// come from; one place gives all of them.
func TestFiltersFromEverywhere(t *testing.T) {
	in := func(p string) fs.Filter { return fs.Filter{Include: true, Pattern: p} }
	out := func(p string) fs.Filter { return fs.Filter{Pattern: p} }
	for _, tt := range []struct {
		name string
		args []string
		env  map[string]string
		want []fs.Filter
	}{
		{"none", nil, nil, nil},
		{"flags", []string{"--exclude", "*", "--include", "a,b", "--exclude=c"}, nil, []fs.Filter{out("*"), in("a,b"), out("c")}},
		{"options", []string{"-o", `exclude=*,include=a\,b`, "-o", "ro,exclude=c"}, nil, []fs.Filter{out("*"), in("a,b"), out("c")}},
		{"variables", nil, map[string]string{"S3MOUNT_INCLUDE": "*.txt", "S3MOUNT_EXCLUDE": `*,a\,b,c\\d`},
			[]fs.Filter{out("*"), out("a,b"), out(`c\d`), in("*.txt")}},
		{"the variable of options", nil, map[string]string{"S3MOUNT_OPTIONS": "include=a,exclude=b"}, []fs.Filter{in("a"), out("b")}},
		{"flags and options", []string{"--exclude", "a", "-o", "include=b,exclude=c"}, nil, []fs.Filter{out("a")}},
		{"flags and variables", []string{"--include", "a"}, map[string]string{"S3MOUNT_EXCLUDE": "b"}, []fs.Filter{in("a")}},
		{"options and variables", []string{"-o", "exclude=a"}, map[string]string{"S3MOUNT_EXCLUDE": "b", "S3MOUNT_INCLUDE": "c"}, []fs.Filter{out("a")}},
		{"variables and the variable of options", nil, map[string]string{"S3MOUNT_EXCLUDE": "a", "S3MOUNT_OPTIONS": "include=b"}, []fs.Filter{out("a")}},
	} {
		s, f := parsed(t, tt.args...)
		if err := s.complete(f, func(name string) string { return tt.env[name] }); err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
		if got, want := show(s.fsOptions(target{}, nil, nil, nil).Filters), show(tt.want); got != want {
			t.Errorf("%s: %s, want %s", tt.name, got, want)
		}
	}
}

// What doctor shows of one can be given again.
func TestFilterFlagIsWrittenAsItIsRead(t *testing.T) {
	s, f := parsed(t, "--exclude", `a,b\c`, "--include", "x", "--exclude", "d")
	text := f.Lookup("exclude").Value.String()
	again, g := parsed(t)
	if err := again.complete(g, func(name string) string { return map[string]string{"S3MOUNT_EXCLUDE": text}[name] }); err != nil {
		t.Fatal(err)
	}
	if got := g.Lookup("exclude").Value.String(); got != text || len(again.filters) != 2 || again.filters[0] != s.filters[0] {
		t.Errorf("%s is read as %s", text, got)
	}
}

func TestBadFilters(t *testing.T) {
	for _, args := range [][]string{{"-o", "exclude="}, {"-o", "include"}, {"-o", "exclude=/a"}} {
		s, f := parsed(t, args...)
		if err := s.complete(f, func(string) string { return "" }); err == nil {
			t.Errorf("%q is taken", args)
		}
	}
	s, f := parsed(t)
	if err := s.complete(f, func(name string) string { return map[string]string{"S3MOUNT_EXCLUDE": "a,,b"}[name] }); err == nil {
		t.Error("an empty pattern is taken from the environment")
	}
}
