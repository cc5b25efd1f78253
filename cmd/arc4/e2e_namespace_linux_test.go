package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/arc4tun/arc4tun/internal/lab/labtest"
	"github.com/arc4tun/arc4tun/internal/lab/netns"
)

// The addresses of the two machines. The server's are a /24 away from each other, so that a client
// reaches serverFar through a gateway.
const (
	clientOuter = "192.0.2.2"
	serverOuter = "192.0.2.1"
	serverFar   = "203.0.113.1"  // the server's too, behind serverOuter
	serverInner = "198.51.100.7" // a host behind the server, for clients of a tunnel
	tunnelLocal = "10.99.0.1"
)

// patience bounds every wait for something that takes a moment on an idle machine.
const patience = 60 * time.Second

// machine is a host with a /run and an /etc of its own. All that happens there happens on one
// thread: programs it starts and sockets it opens belong to its namespaces.
type machine struct {
	*labtest.Host
	name string
}

// newMachine makes one, which ends with the test. over are folders as labtest.OwnFiles takes them.
func newMachine(t *testing.T, name string, over ...string) *machine {
	t.Helper()
	if _, err := os.Stat("/dev/net/tun"); err != nil {
		labtest.Skip(t, "no TUN devices here: %v", err)
	}
	m := &machine{Host: labtest.NewHost(t, name), name: name}
	if err := m.Do(func() error { return labtest.OwnFiles(over...) }); err != nil {
		labtest.Skip(t, "no mounts of one's own here: %v", err)
	}
	return m
}

// testbed is a server's machine and a client's with a cable between them.
type testbed struct {
	client, server *machine
}

// newTestbed makes the machines, gives them addresses and waits for the cable to carry.
// over is for the client's.
func newTestbed(t *testing.T, over ...string) *testbed {
	t.Helper()
	l := &testbed{server: newMachine(t, "server")}
	l.client = l.join(t, "client", "wire", clientOuter, serverOuter, over...)
	l.server.Must(t, func() error {
		return errors.Join(netns.AddAddress("lo", serverFar+"/32"), netns.AddAddress("lo", serverInner+"/32"))
	})
	return l
}

// join adds a machine to the testbed, by a cable with these two ends, over which it reaches
// everything.
func (l *testbed) join(t *testing.T, name, serverEnd, clientAddress, serverAddress string, over ...string) *machine {
	t.Helper()
	client := newMachine(t, name, over...)
	l.cable(t, client, "wire", clientAddress, serverEnd, serverAddress)
	client.Must(t, func() error { return netlink.RouteAdd(&netlink.Route{Gw: net.ParseIP(serverAddress)}) })
	return client
}

// cable joins a client's interface and the server's.
func (l *testbed) cable(t *testing.T, client *machine, clientEnd, clientAddress, serverEnd, serverAddress string) {
	t.Helper()
	require.NoError(t, netns.Join(
		netns.End{Host: client.Host.Host, Name: clientEnd, Address: clientAddress + "/24"},
		netns.End{Host: l.server.Host.Host, Name: serverEnd, Address: serverAddress + "/24"}))
}

