package rtnetlink_test

import (
	"net/netip"
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/arc4tun/arc4tun/internal/lab/labtest"
	"github.com/arc4tun/arc4tun/internal/rtnetlink"
)

// TestLinkChanges: what is set is what iproute2 shows.
func TestLinkChanges(t *testing.T) {
	labtest.Enter(t)
	c := open(t)
	require.NoError(t, c.AddVeth(rtnetlink.VethEnd{Name: "left", Index: 77, Queues: 2}, rtnetlink.VethEnd{Name: "right"}))
	require.ErrorIs(t, c.AddVeth(rtnetlink.VethEnd{Name: "left"}, rtnetlink.VethEnd{Name: "other"}), unix.EEXIST)
	type link struct {
		IfIndex, MTU, TxQLen, Num_Tx_Queues int
		OperState, Inet6_Addr_Gen_Mode      string
	}
	left := func() link {
		all := shown[link](t, "ip -j -d link show left")
		require.Len(t, all, 1)
		return all[0]
	}
	require.Equal(t, link{77, 1500, 1000, 2, "DOWN", "eui64"}, left())
	require.NoError(t, c.SetMTU(77, 1400))
	require.NoError(t, c.SetTxQueueLength(77, 8192))
	require.NoError(t, c.SetAddrGenMode(77, rtnetlink.AddrGenModeNone))
	right, err := c.LinkByName("right")
	require.NoError(t, err)
	require.NoError(t, c.SetUp(right.Index))
	require.NoError(t, c.SetUp(77))
	eventually(t, func() bool { return left() == link{77, 1400, 8192, 2, "UP", "none"} })
	require.NoError(t, c.SetDown(77))
	eventually(t, func() bool { return left().OperState == "DOWN" })
	require.ErrorIs(t, c.SetUp(78), unix.ENODEV)
	require.ErrorIs(t, c.SetMTU(77, 70000), unix.EINVAL)
	for _, name := range []string{"none", "a name that is too long"} {
		_, err = c.LinkByName(name)
		require.ErrorIs(t, err, unix.ENODEV)
	}
	for _, index := range []int{-1, 0, 99} {
		_, err = c.LinkByIndex(index)
		require.ErrorIs(t, err, unix.ENODEV)
	}
}

func TestAddressChanges(t *testing.T) {
	c := surroundings(t)
	w, err := c.LinkByName("w")
	require.NoError(t, err)
	p := netip.MustParsePrefix
	for _, tc := range []struct {
		address rtnetlink.Address
		want    string
	}{
		{rtnetlink.Address{Local: p("10.1.0.1/32")}, "inet 10.1.0.1/32 scope global w"},
		{rtnetlink.Address{Local: p("10.2.0.1/24")}, "inet 10.2.0.1/24 scope global w"},
		{rtnetlink.Address{Local: p("10.3.0.1/32"), Peer: p("10.3.0.2/32")}, "inet 10.3.0.1 peer 10.3.0.2/32 scope global w"},
		{rtnetlink.Address{Local: p("10.4.0.1/32"), Protocol: 164}, "inet 10.4.0.1/32 scope global"},
		{rtnetlink.Address{Local: p("fe80::77/64"), Scope: unix.RT_SCOPE_LINK, Flags: unix.IFA_F_NODAD}, "inet6 fe80::77/64 scope link nodad"},
	} {
		a := tc.address
		a.Link = w.Index
		before := ip(t, "ip addr show dev w")
		require.NoError(t, c.AddAddress(a), "%v", a)
		require.Contains(t, ip(t, "ip addr show dev w"), tc.want)
		require.ErrorIs(t, c.AddAddress(a), unix.EEXIST)
		family := uint8(unix.AF_INET)
		if a.Local.Addr().Is6() {
			family = unix.AF_INET6
		}
		list, err := c.Addresses(family)
		require.NoError(t, err)
		a.Flags |= unix.IFA_F_PERMANENT
		assert.Contains(t, list, a, "and comes back as it was given")
		require.NoError(t, c.DeleteAddress(a))
		require.ErrorIs(t, c.DeleteAddress(a), unix.EADDRNOTAVAIL)
		require.Equal(t, before, ip(t, "ip addr show dev w"))
	}
}

