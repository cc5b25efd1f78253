package netdev

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"github.com/arc4tun/arc4tun/internal/serverroute"
)

// system is where Apply worked.
type system struct {
	handle    *netlink.Handle
	addresses *serverroute.Addresses
}

func (y *system) close() {
	if y.handle != nil {
		y.handle.Close()
		y.handle = nil
	}
	if y.addresses != nil {
		y.addresses.Close()
		y.addresses = nil
	}
}

// apply records every change as soon as it is made, so that rollback sees what is there.
func (s *Setup) apply(ctx context.Context) error {
	// A handle stays in the namespace it was opened in, whichever thread uses it later.
	handle, err := netlink.NewHandle(unix.NETLINK_ROUTE)
	if err != nil {
		return fmt.Errorf("open netlink: %w", err)
	}
	s.sys.handle = handle
	if s.sys.addresses, err = serverroute.OpenAddresses(); err != nil {
		return err
	}
	link, err := handle.LinkByName(s.settings.Device)
	if err != nil {
		return fmt.Errorf("interface %q: %w", s.settings.Device, err)
	}
	c := &changer{Setup: s, handle: handle, link: link}

	steps := []func() error{c.keepRoutes, c.noRouter, c.address4, c.address6, c.mtu, c.beforeUp, c.up, c.followServer}
	for _, prefix := range s.settings.routes() {
		steps = append(steps, func() error { return c.tunnelRoute(prefix) })
	}
	for _, step := range steps {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("setting up %q: %w", s.settings.Device, err)
		}
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// changer is one run of Apply.
type changer struct {
	*Setup
	handle *netlink.Handle
	link   netlink.Link
}

// keepRoutes remembers what goes to the device already, which a persistent device may well
// have: the kernel drops it all when Undo removes the last address or takes the link down.
func (c *changer) keepRoutes() error {
	var kept []netlink.Route
	for _, family := range []int{netlink.FAMILY_V4, netlink.FAMILY_V6} {
		routes, err := c.handle.RouteListFiltered(family, &netlink.Route{LinkIndex: c.link.Attrs().Index}, netlink.RT_FILTER_OIF)
		if err != nil {
			return fmt.Errorf("list the routes of %s: %w", c.settings.Device, err)
		}
		for _, r := range routes {
			// Those of the kernel come back with their address, and ours are what a run that was
			// killed has left.
			if r.Protocol != unix.RTPROT_KERNEL && r.Protocol != serverroute.Protocol {
				kept = append(kept, r)
			}
		}
	}
	c.did(stepOther, "routes kept on "+c.settings.Device, func() error {
		var errs []error
		for _, r := range kept {
			if err := c.handle.RouteAdd(&r); !errors.Is(err, unix.EEXIST) {
				errs = append(errs, ignoreGone(err))
			}
		}
		return errors.Join(errs...)
	})
	return nil
}

func (c *changer) address4() error {
	if !c.settings.Local.IsValid() {
		return nil
	}
	return c.address(stepAddress4, c.settings.Local, c.settings.Remote, 32)
}

func (c *changer) address6() error {
	if !c.settings.Local6.IsValid() {
		return nil
	}
	// RFC 5072 section 5: the prefix is fe80::/64, so every peer of this link is in it.
	return c.address(stepAddress6, c.settings.Local6, netip.Addr{}, 64)
}

// address adds local/bits, or local with a peer of its own.
func (c *changer) address(kind stepKind, local, remote netip.Addr, bits int) error {
	local = local.WithZone("")
	addr := &netlink.Addr{
		IPNet:     ipNet(netip.PrefixFrom(local, bits)),
		Scope:     unix.RT_SCOPE_UNIVERSE,
		LinkIndex: c.link.Attrs().Index,
	}
	if local.Is6() {
		addr.Scope = unix.RT_SCOPE_LINK
		// IPV6CP has made sure that the identifiers differ (RFC 5072 section 4.1), and an address
		// that is being checked cannot be used.
		addr.Flags = unix.IFA_F_NODAD
	}
	if remote.IsValid() {
		addr.Peer = ipNet(netip.PrefixFrom(remote, remote.BitLen()))
	}
	what := fmt.Sprintf("address %v on %s", local, c.settings.Device)
	switch err := c.sys.addresses.Add(c.link, addr); {
	case errors.Is(err, unix.EEXIST):
		return nil // somebody's from before: used, and left
	case errors.Is(err, unix.EPERM):
		return fmt.Errorf("%s: not permitted: run as root or with CAP_NET_ADMIN (%w)", what, err)
	case local.Is6() && (errors.Is(err, unix.EACCES) || errors.Is(err, unix.EOPNOTSUPP)):
		return fmt.Errorf("%s: IPv6 is switched off on this system: leave IPv6 off, or set net.ipv6.conf.%s.disable_ipv6=0 (%w)", what, c.settings.Device, err)
	case err != nil:
		return fmt.Errorf("%s: %w", what, err)
	}
	c.did(kind, what, func() error { return ignoreGone(c.handle.AddrDel(c.link, addr)) })
	return nil
}

func (c *changer) mtu() error {
	before := c.link.Attrs().MTU
	if c.settings.MTU == 0 || c.settings.MTU == before {
		return nil
	}
	what := fmt.Sprintf("MTU %d on %s", c.settings.MTU, c.settings.Device)
	if err := c.handle.LinkSetMTU(c.link, c.settings.MTU); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	c.did(stepOther, what, func() error { return ignoreGone(c.handle.LinkSetMTU(c.link, before)) })
	return nil
}

func (c *changer) beforeUp() error {
	if c.settings.BeforeUp != nil {
		c.settings.BeforeUp()
	}
	return nil
}

func (c *changer) up() error {
	if c.link.Attrs().Flags&net.FlagUp != 0 {
		return nil
	}
	// Without this the kernel gives the device a link-local address of its own and solicits
	// routers through it, which no PPTP peer agreed to. Systems without IPv6 refuse it.
	_ = c.handle.LinkSetIP6AddrGenMode(c.link, nl.IN6_ADDR_GEN_MODE_NONE)
	what := "link up of " + c.settings.Device
	if err := c.handle.LinkSetUp(c.link); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	c.did(stepOther, what, func() error { return ignoreGone(c.handle.LinkSetDown(c.link)) })
	return nil
}

// followServer has the way to the server lead around the device from now on, whatever becomes of
// it.
func (c *changer) followServer() error {
	s := c.settings
	if !s.Server.IsValid() || s.Follower == nil && c.follower == nil && !s.needsHostRoute() {
		return nil
	}
	if c.follower == nil {
		what := "way to the server " + s.Server.String()
		c.follower = s.Follower
		if c.follower == nil {
			own, err := serverroute.Open(nil)
			if err != nil {
				return fmt.Errorf("%s: %w", what, err)
			}
			c.follower = own
			c.did(stepOther, what, own.Close)
		} else {
			c.did(stepOther, what, s.Follower.Release)
		}
	}
	if err := c.follower.Lead(s.Server, c.link.Attrs().Index, s.routes()); err != nil && s.needsHostRoute() {
		return fmt.Errorf("no route to the server %v: connect this machine to a network first (%w)", s.Server, err)
	}
	return nil
}

func (c *changer) tunnelRoute(prefix netip.Prefix) error {
	what := fmt.Sprintf("route %v through %s", prefix, c.settings.Device)
	route := &netlink.Route{
		Dst:       ipNet(prefix),
		LinkIndex: c.link.Attrs().Index,
		Scope:     unix.RT_SCOPE_LINK,
		Protocol:  serverroute.Protocol,
	}
	switch err := c.handle.RouteAdd(route); {
	case errors.Is(err, unix.EEXIST):
		existing, err := c.existing(route.Dst)
		if err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		if existing.LinkIndex == route.LinkIndex && existing.Protocol != serverroute.Protocol {
			return nil
		}
		if existing.LinkIndex == route.LinkIndex {
			break // left on a persistent device by a run that was killed: who holds the device now takes it away
		}
		return fmt.Errorf("%s: the system has one already, %s: remove it, or do not ask for this route", what, c.describe(existing))
	case err != nil:
		return fmt.Errorf("%s: %w", what, err)
	}
	c.did(stepRoute, what, func() error { return ignoreGone(c.handle.RouteDel(route)) })
	return nil
}

// existing finds the main table's best route to exactly dst: the one that stood in the way.
func (c *changer) existing(dst *net.IPNet) (netlink.Route, error) {
	family := netlink.FAMILY_V4
	if dst.IP.To4() == nil {
		family = netlink.FAMILY_V6
	}
	found, err := c.handle.RouteListFiltered(family, &netlink.Route{Dst: dst, Table: unix.RT_TABLE_MAIN}, netlink.RT_FILTER_DST|netlink.RT_FILTER_TABLE)
	if err != nil {
		return netlink.Route{}, err
	}
	if len(found) == 0 {
		return netlink.Route{}, fmt.Errorf("the kernel reports a route to %v that it does not list: %w", dst, unix.EEXIST)
	}
	best := found[0]
	for _, r := range found[1:] {
		if r.Priority < best.Priority {
			best = r
		}
	}
	return best, nil
}

func (c *changer) describe(r netlink.Route) string {
	name := fmt.Sprintf("interface %d", r.LinkIndex)
	if link, err := c.handle.LinkByIndex(r.LinkIndex); err == nil {
		name = link.Attrs().Name
	}
	switch {
	case r.Type == unix.RTN_BLACKHOLE, r.Type == unix.RTN_UNREACHABLE, r.Type == unix.RTN_PROHIBIT:
		return "which refuses these packets"
	case r.Gw != nil:
		return fmt.Sprintf("via %v on %s", r.Gw, name)
	}
	return "on " + name
}

// ignoreGone takes for done what the kernel removed by itself: with the device, or with an
// address the change hung on.
func ignoreGone(err error) error {
	for _, gone := range []error{unix.ESRCH, unix.ENODEV, unix.ENXIO, unix.EADDRNOTAVAIL, unix.ENOENT} {
		if errors.Is(err, gone) {
			return nil
		}
	}
	return err
}

func ipNet(p netip.Prefix) *net.IPNet {
	return &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
}
