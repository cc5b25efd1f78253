//go:build !nokillswitch

package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/arc4tun/arc4tun/cmd/arc4/internal/exit"
	"github.com/arc4tun/arc4tun/internal/lab/netns"
)

// neighbour hears every frame that comes out of a cable.
type neighbour struct {
	fd int
	mu sync.Mutex
	// by what they are
	seen map[string]int
}

// overhears listens at a machine's end of a cable.
func (m *machine) overhears(t *testing.T, device string) *neighbour {
	t.Helper()
	s := &neighbour{seen: make(map[string]int)}
	const all = unix.ETH_P_ALL<<8 | unix.ETH_P_ALL>>8
	m.Must(t, func() (err error) {
		link, err := net.InterfaceByName(device)
		if err != nil {
			return err
		}
		if s.fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, all); err != nil {
			return err
		}
		return errors.Join(
			unix.SetsockoptTimeval(s.fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Usec: 100_000}),
			unix.Bind(s.fd, &unix.SockaddrLinklayer{Protocol: all, Ifindex: link.Index}))
	})
	stop, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		defer unix.Close(s.fd)
		frame := make([]byte, 2000)
		for {
			select {
			case <-stop:
				return
			default:
			}
			n, from, err := unix.Recvfrom(s.fd, frame, 0)
			if link, ok := from.(*unix.SockaddrLinklayer); err == nil && ok && link.Pkttype != unix.PACKET_OUTGOING {
				s.note(kindOf(frame[:n]))
			}
		}
	}()
	t.Cleanup(func() { close(stop); <-ended })
	return s
}

func (s *neighbour) note(kind string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen[kind]++
}

// take gives what was seen since the last time.
func (s *neighbour) take() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	seen := s.seen
	s.seen = make(map[string]int)
	return seen
}

// kindOf says what a frame is: one of few words where it may leave, else from whom to whom.
func kindOf(frame []byte) string {
	if len(frame) < 14 {
		return "short"
	}
	packet := frame[14:]
	switch binary.BigEndian.Uint16(frame[12:]) {
	case unix.ETH_P_ARP:
		return "ARP"
	case unix.ETH_P_IP:
		to := netip.AddrFrom4([4]byte(packet[16:20]))
		transport := packet[int(packet[0]&15)*4:]
		switch port := binary.BigEndian.Uint16(transport[2:]); {
		case packet[9] == unix.IPPROTO_GRE && to.String() == serverFar:
			return "GRE"
		case packet[9] == unix.IPPROTO_TCP && to.String() == serverFar && port == 1723:
			return "control"
		case packet[9] == unix.IPPROTO_UDP && to.String() == nameFar && port == 53:
			return "look-up"
		}
		return fmt.Sprintf("IPv4 protocol %d to %s", packet[9], to)
	case unix.ETH_P_IPV6:
		to := netip.AddrFrom16([16]byte(packet[24:40]))
		if packet[6] == unix.IPPROTO_ICMPV6 && packet[40] >= 133 && packet[40] <= 136 {
			return "ND"
		}
		if packet[6] == 0 && packet[40] == unix.IPPROTO_ICMPV6 { // hop-by-hop options: listener reports
			return "MLD"
		}
		return fmt.Sprintf("IPv6 protocol %d to %s", packet[6], to)
	}
	return fmt.Sprintf("frame of type %#x", binary.BigEndian.Uint16(frame[12:]))
}

// forbidden are the kinds that may not leave with a kill switch.
func forbidden(seen map[string]int) (all []string) {
	for kind := range seen {
		switch kind {
		case "ARP", "ND", "MLD", "GRE", "control", "look-up", "IPv4 protocol 17 to " + excludedHost:
		default:
			all = append(all, kind)
		}
	}
	return all
}

const (
	excludedHost = "198.51.101.7"
	outsideHost  = "198.51.102.7" // nobody's, as far as anybody can tell
	outsideHost6 = "2001:db8:77::7"
	behindClient = "192.0.9.2" // a host behind the client
)

// chatter sends from a machine all the time, whatever becomes of it: to the neighbour, beyond it,
// and by IPv6.
func chatter(t *testing.T, m *machine, to ...string) {
	t.Helper()
	var sockets []net.PacketConn
	m.Must(t, func() error {
		for _, network := range []string{"udp4", "udp6"} {
			c, err := net.ListenPacket(network, ":0")
			if err != nil {
				return err
			}
			sockets = append(sockets, c)
		}
		return nil
	})
	stop, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			for _, host := range to {
				a := netip.MustParseAddr(host)
				c := sockets[0]
				if a.Is6() {
					c = sockets[1]
				}
				_, _ = c.WriteTo([]byte("leak"), net.UDPAddrFromAddrPort(netip.AddrPortFrom(a, 9)))
			}
			select {
			case <-stop:
				return
			case <-time.After(20 * time.Millisecond):
			}
		}
	}()
	t.Cleanup(func() {
		close(stop)
		<-ended
		for _, c := range sockets {
			c.Close()
		}
	})
}

