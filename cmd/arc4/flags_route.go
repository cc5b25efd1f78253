package main

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/arc4tun/arc4tun/cmd/arc4/internal/exit"
	"github.com/arc4tun/arc4tun/tunnel/localend"
	"github.com/arc4tun/arc4tun/tunnel/netdev"
)

// routeFlags say what goes through the tunnel, and how what carries it is kept out.
type routeFlags struct {
	routes       []string
	defaultRoute bool
	excluded     []string
	table        string
	metric       uint32
	mark         string
	device       string // that carries the tunnel
}

func (f *routeFlags) addFlags(flags *pflag.FlagSet) {
	flags.StringArrayVar(&f.routes, "route", nil, "`NETWORK` to reach through the tunnel, as ADDRESS/BITS; may be repeated; ::/0, with --ipv6, is all IPv6")
	flags.BoolVar(&f.defaultRoute, "default-route", false, "send all IPv4 through the tunnel; IPv6 leaves as before, and a warning says so if there is a way for it")
	flags.StringArrayVar(&f.excluded, "exclude-route", nil, "`NETWORK` to reach outside the tunnel as before, whatever --route and --default-route take in; may be repeated")
	flags.StringVar(&f.table, "table", "auto", "where the routes go: `TABLE` is auto (the main table, a default route a table of its own with policy rules, as wg-quick has it), main (all of them, a default route in halves), off (nowhere) or a number, for which the policy rules are yours")
	flags.Uint32Var(&f.metric, "metric", 0, "`METRIC` of the routes, 1 to 4294967295: of two routes to the same network the smaller one wins")
	flags.StringVar(&f.mark, "fwmark", "", "firewall `MARK` of all that carries the tunnel, for policy rules and filters, 1 to 0xffffffff; left out, one is chosen where it takes one")
	flags.StringVar(&f.device, "bind-interface", "", "`INTERFACE` that carries the tunnel; while it leads nowhere, so does the tunnel; left out, the one that leads to the server")
}

// leads reports whether anything is to go through the tunnel but for its server.
func (f *routeFlags) leads() bool { return f.defaultRoute || len(f.routes) > 0 }

// check refuses flags that were given and could not have an effect, with a kill switch or without.
func (f *routeFlags) check(cmd *cobra.Command, killSwitch bool) error {
	leads := f.leads()
	given := cmd.Flags().Changed
	switch {
	case len(f.excluded) > 0 && !leads && !killSwitch:
		return exit.Usagef("--exclude-route %s has no effect without --route, --default-route or --kill-switch: add one, or leave it out", f.excluded[0])
	case given("table") && f.table != "auto" && !leads:
		return exit.Usagef("--table %s has no effect without --route or --default-route: add one, or leave it out", f.table)
	case given("metric") && (!leads || f.table == "off"):
		return exit.Usagef("--metric %d has no effect without a route to set: add --route or --default-route, or leave it out", f.metric)
	}
	return nil
}

// into turns the flags into what a local end is made of, or names the flag that is wrong.
func (f *routeFlags) into(c *localend.ClientConfig, ipv6 bool) (err error) {
	if c.Routes, err = f.networks("--route", f.routes, ipv6); err != nil {
		return err
	}
	if c.Excluded, err = f.networks("--exclude-route", f.excluded, true); err != nil {
		return err
	}
	for _, out := range c.Excluded {
		at := slices.IndexFunc(c.Routes, func(in netip.Prefix) bool { return out.Bits() <= in.Bits() && out.Contains(in.Addr()) })
		if at >= 0 {
			return exit.Usagef("--route %v lies in --exclude-route %v: leave one of them out", c.Routes[at], out)
		}
	}
	if c.Table, err = netdev.ParseTable(f.table); err != nil {
		return exit.Usagef("--table: %w", err)
	}
	if f.mark != "" {
		mark, err := strconv.ParseUint(f.mark, 0, 32)
		if err != nil || mark == 0 {
			return exit.Usagef("--fwmark %q is none: give a number, 1 to 0xffffffff", f.mark)
		}
		c.Mark = uint32(mark)
	}
	if f.device != "" {
		if err := netdev.ValidateName(f.device); err != nil || strings.Contains(f.device, "%") {
			return exit.Usagef("--bind-interface %q is the name of no interface: ip link shows them", f.device)
		}
	}
	c.DefaultRoute, c.Metric, c.Interface = f.defaultRoute, f.metric, f.device
	return nil
}

// networks reads the values of a flag that may be repeated.
func (f *routeFlags) networks(flag string, values []string, ipv6 bool) ([]netip.Prefix, error) {
	var all []netip.Prefix
	for _, arg := range values {
		p, err := netdev.ParseRoute(arg)
		switch {
		case err != nil:
			return nil, exit.Usagef("%s: %w", flag, err)
		case p.Addr().Is6() && !ipv6:
			return nil, exit.Usagef("%s %s is IPv6, which the tunnel carries only with --ipv6: add that, or leave the route out", flag, arg)
		case flag == "--exclude-route" && p.Bits() == 0:
			return nil, exit.Usagef("%s %s leaves nothing for the tunnel: leave it out", flag, arg)
		}
		all = append(all, p)
	}
	return all, nil
}
