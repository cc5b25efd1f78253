package scale

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/arc4tun/arc4tun/internal/lab/memnet"
	"github.com/arc4tun/arc4tun/tunnel"
	"github.com/arc4tun/arc4tun/tunnel/gre"
	"github.com/arc4tun/arc4tun/tunnel/pool"
	"github.com/arc4tun/arc4tun/tunnel/ppp"
	"github.com/arc4tun/arc4tun/tunnel/trace"
)

// testbed is a server and its clients.
type testbed struct {
	cfg           Config
	network       *memnet.Network
	pool          *pool.Pool
	accounts      map[string]tunnel.Account
	password      string
	device        *serverDevice
	server        *tunnel.Server
	address       string // of the server
	stop          context.CancelFunc
	done          chan error
	clients       []*client
	recorder      *recorder                // the server's socket, where what comes in is measured alone
	extraSessions int                      // for others than the clients
	socket        atomic.Pointer[gre.Conn] // the server's, of the network
	settleTimeout time.Duration            // how long packets may take to come back; 0: callTimeout
	trace         *trace.Trace             // what the server says; nil: nobody looks
}

var (
	serverOuter = netip.AddrFrom4([4]byte{127, 32, 0, 1})
	serverInner = netip.AddrFrom4([4]byte{10, 64, 0, 1})
	firstInner  = netip.AddrFrom4([4]byte{10, 64, 0, 2})
	lastInner   = netip.AddrFrom4([4]byte{10, 64, 255, 254})
)

// callsAtOnce is how many clients set their calls up at the same time: fewer than a
// server allows of unauthenticated peers (tunnel.GuardLimits).
const callsAtOnce = 128

// callTimeout is how long a client may take to be up.
const callTimeout = 30 * time.Second

// maxUnderWay bounds the packets of all circles together. The network's queues hold
// them all.
const maxUnderWay = 1 << 15

// openTestbed starts the server, without clients.
func openTestbed(ctx context.Context, cfg Config) (*testbed, error) {
	tb, err := newTestbed(cfg, memnet.Options{Queue: 2 * maxUnderWay})
	if err != nil {
		return nil, err
	}
	return tb, tb.open(ctx)
}

// newTestbed makes the server's local end, and the clients' accounts.
func newTestbed(cfg Config, wires memnet.Options) (*testbed, error) {
	tb := &testbed{cfg: cfg, network: memnet.New(wires), done: make(chan error, 1), password: rand.Text()}
	tb.accounts = make(map[string]tunnel.Account, cfg.Sessions)
	inner := firstInner
	for i := range cfg.Sessions {
		// Each has its address, so that the device knows whose a packet is.
		tb.accounts[userName(i)] = tunnel.Account{Account: ppp.Account{Password: tb.password}, Preferred: inner}
		inner = inner.Next()
	}
	tb.device = newServerDevice(serverInner, firstInner, cfg.Sessions, cfg.Bytes, maxUnderWay)
	var err error
	tb.pool, err = pool.Parse(fmt.Sprintf("%v-%v", firstInner, lastInner))
	return tb, err
}

// open starts the server.
func (tb *testbed) open(ctx context.Context) error {
	listener, err := net.Listen("tcp4", netip.AddrPortFrom(serverOuter, 0).String())
	if err != nil {
		return err
	}
	tb.server, err = tunnel.NewServer(tunnel.ServerConfig{
		Options:   tunnel.Options{Backend: tb.cfg.Backend, Log: tb.cfg.Log, Trace: tb.trace},
		Listeners: []net.Listener{listener}, Device: tb.device, LocalIP: serverInner, Pool: tb.pool, MaxSessions: tb.cfg.Sessions + tb.extraSessions,
		Lookup: func(user string) (tunnel.Account, bool) {
			a, ok := tb.accounts[user]
			return a, ok
		},
		ListenGRE: tb.listenGRE,
	})
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	tb.address = listener.Addr().String()
	serving, stop := context.WithCancel(context.WithoutCancel(ctx))
	tb.stop = stop
	go func() { tb.done <- tb.server.Serve(serving) }()
	return nil
}

// makeClients makes the clients, without starting them.
func (tb *testbed) makeClients() error {
	for i := range tb.cfg.Sessions {
		cl, err := newClient(i, tb.cfg, tb.network, tb.address, tb.password, newClientDevice(tb.cfg.deviceBatch(), tb.cfg.Bytes))
		if err != nil {
			return err
		}
		tb.clients = append(tb.clients, cl)
	}
	return nil
}

// listenGRE opens the server's socket at one of its addresses.
func (tb *testbed) listenGRE(local netip.Addr) (gre.Conn, error) {
	if tb.recorder != nil {
		return tb.recorder, nil
	}
	socket, err := tb.network.Listen(local)
	tb.socket.Store(&socket)
	return socket, err
}

// setUp brings every session up, and says how long that took.
func (tb *testbed) setUp(ctx context.Context) (time.Duration, error) {
	if len(tb.clients) == 0 {
		if err := tb.makeClients(); err != nil {
			return 0, err
		}
	}
	began := time.Now()
	calls, calling := errgroup.WithContext(ctx)
	calls.SetLimit(callsAtOnce)
	for _, cl := range tb.clients {
		calls.Go(func() error { return cl.call(calling, callTimeout) })
	}
	if err := calls.Wait(); err != nil {
		return 0, err
	}
	took := time.Since(began)
	// The client is up a moment before the server.
	for limit := time.Now().Add(callTimeout); ; time.Sleep(time.Millisecond) {
		up := 0
		for _, s := range tb.server.Snapshot().Sessions {
			if s.State == "up" {
				up++
			}
		}
		switch {
		case up == len(tb.clients):
			return took, nil
		case time.Now().After(limit) || ctx.Err() != nil:
			return 0, errors.Join(ctx.Err(), fmt.Errorf("%d of %d sessions are up at the server", up, len(tb.clients)))
		}
	}
}

// forEachClient does something to every client, many at the same time.
func (tb *testbed) forEachClient(do func(*client) error) error {
	var all errgroup.Group
	for _, cl := range tb.clients {
		all.Go(func() error { return do(cl) })
	}
	return all.Wait()
}

// vanish takes all clients away without a word.
func (tb *testbed) vanish() error {
	if err := tb.forEachClient((*client).vanish); err != nil {
		return err
	}
	for _, cl := range tb.clients {
		*cl = client{control: cl.control}
	}
	return nil
}

// close ends every session in order, then the server, and says how long that took.
func (tb *testbed) close() (time.Duration, error) {
	began := time.Now()
	errs := []error{tb.forEachClient((*client).hangUp)}
	for _, cl := range tb.clients {
		cl.closeLeftover()
	}
	tb.stop()
	errs = append(errs, <-tb.done, tb.device.firstFailure())
	if n := len(tb.server.Snapshot().Sessions); n != 0 {
		errs = append(errs, fmt.Errorf("%d sessions are left at a server that has ended", n))
	}
	return time.Since(began), errors.Join(errs...)
}
