package netdev

import (
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/arc4tun/arc4tun/internal/lab/labtest"
)

// TestLookAround: routes of every table, of several next hops and of links with and without
// neighbours; not those of the tunnel.
func TestLookAround(t *testing.T) {
	labtest.Enter(t)
	cable := &netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: "eth0"}, PeerName: "peer"}
	if err := netlink.LinkAdd(cable); err != nil {
		labtest.Skip(t, "no veth here: %v", err)
	}
	lan, err := netlink.ParseAddr("192.168.1.20/24")
	require.NoError(t, err)
	require.NoError(t, netlink.AddrAdd(cable, lan))
	require.NoError(t, netlink.LinkSetUp(cable))
	other := network(t, "wg0", "10.8.0.2/24")
	route(t, "0.0.0.0/1", "0.0.0.0", other)
	require.NoError(t, netlink.RouteAdd(&netlink.Route{Gw: net.ParseIP("192.168.1.1"), LinkIndex: cable.Index}))
	require.NoError(t, netlink.RouteAdd(&netlink.Route{Dst: ipNet(prefix("172.16.0.0/12")), Table: 77, MultiPath: []*netlink.NexthopInfo{
		{LinkIndex: cable.Index, Gw: net.ParseIP("192.168.1.2")}, {LinkIndex: cable.Index, Gw: net.ParseIP("192.168.1.3")},
	}}))
	require.NoError(t, netlink.RouteAdd(&netlink.Route{Dst: ipNet(prefix("192.168.9.0/24")), LinkIndex: cable.Index, Scope: unix.RT_SCOPE_LINK}))
	loopback, err := netlink.LinkByName("lo")
	require.NoError(t, err)
	require.NoError(t, netlink.RouteAdd(&netlink.Route{Dst: ipNet(prefix("10.77.0.0/16")), LinkIndex: loopback.Attrs().Index, Type: unix.RTN_LOCAL, Table: unix.RT_TABLE_LOCAL, Scope: unix.RT_SCOPE_HOST}))
	tunnel := network(t, "t0", "10.99.0.100/24")
	route(t, "10.50.0.0/16", "10.99.0.1", tunnel)

	s, err := LookAround("t0")
	require.NoError(t, err)
	for _, a := range []string{"127.0.0.1", "192.168.1.20", "10.8.0.2"} {
		assert.Contains(t, s.taken(addr(a)), "own on", a)
	}
	for _, a := range []string{"192.168.1.1", "192.168.1.2", "192.168.1.3"} {
		assert.Equal(t, "the gateway of a route by eth0", s.taken(addr(a)), a)
	}
	for a, want := range map[string]string{
		"192.168.1.200": "192.168.1.0/24 of eth0", "192.168.9.5": "192.168.9.0/24 of eth0", "10.8.0.200": "10.8.0.0/24 of wg0", "10.77.1.2": "10.77.0.0/16 of lo",
	} {
		assert.Contains(t, s.taken(addr(a)), want, a)
	}
	for _, a := range []string{"10.99.0.100", "10.99.0.1", "10.50.0.1", "11.0.0.1", "172.16.0.1", "8.8.8.8"} {
		assert.Empty(t, s.taken(addr(a)), a)
	}
}

func TestNameServersOfFiles(t *testing.T) {
	dir := t.TempDir()
	a, b := filepath.Join(dir, "resolv.conf"), filepath.Join(dir, "upstream.conf")
	require.NoError(t, os.WriteFile(a, []byte("nameserver 127.0.0.53\n"), 0o644))
	require.NoError(t, os.WriteFile(b, []byte("nameserver 192.0.2.53\n"), 0o644))
	assert.Equal(t, []nameServer{{addr("127.0.0.53"), a}, {addr("192.0.2.53"), b}}, nameServers([]string{a, filepath.Join(dir, "none"), b}))
}
