package netdev

import (
	"context"
	"net"
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/arc4tun/arc4tun/internal/lab/labtest"
)

// reach says how the kernel would send to an address: the device, and the gateway if any.
func reach(t *testing.T, to string) string {
	t.Helper()
	routes, err := netlink.RouteGet(net.ParseIP(to))
	require.NoError(t, err)
	link, err := netlink.LinkByIndex(routes[0].LinkIndex)
	require.NoError(t, err)
	if routes[0].Gw != nil {
		return link.Attrs().Name + " " + routes[0].Gw.String()
	}
	return link.Attrs().Name
}

// uplink is a machine on 192.0.2.0/24 whose default route goes to .1.
func uplink(t *testing.T) netlink.Link {
	t.Helper()
	link := network(t, "up0", "192.0.2.10/24")
	route(t, "0.0.0.0/0", "192.0.2.1", link)
	return link
}

func client(device string) Settings {
	return Settings{
		Device: device, MTU: 1396,
		Local: addr("10.99.0.100"), Remote: addr("10.99.0.1"),
		Server: addr("198.51.100.7"),
	}
}

func apply(t *testing.T, s Settings) *Setup {
	t.Helper()
	setup, err := NewSetup(s)
	require.NoError(t, err)
	require.NoError(t, setup.Apply(context.Background()))
	return setup
}

// undone checks that Undo, twice, brings back exactly what was there.
func undone(t *testing.T, setup *Setup, before string) {
	t.Helper()
	require.NoError(t, setup.Undo())
	assert.Equal(t, before, snapshot(t))
	require.NoError(t, setup.Undo())
	assert.Equal(t, before, snapshot(t))
}

func TestSetupAddressOnly(t *testing.T) {
	labtest.Enter(t)
	uplink(t)
	s := client(tunDevice(t, "t0"))
	before := snapshot(t)
	setup := apply(t, s)

	link, err := netlink.LinkByName("t0")
	require.NoError(t, err)
	assert.Equal(t, 1396, link.Attrs().MTU)
	assert.NotZero(t, link.Attrs().Flags&net.FlagUp)
	addrs, err := netlink.AddrList(link, netlink.FAMILY_ALL)
	require.NoError(t, err)
	require.Len(t, addrs, 1, "the peer's address and ours, and no IPv6 that nobody agreed to")
	assert.Equal(t, "10.99.0.100/32", addrs[0].IPNet.String())
	assert.Equal(t, "10.99.0.1/32", addrs[0].Peer.String())
	assert.Equal(t, "t0", reach(t, "10.99.0.1"))
	assert.Equal(t, "up0 192.0.2.1", reach(t, "198.51.100.7"))
	assert.NotContains(t, snapshot(t), "198.51.100.7", "no host route where no route needs it")

	after := snapshot(t)
	require.NoError(t, setup.Apply(context.Background()), "applied already")
	assert.Equal(t, after, snapshot(t))
	undone(t, setup, before)
}

func TestSetupDefaultRoute(t *testing.T) {
	labtest.Enter(t)
	uplink(t)
	s := client(tunDevice(t, "t0"))
	s.DefaultRoute = true
	s.Routes = []netip.Prefix{prefix("10.0.0.0/8"), prefix("10.0.0.0/8")}
	before := snapshot(t)
	setup := apply(t, s)
	assert.Equal(t, "t0", reach(t, "8.8.8.8"))
	assert.Equal(t, "t0", reach(t, "203.0.113.5"))
	assert.Equal(t, "t0", reach(t, "10.1.2.3"))
	assert.Equal(t, "up0 192.0.2.1", reach(t, "198.51.100.7"), "the tunnel's own packets")
	assert.Equal(t, "up0", reach(t, "192.0.2.77"), "the local network")
	undone(t, setup, before)
	assert.Equal(t, "up0 192.0.2.1", reach(t, "8.8.8.8"))

	// And once more, as a reconnect does.
	require.NoError(t, setup.Apply(context.Background()))
	assert.Equal(t, "t0", reach(t, "8.8.8.8"))
	undone(t, setup, before)
}

func TestSetupServerOnLink(t *testing.T) {
	labtest.Enter(t)
	uplink(t)
	s := client(tunDevice(t, "t0"))
	s.Server = addr("192.0.2.99")
	s.Routes = []netip.Prefix{prefix("192.0.2.96/29")}
	before := snapshot(t)
	setup := apply(t, s)
	assert.Equal(t, "up0", reach(t, "192.0.2.99"))
	assert.Equal(t, "t0", reach(t, "192.0.2.98"))
	undone(t, setup, before)
}

