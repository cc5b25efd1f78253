package netdev

import (
	"fmt"
	"net/netip"
	"slices"
)

// Given are the addresses inside a tunnel that its server gives, and what the user has asked for. A
// server is not trusted with them: its addresses must not take from this machine what it reaches by
// other paths.
type Given struct {
	Local, Remote netip.Addr // ours and the server's; either may be missing
	Server        netip.Addr // the server's outer address
	// Routes are what the user sends into the tunnel; DefaultRoute sends everything. Excluded is
	// what stays outside whatever they say.
	Routes       []netip.Prefix
	DefaultRoute bool
	Excluded     []netip.Prefix
}

// Surroundings are what addresses are judged against: this machine as it is without the tunnel.
// [LookAround] collects them.
type Surroundings struct {
	own         []ownAddress
	onLink      []onLink
	nextHops    []nextHop
	nameServers []nameServer
}

type (
	// ownAddress is an address of an interface of this machine.
	ownAddress struct {
		Addr netip.Addr
		Link string
	}
	// onLink is a network whose hosts an interface reaches without a next hop.
	onLink struct {
		Prefix netip.Prefix
		Link   string
	}
	// nextHop is the gateway of a route.
	nextHop struct {
		Addr netip.Addr
		Link string
	}
	// nameServer is a configured one, and the file that says so.
	nameServer struct {
		Addr netip.Addr
		File string
	}
)

// WithoutNameServers gives the surroundings without some of the name servers: those that this
// machine asks through the tunnel itself.
func (s Surroundings) WithoutNameServers(servers []netip.Addr) Surroundings {
	s.nameServers = slices.DeleteFunc(slices.Clone(s.nameServers), func(n nameServer) bool { return slices.Contains(servers, n.Addr) })
	return s
}

// Verdict is what may be done with an address that a server gives.
type Verdict int

const (
	// Usable addresses are put to use.
	Usable Verdict = iota
	// Unused ones are agreed to, since many servers cannot have another, and nothing is done with
	// them: the tunnel works without.
	Unused
	// Refused ones end the call.
	Refused
)

// Ruling is a verdict with its reason, which completes "ADDRESS is ..."; empty if the address is
// usable.
type Ruling struct {
	Verdict Verdict
	Reason  string
}

// Judge rules on the two addresses of a tunnel. To use the server's means a host route into the
// tunnel, which takes the address from whoever else has it: so what this machine reaches by another
// way is not used. To use ours means that this machine answers for it on all its links, as Linux
// does for every address it has (arp(7), RFC 1122 section 3.3.4.2): so what belongs to a neighbour
// is refused, for a tunnel does not work without an address.
//
// Only IPv4 is judged: the IPv6 addresses of a tunnel are link-local and valid on its device alone.
func Judge(g Given, s Surroundings) (local, remote Ruling) {
	if g.Local.IsValid() {
		if reason := firstOf(special(g.Local), g.outer(g.Local), s.taken(g.Local), s.asks(g.Local)); reason != "" {
			local = Ruling{Refused, reason}
		}
	}
	if g.Remote.IsValid() {
		reason := firstOf(special(g.Remote), g.outer(g.Remote), s.taken(g.Remote), g.excluded(g.Remote))
		if reason == "" && !g.asked(g.Remote) {
			reason = firstOf(s.asks(g.Remote), public(g.Remote))
		}
		if reason != "" {
			remote = Ruling{Unused, reason}
		}
	}
	return local, remote
}

// asked reports whether the user sends the address into the tunnel anyway.
func (g Given) asked(a netip.Addr) bool {
	for _, p := range g.Routes {
		if p.Contains(a) {
			return true
		}
	}
	return g.DefaultRoute
}

// excluded says which network the user keeps outside has an address.
func (g Given) excluded(a netip.Addr) string {
	for _, p := range g.Excluded {
		if p.Contains(a) {
			return fmt.Sprintf("in the network %s, which is reached outside the tunnel", p)
		}
	}
	return ""
}

func (g Given) outer(a netip.Addr) string {
	if a == g.Server {
		return "the server's own address outside the tunnel"
	}
	return ""
}

// taken says who has an address, or could have it, without the tunnel.
func (s Surroundings) taken(a netip.Addr) string {
	for _, o := range s.own {
		if o.Addr == a {
			return fmt.Sprintf("this machine's own on %s", o.Link)
		}
	}
	for _, h := range s.nextHops {
		if h.Addr == a {
			return fmt.Sprintf("the gateway of a route by %s", h.Link)
		}
	}
	for _, l := range s.onLink {
		if l.Prefix.Contains(a) {
			return fmt.Sprintf("in the network %s of %s", l.Prefix, l.Link)
		}
	}
	return ""
}

func (s Surroundings) asks(a netip.Addr) string {
	for _, n := range s.nameServers {
		if n.Addr == a {
			return fmt.Sprintf("a name server of this machine, by %s", n.File)
		}
	}
	return ""
}

// specials are the addresses that no tunnel has (RFC 6890): of this host, and of many.
var specials = []struct {
	prefix netip.Prefix
	reason string
}{
	{netip.MustParsePrefix("0.0.0.0/8"), "in 0.0.0.0/8, where no host is"},
	{netip.MustParsePrefix("127.0.0.0/8"), "a loopback address"},
	{netip.MustParsePrefix("169.254.0.0/16"), "in 169.254.0.0/16, of one link alone, where clouds have their metadata"},
	{netip.MustParsePrefix("224.0.0.0/3"), "multicast, reserved or broadcast"},
}

func special(a netip.Addr) string {
	for _, s := range specials {
		if s.prefix.Contains(a) {
			return s.reason
		}
	}
	return ""
}

// shared are the addresses between a provider and its customers (RFC 6598), which are as little
// public as private ones.
var shared = netip.MustParsePrefix("100.64.0.0/10")

func public(a netip.Addr) string {
	if a.IsPrivate() || shared.Contains(a) {
		return ""
	}
	return "public, and no route asks for it"
}

func firstOf(reasons ...string) string {
	for _, r := range reasons {
		if r != "" {
			return r
		}
	}
	return ""
}
