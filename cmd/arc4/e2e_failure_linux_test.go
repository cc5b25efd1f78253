package main

import (
	"net"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/arc4tun/arc4tun/cmd/arc4/internal/exit"
)

// TestE2EReconnect kills the server under a client that is to come back, and which keeps its device
// and routes meanwhile: nothing leaves by another way.
func TestE2EReconnect(t *testing.T) {
	t.Parallel()
	l := newTestbed(t)
	before := l.client.snapshot(t)
	server := l.serve(t)
	client := l.connect(t, "--reconnect", "--route", "198.51.100.0/24").up(t)
	connected := l.client.snapshot(t)

	server.signal(t, syscall.SIGKILL)
	server.wait(t)
	client.waitLog(t, "tunnel is down; trying again", 1)
	assert.Equal(t, connected, l.client.snapshot(t), "the device has not been kept as it was")
	device, _ := l.client.way(t, serverInner)
	assert.Equal(t, "arc40", device)

	server = l.serve(t)
	client.waitLog(t, "tunnel is up", 2)
	assert.Equal(t, connected, l.client.snapshot(t), "the device has not been kept as it was")
	l.client.ping(t, serverInner, 1400)
	exchange(t, l.client, l.server, tunnelLocal, 1<<20)
	s := l.client.status(t)
	assert.Equal(t, uint64(2), s.Totals.Sessions)

	// A server that goes in order is waited for too, and a signal ends the waiting.
	server.stop(t, syscall.SIGTERM)
	client.waitLog(t, "tunnel is down; trying again", 2)
	client.stop(t, syscall.SIGTERM)
	assert.Equal(t, before, l.client.snapshot(t))
}

// TestE2EDeviceDeleted takes the TUN device away from under a client, which makes another if it is
// to come back.
func TestE2EDeviceDeleted(t *testing.T) {
	t.Parallel()
	l := newTestbed(t)
	before := l.client.snapshot(t)
	l.serve(t)
	client := l.connect(t, "--reconnect").up(t)
	l.client.Must(t, func() error {
		link, err := netlink.LinkByName("arc40")
		if err != nil {
			return err
		}
		return netlink.LinkDel(link)
	})
	client.waitLog(t, "tunnel is up", 2)
	l.client.ping(t, tunnelLocal, 1400)
	client.stop(t, syscall.SIGTERM)
	assert.Equal(t, before, l.client.snapshot(t))
}

// TestE2EReconnectRefused does not try a refused password again, which could lock an account.
func TestE2EReconnectRefused(t *testing.T) {
	t.Parallel()
	l := newTestbed(t)
	l.serve(t)
	client := l.connectTo(t, serverOuter, "looking-glass", "--reconnect")
	assert.Contains(t, client.fails(t, exit.Auth), "691")
	assert.NotContains(t, client.stderr.String(), "trying again")
}

// TestE2EServerStops ends the server in order under a client, which says so and goes.
func TestE2EServerStops(t *testing.T) {
	t.Parallel()
	l := newTestbed(t)
	clientBefore, serverBefore := l.client.snapshot(t), l.server.snapshot(t)
	server := l.serve(t)
	client := l.connect(t).up(t)
	server.stop(t, syscall.SIGTERM)
	assert.Regexp(t, "shutting down|ended the call", client.fails(t, exit.Network))
	assert.Equal(t, clientBefore, l.client.snapshot(t))
	assert.Equal(t, serverBefore, l.server.snapshot(t))
}

// TestE2ESilence has peers that say nothing any more, or never did. Each takes its time to notice,
// up to half a minute, all at once and while other tests run.
func TestE2ESilence(t *testing.T) {
	// GRE is dropped on its way to the server, as a router without PPTP's helper does; TCP passes.
	blocked := newTestbed(t)
	blocked.dropGRE(t)
	// And nothing at all comes from this address: the server's machine does not forward.
	blocked.client.Must(t, func() error {
		return netlink.RouteAdd(&netlink.Route{Dst: prefix("198.18.0.0/24"), Gw: net.ParseIP(serverOuter)})
	})
	blockedBefore := blocked.client.snapshot(t)
	blocked.serve(t)
	noGRE := blocked.connect(t)
	noServer := blocked.connectTo(t, "198.18.0.1", "wonderland", "--status-socket", "none")

	deadServer := newTestbed(t)
	deadServerBefore := deadServer.client.snapshot(t)
	stoppedServer := deadServer.serve(t)
	forsaken := deadServer.connect(t, "--echo-interval", "1s").up(t)
	stoppedServer.signal(t, syscall.SIGSTOP)

	deadClient := newTestbed(t)
	deadClientBefore := deadClient.client.snapshot(t)
	left := deadClient.serve(t, "--echo-interval", "1s")
	stoppedClient := deadClient.connect(t).up(t)
	stoppedClient.signal(t, syscall.SIGSTOP)
	t.Parallel()

	assert.Contains(t, forsaken.fails(t, exit.Network), "echo")
	assert.Equal(t, deadServerBefore, deadServer.client.snapshot(t))
	stoppedServer.signal(t, syscall.SIGCONT)
	deadServer.server.noSessions(t)

	deadClient.server.noSessions(t)
	assert.Contains(t, left.stderr.String(), "session ended")
	stoppedClient.signal(t, syscall.SIGCONT)
	stoppedClient.fails(t, exit.Network)
	assert.Equal(t, deadClientBefore, deadClient.client.snapshot(t))

	noGRE.waitLog(t, "no GRE packet has come.*blocked", 1)
	assert.Contains(t, noServer.fails(t, exit.Network), "198.18.0.1:1723 does not answer on TCP within 15s")
	last := noGRE.fails(t, exit.Network)
	assert.Contains(t, last, "GRE (IP protocol 47) is blocked on the way")
	assert.Equal(t, blockedBefore, blocked.client.snapshot(t))
	blocked.server.noSessions(t)
}

// dropGRE has the server's machine drop GRE before it looks whom it is for.
func (l *testbed) dropGRE(t *testing.T) {
	t.Helper()
	rule := func(priority int) *netlink.Rule {
		r := netlink.NewRule()
		r.Family, r.Priority = netlink.FAMILY_V4, priority
		return r
	}
	l.server.Must(t, func() error {
		local, drop := rule(100), rule(50)
		local.Table = unix.RT_TABLE_LOCAL
		drop.IPProto, drop.Type = unix.IPPROTO_GRE, unix.RTN_BLACKHOLE
		for _, r := range []*netlink.Rule{local, drop} {
			if err := netlink.RuleAdd(r); err != nil {
				return err
			}
		}
		first := rule(0) // the kernel's own look at what is local, before all others
		first.Table = unix.RT_TABLE_LOCAL
		return netlink.RuleDel(first)
	})
	rules := 0
	l.server.Must(t, func() error {
		all, err := netlink.RuleList(netlink.FAMILY_V4)
		rules = len(all)
		return err
	})
	require.Equal(t, 4, rules, "local, main, default and ours")
}
