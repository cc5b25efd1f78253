package serverroute

import (
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/arc4tun/arc4tun/internal/claim"
	"github.com/arc4tun/arc4tun/internal/lab/labtest"
	"github.com/arc4tun/arc4tun/internal/rtnetlink"
)

// TestLeftovers: what a killed run has left goes, what a live one has and what is somebody else's
// stays.
func TestLeftovers(t *testing.T) {
	labtest.Enter(t)
	network(t, "up0", "192.0.2.10/24")
	route(t, "0.0.0.0/0", "192.0.2.1", 0)
	device := tunnelDevice(t)
	live := follower(t)
	require.NoError(t, live.Lead(serverAddr, device, halves))
	add := func(dst string, change func(*netlink.Route)) {
		r := &netlink.Route{Dst: ipNet(dst), Gw: net.ParseIP("192.0.2.1"), Protocol: Protocol, Priority: claim.First}
		change(r)
		require.NoError(t, netlink.RouteAdd(r))
	}
	require.True(t, claim.Held(live.claim.Number))
	unclaimed := uint32(claim.First)
	for claim.Held(unclaimed) {
		unclaimed++
	}
	add("198.51.100.7/32", func(r *netlink.Route) { r.Priority = int(unclaimed) })
	add("203.0.113.1/32", func(r *netlink.Route) { r.Priority = int(unclaimed); r.Gw = net.ParseIP("192.0.2.99") })
	add("203.0.113.2/32", func(r *netlink.Route) { r.Protocol = 4; r.Priority = int(unclaimed) }) // a user's, with that metric
	add("203.0.113.3/32", func(r *netlink.Route) { r.Priority = 0 })                              // somebody else who took the number
	add("203.0.113.0/24", func(r *netlink.Route) { r.Priority = int(unclaimed) })                 // no host route
	follower(t)
	var left []string
	routes, err := netlink.RouteList(nil, netlink.FAMILY_V4)
	require.NoError(t, err)
	for _, r := range routes {
		if r.Protocol == Protocol || r.Protocol == 4 {
			left = append(left, r.Dst.String())
		}
	}
	require.ElementsMatch(t, []string{"198.51.100.7/32", "203.0.113.2/32", "203.0.113.3/32", "203.0.113.0/24"}, left)
	require.Equal(t, "up0 192.0.2.1", reach(t, server), "the live one's")
}

// TestLeftoversOnDevices: of a TUN device that is down nobody can tell whether a process has it,
// so what it has stays; of one that is up and without a process what has our mark goes.
func TestLeftoversOnDevices(t *testing.T) {
	labtest.Enter(t)
	kernel, err := rtnetlink.Open()
	require.NoError(t, err)
	defer kernel.Close()
	device := func(name, address string, up bool) netlink.Link {
		attrs := netlink.NewLinkAttrs()
		attrs.Name = name
		require.NoError(t, netlink.LinkAdd(&netlink.Tuntap{LinkAttrs: attrs, Mode: unix.IFF_TUN, Flags: netlink.TUNTAP_NO_PI}))
		link, err := netlink.LinkByName(name)
		require.NoError(t, err)
		require.NoError(t, kernel.AddAddress(rtnetlink.Address{Link: link.Attrs().Index, Local: netip.MustParsePrefix(address), Protocol: Protocol}))
		if up {
			require.NoError(t, netlink.LinkSetUp(link))
		}
		return link
	}
	down, deserted := device("down0", "10.99.1.1/32", false), device("lone0", "10.99.2.1/32", true)
	all, err := kernel.Addresses(unix.AF_INET)
	require.NoError(t, err)
	if !slices.ContainsFunc(all, func(a rtnetlink.Address) bool { return a.Protocol == Protocol }) {
		labtest.Skip(t, "this kernel keeps no mark of an address: Linux 5.18 is needed")
	}
	require.NoError(t, Sweep(slog.New(slog.DiscardHandler)))
	has := func(link netlink.Link) int {
		list, err := netlink.AddrList(link, netlink.FAMILY_V4)
		require.NoError(t, err)
		return len(list)
	}
	require.Equal(t, 1, has(down))
	require.Equal(t, 0, has(deserted))
}
