package gre

import (
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/arc4tun/arc4tun/internal/lab/labtest"
	"github.com/arc4tun/arc4tun/internal/lab/netns"
	"github.com/arc4tun/arc4tun/internal/uplink"
)

// TestKindsOfUplinks: links that stand for others are sent by as any, and a link whose neighbours
// have no Ethernet address is left to the kernel.
func TestKindsOfUplinks(t *testing.T) {
	gateway := netip.MustParseAddr("10.7.0.1")
	own := func(string) error { return netns.AddAddress("wire1", "10.7.0.1/24") }
	for _, tc := range []struct {
		kind   string
		ours   func(wire netlink.Link, a netlink.LinkAttrs) error // makes the link "via" of wire1
		theirs func(name string) error
		way    string
		why    string
	}{
		{
			"VLAN", func(wire netlink.Link, a netlink.LinkAttrs) error {
				a.ParentIndex = wire.Attrs().Index
				return netlink.LinkAdd(&netlink.Vlan{LinkAttrs: a, VlanId: 7})
			}, func(name string) error {
				return labtest.Change("wire1", func(wire netlink.Link) error {
					a := netlink.NewLinkAttrs()
					a.Name, a.ParentIndex = name, wire.Attrs().Index
					return errors.Join(netlink.LinkAdd(&netlink.Vlan{LinkAttrs: a, VlanId: 7}),
						netns.AddAddress(name, "10.7.0.1/24"), labtest.Change(name, netlink.LinkSetUp))
				})
			}, "xsk", "via queue 0, next hop 10.7.0.1",
		},
		{
			"bridge", func(wire netlink.Link, a netlink.LinkAttrs) error {
				bridge := &netlink.Bridge{LinkAttrs: a}
				return errors.Join(netlink.LinkAdd(bridge), netlink.LinkSetMaster(wire, bridge))
			}, own, "xsk", "via queue 0, next hop 10.7.0.1",
		},
		{
			"bond", func(wire netlink.Link, a netlink.LinkAttrs) error {
				bond := netlink.NewLinkBond(a)
				bond.Mode, bond.Miimon = netlink.BOND_MODE_ACTIVE_BACKUP, 10
				return errors.Join(netlink.LinkAdd(bond), netlink.LinkSetDown(wire), netlink.LinkSetBondSlave(wire, bond), netlink.LinkSetUp(wire))
			}, own, "xsk", "via queue 0, next hop 10.7.0.1",
		},
		{
			"macvlan", func(wire netlink.Link, a netlink.LinkAttrs) error {
				a.ParentIndex = wire.Attrs().Index
				return netlink.LinkAdd(&netlink.Macvlan{LinkAttrs: a, Mode: netlink.MACVLAN_MODE_BRIDGE})
			}, own, "xsk", "via queue 0, next hop 10.7.0.1",
		},
		{
			"ipvlan", func(wire netlink.Link, a netlink.LinkAttrs) error {
				a.ParentIndex = wire.Attrs().Index
				return netlink.LinkAdd(&netlink.IPVlan{LinkAttrs: a, Mode: netlink.IPVLAN_MODE_L3})
			}, own, "raw", "the route to 198.51.100.1 leaves by via, which resolves no neighbours",
		},
	} {
		t.Run(tc.kind, func(t *testing.T) {
			c := newCables(t, 1)
			err := c.us.Do(func() error {
				return labtest.Change("wire1", func(wire netlink.Link) error {
					a := netlink.NewLinkAttrs()
					a.Name = "via"
					return tc.ours(wire, a)
				})
			})
			if errors.Is(err, unix.EOPNOTSUPP) {
				t.Logf("not tried, for this kernel has no %s: %v", tc.kind, err) // no skip: CI's kernel has not all
				return
			}
			require.NoError(t, err)
			c.them.Must(t, func() error { return tc.theirs("via") })
			c.us.Must(t, func() error {
				return errors.Join(netns.AddAddress("via", "10.7.0.2/24"), labtest.Change("via", netlink.LinkSetUp), setRoute(peerAddr, gateway))
			})
			c.open(uplink.Auto).goes(tc.way, tc.why)
		})
	}
}

// TestLinkBecomesAnother: a link has another name, another address and another index, and packets
// go on arriving.
func TestLinkBecomesAnother(t *testing.T) {
	c := newCables(t, 1)
	k := c.open(uplink.Auto)
	k.goes("xsk", "wire0 queue 0, next hop 192.0.2.1")
	c.us.Must(t, func() error {
		return labtest.Change("wire0", func(l netlink.Link) error {
			return errors.Join(netlink.LinkSetDown(l), netlink.LinkSetName(l, "renamed"), netlink.LinkSetUp(l), setRoute(peerAddr, gateway0))
		})
	})
	k.goes("xsk", "renamed queue 0, next hop 192.0.2.1")
	c.us.Must(t, func() error {
		return labtest.Change("renamed", func(l netlink.Link) error {
			return netlink.LinkSetHardwareAddr(l, net.HardwareAddr{2, 0, 0, 0, 0, 0x42})
		})
	})
	k.goes("xsk", "renamed queue 0, next hop 192.0.2.1")
	var again int
	c.us.Must(t, func() error {
		return labtest.Change("renamed", func(l netlink.Link) error {
			again = l.Attrs().Index
			return netlink.LinkDel(l)
		})
	})
	// What the transmitter of old is bound to is gone, although another has its index.
	require.NoError(t, netns.Join(
		netns.End{Host: c.us.Host, Name: "again", Address: "192.0.2.2/24", Index: again},
		netns.End{Host: c.them.Host, Name: "wire2", Address: "192.0.2.1/24"}))
	c.us.Must(t, func() error { return setRoute(peerAddr, gateway0) })
	k.goes("xsk", "again queue 0, next hop 192.0.2.1")
}

// TestManyCallsLeaveNothing: what calls have opened is closed with them.
func TestManyCallsLeaveNothing(t *testing.T) {
	c := newCables(t, 1)
	held := func() int {
		files, err := os.ReadDir("/proc/self/fd")
		require.NoError(t, err)
		return len(files)
	}
	once := func() {
		var conn Conn
		c.us.Must(t, func() (err error) {
			conn, err = Listen(sourceAddr, Options{IO: uplink.Auto, Log: slog.New(slog.DiscardHandler)})
			return err
		})
		to := NewSender(conn, peerAddr)
		to.Established()
		to.Acknowledged(1)
		k := &call{c: c, conn: conn, to: to, size: 100}
		k.until("a fast way", func(s uplink.Status) bool { return s.Way != "raw" })
		to.Close()
		require.NoError(t, conn.Close())
	}
	once()
	files, goroutines := held(), runtime.NumGoroutine()
	for range 50 {
		once()
	}
	for end := time.Now().Add(waitLimit); held() > files || runtime.NumGoroutine() > goroutines; time.Sleep(time.Millisecond) {
		require.True(t, time.Now().Before(end), "%d files and %d goroutines before, %d and %d after", files, goroutines, held(), runtime.NumGoroutine())
	}
	assert.LessOrEqual(t, held(), files)
}
