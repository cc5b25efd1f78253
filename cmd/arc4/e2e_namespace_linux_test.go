package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
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

// skipE2E says why a test did not run, and fails instead where nothing may be skipped.
func skipE2E(t *testing.T, format string, args ...any) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf("skipped, which CI=true forbids: "+format, args...)
	}
	t.Skipf(format, args...)
}

// machine is a network namespace of its own with a /run of its own. One thread lives in it, and all
// that happens there happens on that thread: programs it starts and sockets it opens belong to the
// namespace.
type machine struct {
	name  string
	work  chan func()
	netns netns.NsHandle
}

// newMachine makes one, which ends with the test.
func newMachine(t *testing.T, name string) *machine {
	t.Helper()
	if os.Geteuid() != 0 {
		skipE2E(t, "network namespaces need root, this is uid %d", os.Geteuid())
	}
	if _, err := os.Stat("/dev/net/tun"); err != nil {
		skipE2E(t, "no TUN devices here: %v", err)
	}
	m := &machine{name: name, work: make(chan func())}
	entered := make(chan error)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		runtime.LockOSThread() // and never unlocked: the thread dies with the goroutine, and the namespaces with it
		entered <- m.enter()
		for f := range m.work {
			f()
		}
	}()
	if err := <-entered; err != nil {
		close(m.work)
		skipE2E(t, "no namespaces here: %v", err)
	}
	t.Cleanup(func() {
		close(m.work)
		<-ended
		_ = m.netns.Close()
	})
	m.must(t, func() error {
		loopback, err := netlink.LinkByName("lo")
		if err != nil {
			return err
		}
		return netlink.LinkSetUp(loopback)
	})
	return m
}

// enter moves the calling thread. The mounts are private and /run is empty, so that status sockets
// in their default place meet neither those of a parallel test nor those of a real tunnel on this
// system.
func (m *machine) enter() error {
	if err := unix.Unshare(unix.CLONE_NEWNET | unix.CLONE_NEWNS); err != nil {
		return fmt.Errorf("unshare: %w", err)
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("private mounts: %w", err)
	}
	if err := unix.Mount("tmpfs", "/run", "tmpfs", 0, "mode=755"); err != nil {
		return fmt.Errorf("mount /run: %w", err)
	}
	var err error
	m.netns, err = netns.Get()
	return err
}

// do runs f on the machine's thread.
func (m *machine) do(f func() error) error {
	result := make(chan error)
	m.work <- func() { result <- f() }
	return <-result
}

// must is do for what has to succeed.
func (m *machine) must(t *testing.T, f func() error) {
	t.Helper()
	require.NoError(t, m.do(f), "on the %s", m.name)
}

// lab is a server's machine and a client's with a cable between them.
type lab struct {
	client, server *machine
}

// newLab makes the machines, gives them addresses and waits for the cable to carry.
func newLab(t *testing.T) *lab {
	t.Helper()
	l := &lab{server: newMachine(t, "server")}
	l.client = l.join(t, "client", "wire", clientOuter, serverOuter)
	l.server.must(t, func() error {
		return errors.Join(addAddress("lo", serverFar+"/32"), addAddress("lo", serverInner+"/32"))
	})
	return l
}

// join adds a machine to the lab, by a cable with these two ends, over which it reaches everything.
func (l *lab) join(t *testing.T, name, serverEnd, clientAddress, serverAddress string) *machine {
	t.Helper()
	client := newMachine(t, name)
	client.must(t, func() error {
		attrs := netlink.NewLinkAttrs()
		attrs.Name = "wire"
		return netlink.LinkAdd(&netlink.Veth{LinkAttrs: attrs, PeerName: serverEnd, PeerNamespace: netlink.NsFd(l.server.netns)})
	})
	l.server.must(t, func() error { return plug(serverEnd, serverAddress+"/24") })
	client.must(t, func() error { return plug("wire", clientAddress+"/24") })
	waitFor(t, "the cable", func() error {
		return errors.Join(l.server.do(func() error { return carries(serverEnd) }), client.do(func() error { return carries("wire") }))
	})
	client.must(t, func() error {
		return netlink.RouteAdd(&netlink.Route{Gw: net.ParseIP(serverAddress)})
	})
	return client
}

// plug sets one end of a cable up.
func plug(device, cidr string) error {
	wire, err := netlink.LinkByName(device)
	if err != nil {
		return err
	}
	// The kernel's own IPv6 address would come whenever it has proved to be unique.
	if err := netlink.LinkSetIP6AddrGenMode(wire, nl.IN6_ADDR_GEN_MODE_NONE); err != nil && !errors.Is(err, unix.EOPNOTSUPP) {
		return err
	}
	if err := addAddress(device, cidr); err != nil {
		return err
	}
	return netlink.LinkSetUp(wire)
}

func addAddress(device, cidr string) error {
	link, err := netlink.LinkByName(device)
	if err != nil {
		return err
	}
	addr, err := netlink.ParseAddr(cidr)
	if err != nil {
		return err
	}
	return netlink.AddrAdd(link, addr)
}

func carries(device string) error {
	wire, err := netlink.LinkByName(device)
	if err != nil {
		return err
	}
	if state := wire.Attrs().OperState; state != netlink.OperUp {
		return fmt.Errorf("it is %v", state)
	}
	return nil
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
// machine, all but the counters of traffic, and what its programs have left in /run.
func (m *machine) snapshot(t *testing.T) string {
	t.Helper()
	var lines []string
	m.must(t, func() (err error) {
		lines, err = networkState()
		if err != nil {
			return err
		}
		settings, err := networkSettings()
		if err != nil {
			return err
		}
		lines = append(lines, settings...)
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
	m.must(t, func() error {
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
	m.must(t, func() error {
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
	m.must(t, func() error {
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