// killSwitchTestbed has a client that talks to everybody, a host behind it that does, and a
// neighbour on its cable.
func killSwitchTestbed(t *testing.T) (*testbed, *neighbour) {
	t.Helper()
	l := newTestbed(t)
	inside := newMachine(t, "inside")
	require.NoError(t, netns.Join(
		netns.End{Host: inside.Host.Host, Name: "wire", Address: behindClient + "/24"},
		netns.End{Host: l.client.Host.Host, Name: "inside", Address: "192.0.9.1/24"}))
	inside.run1(t, "ip route add default via 192.0.9.1")
	l.client.run1(t, "sysctl -qw net.ipv4.ip_forward=1")
	l.server.run1(t, "ip route add 192.0.9.0/24 via "+clientOuter)
	l.client.run1(t, "ip -6 addr add 2001:db8::2/64 dev wire nodad")
	l.client.run1(t, "ip -6 route add default via 2001:db8::1")
	l.server.run1(t, "ip -6 addr add 2001:db8::1/64 dev wire nodad")
	l.server.Must(t, func() error { return netns.AddAddress("lo", nameFar+"/32") })
	l.server.nameServer(t, nameFar, serverFar)
	l.client.resolves(t, nameFar)
	l.client.run1(t, "nft add table inet mine")
	l.client.run1(t, "nft add chain inet mine out { type filter hook output priority 0 ; policy accept ; }")
	l.client.run1(t, "nft add rule inet mine out ip daddr 192.0.2.200 accept")
	s := l.server.overhears(t, "wire")
	chatter(t, l.client, serverOuter, outsideHost, excludedHost, "2001:db8::1", outsideHost6)
	chatter(t, inside, outsideHost)
	return l, s
}

// open waits until everything leaves that a kill switch holds back: else a test would show
// nothing.
func (s *neighbour) open(t *testing.T) {
	t.Helper()
	seen := make(map[string]int)
	waitFor(t, "packets outside the tunnel", func() error {
		for kind, n := range s.take() {
			seen[kind] += n
		}
		for _, kind := range []string{"IPv4 protocol 17 to " + serverOuter, "IPv4 protocol 17 to " + outsideHost, "IPv6 protocol 17 to 2001:db8::1", "IPv6 protocol 17 to " + outsideHost6} {
			if seen[kind] == 0 {
				return fmt.Errorf("no %s in %v", kind, seen)
			}
		}
		return nil
	})
}

// shut waits until the excluded network has been heard of often, and holds that nothing else was
// that may not leave.
func (s *neighbour) shut(t *testing.T, when string) {
	t.Helper()
	s.take()
	total := make(map[string]int)
	waitFor(t, "what is excluded, "+when, func() error {
		for kind, n := range s.take() {
			total[kind] += n
		}
		if n := total["IPv4 protocol 17 to "+excludedHost]; n < 25 {
			return fmt.Errorf("%d packets of %v", n, total)
		}
		return nil
	})
	assert.Empty(t, forbidden(total), when)
}

