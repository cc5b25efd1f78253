package serverroute

import (
	"errors"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/arc4tun/arc4tun/internal/lab/labtest"
	"github.com/arc4tun/arc4tun/internal/lab/netns"
)

// TestHostRouteFollowsThePath: at every change the server is reached by the best path around the
// tunnel, whether the old one has gone by then or not; and its route is gone in the end.
func TestHostRouteFollowsThePath(t *testing.T) {
	labtest.Enter(t)
	first := network(t, "up0", "192.0.2.10/24")
	network(t, "up1", "192.0.3.10/24")
	old := route(t, "0.0.0.0/0", "192.0.2.1", 100)
	device := tunnelDevice(t)
	f := follower(t)
	require.NoError(t, f.Lead(serverAddr, device, halves))
	require.Equal(t, []string{"198.51.100.7/32 via 192.0.2.1"}, hostRoutes(t), "before the routes into the tunnel are there")
	into(t, device)
	path := func() string { return reach(t, server) }
	require.Equal(t, "up0 192.0.2.1", path())

	better := route(t, "0.0.0.0/0", "192.0.3.1", 50)
	eventually(t, "up1 192.0.3.1", path)
	require.NoError(t, netlink.RouteDel(better))
	eventually(t, "up0 192.0.2.1", path)
	narrow := route(t, "198.51.0.0/16", "192.0.3.2", 1000)
	eventually(t, "up1 192.0.3.2", path)
	require.NoError(t, netlink.RouteDel(narrow))
	require.NoError(t, netlink.RouteReplace(&netlink.Route{Dst: ipNet("0.0.0.0/0"), Gw: net.ParseIP("192.0.2.9"), Priority: 100}))
	eventually(t, "up0 192.0.2.9", path)

	require.NoError(t, netlink.LinkSetDown(first))
	eventually(t, "t0", path)
	eventually(t, errNoRoute.Error(), func() string { return f.Status().Missing })
	require.NoError(t, netlink.LinkSetUp(first))
	require.Equal(t, "t0", path(), "the link is up, and no route is there yet")
	require.NoError(t, netlink.RouteAdd(old))
	eventually(t, "up0 192.0.2.1", path)
	require.Len(t, hostRoutes(t), 1)
	require.NoError(t, f.Release())
	require.Empty(t, hostRoutes(t))
}

// TestNoHostRouteWithoutNeed: it is there when routes lead the server's packets into the tunnel,
// whoever made them, and only then; somebody's own is left to do it.
func TestNoHostRouteWithoutNeed(t *testing.T) {
	labtest.Enter(t)
	network(t, "up0", "192.0.2.10/24")
	route(t, "0.0.0.0/0", "192.0.2.1", 0)
	device := tunnelDevice(t)
	f := follower(t)
	require.NoError(t, f.Lead(serverAddr, device, []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}))
	require.Empty(t, hostRoutes(t))

	taken := &netlink.Route{Dst: ipNet("198.51.100.0/24"), LinkIndex: device, Scope: unix.RT_SCOPE_LINK}
	require.NoError(t, netlink.RouteAdd(taken))
	eventually(t, "up0 192.0.2.1", func() string { return reach(t, server) })
	own := route(t, "198.51.100.7/32", "192.0.2.77", 5)
	eventually(t, "0", func() string { return number(len(hostRoutes(t))) })
	require.Equal(t, "up0 192.0.2.77", reach(t, server))
	require.NoError(t, netlink.RouteDel(own))
	eventually(t, "up0 192.0.2.1", func() string { return reach(t, server) })
	refuses := &netlink.Route{Dst: ipNet("198.51.100.0/25"), Type: unix.RTN_UNREACHABLE}
	require.NoError(t, netlink.RouteAdd(refuses))
	eventually(t, "0", func() string { return number(len(hostRoutes(t))) }) // somebody wants it not to be reached
	eventually(t, errNoRoute.Error(), func() string { return f.Status().Missing })
	require.NoError(t, netlink.RouteDel(refuses))
	eventually(t, "up0 192.0.2.1", func() string { return reach(t, server) })
	require.NoError(t, netlink.RouteDel(taken))
	eventually(t, "0", func() string { return number(len(hostRoutes(t))) })

	f2 := follower(t)
	other := netip.MustParseAddr("192.0.2.10")
	require.NoError(t, f2.Lead(other, device, append(halves, netip.PrefixFrom(other, 32))), "a server on this machine")
	require.Empty(t, hostRoutes(t))
	require.Equal(t, "", f2.Status().Device)
}

func number(n int) string { return string(rune('0' + n)) }

// TestServerMoves: another address of the server's takes the host route over.
func TestServerMoves(t *testing.T) {
	labtest.Enter(t)
	network(t, "up0", "192.0.2.10/24")
	route(t, "0.0.0.0/0", "192.0.2.1", 0)
	device := tunnelDevice(t)
	f := follower(t)
	require.NoError(t, f.Lead(serverAddr, device, halves))
	into(t, device)
	require.NoError(t, f.Lead(netip.MustParseAddr("203.0.113.9"), device, halves))
	require.Equal(t, []string{"203.0.113.9/32 via 192.0.2.1"}, hostRoutes(t))
	require.Equal(t, "t0", reach(t, server))
}

