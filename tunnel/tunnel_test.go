package tunnel

import (
	"context"
	"fmt"
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
	"github.com/arc4tun/arc4tun/tunnel/ppp"
	"github.com/arc4tun/arc4tun/tunnel/status"
)

// linePool gives 10.99.0.100, .101, ... and never takes back.
type linePool struct{ next byte }

func (p *linePool) Take(_ string, allowed func(netip.Addr) bool) (netip.Addr, error) {
	a := netip.AddrFrom4([4]byte{10, 99, 0, 100 + p.next})
	if allowed != nil && !allowed(a) {
		return netip.Addr{}, fmt.Errorf("%s is not allowed", a)
	}
	p.next++
	return a, nil
}
func (p *linePool) Reserve(netip.Addr) bool { return true }
func (p *linePool) Give(netip.Addr) bool    { return true }

// world is a server and a client in one process, joined by real TCP on loopback and a pipe for GRE.
type world struct {
	t                    *testing.T
	server               *Server
	client               *Client
	serverDev, clientDev *memDevice
	up                   chan Network
	clientErr, serverErr chan error
	stopClient           context.CancelFunc
	stopServer           context.CancelFunc
	serverGRE, clientGRE gre.Conn
}

// wireOptions say what happens to GRE packets between the two ends.
type wireOptions struct {
	Queue int // as in memnet.Options
	// Impair gets every packet, if not nil, and calls deliver with what arrives at the other end:
	// at once or later, from any goroutine, never, once or several times.
	Impair func(from netip.Addr, packet []byte, deliver func(packet []byte))
}

// join opens the sockets of both ends.
func (o wireOptions) join(t testing.TB) (server, client gre.Conn) {
	t.Helper()
	var n *memnet.Network
	n = memnet.New(memnet.Options{Queue: o.Queue, Carry: func(from, to netip.Addr, packets [][]byte) {
		for _, p := range packets {
			if o.Impair == nil {
				n.Arrive(from, to, p)
				continue
			}
			o.Impair(from, p, func(p []byte) { n.Arrive(from, to, p) })
		}
	}})
	server, err := n.Listen(serverOuter)
	require.NoError(t, err)
	client, err = n.Listen(clientOuter)
	require.NoError(t, err)
	return server, client
}

// setting changes what a world is made of.
type setting func(*ClientConfig, *ServerConfig, *wireOptions)

func newWorld(t *testing.T, settings ...setting) *world {
	t.Helper()
	w := &world{
		t: t, serverDev: newMemDevice(), clientDev: newMemDevice(),
		up: make(chan Network, 10), clientErr: make(chan error, 1), serverErr: make(chan error, 1),
	}
	listener, err := net.Listen("tcp4", serverOuter.String()+":0")
	require.NoError(t, err)
	log := slog.New(slog.NewTextHandler(testWriter{t}, &slog.HandlerOptions{Level: slog.LevelDebug}))
	sc := ServerConfig{
		Options: Options{Log: log.With("end", "server")}, Listeners: []net.Listener{listener}, Device: w.serverDev, LocalIP: serverIP, Pool: &linePool{},
		Lookup: func(user string) (Account, bool) {
			return Account{Account: ppp.Account{Password: "secret"}}, user == "alice"
		},
		DNS: []netip.Addr{netip.MustParseAddr("9.9.9.9")},
	}
	cc := ClientConfig{
		Options: Options{Log: log.With("end", "client")}, Server: listener.Addr().String(),
		User: "alice", Password: "secret", RequestDNS: true,
		Bring:   func(context.Context, Network) (netdev.Device, error) { return w.clientDev, nil },
		Changed: func(up bool, n Network) { w.changed(up, n) },
		Dial: func(ctx context.Context, address string) (net.Conn, error) {
			d := net.Dialer{LocalAddr: &net.TCPAddr{IP: clientOuter.AsSlice()}}
			return d.DialContext(ctx, "tcp4", address)
		},
	}
	var po wireOptions
	for _, s := range settings {
		s(&cc, &sc, &po)
	}
	w.serverGRE, w.clientGRE = po.join(t)
	if sc.ListenGRE == nil {
		sc.ListenGRE = func(netip.Addr) (gre.Conn, error) { return w.serverGRE, nil }
	}
	if cc.ListenGRE == nil {
		cc.ListenGRE = func(local, peer netip.Addr) (gre.Conn, error) { return w.clientGRE, nil }
	}
	w.server, err = NewServer(sc)
	require.NoError(t, err)
	w.client, err = NewClient(cc)
	require.NoError(t, err)
	var serverCtx, clientCtx context.Context
	serverCtx, w.stopServer = context.WithCancel(context.Background())
	clientCtx, w.stopClient = context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { w.serverErr <- w.server.Serve(serverCtx) })
	running.Go(func() { w.clientErr <- w.client.Run(clientCtx) })
	t.Cleanup(func() {
		w.stopClient()
		w.stopServer()
		w.clientDev.Close()
		running.Wait() // they log to the test
	})
	return w
}

