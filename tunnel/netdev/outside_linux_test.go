package netdev

import (
	"net"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/arc4tun/arc4tun/internal/lab/labtest"
)

func TestIPv6Outside(t *testing.T) {
	labtest.Enter(t)
	up := uplink(t)
	tunDevice(t, "t0")
	outside := func() string {
		name, err := IPv6Outside("t0")
		require.NoError(t, err)
		return name
	}
	require.Empty(t, outside())
	addr6, err := netlink.ParseAddr("2001:db8::2/64")
	require.NoError(t, err)
	if err := netlink.AddrAdd(up, addr6); err != nil {
		labtest.Skip(t, "no IPv6 on this system: %v", err)
	}
	require.Empty(t, outside(), "a network alone leads nowhere")
	_, all, err := net.ParseCIDR("::/0")
	require.NoError(t, err)
	require.NoError(t, netlink.RouteAdd(&netlink.Route{Dst: all, Type: unix.RTN_UNREACHABLE, Priority: 1 << 20}))
	require.Empty(t, outside())
	require.NoError(t, netlink.RouteAdd(&netlink.Route{Dst: all, Gw: net.ParseIP("2001:db8::1"), LinkIndex: up.Attrs().Index}))
	require.Equal(t, "up0", outside())
	name, err := IPv6Outside("up0")
	require.NoError(t, err)
	require.Empty(t, name)
}
