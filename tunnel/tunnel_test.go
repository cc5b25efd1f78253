package tunnel

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.zx2c4.com/wireguard/tun"

	"github.com/arc4tun/arc4tun/tunnel/gre"
	"github.com/arc4tun/arc4tun/tunnel/netdev"
	"github.com/arc4tun/arc4tun/tunnel/ppp"
	"github.com/arc4tun/arc4tun/tunnel/status"
)

// memDevice is a tun.Device in memory. What the tunnel delivers comes out of got; what is sent with
// put goes into the tunnel.
type memDevice struct {
	got    chan []byte
	in     chan []byte
	closed chan struct{}
	once   sync.Once
}

func newMemDevice() *memDevice {
	return &memDevice{got: make(chan []byte, 100000), in: make(chan []byte, 1000), closed: make(chan struct{})}
}

func (d *memDevice) put(p []byte) { d.in <- append([]byte(nil), p...) }

func (d *memDevice) Read(bufs [][]byte, sizes []int, offset int) (int, error) {
	select {
	case <-d.closed:
		return 0, os.ErrClosed
	case p := <-d.in:
		sizes[0] = copy(bufs[0][offset:], p)
	}
	n := 1
	for n < len(bufs) {
		select {
		case p := <-d.in:
			sizes[n] = copy(bufs[n][offset:], p)
			n++
		default:
			return n, nil
		}
	}
	return n, nil
}

func (d *memDevice) Write(bufs [][]byte, offset int) (int, error) {
	for _, b := range bufs {
		select {
		case d.got <- append([]byte(nil), b[offset:]...):
		default:
			return 0, errors.New("nobody reads")
		}
	}
	return len(bufs), nil
}

func (d *memDevice) File() *os.File           { return nil }
func (d *memDevice) MTU() (int, error)        { return DefaultMTU, nil }
func (d *memDevice) Name() (string, error)    { return "mem0", nil }
func (d *memDevice) Events() <-chan tun.Event { return nil }
func (d *memDevice) BatchSize() int           { return 32 }
func (d *memDevice) Close() error             { d.once.Do(func() { close(d.closed) }); return nil }

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

var (
	serverOuter = netip.MustParseAddr("127.0.0.2")
	clientOuter = netip.MustParseAddr("127.0.0.1")
	serverIP    = netip.MustParseAddr("10.99.0.1")
	clientIP    = netip.MustParseAddr("10.99.0.100")
)

// setting changes what a world is made of.
type setting func(*ClientConfig, *ServerConfig, *gre.PipeOptions)

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
	po := gre.PipeOptions{A: serverOuter, B: clientOuter}
	for _, s := range settings {
		s(&cc, &sc, &po)
	}
	w.serverGRE, w.clientGRE = gre.Pipe(po)
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

// patience bounds every wait for something that must happen; no test measures time by it.
const patience = 60 * time.Second

func (w *world) waitUp() Network {
	w.t.Helper()
	select {
	case n := <-w.up:
		// Either end may be a packet ahead of the other, and of its own data path.
		w.eventually(func() bool { return isUp(w.client.Snapshot()) && isUp(w.server.Snapshot()) }, "both ends are up")
		return n
	case err := <-w.clientErr:
		require.FailNow(w.t, "the client ended", "%v", err)
	case <-time.After(patience):
		require.FailNow(w.t, "the tunnel does not come up")
	}
	return Network{}
}

func (w *world) waitClient() error {
	w.t.Helper()
	select {
	case err := <-w.clientErr:
		return err
	case <-time.After(patience):
		require.FailNow(w.t, "the client does not end")
		return nil
	}
}

// eventually waits for what must become true.
func (w *world) eventually(is func() bool, what string) {
	w.t.Helper()
	require.Eventually(w.t, is, patience, time.Millisecond, what)
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
	case <-time.After(patience):
		require.FailNow(w.t, "the server does not end")
	}
}

// packet makes a sound IPv4 packet with a number in it.
func packet(from, to netip.Addr, number uint32, size int) []byte {
	p := make([]byte, max(size, 24))
	p[0] = 0x45
	binary.BigEndian.PutUint16(p[2:], uint16(len(p)))
	p[8], p[9] = 64, 253 // TTL; a protocol for experiments
	copy(p[12:16], from.AsSlice())
	copy(p[16:20], to.AsSlice())
	var sum uint32
	for i := 0; i < 20; i += 2 {
		sum += uint32(binary.BigEndian.Uint16(p[i:]))
	}
	for sum > 0xFFFF {
		sum = sum&0xFFFF + sum>>16
	}
	binary.BigEndian.PutUint16(p[10:], ^uint16(sum))
	binary.BigEndian.PutUint32(p[20:], number)
	return p
}

func number(p []byte) uint32 { return binary.BigEndian.Uint32(p[20:]) }

// expect takes the next packet from a device.
func (w *world) expect(d *memDevice) []byte {
	w.t.Helper()
	select {
	case p := <-d.got:
		return p
	case <-time.After(patience):
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
		w.clientDev.put(up)
		w.serverDev.put(down)
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
