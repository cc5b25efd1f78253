package main

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/arc4tun/arc4tun/cmd/arc4/internal/cmdline"
	"github.com/arc4tun/arc4tun/cmd/arc4/internal/exit"
	"github.com/arc4tun/arc4tun/internal/features"
	"github.com/arc4tun/arc4tun/internal/nameservice"
)

// dnsFlags say which name servers this machine asks while the tunnel is up.
type dnsFlags struct {
	servers []string
	domains []string
	client  *clientDNS // by into; nil: name service stays as it is
}

const (
	dnsAuto = "auto"
	dnsOff  = "off"
)

func (f *dnsFlags) addFlags(flags *pflag.FlagSet) {
	flags.Var(cmdline.NewList(&f.servers, dnsAuto), "dns", "name servers to ask while the tunnel is up: `SERVERS` is auto (those that the server offers, as far as they are reached through the tunnel), off (none of the tunnel's), or up to three addresses, with commas")
	flags.Var(cmdline.NewList(&f.domains), "dns-domain", "ask the tunnel's name servers only about names in these `DOMAINS`, with commas, and put those behind short names; with ~ before it one is not put there; systemd-resolved can ask others about the rest")
}

// dnsPlan is what the flags ask for.
type dnsPlan struct {
	off     bool
	servers []netip.Addr // none: those that the server offers
	domains []string
}

// plan turns the flags into that, or names the flag that is wrong.
func (f *dnsFlags) plan() (p dnsPlan, err error) {
	if !features.DNS {
		return dnsPlan{off: true}, f.absent()
	}
	if p.servers, p.off, err = f.parseServers(); err != nil {
		return p, err
	}
	for _, d := range f.domains {
		d = strings.TrimSpace(d)
		if err := nameservice.CheckDomain(d); err != nil {
			return p, exit.Usagef("--dns-domain %s: %w", d, err)
		}
		p.domains = append(p.domains, strings.ToLower(strings.TrimSuffix(d, ".")))
	}
	if p.off && len(p.domains) > 0 {
		return p, exit.Usagef("--dns-domain %s has no effect with --dns off: leave one of them out", strings.Join(f.domains, ","))
	}
	return p, nil
}

// absent refuses what a build without the feature cannot do.
func (f *dnsFlags) absent() error {
	if given := strings.Join(f.servers, ","); (given == dnsAuto || given == dnsOff) && len(f.domains) == 0 {
		return nil
	}
	return exit.Usagef(`--dns: built without: dns (build tag nodns); --dns off and auto do the same, "arc4 version" lists what this build has not`)
}

func (f *dnsFlags) parseServers() (servers []netip.Addr, off bool, err error) {
	words := slices.Clone(f.servers)
	for i := range words {
		words[i] = strings.TrimSpace(words[i])
	}
	given := strings.Join(words, ",")
	switch {
	case given == "":
		return nil, false, exit.Usagef("--dns is empty: give auto, off or addresses")
	case len(words) > 1 && (slices.Contains(words, dnsAuto) || slices.Contains(words, dnsOff)):
		return nil, false, exit.Usagef("--dns %s: auto and off stand alone", given)
	case given == dnsAuto || given == dnsOff:
		return nil, given == dnsOff, nil
	case len(words) > nameservice.MaxServers:
		return nil, false, exit.Usagef("--dns %s: %d name servers at most", given, nameservice.MaxServers)
	}
	for _, w := range words {
		a, err := netip.ParseAddr(w)
		if err != nil || a.Zone() != "" {
			return nil, false, exit.Usagef("--dns %s: must be auto, off or addresses of name servers", w)
		}
		if err := nameservice.CheckServer(a.Unmap()); err != nil {
			return nil, false, exit.Usagef("--dns %s %w: give another, or --dns off to leave name service as it is", w, err)
		}
		servers = append(servers, a.Unmap())
	}
	return servers, false, nil
}
