package serverroute

import (
	"fmt"
	"log/slog"
	"net/netip"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/arc4tun/arc4tun/internal/claim"
	"github.com/arc4tun/arc4tun/internal/lab/labtest"
)

// diverting is a follower that marks, and whose tunnel takes everything.
func diverting(t *testing.T, o Options) *Follower {
	t.Helper()
	o.Log, o.Marked, o.Everything = slog.New(slog.DiscardHandler), true, true
	f, err := open(o, time.Hour)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, f.Close()) })
	return f
}

// everythingInto gives a follower's table its default route.
func everythingInto(t *testing.T, f *Follower, device int) {
	t.Helper()
	require.NoError(t, netlink.RouteAdd(&netlink.Route{Dst: ipNet("0.0.0.0/0"), LinkIndex: device, Scope: unix.RT_SCOPE_LINK, Table: int(f.Table()), Protocol: Protocol}))
}

// ipRule is what iproute2 shows.
func ipRule(t *testing.T) string {
	t.Helper()
	out, err := exec.Command("ip", "rule").CombinedOutput()
	require.NoError(t, err, "%s", out)
	more, err := exec.Command("ip", "-6", "rule").CombinedOutput()
	require.NoError(t, err, "%s", more)
	return string(out) + string(more)
}

// TestDivert: everything goes into the tunnel but what has a narrower route, what is marked and
// what goes to the server, whatever becomes of gateways and links, without a host route; in the
// end all is as before.
func TestDivert(t *testing.T) {
	labtest.Enter(t)
	first := network(t, "up0", "192.0.2.10/24")
	network(t, "up1", "192.0.3.10/24")
	old := route(t, "0.0.0.0/0", "192.0.2.1", 100)
	route(t, "10.0.0.0/8", "192.0.2.5", 0)
	before := ipRule(t)
	device := tunnelDevice(t)
	f := diverting(t, Options{})
	require.NoError(t, f.Lead(serverAddr, device, nil))
	require.NoError(t, f.Divert(unix.AF_INET, unix.AF_INET6))
	require.NoError(t, f.Divert(unix.AF_INET, unix.AF_INET6), "once is enough")
	require.Equal(t, "up0 192.0.2.1", reach(t, "8.8.8.8"), "the table is empty yet")
	everythingInto(t, f, device)
	require.Empty(t, hostRoutes(t))
	assert.Equal(t, "t0", reach(t, "8.8.8.8"))
	assert.Equal(t, "up0 192.0.2.5", reach(t, "10.1.2.3"))
	assert.Equal(t, "up0", reach(t, "192.0.2.77"))
	path := func() string { return reach(t, server) }
	assert.Equal(t, "up0 192.0.2.1", path())
	table := f.Table()
	assert.Equal(t, fmt.Sprintf("32763:\tfrom all to %s lookup main proto 164\n32764:\tfrom all lookup main suppress_prefixlength 0 proto 164\n32765:\tnot from all fwmark %#x lookup %d proto 164", server, table, table),
		lines(t, ipRule(t), 2, 4))
	found, err := f.ask(netip.MustParseAddr("8.8.8.8"))
	require.NoError(t, err)
	assert.Equal(t, first.Attrs().Index, found.Link, "what is marked")

	better := route(t, "0.0.0.0/0", "192.0.3.1", 50)
	eventually(t, "up1 192.0.3.1", path)
	eventually(t, "up1", func() string { return f.Status().Device })
	require.NoError(t, netlink.RouteDel(better))
	require.NoError(t, netlink.LinkSetDown(first))
	eventually(t, errNoRoute.Error(), func() string { return f.Status().Missing })
	require.NoError(t, netlink.LinkSetUp(first))
	require.NoError(t, netlink.RouteAdd(old))
	eventually(t, "up0", func() string { return f.Status().Device })
	assert.Equal(t, "up0 192.0.2.1", path())

	next := netip.MustParseAddr("198.51.100.9")
	require.NoError(t, f.Lead(next, device, nil))
	assert.Contains(t, ipRule(t), "to 198.51.100.9 lookup main")
	assert.NotContains(t, ipRule(t), server)

	all := ipRule(t)
	for _, command := range []string{"ip rule del priority 32763", "ip rule del priority 32764", "ip -6 rule del priority 32765"} {
		words := strings.Fields(command)
		out, err := exec.Command(words[0], words[1:]...).CombinedOutput()
		require.NoError(t, err, "%s", out)
		eventually(t, all, func() string { return ipRule(t) }) // somebody tidied up
	}
	require.NoError(t, f.Release())
	assert.Equal(t, before, ipRule(t))
}

func lines(t *testing.T, text string, from, to int) string {
	t.Helper()
	all := strings.Split(text, "\n")
	require.Greater(t, len(all), to)
	return strings.Join(all[from-1:to], "\n")
}

