package lab

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/arc4tun/arc4tun/tunnel"
	"github.com/arc4tun/arc4tun/tunnel/gre"
	"github.com/arc4tun/arc4tun/tunnel/netdev"
	"github.com/arc4tun/arc4tun/tunnel/pool"
	"github.com/arc4tun/arc4tun/tunnel/ppp"
	"github.com/arc4tun/arc4tun/tunnel/reorder"
	"github.com/arc4tun/arc4tun/tunnel/status"
)

// TunnelConfig says what may differ from tunnel to tunnel of one lab.
type TunnelConfig struct {
	Reorder reorder.Config // the window of both ends
}

// call is a server, a client and the tunnel between them.
type call struct {
	address                string // of the server
	server                 *tunnel.Server
	client                 *tunnel.Client
	stopServer, stopClient context.CancelFunc
	serverDone, clientDone chan error
	dropDevices            func() error
}

// setUpTime bounds what setting a tunnel up may take, over a link without
// impairment.
const setUpTime = 20 * time.Second

// user is who calls; the password is new for each tunnel.
const user = "lab"

// StartTunnel brings up a server and a client, and returns when the tunnel
// between them is up. A tunnel that is up already is ended first. Setting up
// happens over a perfect link.
func (l *Lab) StartTunnel(ctx context.Context, cfg TunnelConfig) error {
	if err := l.StopTunnel(); err != nil {
		return err
	}
	return l.overPerfectLink(func() error {
		c, err := l.newCall(ctx, cfg)
		if err != nil {
			return fmt.Errorf("lab: tunnel: %w", err)
		}
		l.mu.Lock()
		l.call = c
		l.mu.Unlock()
		return nil
	})
}

// StopTunnel ends the tunnel in order, if there is one.
func (l *Lab) StopTunnel() error {
	l.mu.Lock()
	c := l.call
	l.call = nil
	l.mu.Unlock()
	if c == nil {
		return nil
	}
	return l.overPerfectLink(c.stop)
}

// Snapshots tell the state of both ends of the tunnel, with all counters since it
// was started; false when there is none.
func (l *Lab) Snapshots() (server, client status.Snapshot, ok bool) {
	l.mu.Lock()
	c := l.call
	l.mu.Unlock()
	if c == nil {
		return server, client, false
	}
	return c.server.Snapshot(), c.client.Snapshot(), true
}

func (l *Lab) newCall(ctx context.Context, cfg TunnelConfig) (*call, error) {
	c := &call{dropDevices: l.net.dropDevices, serverDone: make(chan error, 1), clientDone: make(chan error, 1)}
	password := rand.Text()
	if err := l.newServer(ctx, c, cfg, password); err != nil {
		return nil, errors.Join(err, c.dropDevices())
	}
	up := make(chan struct{}, 1)
	if err := l.newClient(ctx, c, cfg, password, up); err != nil {
		return nil, errors.Join(err, c.stop())
	}
	limit := time.NewTimer(setUpTime)
	defer limit.Stop()
	var err error
	select {
	case <-up:
		return c, nil
	case err = <-c.clientDone:
		c.clientDone <- err
	case <-limit.C:
		err = fmt.Errorf("not up within %v", setUpTime)
	case <-ctx.Done():
		err = ctx.Err()
	}
	return nil, errors.Join(err, c.stop())
}

// newServer opens and starts the server. Calls outlive ctx: they end in order.
func (l *Lab) newServer(ctx context.Context, c *call, cfg TunnelConfig, password string) error {
	addresses, err := pool.Parse(clientInner.String() + "-" + clientInner.String())
	if err != nil {
		return err
	}
	dev, err := l.net.device(ctx, server, tunnel.Network{Local: serverInner, Remote: clientInner, MTU: l.cfg.MTU})
	if err != nil {
		return err
	}
	listener, err := l.net.listen(server, Raw, tunnel.Port, TCP{})
	if err != nil {
		return errors.Join(err, dev.Close())
	}
	c.address = listener.Addr().String()
	c.server, err = tunnel.NewServer(tunnel.ServerConfig{
		Options: l.options(cfg, "server"), Listeners: []net.Listener{listener}, Device: dev, LocalIP: serverInner, Pool: addresses,
		Lookup: func(name string) (tunnel.Account, bool) {
			return tunnel.Account{Account: ppp.Account{Password: password}}, name == user
		},
		ListenGRE: func(netip.Addr) (gre.Conn, error) { return l.net.listenGRE(server, netip.Addr{}) },
	})
	if err != nil {
		return errors.Join(err, listener.Close(), dev.Close())
	}
	serverCtx, stop := context.WithCancel(context.WithoutCancel(ctx))
	c.stopServer = stop
	go func() { c.serverDone <- c.server.Serve(serverCtx) }()
	return nil
}

// newClient starts the client; up hears when its tunnel is up.
func (l *Lab) newClient(ctx context.Context, c *call, cfg TunnelConfig, password string, up chan<- struct{}) error {
	var err error
	c.client, err = tunnel.NewClient(tunnel.ClientConfig{
		Options: l.options(cfg, "client"), Server: c.address, User: user, Password: password,
		Bring: func(ctx context.Context, n tunnel.Network) (netdev.Device, error) {
			return l.net.device(ctx, client, n)
		},
		Changed: func(isUp bool, _ tunnel.Network) {
			if isUp {
				select {
				case up <- struct{}{}:
				default:
				}
			}
		},
		Dial: func(ctx context.Context, address string) (net.Conn, error) {
			return l.net.dial(ctx, client, Raw, address, TCP{})
		},
		ListenGRE: func(_, peer netip.Addr) (gre.Conn, error) { return l.net.listenGRE(client, peer) },
	})
	if err != nil {
		return err
	}
	clientCtx, stop := context.WithCancel(context.WithoutCancel(ctx))
	c.stopClient = stop
	go func() { c.clientDone <- c.client.Run(clientCtx) }()
	return nil
}

func (l *Lab) options(cfg TunnelConfig, end string) tunnel.Options {
	return tunnel.Options{Backend: l.cfg.Backend, MTU: l.cfg.MTU, Small: l.cfg.Small, Reorder: cfg.Reorder, Log: l.cfg.Log.With("end", end)}
}

// stop ends the client, then the server, and waits for both.
func (c *call) stop() error {
	var errs []error
	if c.stopClient != nil {
		c.stopClient()
		if err := <-c.clientDone; tunnel.ClassOf(err) != tunnel.ClassAdmin {
			errs = append(errs, err)
		}
	}
	c.stopServer()
	errs = append(errs, <-c.serverDone, c.dropDevices())
	return errors.Join(errs...)
}
