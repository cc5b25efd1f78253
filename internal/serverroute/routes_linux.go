package serverroute

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Protocol marks the routes of this program (RTA_PROTOCOL in rtnetlink(7)): "proto 164" in the
// words of ip route. The numbers from 4 on are anyone's, and this is nobody's in iproute2's list.
const Protocol netlink.RouteProtocol = 164

var errNoRoute = errors.New("no route leads there around the tunnel")

// find looks for the best path to the server around the tunnel, and keeps the host route over it if
// the server would be reached through the tunnel otherwise. Before a server is known it is the path
// of all that has no other. The caller holds mu.
func (f *Follower) find() path {
	if !f.server.IsValid() {
		t, err := f.list()
		if best := t.best(netip.IPv4Unspecified(), f.device); best != nil {
			return f.describe(path{}, best)
		}
		return path{missing: cmpErr(err, errNoRoute)}
	}
	w := path{server: f.server}
	asked, err := f.ask(f.server)
	switch {
	case err == nil && asked.Type == unix.RTN_LOCAL:
		w.source = f.server // the local table is asked before any route of anybody's
		w.missing = f.removeRoute()
		return w
	case err == nil && asked.LinkIndex != f.device && (!inMain(asked) || f.device == 0 && f.route == nil):
		// The rules of this machine lead it there, or there is no tunnel.
		if err := f.removeRoute(); err != nil {
			f.log.Warn("removing the host route to the server", "server", f.server, "error", err)
		}
		return f.describe(w, asked)
	}
	t, err := f.list()
	if err != nil {
		w.missing = err
		return w
	}
	best := t.best(f.server, f.device)
	if best == nil {
		best = t.standing(f.server, f.claim.metric)
	}
	if best == nil {
		if best, err = f.byInterface(f.server); err != nil {
			w.missing = err
			return w
		}
	}
	if err := f.keep(t, best); err != nil {
		f.log.Warn("the host route to the server", "server", f.server, "error", err)
	}
	return f.describe(w, best)
}

func cmpErr(err, otherwise error) error {
	if err != nil {
		return err
	}
	return otherwise
}

// ask is the kernel's answer.
func (f *Follower) ask(addr netip.Addr) (*netlink.Route, error) {
	found, err := f.handle.RouteGet(addr.AsSlice())
	if err == nil && len(found) == 0 {
		err = errNoRoute
	}
	if err != nil {
		return nil, err
	}
	return &found[0], nil
}

func inMain(r *netlink.Route) bool {
	return r.Table == unix.RT_TABLE_MAIN || r.Table == unix.RT_TABLE_UNSPEC
}

// describe completes a path that goes as a route does.
func (f *Follower) describe(w path, r *netlink.Route) path {
	w.link = r.LinkIndex
	if link, err := f.handle.LinkByIndex(r.LinkIndex); err == nil {
		w.name = link.Attrs().Name
	}
	if gateway, ok := netip.AddrFromSlice(r.Gw); ok {
		w.gateway = gateway.Unmap()
	}
	src := r.Src
	if src == nil && w.server.IsValid() {
		// The kernel chooses.
		if got, err := f.handle.RouteGetWithOptions(w.server.AsSlice(), &netlink.RouteGetOptions{OifIndex: r.LinkIndex}); err == nil && len(got) > 0 {
			src = got[0].Src
		}
	}
	if source, ok := netip.AddrFromSlice(src); ok {
		w.source = source.Unmap()
	}
	return w
}

// table is what the main table has.
type table []netlink.Route

func (f *Follower) list() (table, error) {
	routes, err := f.handle.RouteListFiltered(netlink.FAMILY_V4, &netlink.Route{Table: unix.RT_TABLE_MAIN}, netlink.RT_FILTER_TABLE)
	if err != nil && !errors.Is(err, netlink.ErrDumpInterrupted) {
		return nil, fmt.Errorf("list the routes: %w", err)
	}
	return routes, nil // what changed meanwhile is news, and looked at again
}

