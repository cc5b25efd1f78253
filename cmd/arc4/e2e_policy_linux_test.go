package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/arc4tun/arc4tun/arc4"
)

// sniffer sees every frame on a machine's cable.
type sniffer int

// sniff starts to listen; what comes from then on waits in the socket.
func (m *machine) sniff(t *testing.T) sniffer {
	t.Helper()
	var fd int
	m.Must(t, func() error {
		everything := binary.NativeEndian.Uint16(binary.BigEndian.AppendUint16(nil, unix.ETH_P_ALL))
		wire, err := netlink.LinkByName("wire")
		if err != nil {
			return err
		}
		// Protocol 0 takes nothing in until the socket is bound to the cable alone.
		if fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0); err != nil {
			return err
		}
		return unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: everything, Ifindex: wire.Attrs().Index})
	})
	t.Cleanup(func() { _ = unix.Close(fd) })
	return sniffer(fd)
}

// saw reports whether any frame so far had the bytes in it, and how many frames there were.
func (s sniffer) saw(t *testing.T, pattern []byte) (seen bool, frames int) {
	t.Helper()
	buf := make([]byte, 65536)
	for {
		n, _, err := unix.Recvfrom(int(s), buf, 0)
		if errors.Is(err, unix.EAGAIN) {
			return seen, frames
		}
		require.NoError(t, err)
		frames++
		seen = seen || bytes.Contains(buf[:n], pattern)
	}
}

// TestE2EPolicies runs a tunnel under each rule that the two ends can have for authentication and
// encryption.
func TestE2EPolicies(t *testing.T) {
	for _, c := range []struct {
		name           string
		client, server []string
		auth           string
		strength       int
		stateful       bool
	}{
		{"off", []string{"--mppe", "off"}, []string{"--mppe", "off"}, "MS-CHAPv2", 0, false},
		{"off against allow", []string{"--mppe", "off"}, []string{"--mppe", "allow"}, "MS-CHAPv2", 0, false},
		{"allow", []string{"--mppe", "allow"}, []string{"--mppe", "allow"}, "MS-CHAPv2", 128, false},
		{"allow against off", []string{"--mppe", "allow"}, []string{"--mppe", "off"}, "MS-CHAPv2", 0, false},
		{"require", []string{"--mppe", "require"}, []string{"--mppe", "require"}, "MS-CHAPv2", 128, false},
		{"allow against require-128", []string{"--mppe", "allow"}, nil, "MS-CHAPv2", 128, false},
		{"pap", []string{"--mppe", "off", "--auth", "pap"}, []string{"--mppe", "off", "--auth", "pap"}, "PAP", 0, false},
		{"chap-md5", []string{"--mppe", "off", "--auth", "chap-md5"}, []string{"--mppe", "off", "--auth", "chap-md5"}, "CHAP-MD5", 0, false},
		{"the server's second choice", []string{"--mppe", "off", "--auth", "chap-md5"}, []string{"--mppe", "off", "--auth", "mschapv2,chap-md5"}, "CHAP-MD5", 0, false},
		{"eap", []string{"--auth", "eap"}, []string{"--auth", "eap"}, "EAP-MSCHAPv2", 128, false},
		{"eap of a server that has nothing else", nil, []string{"--auth", "eap"}, "EAP-MSCHAPv2", 128, false},
		{"stateful required by both", []string{"--mppe-stateful", "require"}, []string{"--mppe-stateful", "require"}, "MS-CHAPv2", 128, true},
		{"stateful required by the client", []string{"--mppe-stateful", "require"}, []string{"--mppe-stateful", "allow"}, "MS-CHAPv2", 128, true},
		{"stateful required by the server", []string{"--mppe-stateful", "allow"}, []string{"--mppe-stateful", "require"}, "MS-CHAPv2", 128, true},
		{"stateful allowed by both", []string{"--mppe-stateful", "allow"}, []string{"--mppe-stateful", "allow"}, "MS-CHAPv2", 128, false},
		{"order drop", []string{"--reorder-policy", "drop"}, []string{"--reorder-policy", "drop"}, "MS-CHAPv2", 128, false},
		{"order immediate", []string{"--reorder-policy", "immediate"}, []string{"--reorder-policy", "immediate"}, "MS-CHAPv2", 128, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			l := newTestbed(t)
			before := l.client.snapshot(t)
			l.serve(t, c.server...)
			client := l.connect(t, c.client...).up(t)
			wire := l.client.sniff(t)
			l.client.ping(t, tunnelLocal, 1000)
			pattern := make([]byte, 64) // of what a ping carries
			for i := range pattern {
				pattern[i] = byte(i + 100)
			}
			clear, frames := wire.saw(t, pattern)
			require.NotZero(t, frames)
			assert.Equal(t, c.strength == 0, clear, "whether the wire shows what is in the tunnel")
			exchange(t, l.client, l.server, tunnelLocal, 256<<10)
			at := session(t, l.server.status(t))
			assert.Equal(t, c.auth, at.Auth)
			assert.Equal(t, c.strength, at.MPPE.Strength)
			assert.Equal(t, c.strength > 0 && !c.stateful, at.MPPE.Stateless)
			client.stop(t, syscall.SIGINT)
			assert.Equal(t, before, l.client.snapshot(t))
		})
	}
}

