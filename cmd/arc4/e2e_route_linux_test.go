package main

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/arc4tun/arc4tun/cmd/arc4/internal/exit"
)

// run1 runs a program on a machine and gives what it writes.
func (m *machine) run1(t *testing.T, command string) string {
	t.Helper()
	words := strings.Fields(command)
	var out []byte
	m.Must(t, func() (err error) {
		if out, err = exec.Command(words[0], words[1:]...).CombinedOutput(); err != nil {
			err = fmt.Errorf("%s: %w: %s", command, err, out)
		}
		return err
	})
	return string(out)
}

// routing is all that iproute2 shows of a machine's addresses, routes and rules.
func (m *machine) routing(t *testing.T) string {
	t.Helper()
	var all []string
	for _, command := range []string{"ip rule", "ip -6 rule", "ip route show table all", "ip -6 route show table all", "ip addr"} {
		all = append(all, command, m.run1(t, command))
	}
	return strings.Join(all, "\n")
}

// newRouteTestbed is a testbed where the client has a wide network of its own besides the default
// route.
func newRouteTestbed(t *testing.T) *testbed {
	t.Helper()
	l := newTestbed(t)
	l.client.run1(t, "ip route add 172.16.0.0/12 via "+serverOuter)
	l.serve(t, "--listen", serverFar, "--ipv6")
	return l
}

// TestE2ERoutesArePutBack: whatever the routes are and whatever ends the client, routes and rules
// are byte for byte what they were: after a signal, after kill -9 and the next run, and after kill
// -9 and what `arc4 down` does.
func TestE2ERoutesArePutBack(t *testing.T) {
	for name, args := range map[string][]string{
		"policy rules":      {"--default-route"},
		"both families":     {"--default-route", "--ipv6", "--route", "::/0", "--exclude-route", "2001:db8:7::/48"},
		"excluded networks": {"--default-route", "--exclude-route", "198.51.100.0/24", "--route", "10.0.0.0/8", "--exclude-route", "10.1.0.0/16"},
		"halves":            {"--default-route", "--table", "main", "--exclude-route", "198.51.100.0/24"},
		"a table":           {"--default-route", "--table", "1234", "--route", "10.0.0.0/8", "--exclude-route", "198.51.100.0/24", "--metric", "77"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newRouteTestbed(t)
			before := l.client.routing(t)
			l.connectTo(t, serverFar, "wonderland", args...).up(t).stop(t, syscall.SIGTERM)
			assert.Equal(t, before, l.client.routing(t), "after SIGTERM")

			l.connectTo(t, serverFar, "wonderland", args...).up(t).killed(t)
			l.connectTo(t, serverFar, "wonderland", args...).up(t).stop(t, syscall.SIGTERM)
			assert.Equal(t, before, l.client.routing(t), "after kill -9 and the next run")

			l.connectTo(t, serverFar, "wonderland", args...).up(t).killed(t)
			live := l.connectTo(t, serverFar, "wonderland", args...).up(t)
			with := l.client.routing(t)
			l.client.Must(t, func() error { removeLeftovers(slog.New(slog.DiscardHandler)); return nil })
			assert.Equal(t, with, l.client.routing(t), "nothing is taken from a process that lives")
			live.killed(t)
			l.client.Must(t, func() error { removeLeftovers(slog.New(slog.DiscardHandler)); return nil })
			assert.Equal(t, before, l.client.routing(t), "after kill -9 and arc4 down")
		})
	}
}