func TestSetupServerBehindDeviceWithoutGateway(t *testing.T) {
	labtest.Enter(t)
	link := network(t, "up0", "192.0.2.10/24")
	require.NoError(t, netlink.RouteAdd(&netlink.Route{
		LinkIndex: link.Attrs().Index, Scope: unix.RT_SCOPE_LINK,
		Dst: &net.IPNet{IP: net.IPv4zero.To4(), Mask: net.CIDRMask(0, 32)},
	}))
	s := client(tunDevice(t, "t0"))
	s.DefaultRoute = true
	before := snapshot(t)
	setup := apply(t, s)
	assert.Equal(t, "up0", reach(t, "198.51.100.7"))
	assert.Equal(t, "t0", reach(t, "8.8.8.8"))
	undone(t, setup, before)
}

func TestSetupServerOnThisMachine(t *testing.T) {
	labtest.Enter(t)
	uplink(t)
	s := client(tunDevice(t, "t0"))
	s.Server, s.DefaultRoute = addr("192.0.2.10"), true
	before := snapshot(t)
	setup := apply(t, s)
	assert.Equal(t, "lo", reach(t, "192.0.2.10"))
	undone(t, setup, before)
}

func TestSetupServerSide(t *testing.T) {
	labtest.Enter(t)
	uplink(t)
	device := tunDevice(t, "t0")
	before := snapshot(t)
	setup := apply(t, Settings{
		Device: device, Local: addr("10.99.0.1"),
		Routes: []netip.Prefix{prefix("10.99.0.100/30"), prefix("10.99.0.104/32")},
	})
	assert.Equal(t, "t0", reach(t, "10.99.0.101"))
	assert.Equal(t, "t0", reach(t, "10.99.0.104"))
	assert.Equal(t, "up0 192.0.2.1", reach(t, "10.99.0.105"))
	undone(t, setup, before)
}

func TestSetupIPv6(t *testing.T) {
	labtest.Enter(t)
	uplink(t)
	s := client(tunDevice(t, "t0"))
	s.MTU, s.Local6 = 1400, addr("fe80::a")
	s.Routes = []netip.Prefix{prefix("2001:db8::/32")}
	before := snapshot(t)
	setup, err := NewSetup(s)
	require.NoError(t, err)
	if err := setup.Apply(context.Background()); err != nil && strings.Contains(err.Error(), "switched off") {
		labtest.Skip(t, "%v", err)
	} else {
		require.NoError(t, err)
	}
	assert.Equal(t, "t0", reach(t, "fe80::b"))
	assert.Equal(t, "t0", reach(t, "2001:db8::1"))
	undone(t, setup, before)
}

func TestSetupRouteThatExisted(t *testing.T) {
	labtest.Enter(t)
	up := uplink(t)
	route(t, "198.51.100.7/32", "192.0.2.2", up) // the user's own way to the server
	device := tunDevice(t, "t0")
	tun, err := netlink.LinkByName(device)
	require.NoError(t, err)
	require.NoError(t, netlink.LinkSetIP6AddrGenMode(tun, 1))
	require.NoError(t, netlink.LinkSetUp(tun))
	_, ten, _ := net.ParseCIDR("10.0.0.0/8")
	require.NoError(t, netlink.RouteAdd(&netlink.Route{LinkIndex: tun.Attrs().Index, Dst: ten, Scope: unix.RT_SCOPE_LINK}))

	s := client(device)
	s.DefaultRoute, s.Routes = true, []netip.Prefix{prefix("10.0.0.0/8")}
	before := snapshot(t)
	setup := apply(t, s)
	assert.Equal(t, "up0 192.0.2.2", reach(t, "198.51.100.7"))
	undone(t, setup, before)
}

func TestSetupRouteConflictIsUndone(t *testing.T) {
	labtest.Enter(t)
	up := uplink(t)
	route(t, "172.16.0.0/12", "192.0.2.3", up)
	s := client(tunDevice(t, "t0"))
	s.DefaultRoute = true
	s.Routes = []netip.Prefix{prefix("10.0.0.0/8"), prefix("198.51.100.0/24"), prefix("172.16.0.0/12")}
	before := snapshot(t)
	setup, err := NewSetup(s)
	require.NoError(t, err)
	err = setup.Apply(context.Background())
	require.Error(t, err)
	assert.ErrorContains(t, err, "route 172.16.0.0/12 through t0: the system has one already, via 192.0.2.3 on up0")
	assert.Equal(t, before, snapshot(t), "a failed Apply leaves nothing behind")
	undone(t, setup, before)
}