// TestE2EBackends works a tunnel with each RC4 by name.
func TestE2EBackends(t *testing.T) {
	t.Parallel()
	for _, b := range arc4.Backends() {
		t.Run(b.Name(), func(t *testing.T) {
			l := newTestbed(t)
			server := l.serve(t, "--backend", b.Name())
			client := l.connect(t, "--backend", b.Name()).up(t)
			exchange(t, l.client, l.server, tunnelLocal, 1<<20)
			for _, m := range []*machine{l.client, l.server} {
				s := m.status(t)
				assert.Equal(t, b.Name(), s.Process.Backend)
				assert.Contains(t, s.Process.BackendWhy, b.Name())
			}
			client.stop(t, syscall.SIGTERM)
			server.stop(t, syscall.SIGTERM)
		})
	}
}

// TestE2EIPv6 reaches the other end by its link-local address, both ways.
func TestE2EIPv6(t *testing.T) {
	t.Parallel()
	l := newTestbed(t)
	clientBefore, serverBefore := l.client.snapshot(t), l.server.snapshot(t)
	server := l.serve(t, "--ipv6")
	client := l.connect(t, "--ipv6").up(t)
	there := l.server.addresses(t, "arc40", netlink.FAMILY_V6)
	require.Len(t, there, 1, "the server's link-local address")
	var here []netip.Addr
	waitFor(t, "the client's link-local address", func() error { // IPv4 may be up before
		if here = l.client.addresses(t, "arc40", netlink.FAMILY_V6); len(here) != 1 {
			return fmt.Errorf("it has %v", here)
		}
		return nil
	})
	for _, way := range []struct {
		from, to *machine
		address  string
	}{
		{l.client, l.server, there[0].String()},
		{l.server, l.client, here[0].String()},
	} {
		// By number: names are looked up once a process, whatever its namespaces.
		at := way.address + "%" + strconv.Itoa(way.to.device(t, "arc40").Index)
		var listener net.Listener
		way.to.Must(t, func() (err error) {
			listener, err = net.Listen("tcp", net.JoinHostPort(at, "0"))
			return err
		})
		_, port, err := net.SplitHostPort(listener.Addr().String())
		require.NoError(t, err)
		from := way.address + "%" + strconv.Itoa(way.from.device(t, "arc40").Index)
		exchangeWith(t, way.from, listener, net.JoinHostPort(from, port), 1<<20)
		require.NoError(t, listener.Close())
	}
	l.client.ping(t, tunnelLocal, 1400)
	client.stop(t, syscall.SIGTERM)
	server.stop(t, syscall.SIGTERM)
	assert.Equal(t, clientBefore, l.client.snapshot(t))
	assert.Equal(t, serverBefore, l.server.snapshot(t))
}
