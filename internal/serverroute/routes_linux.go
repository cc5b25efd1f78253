package serverroute

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/arc4tun/arc4tun/internal/rtnetlink"
)

// Protocol marks the routes and addresses of this program (rtm_protocol in rtnetlink(7),
// IFA_PROTO): "proto 164" in the words of ip route. The numbers from 4 on are anyone's, and this
// is nobody's in iproute2's list.
const Protocol = 164

var errNoRoute = errors.New("no route leads there around the tunnel")

// find looks for the best path to the server around the tunnel, and keeps the host route over it
// if the server would be reached through the tunnel otherwise. Before a server is known it is the
// path of all that has no other. The caller holds mu.
func (f *Follower) find() path {
	w := path{server: f.server}
	links, err := f.mayLeave()
	if err != nil {
		w.missing = err
		return w
	}
	if !f.server.IsValid() {
		t, err := f.list()
		if best := t.best(netip.IPv4Unspecified(), links); best != nil {
			return f.describe(path{}, best)
		}
		return path{missing: cmpErr(err, f.noRoute())}
	}
	asked, err := f.ask(f.server)
	switch {
	case err == nil && asked.Type == unix.RTN_LOCAL:
		w.source = f.server // the local table is asked before any route of anybody's
		w.missing = f.removeRoute()
		return w
	case err == nil && links.has(asked.Link) && (!inMain(asked) && !f.isElsesDefault(asked) || f.device == 0 && f.route == nil && inMain(asked)):
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
	best := t.best(f.server, links)
	if best == nil {
		best = t.standing(f.server, f.claim.Number, links)
	}
	if best == nil {
		if best, err = f.byInterface(f.server, links); err != nil {
			w.missing = err
			return w
		}
	}
	if err := f.keep(t, best); err != nil {
		f.log.Warn("the host route to the server", "server", f.server, "error", err)
	}
	return f.describe(w, best)
}

// exits are the interfaces that what carries a tunnel may leave by.
type exits struct {
	without int // the tunnel's; 0: there is none yet
	only    int // the one that was asked for; 0: any
}

func (e exits) has(link int) bool {
	return link != 0 && link != e.without && (e.only == 0 || link == e.only)
}

// mayLeave says which interfaces there are to leave by; an error: the one that was asked for is
// not there.
func (f *Follower) mayLeave() (exits, error) {
	e := exits{without: f.device}
	if f.bind == "" {
		return e, nil
	}
	link, err := f.kernel.LinkByName(f.bind)
	switch {
	case errors.Is(err, unix.ENODEV):
		return e, fmt.Errorf("the interface %s that has to carry the tunnel is not there", f.bind)
	case err != nil:
		return e, err
	}
	e.only = link.Index
	return e, nil
}

// noRoute is why there is no path where no route leads.
func (f *Follower) noRoute() error {
	if f.bind != "" {
		return fmt.Errorf("no route leads there by %s, which has to carry the tunnel", f.bind)
	}
	return errNoRoute
}

func cmpErr(err, otherwise error) error {
	if err != nil {
		return err
	}
	return otherwise
}

// ask is the kernel's answer for a packet that has the mark of ours.
func (f *Follower) ask(addr netip.Addr) (*rtnetlink.Route, error) {
	found, err := f.kernel.RouteTo(addr, rtnetlink.RouteQuery{Mark: f.mark})
	if err != nil {
		return nil, err
	}
	return &found, nil
}

func inMain(r *rtnetlink.Route) bool {
	return r.Table == unix.RT_TABLE_MAIN || r.Table == unix.RT_TABLE_UNSPEC
}

// describe completes a path that goes as a route does.
func (f *Follower) describe(w path, r *rtnetlink.Route) path {
	w.link = r.Link
	if link, err := f.kernel.LinkByIndex(r.Link); err == nil {
		w.name = link.Name
	}
	w.gateway, w.source = r.Gateway, r.Source
	if !w.source.IsValid() && w.server.IsValid() {
		// The kernel chooses.
		if got, err := f.kernel.RouteTo(w.server, rtnetlink.RouteQuery{Link: r.Link, Mark: f.mark}); err == nil {
			w.source = got.Source
		}
	}
	return w
}

// table is what the main table has.
type table []rtnetlink.Route

func (f *Follower) list() (table, error) {
	routes, err := f.kernel.Routes(unix.AF_INET, func(r *rtnetlink.Route) bool { return r.Table == unix.RT_TABLE_MAIN })
	if err != nil && !errors.Is(err, rtnetlink.ErrInterrupted) {
		return nil, fmt.Errorf("list the routes: %w", err)
	}
	return routes, nil // what changed meanwhile is news, and looked at again
}

// best is the route to addr that the kernel would take if there were none but these interfaces to
// leave by, and no host route of this program; nil if there is none, or one that refuses, which is
// somebody's wish. Of a route over several paths it is the first that is no dead end.
func (t table) best(addr netip.Addr, links exits) *rtnetlink.Route {
	var best *rtnetlink.Route
	for i := range t {
		r := &t[i]
		if isHostRouteOfOurs(r) || !r.Dst.Contains(addr) || best != nil && !better(r, best) {
			continue
		}
		switch r.Type {
		case unix.RTN_UNICAST:
			if path := onePath(r, links); path != nil {
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
func (t table) standing(addr netip.Addr, metric uint32, links exits) *rtnetlink.Route {
	for i := range t {
		if r := &t[i]; isHostRouteOfOurs(r) && r.Priority == metric && r.Dst.Contains(addr) {
			return onePath(r, links)
		}
	}
	return nil
}

// onePath is a route with one next hop, which is alive and by one of these interfaces; nil: it has
// none.
// The kernel prefers a route whose link has no carrier to one with a higher metric; who wants to
// arrive does not.
func onePath(r *rtnetlink.Route, links exits) *rtnetlink.Route {
	const deadEnd = unix.RTNH_F_DEAD | unix.RTNH_F_LINKDOWN
	hops := r.Hops
	if r.Link != 0 {
		hops = []rtnetlink.Hop{{Link: r.Link, Gateway: r.Gateway, Flags: r.Flags}}
	}
	for _, hop := range hops {
		if links.has(hop.Link) && hop.Flags&deadEnd == 0 {
			path := *r
			path.Hops = nil
			path.Link, path.Gateway, path.Flags = hop.Link, hop.Gateway, hop.Flags
			return &path
		}
	}
	return nil
}

// better reports whether the kernel prefers a to b.
func better(a, b *rtnetlink.Route) bool {
	if x, y := a.Dst.Bits(), b.Dst.Bits(); x != y {
		return x > y
	}
	return a.Priority < b.Priority
}

// byInterface asks for the route by each of these interfaces: the path may stand in a table
// that the kernel asks only after the one that leads into the tunnel.
func (f *Follower) byInterface(addr netip.Addr, may exits) (*rtnetlink.Route, error) {
	links, err := f.kernel.Links()
	if err != nil && !errors.Is(err, rtnetlink.ErrInterrupted) {
		return nil, fmt.Errorf("list the interfaces: %w", err)
	}
	for _, l := range links {
		if !may.has(l.Index) || !l.Up() || l.Flags&unix.IFF_LOOPBACK != 0 || l.State == rtnetlink.StateDown {
			continue
		}
		// With Match the kernel gives the route itself, or none: it does not take every address
		// for one on the link.
		found, err := f.kernel.RouteTo(addr, rtnetlink.RouteQuery{Link: l.Index, Mark: f.mark, Match: true})
		if err == nil && found.Type == unix.RTN_UNICAST && found.Link == l.Index && !isHostRouteOfOurs(&found) {
			return &found, nil
		}
	}
	return nil, f.noRoute()
}

// keep has the server's host route take the best path around the tunnel, if the tunnel would have
// its packets otherwise, and removes it if not. It replaces the route in one step: there is no
// moment without one. The caller holds mu.
func (f *Follower) keep(t table, best *rtnetlink.Route) error {
	if f.keepOut || !inMain(best) || !f.swallowed(t) {
		return f.removeRoute()
	}
	want := f.hostRoute(best)
	if f.route != nil && slices.ContainsFunc(t, func(r rtnetlink.Route) bool { return sameRoute(&r, want) }) {
		return nil
	}
	if err := f.kernel.ReplaceRoute(*want); err != nil {
		return fmt.Errorf("%w (the way is %v)", err, best)
	}
	old := f.route
	f.route = want
	if old != nil && old.Dst != want.Dst {
		return ignoreGone(f.kernel.DeleteRoute(*old))
	}
	return nil
}

// swallowed reports whether routes into the tunnel take in the server, but for our host route.
// Somebody else's may keep it out of them: that is left to do it.
func (f *Follower) swallowed(t table) bool {
	if f.device == 0 {
		return false
	}
	first := t.best(f.server, exits{})
	if first != nil && first.Link != f.device && first.Dst.Bits() == f.server.BitLen() {
		return false
	}
	covered := slices.ContainsFunc(f.covered, func(p netip.Prefix) bool { return p.Contains(f.server) })
	return covered || first != nil && first.Link == f.device
}

// hostRoute is one to the server by the path that another route takes.
func (f *Follower) hostRoute(path *rtnetlink.Route) *rtnetlink.Route {
	route := &rtnetlink.Route{
		Dst:  netip.PrefixFrom(f.server, f.server.BitLen()),
		Link: path.Link, Gateway: path.Gateway, Source: path.Source,
		MTU: path.MTU, AdvMSS: path.AdvMSS,
		Flags:    path.Flags & unix.RTNH_F_ONLINK,
		Protocol: Protocol,
		Priority: f.claim.Number,
		Table:    unix.RT_TABLE_MAIN,
	}
	if !path.Gateway.IsValid() {
		route.Scope = unix.RT_SCOPE_LINK // on-link: the device itself is the path
	}
	return route
}

// sameRoute reports whether there is a host route as it is wanted.
func sameRoute(there, want *rtnetlink.Route) bool {
	return isHostRouteOfOurs(there) && there.Priority == want.Priority && there.Dst == want.Dst &&
		there.Link == want.Link && there.Gateway == want.Gateway && there.Source == want.Source &&
		there.MTU == want.MTU && there.AdvMSS == want.AdvMSS && there.Flags&unix.RTNH_F_ONLINK == want.Flags
}

// removeRoute removes the host route, if there is one. The caller holds mu.
func (f *Follower) removeRoute() error {
	if f.route == nil {
		return nil
	}
	route := f.route
	f.route = nil
	return ignoreGone(f.kernel.DeleteRoute(*route))
}

// ownAddresses are this machine's. When they cannot be had, they are what they were.
func (f *Follower) ownAddresses() map[netip.Addr]bool {
	list, err := f.kernel.Addresses(unix.AF_INET)
	if err != nil && !errors.Is(err, rtnetlink.ErrInterrupted) {
		return f.addresses
	}
	all := make(map[netip.Addr]bool)
	for _, a := range list {
		all[a.Local.Addr()] = true
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
