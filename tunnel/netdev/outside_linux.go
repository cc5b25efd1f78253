package netdev

import (
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/arc4tun/arc4tun/internal/rtnetlink"
)

// IPv6Outside names the interface by which IPv6 leaves this machine when all IPv4 goes through
// device; empty when there is no such way. A tunnel carries link-local IPv6 at most, so a name
// with both kinds of address is reached outside of it.
func IPv6Outside(device string) (string, error) {
	kernel, err := rtnetlink.Open()
	if err != nil {
		return "", err
	}
	defer kernel.Close()
	routes, err := kernel.Routes(unix.AF_INET6, func(r *rtnetlink.Route) bool {
		return r.Dst.Bits() == 0 && r.Table == unix.RT_TABLE_MAIN && r.Type == unix.RTN_UNICAST
	})
	if err != nil {
		return "", fmt.Errorf("list the IPv6 routes: %w", err)
	}
	for _, r := range routes {
		for _, hop := range append([]rtnetlink.Hop{{Link: r.Link}}, r.Hops...) {
			link, err := kernel.LinkByIndex(hop.Link)
			if err != nil {
				continue // it has gone in between, or was none
			}
			if link.Name != device && link.Name != "lo" {
				return link.Name, nil
			}
		}
	}
	return "", nil
}
