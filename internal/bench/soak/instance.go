package soak

import (
	"context"
	"log/slog"
	"net"
	"net/netip"
	"time"

	"github.com/arc4tun/arc4tun/arc4"
	"github.com/arc4tun/arc4tun/internal/lab"
	"github.com/arc4tun/arc4tun/tunnel"
	"github.com/arc4tun/arc4tun/tunnel/gre"
	"github.com/arc4tun/arc4tun/tunnel/netdev"
	"github.com/arc4tun/arc4tun/tunnel/pool"
	"github.com/arc4tun/arc4tun/tunnel/ppp"
)

// The one user has one address, so that a call of his takes over from the last one, which the
// server may still hold.
const (
	user     = "soak"
	password = "in for a penny"
)

// userAccount is the user's in the server's database.
func userAccount(inner netip.Addr) tunnel.Account {
	return tunnel.Account{
		Account:   ppp.Account{Password: password, Allowed: func(a netip.Addr) bool { return a == inner }},
		Preferred: inner,
	}
}

// startServer starts a server, whose device and sockets are its own.
func startServer(e *endpoint, at *serverAddress, s endSettings, backend *arc4.Backend, log *slog.Logger, client lab.Host) error {
	inner := client.Address(lab.Tunnel)
	addresses, err := pool.Parse(inner.String() + "-" + inner.String())
	if err != nil {
		return err
	}
	dev, err := e.openDevice(context.Background())
	if err != nil {
		return err
	}
	heard, err := e.host.Listen(lab.Raw, tunnel.Port)
	if err != nil {
		return err
	}
	o := s.options(e)
	o.Backend, o.Log = backend, log
	server, err := tunnel.NewServer(tunnel.ServerConfig{
		Options: o, Listeners: []net.Listener{&keepingListener{heard, e}}, Device: dev, LocalIP: e.host.Address(lab.Tunnel), Pool: addresses,
		Lookup: func(name string) (tunnel.Account, bool) { return userAccount(inner), name == user },
		ListenGRE: func(netip.Addr) (gre.Conn, error) {
			c, err := e.host.ListenGRE()
			if err != nil {
				return nil, err
			}
			return e.gre.wrap(c), nil
		},
	})
	if err != nil {
		return err
	}
	text := heard.Addr().String()
	at.text.Store(&text)
	e.start(server.Snapshot, func(ctx context.Context) {
		if err := server.Serve(ctx); err != nil {
			e.fault("the server ended: %v", err)
		}
	})
	return nil
}

// redialPause is the pause before a client calls again.
const redialPause = 200 * time.Millisecond

// startClient starts a client, which calls until it is stopped.
func startClient(e *endpoint, at *serverAddress, s endSettings, backend *arc4.Backend, log *slog.Logger) error {
	o := s.options(e)
	o.Backend, o.Log = backend, log
	client, err := tunnel.NewClient(tunnel.ClientConfig{
		Options: o, Server: "server.example:1723", User: user, Password: password,
		Bring: func(ctx context.Context, _ tunnel.Network) (netdev.Device, error) { return e.openDevice(ctx) },
		Dial:  func(ctx context.Context, _ string) (net.Conn, error) { return at.dial(ctx, e) },
		ListenGRE: func(_, _ netip.Addr) (gre.Conn, error) {
			c, err := e.host.ListenGRE()
			if err != nil {
				return nil, err
			}
			return e.gre.wrap(c), nil
		},
	})
	if err != nil {
		return err
	}
	e.start(client.Snapshot, func(ctx context.Context) {
		for ctx.Err() == nil {
			if err := unexpectedEnd(client.Run(ctx)); err != nil && ctx.Err() == nil {
				e.fault("%v", err)
			}
			select {
			case <-ctx.Done():
			case <-time.After(redialPause):
			}
		}
	})
	return nil
}