// TestSomebodysRoutes: what other tables, sources and flags say is kept.
func TestSomebodysRoutes(t *testing.T) {
	t.Run("on-link gateway with a source and an MTU", func(t *testing.T) {
		labtest.Enter(t)
		up := network(t, "up0", "192.0.2.10/24")
		require.NoError(t, netns.AddAddress("up0", "203.0.113.50/32"))
		require.NoError(t, netlink.RouteAdd(&netlink.Route{
			Dst: ipNet("0.0.0.0/0"), Gw: net.ParseIP("172.31.1.1"), LinkIndex: up.Attrs().Index, Flags: unix.RTNH_F_ONLINK,
			Src: net.ParseIP("203.0.113.50"), MTU: 1400,
		}))
		device := tunnelDevice(t)
		f := follower(t)
		require.NoError(t, f.Lead(serverAddr, device, halves))
		into(t, device)
		require.Equal(t, "up0 172.31.1.1", reach(t, server))
		require.Equal(t, "203.0.113.50", f.Status().Source)
		routes, err := netlink.RouteListFiltered(netlink.FAMILY_V4, &netlink.Route{Protocol: Protocol}, netlink.RT_FILTER_PROTOCOL)
		require.NoError(t, err)
		require.Len(t, routes, 1)
		require.Equal(t, 1400, routes[0].MTU)
	})
	t.Run("several ways, one by the tunnel", func(t *testing.T) {
		labtest.Enter(t)
		network(t, "up0", "192.0.2.10/24")
		device := tunnelDevice(t)
		up, err := netlink.LinkByName("up0")
		require.NoError(t, err)
		require.NoError(t, netlink.RouteAdd(&netlink.Route{Dst: ipNet("0.0.0.0/0"), MultiPath: []*netlink.NexthopInfo{
			{LinkIndex: device}, {LinkIndex: up.Attrs().Index, Gw: net.ParseIP("192.0.2.9")},
		}}))
		f := follower(t)
		require.NoError(t, f.Lead(serverAddr, device, halves))
		require.Equal(t, []string{"198.51.100.7/32 via 192.0.2.9"}, hostRoutes(t))
	})
	t.Run("a rule of this machine's", func(t *testing.T) {
		labtest.Enter(t)
		network(t, "up0", "192.0.2.10/24")
		network(t, "up1", "192.0.3.10/24")
		route(t, "0.0.0.0/0", "192.0.2.1", 0)
		require.NoError(t, netlink.RouteAdd(&netlink.Route{Dst: ipNet("0.0.0.0/0"), Gw: net.ParseIP("192.0.3.1"), Table: 77}))
		rule := netlink.NewRule()
		rule.Dst, rule.Table, rule.Priority = ipNet("198.51.100.0/24"), 77, 100
		if err := netlink.RuleAdd(rule); errors.Is(err, unix.EOPNOTSUPP) {
			labtest.Skip(t, "this kernel has no routing rules")
		} else {
			require.NoError(t, err)
		}
		device := tunnelDevice(t)
		f := follower(t)
		require.NoError(t, f.Lead(serverAddr, device, halves))
		into(t, device)
		require.Empty(t, hostRoutes(t), "it would change nothing")
		require.Equal(t, "up1", f.Status().Device)
	})
	t.Run("a table that is asked last", func(t *testing.T) {
		labtest.Enter(t)
		network(t, "up0", "192.0.2.10/24")
		require.NoError(t, netlink.RouteAdd(&netlink.Route{Dst: ipNet("0.0.0.0/0"), Gw: net.ParseIP("192.0.2.1"), Table: unix.RT_TABLE_DEFAULT}))
		device := tunnelDevice(t)
		into(t, device)
		f := follower(t)
		require.NoError(t, f.Lead(serverAddr, device, halves))
		require.Equal(t, "up0", f.Status().Device, "sockets still leave by it")
	})
}

// TestCarriedSocketsChangeInterfaces: a socket leaves by the path's interface, and stays with it
// while there is none.
func TestCarriedSocketsChangeInterfaces(t *testing.T) {
	labtest.Enter(t)
	first, second := network(t, "up0", "192.0.2.10/24"), network(t, "up1", "192.0.3.10/24")
	route(t, "0.0.0.0/0", "192.0.2.1", 100)
	device := tunnelDevice(t)
	f := follower(t)
	require.NoError(t, f.Lead(serverAddr, device, halves))
	into(t, device)
	links := make(chan int, 10)
	release := f.Carry(serverAddr, func(ifindex int) error { links <- ifindex; return nil })
	require.Equal(t, first.Attrs().Index, <-links)
	route(t, "0.0.0.0/0", "192.0.3.1", 50)
	require.Equal(t, second.Attrs().Index, next(t, links))
	require.NoError(t, netlink.LinkSetDown(second))
	require.Equal(t, first.Attrs().Index, next(t, links))
	require.NoError(t, netlink.LinkSetDown(first))
	eventually(t, errNoRoute.Error(), func() string { return f.Status().Missing })
	require.Empty(t, links)
	release()
	require.NoError(t, netlink.LinkSetUp(first))
	route(t, "0.0.0.0/0", "192.0.2.1", 100)
	eventually(t, "up0", func() string { return f.Status().Device })
	require.Empty(t, links)
}

