package netdev

import (
	"net"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// allThrough is a tunnel that takes everything in, its server included, and looks after no way.
func allThrough(t *testing.T) (server netip.Addr, w *serverWay) {
	t.Helper()
	s := client(tunDevice(t, "t0"))
	server, s.Server = s.Server, netip.Addr{}
	s.Routes = defaultHalves
	apply(t, s)
	link, err := netlink.LinkByName("t0")
	require.NoError(t, err)
	w, err = openServerWay(server, link.Attrs().Index)
	require.NoError(t, err)
	return server, w
}

// finish ends a way that was not started.
func (w *serverWay) finish(t *testing.T) {
	t.Helper()
	w.start()
	require.NoError(t, w.end())
}

func TestServerWayComesBackWithTheLink(t *testing.T) {
	inNamespace(t)
	up := uplink(t)
	server, w := allThrough(t)
	require.NoError(t, w.check())
	require.Equal(t, "up0 192.0.2.1", reach(t, server.String()))
	with := snapshot(t)

	require.NoError(t, netlink.LinkSetDown(up))
	require.NoError(t, w.check(), "there is no other way yet")
	require.Equal(t, "t0", reach(t, server.String()))

	require.NoError(t, netlink.LinkSetUp(up))
	require.NoError(t, w.check())
	require.Equal(t, "t0", reach(t, server.String()), "the link is up, and no route is there yet")

	route(t, "0.0.0.0/0", "192.0.2.1", up)
	require.NoError(t, w.check())
	require.Equal(t, "up0 192.0.2.1", reach(t, server.String()))
	require.Equal(t, with, snapshot(t))
	require.NoError(t, w.check(), "once more changes nothing")
	require.Equal(t, with, snapshot(t))
	w.finish(t)
	require.Equal(t, "t0", reach(t, server.String()), "its route is gone with it")
}

func TestServerWayTakesTheBestOne(t *testing.T) {
	inNamespace(t)
	first := uplink(t)
	second := network(t, "up1", "192.0.3.10/24")
	_, w := allThrough(t)
	add := func(dst, gw string, metric int, dev netlink.Link) {
		_, network, err := net.ParseCIDR(dst)
		require.NoError(t, err)
		require.NoError(t, netlink.RouteAdd(&netlink.Route{Dst: network, Gw: net.ParseIP(gw), Priority: metric, LinkIndex: dev.Attrs().Index}))
	}
	best := func() string {
		way, err := w.around()
		require.NoError(t, err)
		link, err := netlink.LinkByIndex(way.LinkIndex)
		require.NoError(t, err)
		return link.Attrs().Name + " " + way.Gw.String()
	}
	add("0.0.0.0/0", "192.0.3.1", 100, second)
	assert.Equal(t, "up0 192.0.2.1", best(), "the lower metric")
	add("198.51.0.0/16", "192.0.3.2", 1000, second)
	assert.Equal(t, "up1 192.0.3.2", best(), "the longer prefix")
	require.NoError(t, netlink.RouteAdd(&netlink.Route{Dst: ipNet(prefix("198.51.100.0/24")), Type: unix.RTN_UNREACHABLE}))
	assert.Equal(t, "up1 192.0.3.2", best(), "no route that refuses")
	require.NoError(t, w.check())
	assert.Nil(t, w.route, "which is somebody's wish")
	add("198.51.100.0/25", "192.0.2.7", 0, first)
	assert.Equal(t, "up0 192.0.2.7", best())
	require.NoError(t, netlink.RouteAdd(&netlink.Route{Dst: ipNet(prefix("198.51.100.0/26")), MultiPath: []*netlink.NexthopInfo{
		{LinkIndex: w.device}, {LinkIndex: second.Attrs().Index, Gw: net.ParseIP("192.0.3.9")},
	}}))
	assert.Equal(t, "up1 192.0.3.9", best(), "the way of several that leads around the tunnel")
	w.finish(t)
}

// TestServerWayOfSomebodyElse: a host route that was there before is left there.
func TestServerWayOfSomebodyElse(t *testing.T) {
	inNamespace(t)
	up := uplink(t)
	route(t, "198.51.100.7/32", "192.0.2.9", up)
	s := client(tunDevice(t, "t0"))
	s.DefaultRoute = true
	before := snapshot(t)
	setup := apply(t, s)
	assert.Equal(t, "up0 192.0.2.9", reach(t, "198.51.100.7"))
	undone(t, setup, before)
}
