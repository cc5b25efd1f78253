package tunnel

import (
	"context"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/internal/lab/memnet"
	"github.com/arc4tun/arc4tun/tunnel/gre"
	"github.com/arc4tun/arc4tun/tunnel/netdev"
	"github.com/arc4tun/arc4tun/tunnel/pool"
	"github.com/arc4tun/arc4tun/tunnel/ppp"
	"github.com/arc4tun/arc4tun/tunnel/status"
)

// lossyNetwork is one in memory that may lose packets.
type lossyNetwork struct {
	*memnet.Network
	mu   sync.Mutex
	pass func(from, to netip.Addr, packet []byte) bool // nil: everything passes

	outside map[netip.Addr]netip.Addr // of hosts behind a NAT, the NAT's address
	inside  map[netip.Addr]netip.Addr // of a NAT's address, the host behind it that has what comes
}

func newLossyNetwork() *lossyNetwork {
	n := &lossyNetwork{outside: make(map[netip.Addr]netip.Addr), inside: make(map[netip.Addr]netip.Addr)}
	n.Network = memnet.New(memnet.Options{Carry: n.carry})
	return n
}

// passing chooses which packets pass from now on.
func (n *lossyNetwork) passing(pass func(from, to netip.Addr, packet []byte) bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.pass = pass
}

// listenBehind opens the socket of another host behind a NAT. What comes to the NAT's address is
// for that host from now on.
func (n *lossyNetwork) listenBehind(nat netip.Addr) (gre.Conn, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	host := 1 + len(n.outside)
	inner := netip.AddrFrom4([4]byte{10, 0, byte(host >> 8), byte(host)})
	n.outside[inner], n.inside[nat] = nat, inner
	return n.Listen(inner)
}

func (n *lossyNetwork) carry(from, to netip.Addr, packets [][]byte) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if nat, ok := n.outside[from]; ok {
		from = nat
	}
	if inner, ok := n.inside[to]; ok {
		to = inner
	}
	for _, p := range packets {
		if n.pass == nil || n.pass(from, to, p) {
			n.Arrive(from, to, p)
		}
	}
}

// site is a server in a network, for any number of guests.
type site struct {
	t       *testing.T
	net     *lossyNetwork
	log     *slog.Logger
	pool    *pool.Pool
	cfg     ServerConfig
	address string
	server  *Server
	dev     *memDevice
	stop    context.CancelFunc
	err     chan error
}

// newSite opens a server for alice, whose pool is 10.99.0.100 to 10.99.0.109.
func newSite(t *testing.T, change func(*ServerConfig)) *site {
	t.Helper()
	noLeaks(t)
	log := slog.New(slog.NewTextHandler(testWriter{t}, &slog.HandlerOptions{Level: slog.LevelDebug}))
	s := &site{t: t, net: newLossyNetwork(), log: log, address: serverOuter.String() + ":0"}
	s.cfg = ServerConfig{
		Options: Options{Log: log.With("end", "server")}, LocalIP: serverIP,
		Lookup: func(user string) (Account, bool) {
			return Account{Account: ppp.Account{Password: "secret"}}, user == "alice"
		},
		ListenGRE: func(local netip.Addr) (gre.Conn, error) { return s.net.Listen(local) },
	}
	if change != nil {
		change(&s.cfg)
	}
	s.open()
	return s
}

// listen opens a GRE socket of a test's own.
func (s *site) listen(outer string) gre.Conn {
	s.t.Helper()
	c, err := s.net.Listen(netip.MustParseAddr(outer))
	require.NoError(s.t, err)
	return c
}

// open starts the server, or, after close, another one on the same address.
func (s *site) open() {
	s.t.Helper()
	listener, err := net.Listen("tcp4", s.address)
	require.NoError(s.t, err)
	s.address = listener.Addr().String()
	cfg := s.cfg
	s.dev = newMemDevice()
	cfg.Listeners, cfg.Device = []net.Listener{listener}, s.dev
	if cfg.Pool == nil {
		s.pool, err = pool.Parse("10.99.0.100-10.99.0.109")
		require.NoError(s.t, err)
		cfg.Pool = s.pool
	}
	s.server, err = NewServer(cfg)
	require.NoError(s.t, err)
	ctx, stop := context.WithCancel(context.Background())
	server, ended := s.server, make(chan error, 1)
	s.stop, s.err = stop, ended
	go func() { ended <- server.Serve(ctx) }()
	s.t.Cleanup(stop)
}

// close ends the server and demands that it ends in order, with nothing left.
func (s *site) close() {
	s.t.Helper()
	s.stop()
	select {
	case err := <-s.err:
		require.NoError(s.t, err)
	case <-time.After(timeout):
		require.FailNow(s.t, "the server does not end")
	}
	require.Empty(s.t, s.server.Snapshot().Sessions)
	if s.pool != nil {
		require.Zero(s.t, s.pool.InUse())
	}
	require.Zero(s.t, s.server.guard.starting())
}

