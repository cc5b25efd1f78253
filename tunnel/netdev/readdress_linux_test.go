package netdev

import (
	"context"
	"net"
	"net/netip"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/arc4tun/arc4tun/internal/lab/labtest"
)

// lostRoutes watches until the function it returns is called, which tells the routes by t0 that
// went away meanwhile.
func lostRoutes(t *testing.T) func() []string {
	t.Helper()
	updates, done := make(chan netlink.RouteUpdate, 1000), make(chan struct{})
	require.NoError(t, netlink.RouteSubscribe(updates, done))
	link, err := netlink.LinkByName("t0")
	require.NoError(t, err)
	index := link.Attrs().Index
	return func() (lost []string) {
		// What a marker route leaves behind comes after all the rest.
		marker := &netlink.Route{Dst: ipNet(prefix("203.0.113.200/32")), LinkIndex: index, Scope: unix.RT_SCOPE_LINK}
		require.NoError(t, netlink.RouteAdd(marker))
		require.NoError(t, netlink.RouteDel(marker))
		for u := range updates {
			if u.Type == unix.RTM_DELROUTE && u.Dst.String() == marker.Dst.String() {
				break
			}
			if u.Type == unix.RTM_DELROUTE && u.Table == unix.RT_TABLE_MAIN && u.LinkIndex == index {
				lost = append(lost, u.Dst.String())
			}
		}
		close(done)
		for range updates {
		}
		return lost
	}
}

// TestReaddressKeepsTheRoutes: a server may give another address at every reconnection, and what
// goes through the tunnel must not leave by another way for a moment.
func TestReaddressKeepsTheRoutes(t *testing.T) {
	labtest.Enter(t)
	uplink(t)
	s := client(tunDevice(t, "t0"))
	s.DefaultRoute = true
	before := snapshot(t)
	setup := apply(t, s)

	for _, c := range []struct {
		local, remote string
		mtu           int
	}{
		{"10.99.0.101", "10.99.0.1", 1396}, {"10.99.0.101", "10.99.0.2", 1300}, {"10.98.0.1", "10.98.0.2", 1396}, {"10.98.0.1", "10.98.0.2", 1396},
		{"10.98.0.1", "", 1396}, {"10.98.0.3", "", 1396}, {"10.98.0.3", "10.98.0.2", 1396},
	} {
		s.Local, s.Remote, s.MTU = addr(c.local), netip.Addr{}, c.mtu
		if c.remote != "" {
			s.Remote = addr(c.remote)
		}
		lost := lostRoutes(t)
		require.NoError(t, setup.Readdress(context.Background(), s))
		for _, dst := range lost() {
			assert.NotContains(t, []string{"0.0.0.0/1", "128.0.0.0/1"}, dst)
		}
		link, err := netlink.LinkByName("t0")
		require.NoError(t, err)
		assert.Equal(t, c.mtu, link.Attrs().MTU)
		addrs, err := netlink.AddrList(link, netlink.FAMILY_V4)
		require.NoError(t, err)
		require.Len(t, addrs, 1)
		assert.Equal(t, c.local+"/32", addrs[0].IPNet.String())
		if c.remote != "" {
			assert.Equal(t, c.remote+"/32", addrs[0].Peer.String())
		}
		found, err := netlink.RouteGet(net.ParseIP("8.8.8.8"))
		require.NoError(t, err)
		assert.Equal(t, c.local, found[0].Src.String())
		assert.Equal(t, "up0 192.0.2.1", reach(t, s.Server.String()))
	}
	undone(t, setup, before)
}

func TestReaddressRefusesWhatItDoesNotChange(t *testing.T) {
	labtest.Enter(t)
	uplink(t)
	s := client(tunDevice(t, "t0"))
	setup := apply(t, s)
	for name, change := range map[string]func(*Settings){
		"another device":     func(s *Settings) { s.Device = "t1" },
		"another route":      func(s *Settings) { s.Routes = append(s.Routes, prefix("10.0.0.0/8")) },
		"a default route":    func(s *Settings) { s.DefaultRoute = true },
		"an unsound address": func(s *Settings) { s.Local = addr("127.0.0.1") },
	} {
		t.Run(name, func(t *testing.T) {
			other := s
			change(&other)
			before := snapshot(t)
			require.Error(t, setup.Readdress(context.Background(), other))
			assert.Equal(t, before, snapshot(t))
		})
	}
	require.NoError(t, setup.Undo())
	require.Error(t, setup.Readdress(context.Background(), s), "nothing is applied")
}

// TestReaddressToAnotherServer: a server whose name has another address takes its host route along,
// and the routes stay.
func TestReaddressToAnotherServer(t *testing.T) {
	labtest.Enter(t)
	uplink(t)
	s := client(tunDevice(t, "t0"))
	s.Routes = []netip.Prefix{prefix("198.51.100.0/24")}
	before := snapshot(t)
	setup := apply(t, s)
	require.Equal(t, "up0 192.0.2.1", reach(t, "198.51.100.7"))
	s.Server = addr("198.51.100.8")
	require.NoError(t, setup.Readdress(context.Background(), s))
	assert.Equal(t, "up0 192.0.2.1", reach(t, "198.51.100.8"))
	assert.Equal(t, "t0", reach(t, "198.51.100.7"))
	s.Server = addr("203.0.113.1") // which no route into the tunnel takes in
	require.NoError(t, setup.Readdress(context.Background(), s))
	assert.Equal(t, "t0", reach(t, "198.51.100.8"))
	undone(t, setup, before)
}

// TestReaddressThatFailsIsUndone: an address that the system refuses half-way leaves every step to
// be undone once, and none twice.
func TestReaddressThatFailsIsUndone(t *testing.T) {
	labtest.Enter(t)
	uplink(t)
	s := client(tunDevice(t, "t0"))
	s.DefaultRoute, s.MTU, s.Local6 = true, 1400, addr("fe80::a")
	off := "/proc/sys/net/ipv6/conf/t0/disable_ipv6"
	if was, err := os.ReadFile(off); err != nil || string(was) != "0\n" {
		labtest.Skip(t, "this system has no IPv6: %s is %q, %v", off, was, err)
	}
	before := snapshot(t)
	setup := apply(t, s)
	if err := os.WriteFile(off, []byte("1"), 0); err != nil {
		labtest.Skip(t, "IPv6 cannot be switched off here: %v", err)
	}
	s.Local6 = addr("fe80::b")
	require.ErrorContains(t, setup.Readdress(context.Background(), s), "IPv6 is switched off")
	undone(t, setup, before)
}