func next(t *testing.T, links <-chan int) int {
	t.Helper()
	select {
	case n := <-links:
		return n
	case <-time.After(waitLimit):
		require.FailNow(t, "no other interface")
		return 0
	}
}

// TestCheck: a call ends when its address has gone and the server is reached from another, and when
// a better path has stayed for a second; not while there is no path at all, for as long as that may
// come back.
func TestCheck(t *testing.T) {
	labtest.Enter(t)
	up := network(t, "up0", "192.0.2.10/24")
	network(t, "up1", "192.0.3.10/24")
	route(t, "0.0.0.0/0", "192.0.2.1", 100)
	f := follower(t)
	require.NoError(t, f.Lead(serverAddr, 0, nil))
	local, other := netip.MustParseAddr("192.0.2.10"), netip.MustParseAddr("192.0.3.10")
	f.mu.Lock()
	f.source = local // as after Dial
	f.mu.Unlock()
	drain(f)
	require.NoError(t, f.Check(local, serverAddr))

	better := route(t, "0.0.0.0/0", "192.0.3.1", 50)
	eventually(t, "up1", func() string { return f.Status().Device })
	told(t, f)
	assert.NoError(t, f.Check(other, serverAddr))
	assert.NoError(t, f.Check(local, netip.MustParseAddr("203.0.113.1")), "another server's")
	told(t, f) // after a second
	assert.ErrorContains(t, f.Check(local, serverAddr), "the server is reached by up1 from 192.0.3.10 now")
	require.NoError(t, netlink.RouteDel(better))
	eventually(t, "up0", func() string { return f.Status().Device })
	assert.NoError(t, f.Check(local, serverAddr))
	drain(f)

	addr, err := netlink.ParseAddr("192.0.2.10/24")
	require.NoError(t, err)
	require.NoError(t, netlink.AddrDel(up, addr))
	eventually(t, errNoRoute.Error(), func() string { return f.Status().Missing })
	assert.NoError(t, f.Check(local, serverAddr), "it may come back")
	assert.Empty(t, f.Changed(), "there is nothing that anybody could do")
	require.NoError(t, netns.AddAddress("up0", "192.0.2.11/24"))
	route(t, "0.0.0.0/0", "192.0.2.1", 100)
	told(t, f)
	assert.ErrorContains(t, f.Check(local, serverAddr), "192.0.2.10 is no address of this machine any more")

	f.mu.Lock()
	f.path.missing, f.lost = errNoRoute, time.Now().Add(-time.Minute)
	f.mu.Unlock()
	assert.ErrorIs(t, f.Check(local, serverAddr), errNoRoute, "long enough to be the reason")
}

func told(t *testing.T, f *Follower) {
	t.Helper()
	select {
	case <-f.Changed():
	case <-time.After(waitLimit):
		require.FailNow(t, "nobody is told")
	}
}

func drain(f *Follower) {
	select {
	case <-f.Changed():
	default:
	}
}

// TestManyChanges: more news than a socket holds, and than anybody could look at one by one.
func TestManyChanges(t *testing.T) {
	labtest.Enter(t)
	network(t, "up0", "192.0.2.10/24")
	route(t, "0.0.0.0/0", "192.0.2.1", 100)
	device := tunnelDevice(t)
	f := follower(t)
	require.NoError(t, f.Lead(serverAddr, device, halves))
	into(t, device)
	f.mu.Lock() // the follower is busy, so that what it does not hear is lost
	for i := range 5000 {
		dst := netip.AddrFrom4([4]byte{10, byte(i >> 8), byte(i), 0})
		require.NoError(t, netlink.RouteAdd(&netlink.Route{Dst: ipNet(netip.PrefixFrom(dst, 24).String()), Gw: net.ParseIP("192.0.2.1")}))
	}
	require.NoError(t, netlink.RouteReplace(&netlink.Route{Dst: ipNet("0.0.0.0/0"), Gw: net.ParseIP("192.0.2.9"), Priority: 100}))
	f.mu.Unlock()
	eventually(t, "up0 192.0.2.9", func() string { return reach(t, server) })
	// And what comes after.
	require.NoError(t, netlink.RouteReplace(&netlink.Route{Dst: ipNet("0.0.0.0/0"), Gw: net.ParseIP("192.0.2.8"), Priority: 100}))
	eventually(t, "up0 192.0.2.8", func() string { return reach(t, server) })
}
