package netdev

import (
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"

	"github.com/arc4tun/arc4tun/internal/rtnetlink"
)

// LookAround finds the surroundings of a tunnel's device, which need not be there yet: of the
// network namespace of the calling thread, without what hangs on the device itself.
func LookAround(device string) (Surroundings, error) {
	kernel, err := rtnetlink.Open()
	if err != nil {
		return Surroundings{}, err
	}
	defer kernel.Close()
	links, err := kernel.Links()
	if err != nil {
		return Surroundings{}, fmt.Errorf("list the interfaces: %w", err)
	}
	others := make(map[int]rtnetlink.Link)
	for _, l := range links {
		if l.Name != device {
			others[l.Index] = l
		}
	}
	s := Surroundings{nameServers: nameServers(resolverFiles)}
	if err := s.addAddresses(kernel, others); err != nil {
		return s, err
	}
	return s, s.addRoutes(kernel, others)
}

func (s *Surroundings) addAddresses(kernel *rtnetlink.Conn, others map[int]rtnetlink.Link) error {
	addrs, err := kernel.Addresses(unix.AF_INET)
	if err != nil {
		return fmt.Errorf("list the addresses: %w", err)
	}
	for _, a := range addrs {
		link, there := others[a.Link]
		if !there {
			continue
		}
		s.own = append(s.own, ownAddress{a.Local.Addr(), link.Name})
		for _, network := range []netip.Prefix{a.Local, a.Peer} {
			if network.IsValid() && link.Up() {
				s.onLink = append(s.onLink, onLink{network.Masked(), link.Name})
			}
		}
	}
	return nil
}

// addRoutes takes the routes of all tables: which of them a rule chooses can change at any time.
func (s *Surroundings) addRoutes(kernel *rtnetlink.Conn, others map[int]rtnetlink.Link) error {
	routes, err := kernel.Routes(unix.AF_INET, func(*rtnetlink.Route) bool { return true })
	if err != nil {
		return fmt.Errorf("list the routes: %w", err)
	}
	for _, r := range routes {
		hops := r.Hops
		if len(hops) == 0 {
			hops = []rtnetlink.Hop{{Link: r.Link, Gateway: r.Gateway}}
		}
		for _, hop := range hops {
			if link, there := others[hop.Link]; there {
				s.addHop(r, hop, link)
			}
		}
	}
	return nil
}

func (s *Surroundings) addHop(r rtnetlink.Route, hop rtnetlink.Hop, link rtnetlink.Link) {
	if hop.Gateway.Is4() {
		s.nextHops = append(s.nextHops, nextHop{hop.Gateway, link.Name})
		return
	}
	p := r.Dst.Masked()
	if p.Bits() == 0 || hop.Gateway.IsValid() {
		return
	}
	switch {
	case r.Type == unix.RTN_LOCAL && p.IsSingleIP():
		s.own = append(s.own, ownAddress{p.Addr(), link.Name})
	case r.Type == unix.RTN_LOCAL && !p.Addr().IsLoopback():
		s.onLink = append(s.onLink, onLink{p, link.Name})
	case r.Type == unix.RTN_UNICAST && link.Flags&(unix.IFF_NOARP|unix.IFF_POINTOPOINT) == 0:
		// Behind a link without ARP such a route is no network of neighbours but a way like any
		// other: half of the Internet behind another tunnel, say.
		s.onLink = append(s.onLink, onLink{p, link.Name})
	}
}
