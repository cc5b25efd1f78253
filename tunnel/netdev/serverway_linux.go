package netdev

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// wayInterval is how often the way to the server is looked after.
const wayInterval = 2 * time.Second

// serverWay keeps the way to the server out of a tunnel whose routes take in the server's address. The kernel drops the
// host route with the interface or the address it hangs on: when a cable is pulled, when a laptop wakes in another
// network. Without another one all attempts to reconnect would then go into the tunnel that they are to bring back.
type serverWay struct {
	handle *netlink.Handle // of the namespace where the routes are, whichever thread uses it
	server netip.Addr
	device int            // the tunnel's
	route  *netlink.Route // the host route that is ours, or nil
	stop   chan struct{}
	ended  chan struct{}
}

// openServerWay works in the namespace of the calling thread. Its check may be called until start is.
func openServerWay(server netip.Addr, device int) (*serverWay, error) {
	handle, err := netlink.NewHandle(unix.NETLINK_ROUTE)
	if err != nil {
		return nil, fmt.Errorf("open netlink: %w", err)
	}
	return &serverWay{handle: handle, server: server, device: device, stop: make(chan struct{}), ended: make(chan struct{})}, nil
}

// start looks after the way until end.
func (w *serverWay) start() {
	go func() {
		defer close(w.ended)
		ticker := time.NewTicker(wayInterval)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				_ = w.check() // what fails now is tried again
			case <-w.stop:
				return
			}
		}
	}()
}

// end stops looking, after start, and removes the route that is there by then.
func (w *serverWay) end() error {
	close(w.stop)
	<-w.ended
	defer w.handle.Close()
	if w.route == nil {
		return nil
	}
	return ignoreGone(w.handle.RouteDel(w.route))
}

// check puts the server's host route over the best way around the tunnel, if the server is reached through the tunnel.
// Without a way around, nothing changes.
func (w *serverWay) check() error {
	found, err := w.handle.RouteGet(w.server.AsSlice())
	if err != nil || len(found) == 0 || found[0].LinkIndex != w.device {
		return nil // there is another way, or somebody wants none
	}
	way, err := w.around()
	if way == nil || err != nil {
		return err
	}
	route := hostRouteOver(w.server, way)
	if err := w.handle.RouteReplace(route); err != nil {
		return fmt.Errorf("host route to the server %v: %w", w.server, err)
	}
	w.route = route
	return nil
}

// around is the main table's best route to the server that does not lead into the tunnel, or nil.
func (w *serverWay) around() (*netlink.Route, error) {
	routes, err := w.handle.RouteListFiltered(netlink.FAMILY_V4, &netlink.Route{Table: unix.RT_TABLE_MAIN}, netlink.RT_FILTER_TABLE)
	if err != nil {
		return nil, fmt.Errorf("list the routes: %w", err)
	}
	var best *netlink.Route
	bits := func(r *netlink.Route) int {
		if r.Dst == nil {
			return 0
		}
		n, _ := r.Dst.Mask.Size()
		return n
	}
	for i := range routes {
		r := &routes[i]
		if r.Dst != nil && !r.Dst.Contains(net.IP(w.server.AsSlice())) || !w.leadsAround(r) {
			continue
		}
		if best == nil || bits(r) > bits(best) || bits(r) == bits(best) && r.Priority < best.Priority {
			best = r
		}
	}
	return best, nil
}

// leadsAround takes the first way of a route over several that is no dead end, and says whether there is one.
func (w *serverWay) leadsAround(r *netlink.Route) bool {
	const deadEnd = unix.RTNH_F_DEAD | unix.RTNH_F_LINKDOWN
	if r.Type != unix.RTN_UNICAST {
		return false
	}
	for _, hop := range r.MultiPath {
		if r.LinkIndex == 0 && hop.LinkIndex != w.device && hop.Flags&deadEnd == 0 {
			r.LinkIndex, r.Gw, r.Via, r.Flags = hop.LinkIndex, hop.Gw, hop.Via, hop.Flags
		}
	}
	return r.LinkIndex != 0 && r.LinkIndex != w.device && r.Flags&deadEnd == 0
}

// hostRouteOver is a host route to addr the way that another route goes.
func hostRouteOver(addr netip.Addr, way *netlink.Route) *netlink.Route {
	route := &netlink.Route{
		Dst:       ipNet(netip.PrefixFrom(addr, addr.BitLen())),
		LinkIndex: way.LinkIndex,
		Gw:        way.Gw,
		Via:       way.Via,
		Protocol:  unix.RTPROT_STATIC,
	}
	if way.Gw == nil && way.Via == nil {
		route.Scope = unix.RT_SCOPE_LINK // on-link: the device itself is the way
	}
	return route
}

// hostRoute leaves one that is there alone: it reaches the server, or wayTo would not have
// found what it found.
func (c *changer) hostRoute(route *netlink.Route) error {
	what := "host route to the server " + c.settings.Server.String()
	w, err := openServerWay(c.settings.Server, c.link.Attrs().Index)
	if err != nil {
		return err
	}
	switch err := c.handle.RouteAdd(route); {
	case err == nil:
		w.route = route
	case !errors.Is(err, unix.EEXIST):
		w.handle.Close()
		return fmt.Errorf("%s: %w", what, err)
	}
	w.start()
	c.did(stepOther, what, w.end)
	return nil
}
