package scale

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/arc4tun/arc4tun/internal/lab/memnet"
	"github.com/arc4tun/arc4tun/tunnel"
	"github.com/arc4tun/arc4tun/tunnel/gre"
	"github.com/arc4tun/arc4tun/tunnel/netdev"
)

// guest is one client with its local end.
type guest struct {
	outer  netip.Addr
	user   string
	client *tunnel.Client
	dev    *clientDevice
	leave  context.CancelFunc
	up     chan struct{}
	ended  chan error

	mu       sync.Mutex
	vanished bool
	tcp      *phantom
	gre      gre.Conn
}

// outerOf is the address of guest i on the wire: 127.64.0.1 and so on, all of
// them this machine's.
func outerOf(i int) netip.Addr {
	i++
	return netip.AddrFrom4([4]byte{127, 64 + byte(i>>16), byte(i >> 8), byte(i)})
}

func userOf(i int) string { return fmt.Sprintf("guest%d", i) }

// newGuest makes client i, which calls when call is called.
func newGuest(i int, cfg Config, h *memnet.Network, server, password string, dev *clientDevice) (*guest, error) {
	g := &guest{outer: outerOf(i), user: userOf(i), dev: dev, up: make(chan struct{}, 1), ended: make(chan error, 1)}
	var err error
	g.client, err = tunnel.NewClient(tunnel.ClientConfig{
		Options: tunnel.Options{Backend: cfg.Backend, Log: cfg.Log},
		Server:  server, User: g.user, Password: password,
		Bring: func(_ context.Context, n tunnel.Network) (netdev.Device, error) {
			return dev, dev.address(n.Local, n.Remote)
		},
		Changed: func(up bool, _ tunnel.Network) {
			if up {
				g.up <- struct{}{}
			}
		},
		Dial: g.dial,
		ListenGRE: func(local, _ netip.Addr) (gre.Conn, error) {
			c, err := h.Listen(local)
			g.mu.Lock()
			g.gre = c
			g.mu.Unlock()
			return c, err
		},
	})
	return g, err
}

func (g *guest) dial(ctx context.Context, server string) (net.Conn, error) {
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: g.outer.AsSlice()}}
	c, err := d.DialContext(ctx, "tcp4", server)
	if err != nil {
		return nil, err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.tcp = &phantom{Conn: c}
	return g.tcp, nil
}

// call starts the client and waits until it is up.
func (g *guest) call(ctx context.Context, patience time.Duration) error {
	running, leave := context.WithCancel(context.WithoutCancel(ctx))
	g.leave = leave
	go func() { g.ended <- g.client.Run(running) }()
	limit := time.NewTimer(patience)
	defer limit.Stop()
	select {
	case <-g.up:
		return nil
	case err := <-g.ended:
		g.ended <- err
		return fmt.Errorf("%s: %w", g.user, err)
	case <-limit.C:
		return fmt.Errorf("%s: not up within %v", g.user, patience)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// hangUp ends the client in order, if it was started.
func (g *guest) hangUp() error {
	if g.leave == nil {
		return nil
	}
	g.leave()
	err := <-g.ended
	g.leave = nil
	if tunnel.ClassOf(err) == tunnel.ClassAdmin || g.gone() {
		err = nil
	}
	return errors.Join(err, g.dev.Close())
}

func (g *guest) gone() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.vanished
}

// vanish takes the client away without a word to the server.
func (g *guest) vanish() error {
	g.mu.Lock()
	g.vanished = true
	tcp, packets := g.tcp, g.gre
	g.mu.Unlock()
	_ = packets.Close() // of a network in memory: never fails
	tcp.vanish()
	return g.hangUp()
}

// lay closes what a vanished client left open.
func (g *guest) lay() {
	if g.tcp != nil {
		_ = g.tcp.Conn.Close()
	}
}

// phantom is a control connection that stays open after its client has vanished.
type phantom struct {
	net.Conn
	gone atomic.Bool
}

// vanish ends a pending Read and makes the connection deaf and dumb.
func (p *phantom) vanish() {
	p.gone.Store(true)
	_ = p.SetReadDeadline(time.Unix(1, 0))
}

func (p *phantom) Write(b []byte) (int, error) {
	if p.gone.Load() {
		return len(b), nil
	}
	return p.Conn.Write(b)
}

func (p *phantom) Close() error {
	if p.gone.Load() {
		return nil
	}
	return p.Conn.Close()
}
