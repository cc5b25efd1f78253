package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// fragmentable clears the don't-fragment bit, and has the kernel fragment by the interface alone.
var fragmentable = net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
	var err error
	return errors.Join(c.Control(func(fd uintptr) {
		err = unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_MTU_DISCOVER, unix.IP_PMTUDISC_DONT)
	}), err)
}}

// aHouse is a testbed with a machine behind the server's, which forwards, and a client whose
// address in the tunnel that machine reaches. The server's device has an MTU of 1400.
func aHouse(t *testing.T) (l *testbed, house *machine) {
	l = newTestbed(t)
	house = l.join(t, "house", "house", "192.168.7.2", "192.168.7.1")
	l.server.Must(t, func() error { return os.WriteFile("/proc/sys/net/ipv4/ip_forward", []byte("1"), 0) })
	return l, house
}

// TestE2EOverTheMTU: a client whose MRU is smaller than the server's device is reached as behind
// any router, by the server's own packets and by those that it forwards: what may be fragmented is,
// and for the rest the path MTU is found.
func TestE2EOverTheMTU(t *testing.T) {
	t.Parallel()
	l, house := aHouse(t)
	server := l.serve(t)
	client := l.connect(t, "--mtu", "996", "--route", "192.168.7.0/24").up(t)
	inner := l.client.addresses(t, "arc40", netlink.FAMILY_V4)[0].String()
	for _, from := range []*machine{l.server, house} {
		t.Run("from the "+from.name, func(t *testing.T) {
			from.pingWith(t, fragmentable, inner, 1300)
			datagram(t, from, l.client, inner, 4000)
			from.learnsMTU(t, inner, 1300)
			from.ping(t, inner, 996)
			from.tooLong(t, inner, 997)
		})
	}
	counters := session(t, l.server.status(t)).Counters
	assert.GreaterOrEqual(t, counters["out_fragmented"], uint64(8))
	assert.GreaterOrEqual(t, counters["out_icmp_too_big"], uint64(2))
	t.Logf("fragmented %d, answered with ICMP %d, dropped %d", counters["out_fragmented"], counters["out_icmp_too_big"], counters["out_too_long"])
	client.stop(t, syscall.SIGTERM)
	server.stop(t, syscall.SIGTERM)
}

// TestE2EPathMTUDiscovery: connections that were made while the tunnel had a larger MTU, so that no
// clamp of their MSS helps them, go on under a smaller one.
func TestE2EPathMTUDiscovery(t *testing.T) {
	t.Parallel()
	l, house := aHouse(t)
	server := l.serveWith(t, secretsFile(t, "alice * wonderland 10.99.0.100\n"))
	first := l.connect(t, "--route", "192.168.7.0/24").up(t)
	inner := l.client.addresses(t, "arc40", netlink.FAMILY_V4)[0].String()
	var conns [2][2]net.Conn
	for i, m := range []*machine{l.server, house} {
		conns[i][0], conns[i][1] = connected(t, m, l.client, inner)
	}
	first.stop(t, syscall.SIGTERM)
	l.server.noSessions(t)
	second := l.connect(t, "--mtu", "996", "--route", "192.168.7.0/24").up(t)
	require.Equal(t, inner, l.client.addresses(t, "arc40", netlink.FAMILY_V4)[0].String())
	const size = 1 << 20
	for i, pair := range conns {
		began := time.Now()
		sent := make(chan error, 1)
		go func() {
			_, err := io.CopyN(pair[0], stream(byte(i)), size)
			sent <- err
		}()
		got, want := make([]byte, size), make([]byte, size)
		_, err := io.ReadFull(pair[1], got)
		require.NoError(t, err)
		require.NoError(t, <-sent)
		_, _ = io.ReadFull(stream(byte(i)), want)
		require.True(t, bytes.Equal(want, got))
		t.Logf("from the %s: 1 MiB in %v", []string{"server", "house"}[i], time.Since(began))
	}
	assert.NotZero(t, session(t, l.server.status(t)).Counters["out_icmp_too_big"])
	second.stop(t, syscall.SIGTERM)
	server.stop(t, syscall.SIGTERM)
}

// learnsMTU sends pings that may not be fragmented until the machine itself refuses them.
func (m *machine) learnsMTU(t *testing.T, to string, size int) {
	t.Helper()
	var c net.PacketConn
	m.Must(t, func() (err error) {
		c, err = unfragmented.ListenPacket(t.Context(), "ip4:icmp", "0.0.0.0")
		return err
	})
	defer c.Close()
	waitFor(t, "the path MTU", func() error {
		err := pingOnce(c, to, 1, size)
		if errors.Is(err, unix.EMSGSIZE) {
			return nil
		}
		return fmt.Errorf("a ping that does not fit was not refused: %w", err)
	})
}

// pathMTU is what the system knows of the way of a connected socket.
func pathMTU(c net.Conn) (mtu int, err error) {
	raw, err := c.(syscall.Conn).SyscallConn()
	if err != nil {
		return 0, err
	}
	controlErr := raw.Control(func(fd uintptr) { mtu, err = unix.GetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_MTU) })
	return mtu, errors.Join(err, controlErr)
}

// connected is a TCP connection from one machine to an address of another, closed with the test.
func connected(t *testing.T, from, to *machine, address string) (here, there net.Conn) {
	t.Helper()
	var listener net.Listener
	to.Must(t, func() (err error) {
		listener, err = net.Listen("tcp4", net.JoinHostPort(address, "0"))
		return err
	})
	defer listener.Close()
	from.Must(t, func() (err error) {
		here, err = net.DialTimeout("tcp4", listener.Addr().String(), patience)
		return err
	})
	there, err := listener.Accept()
	require.NoError(t, err)
	for _, c := range []net.Conn{here, there} {
		t.Cleanup(func() { _ = c.Close() })
		require.NoError(t, c.SetDeadline(time.Now().Add(2*patience)))
	}
	return here, there
}

// datagram sends UDP datagrams of size bytes until one arrives whole.
func datagram(t *testing.T, from, to *machine, address string, size int) {
	t.Helper()
	var in, out net.PacketConn
	to.Must(t, func() (err error) {
		in, err = net.ListenPacket("udp4", net.JoinHostPort(address, "0"))
		return err
	})
	defer in.Close()
	from.Must(t, func() (err error) {
		out, err = fragmentable.ListenPacket(t.Context(), "udp4", "0.0.0.0:0")
		return err
	})
	defer out.Close()
	data := make([]byte, size)
	_, _ = rand.NewChaCha8([32]byte{9}).Read(data)
	waitFor(t, "a datagram", func() error {
		if _, err := out.WriteTo(data, in.LocalAddr()); err != nil {
			return err
		}
		got := make([]byte, size+1)
		if err := in.SetReadDeadline(time.Now().Add(time.Second)); err != nil {
			return err
		}
		n, _, err := in.ReadFrom(got)
		if err == nil && !bytes.Equal(got[:n], data) {
			err = errors.New("it is not what was sent")
		}
		return err
	})
}
