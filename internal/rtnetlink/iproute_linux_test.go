package rtnetlink_test

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"os/exec"
	"sort"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/arc4tun/arc4tun/internal/lab/labtest"
	"github.com/arc4tun/arc4tun/internal/lab/netns"
	"github.com/arc4tun/arc4tun/internal/rtnetlink"
)

// ip runs iproute2's program of that name, or tc, in the namespace of the test.
func ip(t *testing.T, command string) string {
	t.Helper()
	words := strings.Fields(command)
	out, err := exec.Command(words[0], words[1:]...).CombinedOutput()
	require.NoError(t, err, "%s: %s", command, out)
	return string(out)
}

// shown reads what iproute2 shows as JSON.
func shown[T any](t *testing.T, command string) (all []T) {
	t.Helper()
	require.NoError(t, json.Unmarshal([]byte(ip(t, command)), &all), command)
	return all
}

// surroundings are a namespace with some of everything.
func surroundings(t *testing.T) *rtnetlink.Conn {
	t.Helper()
	labtest.Enter(t)
	for _, command := range []string{
		"ip link add w type veth peer name x",
		"ip link set w addrgenmode none", // whose address would come in its own time
		"ip link set x addrgenmode none",
		"ip link set w up",
		"ip link set x up mtu 1400",
		"ip link add bridge0 type bridge",
		"ip addr add 192.0.2.10/24 dev w",
		"ip addr add 10.9.0.1 peer 10.9.0.2/32 dev w",
		"ip addr add 10.8.0.1 peer 10.8.7.0/24 dev w",
		"ip -6 addr add 2001:db8::5/64 dev w nodad",
		"ip -6 addr add 2001:db8::6 peer 2001:db8::7 dev w nodad",
		"ip route add default via 192.0.2.1 metric 7 mtu 1400 advmss 1300",
		"ip route add 198.51.100.0/24 via inet6 2001:db8::1 dev w table 1000 proto 164",
		"ip route add 198.51.101.0/24 table 77 nexthop via 192.0.2.2 nexthop via 192.0.2.3 weight 2",
		"ip route add 198.51.102.0/24 via 172.31.1.1 dev w onlink",
		"ip route add blackhole 203.0.113.0/24",
		"ip route add 203.0.114.0/24 dev w src 192.0.2.10 scope link tos 0x10",
		"ip -6 route add default via 2001:db8::1",
		"ip -6 route add 2001:db8:1::/48 metric 5 nexthop via 2001:db8::1 nexthop via 2001:db8::2",
	} {
		ip(t, command)
	}
	eventually(t, func() bool { return netns.Carries("w") == nil && netns.Carries("x") == nil })
	return open(t)
}

// eventually waits for what the kernel does in its own time. It stays on the test's thread.
func eventually(t *testing.T, done func() bool) {
	t.Helper()
	for limit := time.Now().Add(30 * time.Second); !done(); time.Sleep(time.Millisecond) {
		require.True(t, time.Now().Before(limit), "not done in time")
	}
}

func open(t *testing.T) *rtnetlink.Conn {
	t.Helper()
	c, err := rtnetlink.Open()
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c
}

// names are the interfaces' by their numbers.
func names(t *testing.T, c *rtnetlink.Conn) map[int]string {
	t.Helper()
	links, err := c.Links()
	require.NoError(t, err)
	all := map[int]string{0: ""}
	for _, l := range links {
		all[l.Index] = l.Name
	}
	return all
}

// TestLinksAsIPShowsThem and what follows: iproute2 reads the same from the same kernel.
func TestLinksAsIPShowsThem(t *testing.T) {
	c := surroundings(t)
	links, err := c.Links()
	require.NoError(t, err)
	var got, want []string
	for _, l := range links {
		got = append(got, fmt.Sprintln(l.Index, l.Name, l.Kind, l.Hardware, l.Address, l.MTU, l.State == rtnetlink.StateUp, l.State == rtnetlink.StateDown,
			l.Up(), l.Flags&unix.IFF_LOWER_UP != 0))
		for what, find := range map[string]func() (rtnetlink.Link, error){
			"name":  func() (rtnetlink.Link, error) { return c.LinkByName(l.Name) },
			"index": func() (rtnetlink.Link, error) { return c.LinkByIndex(l.Index) },
		} {
			one, err := find()
			require.NoError(t, err, "%s %s", what, l.Name)
			one.TxDropped = 0 // of a list it is not known
			assert.Equal(t, l, one, what)
		}
	}
	for _, l := range shown[struct {
		IfIndex, MTU                          int
		IfName, OperState, Link_Type, Address string
		Flags                                 []string
		LinkInfo                              struct{ Info_Kind string }
	}](t, "ip -j -d -N link") {
		flags := " " + strings.Join(l.Flags, " ") + " "
		want = append(want, fmt.Sprintln(l.IfIndex, l.IfName, l.LinkInfo.Info_Kind, strings.Trim(l.Link_Type, "[]"), l.Address, l.MTU, l.OperState == "UP", l.OperState == "DOWN",
			strings.Contains(flags, " UP "), strings.Contains(flags, " LOWER_UP ")))
	}
	require.Len(t, links, 4)
	assert.ElementsMatch(t, want, got)
}

