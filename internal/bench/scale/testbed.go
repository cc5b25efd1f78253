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
	"github.com/arc4tun/arc4tun/internal/trace"
	"github.com/arc4tun/arc4tun/tunnel"
	"github.com/arc4tun/arc4tun/tunnel/gre"
	"github.com/arc4tun/arc4tun/tunnel/pool"
	"github.com/arc4tun/arc4tun/tunnel/ppp"
)

// crowd is a server and its clients.
type crowd struct {
	cfg      Config
	network  *memnet.Network
	pool     *pool.Pool
	accounts map[string]tunnel.Account
	password string
	dev      *serverDevice
	server   *tunnel.Server
	address  string // of the server
	stop     context.CancelFunc
	done     chan error
	guests   []*guest
	recorder *recorder                // the server's socket, where what comes in is measured alone
	places   int                      // for clients besides the guests
	socket   atomic.Pointer[gre.Conn] // the server's, of the network
	settling time.Duration            // how long packets may take to come back; 0: patience
	trace    *trace.Trace             // what the server says; nil: nobody looks
}

var (
	serverOuter = netip.AddrFrom4([4]byte{127, 32, 0, 1})
	serverInner = netip.AddrFrom4([4]byte{10, 64, 0, 1})
	firstInner  = netip.AddrFrom4([4]byte{10, 64, 0, 2})
	lastInner   = netip.AddrFrom4([4]byte{10, 64, 255, 254})
)

// together is how many clients set their calls up at the same time: fewer than a
// server allows of strangers (tunnel.GuardLimits).
const together = 128

// patience is how long a client may take to be up.
const patience = 30 * time.Second

// maxUnderWay bounds the packets of all circles together. The network's queues hold
// them all.
const maxUnderWay = 1 << 15

// openCrowd starts the server, without clients.
func openCrowd(ctx context.Context, cfg Config) (*crowd, error) {
	c, err := newCrowd(cfg, memnet.Options{Queue: 2 * maxUnderWay})
	if err != nil {
		return nil, err
	}
	return c, c.open(ctx)
}

// newCrowd makes the server's local end, and the clients' accounts.
func newCrowd(cfg Config, wires memnet.Options) (*crowd, error) {
	c := &crowd{cfg: cfg, network: memnet.New(wires), done: make(chan error, 1), password: rand.Text()}
	c.accounts = make(map[string]tunnel.Account, cfg.Sessions)
	inner := firstInner
	for i := range cfg.Sessions {
		// Each has its address, so that the device knows whose a packet is.
		c.accounts[userOf(i)] = tunnel.Account{Account: ppp.Account{Password: c.password}, Preferred: inner}
		inner = inner.Next()
	}
	c.dev = newServerDevice(serverInner, firstInner, cfg.Sessions, cfg.Bytes, maxUnderWay)
	var err error
	c.pool, err = pool.Parse(fmt.Sprintf("%v-%v", firstInner, lastInner))
	return c, err
}

// open starts the server.
func (c *crowd) open(ctx context.Context) error {
	listener, err := net.Listen("tcp4", netip.AddrPortFrom(serverOuter, 0).String())
	if err != nil {
		return err
	}
	c.server, err = tunnel.NewServer(tunnel.ServerConfig{
		Options:   tunnel.Options{Backend: c.cfg.Backend, Log: c.cfg.Log, Trace: c.trace},
		Listeners: []net.Listener{listener}, Device: c.dev, LocalIP: serverInner, Pool: c.pool, MaxSessions: c.cfg.Sessions + c.places,
		Lookup: func(user string) (tunnel.Account, bool) {
			a, ok := c.accounts[user]
			return a, ok
		},
		ListenGRE: c.listenGRE,
	})
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	c.address = listener.Addr().String()
	serving, stop := context.WithCancel(context.WithoutCancel(ctx))
	c.stop = stop
	go func() { c.done <- c.server.Serve(serving) }()
	return nil
}

// invite makes the clients, without starting them.
func (c *crowd) invite() error {
	for i := range c.cfg.Sessions {
		g, err := newGuest(i, c.cfg, c.network, c.address, c.password, newClientDevice(c.cfg.deviceBatch(), c.cfg.Bytes))
		if err != nil {
			return err
		}
		c.guests = append(c.guests, g)
	}
	return nil
}

// listenGRE opens the server's socket at one of its addresses.
func (c *crowd) listenGRE(local netip.Addr) (gre.Conn, error) {
	if c.recorder != nil {
		return c.recorder, nil
	}
	socket, err := c.network.Listen(local)
	c.socket.Store(&socket)
	return socket, err
}

// setUp brings every session up, and says how long that took.
func (c *crowd) setUp(ctx context.Context) (time.Duration, error) {
	if len(c.guests) == 0 {
		if err := c.invite(); err != nil {
			return 0, err
		}
	}
	began := time.Now()
	calls, calling := errgroup.WithContext(ctx)
	calls.SetLimit(together)
	for _, g := range c.guests {
		calls.Go(func() error { return g.call(calling, patience) })
	}
	if err := calls.Wait(); err != nil {
		return 0, err
	}
	took := time.Since(began)
	// The client is up a moment before the server.
	for limit := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		up := 0
		for _, s := range c.server.Snapshot().Sessions {
			if s.State == "up" {
				up++
			}
		}
		switch {
		case up == len(c.guests):
			return took, nil
		case time.Now().After(limit) || ctx.Err() != nil:
			return 0, errors.Join(ctx.Err(), fmt.Errorf("%d of %d sessions are up at the server", up, len(c.guests)))
		}
	}
}

// each does something to every client, many at the same time.
func (c *crowd) each(do func(*guest) error) error {
	var all errgroup.Group
	for _, g := range c.guests {
		all.Go(func() error { return do(g) })
	}
	return all.Wait()
}

// vanish takes all clients away without a word.
func (c *crowd) vanish() error {
	if err := c.each((*guest).vanish); err != nil {
		return err
	}
	for _, g := range c.guests {
		*g = guest{tcp: g.tcp}
	}
	return nil
}

// close ends every session in order, then the server, and says how long that took.
func (c *crowd) close() (time.Duration, error) {
	began := time.Now()
	errs := []error{c.each((*guest).hangUp)}
	for _, g := range c.guests {
		g.lay()
	}
	c.stop()
	errs = append(errs, <-c.done, c.dev.failure())
	if n := len(c.server.Snapshot().Sessions); n != 0 {
		errs = append(errs, fmt.Errorf("%d sessions are left at a server that has ended", n))
	}
	return time.Since(began), errors.Join(errs...)
}
