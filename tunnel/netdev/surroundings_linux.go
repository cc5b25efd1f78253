package netdev

import (
	"fmt"
	"net"
	"net/netip"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// LookAround finds the surroundings of a tunnel's device, which need not be there yet: of the
// network namespace of the calling thread, without what hangs on the device itself.
func LookAround(device string) (Surroundings, error) {
	handle, err := netlink.NewHandle(unix.NETLINK_ROUTE)
	if err != nil {
		return Surroundings{}, fmt.Errorf("open netlink: %w", err)
	}
	defer handle.Close()
	links, err := handle.LinkList()
	if err != nil {
		return Surroundings{}, fmt.Errorf("list the interfaces: %w", err)
	}
	others := make(map[int]netlink.Link)
	for _, l := range links {
		if l.Attrs().Name != device {
			others[l.Attrs().Index] = l
		}
	}
	s := Surroundings{nameServers: nameServers(resolverFiles)}
	if err := s.addAddresses(handle, others); err != nil {
		return s, err
	}
	return s, s.addRoutes(handle, others)
}

func (s *Surroundings) addAddresses(handle *netlink.Handle, others map[int]netlink.Link) error {
	addrs, err := handle.AddrList(nil, netlink.FAMILY_V4)
	if err != nil {
		return fmt.Errorf("list the addresses: %w", err)
	}
	for _, a := range addrs {
		link := others[a.LinkIndex]
		own, ok := netip.AddrFromSlice(a.IP.To4())
		if link == nil || !ok {
			continue
		}
		name := link.Attrs().Name
		s.own = append(s.own, ownAddress{own, name})
		for _, n := range []*net.IPNet{a.IPNet, a.Peer} {
			if p, ok := prefixOf(n); ok && link.Attrs().Flags&net.FlagUp != 0 {
				s.onLink = append(s.onLink, onLink{p, name})
			}
		}
	}
	return nil
}

// addRoutes takes the routes of all tables: which of them a rule chooses can change at any time.
func (s *Surroundings) addRoutes(handle *netlink.Handle, others map[int]netlink.Link) error {
	routes, err := handle.RouteListFiltered(netlink.FAMILY_V4, &netlink.Route{Table: unix.RT_TABLE_UNSPEC}, netlink.RT_FILTER_TABLE)
	if err != nil {
		return fmt.Errorf("list the routes: %w", err)
	}
	for _, r := range routes {
		hops := r.MultiPath
		if len(hops) == 0 {
			hops = []*netlink.NexthopInfo{{LinkIndex: r.LinkIndex, Gw: r.Gw, Via: r.Via}}
		}
		for _, hop := range hops {
			if link := others[hop.LinkIndex]; link != nil {
				s.addHop(r, hop, link)
			}
		}
	}
	return nil
}

func (s *Surroundings) addHop(r netlink.Route, hop *netlink.NexthopInfo, link netlink.Link) {
	name := link.Attrs().Name
	if gateway, ok := netip.AddrFromSlice(hop.Gw); ok {
		s.nextHops = append(s.nextHops, nextHop{gateway.Unmap(), name})
		return
	}
	p, ok := prefixOf(r.Dst)
	if !ok || p.Bits() == 0 || hop.Via != nil {
		return
	}
	switch {
	case r.Type == unix.RTN_LOCAL && p.IsSingleIP():
		s.own = append(s.own, ownAddress{p.Addr(), name})
	case r.Type == unix.RTN_LOCAL && !p.Addr().IsLoopback():
		s.onLink = append(s.onLink, onLink{p, name})
	case r.Type == unix.RTN_UNICAST && link.Attrs().RawFlags&(unix.IFF_NOARP|unix.IFF_POINTOPOINT) == 0:
		// Behind a link without ARP such a route is no network of neighbours but a way like any
		// other: half of the Internet behind another tunnel, say.
		s.onLink = append(s.onLink, onLink{p, name})
	}
}

func prefixOf(n *net.IPNet) (netip.Prefix, bool) {
	if n == nil {
		return netip.Prefix{}, false
	}
	a, ok := netip.AddrFromSlice(n.IP.To4())
	bits, size := n.Mask.Size()
	if !ok || size != 32 {
		return netip.Prefix{}, false
	}
	return netip.PrefixFrom(a, bits).Masked(), true
}