func TestAddressesAsIPShowsThem(t *testing.T) {
	c := surroundings(t)
	name := names(t, c)
	var want []string
	for _, l := range shown[struct {
		IfName    string
		Addr_Info []struct {
			Family, Local, Address, Scope string
			PrefixLen                     int
			NoDAD, Tentative              bool
		}
	}](t, "ip -j -d -N addr") {
		for _, a := range l.Addr_Info {
			if a.Address == "" {
				want = append(want, fmt.Sprintf("%s %s/%d scope %s nodad %v", l.IfName, a.Local, a.PrefixLen, a.Scope, a.NoDAD))
				continue
			}
			want = append(want, fmt.Sprintf("%s %s peer %s/%d scope %s nodad %v", l.IfName, a.Local, a.Address, a.PrefixLen, a.Scope, a.NoDAD))
		}
	}
	var got []string
	for family, count := range map[uint8]int{unix.AF_INET: 4, unix.AF_INET6: 3} {
		list, err := c.Addresses(family)
		require.NoError(t, err)
		require.Len(t, list, count)
		for _, a := range list {
			nodad := a.Flags&unix.IFA_F_NODAD != 0
			if a.Peer.IsValid() {
				require.True(t, a.Local.IsSingleIP(), "%v", a)
				got = append(got, fmt.Sprintf("%s %s peer %s scope %d nodad %v", name[a.Link], a.Local.Addr(), a.Peer, a.Scope, nodad))
				continue
			}
			got = append(got, fmt.Sprintf("%s %s scope %d nodad %v", name[a.Link], a.Local, a.Scope, nodad))
		}
	}
	assert.ElementsMatch(t, want, got)
	both, err := c.Addresses(unix.AF_UNSPEC)
	require.NoError(t, err)
	assert.Len(t, both, len(got))
}

// ipRoute is a route as iproute2 shows it.
type ipRoute struct {
	Type, Dst, Gateway, Dev, Table, Protocol, Scope, PrefSrc, TOS string
	Via                                                           struct{ Host string }
	Metric                                                        uint32
	Metrics                                                       []struct{ MTU, AdvMSS uint32 }
	Flags                                                         []string
	NextHops                                                      []ipRoute
}

func (r ipRoute) String() string {
	if r.Dst == "default" {
		r.Dst = "*/0"
	} else if !strings.Contains(r.Dst, "/") {
		r.Dst = netip.PrefixFrom(netip.MustParseAddr(r.Dst), netip.MustParseAddr(r.Dst).BitLen()).String()
	}
	for _, number := range []*string{&r.Protocol, &r.Scope} {
		if *number == "" {
			*number = "0"
		}
	}
	var mtu, advMSS uint32
	if len(r.Metrics) > 0 {
		mtu, advMSS = r.Metrics[0].MTU, r.Metrics[0].AdvMSS
	}
	var hops []string
	for _, h := range r.NextHops {
		hops = append(hops, h.Gateway+h.Via.Host+" "+h.Dev)
	}
	tos, _ := strconv.ParseUint(r.TOS, 0, 8)
	return fmt.Sprintln(r.Dst, "type", r.Type, "via", r.Gateway+r.Via.Host, "dev", r.Dev, "table", r.Table, "proto", r.Protocol, "scope", r.Scope, "src", r.PrefSrc,
		"tos", tos, "metric", r.Metric, "mtu", mtu, "advmss", advMSS, hops, "onlink", strings.Contains(strings.Join(r.Flags, " "), "onlink"))
}

// asIP is a route as iproute2 would show it.
func asIP(r rtnetlink.Route, name map[int]string) string {
	gateway := func(a netip.Addr) string {
		if !a.IsValid() {
			return ""
		}
		return a.String()
	}
	i := ipRoute{
		Dst: r.Dst.String(), Type: fmt.Sprint(r.Type), Gateway: gateway(r.Gateway), Dev: name[r.Link], Table: fmt.Sprint(r.Table), Protocol: fmt.Sprint(r.Protocol),
		Scope: fmt.Sprint(r.Scope), PrefSrc: gateway(r.Source), TOS: fmt.Sprint(r.TOS), Metric: r.Priority,
	}
	if r.Dst.Bits() == 0 {
		i.Dst = "default"
	}
	i.Metrics = append(i.Metrics, struct{ MTU, AdvMSS uint32 }{r.MTU, r.AdvMSS})
	for _, h := range r.Hops {
		i.NextHops = append(i.NextHops, ipRoute{Gateway: gateway(h.Gateway), Dev: name[h.Link]})
	}
	if r.Flags&unix.RTNH_F_ONLINK != 0 {
		i.Flags = append(i.Flags, "onlink")
	}
	return i.String()
}

