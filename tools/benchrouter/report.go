package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
)

// shownFunctions is how many functions of a packet's work are listed.
const shownFunctions = 12

// writeTable prints the verdicts, and below them what else was measured.
func writeTable(w io.Writer, verdicts []verdict, f figures) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "\tbefore\tbar\tmeasured\t")
	for _, v := range verdicts {
		said := "not reached"
		switch {
		case v.Measured == nil:
			said = "not measured"
		case v.Reached:
			said = "reached"
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\n", v.What, cmp.Or(v.Before, "-"), v.Bar, v.Shown, said)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for _, line := range f.beside() {
		if _, err := fmt.Fprintln(w, line); err != nil {
			return err
		}
	}
	return nil
}

// beside are lines of figures without a bar.
func (f figures) beside() []string {
	var lines []string
	add := func(title, form string, names ...string) {
		var said []string
		for _, name := range names {
			if v, ok := f.median(name); ok {
				said = append(said, fmt.Sprintf("%s "+form, name, v))
			}
		}
		if len(said) > 0 {
			lines = append(lines, title+": "+strings.Join(said, ", "))
		}
	}
	add("\nMbit/s", "%.1f", "kernel-down", "kernel-up", "pptp-down", "pptp-up", "arc4-down", "arc4-up", "delay", "jitter", "64-down", "64-up", "48-down", "48-up")
	add("Mbit/s of connect alone", "%.1f", "alone-64-down", "alone-64-up", "alone-48-down", "alone-48-up", "alone-48-unboosted-down", "alone-48-unboosted-up")
	add("kB", "%.0f", "64-connect", "64-serve", "48-connect", "48-serve", "alone-64-connect", "alone-48-connect", "alone-48-unboosted-connect")
	add("of the processor, and faults a second", "%.2f", "64-system", "64-faults", "48-system", "48-faults",
		"alone-64-system", "alone-64-faults", "alone-48-system", "alone-48-faults", "alone-48-unboosted-system", "alone-48-unboosted-faults")
	var machines []string
	for _, p := range processors {
		machines = append(machines, "instructions-"+p.name)
	}
	add("a packet", "%.0f", machines...)
	return append(lines, f.largest("instructions-mipsle ")...)
}

// largest lists the figures whose names begin with prefix, the largest first.
func (f figures) largest(prefix string) []string {
	names := slices.DeleteFunc(slices.Collect(maps.Keys(f)), func(name string) bool { return !strings.HasPrefix(name, prefix) })
	slices.SortFunc(names, func(a, b string) int { return cmp.Or(cmp.Compare(f[b][0], f[a][0]), cmp.Compare(a, b)) })
	var lines []string
	for _, name := range names[:min(len(names), shownFunctions)] {
		lines = append(lines, fmt.Sprintf("%8.0f  %s", f[name][0], strings.TrimPrefix(name, prefix)))
	}
	return lines
}
