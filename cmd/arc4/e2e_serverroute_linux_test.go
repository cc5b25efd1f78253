package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/vishvananda/netlink"

	"github.com/arc4tun/arc4tun/internal/lab/labtest"
	"github.com/arc4tun/arc4tun/internal/lab/netns"
	"github.com/arc4tun/arc4tun/tunnel/status"
)

// Another cable between the two machines, and what the first one may have besides.
const (
	otherClient  = "192.0.3.2"  // the client's on the other cable
	otherServer  = "192.0.3.1"  // the server's
	newClient    = "192.0.2.77" // the client's next address on the first
	otherGateway = "192.0.2.9"  // the server's second address on the first: another gateway
)

// addCable joins the two machines once more.
func (l *testbed) addCable(t *testing.T) {
	t.Helper()
	l.cable(t, l.client, "wire2", otherClient, "wire2", otherServer)
}

// link changes an interface of the client.
func (l *testbed) link(t *testing.T, name string, change func(netlink.Link) error) {
	t.Helper()
	l.client.Must(t, func() error { return labtest.Change(name, change) })
}

func (l *testbed) linkDown(t *testing.T, name string) { l.link(t, name, netlink.LinkSetDown) }

func (l *testbed) linkUp(t *testing.T, name string) {
	l.link(t, name, netlink.LinkSetUp)
	waitFor(t, name, func() error { return l.client.Do(func() error { return netns.Carries(name) }) })
}

// defaultBy is a default route of the client by a gateway.
func defaultBy(gateway string, metric int) *netlink.Route {
	return &netlink.Route{Dst: prefix("0.0.0.0/0"), Gw: net.ParseIP(gateway), Priority: metric}
}

func (l *testbed) addDefault(t *testing.T, gateway string, metric int) {
	t.Helper()
	l.client.Must(t, func() error { return netlink.RouteAdd(defaultBy(gateway, metric)) })
}

func (l *testbed) delDefault(t *testing.T, gateway string, metric int) {
	t.Helper()
	l.client.Must(t, func() error { return netlink.RouteDel(defaultBy(gateway, metric)) })
}

// delAddress takes an address off the client.
func (l *testbed) delAddress(t *testing.T, device, cidr string) {
	t.Helper()
	l.link(t, device, func(link netlink.Link) error {
		addr, err := netlink.ParseAddr(cidr)
		if err != nil {
			return err
		}
		return netlink.AddrDel(link, addr)
	})
}

// trickle sends into the tunnel all the time, ten packets a second, as programs do that know
// nothing of its outages.
func (l *testbed) trickle(t *testing.T) {
	t.Helper()
	var c net.Conn
	l.client.Must(t, func() (err error) {
		c, err = net.Dial("udp4", serverInner+":9")
		return err
	})
	stop, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			_, _ = c.Write(make([]byte, 500)) // an ICMP error of an earlier one is no matter
			select {
			case <-stop:
				return
			case <-time.After(100 * time.Millisecond):
			}
		}
	}()
	t.Cleanup(func() {
		close(stop)
		<-ended
		c.Close()
	})
}

// spent is what a time cost.
type spent struct {
	cpu     time.Duration // of the client's process
	packets uint64        // that left the client by its cables
	entered uint64        // that entered the tunnel's device
	when    time.Time
}

// spends looks at the client's meters.
func (l *testbed) spends(t *testing.T, client *program) (s spent) {
	t.Helper()
	s.when = time.Now()
	s.cpu = processorTime(t, client.cmd.Process.Pid)
	l.client.Must(t, func() error {
		for name, count := range map[string]*uint64{"wire": &s.packets, "wire2": &s.packets, "arc40": &s.entered} {
			link, err := netlink.LinkByName(name)
			var none netlink.LinkNotFoundError
			if errors.As(err, &none) {
				continue
			}
			if err != nil {
				return err
			}
			*count += link.Attrs().Statistics.TxPackets
		}
		return nil
	})
	return s
}

// processorTime is what a process has used (proc_pid_stat(5), fields 14 and 15, in ticks of 10 ms).
func processorTime(t *testing.T, pid int) time.Duration {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	require.NoError(t, err)
	words := strings.Fields(string(b[strings.LastIndexByte(string(b), ')')+1:]))
	var user, system int64
	_, err = fmt.Sscan(words[11]+" "+words[12], &user, &system)
	require.NoError(t, err)
	return time.Duration(user+system) * 10 * time.Millisecond
}

