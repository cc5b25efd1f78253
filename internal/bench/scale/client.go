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

// client is one client with its local end.
type client struct {
	outer  netip.Addr
	user   string
	tunnel *tunnel.Client
	device *clientDevice
	cancel context.CancelFunc
	up     chan struct{}
	ended  chan error

	mu       sync.Mutex
	vanished bool
	control  *lingeringConn
	gre      gre.Conn
}

// outerAddress is the address of client i on the wire: 127.64.0.1 and so on, all of
// them this machine's.
func outerAddress(i int) netip.Addr {
	i++
	return netip.AddrFrom4([4]byte{127, 64 + byte(i>>16), byte(i >> 8), byte(i)})
}

func userName(i int) string { return fmt.Sprintf("guest%d", i) }

// newClient makes client i, which calls when call is called.
func newClient(i int, cfg Config, h *memnet.Network, server, password string, dev *clientDevice) (*client, error) {
	cl := &client{outer: outerAddress(i), user: userName(i), device: dev, up: make(chan struct{}, 1), ended: make(chan error, 1)}
	var err error
	cl.tunnel, err = tunnel.NewClient(tunnel.ClientConfig{
		Options: tunnel.Options{Backend: cfg.Backend, Log: cfg.Log},
		Server:  server, User: cl.user, Password: password,
		Bring: func(_ context.Context, n tunnel.Network) (netdev.Device, error) {
			return dev, dev.setAddresses(n.Local, n.Remote)
		},
		Changed: func(up bool, _ tunnel.Network) {
			if up {
				cl.up <- struct{}{}
			}
		},
		Dial: cl.dial,
		ListenGRE: func(local, _ netip.Addr) (gre.Conn, error) {
			c, err := h.Listen(local)
			cl.mu.Lock()
			cl.gre = c
			cl.mu.Unlock()
			return c, err
		},
	})
	return cl, err
}

func (cl *client) dial(ctx context.Context, server string) (net.Conn, error) {
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: cl.outer.AsSlice()}}
	c, err := d.DialContext(ctx, "tcp4", server)
	if err != nil {
		return nil, err
	}
	cl.mu.Lock()
	defer cl.mu.Unlock()
	cl.control = &lingeringConn{Conn: c}
	return cl.control, nil
}

// call starts the client and waits until it is up.
func (cl *client) call(ctx context.Context, patience time.Duration) error {
	running, cancel := context.WithCancel(context.WithoutCancel(ctx))
	cl.cancel = cancel
	go func() { cl.ended <- cl.tunnel.Run(running) }()
	limit := time.NewTimer(patience)
	defer limit.Stop()
	select {
	case <-cl.up:
		return nil
	case err := <-cl.ended:
		cl.ended <- err
		return fmt.Errorf("%s: %w", cl.user, err)
	case <-limit.C:
		return fmt.Errorf("%s: not up within %v", cl.user, patience)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// hangUp ends the client in order, if it was started.
func (cl *client) hangUp() error {
	if cl.cancel == nil {
		return nil
	}
	cl.cancel()
	err := <-cl.ended
	cl.cancel = nil
	if tunnel.ClassOf(err) == tunnel.ClassAdmin || cl.hasVanished() {
		err = nil
	}
	return errors.Join(err, cl.device.Close())
}

func (cl *client) hasVanished() bool {
	cl.mu.Lock()
	defer cl.mu.Unlock()
	return cl.vanished
}

// vanish takes the client away without a word to the server.
func (cl *client) vanish() error {
	cl.mu.Lock()
	cl.vanished = true
	tcp, packets := cl.control, cl.gre
	cl.mu.Unlock()
	_ = packets.Close() // of a network in memory: never fails
	tcp.vanish()
	return cl.hangUp()
}

// closeLeftover closes what a vanished client left open.
func (cl *client) closeLeftover() {
	if cl.control != nil {
		_ = cl.control.Conn.Close()
	}
}

// lingeringConn is a control connection that stays open after its client has vanished.
type lingeringConn struct {
	net.Conn
	gone atomic.Bool
}

// vanish ends a pending Read and makes the connection deaf and dumb.
func (p *lingeringConn) vanish() {
	p.gone.Store(true)
	_ = p.SetReadDeadline(time.Unix(1, 0))
}

func (p *lingeringConn) Write(b []byte) (int, error) {
	if p.gone.Load() {
		return len(b), nil
	}
	return p.Conn.Write(b)
}

func (p *lingeringConn) Close() error {
	if p.gone.Load() {
		return nil
	}
	return p.Conn.Close()
}
