package main

import (
	"net"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/vishvananda/netlink"
)

// TestE2EDefaultRouteWithIPv6: IPv6 opens before IPv4, and the routes of IPv4 must not be asked for before it has an
// address.
func TestE2EDefaultRouteWithIPv6(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	before := l.client.snapshot(t)
	server := l.serve(t, "--listen", serverFar, "--ipv6")
	client := l.connectTo(t, serverFar, "wonderland", "--default-route", "--ipv6").up(t)
	l.client.ping(t, serverInner, 1400)
	client.stop(t, syscall.SIGTERM)
	assert.Equal(t, 1, strings.Count(client.stderr.String(), "tunnel is up"))
	assert.Equal(t, 1, strings.Count(server.stderr.String(), "tunnel is up"))
	assert.Equal(t, before, l.client.snapshot(t))
}

// TestE2EOtherMTU: an operator raises the MTU of a tunnel's device. What is too long for the tunnel is lost, and no more.
func TestE2EOtherMTU(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	server := l.serve(t)
	client := l.connect(t).up(t)
	l.client.must(t, func() error {
		link, err := netlink.LinkByName("arc40")
		if err != nil {
			return err
		}
		return netlink.LinkSetMTU(link, 9000)
	})
	l.client.must(t, func() error {
		c, err := net.Dial("udp4", tunnelLocal+":9")
		if err != nil {
			return err
		}
		defer c.Close()
		for range 100 {
			_, _ = c.Write(make([]byte, 8000)) // an ICMP error of an earlier one is no matter
		}
		return nil
	})
	l.client.ping(t, tunnelLocal, 1400)
	exchange(t, l.client, l.server, tunnelLocal, 1<<20)
	assert.GreaterOrEqual(t, session(t, l.client.status(t)).Counters["out_too_long"], uint64(100))
	client.stop(t, syscall.SIGTERM)
	server.stop(t, syscall.SIGTERM)
}
