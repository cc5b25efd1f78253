package netstack

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"time"
)

// ListenPacket takes and sends datagrams at this end's address in the tunnel: network is udp, udp4
// or udp6, address is :PORT, or has this end's own address before it; port 0 stands for any free
// one. It ends when the tunnel comes back with other addresses. It writes to a *net.UDPAddr.
func (d *Dialer) ListenPacket(ctx context.Context, network, address string) (net.PacketConn, error) {
	transport, family, err := splitNetwork(network)
	if err != nil || transport != "udp" {
		return nil, net.UnknownNetworkError(network)
	}
	s, err := d.current(ctx)
	if err != nil {
		return nil, err
	}
	at, err := s.own(family, address)
	if err != nil {
		return nil, err
	}
	conn, err := s.ListenUDP(at)
	if err != nil {
		return nil, err
	}
	return &packetConn{conn, s}, nil
}

// packetConn sends to what the tunnel leads to alone.
type packetConn struct {
	net.PacketConn
	stack *stack
}

func (c *packetConn) WriteTo(b []byte, to net.Addr) (int, error) {
	udp, is := to.(*net.UDPAddr)
	if !is {
		return 0, &net.OpError{Op: "write", Net: "udp", Addr: to, Err: errors.New("no UDP address")}
	}
	addr := udp.AddrPort().Addr().Unmap()
	if err := c.stack.reaches(addr); err != nil {
		return 0, &net.OpError{Op: "write", Net: "udp", Addr: to, Err: err}
	}
	return c.PacketConn.WriteTo(b, &net.UDPAddr{IP: addr.AsSlice(), Port: udp.Port}) // the stack knows an address by its bytes
}

// own is one of this end's own addresses, and the port to listen on.
func (s *stack) own(family, address string) (netip.AddrPort, error) {
	host, port, err := splitAddress(address)
	if err != nil {
		return netip.AddrPort{}, err
	}
	addr := s.network.Local
	if family == "6" {
		addr = s.network.LocalIPv6
	}
	if host != "" {
		if addr, err = netip.ParseAddr(host); err != nil {
			return netip.AddrPort{}, err
		}
		switch {
		case addr == netip.IPv4Unspecified():
			addr = s.network.Local
		case addr == netip.IPv6Unspecified():
			addr = s.network.LocalIPv6
		case addr != s.network.Local && addr != s.network.LocalIPv6:
			return netip.AddrPort{}, fmt.Errorf("%s is not this end's address in the tunnel, which is %s", addr, s.network.Local)
		}
	}
	if !addr.IsValid() {
		return netip.AddrPort{}, errors.New("there is no IPv6 in the tunnel")
	}
	return netip.AddrPortFrom(addr, port), nil
}

// Listen takes TCP connections at this end's address in the tunnel; address is as that of
// ListenPacket, with a port. It listens again by itself when the tunnel comes back, also with
// another address.
func (d *Dialer) Listen(network, address string) (net.Listener, error) {
	transport, family, err := splitNetwork(network)
	if err != nil || transport != "tcp" {
		return nil, net.UnknownNetworkError(network)
	}
	if _, port, err := splitAddress(address); err != nil {
		return nil, err
	} else if port == 0 {
		return nil, &net.AddrError{Err: "the port must be 1 to 65535", Addr: address}
	}
	ctx, stop := context.WithCancel(context.Background())
	return &listener{dialer: d, family: family, address: address, ctx: ctx, stop: stop}, nil
}

// listener is one that goes from stack to stack.
type listener struct {
	dialer          *Dialer
	family, address string
	ctx             context.Context
	stop            context.CancelFunc

	mu    sync.Mutex
	on    *stack // what inner belongs to
	inner net.Listener
}

// again is between two attempts to listen where that has failed: the address may be another's for
// the time being.
const again = time.Second

func (l *listener) Accept() (net.Conn, error) {
	for {
		inner, err := l.ready()
		if err != nil {
			return nil, err
		}
		conn, err := inner.Accept()
		if err == nil {
			return conn, nil
		}
		l.mu.Lock()
		l.inner, l.on = nil, nil
		l.mu.Unlock()
		inner.Close()
	}
}

// ready gives what listens now, and waits for it.
func (l *listener) ready() (net.Listener, error) {
	for {
		s, err := l.dialer.current(l.ctx)
		switch {
		case l.ctx.Err() != nil || errors.Is(err, net.ErrClosed):
			return nil, net.ErrClosed
		case err != nil:
			continue // for as long as it takes
		}
		inner, err := l.listen(s)
		if inner != nil {
			return inner, nil
		}
		l.dialer.log.Warn("nothing listens in the tunnel", "address", l.address, "error", err)
		select {
		case <-time.After(again):
		case <-l.ctx.Done():
		}
	}
}

// listen listens on a stack, unless it does already.
func (l *listener) listen(s *stack) (net.Listener, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ctx.Err() != nil {
		return nil, net.ErrClosed
	}
	if l.inner != nil && l.on.Stack == s.Stack {
		return l.inner, nil
	}
	at, err := s.own(l.family, l.address)
	if err != nil {
		return nil, err
	}
	if err := s.SetWindow(windowFor(128, l.dialer.small)); err != nil {
		return nil, err
	}
	if l.inner, err = s.ListenTCP(at); err != nil {
		l.inner = nil
		return nil, err
	}
	l.on = s
	go func() { // a stack that ends does not end who waits in Accept
		select {
		case <-s.gone:
		case <-l.ctx.Done():
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.on == s && l.inner != nil {
			l.inner.Close()
		}
	}()
	return l.inner, nil
}

func (l *listener) Close() error {
	l.stop()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.inner != nil {
		return l.inner.Close()
	}
	return nil
}

// Addr is what it listens on now, or was to.
func (l *listener) Addr() net.Addr {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.inner != nil {
		return l.inner.Addr()
	}
	_, port, _ := splitAddress(l.address)
	return &net.TCPAddr{IP: net.ParseIP(strings.TrimSuffix(l.address, fmt.Sprintf(":%d", port))), Port: int(port)}
}
