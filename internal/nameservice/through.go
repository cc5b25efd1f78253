//go:build linux && !nodns

package nameservice

import (
	"fmt"
	"net"
	"net/netip"

	"github.com/arc4tun/arc4tun/internal/rtnetlink"
)

// Through reports whether an address is reached through a tunnel's device, as the kernel's routes
// and rules are now.
func Through(device string, a netip.Addr) (bool, error) {
	link, err := net.InterfaceByName(device)
	if err != nil {
		return false, fmt.Errorf("the tunnel's device %q: %w", device, err)
	}
	kernel, err := rtnetlink.Open()
	if err != nil {
		return false, err
	}
	defer kernel.Close()
	r, err := kernel.RouteTo(a, rtnetlink.RouteQuery{})
	return err == nil && r.Link == link.Index, nil // an error: there is no route at all
}
