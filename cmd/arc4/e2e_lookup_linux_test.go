package main

import (
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/net/dns/dnsmessage"
	"golang.org/x/sys/unix"

	"github.com/arc4tun/arc4tun/internal/lab/labtest"
	"github.com/arc4tun/arc4tun/internal/lab/netns"
)

const (
	serverName = "vpn.example.net"
	serverNext = "203.0.113.2"  // the server's too, later
	serverDead = "203.0.113.99" // nobody's: packets to it vanish at the gateway
	nameFar    = "203.0.113.53" // a name server beyond the gateway
)

// What is behind a tunnel.
const (
	insideName   = "files.office.example"
	insideAnswer = "198.51.100.80"
	insideServer = "198.51.100.53" // a name server behind the tunnel's server
)

// resolvConf is the machine's, byte by byte.
func (m *machine) resolvConf(t *testing.T) string {
	t.Helper()
	var content []byte
	m.Must(t, func() (err error) {
		content, err = os.ReadFile("/etc/resolv.conf")
		return err
	})
	return string(content)
}

// nameServer answers look-ups of one name.
type nameServer struct {
	name      string
	mu        sync.Mutex
	addresses []string
	asked     int
	conn      net.PacketConn
}

// nameServer starts one on an address of a machine, with the addresses that it gives.
func (m *machine) nameServer(t *testing.T, on string, addresses ...string) *nameServer {
	t.Helper()
	n := &nameServer{name: serverName, addresses: addresses}
	m.Must(t, func() (err error) {
		n.conn, err = net.ListenPacket("udp4", on+":53")
		return err
	})
	t.Cleanup(n.stop)
	go n.serve()
	return n
}

func (n *nameServer) stop() { n.conn.Close() }

// knows has it answer about another name than the server's.
func (n *nameServer) knows(name string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.name = name
}

func (n *nameServer) moves(addresses ...string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.addresses = addresses
}

func (n *nameServer) questions() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.asked
}

func (n *nameServer) serve() {
	buf := make([]byte, 1500)
	for {
		size, from, err := n.conn.ReadFrom(buf)
		if err != nil {
			return
		}
		if answer := n.answer(buf[:size]); answer != nil {
			_, _ = n.conn.WriteTo(answer, from)
		}
	}
}

func (n *nameServer) answer(question []byte) []byte {
	var m dnsmessage.Message
	if m.Unpack(question) != nil || len(m.Questions) != 1 {
		return nil
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.asked++
	q := m.Questions[0]
	m.Response, m.RecursionAvailable, m.Additionals = true, true, nil
	switch {
	case q.Name.String() != n.name+".":
		m.RCode = dnsmessage.RCodeNameError
	case q.Type == dnsmessage.TypeA:
		for _, a := range n.addresses {
			m.Answers = append(m.Answers, dnsmessage.Resource{
				Header: dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class, TTL: 1},
				Body:   &dnsmessage.AResource{A: netip.MustParseAddr(a).As4()},
			})
		}
	}
	b, err := m.Pack()
	if err != nil {
		return nil
	}
	return b
}

// resolves has the machine's programs ask these name servers. Its mounts are its own.
func (m *machine) resolves(t *testing.T, servers ...string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "resolv.conf")
	require.NoError(t, os.WriteFile(file, []byte("nameserver "+strings.Join(servers, "\nnameserver ")+"\n"), 0o644))
	if _, err := os.Stat("/etc/resolv.conf"); err != nil {
		labtest.Skip(t, "nothing to put a resolv.conf over: %v", err)
	}
	m.Must(t, func() error { return unix.Mount(file, "/etc/resolv.conf", "", unix.MS_BIND, "") })
}

// lookup is a server that is known by its name, goes away and comes back while all goes through the
// tunnel.
type lookup struct {
	name    string
	prepare func(*testing.T, *testbed) *nameServer
	moves   func(*testing.T, *testbed, *nameServer)
	back    string // where the server listens then
	asked   bool   // the name server hears a question after that
}

