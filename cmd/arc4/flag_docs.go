package main

import (
	"strings"

	"github.com/spf13/pflag"
)

// flagDocs describes the flags of a set, in alphabetical order, for the help and the manual pages
// alike.
func flagDocs(flags *pflag.FlagSet) []textEntry {
	var list []textEntry
	flags.VisitAll(func(f *pflag.Flag) {
		if !f.Hidden && f.Deprecated == "" {
			list = append(list, flagDoc(f))
		}
	})
	return list
}

// flagDoc is a flag's entry: how it is written, with its value's name in capitals, and what it
// does, with its default at the end.
func flagDoc(f *pflag.Flag) textEntry {
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
	return textEntry{name, usage}
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
