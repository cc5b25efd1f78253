package clidoc

import (
	"strings"

	"github.com/spf13/pflag"
)

// FlagDocs describes the flags of a set, in alphabetical order, for the help and the manual pages
// alike.
func FlagDocs(flags *pflag.FlagSet) []Entry {
	var list []Entry
	flags.VisitAll(func(f *pflag.Flag) {
		if !f.Hidden && f.Deprecated == "" {
			list = append(list, FlagDoc(f))
		}
	})
	return list
}

// FlagDoc is a flag's entry: how it is written, with its value's name in capitals, and what it
// does, with its default at the end.
func FlagDoc(f *pflag.Flag) Entry {
	value, usage := pflag.UnquoteUsage(f)
	name := "--" + f.Name
	if f.Shorthand != "" {
		name = "-" + f.Shorthand + ", " + name
	}
	if value != "" {
		name += " " + strings.ToUpper(value)
	}
	if d := flagDefault(f); d != "" {
		usage += " (default " + d + ")"
	}
	return Entry{name, usage}
}

// flagDefault is the default as it would be typed; empty where it is nothing, which goes without
// saying.
func flagDefault(f *pflag.Flag) string {
	d := f.DefValue
	if _, isList := f.Value.(pflag.SliceValue); isList {
		d = strings.TrimSuffix(strings.TrimPrefix(d, "["), "]")
	}
	if f.Value.Type() == "bool" && d == "false" {
		return ""
	}
	return d
}
