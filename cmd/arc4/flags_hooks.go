package main

import (
	"github.com/spf13/pflag"

	"github.com/arc4tun/arc4tun/cmd/arc4/internal/exit"
	"github.com/arc4tun/arc4tun/internal/pppdhook"
)

// hookFlags are the programs to run when a tunnel comes up and goes down, under pppd's names.
type hookFlags struct{ pppdhook.Programs }

// hookPath is a flag of hookFlags that names a program.
type hookPath struct {
	flag, usage string
	to          *string
	ipv6        bool // has a meaning only with --ipv6
}

func (f *hookFlags) paths() []hookPath {
	return []hookPath{
		{"ip-pre-up", "`PROGRAM` to run when the device has its addresses, before it is up; it is waited for, for 10 s at most", &f.IPPreUp, false},
		{"ip-up", "`PROGRAM` to run when IPv4 passes, as pppd runs ip-up: no shell, pppd's arguments and environment", &f.IPUp, false},
		{"ip-down", "`PROGRAM` to run when IPv4 passes no more", &f.IPDown, false},
		{"ipv6-up", "`PROGRAM` to run when IPv6 passes, with --ipv6", &f.IPv6Up, true},
		{"ipv6-down", "`PROGRAM` to run when IPv6 passes no more, with --ipv6", &f.IPv6Down, true},
	}
}

func (f *hookFlags) addFlags(flags *pflag.FlagSet) {
	for _, p := range f.paths() {
		flags.StringVar(p.to, p.flag, "", p.usage)
	}
	flags.StringVar(&f.IPParam, "ipparam", "", "`TEXT` that those programs get as their last argument")
}

// check refuses what could not be run, before anything is.
func (f *hookFlags) check(ipv6 bool) error {
	for _, p := range f.paths() {
		if *p.to == "" {
			continue
		}
		if err := pppdhook.Check(*p.to); err != nil {
			return exit.Usagef("--%s %w", p.flag, err)
		}
		if p.ipv6 && !ipv6 {
			return exit.Usagef("--%s %s has no effect without --ipv6: add that, or leave it out", p.flag, *p.to)
		}
	}
	if f.IPParam != "" && f.None() {
		return exit.Usagef("--ipparam has no effect without a program such as --ip-up: name one, or leave it out") // it may be a secret
	}
	return nil
}
