package gre

import (
	"errors"
	"net"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/vishvananda/netlink"

	"github.com/arc4tun/arc4tun/internal/lab/labtest"
	"github.com/arc4tun/arc4tun/internal/uplink"
)

func TestWays(t *testing.T) {
	for _, tc := range []struct {
		mode uplink.Mode
		way  string
		why  string
	}{
		{uplink.Auto, "xsk", "wire0 queue 0, next hop 192.0.2.1"},
		{uplink.XSK, "xsk", "wire0 queue 0, next hop 192.0.2.1"},
		{uplink.Packet, "packet", "wire0, next hop 192.0.2.1"},
		{uplink.Raw, "raw", "it was asked for"},
	} {
		t.Run(tc.mode.String(), func(t *testing.T) {
			c := newCables(t, 1)
			k := c.open(tc.mode)
			k.goes(tc.way, tc.why)
			before := k.to.Status().Fast
			first := k.next
			last := k.send(1000)
			k.arrives()
			for seq := first; seq != last; seq++ {
				require.True(t, c.has(seq), "packet %d of 1000 is lost", seq-first)
			}
			fast := k.to.Status().Fast - before
			if tc.way == "raw" {
				assert.Zero(t, fast)
			} else {
				assert.GreaterOrEqual(t, fast, uint64(1000))
			}
			assert.GreaterOrEqual(t, k.conn.Stats().Sent, uint64(1000))
			assert.Zero(t, k.conn.Stats().SendErrors())
		})
	}
}

func TestNothingGoesFastBeforeThePeerIsKnown(t *testing.T) {
	c := newCables(t, 1)
	k := c.try(Options{IO: uplink.Auto})
	k.arrives()
	assert.Equal(t, "the session is not up yet", k.to.Status().Why)
	assert.Zero(t, k.to.Status().Fast)
	k.to.Established()
	k.goes("xsk", "")
}

func TestLocalPeersStayWithTheSocket(t *testing.T) {
	c := newCables(t, 1)
	var b Conn
	c.us.Must(t, func() (err error) { b, err = Listen(loop2, Options{IO: uplink.Raw}); return err })
	t.Cleanup(func() { _ = b.Close() })
	var a Conn
	c.us.Must(t, func() (err error) { a, err = Listen(loop1, Options{}); return err })
	t.Cleanup(func() { _ = a.Close() })
	s := NewSender(a, loop2)
	s.Established()
	s.Acknowledged(1)
	_, err := s.Send([][]byte{dataPacket(loop2, 1, "x").Data, dataPacket(loop2, 2, "y").Data})
	require.NoError(t, err)
	seqs, _ := readSeqs(t, b, 2)
	assert.Equal(t, []uint32{1, 2}, seqs)
	for s.Status().Why == "the session is not up yet" || s.Status().Why == "the peer has acknowledged nothing yet" {
	}
	assert.Equal(t, uplink.Status{Way: "raw", Why: loop2.String() + " is an address of this machine"}, s.Status())
}

func TestRouteChange(t *testing.T) {
	c := newCables(t, 1)
	k := c.open(uplink.Auto)
	k.goes("xsk", "wire0 queue 0, next hop 192.0.2.1")
	c.us.Must(t, func() error { return setRoute(peerAddr, gateway1) })
	k.goes("xsk", "wire1 queue 0, next hop 203.0.113.1")
	c.us.Must(t, func() error {
		return netlink.RouteDel(&netlink.Route{Dst: &net.IPNet{IP: peerAddr.AsSlice(), Mask: net.CIDRMask(32, 32)}})
	})
	s := k.until("no route", func(s uplink.Status) bool { return s.Way == "raw" })
	assert.Contains(t, s.Why, "there is no route to 198.51.100.1 from 192.0.2.2")
	c.us.Must(t, func() error { return setRoute(peerAddr, gateway0) })
	k.goes("xsk", "wire0 queue 0, next hop 192.0.2.1")
}