func TestRouteChanges(t *testing.T) {
	c := surroundings(t)
	w, err := c.LinkByName("w")
	require.NoError(t, err)
	p, a := netip.MustParsePrefix, netip.MustParseAddr
	for _, tc := range []struct {
		name  string
		route rtnetlink.Route
		want  string
	}{
		{"on the link", rtnetlink.Route{Dst: p("10.1.0.0/16"), Link: w.Index, Scope: unix.RT_SCOPE_LINK, Protocol: 164}, "10.1.0.0/16 dev w proto 164 scope link"},
		{"by a gateway, with all", rtnetlink.Route{
			Dst: p("10.2.0.0/16"), Gateway: a("192.0.2.1"), Source: a("10.9.0.1"), Link: w.Index, Table: 254, Priority: 164_000_001, Protocol: unix.RTPROT_STATIC, MTU: 1300, AdvMSS: 1200,
		}, "10.2.0.0/16 via 192.0.2.1 dev w proto static src 10.9.0.1 metric 164000001 mtu 1300 advmss 1200"},
		{"on-link gateway", rtnetlink.Route{Dst: p("10.3.0.0/16"), Gateway: a("172.31.1.1"), Link: w.Index, Flags: unix.RTNH_F_ONLINK | unix.RTNH_F_LINKDOWN}, "10.3.0.0/16 via 172.31.1.1 dev w onlink"},
		{"a gateway of IPv6", rtnetlink.Route{Dst: p("10.4.0.0/16"), Gateway: a("2001:db8::1"), Link: w.Index}, "10.4.0.0/16 via inet6 2001:db8::1 dev w"},
		{"another default", rtnetlink.Route{Dst: p("0.0.0.0/0"), Gateway: a("192.0.2.9"), Priority: 9}, "default via 192.0.2.9 dev w metric 9"},
		{"a black hole", rtnetlink.Route{Dst: p("10.5.0.0/16"), Type: unix.RTN_BLACKHOLE}, "blackhole 10.5.0.0/16"},
		{"a large table", rtnetlink.Route{Dst: p("10.6.0.0/16"), Link: w.Index, Scope: unix.RT_SCOPE_LINK, Table: 70000}, "10.6.0.0/16 dev w table 70000 scope link"},
		{"several hops", rtnetlink.Route{Dst: p("10.7.0.0/16"), Hops: []rtnetlink.Hop{{Link: w.Index, Gateway: a("192.0.2.1")}, {Link: w.Index, Gateway: a("192.0.2.2")}}},
			"10.7.0.0/16 \n\tnexthop via 192.0.2.1 dev w weight 1 \n\tnexthop via 192.0.2.2 dev w weight 1"},
		{"IPv6", rtnetlink.Route{Dst: p("2001:db8:9::/48"), Gateway: a("2001:db8::1"), Link: w.Index, Priority: 5}, "2001:db8:9::/48 via 2001:db8::1 dev w metric 5"},
	} {
		family := uint8(unix.AF_INET)
		show := "ip -4 route show table all"
		if tc.route.Dst.Addr().Is6() {
			family, show = unix.AF_INET6, "ip -6 route show table all"
		}
		before := ip(t, show)
		require.NoError(t, c.AddRoute(tc.route), tc.name)
		require.Contains(t, ip(t, show), tc.want, tc.name)
		require.Equal(t, ipRoutes(t, family), ours(t, c, family), tc.name)
		err := c.AddRoute(tc.route)
		require.ErrorIs(t, err, unix.EEXIST, tc.name)
		require.NoError(t, c.ReplaceRoute(tc.route), tc.name)
		require.NoError(t, c.DeleteRoute(tc.route), tc.name)
		require.ErrorIs(t, c.DeleteRoute(tc.route), unix.ESRCH, tc.name)
		require.Equal(t, before, ip(t, show), tc.name)
	}
	// One step, so that there is no moment without it.
	first := rtnetlink.Route{Dst: p("10.8.8.8/32"), Gateway: a("192.0.2.1"), Priority: 5}
	require.NoError(t, c.AddRoute(first))
	first.Gateway = a("192.0.2.2")
	require.NoError(t, c.ReplaceRoute(first))
	require.Contains(t, ip(t, "ip route show 10.8.8.8"), "via 192.0.2.2")
	require.NotContains(t, ip(t, "ip route show 10.8.8.8"), "via 192.0.2.1")
}