// best is the route to addr that the kernel would take if there were no interface without, the
// tunnel's, and no host route of this program; nil if there is none, or one that refuses, which is
// somebody's wish. Of a route over several paths it is the first that is no dead end.
func (t table) best(addr netip.Addr, without int) *netlink.Route {
	var best *netlink.Route
	for i := range t {
		r := &t[i]
		if isHostRouteOfOurs(r) || !contains(r, addr) || best != nil && !better(r, best) {
			continue
		}
		switch r.Type {
		case unix.RTN_UNICAST:
			if path := onePath(r, without); path != nil {
				best = path
			}
		case unix.RTN_UNREACHABLE, unix.RTN_BLACKHOLE, unix.RTN_PROHIBIT:
			best = r
		}
	}
	if best == nil || best.Type != unix.RTN_UNICAST {
		return nil
	}
	return best
}

// standing is the host route to addr with a metric of ours, as it stands; nil if there is none, or
// its link is dead.
func (t table) standing(addr netip.Addr, metric int) *netlink.Route {
	for i := range t {
		if r := &t[i]; isHostRouteOfOurs(r) && r.Priority == metric && contains(r, addr) {
			return onePath(r, 0)
		}
	}
	return nil
}

// onePath is a route with one next hop, which is alive and not by an interface; nil: it has none.
// The kernel prefers a route whose link has no carrier to one with a higher metric; who wants to
// arrive does not.
func onePath(r *netlink.Route, without int) *netlink.Route {
	const deadEnd = unix.RTNH_F_DEAD | unix.RTNH_F_LINKDOWN
	hops := r.MultiPath
	if r.LinkIndex != 0 {
		hops = []*netlink.NexthopInfo{{LinkIndex: r.LinkIndex, Gw: r.Gw, Via: r.Via, Flags: r.Flags}}
	}
	for _, hop := range hops {
		if hop.LinkIndex != 0 && hop.LinkIndex != without && hop.Flags&deadEnd == 0 {
			path := *r
			path.MultiPath = nil
			path.LinkIndex, path.Gw, path.Via, path.Flags = hop.LinkIndex, hop.Gw, hop.Via, hop.Flags
			return &path
		}
	}
	return nil
}

func contains(r *netlink.Route, addr netip.Addr) bool {
	return r.Dst == nil || r.Dst.Contains(addr.AsSlice())
}

// better reports whether the kernel prefers a to b.
func better(a, b *netlink.Route) bool {
	if x, y := bits(a), bits(b); x != y {
		return x > y
	}
	return a.Priority < b.Priority
}

func bits(r *netlink.Route) int {
	if r.Dst == nil {
		return 0
	}
	n, _ := r.Dst.Mask.Size()
	return n
}

// byInterface asks for the route by each interface but the tunnel's: the path may stand in a table
// that the kernel asks only after the one that leads into the tunnel.
func (f *Follower) byInterface(addr netip.Addr) (*netlink.Route, error) {
	links, err := f.handle.LinkList()
	if err != nil && !errors.Is(err, netlink.ErrDumpInterrupted) {
		return nil, fmt.Errorf("list the interfaces: %w", err)
	}
	for _, link := range links {
		a := link.Attrs()
		if a.Index == f.device || a.Flags&net.FlagUp == 0 || a.Flags&net.FlagLoopback != 0 || a.OperState == netlink.OperDown {
			continue
		}
		// With FIBMatch the kernel gives the route itself, or none: it does not take every address
		// for one on the link.
		found, err := f.handle.RouteGetWithOptions(addr.AsSlice(), &netlink.RouteGetOptions{OifIndex: a.Index, FIBMatch: true})
		if err == nil && len(found) > 0 && found[0].Type == unix.RTN_UNICAST && found[0].LinkIndex == a.Index && !isHostRouteOfOurs(&found[0]) {
			return &found[0], nil
		}
	}
	return nil, errNoRoute
}

