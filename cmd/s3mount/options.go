package main

import (
	"slices"
	"strings"

	"github.com/spf13/pflag"
)

// ignoredOptions are words that mount(8), fstab(5) and systemd put into -o and
// that need nothing here. dev, suid and exec are what mount.fuse adds by itself;
// the mount is nodev and nosuid whatever it says.
var ignoredOptions = []string{
	"ro", "auto", "noauto", "nofail", "_netdev", "user", "nouser", "users", "group", "owner",
	"async", "atime", "noatime", "diratime", "nodiratime", "relatime", "norelatime", "strictatime", "lazytime", "nolazytime",
	"dev", "nodev", "suid", "nosuid", "exec", "default_permissions", "fsname", "subtype",
}

// complete takes what was not given as a flag from -o, and what is not there
// either from the environment. S3MOUNT_OPTIONS is what -o would be, and comes
// last.
func (s *settings) complete(f *pflag.FlagSet, getenv func(string) string) error {
	s.note(f, func(string) string { return "flag" })
	if err := s.mountOptions(f); err != nil {
		return err
	}
	s.note(f, func(string) string { return "-o" })
	given := len(s.options)
	if err := environment(f, getenv); err != nil {
		return err
	}
	s.note(f, variable)
	if given > 0 {
		return nil
	}
	err := s.mountOptions(f)
	s.note(f, func(string) string { return variable("options") })
	return err
}

// note writes down where the flags came from that are set now and were not
// before.
func (s *settings) note(f *pflag.FlagSet, from func(flag string) string) {
	if s.from == nil {
		s.from = map[string]string{}
	}
	f.Visit(func(flag *pflag.Flag) {
		if s.from[flag.Name] == "" {
			s.from[flag.Name] = from(flag.Name)
		}
	})
}

// mountOptions takes what was given with -o. A flag that is set already wins.
func (s *settings) mountOptions(f *pflag.FlagSet) error {
	given := map[string]bool{}
	f.Visit(func(flag *pflag.Flag) { given[flag.Name] = true })
	if filtersGiven(f) {
		given["include"], given["exclude"] = true, true
	}
	for _, list := range s.options {
		for _, option := range splitOptions(list) {
			if err := s.mountOption(f, option, given); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *settings) mountOption(f *pflag.FlagSet, option string, given map[string]bool) error {
	word, value, hasValue := strings.Cut(option, "=")
	name := strings.ReplaceAll(word, "_", "-")
	switch {
	case word == "" || slices.Contains(ignoredOptions, word) || strings.HasPrefix(word, "x-") || word == "comment":
		return nil
	case word == "rw":
		return &hintError{misused("-o rw: this mount is read-only"), "write ro in its place; in /etc/fstab, `defaults` means rw, so put ro there"}
	case word == "defaults":
		return nil
	case word == "noexec":
		s.noExec = true
		return nil
	case word == "nonempty":
		s.nonEmpty = true
		return nil
	}
	flag := f.Lookup(name)
	if flag == nil || name == "options" || notASetting(name) {
		return misused("-o %s: no such option", word)
	}
	if given[name] {
		return nil
	}
	if !hasValue {
		value = flag.NoOptDefVal
		if value == "" {
			return misused("-o %s: it needs a value: %s=…", word, word)
		}
	}
	if err := f.Set(name, value); err != nil {
		return misused("-o %s: %w", word, err)
	}
	return nil
}

// splitOptions splits at commas; a backslash takes the next character as it is.
func splitOptions(list string) []string {
	var all []string
	var one strings.Builder
	for i := 0; i < len(list); i++ {
		switch c := list[i]; {
		case c == '\\' && i+1 < len(list):
			i++
			one.WriteByte(list[i])
		case c == ',':
			all = append(all, one.String())
			one.Reset()
		default:
			one.WriteByte(c)
		}
	}
	return append(all, one.String())
}
