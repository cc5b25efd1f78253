package netdev

import (
	"fmt"
	"net"
	"net/netip"
	"sort"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"github.com/arc4tun/arc4tun/internal/lab/labtest"
)

// network is an interface to some network, with an address, which is up. It is a TUN device
// too, for that is the one kind every machine that runs these tests has.
func network(t *testing.T, name, cidr string) netlink.Link {
	t.Helper()
	link, err := netlink.LinkByName(tunDevice(t, name))
	require.NoError(t, err)
	addr, err := netlink.ParseAddr(cidr)
	require.NoError(t, err)
	require.NoError(t, netlink.LinkSetIP6AddrGenMode(link, nl.IN6_ADDR_GEN_MODE_NONE)) // a delayed address is no part of the test
	require.NoError(t, netlink.AddrAdd(link, addr))
	require.NoError(t, netlink.LinkSetUp(link))
	return link
}

func route(t *testing.T, dst, gw string, dev netlink.Link) {
	t.Helper()
	r := &netlink.Route{LinkIndex: dev.Attrs().Index, Gw: net.ParseIP(gw)}
	_, network, err := net.ParseCIDR(dst)
	require.NoError(t, err)
	r.Dst = network
	require.NoError(t, netlink.RouteAdd(r))
}

// snapshot writes down every interface, address and route of the namespace, in every table.
func snapshot(t *testing.T) string {
	t.Helper()
	var lines []string
	links, err := netlink.LinkList()
	require.NoError(t, err)
	for _, link := range links {
		a := link.Attrs()
		lines = append(lines, fmt.Sprintf("link %s mtu %d flags %v", a.Name, a.MTU, a.Flags))
		addrs, err := netlink.AddrList(link, netlink.FAMILY_ALL)
		require.NoError(t, err)
		for _, addr := range addrs {
			lines = append(lines, fmt.Sprintf("addr %s %s scope %d flags %x", a.Name, addr, addr.Scope, addr.Flags))
		}
	}
	for _, family := range []int{netlink.FAMILY_V4, netlink.FAMILY_V6} {
		routes, err := netlink.RouteListFiltered(family, &netlink.Route{Table: unix.RT_TABLE_UNSPEC}, netlink.RT_FILTER_TABLE)
		require.NoError(t, err)
		for _, r := range routes {
			lines = append(lines, fmt.Sprintf("route %v type %d scope %d proto %d metric %d", r, r.Type, r.Scope, r.Protocol, r.Priority))
		}
	}
	sort.Strings(lines)
	return strings.Join(lines, "\n")
}

// tunDevice creates a TUN device in the test's namespace.
func tunDevice(t *testing.T, name string) string {
	t.Helper()
	dev, realName, err := CreateTUN(name, 1400)
	if err != nil && strings.Contains(err.Error(), cloneDevice) {
		labtest.Skip(t, "%v", err)
	}
	require.NoError(t, err)
	t.Cleanup(func() { dev.Close() })
	return realName
}

func ipNet(p netip.Prefix) *net.IPNet {
	return &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
}