// TestRoutingBySource: the kernel is asked for packets from our address, so rules that go by it are
// followed.
func TestRoutingBySource(t *testing.T) {
	c := newCables(t, 1)
	c.us.Must(t, func() error {
		rule := netlink.NewRule()
		rule.Src, rule.Table, rule.Priority = &net.IPNet{IP: sourceAddr.AsSlice(), Mask: net.CIDRMask(32, 32)}, 77, 100
		return errors.Join(
			netlink.RouteAdd(&netlink.Route{Gw: gateway1.AsSlice(), Table: 77, Dst: &net.IPNet{IP: net.IPv4zero, Mask: net.CIDRMask(0, 32)}}),
			netlink.RuleAdd(rule))
	})
	k := c.open(uplink.Auto)
	k.goes("xsk", "wire1 queue 0, next hop 203.0.113.1")
	c.us.Must(t, func() error {
		rule := netlink.NewRule()
		rule.Mark, rule.Table, rule.Priority = 5, 77, 50
		return netlink.RuleAdd(rule)
	})
	k.goes("raw", "the routing rule 50 goes by firewall marks")
}

func TestIPsecPolicyKeepsTheSocket(t *testing.T) {
	c := newCables(t, 1)
	k := c.open(uplink.XSK)
	k.goes("xsk", "")
	any4 := &net.IPNet{IP: net.IPv4zero.To4(), Mask: net.CIDRMask(0, 32)}
	policy := &netlink.XfrmPolicy{Src: any4, Dst: any4, Dir: netlink.XFRM_DIR_OUT}
	c.us.Must(t, func() error { return netlink.XfrmPolicyAdd(policy) })
	k.goes("raw", "an IPsec policy covers packets from 192.0.2.2 to 198.51.100.1")
	c.us.Must(t, func() error { return netlink.XfrmPolicyDel(policy) })
	k.goes("xsk", "")
}

func TestLinkDown(t *testing.T) {
	c := newCables(t, 1)
	k := c.open(uplink.Auto)
	k.goes("xsk", "")
	// The cable's other end: the link loses its carrier.
	c.them.Must(t, func() error { return labtest.Change("wire0", netlink.LinkSetDown) })
	k.until("the loss of the carrier", func(s uplink.Status) bool { return s.Way == "raw" })
	c.them.Must(t, func() error { return labtest.Change("wire0", netlink.LinkSetUp) })
	k.goes("xsk", "wire0 queue 0, next hop 192.0.2.1")
	// Our own end: the route goes with it.
	c.us.Must(t, func() error { return labtest.Change("wire0", netlink.LinkSetDown) })
	s := k.until("the link's end", func(s uplink.Status) bool { return s.Way == "raw" })
	assert.Contains(t, s.Why, "there is no route")
	c.us.Must(t, func() error {
		return errors.Join(labtest.Change("wire0", netlink.LinkSetUp), setRoute(peerAddr, gateway0))
	})
	k.goes("xsk", "wire0 queue 0, next hop 192.0.2.1")
	assert.GreaterOrEqual(t, k.to.Status().Falls, uint64(2))
}

func TestMTUChange(t *testing.T) {
	c := newCables(t, 1)
	k := c.open(uplink.Auto)
	k.size = 1416
	k.goes("xsk", "")
	c.us.Must(t, func() error {
		return labtest.Change("wire0", func(l netlink.Link) error { return netlink.LinkSetMTU(l, 1400) })
	})
	k.goes("raw", "packets of 1452 bytes exceed the 1400 that wire0 takes: a lower MTU in the tunnel would help")
	c.us.Must(t, func() error {
		return labtest.Change("wire0", func(l netlink.Link) error { return netlink.LinkSetMTU(l, 1500) })
	})
	k.goes("xsk", "")
}