func (w *world) changed(up bool, n Network) {
	if up {
		w.up <- n
	}
}

// testWriter sends a log to the test's own.
type testWriter struct{ t *testing.T }

func (w testWriter) Write(p []byte) (int, error) {
	w.t.Logf("%s", p)
	return len(p), nil
}

// timeout bounds every wait for something that must happen; no test measures time by it.
const timeout = 60 * time.Second

func (w *world) waitUp() Network {
	w.t.Helper()
	select {
	case n := <-w.up:
		// Either end may be a packet ahead of the other, and of its own data path.
		w.eventually(func() bool { return isUp(w.client.Snapshot()) && isUp(w.server.Snapshot()) }, "both ends are up")
		return n
	case err := <-w.clientErr:
		require.FailNow(w.t, "the client ended", "%v", err)
	case <-time.After(timeout):
		require.FailNow(w.t, "the tunnel does not come up")
	}
	return Network{}
}

func (w *world) waitClient() error {
	w.t.Helper()
	select {
	case err := <-w.clientErr:
		return err
	case <-time.After(timeout):
		require.FailNow(w.t, "the client does not end")
		return nil
	}
}

// eventually waits for what must become true.
func (w *world) eventually(is func() bool, what string) {
	w.t.Helper()
	require.Eventually(w.t, is, timeout, time.Millisecond, what)
}

func isUp(s status.Snapshot) bool { return len(s.Sessions) == 1 && s.Sessions[0].State == "up" }

// stop ends both and demands that they end in order.
func (w *world) stop() {
	w.t.Helper()
	w.stopClient()
	require.Equal(w.t, ClassAdmin, ClassOf(w.waitClient()))
	w.endServer()
}

// endServer ends the server and demands that it ends in order.
func (w *world) endServer() {
	w.t.Helper()
	w.stopServer()
	select {
	case err := <-w.serverErr:
		require.NoError(w.t, err)
	case <-time.After(timeout):
		require.FailNow(w.t, "the server does not end")
	}
}

// expect takes the next packet from a device.
func (w *world) expect(d *memDevice) []byte {
	w.t.Helper()
	select {
	case p := <-d.Got:
		return p
	case <-time.After(timeout):
		require.FailNow(w.t, "no packet comes")
		return nil
	}
}

// exchange sends n packets each way and demands every one, in order.
func (w *world) exchange(n int) {
	w.t.Helper()
	for i := range n {
		size := 24 + i*37%1377
		up, down := packet(clientIP, serverIP, uint32(i), size), packet(serverIP, clientIP, uint32(i), size)
		w.clientDev.Put(up)
		w.serverDev.Put(down)
		require.Equal(w.t, up, w.expect(w.serverDev))
		require.Equal(w.t, down, w.expect(w.clientDev))
	}
}

func TestTunnelCarriesPacketsBothWays(t *testing.T) {
	w := newWorld(t)
	n := w.waitUp()
	require.Equal(t, clientIP, n.Local)
	require.Equal(t, serverIP, n.Remote)
	require.Equal(t, 128, n.Encrypted)
	require.Equal(t, DefaultMTU, n.MTU)
	require.Equal(t, []netip.Addr{netip.MustParseAddr("9.9.9.9")}, n.DNS)
	w.exchange(300)
	w.stop()
}