// clientStatus asks over the socket, without a process of its own.
func (l *testbed) clientStatus(t *testing.T) (s status.Snapshot) {
	t.Helper()
	l.client.Must(t, func() (err error) {
		s, err = status.Fetch(t.Context(), "/run/arc4/connect.sock")
		return err
	})
	return s
}

// back waits until packets pass through the tunnel again.
func (l *testbed) back(t *testing.T) {
	t.Helper()
	var c net.PacketConn
	l.client.Must(t, func() (err error) {
		c, err = unfragmented.ListenPacket(t.Context(), "ip4:icmp", "0.0.0.0")
		return err
	})
	defer c.Close()
	waitFor(t, "the tunnel", func() error { return pingFor(c, serverInner, 100*time.Millisecond) })
}

// mostPackets is what may leave the client, or enter the tunnel, in a time, all told: the trickle,
// keep-alives, attempts to connect, ARP. A packet that goes round and round makes a hundred times
// as many in a second.
func mostPackets(d time.Duration) uint64 { return 400 + uint64(60*d.Seconds()) }

// outage is one that a tunnel has to survive.
type outage struct {
	name    string
	connect []string // flags besides
	byName  bool     // the server is known by its name, and the name server is beyond the gateway
	prepare func(*testing.T, *testbed)
	breaks  func(*testing.T, *testbed)
	lasts   time.Duration
	long    bool // only with ARC4_LONG_TESTS=1: the same with shorter times comes before it
	missing bool // the tunnel says meanwhile that there is no way
	mends   func(*testing.T, *testbed)
	anew    bool // the call cannot go on, and there is another
	device  string
	gateway string
}