// keep has the server's host route take the best path around the tunnel, if the tunnel would have
// its packets otherwise, and removes it if not. It replaces the route in one step: there is no
// moment without one. The caller holds mu.
func (f *Follower) keep(t table, best *netlink.Route) error {
	if !inMain(best) || !f.swallowed(t) {
		return f.removeRoute()
	}
	want := f.hostRoute(best)
	if f.route != nil && slices.ContainsFunc(t, func(r netlink.Route) bool { return sameRoute(&r, want) }) {
		return nil
	}
	if err := f.handle.RouteReplace(want); err != nil {
		return fmt.Errorf("%w (the way is %v)", err, best)
	}
	old := f.route
	f.route = want
	if old != nil && old.Dst.String() != want.Dst.String() {
		return ignoreGone(f.handle.RouteDel(old))
	}
	return nil
}

// swallowed reports whether routes into the tunnel take in the server, but for our host route.
// Somebody else's may keep it out of them: that is left to do it.
func (f *Follower) swallowed(t table) bool {
	if f.device == 0 {
		return false
	}
	first := t.best(f.server, 0)
	if first != nil && first.LinkIndex != f.device && bits(first) == f.server.BitLen() {
		return false
	}
	covered := slices.ContainsFunc(f.covered, func(p netip.Prefix) bool { return p.Contains(f.server) })
	return covered || first != nil && first.LinkIndex == f.device
}

// hostRoute is one to the server by the path that another route takes.
func (f *Follower) hostRoute(path *netlink.Route) *netlink.Route {
	route := &netlink.Route{
		Dst:       &net.IPNet{IP: f.server.AsSlice(), Mask: net.CIDRMask(32, 32)},
		LinkIndex: path.LinkIndex,
		Gw:        path.Gw, Via: path.Via, Src: path.Src,
		MTU: path.MTU, AdvMSS: path.AdvMSS,
		Flags:    path.Flags & unix.RTNH_F_ONLINK,
		Protocol: Protocol,
		Priority: f.claim.metric,
		Table:    unix.RT_TABLE_MAIN,
	}
	if path.Gw == nil && path.Via == nil {
		route.Scope = unix.RT_SCOPE_LINK // on-link: the device itself is the path
	}
	return route
}

// sameRoute reports whether there is a host route as it is wanted.
func sameRoute(there, want *netlink.Route) bool {
	via := func(r *netlink.Route) string {
		if r.Via == nil {
			return ""
		}
		return r.Via.String()
	}
	return isHostRouteOfOurs(there) && there.Priority == want.Priority && there.Dst.String() == want.Dst.String() &&
		there.LinkIndex == want.LinkIndex && there.Gw.Equal(want.Gw) && via(there) == via(want) && there.Src.Equal(want.Src) &&
		there.MTU == want.MTU && there.AdvMSS == want.AdvMSS && there.Flags&unix.RTNH_F_ONLINK == want.Flags
}

// removeRoute removes the host route, if there is one. The caller holds mu.
func (f *Follower) removeRoute() error {
	if f.route == nil {
		return nil
	}
	route := f.route
	f.route = nil
	return ignoreGone(f.handle.RouteDel(route))
}

// ownAddresses are this machine's. When they cannot be had, they are what they were.
func (f *Follower) ownAddresses() map[netip.Addr]bool {
	list, err := f.handle.AddrList(nil, netlink.FAMILY_V4)
	if err != nil && !errors.Is(err, netlink.ErrDumpInterrupted) {
		return f.addresses
	}
	all := make(map[netip.Addr]bool)
	for _, a := range list {
		if ip, ok := netip.AddrFromSlice(a.IP); ok {
			all[ip.Unmap()] = true
		}
	}
	return all
}

// ignoreGone takes for done what the kernel removed by itself: with the device, or with an address
// the route hung on.
func ignoreGone(err error) error {
	for _, gone := range []error{unix.ESRCH, unix.ENODEV, unix.ENXIO, unix.ENOENT} {
		if errors.Is(err, gone) {
			return nil
		}
	}
	return err
}