func TestNeighbourChange(t *testing.T) {
	c := newCables(t, 1)
	c.us.Must(t, func() error {
		const table = "/proc/sys/net/ipv4/neigh/wire0/"
		return errors.Join(
			os.WriteFile(table+"base_reachable_time_ms", []byte("500"), 0),
			os.WriteFile(table+"delay_first_probe_time", []byte("1"), 0),
			os.WriteFile(table+"retrans_time_ms", []byte("50"), 0))
	})
	k := c.open(uplink.Auto)
	k.goes("xsk", "")
	// The gateway is another machine from now on, which the kernel finds out by asking, since
	// packets that go by the raw socket let it know that it should.
	c.them.Must(t, func() error {
		return labtest.Change("wire0", func(l netlink.Link) error {
			return netlink.LinkSetHardwareAddr(l, net.HardwareAddr{2, 0, 0, 0, 0, 0x77})
		})
	})
	k.arrives()
	k.goes("xsk", "wire0 queue 0, next hop 192.0.2.1")
	// It is gone from the table, and comes back.
	c.us.Must(t, func() error {
		return labtest.Change("wire0", func(l netlink.Link) error {
			return netlink.NeighDel(&netlink.Neigh{LinkIndex: l.Attrs().Index, IP: gateway0.AsSlice(), Family: netlink.FAMILY_V4})
		})
	})
	k.goes("xsk", "wire0 queue 0, next hop 192.0.2.1")
}

func TestShapedLinkKeepsTheSocket(t *testing.T) {
	c := newCables(t, 1)
	k := c.open(uplink.Auto)
	k.goes("xsk", "")
	c.us.Must(t, func() error {
		return labtest.Change("wire0", func(l netlink.Link) error {
			return netlink.QdiscAdd(&netlink.Tbf{
				QdiscAttrs: netlink.QdiscAttrs{LinkIndex: l.Attrs().Index, Parent: netlink.HANDLE_ROOT, Handle: netlink.MakeHandle(1, 0)},
				Rate:       125_000_000, Limit: 1 << 20, Buffer: 1 << 20,
			})
		})
	})
	k.goes("raw", "wire0 has the queueing discipline tbf, which only the raw socket respects")
	require.NoError(t, k.conn.Close())
	k = c.open(uplink.XSK)
	k.goes("xsk", "wire0 queue 0, next hop 192.0.2.1")
}

func TestTwoCallsOfOneLink(t *testing.T) {
	for _, tc := range []struct {
		name   string
		queues int
		way    string
		why    string
	}{
		{"one queue", 1, "packet", "wire0, next hop 192.0.2.1"},
		{"two queues", 2, "xsk", "wire0 queue 1, next hop 192.0.2.1"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := newCables(t, tc.queues)
			first := c.open(uplink.Auto)
			first.goes("xsk", "wire0 queue 0, next hop 192.0.2.1")
			second := c.open(uplink.Auto)
			second.next = 1 << 20
			second.goes(tc.way, tc.why)
			require.NoError(t, first.conn.Close())
			if tc.way == "packet" {
				// The better way is free now, and is taken when its time has come.
				second.goes("xsk", "wire0 queue 0, next hop 192.0.2.1")
			}
		})
	}
	t.Run("insisting", func(t *testing.T) {
		c := newCables(t, 1)
		c.open(uplink.XSK).goes("xsk", "")
		second := c.open(uplink.XSK)
		second.next = 1 << 20
		s := second.until("a refusal", func(s uplink.Status) bool { return strings.HasPrefix(s.Why, "xsk on wire0") })
		assert.Equal(t, "xsk on wire0: every queue of the link has an AF_XDP socket already: device or resource busy", s.Why)
		second.arrives()
	})
}

func TestCloseAndOpenAgain(t *testing.T) {
	c := newCables(t, 1)
	for i := range 10 {
		k := c.open(uplink.Auto)
		k.next = uint32(i) << 20
		k.until("a fast way", func(s uplink.Status) bool { return s.Way != "raw" })
		k.arrives()
		require.NoError(t, k.conn.Close())
		k.to.Close()
	}
}