var outages = []outage{
	{
		name: "link down for 3 s", breaks: func(t *testing.T, l *testbed) { l.linkDown(t, "wire") }, lasts: 3 * time.Second, missing: true,
		mends:  func(t *testing.T, l *testbed) { l.linkUp(t, "wire"); l.addDefault(t, serverOuter, 0) },
		device: "wire", gateway: serverOuter,
	},
	{
		name: "link down for 10 s", breaks: func(t *testing.T, l *testbed) { l.linkDown(t, "wire") }, lasts: 10 * time.Second, missing: true,
		mends:  func(t *testing.T, l *testbed) { l.linkUp(t, "wire"); l.addDefault(t, serverOuter, 0) },
		device: "wire", gateway: serverOuter,
	},
	{
		name: "link down until the call is dead", connect: []string{"--echo-interval", "1s"},
		breaks: func(t *testing.T, l *testbed) { l.linkDown(t, "wire") }, lasts: 15 * time.Second, missing: true,
		mends: func(t *testing.T, l *testbed) { l.linkUp(t, "wire"); l.addDefault(t, serverOuter, 0) },
		anew:  true, device: "wire", gateway: serverOuter,
	},
	{
		name: "link down until the call is dead, the server by its name", byName: true, connect: []string{"--echo-interval", "1s"},
		breaks: func(t *testing.T, l *testbed) { l.linkDown(t, "wire") }, lasts: 8 * time.Second, missing: true,
		mends: func(t *testing.T, l *testbed) { l.linkUp(t, "wire"); l.addDefault(t, serverOuter, 0) },
		anew:  true, device: "wire", gateway: serverOuter,
	},
	{
		name: "link down for 160 s", long: true,
		breaks: func(t *testing.T, l *testbed) { l.linkDown(t, "wire") }, lasts: 160 * time.Second, missing: true,
		mends: func(t *testing.T, l *testbed) { l.linkUp(t, "wire"); l.addDefault(t, serverOuter, 0) },
		anew:  true, device: "wire", gateway: serverOuter,
	},
	{
		name: "another gateway before the old one goes", prepare: func(t *testing.T, l *testbed) { l.addGateway(t) },
		breaks: func(t *testing.T, l *testbed) {
			l.client.Must(t, func() error { return netlink.RouteReplace(defaultBy(otherGateway, 0)) })
			l.delGateway(t)
		},
		device: "wire", gateway: otherGateway,
	},
	{
		name: "another gateway after the old one has gone", prepare: func(t *testing.T, l *testbed) { l.addGateway(t) },
		breaks: func(t *testing.T, l *testbed) { l.delDefault(t, serverOuter, 0); l.delGateway(t) }, lasts: time.Second,
		mends:  func(t *testing.T, l *testbed) { l.addDefault(t, otherGateway, 0) },
		device: "wire", gateway: otherGateway,
	},
	{
		name: "another address in place of the old one",
		breaks: func(t *testing.T, l *testbed) {
			l.delAddress(t, "wire", clientOuter+"/24")
		}, lasts: time.Second, missing: true,
		mends: func(t *testing.T, l *testbed) {
			l.client.Must(t, func() error { return netns.AddAddress("wire", newClient+"/24") })
			l.addDefault(t, serverOuter, 0)
		},
		anew: true, device: "wire", gateway: serverOuter,
	},
	{
		name:   "DHCP renews the address",
		breaks: func(t *testing.T, l *testbed) { l.renew(t, 3600) }, lasts: time.Second,
		mends:  func(t *testing.T, l *testbed) { l.renew(t, 7200) },
		device: "wire", gateway: serverOuter,
	},
	{
		name: "DHCP takes the address off, and gives the same again", missing: true,
		breaks: func(t *testing.T, l *testbed) { l.delAddress(t, "wire", clientOuter+"/24") }, lasts: time.Second,
		mends: func(t *testing.T, l *testbed) {
			l.renew(t, 3600)
			l.addDefault(t, serverOuter, 0)
		},
		device: "wire", gateway: serverOuter,
	},
	{
		name: "another network before the old one goes", prepare: func(t *testing.T, l *testbed) { l.addCable(t) },
		breaks: func(t *testing.T, l *testbed) {
			l.addDefault(t, otherServer, 50)
			l.delAddress(t, "wire", clientOuter+"/24") // with it goes the other default route
		},
		anew: true, device: "wire2", gateway: otherServer,
	},
	{
		name: "another network that is better, while the old one stays", prepare: func(t *testing.T, l *testbed) {
			l.addCable(t)
			l.delDefault(t, serverOuter, 0)
			l.addDefault(t, serverOuter, 100)
		},
		breaks: func(t *testing.T, l *testbed) { l.addDefault(t, otherServer, 50) },
		anew:   true, device: "wire2", gateway: otherServer,
	},
	{
		name: "link down for 3 s, with a host route", connect: []string{"--table", "main"},
		breaks: func(t *testing.T, l *testbed) { l.linkDown(t, "wire") }, lasts: 3 * time.Second, missing: true,
		mends:  func(t *testing.T, l *testbed) { l.linkUp(t, "wire"); l.addDefault(t, serverOuter, 0) },
		device: "wire", gateway: serverOuter,
	},
	{
		name: "another gateway before the old one goes, with a host route", connect: []string{"--table", "main"},
		prepare: func(t *testing.T, l *testbed) { l.addGateway(t) },
		breaks: func(t *testing.T, l *testbed) {
			l.client.Must(t, func() error { return netlink.RouteReplace(defaultBy(otherGateway, 0)) })
			l.delGateway(t)
		},
		device: "wire", gateway: otherGateway,
	},
	{
		name: "two uplinks, and the better one fails, with a host route", connect: []string{"--table", "main"},
		prepare: func(t *testing.T, l *testbed) {
			l.addCable(t)
			l.addDefault(t, otherServer, 100)
		},
		breaks: func(t *testing.T, l *testbed) { l.linkDown(t, "wire") },
		anew:   true, device: "wire2", gateway: otherServer,
	},
	{
		name: "two uplinks, and the better one fails", prepare: func(t *testing.T, l *testbed) {
			l.addCable(t)
			l.addDefault(t, otherServer, 100)
		},
		breaks: func(t *testing.T, l *testbed) { l.linkDown(t, "wire") },
		anew:   true, device: "wire2", gateway: otherServer,
	},
}

// renew has the client's address on the first cable be there for so many seconds, as DHCP does.
func (l *testbed) renew(t *testing.T, seconds int) {
	t.Helper()
	l.link(t, "wire", func(link netlink.Link) error {
		addr, err := netlink.ParseAddr(clientOuter + "/24")
		if err != nil {
			return err
		}
		addr.ValidLft, addr.PreferedLft = seconds, seconds
		return netlink.AddrReplace(link, addr)
	})
}

// addGateway gives the client's first cable another gateway.
func (l *testbed) addGateway(t *testing.T) {
	t.Helper()
	l.server.Must(t, func() error { return netns.AddAddress("wire", otherGateway+"/24") })
}

