package netdev

import (
	"context"
	"errors"
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"

	"github.com/arc4tun/arc4tun/internal/rtnetlink"
	"github.com/arc4tun/arc4tun/internal/serverroute"
)

// system is where Apply worked.
type system struct{ kernel *rtnetlink.Conn }

func (y *system) close() {
	if y.kernel != nil {
		y.kernel.Close()
		y.kernel = nil
	}
}

// apply records every change as soon as it is made, so that rollback sees what is there.
func (s *Setup) apply(ctx context.Context) error {
	kernel, err := rtnetlink.Open()
	if err != nil {
		return err
	}
	s.sys.kernel = kernel
	link, err := kernel.LinkByName(s.settings.Device)
	if err != nil {
		return fmt.Errorf("interface %q: %w", s.settings.Device, err)
	}
	c := &changer{Setup: s, kernel: kernel, link: link}

	for _, step := range []func() error{c.keepRoutes, c.noRouter, c.address4, c.address6, c.mtu, c.beforeUp, c.up, c.openFollower, c.divert, c.planRoutes, c.followServer, c.tunnelRoutes} {
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
	kernel *rtnetlink.Conn
	link   rtnetlink.Link
}

// keepRoutes remembers what goes to the device already, which a persistent device may well
// have: the kernel drops it all when Undo removes the last address or takes the link down.
func (c *changer) keepRoutes() error {
	var kept []rtnetlink.SavedRoute
	for _, family := range []uint8{unix.AF_INET, unix.AF_INET6} {
		routes, err := c.kernel.SaveRoutes(family, func(r *rtnetlink.Route) bool {
			// Those of the kernel come back with their address, and ours are what a run that was
			// killed has left.
			return r.Link == c.link.Index && r.Protocol != unix.RTPROT_KERNEL && r.Protocol != serverroute.Protocol
		})
		if err != nil {
			return fmt.Errorf("list the routes of %s: %w", c.settings.Device, err)
		}
		kept = append(kept, routes...)
	}
	c.did(stepOther, "routes kept on "+c.settings.Device, func() error {
		var errs []error
		for _, r := range kept {
			if err := c.kernel.RestoreRoute(r); !errors.Is(err, unix.EEXIST) {
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
	addr := rtnetlink.Address{
		Link:     c.link.Index,
		Local:    netip.PrefixFrom(local, bits),
		Scope:    unix.RT_SCOPE_UNIVERSE,
		Protocol: serverroute.Protocol,
	}
	if local.Is6() {
		addr.Scope = unix.RT_SCOPE_LINK
		// IPV6CP has made sure that the identifiers differ (RFC 5072 section 4.1), and an address
		// that is being checked cannot be used.
		addr.Flags = unix.IFA_F_NODAD
	}
	if remote.IsValid() {
		addr.Peer = netip.PrefixFrom(remote, remote.BitLen())
	}
	what := fmt.Sprintf("address %v on %s", local, c.settings.Device)
	switch err := c.kernel.AddAddress(addr); {
	case errors.Is(err, unix.EEXIST):
		return nil // somebody's from before: used, and left
	case errors.Is(err, unix.EPERM):
		return fmt.Errorf("%s: not permitted: run as root or with CAP_NET_ADMIN (%w)", what, err)
	case local.Is6() && (errors.Is(err, unix.EACCES) || errors.Is(err, unix.EOPNOTSUPP)):
		return fmt.Errorf("%s: IPv6 is switched off on this system: leave IPv6 off, or set net.ipv6.conf.%s.disable_ipv6=0 (%w)", what, c.settings.Device, err)
	case err != nil:
		return fmt.Errorf("%s: %w", what, err)
	}
	c.did(kind, what, func() error { return ignoreGone(c.kernel.DeleteAddress(addr)) })
	return nil
}

func (c *changer) mtu() error {
	before := c.link.MTU
	if c.settings.MTU == 0 || c.settings.MTU == before {
		return nil
	}
	what := fmt.Sprintf("MTU %d on %s", c.settings.MTU, c.settings.Device)
	if err := c.kernel.SetMTU(c.link.Index, c.settings.MTU); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	c.did(stepOther, what, func() error { return ignoreGone(c.kernel.SetMTU(c.link.Index, before)) })
	return nil
}

func (c *changer) beforeUp() error {
	if c.settings.BeforeUp != nil {
		c.settings.BeforeUp()
	}
	return nil
}

func (c *changer) up() error {
	if c.link.Up() {
		return nil
	}
	// Without this the kernel gives the device a link-local address of its own and solicits
	// routers through it, which no PPTP peer agreed to. Systems without IPv6 refuse it.
	_ = c.kernel.SetAddrGenMode(c.link.Index, rtnetlink.AddrGenModeNone)
	what := "link up of " + c.settings.Device
	if err := c.kernel.SetUp(c.link.Index); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	c.did(stepOther, what, func() error { return ignoreGone(c.kernel.SetDown(c.link.Index)) })
	return nil
}

// openFollower has somebody follow the way to the server, where that takes one.
func (c *changer) openFollower() error {
	s := c.settings
	if c.follower != nil || s.Follower == nil && !s.Server.IsValid() {
		return nil
	}
	what := fmt.Sprintf("way to the server %v", s.Server)
	if s.Follower != nil {
		c.follower = s.Follower
		c.did(stepOther, what, s.Follower.Release)
		return nil
	}
	if !s.wantsRules() && !s.needsHostRoute(s.plan(0, nil)) {
		return nil
	}
	own, err := serverroute.Open(serverroute.Options{Everything: s.Everything()})
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	c.follower = own
	c.did(stepOther, what, own.Close)
	return nil
}

// divert has everything looked up in a table of the tunnel's own, which has no routes yet. Where
// there can be no rules, the main table has to do.
func (c *changer) divert() error {
	s := c.settings
	if !s.wantsRules() || c.follower == nil {
		return nil
	}
	var families []uint8
	for _, p := range s.everything() {
		family := uint8(unix.AF_INET)
		if p.Addr().Is6() {
			family = unix.AF_INET6
		}
		families = append(families, family)
	}
	switch err := c.follower.Divert(families...); {
	case errors.Is(err, serverroute.ErrNoRules):
		return nil
	case err != nil:
		return fmt.Errorf("default route through %s: %w", s.Device, err)
	}
	c.own = c.follower.Table()
	c.did(stepRoute, "policy rules for "+s.Device, c.follower.Undivert)
	return nil
}

// planRoutes settles which routes there will be.
func (c *changer) planRoutes() error {
	var standing []netip.Prefix
	if len(c.settings.Excluded) > 0 {
		for _, family := range []uint8{unix.AF_INET, unix.AF_INET6} {
			routes, err := c.kernel.Routes(family, func(r *rtnetlink.Route) bool {
				return r.Table == unix.RT_TABLE_MAIN && r.Link != c.link.Index && r.Dst.Bits() > 0
			})
			if err != nil && !errors.Is(err, rtnetlink.ErrInterrupted) {
				return fmt.Errorf("list the routes: %w", err)
			}
			for _, r := range routes {
				standing = append(standing, r.Dst)
			}
		}
	}
	c.planned = c.settings.plan(c.own, standing)
	return nil
}

// followServer has the way to the server lead around the device from now on, whatever becomes of
// it.
func (c *changer) followServer() error {
	s := c.settings
	if c.follower == nil {
		return nil
	}
	if err := c.follower.Lead(s.Server, c.link.Index, inMain(c.planned)); err != nil && s.Server.IsValid() && (c.own != 0 || s.needsHostRoute(c.planned)) {
		return fmt.Errorf("no route to the server %v: connect this machine to a network first (%w)", s.Server, err)
	}
	return nil
}

func (c *changer) tunnelRoutes() error {
	for _, r := range c.planned {
		if err := c.tunnelRoute(r); err != nil {
			return err
		}
	}
	return nil
}

func (c *changer) tunnelRoute(planned plannedRoute) error {
	route := rtnetlink.Route{
		Dst:      planned.dst,
		Link:     c.link.Index,
		Table:    planned.table,
		Scope:    unix.RT_SCOPE_LINK,
		Protocol: serverroute.Protocol,
		Priority: c.settings.Metric,
	}
	what := fmt.Sprintf("route %v through %s", planned.dst, c.settings.Device)
	if planned.throw {
		what = fmt.Sprintf("route %v around %s", planned.dst, c.settings.Device)
		// It hangs on no device, so its metric says whose it is when the process is killed.
		route.Link, route.Scope, route.Type = 0, unix.RT_SCOPE_UNIVERSE, unix.RTN_THROW
		if c.follower != nil {
			route.Priority = c.follower.Table()
		}
	}
	switch err := c.kernel.AddRoute(route); {
	case errors.Is(err, unix.EEXIST):
		existing, err := c.existing(route)
		if err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		if existing.Link == route.Link && existing.Protocol != serverroute.Protocol {
			return nil
		}
		if existing.Link == route.Link {
			break // left on a persistent device by a run that was killed: who holds the device now takes it away
		}
		return fmt.Errorf("%s: the system has one already, %s: remove it, or do not ask for this route", what, c.describe(existing))
	case err != nil:
		return fmt.Errorf("%s: %w", what, err)
	}
	c.did(stepRoute, what, func() error { return ignoreGone(c.kernel.DeleteRoute(route)) })
	return nil
}

// existing finds the table's best route to exactly the same network: the one that stood in the way.
func (c *changer) existing(to rtnetlink.Route) (rtnetlink.Route, error) {
	dst := to.Dst
	family := uint8(unix.AF_INET)
	if dst.Addr().Is6() {
		family = unix.AF_INET6
	}
	found, err := c.kernel.Routes(family, func(r *rtnetlink.Route) bool {
		return r.Dst == dst && r.Table == to.Table && (to.Priority == 0 || r.Priority == to.Priority)
	})
	if err != nil {
		return rtnetlink.Route{}, err
	}
	if len(found) == 0 {
		return rtnetlink.Route{}, fmt.Errorf("the kernel reports a route to %v that it does not list: %w", dst, unix.EEXIST)
	}
	best := found[0]
	for _, r := range found[1:] {
		if r.Priority < best.Priority {
			best = r
		}
	}
	return best, nil
}

func (c *changer) describe(r rtnetlink.Route) string {
	name := fmt.Sprintf("interface %d", r.Link)
	if link, err := c.kernel.LinkByIndex(r.Link); err == nil {
		name = link.Name
	}
	switch {
	case r.Type == unix.RTN_BLACKHOLE, r.Type == unix.RTN_UNREACHABLE, r.Type == unix.RTN_PROHIBIT:
		return "which refuses these packets"
	case r.Gateway.IsValid():
		return fmt.Sprintf("via %v on %s", r.Gateway, name)
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