func TestSetupFailsWithoutTrace(t *testing.T) {
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	for name, tc := range map[string]struct {
		ctx    context.Context
		change func(*Settings)
		want   string
	}{
		"no such device":   {context.Background(), func(s *Settings) { s.Device = "absent0" }, `interface "absent0"`},
		"context ended":    {cancelled, func(*Settings) {}, "context canceled"},
		"no way to server": {context.Background(), func(s *Settings) { s.DefaultRoute = true }, "no route to the server 198.51.100.7"},
	} {
		t.Run(name, func(t *testing.T) {
			labtest.Enter(t)
			s := client(tunDevice(t, "t0"))
			tc.change(&s)
			before := snapshot(t)
			setup, err := NewSetup(s)
			require.NoError(t, err)
			err = setup.Apply(tc.ctx)
			require.Error(t, err)
			assert.ErrorContains(t, err, tc.want)
			assert.Equal(t, before, snapshot(t))
			undone(t, setup, before)
		})
	}
}

func TestSetupUndoAfterDeviceIsGone(t *testing.T) {
	labtest.Enter(t)
	uplink(t)
	before := snapshot(t)
	dev, name, err := CreateTUN("t0", 1400)
	require.NoError(t, err)
	s := client(name)
	s.DefaultRoute, s.Table = true, TableMain
	setup := apply(t, s)
	require.NoError(t, dev.Close())
	assert.Contains(t, snapshot(t), "198.51.100.7", "the host route outlives the device")
	undone(t, setup, before)
}

func TestSetupUndoAfterUplinkIsGone(t *testing.T) {
	labtest.Enter(t)
	up := uplink(t)
	s := client(tunDevice(t, "t0"))
	s.DefaultRoute = true
	setup := apply(t, s)
	require.NoError(t, netlink.LinkDel(up))
	require.NoError(t, setup.Undo())
	assert.NotContains(t, snapshot(t), "10.99.0.100")
}

// TestSetupWithdraw: what leads into the device goes first, and the way to the server last.
func TestSetupWithdraw(t *testing.T) {
	labtest.Enter(t)
	uplink(t)
	s := client(tunDevice(t, "t0"))
	s.DefaultRoute, s.Table = true, TableMain
	before := snapshot(t)
	setup := apply(t, s)
	require.NoError(t, setup.Withdraw())
	assert.Equal(t, "up0 192.0.2.1", reach(t, "8.8.8.8"))
	assert.NotContains(t, snapshot(t), "10.99.0.100")
	assert.Contains(t, snapshot(t), "198.51.100.7", "the way to the server")
	require.NoError(t, setup.Withdraw())
	undone(t, setup, before)
}

// Undo works where Apply worked, whatever thread and namespace it is called from.
func TestSetupUndoFromAnotherThread(t *testing.T) {
	labtest.Enter(t)
	uplink(t)
	s := client(tunDevice(t, "t0"))
	s.DefaultRoute = true
	before := snapshot(t)
	setup := apply(t, s)
	done := make(chan error)
	go func() { done <- setup.Undo() }()
	require.NoError(t, <-done)
	assert.Equal(t, before, snapshot(t))
}

func TestSetupWithoutPermission(t *testing.T) {
	labtest.Enter(t)
	uplink(t)
	s := client(tunDevice(t, "t0"))
	before := snapshot(t)
	hdr := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var caps [2]unix.CapUserData
	require.NoError(t, unix.Capget(&hdr, &caps[0]))
	less := caps
	less[0].Effective &^= 1 << unix.CAP_NET_ADMIN
	require.NoError(t, unix.Capset(&hdr, &less[0]))
	setup, err := NewSetup(s)
	require.NoError(t, err)
	err = setup.Apply(context.Background())
	require.NoError(t, unix.Capset(&hdr, &caps[0]))
	require.ErrorIs(t, err, unix.EPERM)
	assert.ErrorContains(t, err, "CAP_NET_ADMIN")
	undone(t, setup, before)
}

// TestSetupServerInsideAsOutside: some servers give their outer address as that in the tunnel. The
// tunnel works without one.
func TestSetupServerInsideAsOutside(t *testing.T) {
	labtest.Enter(t)
	uplink(t)
	s := client(tunDevice(t, "t0"))
	s.Remote, s.DefaultRoute = s.Server, true
	before := snapshot(t)
	setup := apply(t, s)
	assert.Equal(t, "up0 192.0.2.1", reach(t, s.Server.String()), "the tunnel's own packets")
	assert.Equal(t, "t0", reach(t, "8.8.8.8"))

	s.Remote = addr("10.99.0.1")
	require.NoError(t, setup.Readdress(context.Background(), s))
	assert.Equal(t, "t0", reach(t, "10.99.0.1"))
	s.Remote = s.Server
	require.NoError(t, setup.Readdress(context.Background(), s))
	assert.Equal(t, "up0 192.0.2.1", reach(t, s.Server.String()))
	undone(t, setup, before)
}
