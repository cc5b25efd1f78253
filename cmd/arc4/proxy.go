//go:build !noproxy

package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/netip"
	"syscall"

	"github.com/arc4tun/arc4tun/cmd/arc4/internal/exit"
	"github.com/arc4tun/arc4tun/internal/proxy"
	"github.com/arc4tun/arc4tun/tunnel/localend"
	"github.com/arc4tun/arc4tun/tunnel/netstack"
	"github.com/arc4tun/arc4tun/tunnel/status"
)

// proxyEnd is a local end without a device: a TCP/IP stack, and a proxy into it.
type proxyEnd struct {
	*netstack.Dialer
	server *proxy.Server
}

// Device is none.
func (*proxyEnd) Device() string { return "" }

// Close ends the connections first, and then what they go through.
func (e *proxyEnd) Close() {
	e.server.Close()
	e.Dialer.Close()
}

// permitted is what this process lacks for a tunnel without a device.
func (*proxyFlags) permitted() error {
	err := localend.PermittedGRE()
	return exit.With(exit.CodeOfLocal(err), err)
}

// localEnd listens, and makes the local end. Of c it takes what is not about a device.
func (p *proxyFlags) localEnd(ctx context.Context, c localend.ClientConfig, small bool) (clientEnd, error) {
	log := c.Log
	var listening []net.Listener
	abort := func(err error) (clientEnd, error) {
		for _, l := range listening {
			l.Close()
		}
		return nil, err
	}
	for _, l := range p.listens {
		open, err := listen(ctx, l.flag, l.at.String())
		if err != nil {
			return abort(err)
		}
		listening = append(listening, open)
		p.warn(log, l.flag, open.Addr(), p.password != "")
	}
	for _, pair := range p.forwards {
		open, err := listen(ctx, "--forward", pair.at)
		if err != nil {
			return abort(err)
		}
		listening = append(listening, open)
		p.warn(log, "--forward", open.Addr(), false)
	}
	dialer := netstack.NewDialer(netstack.Config{
		NameServers: p.servers, Small: small, Mark: c.Mark, Interface: c.Interface, Suspended: c.Suspended, Log: log,
	})
	server := proxy.New(proxy.Config{Network: dialer, User: p.user, Password: p.password, Limits: proxy.LimitsOf(small), Log: log})
	p.end = &proxyEnd{dialer, server}
	for i, l := range p.listens {
		server.Serve(listening[i], l.Protocols)
	}
	for i, pair := range p.forwards {
		server.Forward(listening[len(p.listens)+i], pair.to)
	}
	for _, pair := range p.reverts {
		l, err := dialer.Listen("tcp", pair.at)
		if err != nil {
			p.end.Close()
			return nil, exit.Usagef("--reverse %s: %w", pair.at, err)
		}
		server.Reverse(l, pair.to)
	}
	for _, l := range server.Status() {
		log.Info("proxy", "kind", l.Kind, "address", l.Address, "to", l.To)
	}
	return p.end, nil
}

// listen listens on this machine: at 0.0.0.0 by IPv4 alone, which Go's "tcp" would widen to IPv6.
func listen(ctx context.Context, flag, at string) (net.Listener, error) {
	var c net.ListenConfig
	network := "tcp"
	if addr, err := netip.ParseAddrPort(at); err == nil && addr.Addr().Is4() {
		network = "tcp4"
	}
	l, err := c.Listen(ctx, network, at)
	switch {
	case err == nil:
		return l, nil
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, exit.With(exit.Network, fmt.Errorf("%s %s: another program listens there already: choose another port, or 0 for any", flag, at))
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return nil, exit.With(exit.Network, fmt.Errorf("%s %s: no interface of this machine has that address", flag, at))
	case errors.Is(err, fs.ErrPermission):
		return nil, exit.With(exit.Permission, fmt.Errorf("%s %s: this user may not listen there: choose a port above 1023", flag, at))
	}
	return nil, exit.With(exit.Network, fmt.Errorf("%s %s: %w", flag, at, err))
}

// warn says so where others can use the tunnel.
func (*proxyFlags) warn(log *slog.Logger, flag string, at net.Addr, protected bool) {
	addr, err := netip.ParseAddrPort(at.String())
	if err != nil || addr.Addr().IsLoopback() || protected {
		return
	}
	if flag == "--forward" {
		log.Warn("--forward: whoever reaches this address gets through the tunnel", "address", at)
		return
	}
	log.Warn(flag+": whoever reaches this address can use the tunnel: give --proxy-user and --proxy-password-file, or listen on 127.0.0.1", "address", at)
}

// status is what arc4 status shows of the proxy; nil: there is none.
func (f *proxyFlags) status() *status.Proxy {
	if f.end == nil {
		return nil
	}
	s := &status.Proxy{Listeners: f.end.server.Status(), NameServers: []string{}}
	for _, a := range f.end.NameServers() {
		s.NameServers = append(s.NameServers, a.String())
	}
	return s
}