var lookups = []lookup{
	{
		name: "name server beyond the gateway",
		prepare: func(t *testing.T, l *testbed) *nameServer {
			l.client.resolves(t, nameFar)
			return l.server.nameServer(t, nameFar, serverFar)
		},
		back: serverFar, asked: true,
	},
	{
		name: "name server on the LAN, and a new address",
		prepare: func(t *testing.T, l *testbed) *nameServer {
			l.client.resolves(t, serverOuter)
			return l.server.nameServer(t, serverOuter, serverFar)
		},
		moves: func(_ *testing.T, _ *testbed, n *nameServer) { n.moves(serverNext) },
		back:  serverNext, asked: true,
	},
	{
		name: "name server beyond the gateway, and a new address",
		prepare: func(t *testing.T, l *testbed) *nameServer {
			l.client.resolves(t, nameFar)
			return l.server.nameServer(t, nameFar, serverFar)
		},
		moves: func(_ *testing.T, _ *testbed, n *nameServer) { n.moves(serverNext) },
		back:  serverNext, asked: true,
	},
	{
		name: "several addresses, and another one is dead each time",
		prepare: func(t *testing.T, l *testbed) *nameServer {
			l.client.resolves(t, nameFar)
			return l.server.nameServer(t, nameFar, serverDead, serverFar, serverNext)
		},
		back: serverNext, asked: true,
	},
	{
		name: "name server that answers no more",
		prepare: func(t *testing.T, l *testbed) *nameServer {
			l.client.resolves(t, nameFar)
			return l.server.nameServer(t, nameFar, serverFar)
		},
		moves: func(_ *testing.T, _ *testbed, n *nameServer) { n.stop() },
		back:  serverFar,
	},
	{
		name: "resolver on this machine, and a new address",
		prepare: func(t *testing.T, l *testbed) *nameServer {
			l.client.resolves(t, "127.0.0.53")
			stub := l.client.nameServer(t, "127.0.0.53", serverFar)
			t.Cleanup(stub.stop)
			l.client.Must(t, func() error {
				if err := os.MkdirAll("/run/systemd/resolve", 0o755); err != nil {
					return err
				}
				return os.WriteFile("/run/systemd/resolve/resolv.conf", []byte("nameserver "+nameFar+"\n"), 0o644)
			})
			return l.server.nameServer(t, nameFar, serverNext) // the stub asked it once, and what it asks now goes into the tunnel
		},
		back: serverNext, asked: true,
	},
}

// TestE2ELookUps: while there is no call, names are looked up around the tunnel, and each address
// is tried.
func TestE2ELookUps(t *testing.T) {
	for _, tc := range lookups {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			tc.run(t)
		})
	}
}

func (tc lookup) run(t *testing.T) {
	l := newTestbed(t)
	l.server.Must(t, func() error { return netns.AddAddress("lo", serverNext+"/32") })
	l.server.Must(t, func() error { return netns.AddAddress("lo", nameFar+"/32") })
	names := tc.prepare(t, l)
	server := l.serve(t, "--listen", serverFar)
	client := l.connectTo(t, serverName, "wonderland", "--default-route", "--reconnect").up(t)
	l.client.ping(t, serverInner, 1400)
	l.trickle(t)
	start := l.spends(t, client)
	asked := names.questions()
	server.stop(t, syscall.SIGTERM)
	if tc.moves != nil {
		tc.moves(t, l, names)
	}
	waitFor(t, "the client to try again", func() error {
		if !strings.Contains(client.stderr.String(), "trying again") {
			return os.ErrNotExist
		}
		return nil
	})
	l.serve(t, "--listen", tc.back)
	listening := time.Now()
	client.waitLog(t, "tunnel is up", 2)
	l.back(t)
	took := time.Since(listening)
	end := l.spends(t, client)
	out := end.when.Sub(start.when)
	t.Logf("back %.2f s after the server; %d packets left in %.1f s; processor time %v", took.Seconds(), end.packets-start.packets, out.Seconds(), end.cpu-start.cpu)
	assert.LessOrEqual(t, end.packets-start.packets, mostPackets(out))
	assert.LessOrEqual(t, end.entered-start.entered, mostPackets(out))
	s := l.clientStatus(t)
	assert.Zero(t, s.Refused["ip_loop"])
	assert.Equal(t, tc.back, s.Way.Server)
	if tc.asked {
		assert.Greater(t, names.questions(), asked)
	}
	device, _ := l.client.way(t, tc.back)
	assert.Equal(t, "wire", device, "the way to the server")
	device, _ = l.client.way(t, serverInner)
	assert.Equal(t, "arc40", device, "everything else")
	client.stop(t, syscall.SIGTERM)
	l.noHostRoute(t)
}
