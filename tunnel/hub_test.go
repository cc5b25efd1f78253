package tunnel

import (
	"context"
	"encoding/binary"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/tunnel/gre"
	"github.com/arc4tun/arc4tun/tunnel/netdev"
	"github.com/arc4tun/arc4tun/tunnel/pool"
	"github.com/arc4tun/arc4tun/tunnel/ppp"
	"github.com/arc4tun/arc4tun/tunnel/status"
)

// hub is a network of GRE packets with any number of ends, each at its own address.
type hub struct {
	mu   sync.Mutex
	ends map[netip.Addr]*hubEnd
	pass func(from, to netip.Addr, packet []byte) bool // nil: everything passes
}

// hubEnd is a gre.Conn at one address of a hub. It is the first of its readers.
type hubEnd struct {
	hub    *hub
	addr   netip.Addr
	queue  chan gre.Packet
	others []*hubEnd
	closed chan struct{}
	once   sync.Once
}

func newHub() *hub { return &hub{ends: make(map[netip.Addr]*hubEnd)} }

// listen opens the end at an address, which a closed one may have had before.
func (h *hub) listen(a netip.Addr) gre.Conn { return h.listenShared(a, 1) }

// listenShared opens an end with several readers.
func (h *hub) listenShared(a netip.Addr, readers int) *hubEnd {
	e := &hubEnd{hub: h, addr: a, queue: make(chan gre.Packet, 4096), closed: make(chan struct{})}
	for range readers - 1 {
		e.others = append(e.others, &hubEnd{queue: make(chan gre.Packet, 4096), closed: e.closed})
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ends[a] = e
	return e
}

func (h *hub) passing(pass func(from, to netip.Addr, packet []byte) bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.pass = pass
}

func (e *hubEnd) ReadBatch(pkts []gre.Packet) (int, error) {
	select {
	case <-e.closed:
		return 0, net.ErrClosed
	case p := <-e.queue:
		n := 0
		for {
			pkts[n].Addr, pkts[n].Data = p.Addr, pkts[n].Buf[:copy(pkts[n].Buf, p.Data)]
			if n++; n == len(pkts) {
				return n, nil
			}
			select {
			case p = <-e.queue:
			default:
				return n, nil
			}
		}
	}
}

func (e *hubEnd) WriteBatch(pkts []gre.Packet) (int, error) {
	select {
	case <-e.closed:
		return 0, net.ErrClosed
	default:
	}
	e.hub.mu.Lock()
	defer e.hub.mu.Unlock()
	for _, p := range pkts {
		to := e.hub.ends[p.Addr]
		if to == nil || e.hub.pass != nil && !e.hub.pass(e.addr, p.Addr, p.Data) {
			continue
		}
		select {
		case to.of(p.Data).queue <- gre.Packet{Addr: e.addr, Data: append([]byte(nil), p.Data...)}:
		default: // as a full socket buffer
		}
	}
	return len(pkts), nil
}

// of gives the reader of a packet.
func (e *hubEnd) of(packet []byte) *hubEnd {
	if i := gre.ReaderOf(binary.BigEndian.Uint16(packet[6:]), 1+len(e.others)); i > 0 {
		return e.others[i-1]
	}
	return e
}

func (e *hubEnd) Readers() []gre.Reader {
	all := []gre.Reader{e}
	for _, other := range e.others {
		all = append(all, other)
	}
	return all
}

func (e *hubEnd) LocalAddr() netip.Addr { return e.addr }
func (e *hubEnd) Stats() gre.Stats      { return gre.Stats{} }
func (e *hubEnd) Close() error          { e.once.Do(func() { close(e.closed) }); return nil }

// site is a server at a hub, for any number of guests.
type site struct {
	t       *testing.T
	hub     *hub
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
	s := &site{t: t, hub: newHub(), log: log, address: serverOuter.String() + ":0"}
	s.cfg = ServerConfig{
		Options: Options{Log: log.With("end", "server")}, LocalIP: serverIP,
		Lookup: func(user string) (Account, bool) {
			return Account{Account: ppp.Account{Password: "secret"}}, user == "alice"
		},
		ListenGRE: func(local netip.Addr) (gre.Conn, error) { return s.hub.listen(local), nil },
	}
	if change != nil {
		change(&s.cfg)
	}
	s.open()
	return s
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
		ListenGRE: func(local, _ netip.Addr) (gre.Conn, error) { return s.hub.listen(local), nil },
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

// served is whether the server's session with this guest is up.
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