// alone is the one session of a server.
func (s *site) alone() status.Session {
	s.t.Helper()
	sessions := s.server.Snapshot().Sessions
	require.Len(s.t, sessions, 1)
	return sessions[0]
}

// eventually waits for what must become true.
func (s *site) eventually(is func() bool, what string) {
	s.t.Helper()
	require.Eventually(s.t, is, timeout, time.Millisecond, what)
}

// empty waits until the server has no session, no address in use and nobody in its handshake.
func (s *site) empty() {
	s.t.Helper()
	s.eventually(func() bool {
		return s.server.guard.starting() == 0 && len(s.server.Snapshot().Sessions) == 0 && s.pool.InUse() == 0
	}, "the server has nobody left")
}

// guest is a client at a site.
type guest struct {
	*site
	outer   netip.Addr
	network Network
	client  *Client
	dev     *memDevice
	tcp     chan *net.TCPConn // of each control connection
	up      chan Network
	down    chan struct{}
	brought int // how often the local end was asked for; read it after up
	leave   context.CancelFunc
	err     chan error
}

// guest starts a client at an outer address.
func (s *site) guest(outer string, change func(*ClientConfig)) *guest {
	s.t.Helper()
	g := &guest{
		site: s, outer: netip.MustParseAddr(outer), dev: newMemDevice(), tcp: make(chan *net.TCPConn, 100),
		up: make(chan Network, 100), down: make(chan struct{}, 100), err: make(chan error, 1),
	}
	cfg := ClientConfig{
		Options: Options{Log: s.log.With("end", outer)}, Server: s.address, User: "alice", Password: "secret",
		Bring: func(context.Context, Network) (netdev.Device, error) {
			g.brought++
			return g.dev, nil
		},
		Changed: func(up bool, n Network) {
			if up {
				g.up <- n
			} else {
				g.down <- struct{}{}
			}
		},
		Dial:      g.dial,
		ListenGRE: func(local, _ netip.Addr) (gre.Conn, error) { return s.net.Listen(local) },
	}
	if change != nil {
		change(&cfg)
	}
	var err error
	g.client, err = NewClient(cfg)
	require.NoError(s.t, err)
	ctx, leave := context.WithCancel(context.Background())
	g.leave = leave
	go func() { g.err <- g.client.Run(ctx) }()
	s.t.Cleanup(func() {
		leave()
		g.dev.Close()
	})
	return g
}

func (g *guest) dial(ctx context.Context, address string) (net.Conn, error) {
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: g.outer.AsSlice()}}
	conn, err := d.DialContext(ctx, "tcp4", address)
	if err == nil {
		g.tcp <- conn.(*net.TCPConn)
	}
	return conn, err
}

// waitUp waits until packets can pass both ways, and gives the client's network.
func (g *guest) waitUp() Network {
	g.t.Helper()
	select {
	case g.network = <-g.up:
	case err := <-g.err:
		require.FailNow(g.t, "the client ended", "%v", err)
	case <-time.After(timeout):
		require.FailNow(g.t, "the tunnel does not come up")
	}
	g.eventually(func() bool { return isUp(g.client.Snapshot()) && g.served() }, "both ends are up")
	return g.network
}

// served reports whether the server's session with this guest is up.
func (g *guest) served() bool {
	for _, s := range g.server.Snapshot().Sessions {
		if s.Peer == g.outer.String() && s.State == "up" {
			return true
		}
	}
	return false
}

// waitEnd waits for the reason why the client ends.
func (g *guest) waitEnd() error {
	g.t.Helper()
	select {
	case err := <-g.err:
		return err
	case <-time.After(timeout):
		require.FailNow(g.t, "the client does not end")
		return nil
	}
}

// quit ends the client and demands that it ends in order.
func (g *guest) quit() {
	g.t.Helper()
	g.leave()
	require.Equal(g.t, ClassAdmin, ClassOf(g.waitEnd()))
}

// exchange sends n packets each way and demands every one, at its place.
func (g *guest) exchange(n int) {
	g.t.Helper()
	for i := range n {
		up := packet(g.network.Local, serverIP, uint32(i), 24+i*37%1377)
		down := packet(serverIP, g.network.Local, uint32(i), 24+i*53%1377)
		g.dev.Put(up)
		g.site.dev.Put(down)
		require.Equal(g.t, up, arrived(g.t, g.site.dev))
		require.Equal(g.t, down, arrived(g.t, g.dev))
	}
}

// arrived takes the next packet from a device.
func arrived(t *testing.T, d *memDevice) []byte {
	t.Helper()
	select {
	case p := <-d.Got:
		return p
	case <-time.After(timeout):
		require.FailNow(t, "no packet comes")
		return nil
	}
}