// waitFor polls until check has no error to report.
func waitFor(t *testing.T, what string, check func() error) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for {
		err := check()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			require.NoError(t, err, "waiting for %s", what)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// snapshot writes down every interface, address, route (of every table), rule and setting of a
// machine, all but the counters of traffic, which name servers it asks, and what its programs have
// left in /run.
func (m *machine) snapshot(t *testing.T) string {
	t.Helper()
	var lines []string
	m.Must(t, func() (err error) {
		lines, err = networkState()
		if err != nil {
			return err
		}
		settings, err := networkSettings()
		if err != nil {
			return err
		}
		lines = append(lines, settings...)
		lines = append(lines, nameServiceState()...)
		entries, err := os.ReadDir("/run")
		for _, e := range entries {
			left, err := os.ReadDir("/run/" + e.Name())
			if err != nil {
				return err
			}
			for _, f := range left {
				lines = append(lines, "file /run/"+e.Name()+"/"+f.Name())
			}
		}
		return err
	})
	sort.Strings(lines)
	return strings.Join(lines, "\n")
}

// nameServiceState is resolv.conf, byte by byte, with what lies beside it.
func nameServiceState() (lines []string) {
	files, _ := filepath.Glob("/etc/resolv.conf*")
	for _, f := range files {
		content, err := os.ReadFile(f)
		target, _ := os.Readlink(f)
		lines = append(lines, fmt.Sprintf("file %s %q %q %v", f, target, content, err))
	}
	return lines
}

func networkState() (lines []string, err error) {
	note := func(what string, v any) {
		b, err := json.Marshal(v)
		if err != nil {
			b = []byte(err.Error())
		}
		lines = append(lines, fmt.Sprintf("%s %v %s", what, v, b))
	}
	links, err := netlink.LinkList()
	if err != nil {
		return nil, err
	}
	for _, l := range links {
		a := *l.Attrs()
		a.Statistics = nil
		b, err := json.Marshal(a)
		if err != nil {
			return nil, err
		}
		lines = append(lines, fmt.Sprintf("link %s %s", l.Type(), b))
	}
	for _, family := range []int{netlink.FAMILY_V4, netlink.FAMILY_V6} {
		addrs, err := netlink.AddrList(nil, family)
		if err != nil {
			return nil, err
		}
		for _, a := range addrs {
			note("address", a)
		}
		routes, err := netlink.RouteListFiltered(family, &netlink.Route{Table: unix.RT_TABLE_UNSPEC}, netlink.RT_FILTER_TABLE)
		if err != nil {
			return nil, err
		}
		for _, r := range routes {
			note("route", r)
		}
		rules, err := netlink.RuleList(family)
		if err != nil {
			return nil, err
		}
		for _, r := range rules {
			b, err := json.Marshal(r)
			if err != nil {
				return nil, err
			}
			lines = append(lines, fmt.Sprintf("rule %s", b))
		}
	}
	return lines, nil
}

// networkSettings are those of /proc/sys that are about the interfaces and forwarding.
func networkSettings() (lines []string, err error) {
	for _, pattern := range []string{"ip_forward", "conf/*/*"} {
		for _, family := range []string{"ipv4", "ipv6"} {
			files, err := filepath.Glob("/proc/sys/net/" + family + "/" + pattern)
			if err != nil {
				return nil, err
			}
			for _, f := range files {
				value, err := os.ReadFile(f)
				if err != nil {
					continue // some can only be written
				}
				lines = append(lines, "setting "+f+" "+strings.TrimSpace(string(value)))
			}
		}
	}
	return lines, nil
}

// device gives an interface of the machine, or nil if there is none of that name.
func (m *machine) device(t *testing.T, name string) *netlink.LinkAttrs {
	t.Helper()
	var attrs *netlink.LinkAttrs
	m.Must(t, func() error {
		link, err := netlink.LinkByName(name)
		var none netlink.LinkNotFoundError
		if errors.As(err, &none) {
			return nil
		}
		if err == nil {
			attrs = link.Attrs()
		}
		return err
	})
	return attrs
}

// addresses gives those of one family on an interface.
func (m *machine) addresses(t *testing.T, device string, family int) (all []netip.Addr) {
	t.Helper()
	m.Must(t, func() error {
		link, err := netlink.LinkByName(device)
		if err != nil {
			return err
		}
		addrs, err := netlink.AddrList(link, family)
		for _, a := range addrs {
			ip, _ := netip.AddrFromSlice(a.IP)
			all = append(all, ip.Unmap())
		}
		return err
	})
	return all
}

// way says by which interface and gateway the machine reaches an address.
func (m *machine) way(t *testing.T, to string) (device, gateway string) {
	t.Helper()
	m.Must(t, func() error {
		routes, err := netlink.RouteGet(net.ParseIP(to))
		if err != nil {
			return fmt.Errorf("route to %s: %w", to, err)
		}
		link, err := netlink.LinkByIndex(routes[0].LinkIndex)
		if err != nil {
			return err
		}
		device = link.Attrs().Name
		if routes[0].Gw != nil {
			gateway = routes[0].Gw.String()
		}
		return nil
	})
	return device, gateway
}

func prefix(cidr string) *net.IPNet {
	p := netip.MustParsePrefix(cidr)
	return &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
}