// TestE2EKillSwitch: whatever becomes of the tunnel, a neighbour sees nothing of the client, nor
// of who stands behind it, but what carries the tunnel and what is excluded; and in the end the
// rules of nftables are byte for byte what they were.
func TestE2EKillSwitch(t *testing.T) {
	t.Parallel()
	l, s := killSwitchTestbed(t)
	s.open(t)
	rules := l.client.run1(t, "nft list ruleset")
	args := []string{"--default-route", "--kill-switch", "--exclude-route", "198.51.101.0/24", "--reconnect", "--holdoff", "1"}
	client := l.connectTo(t, serverName, "wonderland", args...)
	client.waitLog(t, "kill switch is up", 1)
	s.shut(t, "while there is no server")
	client.waitLog(t, "trying again", 1)

	server := l.serve(t, "--listen", serverFar)
	client.up(t)
	l.client.ping(t, serverInner, 1400)
	s.shut(t, "while the tunnel is up")
	assert.NotContains(t, client.stderr.String(), "IPv6 does not go through the tunnel", "it goes nowhere")
	server.killed(t)
	client.waitLog(t, "trying again", 2)
	s.shut(t, "while it is dialled again")
	l.flap(t)
	l.client.run1(t, "ip -6 addr replace 2001:db8::2/64 dev wire nodad")
	l.client.run1(t, "ip -6 route replace default via 2001:db8::1")
	s.shut(t, "on another network")

	standing := l.client.run1(t, "nft list ruleset")
	l.client.run1(t, "nft flush ruleset")
	client.waitLog(t, "the kill switch was taken away, and is back", 1)
	s.shut(t, "after somebody has loaded a firewall anew")
	assert.Contains(t, standing, "chain leaving")
	l.client.run1(t, "nft add table inet mine")
	l.client.run1(t, "nft add chain inet mine out { type filter hook output priority 0 ; policy accept ; }")
	l.client.run1(t, "nft add rule inet mine out ip daddr 192.0.2.200 accept")

	l.serve(t, "--listen", serverFar)
	client.waitLog(t, "tunnel is up", 2)
	l.client.ping(t, serverInner, 1400)
	client.killed(t)
	s.shut(t, "after kill -9")
	next := l.connectTo(t, serverName, "wonderland", args...).up(t)
	assert.Contains(t, next.stderr.String(), "removed the kill switch that another run has left")
	assert.Equal(t, 1, strings.Count(l.client.run1(t, "nft list ruleset"), "chain leaving"))
	s.shut(t, "with the next one")
	next.stop(t, syscall.SIGTERM)
	assert.Equal(t, rules, l.client.run1(t, "nft list ruleset"))
	s.open(t)
}

// TestE2EKillSwitchEnds: it goes where somebody has ended the tunnel and where that never was, and
// stays where it has failed or was killed, until arc4 down or the next run, of which a kill switch
// need not be asked.
func TestE2EKillSwitchEnds(t *testing.T) {
	t.Parallel()
	l, s := killSwitchTestbed(t)
	rules := func() string { return l.client.run1(t, "nft list ruleset") }
	before := rules()
	args := []string{"--default-route", "--kill-switch", "--exclude-route", "198.51.101.0/24"}
	assert.Contains(t, l.connectTo(t, serverFar, "wonderland", args...).fails(t, exit.Network), "refuses TCP connections")
	assert.Equal(t, before, rules(), "it never was up")

	server := l.serve(t, "--listen", serverFar)
	failed := l.connectTo(t, serverFar, "wonderland", args...).up(t)
	server.killed(t)
	failed.fails(t, exit.Network)
	assert.Contains(t, failed.stderr.String(), "the kill switch stays, for the tunnel has failed")
	s.shut(t, "after the tunnel has failed")
	l.client.Must(t, func() error { removeLeftovers(slog.New(slog.DiscardHandler)); return nil })
	assert.Equal(t, before, rules(), "as arc4 down does it")
	s.open(t)

	l.serve(t, "--listen", serverFar)
	live := l.connectTo(t, serverFar, "wonderland", args...).up(t)
	l.client.Must(t, func() error { removeLeftovers(slog.New(slog.DiscardHandler)); return nil })
	assert.NotEqual(t, before, rules(), "nothing is taken from a process that lives")
	live.killed(t)
	assert.Contains(t, l.connectTo(t, serverFar, "wrong", args...).fails(t, exit.Auth), "wrong user name or password")
	s.shut(t, "after a run that followed the killed one, and was refused")
	without := l.connectTo(t, serverFar, "wonderland").up(t)
	assert.Contains(t, without.stderr.String(), "removed the kill switch that another run has left")
	assert.Equal(t, before, rules())
	without.stop(t, syscall.SIGTERM)
}

// TestE2EKillSwitchOnDemand: nothing leaves while the tunnel waits for a packet to ask for it, and
// the first that does has it dialled.
func TestE2EKillSwitchOnDemand(t *testing.T) {
	t.Parallel()
	l, s := killSwitchTestbed(t)
	before := l.client.run1(t, "nft list ruleset")
	l.serve(t, "--listen", serverFar)
	client := l.connectTo(t, serverFar, "wonderland", "--route", "198.51.100.0/24", "--kill-switch", "--exclude-route", "198.51.101.0/24", "--on-demand")
	client.waitLog(t, "kill switch is up", 1)
	s.shut(t, "while the tunnel waits")
	assert.NotContains(t, client.stderr.String(), "tunnel is up")
	l.client.ping(t, serverInner, 1400)
	s.shut(t, "while it is up")
	client.up(t).stop(t, syscall.SIGTERM)
	assert.Equal(t, before, l.client.run1(t, "nft list ruleset"))
}