// TestE2EExcludedNetworks: what is excluded goes its old way, whichever way the rest goes into the
// tunnel, and follows when that changes.
func TestE2EExcludedNetworks(t *testing.T) {
	for name, args := range map[string][]string{
		"policy rules": {"--default-route"},
		"halves":       {"--default-route", "--table", "main"},
		"no default":   {"--route", "198.51.0.0/16", "--route", "172.16.5.0/24", "--route", "8.0.0.0/6"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newRouteTestbed(t)
			l.addGateway(t)
			client := l.connectTo(t, serverFar, "wonderland", append(args, "--exclude-route", "198.51.101.0/24", "--exclude-route", "172.16.5.9", "--exclude-route", "9.9.9.0/24")...).up(t)
			way := func(to string) string {
				device, gateway := l.client.way(t, to)
				return strings.TrimSpace(device + " " + gateway)
			}
			assert.Equal(t, "arc40", way(serverInner))
			l.client.ping(t, serverInner, 1400)
			assert.Equal(t, "wire "+serverOuter, way("198.51.101.7"))
			assert.Equal(t, "wire "+serverOuter, way("172.16.5.9"))
			assert.Equal(t, "arc40", way("8.8.8.8"))
			assert.Equal(t, "wire "+serverOuter, way("9.9.9.9"))
			assert.Equal(t, "wire "+serverOuter, way("172.31.0.1"), "what has a narrower route")
			l.client.Must(t, func() error { return netlink.RouteReplace(defaultBy(otherGateway, 0)) })
			assert.Equal(t, "wire "+otherGateway, way("198.51.101.7"))
			client.stop(t, syscall.SIGTERM)
		})
	}
}

// TestE2ERulesOfTheUser: a table and a mark are for the user's own rules, and the tunnel survives
// the loss of its link with them, too.
func TestE2ERulesOfTheUser(t *testing.T) {
	t.Parallel()
	l := newRouteTestbed(t)
	for _, command := range []string{"ip rule add not fwmark 0x77 table 1234", "ip rule add table main suppress_prefixlength 0"} {
		l.client.run1(t, command)
	}
	rules := l.client.run1(t, "ip rule")
	client := l.connectTo(t, serverFar, "wonderland", "--default-route", "--table", "1234", "--fwmark", "0x77", "--metric", "9", "--reconnect").up(t)
	assert.Equal(t, rules, l.client.run1(t, "ip rule"), "no rule of ours")
	assert.Contains(t, l.client.run1(t, "ip route show table 1234"), "default dev arc40 proto 164 scope link metric 9")
	l.client.ping(t, serverInner, 1400)
	l.noHostRoute(t)
	l.trickle(t)
	start := l.spends(t, client)
	l.flap(t)
	l.back(t)
	end := l.spends(t, client)
	assert.LessOrEqual(t, end.packets-start.packets, mostPackets(end.when.Sub(start.when)))
	assert.Zero(t, l.clientStatus(t).Refused["ip_loop"])
	client.stop(t, syscall.SIGTERM)
	assert.Equal(t, rules, l.client.run1(t, "ip rule"))

	off := l.connectTo(t, serverFar, "wonderland", "--default-route", "--table", "off").up(t)
	device, _ := l.client.way(t, serverInner)
	assert.Equal(t, "wire", device, "no route is set")
	off.stop(t, syscall.SIGTERM)
}

// TestE2EBoundInterface: the tunnel is carried by the interface that was asked for, and by no other
// when that is down.
func TestE2EBoundInterface(t *testing.T) {
	t.Parallel()
	l := newRouteTestbed(t)
	l.addCable(t)
	l.addDefault(t, otherServer, 500)
	client := l.connectTo(t, serverFar, "wonderland", "--default-route", "--reconnect", "--bind-interface", "wire2", "--echo-interval", "1s").up(t)
	l.client.ping(t, serverInner, 1400)
	assert.Equal(t, "wire2", l.clientStatus(t).Way.Device)
	carried := func() uint64 {
		return l.client.device(t, "wire").Statistics.TxPackets
	}
	before := carried()
	l.trickle(t)
	l.client.ping(t, serverInner, 1400)
	l.linkDown(t, "wire2")
	waitFor(t, "the tunnel to say that there is no way", func() error {
		if why := l.clientStatus(t).Way.Missing; !strings.Contains(why, "by wire2, which has to carry the tunnel") {
			return fmt.Errorf("it says %q", why)
		}
		return nil
	})
	client.waitLog(t, "trying again", 1)
	l.linkUp(t, "wire2")
	l.addDefault(t, otherServer, 500)
	client.waitLog(t, "tunnel is up", 2)
	l.back(t)
	assert.LessOrEqual(t, carried()-before, uint64(10), "ARP and the like, and nothing of the tunnel")
	client.stop(t, syscall.SIGTERM)

	missing := l.connectTo(t, serverFar, "wonderland", "--bind-interface", "absent0")
	assert.Contains(t, missing.fails(t, exit.Network), "the interface absent0 that has to carry the tunnel is not there")
}

