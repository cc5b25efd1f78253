package main

import (
	"errors"
	"net"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// killed ends a program as nothing can be done about.
func (p *program) killed(t *testing.T) {
	t.Helper()
	p.signal(t, syscall.SIGKILL)
	require.Equal(t, -1, p.wait(t))
}

// hostRoutesTo gives the client's host routes to an address.
func (l *testbed) hostRoutesTo(t *testing.T, to string) (routes []netlink.Route) {
	t.Helper()
	l.client.Must(t, func() (err error) {
		routes, err = netlink.RouteListFiltered(netlink.FAMILY_V4, &netlink.Route{Dst: prefix(to + "/32")}, netlink.RT_FILTER_DST)
		return err
	})
	return routes
}

// TestE2EKilledClient: the host route that a killed client has left, over a gateway that is gone by
// then, keeps the next one from nothing, and goes with it; a user's own stays.
func TestE2EKilledClient(t *testing.T) {
	t.Parallel()
	l := newTestbed(t)
	l.addGateway(t)
	l.client.Must(t, func() error {
		return netlink.RouteAdd(&netlink.Route{Dst: prefix("198.51.100.99/32"), Gw: net.ParseIP(serverOuter), Protocol: unix.RTPROT_STATIC})
	})
	before := l.client.snapshot(t)
	l.serve(t, "--listen", serverFar)
	l.connectTo(t, serverFar, "wonderland", "--default-route", "--table", "main").up(t).killed(t)
	require.Len(t, l.hostRoutesTo(t, serverFar), 1, "which is what this is about")

	l.client.Must(t, func() error { return netlink.RouteReplace(defaultBy(otherGateway, 0)) })
	l.delGateway(t)
	client := l.connectTo(t, serverFar, "wonderland", "--default-route", "--table", "main").up(t)
	assert.Contains(t, client.stderr.String(), "removed a route that a killed run has left")
	device, gateway := l.client.way(t, serverFar)
	assert.Equal(t, []string{"wire", otherGateway}, []string{device, gateway})
	l.client.ping(t, serverInner, 1400)
	client.stop(t, syscall.SIGTERM)
	l.client.Must(t, func() error { return netlink.RouteReplace(defaultBy(serverOuter, 0)) })
	assert.Equal(t, before, l.client.snapshot(t))
}

// TestE2EKilledClientOnALastingDevice: a device that outlives the client keeps its routes and
// addresses: all traffic would go into it for good, and the next client could not have its address
// again.
func TestE2EKilledClientOnALastingDevice(t *testing.T) {
	t.Parallel()
	l := newTestbed(t)
	l.client.Must(t, func() error {
		attrs := netlink.NewLinkAttrs()
		attrs.Name = "lasting"
		return netlink.LinkAdd(&netlink.Tuntap{LinkAttrs: attrs, Mode: unix.IFF_TUN, Flags: netlink.TUNTAP_NO_PI | netlink.TUNTAP_VNET_HDR})
	})
	l.link(t, "lasting", func(link netlink.Link) error {
		return errors.Join(netlink.LinkSetIP6AddrGenMode(link, nl.IN6_ADDR_GEN_MODE_NONE), netlink.LinkSetMTU(link, 1400), netlink.LinkSetUp(link))
	})
	l.serve(t, "--listen", serverFar, "--pool", "10.99.0.100-10.99.0.100")
	args := []string{"--default-route", "--tun", "lasting"}
	l.connectTo(t, serverFar, "wonderland", args...).up(t).killed(t)
	device, _ := l.client.way(t, serverInner)
	require.Equal(t, "lasting", device, "which is what this is about")
	l.server.noSessions(t)
	client := l.connectTo(t, serverFar, "wonderland", args...).up(t)
	l.client.ping(t, serverInner, 1400)
	client.stop(t, syscall.SIGTERM)
	device, _ = l.client.way(t, serverInner)
	assert.Equal(t, "wire", device)
	assert.Empty(t, l.client.addresses(t, "lasting", netlink.FAMILY_V4))
	l.link(t, "lasting", func(link netlink.Link) error {
		routes, err := netlink.RouteList(link, netlink.FAMILY_V4)
		assert.Empty(t, routes)
		return err
	})
}

// TestE2EKilledServerOnALastingDevice: the next server takes away what a killed one has left there,
// or the server's address would stay with the machine for good.
func TestE2EKilledServerOnALastingDevice(t *testing.T) {
	t.Parallel()
	l := newTestbed(t)
	l.server.Must(t, func() error {
		attrs := netlink.NewLinkAttrs()
		attrs.Name = "lasting"
		link := &netlink.Tuntap{LinkAttrs: attrs, Mode: unix.IFF_TUN, Flags: netlink.TUNTAP_NO_PI | netlink.TUNTAP_VNET_HDR}
		return errors.Join(netlink.LinkAdd(link), netlink.LinkSetIP6AddrGenMode(link, nl.IN6_ADDR_GEN_MODE_NONE), netlink.LinkSetMTU(link, 1400), netlink.LinkSetUp(link))
	})
	left := func() (list []string) {
		for _, family := range []int{netlink.FAMILY_V4, netlink.FAMILY_V6} {
			for _, a := range l.server.addresses(t, "lasting", family) {
				list = append(list, a.String())
			}
		}
		return list
	}
	l.serve(t, "--tun", "lasting", "--ipv6").killed(t)
	require.Len(t, left(), 2, "which is what this is about")
	l.serve(t, "--tun", "lasting", "--ipv6").stop(t, syscall.SIGTERM)
	assert.Empty(t, left())
}