// delGateway takes the first gateway away: nobody answers for it any more.
func (l *testbed) delGateway(t *testing.T) {
	t.Helper()
	l.link(t, "wire", func(link netlink.Link) error {
		// The server goes on answering, but not at this address: as if another machine had been it.
		return netlink.NeighSet(&netlink.Neigh{
			LinkIndex: link.Attrs().Index, State: netlink.NUD_PERMANENT, IP: net.ParseIP(serverOuter),
			HardwareAddr: net.HardwareAddr{2, 0, 0, 0, 0, 0xEE},
		})
	})
}

// TestE2EWayToTheServer: whatever becomes of the network below a tunnel that takes everything, not
// one packet of the tunnel itself comes out of its device, nothing is sent again and again, and the
// tunnel is back by itself.
func TestE2EWayToTheServer(t *testing.T) {
	for _, tc := range outages {
		if tc.long && os.Getenv("ARC4_LONG_TESTS") != "1" {
			continue
		}
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			tc.run(t)
		})
	}
}

func (tc outage) run(t *testing.T) {
	l := newTestbed(t)
	if tc.prepare != nil {
		tc.prepare(t, l)
	}
	l.serve(t, "--listen", serverFar)
	server := serverFar
	if tc.byName {
		server = serverName
		l.server.Must(t, func() error { return netns.AddAddress("lo", nameFar+"/32") })
		l.server.nameServer(t, nameFar, serverFar)
		l.client.resolves(t, nameFar)
	}
	client := l.connectTo(t, server, "wonderland", append([]string{"--default-route", "--reconnect"}, tc.connect...)...).up(t)
	l.client.ping(t, serverInner, 1400)
	l.trickle(t)
	start := l.spends(t, client)
	tc.breaks(t, l)
	if tc.missing {
		waitFor(t, "the tunnel to say that there is no way", func() error {
			if l.clientStatus(t).Way.Missing == "" {
				return errors.New("it does not")
			}
			return nil
		})
	}
	time.Sleep(tc.lasts) // the outage itself
	if tc.mends != nil {
		tc.mends(t, l)
	}
	mended := time.Now()
	waitFor(t, "the way to the server", func() error {
		if device, gateway := l.client.way(t, serverFar); device != tc.device || gateway != tc.gateway {
			return fmt.Errorf("it leads by %s and %s", device, gateway)
		}
		return nil
	})
	if tc.anew {
		client.waitLog(t, "tunnel is up", 2)
	}
	l.back(t)
	took := time.Since(mended)
	end := l.spends(t, client)
	out := end.when.Sub(start.when)
	t.Logf("back after %.2f s; %d packets left in %.1f s, and %d entered the tunnel; processor time %v (%.1f%%)", took.Seconds(),
		end.packets-start.packets, out.Seconds(), end.entered-start.entered, end.cpu-start.cpu, 100*(end.cpu-start.cpu).Seconds()/out.Seconds())
	assert.LessOrEqual(t, end.packets-start.packets, mostPackets(out), "in %v", out)
	assert.LessOrEqual(t, end.entered-start.entered, mostPackets(out), "in %v", out)

	s := l.clientStatus(t)
	assert.Zero(t, s.Refused["ip_loop"])
	if !tc.anew {
		assert.Equal(t, 1, strings.Count(client.stderr.String(), "tunnel is up"), "the call goes on")
	}
	waitFor(t, "the status to say so", func() error {
		if way := l.clientStatus(t).Way; way.Device != tc.device || way.Gateway != tc.gateway {
			return fmt.Errorf("it says %+v", way)
		}
		return nil
	})
	client.stop(t, syscall.SIGTERM)
	l.noHostRoute(t)
}

// noHostRoute holds the client to having none to the server left.
func (l *testbed) noHostRoute(t *testing.T) {
	t.Helper()
	l.client.Must(t, func() error {
		routes, err := netlink.RouteListFiltered(netlink.FAMILY_V4, &netlink.Route{Dst: prefix(serverFar + "/32")}, netlink.RT_FILTER_DST)
		if err == nil && len(routes) > 0 {
			err = fmt.Errorf("%v is left", routes)
		}
		return err
	})
}

// pingFor is pingOnce with a time to wait for the answer.
func pingFor(c net.PacketConn, to string, wait time.Duration) error {
	return pingOnce(deadline{c, wait}, to, 1, 84)
}

// deadline is a connection whose deadlines are nearer.
type deadline struct {
	net.PacketConn
	wait time.Duration
}

func (d deadline) SetReadDeadline(time.Time) error {
	return d.PacketConn.SetReadDeadline(time.Now().Add(d.wait))
}
