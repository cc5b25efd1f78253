package main

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/vishvananda/netlink"

	"github.com/arc4tun/arc4tun/internal/lab/netns"
)

// TestE2EDefaultRouteWithIPv6: IPv6 opens before IPv4, and the routes of IPv4 must not be asked for
// before it has an address.
func TestE2EDefaultRouteWithIPv6(t *testing.T) {
	t.Parallel()
	l := newTestbed(t)
	before := l.client.snapshot(t)
	server := l.serve(t, "--listen", serverFar, "--ipv6")
	client := l.connectTo(t, serverFar, "wonderland", "--default-route", "--ipv6").up(t)
	l.client.ping(t, serverInner, 1400)
	client.stop(t, syscall.SIGTERM)
	assert.Equal(t, 1, strings.Count(client.stderr.String(), "tunnel is up"))
	assert.Equal(t, 1, strings.Count(server.stderr.String(), "tunnel is up"))
	assert.Equal(t, before, l.client.snapshot(t))
}

// TestE2EOtherMTU: an operator raises the MTU of a tunnel's device. The path MTU is found, and
// large datagrams arrive.
func TestE2EOtherMTU(t *testing.T) {
	t.Parallel()
	l := newTestbed(t)
	server := l.serve(t)
	client := l.connect(t).up(t)
	l.client.Must(t, func() error {
		link, err := netlink.LinkByName("arc40")
		if err != nil {
			return err
		}
		return netlink.LinkSetMTU(link, 9000)
	})
	datagram(t, l.client, l.server, tunnelLocal, 8000) // which the kernel need not fragment
	var c net.Conn
	l.client.Must(t, func() (err error) {
		c, err = net.Dial("udp4", tunnelLocal+":9") // which sets Don't Fragment as long as it fits
		return err
	})
	defer c.Close()
	waitFor(t, "the path MTU", func() error {
		_, _ = c.Write(make([]byte, 8000)) // an ICMP error of an earlier one is no matter
		mtu, err := pathMTU(c)
		if err == nil && mtu != 1400 {
			err = fmt.Errorf("it is %d", mtu)
		}
		return err
	})
	l.client.ping(t, tunnelLocal, 1400)
	exchange(t, l.client, l.server, tunnelLocal, 1<<20)
	counters := session(t, l.client.status(t)).Counters
	assert.NotZero(t, counters["out_fragmented"])
	assert.NotZero(t, counters["out_icmp_too_big"])
	client.stop(t, syscall.SIGTERM)
	server.stop(t, syscall.SIGTERM)
}

// TestE2EIPv6OutsideIsSaid: who asks for a default route hears what it does not take in.
func TestE2EIPv6OutsideIsSaid(t *testing.T) {
	t.Parallel()
	l := newTestbed(t)
	l.serve(t, "--listen", serverFar)
	without := l.connectTo(t, serverFar, "wonderland", "--default-route").up(t)
	without.stop(t, syscall.SIGTERM)
	assert.NotContains(t, without.stderr.String(), "IPv6")
	l.client.Must(t, func() error {
		wire, err := netlink.LinkByName("wire")
		if err != nil {
			return err
		}
		all := &net.IPNet{IP: net.IPv6zero, Mask: net.CIDRMask(0, 128)}
		return errors.Join(netns.AddAddress("wire", "2001:db8::2/64"), netlink.RouteAdd(&netlink.Route{Dst: all, LinkIndex: wire.Attrs().Index, Gw: net.ParseIP("2001:db8::1")}))
	})
	with := l.connectTo(t, serverFar, "wonderland", "--default-route").up(t)
	with.stop(t, syscall.SIGTERM)
	assert.Contains(t, with.stderr.String(), "IPv6 does not go through the tunnel")
	assert.Contains(t, with.stderr.String(), "device=wire")
}

// flap takes the client's cable out and in again, after which there is another default route: all
// that went by the cable is gone, as after a night's sleep or in another network.
func (l *testbed) flap(t *testing.T) {
	t.Helper()
	l.client.Must(t, func() error {
		wire, err := netlink.LinkByName("wire")
		if err != nil {
			return err
		}
		return errors.Join(netlink.LinkSetDown(wire), netlink.LinkSetUp(wire))
	})
	waitFor(t, "the cable", func() error { return l.client.Do(func() error { return netns.Carries("wire") }) })
	l.client.Must(t, func() error { return netlink.RouteAdd(&netlink.Route{Gw: net.ParseIP(serverOuter)}) })
}

// TestE2ERoaming: a tunnel that takes everything comes back when the network below it has gone and
// come back: the way to its own server must not lead into the tunnel then.
func TestE2ERoaming(t *testing.T) {
	t.Parallel()
	l := newTestbed(t)
	l.serve(t, "--listen", serverFar, "--echo-interval", "1s")
	client := l.connectTo(t, serverFar, "wonderland", "--default-route", "--reconnect", "--echo-interval", "1s").up(t)
	l.client.ping(t, serverInner, 1400)
	for i := range 2 {
		l.flap(t)
		waitFor(t, "the way to the server", func() error {
			if device, _ := l.client.way(t, serverFar); device != "wire" {
				return fmt.Errorf("it leads by %s", device)
			}
			return nil
		})
		device, _ := l.client.way(t, serverInner)
		assert.Equal(t, "arc40", device, "after flap %d", i)
		l.client.ping(t, serverInner, 1400)
	}
	client.stop(t, syscall.SIGTERM)
	for _, to := range []string{serverFar, serverInner} {
		device, gateway := l.client.way(t, to)
		assert.Equal(t, []string{"wire", serverOuter}, []string{device, gateway})
	}
	l.client.Must(t, func() error {
		routes, err := netlink.RouteListFiltered(netlink.FAMILY_V4, &netlink.Route{Dst: prefix(serverFar + "/32")}, netlink.RT_FILTER_DST)
		if err == nil && len(routes) > 0 {
			err = fmt.Errorf("%v is left", routes)
		}
		return err
	})
}