// TestDivertBesideOthers: rules of the user stay before ours; another tunnel of this program that
// takes everything is not taken from; rules of another program that do so carry nothing of ours.
func TestDivertBesideOthers(t *testing.T) {
	labtest.Enter(t)
	network(t, "up0", "192.0.2.10/24")
	route(t, "0.0.0.0/0", "192.0.2.1", 0)
	network(t, "wg0", "10.7.0.2/32")
	ip := func(command string) {
		words := strings.Fields(command)
		out, err := exec.Command(words[0], words[1:]...).CombinedOutput()
		require.NoError(t, err, "%s: %s", command, out)
	}
	ip("ip route add default dev wg0 table 51820")
	ip("ip rule add not fwmark 51820 table 51820")
	ip("ip rule add table main suppress_prefixlength 0")
	ip("ip rule add to 203.0.113.0/24 table 51820 priority 100")
	before := ipRule(t)
	device := tunnelDevice(t)
	f := diverting(t, Options{})
	require.NoError(t, f.Lead(serverAddr, device, nil))
	require.NoError(t, f.Divert(unix.AF_INET))
	everythingInto(t, f, device)
	assert.Equal(t, "t0", reach(t, "8.8.8.8"), "the last one takes it")
	assert.Equal(t, "wg0", reach(t, "203.0.113.1"), "the user's rule")
	assert.Equal(t, "up0", f.Status().Device, "not by what would be carried by us")
	name, err := f.deviceTo(netip.MustParseAddr("8.8.4.4"))
	require.NoError(t, err)
	assert.Equal(t, "up0", name)

	second := diverting(t, Options{})
	require.ErrorContains(t, second.Divert(unix.AF_INET), "another tunnel of this program takes in everything (ip rule, priority 3276")
	require.NoError(t, f.Undivert())
	assert.Equal(t, before, ipRule(t))
	require.NoError(t, second.Divert(unix.AF_INET))
	require.NoError(t, second.Undivert())
	assert.Equal(t, before, ipRule(t))
}

// TestBoundToAnInterface: what carries the tunnel leaves by the interface that was asked for, and
// by no other when that has no way.
func TestBoundToAnInterface(t *testing.T) {
	labtest.Enter(t)
	network(t, "up0", "192.0.2.10/24")
	route(t, "0.0.0.0/0", "192.0.2.1", 0)
	f := diverting(t, Options{Interface: "up1"})
	require.ErrorContains(t, f.aim(serverAddr), "the interface up1 that has to carry the tunnel is not there")
	_, err := f.deviceTo(serverAddr)
	require.Error(t, err)
	network(t, "up1", "192.0.3.10/24")
	eventually(t, "no route leads there by up1, which has to carry the tunnel", func() string { return f.Status().Missing })
	slow := route(t, "0.0.0.0/0", "192.0.3.1", 500)
	eventually(t, "up1 192.0.3.1 192.0.3.10", func() string {
		s := f.Status()
		return s.Device + " " + s.Gateway + " " + s.Source
	})
	name, err := f.deviceTo(netip.MustParseAddr("8.8.8.8"))
	require.NoError(t, err)
	assert.Equal(t, "up1", name)
	require.NoError(t, netlink.RouteDel(slow))
	eventually(t, "no route leads there by up1, which has to carry the tunnel", func() string { return f.Status().Missing })
}

// TestLeftoverRules: those of a process that is no more go, with what belongs to them; those of a
// live one and those of others stay.
func TestLeftoverRules(t *testing.T) {
	labtest.Enter(t)
	network(t, "up0", "192.0.2.10/24")
	route(t, "0.0.0.0/0", "192.0.2.1", 0)
	ip := func(command string) {
		words := strings.Fields(command)
		out, err := exec.Command(words[0], words[1:]...).CombinedOutput()
		require.NoError(t, err, "%s: %s", command, out)
	}
	ip("ip rule add table main suppress_prefixlength 0 priority 5000")
	ip("ip rule add to 203.0.113.7 table main priority 5001")
	ip("ip rule add not fwmark 5 table 5 proto 164 priority 5002")
	live := diverting(t, Options{})
	require.NoError(t, live.Lead(serverAddr, tunnelDevice(t), nil))
	require.NoError(t, live.Divert(unix.AF_INET, unix.AF_INET6))
	before := ipRule(t)
	dead := uint32(claim.First)
	for claim.Held(dead) {
		dead++
	}
	for _, command := range []string{
		"ip rule add to 198.51.100.8 table main proto 164 priority 6000",
		"ip rule add table main suppress_prefixlength 0 proto 164 priority 6001",
		fmt.Sprintf("ip rule add not fwmark %d table %d proto 164 priority 6002", dead, dead),
		fmt.Sprintf("ip -6 rule add not fwmark %d table %d proto 164 priority 6002", dead, dead),
		"ip -6 rule add table main suppress_prefixlength 0 proto 164 priority 6001",
		"ip rule add table main suppress_prefixlength 0 proto 164 priority 7001", // what it belonged to is gone
		fmt.Sprintf("ip route add throw 10.0.0.0/8 table %d proto 164 metric %d", dead, dead),
	} {
		ip(command)
	}
	require.NotEqual(t, before, ipRule(t))
	require.NoError(t, Sweep(slog.New(slog.DiscardHandler)))
	assert.Equal(t, before, ipRule(t))
	out, err := exec.Command("ip", "route", "show", "table", fmt.Sprint(dead)).CombinedOutput()
	assert.Empty(t, strings.TrimSpace(string(out)), "%v", err)
}

// TestDivertWithoutRules: where the kernel has none, nothing changes, and the caller hears which it
// is, for the main table has to do then.
func TestDivertWithoutRules(t *testing.T) {
	labtest.Enter(t)
	network(t, "up0", "192.0.2.10/24")
	before := ipRule(t)
	f := diverting(t, Options{})
	require.ErrorIs(t, f.Divert(unix.AF_INET, unix.AF_DECnet), ErrNoRules, "a family without any")
	assert.Equal(t, before, ipRule(t))
	require.NoError(t, f.Divert(unix.AF_INET))
	require.NoError(t, f.Undivert())
	assert.Equal(t, before, ipRule(t))
}
