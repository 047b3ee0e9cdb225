package main

import (
	"strings"

	"github.com/spf13/pflag"

	"s3mount/fs"
)

// A filterFlag is --include or --exclude. Both add to one list: their order counts.
type filterFlag struct {
	list    *[]fs.Filter
	include bool
}

func (f *filterFlag) Set(pattern string) error {
	one := fs.Filter{Include: f.include, Pattern: pattern}
	if err := one.Check(); err != nil {
		return err
	}
	*f.list = append(*f.list, one)
	return nil
}

func (f *filterFlag) Type() string { return "PATTERN" }

// String is what -o and the environment take.
func (f *filterFlag) String() string {
	var own []string
	if f.list != nil { // pflag asks a zero one
		for _, one := range *f.list {
			if one.Include == f.include {
				own = append(own, strings.NewReplacer(`\`, `\\`, `,`, `\,`).Replace(one.Pattern))
			}
		}
	}
	return strings.Join(own, ",")
}

// The names of the two, in the order in which variables of both are taken:
// "exclude everything but", which is what both together are for.
var filterFlags = []string{"exclude", "include"}

// filtersGiven says whether one of the two flags is set. They are one setting:
// whoever gives one of them gives all there is.
func filtersGiven(f *pflag.FlagSet) bool {
	for _, name := range filterFlags {
		if f.Changed(name) {
			return true
		}
	}
	return false
}

// filtersFrom sets the two from environment variables, unless one of them is set.
// Patterns are separated by commas; a backslash takes the next character as it is.
func filtersFrom(f *pflag.FlagSet, getenv func(string) string) error {
	if f.Lookup(filterFlags[0]) == nil || filtersGiven(f) {
		return nil
	}
	for _, flag := range filterFlags {
		value := getenv(variable(flag))
		if value == "" {
			continue
		}
		for _, pattern := range splitOptions(value) {
			if err := f.Set(flag, pattern); err != nil {
				return misused("%s: %w", variable(flag), err)
			}
		}
	}
	return nil
}