// TestE2EStrictSourceCheck: where the kernel drops what comes by another interface than answers
// would leave by, the server's packets still come in, and no setting is changed for it.
func TestE2EStrictSourceCheck(t *testing.T) {
	t.Parallel()
	l := newTestbed(t)
	l.client.Must(t, func() error {
		return errors.Join(os.WriteFile("/proc/sys/net/ipv4/conf/all/rp_filter", []byte("1"), 0o644), os.WriteFile("/proc/sys/net/ipv4/conf/wire/rp_filter", []byte("1"), 0o644))
	})
	before := l.client.snapshot(t)
	l.serve(t, "--listen", serverFar)
	client := l.connectTo(t, serverFar, "wonderland", "--default-route").up(t)
	l.client.ping(t, serverInner, 1400)
	exchange(t, l.client, l.server, serverInner, 1<<20)
	client.stop(t, syscall.SIGTERM)
	assert.Equal(t, before, l.client.snapshot(t))
}

// TestE2EBesideOtherTunnels: where another program takes everything by rules, as wg-quick does, the
// tunnel that came last has it, and neither carries the other in a circle; a second one of this
// program is refused.
func TestE2EBesideOtherTunnels(t *testing.T) {
	t.Parallel()
	l := newTestbed(t)
	l.serve(t, "--listen", serverFar)
	l.client.run1(t, "ip link add wg0 type veth peer name wg0x")
	for _, end := range []string{"wg0", "wg0x"} {
		l.client.run1(t, "ip link set "+end+" addrgenmode none") // an address would come in its own time
	}
	l.client.run1(t, "ip addr add 10.7.0.2/32 dev wg0")
	l.client.run1(t, "ip link set wg0x up")
	l.client.run1(t, "ip link set wg0 up")
	l.client.run1(t, "ip route add default dev wg0 table 51820")
	wgQuick := func(do string) {
		l.client.run1(t, "ip rule "+do+" not fwmark 51820 table 51820")
		l.client.run1(t, "ip rule "+do+" table main suppress_prefixlength 0")
	}
	wgQuick("add")
	before := l.client.routing(t)
	client := l.connectTo(t, serverFar, "wonderland", "--default-route", "--reconnect").up(t)
	l.client.ping(t, serverInner, 1400)
	assert.Equal(t, "wire", l.clientStatus(t).Way.Device)
	second := l.connectTo(t, serverFar, "wonderland", "--default-route", "--status-socket", "none")
	assert.Contains(t, second.fails(t, exit.Failure), "another tunnel of this program takes in everything")
	client.stop(t, syscall.SIGTERM)
	assert.Equal(t, before, l.client.routing(t))

	wgQuick("del")
	client = l.connectTo(t, serverFar, "wonderland", "--default-route", "--reconnect").up(t)
	ours := l.client.run1(t, "ip rule")
	wgQuick("add")
	device, _ := l.client.way(t, "8.8.8.8")
	assert.Equal(t, "wg0", device)
	// What wg-quick's tunnel sends itself is marked.
	assert.Contains(t, l.client.run1(t, "ip route get 8.8.8.8 mark 51820"), "dev arc40")
	l.client.pingWith(t, net.ListenConfig{Control: func(_, _ string, raw syscall.RawConn) error {
		var marked error
		err := raw.Control(func(fd uintptr) { marked = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_MARK, 51820) })
		return errors.Join(err, marked)
	}}, serverInner, 84)
	assert.Equal(t, "wire", l.clientStatus(t).Way.Device)
	wgQuick("del")
	assert.Equal(t, ours, l.client.run1(t, "ip rule"))
	l.client.ping(t, serverInner, 1400)
	client.stop(t, syscall.SIGTERM)
	require.NotContains(t, l.client.run1(t, "ip rule"), "proto 164")
}
