package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/vishvananda/netlink"

	"github.com/arc4tun/arc4tun/internal/lab/labtest"
	"github.com/arc4tun/arc4tun/internal/lab/netns"
)

// The addresses around a router with NAT.
const (
	behindNAT = "192.168.7.2" // the client's
	insideNAT = "192.168.7.1"
	outerNAT  = clientOuter
	nextNAT   = newClient // after its provider has given it another
)

// newNATTestbed puts a router with NAT between the machines.
func newNATTestbed(t *testing.T) (l *testbed, nat *machine) {
	t.Helper()
	if _, err := exec.LookPath("nft"); err != nil {
		labtest.Skip(t, "NAT needs nft: %v", err)
	}
	l = &testbed{server: newMachine(t, "server"), client: newMachine(t, "client")}
	nat = newMachine(t, "NAT")
	require.NoError(t, netns.Join(
		netns.End{Host: l.client.Host.Host, Name: "wire", Address: behindNAT + "/24"},
		netns.End{Host: nat.Host.Host, Name: "lan", Address: insideNAT + "/24"}))
	require.NoError(t, netns.Join(
		netns.End{Host: nat.Host.Host, Name: "wan", Address: outerNAT + "/24"},
		netns.End{Host: l.server.Host.Host, Name: "wire", Address: serverOuter + "/24"}))
	l.client.Must(t, func() error { return netlink.RouteAdd(&netlink.Route{Gw: net.ParseIP(insideNAT)}) })
	l.server.Must(t, func() error { return netns.AddAddress("lo", serverInner+"/32") })
	// GRE that comes from outside is the client's, so that this takes no nf_nat_pptp, which kernels
	// without modules lack.
	rules := []string{
		"add table ip nat", "add chain ip nat post { type nat hook postrouting priority 100; }", "add rule ip nat post oifname wan masquerade",
		"add chain ip nat pre { type nat hook prerouting priority -100; }", "add rule ip nat pre iifname wan ip protocol gre dnat to " + behindNAT,
		// As such routers do: what nobody asked for is not answered. A reset to the server, which
		// may speak first after a reboot, would end the call.
		"add chain ip nat input { type filter hook input priority 0; }", "add rule ip nat input iifname wan ip protocol tcp drop",
	}
	nat.Must(t, func() error {
		if err := os.WriteFile("/proc/sys/net/ipv4/ip_forward", []byte("1"), 0); err != nil {
			return err
		}
		for _, rule := range rules {
			if out, err := exec.Command("nft", rule).CombinedOutput(); err != nil {
				return fmt.Errorf("nft %s: %w: %s", rule, err, out)
			}
		}
		return nil
	})
	return l, nat
}

// reboot has a router forget all connections, and come back with an address: masquerading forgets
// those of an interface that goes down (nf_nat_masquerade.c).
func (m *machine) reboot(t *testing.T, from, to string) {
	t.Helper()
	m.Must(t, func() error {
		wan, err := netlink.LinkByName("wan")
		if err != nil {
			return err
		}
		old, err := netlink.ParseAddr(from + "/24")
		if err != nil {
			return err
		}
		return errors.Join(netlink.LinkSetDown(wan), netlink.AddrDel(wan, old), netns.AddAddress("wan", to+"/24"), netlink.LinkSetUp(wan))
	})
	waitFor(t, "the router", func() error { return m.Do(func() error { return netns.Carries("wan") }) })
}

// TestE2ENATReboots: the client's own network does not change, so that nothing tells it. With the
// same address its packets make the NAT know the call again; with another the server takes them for
// nobody's, and there is a new call.
func TestE2ENATReboots(t *testing.T) {
	for name, to := range map[string]string{"the same address": outerNAT, "another address": nextNAT} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l, nat := newNATTestbed(t)
			l.serve(t)
			client := l.connect(t, "--reconnect", "--echo-interval", "1s", "--route", serverInner+"/32").up(t)
			l.client.ping(t, serverInner, 1400)
			nat.reboot(t, outerNAT, to)
			rebooted := time.Now()
			if to != outerNAT {
				client.waitLog(t, "tunnel is up", 2)
			}
			l.back(t)
			t.Logf("back after %.2f s", time.Since(rebooted).Seconds())
			if to == outerNAT {
				assert.Equal(t, 1, strings.Count(client.stderr.String(), "tunnel is up"), "the call goes on")
			}
			client.stop(t, syscall.SIGTERM)
		})
	}
}