// TestSavedRoutesComeBack with everything, whether there is a word for it here or not.
func TestSavedRoutesComeBack(t *testing.T) {
	c := surroundings(t)
	for _, route := range []string{
		"ip route add 10.1.0.0/16 via 192.0.2.1 metric 5 mtu lock 1300 initcwnd 20 rto_min 50ms quickack 1 tos 0x10 src 10.9.0.1 table 77",
		"ip route add 10.2.0.0/16 dev w congctl reno realm 5",
		"ip route add 10.3.0.0/16 encap ip id 5 dst 192.0.2.77 via 192.0.2.1 dev w",
		"ip -6 route add 2001:db8:5::/48 via 2001:db8::1 expires 1000 pref high",
		"ip nexthop add id 5 via 192.0.2.1 dev w",
		"ip route add 10.4.0.0/16 nhid 5",
	} {
		ip(t, route)
	}
	w, err := c.LinkByName("w")
	require.NoError(t, err)
	mine := func(r *rtnetlink.Route) bool {
		return r.Link == w.Index && r.Protocol != unix.RTPROT_KERNEL && r.Type == unix.RTN_UNICAST
	}
	// What is not the same: the seconds left, and an object that is gone.
	passing := regexp.MustCompile(` nhid 5|\n\tnh_info.*|expires \d+`)
	show := func() string {
		all := ip(t, "ip -4 -d route show table all dev w") + ip(t, "ip -6 -d route show table main dev w")
		require.Contains(t, all, " expires ")
		return passing.ReplaceAllString(all, "")
	}
	var saved []rtnetlink.SavedRoute
	for _, family := range []uint8{unix.AF_INET, unix.AF_INET6} {
		some, err := c.SaveRoutes(family, mine)
		require.NoError(t, err)
		saved = append(saved, some...)
	}
	require.Len(t, saved, 10)
	before := show()
	require.ErrorIs(t, c.RestoreRoute(saved[0]), unix.EEXIST)
	ip(t, "ip nexthop del id 5") // with its route
	for _, family := range []uint8{unix.AF_INET, unix.AF_INET6} {
		routes, err := c.Routes(family, mine)
		require.NoError(t, err)
		for _, r := range routes {
			require.NoError(t, c.DeleteRoute(r), "%v", r)
		}
	}
	for _, s := range saved {
		require.NoError(t, c.RestoreRoute(s))
	}
	assert.Equal(t, before, show())
}

// TestRuleChanges: what is added is what iproute2 shows and what is listed, decides where routes
// are looked up, and goes again.
func TestRuleChanges(t *testing.T) {
	c := surroundings(t)
	ip(t, "ip route add default dev w table 1000000")
	for _, tc := range []struct {
		family uint8
		show   string
		rule   rtnetlink.Rule
		want   string
	}{
		{unix.AF_INET, "ip rule", rtnetlink.Rule{Priority: 300, To: netip.MustParsePrefix("203.0.113.1/32"), Table: 254, By: 164}, "300:\tfrom all to 203.0.113.1 lookup main proto 164"},
		{unix.AF_INET, "ip rule", rtnetlink.Rule{Priority: 301, Table: 254, NoDefault: true, By: 164}, "301:\tfrom all lookup main suppress_prefixlength 0 proto 164"},
		{unix.AF_INET, "ip rule", rtnetlink.Rule{Priority: 302, Invert: true, Mark: 164, Mask: 1<<32 - 1, Table: 1000000, By: 164}, "302:\tnot from all fwmark 0xa4 lookup 1000000 proto 164"},
		{unix.AF_INET, "ip rule", rtnetlink.Rule{Priority: 303, Protocol: unix.IPPROTO_GRE, Table: 77}, "303:\tfrom all ipproto gre lookup 77"},
		{unix.AF_INET6, "ip -6 rule", rtnetlink.Rule{Priority: 304, Invert: true, Mark: 5, Mask: 7, Table: 1000000}, "304:\tnot from all fwmark 0x5/0x7 lookup 1000000"},
	} {
		before := ip(t, tc.show)
		require.NoError(t, c.AddRule(tc.family, tc.rule))
		require.ErrorIs(t, c.AddRule(tc.family, tc.rule), unix.EEXIST)
		assert.Contains(t, ip(t, tc.show), tc.want)
		list, err := c.Rules(tc.family)
		require.NoError(t, err)
		assert.Contains(t, list, tc.rule)
		if tc.rule.Invert && tc.family == unix.AF_INET {
			found, err := c.RouteTo(netip.MustParseAddr("8.8.8.8"), rtnetlink.RouteQuery{})
			require.NoError(t, err)
			assert.EqualValues(t, 1000000, found.Table)
			found, err = c.RouteTo(netip.MustParseAddr("8.8.8.8"), rtnetlink.RouteQuery{Mark: 164})
			require.NoError(t, err)
			assert.EqualValues(t, unix.RT_TABLE_MAIN, found.Table)
		}
		require.NoError(t, c.DeleteRule(tc.family, tc.rule))
		assert.Equal(t, before, ip(t, tc.show))
		require.ErrorIs(t, c.DeleteRule(tc.family, tc.rule), unix.ENOENT)
	}
}