func every(*rtnetlink.Route) bool { return true }

// ipRoutes are all that iproute2 shows of a family, and ours all that we list.
func ipRoutes(t *testing.T, family uint8) (all []string) {
	t.Helper()
	option := map[uint8]string{unix.AF_INET: "-4", unix.AF_INET6: "-6"}[family]
	for _, r := range shown[ipRoute](t, "ip -j -d -N "+option+" route show table all") {
		all = append(all, r.String())
	}
	sort.Strings(all)
	return all
}

func ours(t *testing.T, c *rtnetlink.Conn, family uint8) (all []string) {
	t.Helper()
	name := names(t, c)
	routes, err := c.Routes(family, every)
	require.NoError(t, err)
	for _, r := range routes {
		all = append(all, asIP(r, name))
	}
	sort.Strings(all)
	return all
}

func TestRoutesAsIPShowsThem(t *testing.T) {
	c := surroundings(t)
	for family, count := range map[uint8]int{unix.AF_INET: 17, unix.AF_INET6: 6} {
		want := ipRoutes(t, family)
		require.GreaterOrEqual(t, len(want), count)
		assert.Equal(t, want, ours(t, c, family))
	}
	ip(t, "ip route add 172.16.0.0/12 encap ip id 5 dst 192.0.2.77 via 192.0.2.1 dev w")
	changed, err := c.Routes(unix.AF_INET, func(r *rtnetlink.Route) bool { return r.Changed })
	require.NoError(t, err)
	require.Len(t, changed, 1)
	assert.Equal(t, netip.MustParsePrefix("172.16.0.0/12"), changed[0].Dst)
}

func TestRouteToAsIPGetsIt(t *testing.T) {
	c := surroundings(t)
	name := names(t, c)
	w, err := c.LinkByName("w")
	require.NoError(t, err)
	ip(t, "ip rule add to 198.51.101.0/24 table 77")
	for _, tc := range []struct {
		get, to string
		query   rtnetlink.RouteQuery
	}{
		{"203.0.114.9", "203.0.114.9", rtnetlink.RouteQuery{}},
		{"8.8.8.8", "8.8.8.8", rtnetlink.RouteQuery{}},
		{"8.8.8.8 from 10.9.0.1", "8.8.8.8", rtnetlink.RouteQuery{Source: netip.MustParseAddr("10.9.0.1")}},
		{"8.8.8.8 oif w", "8.8.8.8", rtnetlink.RouteQuery{Link: w.Index}},
		{"fibmatch 8.8.8.8", "8.8.8.8", rtnetlink.RouteQuery{Match: true}},
		{"fibmatch 198.51.101.9", "198.51.101.9", rtnetlink.RouteQuery{Match: true}},
		{"192.0.2.10", "192.0.2.10", rtnetlink.RouteQuery{}},
		{"2001:db8::9", "2001:db8::9", rtnetlink.RouteQuery{}},
	} {
		got, err := c.RouteTo(netip.MustParseAddr(tc.to), tc.query)
		require.NoError(t, err, tc.get)
		want := shown[ipRoute](t, "ip -j -d -N route get "+tc.get)
		require.Len(t, want, 1)
		assert.Equal(t, want[0].String(), asIP(got, name), tc.get)
	}
	_, err = c.RouteTo(netip.MustParseAddr("203.0.113.1"), rtnetlink.RouteQuery{})
	assert.ErrorIs(t, err, unix.EINVAL, "it goes into a black hole")
	_, err = c.RouteTo(netip.MustParseAddr("203.0.113.1"), rtnetlink.RouteQuery{Link: 9999})
	assert.ErrorIs(t, err, unix.ENODEV)
}

func TestNeighboursAsIPShowsThem(t *testing.T) {
	c := surroundings(t)
	w, err := c.LinkByName("w")
	require.NoError(t, err)
	ip(t, "ip neigh add 192.0.2.1 lladdr 02:00:00:00:00:01 dev w nud permanent")
	ip(t, "ip neigh add 192.0.2.2 lladdr 02:00:00:00:00:02 dev w nud stale")
	ip(t, "ip neigh add 192.0.2.3 lladdr 02:00:00:00:00:03 dev x nud permanent")
	ip(t, "ip -6 neigh add 2001:db8::1 lladdr 02:00:00:00:00:04 dev w nud permanent")
	state := map[uint16]string{unix.NUD_PERMANENT: "PERMANENT", unix.NUD_STALE: "STALE"}
	for option, family := range map[string]uint8{"-4": unix.AF_INET, "-6": unix.AF_INET6} {
		var got, want []string
		for _, n := range shown[struct {
			Dst, LLAddr string
			State       []string
		}](t, "ip -j "+option+" neigh show dev w") {
			want = append(want, fmt.Sprintln(n.Dst, n.LLAddr, n.State))
		}
		list, err := c.Neighbours(w.Index, family)
		require.NoError(t, err)
		for _, n := range list {
			if known := state[n.State]; known != "" { // the kernel has some of multicast besides
				got = append(got, fmt.Sprintln(n.Address, n.HardwareAddress, []string{known}))
			}
		}
		require.NotEmpty(t, want)
		assert.ElementsMatch(t, want, got)
	}
}

