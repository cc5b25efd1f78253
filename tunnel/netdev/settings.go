package netdev

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/arc4tun/arc4tun/internal/serverroute"
)

// Settings say what a tunnel's device gets. The zero value of an address or a slice leaves
// that part out.
type Settings struct {
	// Device is the name CreateTUN returned.
	Device string
	// MTU in bytes; 0 keeps the device's own.
	MTU int

	// Local is our IPv4 address in the tunnel, and Remote the peer's: a client sets both
	// (Local/32 with Remote as the peer), a server sets Local alone, once for all sessions. A
	// Remote that is Server is left out: the tunnel's own packets would go into the tunnel. Whether
	// addresses that a peer gave are fit for this machine is for [Judge] to say.
	Local, Remote netip.Addr
	// Local6 is the link-local address that IPV6CP's interface identifier makes (RFC 5072); every
	// peer of the device is then within its fe80::/64.
	Local6 netip.Addr

	// Routes go to the device: a client's --route, a server's pool.
	Routes []netip.Prefix
	// DefaultRoute sends all IPv4 through the tunnel; ::/0 among the Routes does the same with
	// IPv6. The default route of the system stays for the way to the server: see Table.
	DefaultRoute bool
	// Excluded networks are reached as without the tunnel, though what is above takes them in.
	Excluded []netip.Prefix
	Table    Table
	// Metric is that of all routes into the device; 0: the kernel's.
	Metric uint32
	// Server is the peer's outer address. When a route above would take in its packets too, it is
	// led around: by a policy rule where a default route has them, else by a host route over the
	// way that reached it before. Before it is known, a Follower keeps what is dialled out of the
	// device.
	Server netip.Addr
	// Follower keeps that way, and is the caller's; nil: Setup has one of its own where it is
	// needed.
	Follower *serverroute.Follower
	// BeforeUp, if not nil, is called when the device has its addresses and its MTU, before it is
	// brought up.
	BeforeUp func()
}

// ParseRoute reads what --route takes: a CIDR, or one address. Errors name the value and what
// to write instead.
func ParseRoute(s string) (netip.Prefix, error) {
	if addr, err := netip.ParseAddr(s); err == nil && addr.Zone() == "" {
		return netip.PrefixFrom(addr.Unmap(), addr.Unmap().BitLen()), nil
	}
	prefix, err := netip.ParsePrefix(s)
	if err != nil {
		return netip.Prefix{}, fmt.Errorf("route %q is no network: write ADDRESS/BITS, as in 10.0.0.0/8 (%s)", s, strings.TrimPrefix(err.Error(), fmt.Sprintf("netip.ParsePrefix(%q): ", s)))
	}
	if err := validateRoute(prefix); err != nil {
		return netip.Prefix{}, err
	}
	return prefix, nil
}

func validateRoute(p netip.Prefix) error {
	switch {
	case !p.IsValid():
		return fmt.Errorf("route %v is no network: write ADDRESS/BITS, as in 10.0.0.0/8", p)
	case p.Masked() != p:
		return fmt.Errorf("route %v has bits set behind the mask: write %v for the network, or %v for the one host", p, p.Masked(), p.Addr())
	case p == all4:
		return fmt.Errorf("route %v is the default route: use --default-route", p)
	case p.Addr().IsMulticast():
		return fmt.Errorf("route %v is multicast, which a tunnel does not carry: leave it out", p)
	}
	return nil
}

func (s Settings) validate() error {
	if err := ValidateName(s.Device); err != nil {
		return err
	}
	if s.MTU != 0 {
		if err := validateMTU(s.MTU); err != nil {
			return err
		}
		if s.Local6.IsValid() && s.MTU < MinMTU6 {
			return fmt.Errorf("MTU %d is too small for IPv6: give at least %d, or leave IPv6 off", s.MTU, MinMTU6)
		}
	}
	if err := s.validateAddresses(); err != nil {
		return err
	}
	for _, route := range s.Routes {
		if err := validateRoute(route); err != nil {
			return err
		}
		if route.Addr().Is6() && !s.Local6.IsValid() {
			return fmt.Errorf("route %v is IPv6, and the tunnel carries no IPv6: turn IPv6 on at both ends, or leave the route out", route)
		}
		if route.Addr().Is4() && !s.Local.IsValid() {
			return fmt.Errorf("route %v is IPv4, and the tunnel has no IPv4 address: leave the route out", route)
		}
	}
	return s.validateExcluded()
}

// withoutLoop leaves out a tunnel address of the peer that is its outer address.
func (s Settings) withoutLoop() Settings {
	if s.Server.IsValid() && s.Remote == s.Server {
		s.Remote = netip.Addr{}
	}
	return s
}

func (s Settings) validateAddresses() error {
	for what, addr := range map[string]netip.Addr{"local": s.Local, "remote": s.Remote} {
		if addr.IsValid() && (!addr.Is4() || addr.IsUnspecified() || addr.IsMulticast() || addr.IsLoopback()) {
			return fmt.Errorf("%s tunnel address %v is not a usable IPv4 address", what, addr)
		}
	}
	if s.Local6.IsValid() && (!s.Local6.Is6() || !s.Local6.IsLinkLocalUnicast()) {
		return fmt.Errorf("local tunnel address %v is not a link-local IPv6 address", s.Local6)
	}
	switch {
	case s.Remote.IsValid() && !s.Local.IsValid():
		return fmt.Errorf("remote tunnel address %v comes without a local one", s.Remote)
	case s.Remote.IsValid() && s.Remote == s.Local:
		return fmt.Errorf("local and remote tunnel address are both %v: the peer must give two", s.Local)
	case s.DefaultRoute && !s.Local.IsValid():
		return fmt.Errorf("the default route needs an IPv4 address in the tunnel, and none was agreed")
	case s.DefaultRoute && !s.Server.IsValid() && s.Follower == nil:
		return fmt.Errorf("the default route needs the server's outer address, or the tunnel's own packets would go into the tunnel")
	}
	return nil
}

// needsHostRoute reports whether a route of a plan would swallow the tunnel's own packets.
func (s Settings) needsHostRoute(plan []plannedRoute) bool {
	return s.Server.IsValid() && slices.ContainsFunc(inMain(plan), func(p netip.Prefix) bool { return p.Contains(s.Server) })
}

// sameRoutes reports whether two settings lead the same into the same device.
func (s Settings) sameRoutes(o Settings) bool {
	return s.DefaultRoute == o.DefaultRoute && s.Table == o.Table && s.Metric == o.Metric &&
		slices.Equal(s.Routes, o.Routes) && slices.Equal(s.Excluded, o.Excluded)
}

// validateExcluded refuses what leaves nothing of a route.
func (s Settings) validateExcluded() error {
	for _, out := range s.Excluded {
		switch {
		case !out.IsValid() || out.Masked() != out || out.Bits() == 0:
			return fmt.Errorf("excluded network %v is none: write ADDRESS/BITS without bits behind the mask, as in 192.168.0.0/16", out)
		}
		for _, in := range s.Routes {
			if out.Bits() <= in.Bits() && out.Contains(in.Addr()) {
				return fmt.Errorf("route %v lies in the excluded network %v: leave one of them out", in, out)
			}
		}
	}
	return nil
}
