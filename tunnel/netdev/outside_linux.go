package netdev

import (
	"fmt"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// IPv6Outside names the interface by which IPv6 leaves this machine when all IPv4 goes through
// device; empty when there is no such way. A tunnel carries link-local IPv6 at most, so a name
// with both kinds of address is reached outside of it.
func IPv6Outside(device string) (string, error) {
	routes, err := netlink.RouteListFiltered(netlink.FAMILY_V6, &netlink.Route{Table: unix.RT_TABLE_MAIN, Dst: nil}, netlink.RT_FILTER_TABLE|netlink.RT_FILTER_DST)
	if err != nil {
		return "", fmt.Errorf("list the IPv6 routes: %w", err)
	}
	for _, r := range routes {
		hops := append([]*netlink.NexthopInfo{{LinkIndex: r.LinkIndex}}, r.MultiPath...)
		for _, hop := range hops {
			if r.Type != unix.RTN_UNICAST || hop.LinkIndex == 0 {
				continue
			}
			link, err := netlink.LinkByIndex(hop.LinkIndex)
			if err != nil {
				continue // it has gone in between
			}
			if name := link.Attrs().Name; name != device && name != "lo" {
				return name, nil
			}
		}
	}
	return "", nil
}