func TestRulesAsIPShowsThem(t *testing.T) {
	c := surroundings(t)
	ip(t, "ip rule add fwmark 0x5/0xff table 77 priority 100")
	ip(t, "ip rule add fwmark 0/0xf0 table 77 priority 101")
	ip(t, "ip rule add ipproto udp table 77 priority 102")
	ip(t, "ip rule add to 198.51.100.0/24 table 77 priority 103")
	var got, want []string
	for _, r := range shown[struct {
		Priority                uint32
		FWMark, FWMask, IPProto string
	}](t, "ip -j -N rule") {
		mark, _ := strconv.ParseUint(r.FWMark, 0, 32)
		mask, _ := strconv.ParseUint(r.FWMask, 0, 32)
		if mark != 0 && mask == 0 {
			mask = 1<<32 - 1
		}
		protocol, _ := strconv.Atoi(strings.TrimPrefix(r.IPProto, "ipproto-"))
		want = append(want, fmt.Sprintln(r.Priority, mark, mask, protocol))
	}
	list, err := c.Rules(unix.AF_INET)
	require.NoError(t, err)
	for _, r := range list {
		got = append(got, fmt.Sprintln(r.Priority, r.Mark, r.Mask, r.Protocol))
	}
	require.Len(t, want, 7)
	assert.Equal(t, want, got)
}

func TestDisciplinesAsTCShowsThem(t *testing.T) {
	c := surroundings(t)
	w, err := c.LinkByName("w")
	require.NoError(t, err)
	ip(t, "tc qdisc add dev w root tbf rate 8kbit burst 1600 limit 1600")
	ip(t, "tc qdisc add dev w clsact")
	ip(t, "ip neigh replace 192.0.2.1 lladdr 02:00:00:00:00:01 dev w nud permanent")
	for range 10 { // more than the bucket and the queue hold
		_ = exec.Command("ping", "-c", "1", "-W", "0.01", "-s", "1000", "192.0.2.1").Run()
	}
	// It is the only one that counts with nothing on its way any more.
	ip(t, "ip link set w down")
	var want []rtnetlink.Discipline
	for _, d := range shown[struct {
		Kind  string
		Drops uint32
	}](t, "tc -j -s qdisc show dev w") {
		want = append(want, rtnetlink.Discipline{Link: w.Index, Kind: d.Kind, Dropped: d.Drops})
	}
	got, err := c.Disciplines(w.Index)
	require.NoError(t, err)
	assert.Equal(t, want, got)
	require.Len(t, got, 2)
	assert.NotZero(t, got[0].Dropped)
	has, err := c.HasEgressFilters(w.Index)
	require.NoError(t, err)
	assert.False(t, has)
}

func TestPoliciesAsIPShowsThem(t *testing.T) {
	labtest.Enter(t)
	for _, policy := range []string{
		"src 10.0.0.0/8 dst 192.0.2.0/24 proto gre dir out", "src 0.0.0.0/0 dst 198.51.100.7/32 dir in",
		"src 2001:db8::/32 dst ::/0 proto udp dir out",
	} {
		ip(t, "ip xfrm policy add "+policy)
	}
	x, err := rtnetlink.OpenXFRM()
	require.NoError(t, err)
	defer x.Close()
	got, err := x.Policies(unix.AF_INET)
	require.NoError(t, err)
	assert.ElementsMatch(t, []rtnetlink.Policy{
		{Src: netip.MustParsePrefix("10.0.0.0/8"), Dst: netip.MustParsePrefix("192.0.2.0/24"), Protocol: unix.IPPROTO_GRE, Direction: rtnetlink.PolicyOut},
		{Src: netip.MustParsePrefix("0.0.0.0/0"), Dst: netip.MustParsePrefix("198.51.100.7/32")},
	}, got)
	got, err = x.Policies(unix.AF_INET6)
	require.NoError(t, err)
	assert.Equal(t, []rtnetlink.Policy{
		{Src: netip.MustParsePrefix("2001:db8::/32"), Dst: netip.MustParsePrefix("::/0"), Protocol: unix.IPPROTO_UDP, Direction: rtnetlink.PolicyOut},
	}, got)
}
